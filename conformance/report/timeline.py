"""A transcript for reading: both sides of the target, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from conformance.report.shorten import one_line, shorten_json, shorten_text
from conformance.report.style import plural
from conformance.transcript import Drive, Event, Exchange, Transcript
from fakes.log import UpstreamCall

__all__ = ["timeline"]

WIDTH = 150
FULL = 1_000_000

CLIENT, UPSTREAM = "client", "upstream"

Moment = tuple[float, int, str, str]
"""Seconds, order within them, side, and what happened."""


def timeline(transcript: Transcript, *, full: bool = False, drive: str | None = None) -> str:
    """The transcript as text, with a line end. `full` shortens nothing; `drive` shows one kind only."""
    return "\n".join(_transcript(transcript, FULL if full else WIDTH, drive)) + "\n"


def _transcript(transcript: Transcript, width: int, kind: str | None) -> Iterator[str]:
    yield f"{transcript.case} [{transcript.dialect or 'any'}]"
    for label, text in (("what", transcript.summary), ("source", transcript.source)):
        if text:
            yield f"  {label:<7} {text}"
    yield "  times are seconds since the start of the drive"
    for drive in transcript.drives:
        if kind in (None, drive.kind):
            yield ""
            yield from _drive(drive, width)


def _drive(drive: Drive, width: int) -> Iterator[str]:
    yield f"drive {drive.kind}: {plural(len(drive.exchanges), 'exchange')}"
    if drive.problem:
        yield f"  could not be driven ({drive.blame or 'nobody'} is to blame): {drive.problem}"
    for number, exchange in enumerate(drive.exchanges):
        if len(drive.exchanges) > 1:
            yield f"  exchange {number}"
        yield from _exchange(exchange, width)


def _exchange(exchange: Exchange, width: int) -> Iterator[str]:
    request = exchange.request
    yield f"  {'':>8}  client   → target    {request.method} {request.path} {_body(request.body, width)}".rstrip()
    moments = sorted([*_upstream(exchange, width), *_client(exchange, width)], key=itemgetter(0, 1))
    for t, _, side, text in moments:
        arrow = {CLIENT: "client   ← target  ", UPSTREAM: "upstream         "}[side]
        yield f"  {t:>8.4f}  {arrow}  {text}"


def _body(value: Any, width: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return one_line(shorten_text(value.decode("utf-8", "replace"), width))
    return shorten_json(value, width)


def _client(exchange: Exchange, width: int) -> Iterator[Moment]:
    first = exchange.received[0].t if exchange.received else exchange.ended_at
    if exchange.status is not None:
        yield first, 2, CLIENT, f"{exchange.status} {exchange.header('content-type') or '(no content type)'}"
    for event in exchange.events:
        kind = "" if event.is_done else event.type or "(no type) "
        yield event.t, 3 + event.index, CLIENT, f"{event.index:>4} {kind} {_data(event, width)}"
    if not exchange.is_stream and exchange.body:
        yield (
            exchange.received[-1].t,
            3,
            CLIENT,
            _body(exchange.body if exchange.json is None else exchange.json, width),
        )
    said = exchange.problem or exchange.ended
    yield exchange.ended_at, 1_000_000, CLIENT, f"end: {said}"


def _data(event: Event, width: int) -> str:
    """The data as it came when it is all that is wanted, else without the type, which stands before it."""
    if event.data is None:
        return one_line(shorten_text(event.sse.data, width))
    if isinstance(event.data, dict) and event.type and width < FULL:
        return shorten_json({key: value for key, value in event.data.items() if key != "type"}, width)
    return shorten_json(event.data, width)


def _upstream(exchange: Exchange, width: int) -> Iterator[Moment]:
    for number, call in enumerate(exchange.upstream):
        name = f"call {number}"
        body = call.body if call.json is None else call.json
        yield call.received_at, 0, UPSTREAM, f"{name} ← target {call.method} {call.path} {_body(body, width)}".rstrip()
        for objection in call.objections:
            said = f"{name} ! {objection.path or 'request'}: {objection.message} (would be {objection.status})"
            yield call.received_at, 1, UPSTREAM, one_line(said)
        yield from _sent(call, name, width)


def _sent(call: UpstreamCall, name: str, width: int) -> Iterator[Moment]:
    for number, sent in enumerate(call.sent, 1):
        text = one_line(shorten_text(sent.data.decode("utf-8", "backslashreplace"), width))
        status = f"{call.status} " if number == 1 else ""
        yield sent.t, 1, UPSTREAM, f"{name} → target {status}write {number} of {len(call.sent)}: {text}"
    if call.ended_at is not None:
        also = f": {call.problem}" if call.problem else ""
        yield call.ended_at, 2, UPSTREAM, f"{name} end: {call.ended}{also}"
