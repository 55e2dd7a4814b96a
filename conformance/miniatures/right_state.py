"""Right answers about state: stored responses told again and listed, counts, compactions, and what cannot be had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from conformance.miniatures.edits import Draft
from conformance.miniatures.right_conversation import Memory
from conformance.transcript import ClientRequest, Exchange, Received
from fakes.dialects import get
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

__all__ = ["compacted", "compaction_object", "counted", "json_answer", "response_id", "state_fault", "stored"]

_COUNTERS: Mapping[Dialect, tuple[str, str]] = {
    "messages": ("/v1/messages/count_tokens", "input_tokens"),
    "vllm": ("/tokenize", "count"),
}
_UNSUPPORTED = ("background", "conversation", "prompt")


def response_id(drive: int, turn: int) -> str:
    """An id that nobody can guess from another one."""
    return f"resp_{hashlib.sha256(f'{drive}.{turn}'.encode()).hexdigest()[:32]}"


def json_answer(request: ClientRequest, status: int, value: Any) -> Exchange:
    """An answer that is JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Exchange(request, status, (("content-type", "application/json"),), (Received(0.01, body),), ended_at=0.01)


def _refusal(request: ClientRequest, status: int, message: str, param: str | None = None) -> Exchange:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return json_answer(request, status, {"error": error})


def _final(exchange: Exchange) -> dict[str, Any]:
    if not exchange.is_stream:
        return exchange.json if isinstance(exchange.json, dict) else {}
    responses = [event.get("response") for event in exchange.events]
    return next((response for response in reversed(responses) if isinstance(response, dict)), {})


def _source(identity: str, earlier: Sequence[Exchange]) -> Exchange | None:
    """The exchange whose response was stored under an id; None where none was, or it is deleted."""
    if any(e.request.method == "DELETE" and e.request.path.endswith(identity) for e in earlier):
        return None
    posts = [exchange for exchange in earlier if exchange.request.method == "POST"]
    found = next((exchange for exchange in posts if _final(exchange).get("id") == identity), None)
    return None if found is None or found.request.body.get("store") is False else found


def stored(request: ClientRequest, rest: str, earlier: Sequence[Exchange]) -> Exchange:
    """The answer to a request below `/responses/`: a response, its events, its input, or its deletion."""
    identity, _, tail = rest.partition("/")
    query = dict(parse_qsl(request.path.partition("?")[2]))
    source = _source(identity, earlier)
    if source is None:
        return _refusal(request, 404, "There is no such response.")
    if request.method == "DELETE":
        return json_answer(request, 200, {"id": identity, "object": "response", "deleted": True})
    if tail == "input_items":
        return json_answer(request, 200, _page(source.request.body.get("input"), query))
    return (
        _again(request, source, query) if query.get("stream") == "true" else json_answer(request, 200, _final(source))
    )


def _again(request: ClientRequest, source: Exchange, query: Mapping[str, str]) -> Exchange:
    if not source.is_stream:
        return _refusal(request, 400, "It was not created as a stream.", "stream")
    after = int(query.get("starting_after", -1))
    events = [event for event in source.events if event.is_done or (event.get("sequence_number") or 0) > after]
    received = tuple(Received(event.t, source.body[event.sse.start : event.sse.end]) for event in events)
    return Exchange(request, 200, source.headers, received, ended_at=source.ended_at)


def _page(given: Any, query: Mapping[str, str]) -> dict[str, Any]:
    items = [{"id": f"msg_in_{number}", **item} for number, item in enumerate(given if isinstance(given, list) else ())]
    if query.get("order", "desc") == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    begin = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    page = items[begin : begin + int(query.get("limit", 20))]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": begin + len(page) < len(items),
    }


