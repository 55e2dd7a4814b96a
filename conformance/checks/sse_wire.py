"""The wire of event streams: headers, bytes, frames and event names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from conformance.checks.inventory import KNOWN_TYPES, OPENAI_TYPES, is_extension
from conformance.checks.phrases import listed, shown
from conformance.reading import streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Place, Seen, Violation, rule
from conformance.sse import ServerSentEvent
from conformance.transcript import TERMINALS, Transcript

WHATWG = "WHATWG HTML 9.2.6 (interpreting an event stream)"
OPEN_RESPONSES = "Open Responses 2026-04-24, Streaming HTTP Responses"
PYTHON_STREAM = "openai-python 3.54 openai/_streaming.py (SSEBytesDecoder)"

Frames: TypeAlias = Callable[[ServerSentEvent], bool]


@rule(
    "sse.stream-when-asked",
    level=MUST,
    source="openai-openapi POST /responses, parameter `stream`; diegosouzapw/OmniRoute#3089",
    why="A client that asked for a stream and gets JSON reports an empty answer or waits until it times out.",
)
def stream_when_asked(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A successful answer to a request with `stream: true` is an event stream."""
    for drive in transcript.drives:
        for number, exchange in enumerate(drive.exchanges if drive.problem is None else ()):
            request = exchange.request
            asked = exchange.wants_stream and request.method == "POST" and request.path.endswith("/responses")
            if not asked or exchange.status is None or not 200 <= exchange.status < 300:
                continue
            place = Place(drive.kind, number)
            if exchange.is_stream:
                yield Seen(place)
            elif exchange.ended != "client-left":
                yield Violation(
                    place,
                    "an event stream, because the request says stream: true",
                    f"status {exchange.status} with content type {exchange.header('content-type') or 'none'} and a "
                    f"body that begins {shown(exchange.body[:60].decode(errors='replace'))}",
                )


