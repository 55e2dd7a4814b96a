"""Proxies that go wrong on the wire."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance.miniatures.edits import Draft, Frame, Headers, edit_exchanges, edit_headers, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.reading import read
from conformance.transcript import Exchange, Received, Transcript

_THIRD = 3  # the event in the middle that is hit: neither the first nor the last


def _middle(draft: Draft) -> Frame | None:
    return draft.events[_THIRD] if len(draft.events) > _THIRD else None


def _without(headers: Headers, name: str) -> Headers:
    return tuple((key, value) for key, value in headers if key.lower() != name)


@miniature("sse.stream-when-asked")
def json_instead_of_stream(transcript: Transcript) -> Transcript:
    """Answers a streamed request with the whole response as JSON."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or not read(exchange).response:
            return exchange
        body = json.dumps(read(exchange).response).encode()
        headers = (*_without(exchange.headers, "content-type"), ("content-type", "application/json"))
        return replace(exchange, headers=headers, received=(Received(exchange.ended_at, body),))

    return edit_exchanges(transcript, one)


@miniature("sse.content-type")
def plain_text(transcript: Transcript) -> Transcript:
    """Streams as text/plain."""
    return edit_headers(transcript, lambda h: (*_without(h, "content-type"), ("content-type", "text/plain")))


@miniature("sse.not-cached")
def cacheable(transcript: Transcript) -> Transcript:
    """Lets caches keep the stream for a minute."""
    return edit_headers(transcript, lambda h: (*_without(h, "cache-control"), ("cache-control", "max-age=60")))


@miniature("sse.not-buffered")
def buffered_by_nginx(transcript: Transcript) -> Transcript:
    """Does not tell nginx to pass events on at once."""
    return edit_headers(transcript, lambda h: _without(h, "x-accel-buffering"))


@miniature("sse.no-foreign-model-header")
def upstream_model_header(transcript: Transcript) -> Transcript:
    """Forwards the upstream's openai-model header."""
    return edit_headers(transcript, lambda h: (*h, ("openai-model", "some-other-model")))


@stream_miniature("sse.utf-8")
def cut_code_points(draft: Draft) -> None:
    """Cuts a character of several bytes in two and loses one half."""
    for frame in draft.all("response.output_text.delta", "response.function_call_arguments.delta"):
        broken = frame.bytes.replace("ï".encode(), b"\xc3").replace("ü".encode(), b"\xc3")
        if broken != frame.bytes:
            frame.data, frame.raw = None, broken


@stream_miniature("sse.no-byte-order-mark")
def byte_order_mark(draft: Draft) -> None:
    """Begins the stream with EF BB BF."""
    draft.frames.insert(0, Frame(None, b"\xef\xbb\xbf"))


@stream_miniature("sse.blank-line-at-end")
def no_last_blank_line(draft: Draft) -> None:
    """Ends the body right after the last line, without the blank one."""
    last = draft.frames[-1] if draft.frames else None
    if last is not None:
        last.data, last.raw = None, last.bytes.rstrip(b"\n") + b"\n"


@stream_miniature("sse.event-equals-type")
def message_events(draft: Draft) -> None:
    """Names an event in the middle `message` whatever its type is."""
    frame = _middle(draft)
    if frame is not None and frame.named:
        frame.data, frame.raw = None, frame.bytes.replace(b"event: " + frame.type.encode(), b"event: message")


@stream_miniature("sse.event-line")
def nameless_events(draft: Draft) -> None:
    """Leaves out the `event:` line of deltas."""
    for frame in draft.events:
        if frame.type.endswith(".delta"):
            frame.raw, frame.named = b"", False


@stream_miniature("sse.data-in-every-frame")
def event_only_ping(draft: Draft) -> None:
    """Keeps the connection alive with frames that hold only an event name."""
    frame = _middle(draft)
    if frame is not None:
        draft.frames.insert(draft.frames.index(frame), Frame(None, b"event: ping\n\n", frame.t))


@stream_miniature("sse.data-in-every-frame")
def retry_frame(draft: Draft) -> None:
    """Begins with a frame that holds only the reconnection time."""
    draft.frames.insert(0, Frame(None, b"retry: 1000\n\n"))


@stream_miniature("sse.json-objects")
def plain_pings(draft: Draft) -> None:
    """Keeps the connection alive with data that is no JSON."""
    frame = _middle(draft)
    if frame is not None:
        draft.frames.insert(draft.frames.index(frame), Frame(None, b"data: ping\n\n", frame.t))


@stream_miniature("sse.json-objects")
def type_on_event_line_only(draft: Draft) -> None:
    """Leaves `type` out of the data: it stands on the `event:` line alone."""
    for frame in draft.events:
        bare = {key: value for key, value in frame.data.items() if key != "type"}
        text = json.dumps(bare, ensure_ascii=False)
        frame.raw = f"event: {frame.type}\ndata: {text}\n\n".encode()
        frame.data = None


def _done(draft: Draft) -> Frame | None:
    return next((frame for frame in draft.frames if frame.raw.startswith(b"data: [DONE]")), None)


@stream_miniature("sse.done-marker")
def no_done_marker(draft: Draft) -> None:
    """Ends the stream without [DONE]."""
    draft.drop(_done(draft))


@stream_miniature("sse.done-marker-last")
def early_done_marker(draft: Draft) -> None:
    """Sends [DONE] before the terminal event."""
    draft.move(_done(draft), draft.terminal, after=False)


@stream_miniature("sse.done-marker-last")
def events_after_done_marker(draft: Draft) -> None:
    """Sends one more delta after [DONE]."""
    delta = draft.nth(-1, "response.output_text.delta")
    if delta is not None and _done(draft) is not None:
        draft.insert(_done(draft), dict(delta.data))


@stream_miniature("sse.known-event-types", "sse.no-foreign-event-types")
def ping_events(draft: Draft) -> None:
    """Sends events of a type `ping` in the middle."""
    draft.insert(_middle(draft), {"type": "ping", "sequence_number": 0})


@stream_miniature("sse.no-foreign-event-types")
def prefixed_events(draft: Draft) -> None:
    """Sends events of its own with a prefix, as Open Responses allows and openai-node does not."""
    draft.insert(_middle(draft), {"type": "acme:trace", "sequence_number": 0})


@stream_miniature("sse.no-id-lines")
def id_lines(draft: Draft) -> None:
    """Numbers events in the middle with `id:` lines."""
    frame = _middle(draft)
    if frame is not None:
        frame.raw = b"id: 3\n" + frame.bytes
        frame.data = None


@stream_miniature("sse.one-data-line")
def pretty_printed(draft: Draft) -> None:
    """Writes an event in the middle as JSON over several lines."""
    frame = _middle(draft)
    if frame is not None:
        lines = json.dumps(frame.data, indent=1, ensure_ascii=False).split("\n")
        head = f"event: {frame.type}\n" if frame.named else ""
        frame.raw = (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()
        frame.data = None


@stream_miniature("sse.line-feeds-only")
def carriage_returns(draft: Draft) -> None:
    """Ends lines with CRLF."""
    for frame in draft.frames:
        frame.raw, frame.data = frame.bytes.replace(b"\n", b"\r\n"), None
