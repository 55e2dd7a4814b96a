"""Client oracles: the official `openai` package reads the target's bytes, through a transport of ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx2
import openai

from conformance.checks.json_values import same_json
from conformance.checks.phrases import around, listed, shown
from conformance.reading import StreamReading, as_dict, as_list, stream_structure, streams
from conformance.rules import INTEGRITY, Place, Seen, Violation, rule
from conformance.thinking_tags import as_told, fitted
from conformance.transcript import Event, Transcript

PYTHON = "openai 3.54 (PyPI)"
_KEPT = 3


class _Played(httpx2.BaseTransport):
    """Answers every request with the same recorded body."""

    def __init__(self) -> None:
        self.body = b""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer."""
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=self.body, request=request)


@cache
def _client() -> tuple[openai.OpenAI, _Played]:
    transport = _Played()
    client = openai.OpenAI(
        api_key="none",
        base_url="http://target.invalid/v1",
        http_client=httpx2.Client(transport=transport, trust_env=False),
        max_retries=0,
    )
    return client, transport


@dataclass(frozen=True)
class Heard:
    """What the client made of a stream: its exception, or the text and calls that its user gets."""

    raised: str | None
    events: int = 0
    text: str | None = None
    calls: tuple[tuple[str, str], ...] | None = None
    played: int = 0


def _listen(read: Callable[[openai.OpenAI], Heard], body: bytes) -> Heard:
    client, transport = _client()
    transport.body = body
    try:
        with warnings.catch_warnings():  # the client warns of values it did not expect: that is not raising
            warnings.simplefilter("ignore")
            return read(client)
    except Exception as raised:  # noqa: BLE001 - whatever the client raises is the finding
        return Heard(f"{type(raised).__name__}: {raised}")
    finally:
        transport.body = b""


def _stream(client: openai.OpenAI) -> Heard:
    count, final = 0, None
    with client.responses.stream(model="m", input="x") as stream:
        for event in stream:
            count += 1
            if event.type == "response.completed":
                final = event.response
    if final is None:
        return Heard(None, count)
    calls = tuple((str(item.name), str(item.arguments)) for item in final.output if item.type == "function_call")
    return Heard(None, count, final.output_text, calls)


def _create(client: openai.OpenAI) -> Heard:
    events: Any = client.responses.create(model="m", input="x", stream=True)
    return Heard(None, sum(1 for _ in events))


def _heard(stream: StreamReading, key: str, read: Callable[[openai.OpenAI], Heard]) -> Heard:
    """What a client heard, listened to once a structure: it reads alike what differs in free text alone."""
    known = vars(stream).get(key)
    if not isinstance(known, Heard):
        shape = key, stream_structure(stream)
        known = _like(stream, shape)
        if known is None:
            body, played = _thinned(stream)
            known = replace(_listen(read, body), played=played)
            if known.raised is None and known.events >= known.played:
                _READABLE[shape] = known
        vars(stream)[key] = known
    return known


_READABLE: dict[Hashable, Heard] = {}


def _like(stream: StreamReading, shape: Hashable) -> Heard | None:
    """What a client hears that has read a stream of this structure: its user gets the terminal response's texts."""
    known = _READABLE.get(shape)
    if known is None or known.text is None:
        return known
    items = [as_dict(item) for item in stream.output or []]
    parts = [as_dict(part) for item in items if item.get("type") == "message" for part in as_list(item.get("content"))]
    text = "".join(str(part.get("text")) for part in parts if part.get("type") == "output_text")
    calls = [item for item in items if item.get("type") == "function_call"]
    return replace(known, text=text, calls=tuple((str(call.get("name")), str(call.get("arguments"))) for call in calls))


def _thinned(stream: StreamReading) -> tuple[bytes, int]:
    """The stream without the middle of long runs of deltas that differ in their text alone, and its events left.

    The client treats each of them alike, and they are nearly all of what it costs to listen. Whatever else stands
    in the stream stays.
    """
    body, kept, start, run = stream.exchange.body, [], 0, list[Event]()
    dropped = 0
    for event, kind in zip(stream.events, stream.types, strict=True):
        if run and not (kind.endswith(".delta") and _shape(event) == _shape(run[-1])):
            run = []
        run.append(event)
        if stream.wire.silent or len(run) <= 2 * _KEPT:
            continue
        middle = run[-_KEPT - 1]
        kept.append(body[start : middle.sse.start])
        start, dropped = middle.sse.end, dropped + 1
    return b"".join((*kept, body[start:])), len(stream.events) - dropped