@rule(
    "sse.content-type",
    level=MUST,
    source="WHATWG HTML 9.2.3 (processing model: the response's MIME type is text/event-stream)",
    why="Browsers and gateways treat anything else as a download and buffer it; measured SDKs do not look.",
)
def content_type(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A streamed answer has the content type `text/event-stream`."""
    for stream in streams(transcript):
        kind = stream.exchange.header("content-type")
        if (kind or "").partition(";")[0].strip().lower() == "text/event-stream":
            yield Seen(stream.place())
        else:
            yield Violation(stream.place(), "Content-Type: text/event-stream", f"Content-Type: {kind or 'none'}")


@rule(
    "sse.utf-8",
    level=MUST,
    source="WHATWG HTML 9.2.5 (event streams are UTF-8)",
    why="Readers put U+FFFD where the bytes are broken, so text and tool arguments are damaged.",
)
def utf_8(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every line of the stream is UTF-8."""
    for stream in streams(transcript):
        whole = stream.exchange.ended == "complete"
        lines = [line for line in stream.wire.lines if line.ending or whole]
        broken = next((line for line in lines if not line.is_utf8), None)
        if broken is None:
            yield Seen(stream.place())
            continue
        event = next((e for e in stream.exchange.events if e.sse.start <= broken.start < e.sse.end), None)
        yield Violation(
            stream.place(event),
            "lines of UTF-8",
            f"a line at byte {broken.start} that is not: {shown(broken.raw.decode(errors='backslashreplace'))}",
        )


@rule(
    "sse.no-byte-order-mark",
    level=SHOULD,
    source="jpopesculian/eventsource-stream#10; " + PYTHON_STREAM,
    why="Codex's reader panics on a BOM; openai-python loses the first event where `data:` comes first.",
)
def no_byte_order_mark(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The stream does not begin with a byte order mark."""
    for stream in streams(transcript):
        if stream.wire.bom:
            yield Violation(stream.place(), "a stream that begins with a field", "EF BB BF as its first three bytes")
        else:
            yield Seen(stream.place())


@rule(
    "sse.blank-line-at-end",
    level=MUST,
    source=WHATWG + ": an event that no blank line closes is discarded",
    why="Codex, the SDKs and others drop the last event: the answer then ends without `response.completed`.",
)
def blank_line_at_end(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A stream that ends as HTTP says ends with a blank line: no event is left open."""
    for stream in streams(transcript):
        if stream.exchange.ended != "complete" or not stream.exchange.body:
            continue
        leftover = stream.wire.leftover.decode(errors="replace")
        if any(not line.startswith(":") for line in leftover.splitlines() if line):
            yield Violation(
                stream.place(),
                "a blank line after the last event",
                f"a body that ends in {shown(leftover[-80:])}, which no reader dispatches",
            )
        else:
            yield Seen(stream.place())


@rule(
    "sse.event-equals-type",
    level=MUST,
    levels={"openai": SHOULD},
    source=OPEN_RESPONSES + ": `event` matches the `type` in the body",
    why="Readers that dispatch on the event name take the event for another one.",
)
def event_equals_type(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Where an event has an `event:` line, it equals the `type` in its data."""
    for stream in streams(transcript):
        for event, kind in zip(stream.events, stream.types, strict=True):
            if not event.sse.event or not kind:
                continue
            if event.sse.event == kind:
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"event: {kind}, as its data says", f"event: {event.sse.event}")


@rule(
    "sse.event-line",
    level=MUST,
    levels={"openai": SHOULD},
    source=OPEN_RESPONSES + "; openai-openapi, streaming example of createResponse",
    why="Browsers' EventSource listeners by name never fire.",
)
def event_line(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event has an `event:` line."""
    for stream in streams(transcript):
        for event, kind in zip(stream.events, stream.types, strict=True):
            if event.sse.event:
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"a line `event: {kind}` before its data", "a `data:` line only")


@rule(
    "sse.data-in-every-frame",
    level=SHOULD,
    source=PYTHON_STREAM + ": a frame without data raises JSONDecodeError",
    why="The official SDKs dispatch frames that hold only `event:` or `retry:`, or empty data, and raise.",
)
def data_in_every_frame(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every frame with fields has data: none consists of `event:`, `retry:` or an empty `data:` alone."""
    for stream in streams(transcript):
        empty = [event for event in stream.exchange.events if not event.sse.data]
        for block in stream.wire.silent:
            fields = listed(line.raw.decode(errors="replace") for line in block if line.kind == "field")
            yield Violation(stream.place(), "frames with a `data:` line", f"a frame of only: {fields}")
        for event in empty:
            yield Violation(stream.place(event), "JSON in every `data:` line", "a frame whose data is empty")
        if not empty and not stream.wire.silent:
            yield Seen(stream.place())


@rule(
    "sse.json-objects",
    level=MUST,
    source="openai.types.responses.ResponseStreamEvent; Open Responses 2026-04-24, Streaming HTTP Responses",
    why="All measured clients but Codex raise on data that is not JSON.",
)
def json_objects(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The data of every event is one JSON object with a string `type`, `[DONE]` excepted."""
    for stream in streams(transcript):
        for event in stream.exchange.events:
            if event.is_done or not event.sse.data:
                continue
            if event.type:
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event), "a JSON object with a string `type`", f"data: {shown(event.sse.data)}"
                )


@rule(
    "sse.done-marker",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=OPEN_RESPONSES + ": the terminal event is the literal string [DONE]",
    why="Readers that wait for the marker keep the connection open.",
)
def done_marker(transcript: Transcript) -> Iterator[Seen | Violation]:
    """After the terminal response event comes `data: [DONE]`."""
    for stream in streams(transcript):
        if stream.terminal is None or stream.exchange.ended != "complete":
            continue
        if any(event.is_done for event in stream.exchange.events):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                "`data: [DONE]` after the terminal event",
                f"the stream ends after {stream.terminal.type}",
            )


