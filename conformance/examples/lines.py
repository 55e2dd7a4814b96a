"""A transcript's two sides as lines that can be compared: events, a body, requests to the upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.report.shorten import one_line
from conformance.transcript import Exchange

__all__ = ["Line", "answer_lines", "request_lines", "timed_lines", "wire_lines"]

_NUMBER = "sequence_number"
_TRANSPORT = frozenset({"content-length", "date", "server", "connection", "transfer-encoding", "host", "user-agent"})


@dataclass(frozen=True)
class Line:
    """One thing that was said. `title` names it, `data` is what it holds; `text` stands alone where there is no data.

    Two lines are the same where their keys are.
    """

    key: str
    title: str = ""
    data: Any = None

    @property
    def numbered(self) -> str:
        """The key with the sequence number, which a lost or an added event changes in all that follow."""
        return self.key if not isinstance(self.data, dict) else f"{self.key} {self.data.get(_NUMBER)}"


def answer_lines(exchange: Exchange) -> list[Line]:
    """What the client was given: the status with its headers, then each event or the body, then how it ended."""
    return list(_answer(exchange))


def _answer(exchange: Exchange) -> Iterator[Line]:
    headers = {name.lower(): value for name, value in exchange.headers if name.lower() not in _TRANSPORT}
    yield Line(f"status {exchange.status} {sorted(headers.items())}", f"HTTP {exchange.status}", headers)
    if exchange.is_stream:
        for event in exchange.events:
            if isinstance(event.data, dict):
                data = {name: value for name, value in event.data.items() if name != _NUMBER}
                yield Line(_dump(data), event.type or "(no type)", event.data)
            else:
                yield Line(event.sse.data, f"data: {one_line(event.sse.data)}")
    elif exchange.json is not None:
        yield Line(_dump(exchange.json), "", exchange.json)
    elif exchange.body:
        yield Line(repr(exchange.body), one_line(exchange.body[:200].decode("utf-8", "replace")))
    if exchange.ended != "complete":
        yield Line(exchange.ended, f"({exchange.problem or exchange.ended})")


def wire_lines(exchange: Exchange) -> list[Line]:
    """The body as it came, line by line, with whatever ends each line shown."""
    text = exchange.body.decode("utf-8", "backslashreplace")
    pieces = text.split("\n")
    ended = [f"{piece}\n" for piece in pieces[:-1]] + [piece for piece in pieces[-1:] if piece]
    return [Line(piece, one_line(piece)) for piece in ended] + [Line(f"the body ends: {exchange.ended}")]


def request_lines(exchange: Exchange) -> list[Line]:
    """What the upstream was asked: a line a request, one a header and one a field of its body."""
    return list(_requests(exchange))


def _requests(exchange: Exchange) -> Iterator[Line]:
    for call in exchange.upstream:
        query = f"?{call.query}" if call.query else ""
        yield Line(f"{call.method} {call.path}{query}", f"{call.method} {call.path}{query}")
        for name, value in call.headers:
            if name.lower() not in _TRANSPORT:
                yield Line(f"{name.lower()}: {value}", f"{name.lower()}: {one_line(value)}")
        if not isinstance(call.json, dict):
            yield Line(repr(call.body), one_line(call.body[:200].decode("utf-8", "replace")))
            continue
        for name, value in call.json.items():
            if isinstance(value, list) and value:
                yield from (Line(f"{name}: {_dump(entry)}", f"{name}[{at}]", entry) for at, entry in enumerate(value))
            else:
                yield Line(f"{name}: {_dump(value)}", name, value)


def timed_lines(exchange: Exchange) -> list[Line]:
    """What either side got, in the order of time: the upstream's writes and the client's events."""
    moments = [(event.t, f"the client gets {event.type or 'an event'}") for event in exchange.events]
    for call in exchange.upstream:
        moments.append((call.received_at, "the upstream is asked"))
        moments += [(sent.t, f"the upstream sends chunk {at}") for at, sent in enumerate(call.sent)]
        if call.ended_at is not None:
            moments.append((call.ended_at, f"the upstream's answer ends: {call.ended}"))
    moments.append((exchange.ended_at, f"the client's answer ends: {exchange.ended}"))
    return [Line(words, f"{t:.2f} s  {words}") for t, words in sorted(moments, key=lambda moment: moment[0])]


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
