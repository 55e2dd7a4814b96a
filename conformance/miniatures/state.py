"""Proxies that keep what they should not, tell it again wrongly, or cannot say what they cannot do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import edit_calls, edit_exchanges, edit_request, encode
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.transcript import Exchange, Received, Transcript

_OK = {"object": "response", "status": "completed", "output": []}


def _edit(matches: Callable[[Exchange], bool], edit: Callable[[Exchange], Exchange]) -> Edit:
    return lambda transcript: edit_exchanges(transcript, lambda e: edit(e) if matches(e) else e)


def _answers(exchange: Exchange, value: Any, status: int = 200) -> Exchange:
    headers = (("content-type", "application/json"),)
    return replace(exchange, status=status, headers=headers, received=(Received(0.01, json.dumps(value).encode()),))


def _path(*words: str) -> Callable[[Exchange], bool]:
    return lambda exchange: all(word in exchange.request.path for word in words)


def _asked(key: str) -> Callable[[Exchange], bool]:
    return lambda exchange: isinstance(exchange.request.body, dict) and bool(exchange.request.body.get(key))


_REPLAY = _path("stream=true")
_PAGE = _path("/input_items")


def _events(edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Edit:
    """An edit of the events of streams that are told again."""

    def one(exchange: Exchange) -> Exchange:
        events = edit([json.loads(event.sse.data) for event in exchange.events if not event.is_done])
        return replace(exchange, received=tuple(Received(0.01, encode(event)) for event in events))

    return _edit(lambda exchange: _REPLAY(exchange) and exchange.is_stream, one)


@miniature("retrieval.stream-not-ignored")
def replay_as_json(transcript: Transcript) -> Transcript:
    """Takes no notice of `stream=true` when a response is fetched."""
    return _edit(_REPLAY, lambda exchange: _answers(exchange, _OK))(transcript)


@miniature("retrieval.replay-only-what-follows")
def replay_from_the_start(transcript: Transcript) -> Transcript:
    """Tells the event of `starting_after` itself once more."""
    return _events(lambda told: [{**told[0], "sequence_number": told[0]["sequence_number"] - 1}, *told])(transcript)


@miniature("retrieval.replay-only-what-follows", "retrieval.replay-same-events")
def replay_numbered_anew(transcript: Transcript) -> Transcript:
    """Counts the events of a replay from 0."""
    return _events(lambda told: [{**event, "sequence_number": n} for n, event in enumerate(told)])(transcript)


@miniature("retrieval.replay-same-events")
def replay_loses_one(transcript: Transcript) -> Transcript:
    """Leaves the third event of a replay out."""
    return _events(lambda told: [*told[:2], *told[3:]])(transcript)


@miniature("retrieval.replay-same-events")
def replay_in_other_words(transcript: Transcript) -> Transcript:
    """Tells the second delta of a replay in other words."""

    def edit(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        deltas = [event for event in told if event["type"].endswith(".delta")]
        return [{**event, "delta": "~"} if event is deltas[1:2][0] else event for event in told] if deltas[1:] else told

    return _events(edit)(transcript)


def _pages(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Edit:
    """An edit of lists of input items, where there are any."""

    def one(exchange: Exchange) -> Exchange:
        return _answers(exchange, edit(exchange.json)) if exchange.status == 200 else exchange

    return _edit(_PAGE, one)


def _listing(page: dict[str, Any], data: list[Any]) -> dict[str, Any]:
    ids = [item["id"] for item in data] or [None]
    return {**page, "data": data, "first_id": ids[0], "last_id": ids[-1]}


@miniature("retrieval.items-are-the-input", "retrieval.newest-item-first")
def items_the_other_way(transcript: Transcript) -> Transcript:
    """Lists each page backwards."""
    return _pages(lambda page: _listing(page, page["data"][::-1]))(transcript)


@miniature("retrieval.items-are-the-input")
def items_without_the_second(transcript: Transcript) -> Transcript:
    """Leaves the second item of a page out."""
    return _pages(lambda page: _listing(page, page["data"][:1] + page["data"][2:]))(transcript)


@miniature("retrieval.page-keys")
def pages_without_end(transcript: Transcript) -> Transcript:
    """Says of every page that others follow."""
    return _pages(lambda page: {**page, "has_more": True})(transcript)


@miniature("retrieval.page-keys")
def pages_by_the_first_id(transcript: Transcript) -> Transcript:
    """Names the first item of a page as its last."""
    return _pages(lambda page: {**page, "last_id": page["first_id"]})(transcript)


def _has_continued(kept_by: Callable[[Exchange], bool]) -> Edit:
    """An edit that answers the continuation of a response, or its retrieval, as if it were there."""

    def whole(transcript: Transcript) -> Transcript:
        drives = []
        for drive in transcript.drives:
            told = [any(map(kept_by, drive.exchanges[:n])) for n in range(len(drive.exchanges))]
            exchanges = [
                _answers(exchange, _OK) if after and exchange.status in (400, 404) else exchange
                for exchange, after in zip(drive.exchanges, told, strict=True)
            ]
            same = all(new is old for new, old in zip(exchanges, drive.exchanges, strict=True))
            drives.append(drive if same else replace(drive, exchanges=exchanges))
        same = all(new is old for new, old in zip(drives, transcript.drives, strict=True))
        return transcript if same else replace(transcript, drives=drives)

    return whole


def _unkept(exchange: Exchange) -> bool:
    return isinstance(exchange.request.body, dict) and exchange.request.body.get("store") is False


@miniature("store.false-leaves-nothing")
def keeps_everything(transcript: Transcript) -> Transcript:
    """Keeps responses that are not to be stored."""
    return _has_continued(_unkept)(transcript)


@miniature("store.deleted-not-continued")
def continues_the_deleted(transcript: Transcript) -> Transcript:
    """Continues what was deleted."""
    return _has_continued(lambda exchange: exchange.request.method == "DELETE")(transcript)


@miniature("store.failed-not-continued")
def continues_the_failed(transcript: Transcript) -> Transcript:
    """Continues a response that failed."""
    return _has_continued(lambda exchange: b'"response.failed"' in exchange.body)(transcript)


@miniature("store.unknown-item-reference")
def skips_unknown_references(transcript: Transcript) -> Transcript:
    """Answers as if a reference to nothing were not there."""

    def refers(exchange: Exchange) -> bool:
        return exchange.status in (400, 404) and "'item_reference'" in str(exchange.request.body)

    return _edit(refers, lambda exchange: _answers(exchange, _OK))(transcript)


def _without(text: str) -> Edit:
    """An edit that takes messages with a text out of the requests upstream."""

    def lost(transcript: Transcript) -> Transcript:
        def edit(call: Any) -> Any:
            said = (call.json or {}).get("messages") or []
            kept = [message for message in said if text not in json.dumps(message)]
            return call if len(kept) == len(said) else edit_request(call, messages=kept)

        return edit_calls(transcript, edit)

    return lost


@miniature("store.item-reference-resolved")
def forgets_references(transcript: Transcript) -> Transcript:
    """Leaves out what an item reference names."""
    return _without("Vermilion")(transcript)


@miniature("compaction.expanded")
def forgets_the_summary(transcript: Transcript) -> Transcript:
    """Drops its own compaction items when they come back."""
    return _without("What was said before")(transcript)


@miniature("store.ids-unguessable")
def ids_by_counting(transcript: Transcript) -> Transcript:
    """Counts its responses."""
    numbers: dict[str, str] = {}

    def one(exchange: Exchange) -> Exchange:
        events = [event.get("response", "id") for event in exchange.events]
        body = exchange.json
        found = next((one for one in events if one), body.get("id") if isinstance(body, dict) else None)
        if not isinstance(found, str) or not found.startswith("resp_"):
            return exchange
        number = numbers.setdefault(found, f"resp_{len(numbers):032d}")
        received = tuple(replace(r, data=r.data.replace(found.encode(), number.encode())) for r in exchange.received)
        return replace(exchange, received=received)

    return edit_exchanges(transcript, one)


_COUNT = _path("/input_tokens")


@miniature("counting.object")
def count_bare(transcript: Transcript) -> Transcript:
    """Gives a count in the upstream's words."""
    return _edit(_COUNT, lambda exchange: _answers(exchange, {"tokens": 7}))(transcript)