@rule(
    "sse.done-marker-last",
    level=INTEGRITY,
    source=PYTHON_STREAM + ": iteration stops at [DONE]; router-for-me/CLIProxyAPI#4904",
    why="Clients stop reading at [DONE]: what follows is lost, and without a terminal event the turn is too.",
)
def done_marker_last(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`[DONE]` comes once, after the terminal response event, and nothing follows it."""
    for stream in streams(transcript):
        events = stream.exchange.events
        marks = [event for event in events if event.is_done]
        if not marks:
            continue
        mark = marks[0]
        ended = any(event.type in TERMINALS or event.type == "error" for event in events[: mark.index])
        after = events[mark.index + 1 :]
        if ended and not after:
            yield Seen(stream.place(mark))
        elif not ended:
            came = "before" if any(event.type in TERMINALS for event in after) else "without"
            yield Violation(
                stream.place(mark),
                "[DONE] after response.completed, response.incomplete or response.failed",
                f"[DONE] as event {mark.index}, {came} any of them",
            )
        else:
            what = listed(event.type or event.sse.data[:40] for event in after[:3])
            yield Violation(stream.place(mark), "nothing after [DONE]", f"{len(after)} more: {what}")


@rule(
    "sse.known-event-types",
    level=MUST,
    levels={"openai": SHOULD},
    source="Open Responses 2026-04-24, Extending streaming events; openai.types.responses.ResponseStreamEvent",
    why="An unknown type without a prefix may be given a meaning later; strict clients raise on it.",
)
def known_event_types(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event type is one of OpenAI's or Open Responses', or has an implementor's prefix (`acme:...`)."""
    for stream in streams(transcript):
        for event, kind in zip(stream.events, stream.types, strict=True):
            if kind in KNOWN_TYPES or is_extension(kind):
                yield Seen(stream.place(event))
            elif kind:
                yield Violation(
                    stream.place(event),
                    "a known event type, or one with a prefix such as `acme:`",
                    f"type {shown(kind)}",
                )


@rule(
    "sse.no-foreign-event-types",
    level=MUST,
    profiles=(),
    source="openai-node 7.57 ResponseStream (Unhandled response stream event); openai/openai-node#1964",
    why="openai-node's `responses.stream()` throws on every event type that it does not know but `keepalive`.",
)
def no_foreign_event_types(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event type is one that OpenAI's own SDKs know, or `keepalive`."""
    for stream in streams(transcript):
        for event, kind in zip(stream.events, stream.types, strict=True):
            if kind in OPENAI_TYPES or kind == "keepalive":
                yield Seen(stream.place(event))
            elif kind:
                yield Violation(stream.place(event), "an event type of the openai SDK", f"type {shown(kind)}")


@rule(
    "sse.no-id-lines",
    level=SHOULD,
    profiles=("open-responses", "superset"),
    source=OPEN_RESPONSES + ": servers should not use the `id` field",
    why="Resuming goes by `sequence_number`; an `id` before two blank lines makes openai-python raise.",
)
def no_id_lines(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Events have no `id:` line."""
    yield from _each_frame(transcript, lambda sse: not sse.has("id"), "no `id:` field", "an `id:` field")


@rule(
    "sse.one-data-line",
    level=RECOMMENDED,
    source="openresponses/openresponses src/lib/sse-parser.ts: the last `data:` line wins; "
    "openresponses/openresponses#56",
    why="Home-made readers, Open Responses' own acceptance test among them, keep only one line of several.",
)
def one_data_line(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The data of an event stands on one `data:` line."""
    yield from _each_frame(
        transcript,
        lambda sse: sum(line.kind == "field" and line.name == "data" for line in sse.lines) == 1,
        "one `data:` line",
        "several `data:` lines, to be joined",
    )


@rule(
    "sse.line-feeds-only",
    level=RECOMMENDED,
    source="openresponses/openresponses src/lib/sse-parser.ts: lines are split at LF and compared with the empty one",
    why="Readers that split at LF never see a blank line in CRLF streams and dispatch nothing.",
)
def line_feeds_only(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Lines end with LF."""
    yield from _each_frame(
        transcript,
        lambda sse: all(line.ending in (b"\n", b"") for line in sse.lines),
        "lines that end with LF",
        "lines that end with CR or CRLF",
    )


def _each_frame(transcript: Transcript, right: Frames, expected: str, actual: str) -> Iterator[Seen | Violation]:
    for stream in streams(transcript):
        for event in stream.exchange.events:
            if right(event.sse):
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), expected, actual)


@rule(
    "sse.not-cached",
    level=SHOULD,
    source="BerriAI/litellm#28384; icebear0828/codex-proxy PR#609; WHATWG HTML 9.2.7 (authoring notes)",
    why="Caches and proxies between target and client may keep or batch the stream.",
)
def not_cached(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A streamed answer forbids caching: `Cache-Control: no-cache` or `no-store`."""
    for stream in streams(transcript):
        value = stream.exchange.header("cache-control")
        if value and ("no-cache" in value.lower() or "no-store" in value.lower()):
            yield Seen(stream.place())
        else:
            yield Violation(stream.place(), "Cache-Control: no-cache", f"Cache-Control: {value or 'none'}")


@rule(
    "sse.not-buffered",
    level=SHOULD,
    source="nginx ngx_http_proxy_module, X-Accel-Buffering; BerriAI/litellm#28384",
    why="nginx in front of the target collects the events and delivers them in bursts.",
)
def not_buffered(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A streamed answer tells nginx not to buffer it: `X-Accel-Buffering: no`."""
    for stream in streams(transcript):
        value = stream.exchange.header("x-accel-buffering")
        if value and value.strip().lower() == "no":
            yield Seen(stream.place())
        else:
            yield Violation(stream.place(), "X-Accel-Buffering: no", f"X-Accel-Buffering: {value or 'none'}")


@rule(
    "sse.no-foreign-model-header",
    level=MUST,
    profiles=(),
    source="openai/codex codex-rs: the response header `openai-model` is compared with the model asked for",
    why="Codex warns its user that the model was rerouted.",
)
def no_foreign_model_header(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An `openai-model` response header, if any, names the model that was asked for."""
    for stream in streams(transcript):
        value, asked = stream.exchange.header("openai-model"), stream.request.get("model")
        if value is None or value == asked:
            yield Seen(stream.place())
        else:
            yield Violation(stream.place(), f"no openai-model header, or {shown(asked)}", f"openai-model: {value}")
