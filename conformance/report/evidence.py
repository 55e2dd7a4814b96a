"""Evidence: what a reader must see of a transcript to believe a violation and to find its cause."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from conformance.report.document import EventLine, Evidence, UpstreamChunk, UpstreamRequest
from conformance.report.shorten import needles, one_line, shorten_json, shorten_text
from conformance.report.style import clean
from conformance.transcript import Drive, Event, Exchange
from conformance.verdict import Finding
from fakes.log import UpstreamCall

__all__ = ["AROUND", "SHOWN_HEADERS", "evidence_of"]

AROUND = 2
"""How many events are shown on either side of the offending one."""

WIDE, NARROW = 600, 190
"""Characters of data: of what is marked, and of what only surrounds it."""

SHOWN_HEADERS = (
    "content-type",
    "accept",
    "anthropic-version",
    "anthropic-beta",
    "content-encoding",
    "user-agent",
)
"""Request headers worth showing; never one that carries a key."""

_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def evidence_of(finding: Finding, side: str) -> Evidence | None:
    """The evidence for a finding; None when its place is not in the transcript.

    `side` is the rule's evidence: "client", "upstream" or "both".
    """
    place = finding.violation.place
    drive = next((drive for drive in finding.transcript.drives if drive.kind == place.drive), None)
    if drive is None or not 0 <= place.exchange < len(drive.exchanges):
        return None
    exchange = drive.exchanges[place.exchange]
    words = needles(finding.violation.expected, finding.violation.actual)
    names = tuple(word for word in words if not any(longer.endswith("." + word) for longer in words))
    event = _event_at(exchange, place.event)
    return Evidence(
        request=_request_line(exchange, words),
        answer=_answer_line(exchange),
        exchanges=len(drive.exchanges),
        events=_events_around(exchange, place.event, words) if side != "upstream" or event else [],
        events_total=len(exchange.events),
        body=None if exchange.is_stream or side == "upstream" else _body(exchange, words),
        upstream_chunk=_chunk_before(exchange, event, names) if side != "upstream" else None,
        upstream_request=_upstream_request(drive, exchange, place.call, side, words),
    )


def _event_at(exchange: Exchange, index: int | None) -> Event | None:
    if index is None or not 0 <= index < len(exchange.events):
        return None
    return exchange.events[index]


def _request_line(exchange: Exchange, words: tuple[str, ...]) -> str:
    request = exchange.request
    body = request.body
    if isinstance(body, bytes):
        shown = one_line(shorten_text(body.decode("utf-8", "replace"), NARROW * 2))
    else:
        shown = "" if body is None else shorten_json(body, WIDE, (*words, "stream", "model", "input"))
    return f"{request.method} {request.path} {shown}".rstrip()


def _answer_line(exchange: Exchange) -> str:
    if exchange.status is None:
        return exchange.problem or "no answer: the connection closed before a status line"
    parts = [str(exchange.status), exchange.header("content-type") or "no content type"]
    if exchange.is_stream:
        parts.append(f"{len(exchange.events)} event{'' if len(exchange.events) == 1 else 's'}")
    else:
        parts.append(f"{len(exchange.body):,} bytes")
    parts.append("complete" if exchange.ended == "complete" else exchange.problem or f"ended: {exchange.ended}")
    return ", ".join(parts)


def _events_around(exchange: Exchange, index: int | None, words: tuple[str, ...]) -> list[EventLine]:
    """The event with its neighbours; without an index the end of the stream, where the missing should be."""
    total = len(exchange.events)
    if index is None:
        chosen: Iterable[int] = range(max(0, total - 2 * AROUND), total)
    else:
        chosen = range(max(0, index - AROUND), min(total, index + AROUND + 1))
    return [_event_line(exchange.events[at], at == index, words) for at in chosen]


def _event_line(event: Event, marked: bool, words: tuple[str, ...]) -> EventLine:
    width = WIDE if marked else NARROW
    if event.data is None:
        data = one_line(shorten_text(event.sse.data, width, words))
    else:
        data = shorten_json(_without_type(event) if not marked else event.data, width, words)
    if event.type and event.sse.event and event.sse.event != event.type:
        data = f"(event: {one_line(event.sse.event)}) {data}"
    return EventLine(
        index=event.index,
        type="[DONE]" if event.is_done else event.type or "(no type)",
        data=data,
        t=round(event.t, 4),
        marked=marked,
    )


def _without_type(event: Event) -> Any:
    """A neighbour's data: its type stands before it on the line."""
    if isinstance(event.data, dict):
        return {key: value for key, value in event.data.items() if key != "type"}
    return event.data