@miniature("counting.as-the-upstream")
def count_guessed(transcript: Transcript) -> Transcript:
    """Gives a count of its own, although the upstream had counted."""
    guess = {"object": "response.input_tokens", "input_tokens": 1}
    return _edit(_COUNT, lambda exchange: _answers(exchange, guess) if exchange.upstream else exchange)(transcript)


@miniature("counting.generates-nothing")
def count_by_completion(transcript: Transcript) -> Transcript:
    """Asks the upstream for a completion to learn its usage."""

    def one(exchange: Exchange) -> Exchange:
        return replace(exchange, upstream=tuple(replace(call, kind="completion") for call in exchange.upstream))

    return _edit(lambda exchange: _COUNT(exchange) and bool(exchange.upstream), one)(transcript)


@request_miniature("compaction.whole-conversation")
def sums_nothing_up(request: Outgoing) -> None:
    """Asks for a summary, and shows the model no more than the last message."""
    items = request.asked.get("input")
    triggered = isinstance(items, list) and any(item.get("type") == "compaction_trigger" for item in items)
    if triggered or request.exchange.request.path.endswith("/compact"):
        request.messages[:] = request.messages[-1:]


@miniature("compaction.object")
def compaction_twice(transcript: Transcript) -> Transcript:
    """Puts a second compaction item before the last one."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.json
        return _answers(exchange, {**body, "output": [body["output"][-1], *body["output"]]})

    return _edit(_path("/compact"), one)(transcript)


@miniature("compaction.trigger")
def compaction_as_message(transcript: Transcript) -> Transcript:
    """Answers a compaction trigger with a message before the item."""
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []}

    def one(exchange: Exchange) -> Exchange:
        body = exchange.json
        return _answers(exchange, {**body, "output": [message, *body["output"]]})

    triggered = _edit(
        lambda e: not e.is_stream and e.status == 200 and "'compaction_trigger'" in str(e.request.body), one
    )
    return triggered(transcript)


@miniature("unsupported.never-ignored")
def ignores_the_unsupported(transcript: Transcript) -> Transcript:
    """Answers as if `background`, `conversation` or `prompt` had not been asked for."""
    for field in ("background", "conversation", "prompt"):
        transcript = _edit(_asked(field), lambda exchange: _answers(exchange, _OK))(transcript)
    return transcript


@miniature("unsupported.named")
def refuses_without_a_name(transcript: Transcript) -> Transcript:
    """Refuses what it does not support without saying what."""
    error = {"message": "Bad request.", "type": "invalid_request_error", "param": None, "code": None}
    for field in ("background", "conversation", "prompt"):
        transcript = _edit(_asked(field), lambda exchange: _answers(exchange, {"error": error}, 400))(transcript)
    return transcript