def _shape(event: Event) -> tuple[tuple[str, object], ...]:
    """All that tells a delta from its neighbours: keys, types of values, and the values of ids and indexes."""
    return tuple(
        (key, value if key == "type" or key.endswith(("_id", "_index")) else type(value))
        for key, value in (event.data or {}).items()
    )


def _driven(transcript: Transcript) -> Iterator[StreamReading]:
    """The streams of one drive: the others differ in what is judged by other rules, and this costs most.

    A stream that ends in an `error` event is left out: the client is right to raise.
    """
    kinds = [stream.drive for stream in streams(transcript)]
    first = "stream" if "stream" in kinds else next(iter(kinds), None)
    for stream in streams(transcript):
        if stream.drive == first and stream.exchange.ended == "complete" and not stream.errors and stream.events:
            yield stream


def _place(stream: StreamReading) -> Place:
    return stream.place(stream.terminal)


@rule(
    "clients.openai-python-stream",
    level=INTEGRITY,
    source=f"{PYTHON}: client.responses.stream(); BerriAI/litellm#41185",
    why="Every program that uses the official client's stream helper dies with this exception.",
)
def openai_python_stream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`responses.stream()` of the official Python client reads the stream to its end without raising."""
    for stream in _driven(transcript):
        heard = _heard(stream, "openai_python_stream", _stream)
        if heard.raised is None:
            yield Seen(_place(stream))
        else:
            yield Violation(_place(stream), "client.responses.stream() to read it all", f"it raises {heard.raised}")


@rule(
    "clients.openai-python-create",
    level=INTEGRITY,
    source=f"{PYTHON}: client.responses.create(stream=True)",
    why="Every program on the official client, langchain and openai-agents among them, dies with this exception.",
)
def openai_python_create(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`responses.create(stream=True)` of the official Python client yields every event without raising."""
    for stream in _driven(transcript):
        heard = _heard(stream, "openai_python_stream", _stream)
        if heard.raised is not None:  # what the helper reads, the plain iterator reads too
            heard = _heard(stream, "openai_python_create", _create)
        if heard.raised is not None:
            yield Violation(_place(stream), "client.responses.create() to read it all", f"it raises {heard.raised}")
        elif heard.events < heard.played:
            yield Violation(_place(stream), f"{heard.played} events", f"the client yields {heard.events}")
        else:
            yield Seen(_place(stream))


@rule(
    "clients.openai-python-text",
    level=INTEGRITY,
    evidence="both",
    source=f"{PYTHON}: Response.output_text",
    why="The program goes on with an empty or a wrong answer.",
)
def openai_python_text(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output_text` of the response that the official Python client completes is the upstream's text."""
    for stream in _driven(transcript):
        said, heard = stream.exchange.said, _heard(stream, "openai_python_stream", _stream)
        if said is None or heard.text is None or stream.exchange.asks_for_compaction:
            continue
        read = as_told(said, heard.text, has_reasoning=any(item.type == "reasoning" for item in stream.items))
        refusal = "".join(item.content("refusal") for item in stream.items)
        wanted = fitted(read.text_as_told(heard.text, refusal), heard.text, said, read)
        if heard.text == wanted:
            yield Seen(_place(stream))
        else:
            expected, actual = around(wanted, heard.text)
            yield Violation(_place(stream), f"output_text {expected}", actual)


@rule(
    "clients.openai-python-calls",
    level=INTEGRITY,
    evidence="both",
    source=f"{PYTHON}: ParsedResponseFunctionToolCall",
    why="The program runs another tool, or none, or with other arguments.",
)
def openai_python_calls(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The function calls in the response that the official Python client completes have the upstream's arguments."""
    for stream in _driven(transcript):
        said, heard = stream.exchange.said, _heard(stream, "openai_python_stream", _stream)
        if said is None or not heard.calls:
            continue
        wanted = [call.text or "{}" for call in said.calls]
        missing = [
            (name, arguments)
            for name, arguments in heard.calls
            if not any(same_json(text, arguments or "{}") for text in wanted)
        ]
        if missing and all(call.complete for call in said.calls):
            name, arguments = missing[0]
            texts = [text for call, text in zip(said.calls, wanted, strict=True) if call.name == name]
            if texts:
                expected, actual = around(texts[0], arguments)
                others = f" (the first of {len(texts)} such calls)" if len(texts) > 1 else ""
                yield Violation(_place(stream), f"a call of {name} with the arguments {expected}{others}", actual)
            else:
                made = f"no call but {listed(call.name for call in said.calls)}" if said.calls else "no call"
                yield Violation(_place(stream), made, f"{name or 'a call without a name'}({shown(arguments, 60)})")
        else:
            yield Seen(_place(stream))