def _body(exchange: Exchange, words: tuple[str, ...]) -> str:
    if not exchange.body:
        return ""
    if exchange.json is None:
        return one_line(shorten_text(exchange.body.decode("utf-8", "replace"), WIDE, words))
    return shorten_json(exchange.json, WIDE, words)


@dataclass(frozen=True)
class _Frame:
    """A frame of an upstream's answer as far as it was sent: which call, the write that ended it, and when."""

    call: int
    write: int
    t: float
    text: str


def _chunk_before(exchange: Exchange, event: Event | None, words: tuple[str, ...]) -> UpstreamChunk | None:
    """What the upstream had said that the event answers to.

    By time it is the last frame before the event. A fast upstream has said everything by then, and time tells
    nothing: then it is the first frame that says one of the violation's words or the event's text, else the last
    that is not an end marker. Without an event only words can tell.
    """
    frames = _frames_until(exchange, event.t if event else None)
    if not frames:
        return None
    everything = frames[-1].write == len(exchange.upstream[frames[-1].call].sent) - 1
    said = _first_saying(frames, (*_texts(event), *words)) if everything else None
    if said is None and event is None:
        return None
    frame = said[0] if said else _last_telling(frames)
    return UpstreamChunk(
        call=frame.call,
        write=frame.write,
        writes=len(exchange.upstream[frame.call].sent),
        t=round(frame.t, 4),
        word=said[1] if said else None,
        text=clean(shorten_text(frame.text, WIDE, words)),
    )


def _frames_until(exchange: Exchange, t: float | None) -> list[_Frame]:
    """All frames of the answers, whole as far as they were sent by then: a piece of one tells nobody anything."""
    frames = []
    for number, call in enumerate(exchange.upstream):
        sent = [one for one in call.sent if t is None or one.t <= t] if call.kind == "completion" else []
        ends, body = [], b""
        for one in sent:
            body += one.data
            ends.append(len(body))
        cuts = [0, *(match.end() for match in _FRAME_END.finditer(body)), len(body)]
        for start, stop in pairwise(cuts):
            text = body[start:stop].strip(b"\r\n").decode("utf-8", "replace").replace("\r\n", "\n")
            if text:
                write = bisect_left(ends, stop)
                frames.append(_Frame(number, write, sent[write].t, text))
    return frames


def _texts(event: Event | None) -> Iterable[str]:
    """The text that an event brings, which the upstream must have said."""
    for key in ("delta", "text", "refusal", "arguments", "input"):
        value = event.get(key) if event else None
        if isinstance(value, str) and len(value) > 1:
            yield json.dumps(value, ensure_ascii=False)[1:-1][:60]


_COMMON = re.compile(r"response\b.*|[a-z_]{1,4}|output_index|content_index|sequence_number|item_id|call_id|arguments")


def _first_saying(frames: Sequence[_Frame], words: Iterable[str]) -> tuple[_Frame, str] | None:
    for word in words:
        saying = [frame for frame in frames if word in frame.text]
        # A word of the API itself, or one that stands in every other frame, proves nothing.
        if saying and not _COMMON.fullmatch(word) and (len(frames) < 3 or 2 * len(saying) <= len(frames)):
            return saying[0], word
    return None


def _last_telling(frames: Sequence[_Frame]) -> _Frame:
    return next((frame for frame in reversed(frames) if frame.text != "data: [DONE]"), frames[-1])


def _upstream_request(
    drive: Drive, exchange: Exchange, number: int | None, side: str, words: tuple[str, ...]
) -> UpstreamRequest | None:
    calls = exchange.upstream
    if number is None:
        if side != "upstream" or not calls:
            return None
        number = next((at for at in reversed(range(len(calls))) if calls[at].kind == "completion"), len(calls) - 1)
    if not 0 <= number < len(calls):
        return None
    call = calls[number]
    return UpstreamRequest(
        call=number,
        line=f"{call.method} {call.path}{'?' + call.query if call.query else ''}",
        headers=[f"{name}: {one_line(value)}" for name, value in call.headers if name.lower() in SHOWN_HEADERS],
        body=_call_body(call, words),
        objections=[_objection(objection.path, objection.message, objection.status) for objection in call.objections],
    )


def _call_body(call: UpstreamCall, words: tuple[str, ...]) -> str:
    value: Any = call.json
    if value is None:
        try:
            value = json.loads(call.body)
        except ValueError:
            return one_line(shorten_text(call.body.decode("utf-8", "replace"), WIDE, words))
    return shorten_json(value, WIDE, words)


def _objection(path: str, message: str, status: int) -> str:
    return f"{path or 'the request'}: {one_line(message)} (the real service answers {status})"
