"""Edits: rewriting a transcript, at the level at which proxies go wrong.

    Draft            one stream as a list of frames, to be changed in place and written back to bytes
    on_streams       a function on a Draft, made into one on transcripts
    edit_exchanges   every exchange, replaced by a function
    edit_json        every answer that is a JSON body
    edit_headers     the headers of every streamed answer
    edit_calls       every call to the upstream

Nothing is changed in place in the given transcript. An edit that changes nothing gives back the same object.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.miniatures.miniature import Edit, miniature
from conformance.reading import StreamReading, read
from conformance.transcript import TERMINALS, Event, Exchange, Received, Transcript
from fakes.log import UpstreamCall

__all__ = [
    "Draft",
    "Frame",
    "Headers",
    "edit_calls",
    "edit_exchanges",
    "edit_headers",
    "edit_json",
    "edit_request",
    "encode",
    "on_streams",
    "stream_miniature",
]

Headers = tuple[tuple[str, str], ...]


def encode(data: Any, *, event: bool = True) -> bytes:
    """One event as most servers write it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    name = f"event: {data.get('type')}\n" if event and isinstance(data, dict) else ""
    return f"{name}data: {text}\n\n".encode("utf-8", "surrogatepass")


@dataclass
class Frame:
    """One event of a draft. `data` is its JSON, to be changed freely; None leaves `raw` as it stands.

    `t` is when it arrives. `named` says whether it is written with an `event:` line.
    """

    data: Any
    raw: bytes = b""
    t: float = 0.0
    named: bool = True
    index: int | None = None
    _before: str = field(default="", repr=False)

    @property
    def type(self) -> str:
        """The event's type; "" when it has none."""
        kind = self.data.get("type") if isinstance(self.data, dict) else None
        return kind if isinstance(kind, str) else ""

    @property
    def item_type(self) -> str:
        """The type of the item it carries; "" when it carries none."""
        item = self.data.get("item") if isinstance(self.data, dict) else None
        kind = item.get("type") if isinstance(item, dict) else None
        return kind if isinstance(kind, str) else ""

    @property
    def bytes(self) -> bytes:
        """What is written: the bytes as they came where the data did not change."""
        if self.data is None or (self.raw and json.dumps(self.data) == self._before):
            return self.raw
        return encode(self.data, event=self.named)


@dataclass
class Draft:
    """A stream being rewritten. `frames` are its events (and what stands between them), in order."""

    exchange: Exchange
    frames: list[Frame]

    @classmethod
    def begin(cls, exchange: Exchange) -> Draft:
        """The draft of a streamed answer."""
        return cls(exchange, list(_frames(exchange)))

    def all(self, *types: str) -> list[Frame]:
        """The frames of the given types."""
        return [frame for frame in self.frames if frame.type in types]

    def of(self, event: Event | None) -> Frame | None:
        """The frame of an event of the exchange; None when it was taken out."""
        return next((f for f in self.frames if event is not None and f.index == event.index), None)

    def nth(self, n: int, *types: str) -> Frame | None:
        """The n-th frame of the given types (0 is the first, -1 the last); None when there are not so many."""
        found = self.all(*types)
        return found[n] if -len(found) <= n < len(found) else None

    @property
    def reading(self) -> StreamReading:
        """The structure of the stream as it was before the edit."""
        return read(self.exchange)

    @property
    def events(self) -> list[Frame]:
        """The frames that carry JSON."""
        return [frame for frame in self.frames if frame.type]

    @property
    def terminal(self) -> Frame | None:
        """The event that ends the response."""
        return self.nth(-1, *TERMINALS)

    @property
    def response(self) -> dict[str, Any] | None:
        """The response in the terminal event."""
        response = self.terminal.data.get("response") if self.terminal else None
        return response if isinstance(response, dict) else None

    def snapshots(self) -> Iterator[dict[str, Any]]:
        """The responses in all lifecycle events, the terminal one too."""
        for frame in self.events:
            if isinstance(response := frame.data.get("response"), dict):
                yield response

    def items(self) -> Iterator[dict[str, Any]]:
        """Every JSON of an output item: announced, done, in snapshots and in the terminal response."""
        for frame in self.events:
            if isinstance(item := frame.data.get("item"), dict):
                yield item
        for response in self.snapshots():
            yield from (item for item in response.get("output") or [] if isinstance(item, dict))

    def drop(self, *frames: Frame | None) -> None:
        """Take frames out and number the rest anew."""
        gone = {id(frame) for frame in frames if frame is not None}
        if gone:
            self.frames = [frame for frame in self.frames if id(frame) not in gone]
            self.renumber()

    def insert(self, place: Frame | None, *data: Any, after: bool = True) -> None:
        """Put new events after (or before) a frame and number all anew."""
        if place is None:
            return
        at = next(n for n, frame in enumerate(self.frames) if frame is place) + after
        self.frames[at:at] = [Frame(value, t=place.t, named=place.named) for value in data]
        self.renumber()

    def move(self, frame: Frame | None, place: Frame | None, *, after: bool = True) -> None:
        """Move a frame after (or before) another and number all anew."""
        if frame is None or place is None or frame is place:
            return
        self.frames = [other for other in self.frames if other is not frame]
        at = next(n for n, other in enumerate(self.frames) if other is place) + after
        self.frames.insert(at, frame)
        self.renumber()

    def renumber(self) -> None:
        """Count the sequence numbers on from the smallest one."""
        numbered = [frame for frame in self.events if isinstance(frame.data.get("sequence_number"), int)]
        first = min((frame.data["sequence_number"] for frame in numbered), default=0)
        for number, frame in enumerate(numbered, first):
            frame.data["sequence_number"] = number

    def written(self) -> Exchange:
        """The exchange with this stream in it: one received chunk a frame; the same object if nothing changed."""
        chunks, t = [], 0.0
        for frame in self.frames:
            t = max(t, frame.t)
            chunks.append(Received(t, frame.bytes))
        if b"".join(chunk.data for chunk in chunks) == self.exchange.body:
            return self.exchange
        return replace(self.exchange, received=tuple(chunk for chunk in chunks if chunk.data))