def state_fault(request: ClientRequest, earlier: Sequence[Exchange]) -> Exchange | None:
    """The refusal of what cannot be continued, referred to or honoured; None where nothing is wrong."""
    body = request.body
    unsupported = next((field for field in _UNSUPPORTED if body.get(field)), None)
    if unsupported:
        return _refusal(request, 400, f"{unsupported} is not supported.", unsupported)
    previous = body.get("previous_response_id")
    source = _source(previous, earlier) if isinstance(previous, str) else None
    if previous is not None and (source is None or _final(source).get("status") == "failed"):
        error = {"message": "It cannot be continued.", "type": "invalid_request_error"}
        named = {"param": "previous_response_id", "code": "previous_response_not_found"}
        return json_answer(request, 400, {"error": error | named})
    known = {item.get("id") for exchange in earlier for item in _final(exchange).get("output") or ()}
    if any(item["id"] not in known for item in _items(body) if item.get("type") == "item_reference"):
        return _refusal(request, 404, "There is no such item.", "input")
    return None


def _items(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = body.get("input")
    return (item for item in (given if isinstance(given, list) else ()) if isinstance(item, dict))


def counted(request: ClientRequest, dialect: Dialect, sent: Mapping[str, Any]) -> Exchange:
    """The count of a request's tokens: what the upstream says of it, where it can count."""
    if dialect not in _COUNTERS:
        return _refusal(request, 501, "This upstream does not count tokens.")
    path, key = _COUNTERS[dialect]
    reply = get(dialect).probe("POST", path, sent)
    assert reply is not None
    call = UpstreamCall("POST", path, "", (), json.dumps(sent).encode(), sent, 0.001, kind="probe", status=reply.status)
    call.sent, call.ended = [Sent(0.002, reply.body)], "complete"
    count = {"object": "response.input_tokens", "input_tokens": json.loads(reply.body)[key]}
    exchange = json_answer(request, 200, count)
    exchange.upstream = (call,)
    return exchange


def compacted(exchange: Exchange, memory: Memory) -> Exchange:
    """The answer to a `compaction_trigger`: the summary of an ordinary answer, sealed in one item."""
    item = _sealed(exchange, memory)
    if not exchange.is_stream:
        body = {**exchange.json, "output": [item]}
        return _with(exchange, json_answer(exchange.request, 200, body).received)
    draft = Draft.begin(exchange)
    lifecycle = ("response.created", "response.in_progress", "response.completed")
    draft.drop(*(frame for frame in draft.events if frame.type not in lifecycle))
    for response in draft.snapshots():
        response["output"] = [item] if response["status"] == "completed" else []
    told = {"output_index": 0, "item": item, "sequence_number": 0}
    place = draft.nth(-1, "response.created", "response.in_progress")
    draft.insert(
        place,
        {"type": "response.output_item.added", **told},
        {"type": "response.output_item.done", **told},
    )
    return draft.written()


def compaction_object(exchange: Exchange, memory: Memory) -> Exchange:
    """The answer of `POST /responses/compact`: the user's messages, and the summary of an ordinary answer, sealed."""
    response = exchange.json
    asked = [item for item in _items(exchange.request.body) if item.get("role") == "user"]
    users = [_kept_message(item, number) for number, item in enumerate(asked)]
    body = {
        "id": f"comp_{response['id']}",
        "object": "response.compaction",
        "created_at": response["created_at"],
        "output": [*users, _sealed(exchange, memory)],
        "usage": response["usage"],
    }
    return _with(exchange, json_answer(exchange.request, 200, body).received)


def _kept_message(item: dict[str, Any], number: int) -> dict[str, Any]:
    """A message of the input as an item of an output: with an id, a status, and its content in parts."""
    content = item.get("content")
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    return {"type": "message", "id": f"msg_kept{number}", "status": "completed", **item, "content": parts}


def _with(exchange: Exchange, received: tuple[Received, ...]) -> Exchange:
    return Exchange(
        exchange.request, exchange.status, exchange.headers, received, said=exchange.said, upstream=exchange.upstream
    )


def _sealed(exchange: Exchange, memory: Memory) -> dict[str, Any]:
    summary = exchange.said.joined("text") if exchange.said is not None else ""
    blob = hashlib.sha256(summary.encode()).hexdigest()
    memory.known[blob] = {"type": "message", "role": "user", "content": f"What was said before: {summary}"}
    return {"type": "compaction", "id": f"cmp_{blob[:24]}", "encrypted_content": blob}
