"""Misreadings: proxies that take what their upstream says for something else, and tell that without a fault.

the upstream's bytes ─▶ the miniature changes them as the proxy mistakes them ─▶ the right answer to those

misreads     register a function on a Heard (the events' JSON, to be changed in place)
mishears     register a function on the bytes
stumbles     register a condition on a Heard under which the proxy answers 500, or its stream just stops
upstream_of  the Heard of an exchange, for miniatures that spoil something else
on_replies   an edit of the exchanges that have one
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from conformance.fold import fold
from conformance.miniatures.edits import Draft, edit_exchanges
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.right_case import own_names, right_answer
from conformance.sse import read_stream
from conformance.transcript import Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = ["CHAT", "MESSAGES", "Heard", "mishears", "misreads", "on_replies", "stumbles", "upstream_of"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)


@dataclass
class Heard:
    """A streamed reply of the upstream as a proxy takes it in. `events` hold JSON, or a string that is none."""

    dialect: Dialect
    request: dict[str, Any]
    body: bytes
    events: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.events = [_value(event.data) for event in read_stream(self.body).events]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events that are JSON objects."""
        return [event for event in self.events if isinstance(event, dict)]

    @property
    def choices(self) -> Iterator[dict[str, Any]]:
        """The choices of chat chunks, in order."""
        for chunk in self.chunks:
            yield from (choice for choice in chunk.get("choices") or () if isinstance(choice, dict))

    @property
    def deltas(self) -> Iterator[dict[str, Any]]:
        """The deltas of chat chunks, in order."""
        yield from (choice["delta"] for choice in self.choices if isinstance(choice.get("delta"), dict))

    @property
    def fragments(self) -> Iterator[dict[str, Any]]:
        """The fragments of tool calls in chat chunks, in order."""
        for delta in self.deltas:
            yield from delta.get("tool_calls") or ()

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        """The events of Messages of the given types."""
        return [event for event in self.chunks if event.get("type") in types]

    def stop_at(self, when: Callable[[dict[str, Any]], bool], *, mark: bool = True) -> None:
        """Hear nothing after the first event of that kind; `mark` adds the end marker of chat."""
        for number, event in enumerate(self.events):
            if isinstance(event, dict) and when(event):
                self.events[number + 1 :] = ["[DONE]"] if mark and self.dialect in CHAT else []
                return


def _value(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def _written(event: Any, dialect: Dialect) -> bytes:
    text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    named = f"event: {event.get('type')}\n" if dialect == "messages" and isinstance(event, dict) else ""
    return f"{named}data: {text}\n\n".encode("utf-8", "surrogatepass")


def _reply(exchange: Exchange) -> UpstreamCall | None:
    """The upstream's streamed reply that became this answer; None where there is none."""
    calls = [call for call in exchange.answered_calls if call.status == 200 and call.sent]
    streamed = calls and any("event-stream" in value for _, value in calls[-1].sent_headers)
    return calls[-1] if streamed and exchange.ended != "client-left" else None


def upstream_of(exchange: Exchange, dialect: Dialect) -> Heard | None:
    """What the upstream streamed for this answer; None when it did not stream."""
    call = _reply(exchange)
    return None if call is None else Heard(dialect, exchange.request.body, call.sent_body)


def on_replies(transcript: Transcript, edit: Callable[[Exchange], Exchange]) -> Transcript:
    """Every answer to which the upstream streamed chat completions, replaced by what `edit` gives for it."""
    return _on_replies(transcript, CHAT, lambda exchange, _call, _dialect: edit(exchange))


def _response_id(exchange: Exchange) -> str:
    found = exchange.events[0].get("response", "id") if exchange.events else None
    return found if isinstance(found, str) else "resp_00000000000000000001"


def _told(exchange: Exchange, call: UpstreamCall, dialect: Dialect, body: bytes) -> Exchange:
    """The right answer to other bytes; what the upstream truly said stays in the record."""
    said = fold(dialect, status=200, headers=call.sent_headers, body=body, ended=call.ended or "complete")
    request = exchange.request
    told = right_answer(
        FLAVOURS["plain"], request, said, exchange.upstream, _response_id(exchange), own_names(request.body)
    )
    return replace(told, said=exchange.said)


def _on_replies(
    transcript: Transcript, dialects: tuple[Dialect, ...], edit: Callable[[Exchange, UpstreamCall, Dialect], Exchange]
) -> Transcript:
    dialect = transcript.dialect
    if dialect is None or dialect not in dialects:
        return transcript

    def one(exchange: Exchange) -> Exchange:
        call = _reply(exchange)
        return exchange if call is None else edit(exchange, call, dialect)

    return edit_exchanges(transcript, one)


def _registered(name: Callable[..., Any], whole: Edit, for_rules: tuple[str, ...]) -> Edit:
    whole.__name__, whole.__doc__, whole.__module__ = name.__name__, name.__doc__, name.__module__
    return miniature(*for_rules)(whole)


def mishears(
    *for_rules: str, dialects: tuple[Dialect, ...] = (*CHAT, *MESSAGES)
) -> Callable[[Callable[[bytes], bytes]], Edit]:
    """Register a function on the bytes of streamed replies as a miniature."""

    def register(edit: Callable[[bytes], bytes]) -> Edit:
        def one(exchange: Exchange, call: UpstreamCall, dialect: Dialect) -> Exchange:
            body = edit(call.sent_body)
            return exchange if body == call.sent_body else _told(exchange, call, dialect, body)

        return _registered(edit, lambda transcript: _on_replies(transcript, dialects, one), for_rules)

    return register


def misreads(*for_rules: str, dialects: tuple[Dialect, ...] = CHAT) -> Callable[[Callable[[Heard], None]], Edit]:
    """Register a function that changes a Heard in place as a miniature; it meets every streamed reply."""

    def register(edit: Callable[[Heard], None]) -> Edit:
        def one(exchange: Exchange, call: UpstreamCall, dialect: Dialect) -> Exchange:
            heard = Heard(dialect, exchange.request.body, call.sent_body)
            before = json.dumps(heard.events)
            edit(heard)
            if json.dumps(heard.events) == before:
                return exchange
            body = b"".join(_written(event, dialect) for event in heard.events)
            return _told(exchange, call, dialect, body)

        return _registered(edit, lambda transcript: _on_replies(transcript, dialects, one), for_rules)

    return register


def stumbles(
    *for_rules: str, how: Literal["500", "stops"] = "500", dialects: tuple[Dialect, ...] = CHAT
) -> Callable[[Callable[[Heard], bool]], Edit]:
    """Register a condition as a miniature: where it holds the proxy answers 500, or its stream stops half-way."""

    def register(when: Callable[[Heard], bool]) -> Edit:
        def one(exchange: Exchange, call: UpstreamCall, dialect: Dialect) -> Exchange:
            if not when(Heard(dialect, exchange.request.body, call.sent_body)):
                return exchange
            return _crashed(exchange) if how == "500" or not exchange.is_stream else _stopped(exchange)

        return _registered(when, lambda transcript: _on_replies(transcript, dialects, one), for_rules)

    return register


def _crashed(exchange: Exchange) -> Exchange:
    error = {"message": "Internal Server Error", "type": "server_error", "param": None, "code": None}
    body = json.dumps({"error": error}).encode()
    headers = (("content-type", "application/json"),)
    return replace(exchange, status=500, headers=headers, received=(Received(0.01, body),))


def _stopped(exchange: Exchange) -> Exchange:
    draft = Draft.begin(exchange)
    draft.frames = draft.frames[: max(2, len(draft.frames) // 2)]
    return draft.written()
