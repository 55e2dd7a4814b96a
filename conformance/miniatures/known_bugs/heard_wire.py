"""Proxies that read event streams, and HTTP, wrongly."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.miniatures.edits import Draft, edit_exchanges
from conformance.miniatures.miniature import miniature
from conformance.miniatures.misreading import CHAT, MESSAGES, Heard, mishears, stumbles
from conformance.miniatures.right_answers import refusal
from conformance.transcript import Exchange, Transcript

_EVENT = re.compile(rb"(?:\r\n|\n|\r){2,}")
_MEBIBYTE = 1 << 20


def _frames(body: bytes) -> list[bytes]:
    return [frame for frame in _EVENT.split(body) if frame]


def _joined(frames: list[bytes]) -> bytes:
    return b"".join(frame + b"\n\n" for frame in frames)


@mishears("answer.stream", dialects=MESSAGES)
def frames_need_an_event_line(body: bytes) -> bytes:
    """Skips events that have no `event:` line."""
    frames = _frames(body)
    named = [frame for frame in frames if b"event:" in frame]
    return body if len(named) == len(frames) else _joined(named)


@mishears("answer.stream")
def fields_need_a_space(body: bytes) -> bytes:
    """Looks for `data: ` with its space: `data:` without it is no field."""
    return re.sub(rb"(?m)^(data|event):(?! ).*$", b"", body)


@mishears("content.text-equals-upstream")
def last_data_line_wins(body: bytes) -> bytes:
    """Keeps the last `data:` line of an event that has several."""
    frames = [_one_data_line(frame) for frame in _frames(body)]
    return body if frames == _frames(body) else _joined(frames)


def _one_data_line(frame: bytes) -> bytes:
    lines = frame.split(b"\n")
    data = [line for line in lines if line.startswith(b"data:")]
    return b"\n".join(line for line in lines if line not in data[:-1]) if len(data) > 1 else frame


@mishears("content.text-equals-upstream")
def mark_eats_the_first_event(body: bytes) -> bytes:
    """Takes a byte order mark for a part of the first field's name: that event is lost."""
    return _EVENT.split(body, maxsplit=1)[1] if body.startswith(b"\xef\xbb\xbf") else body


@mishears("content.end-state-equals-upstream")
def lines_of_a_mebibyte_at_most(body: bytes) -> bytes:
    """Reads lines into a buffer of 1 MiB: a longer one ends the stream."""
    kept: list[bytes] = []
    for frame in _frames(body):
        if len(frame) > _MEBIBYTE:
            return _joined(kept)
        kept.append(frame)
    return body


@mishears("content.text-equals-upstream", dialects=MESSAGES)
def event_line_is_believed(body: bytes) -> bytes:
    """Believes an `event:` line that disagrees with the type in the data."""
    return _joined([_believing(frame) for frame in _frames(body)]) if b'"type"' in body else body


def _believing(frame: bytes) -> bytes:
    name = re.search(rb"(?m)^event: ?(\S+)", frame)
    kind = re.search(rb'"type": ?"([a-z_]+)"', frame)
    if name is None or kind is None or name[1] == kind[1]:
        return frame
    return b'event: ping\ndata: {"type": "ping"}'


@stumbles("answer.stream", dialects=(*CHAT, *MESSAGES))
def first_bytes_decide(heard: Heard) -> bool:
    """Takes a reply whose first bytes are a comment for no event stream."""
    return heard.body.startswith(b":")


@stumbles("stream.terminal-event", how="stops")
def end_marker_is_malformed(heard: Heard) -> bool:
    """Parses `[DONE]` as JSON: the error breaks its stream off."""
    return "[DONE]" in heard.events


@stumbles("stream.terminal-event", how="stops")
def unknown_event_kills(heard: Heard) -> bool:
    """Expects a chunk in every event: one of another kind ends the stream."""
    return any("choices" not in chunk and "error" not in chunk for chunk in heard.chunks)


@miniature("delivery.hostile-equals-plain")
def carriage_returns_stay(transcript: Transcript) -> Transcript:
    """Splits at LF alone: with CRLF on the wire nothing parses."""

    def one(exchange: Exchange) -> Exchange:
        draft = Draft.begin(exchange)
        draft.drop(*(frame for frame in draft.events if frame.type.endswith(".delta")))
        return draft.written()

    drives = [
        replace(drive, exchanges=[one(exchange) if exchange.is_stream else exchange for exchange in drive.exchanges])
        if drive.kind == "hostile"
        else drive
        for drive in transcript.drives
    ]
    hostile = any(drive.kind == "hostile" for drive in drives)
    return replace(transcript, drives=drives) if hostile else transcript


def _answers_json(exchange: Exchange) -> bool:
    return any("json" in value for call in exchange.answered_calls for _, value in call.sent_headers)


@miniature("stream.no-empty-completed")
def json_for_a_stream_is_nothing(transcript: Transcript) -> Transcript:
    """Looks for events in a JSON body, finds none, and completes an empty answer."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or not _answers_json(exchange):
            return exchange
        draft = Draft.begin(exchange)
        kept = draft.all("response.created", "response.in_progress", "response.completed")
        draft.drop(*(frame for frame in draft.events if frame not in kept))
        if draft.response is not None:
            draft.response["output"] = []
        return draft.written()

    return edit_exchanges(transcript, one)


@miniature("answer.whole")
def events_for_a_whole_answer(transcript: Transcript) -> Transcript:
    """Parses whatever comes as JSON: events where it asked for none are a 502."""

    def one(exchange: Exchange) -> Exchange:
        unasked = not exchange.wants_stream and any(
            "event-stream" in value for call in exchange.answered_calls for _, value in call.sent_headers
        )
        if not unasked:
            return exchange
        return replace(refusal(exchange.request, 502), upstream=exchange.upstream, said=exchange.said)

    return edit_exchanges(transcript, one)


@miniature("delivery.answers")
def waits_for_the_connection(transcript: Transcript) -> Transcript:
    """Ends its answer when the upstream's connection ends, however long that stays open."""

    def one(exchange: Exchange) -> Exchange:
        open_end = any(call.ended == "stalled" for call in exchange.upstream) and exchange.status == 200
        return replace(exchange, ended="deadline", problem="nothing came for 10 s") if open_end else exchange

    return edit_exchanges(transcript, one)