def _frames(exchange: Exchange) -> Iterator[Frame]:
    """The events with their bytes; what stands before, between and behind them as frames without data."""
    body, position = exchange.body, 0
    last = exchange.received[-1].t if exchange.received else 0.0
    for event in exchange.events:
        if event.sse.start > position:
            yield Frame(None, body[position : event.sse.start], event.t)
        yield _frame(event, body[event.sse.start : event.sse.end])
        position = event.sse.end
    if position < len(body):
        yield Frame(None, body[position:], last)


def _frame(event: Event, raw: bytes) -> Frame:
    if not isinstance(event.data, dict):
        return Frame(None, raw, event.t)
    before = json.dumps(event.data)
    return Frame(json.loads(before), raw, event.t, event.sse.has("event"), event.index, before)


def edit_exchanges(transcript: Transcript, edit: Callable[[Exchange], Exchange]) -> Transcript:
    """Every exchange of every drive, replaced by what `edit` gives for it."""
    drives, changed = [], False
    for drive in transcript.drives:
        exchanges = [edit(exchange) for exchange in drive.exchanges]
        same = all(new is old for new, old in zip(exchanges, drive.exchanges, strict=True))
        drives.append(drive if same else replace(drive, exchanges=exchanges))
        changed = changed or not same
    return replace(transcript, drives=drives) if changed else transcript


def on_streams(edit: Callable[[Draft], None]) -> Edit:
    """Make a function that changes a Draft in place into one on transcripts; it meets every streamed answer."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream:
            return exchange
        draft = Draft.begin(exchange)
        edit(draft)
        return draft.written()

    @functools.wraps(edit)
    def whole(transcript: Transcript) -> Transcript:
        return edit_exchanges(transcript, one)

    return whole


def stream_miniature(*for_rules: str) -> Callable[[Callable[[Draft], None]], Edit]:
    """Register a function on a Draft as a miniature: `miniature` over `on_streams`."""

    def register(edit: Callable[[Draft], None]) -> Edit:
        return miniature(*for_rules)(on_streams(edit))

    return register


def edit_json(transcript: Transcript, edit: Callable[[Any], Any]) -> Transcript:
    """Every answer that is JSON: `edit` gets a copy of the value and gives the new one."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.is_stream or exchange.json is None:
            return exchange
        value = edit(json.loads(exchange.body))
        if value == exchange.json:
            return exchange
        t = exchange.received[-1].t if exchange.received else 0.0
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return replace(exchange, received=(Received(t, body),))

    return edit_exchanges(transcript, one)


def edit_headers(
    transcript: Transcript, edit: Callable[[Headers], Headers], *, streams_only: bool = True
) -> Transcript:
    """The headers of every (streamed) answer."""

    def one(exchange: Exchange) -> Exchange:
        headers = exchange.headers if streams_only and not exchange.is_stream else edit(exchange.headers)
        return exchange if headers == exchange.headers else replace(exchange, headers=headers)

    return edit_exchanges(transcript, one)


def edit_request(call: UpstreamCall, **changes: Any) -> UpstreamCall:
    """A call to the upstream with keys of its JSON body replaced (None in `changes` takes a key out)."""
    body = {**call.json, **changes} if isinstance(call.json, dict) else dict(changes)
    body = {key: value for key, value in body.items() if changes.get(key, ...) is not None}
    return replace(call, json=body, body=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def edit_calls(transcript: Transcript, edit: Callable[[UpstreamCall], UpstreamCall | None]) -> Transcript:
    """Every call to the upstream, replaced by what `edit` gives for it; None takes it out."""

    def one(exchange: Exchange) -> Exchange:
        calls = tuple(new for call in exchange.upstream if (new := edit(call)) is not None)
        same = len(calls) == len(exchange.upstream) and all(
            new is old for new, old in zip(calls, exchange.upstream, strict=True)
        )
        return exchange if same else replace(exchange, upstream=calls)

    return edit_exchanges(transcript, one)
