"""One stream: its events sorted into items and parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.reading.families import DELTA_FAMILY, DONE_FAMILY, FAMILIES, PART_FAMILY, Family
from conformance.reading.items import ItemReading, PartReading, as_dict, is_index
from conformance.rules import Place
from conformance.said import EndState
from conformance.sse import StreamLines
from conformance.transcript import TERMINALS, DriveKind, Event, Exchange, Transcript

__all__ = ["LIFECYCLE", "SNAPSHOTS", "StreamReading", "read", "stream_items", "streams"]

CREATED, QUEUED, IN_PROGRESS = "response.created", "response.queued", "response.in_progress"
ITEM_ADDED, ITEM_DONE = "response.output_item.added", "response.output_item.done"

SNAPSHOTS: frozenset[str] = frozenset({CREATED, QUEUED, IN_PROGRESS})
"""The events that carry a response that is not yet final."""
LIFECYCLE: frozenset[str] = SNAPSHOTS | frozenset(TERMINALS)

_PART_EVENTS = {
    "response.content_part.added": ("content", "added"),
    "response.content_part.done": ("content", "done"),
    "response.reasoning_summary_part.added": ("summary", "added"),
    "response.reasoning_summary_part.done": ("summary", "done"),
}
_ANNOTATION = "response.output_text.annotation.added"


@dataclass
class StreamReading:
    """One answer of the target that is an event stream, read."""

    exchange: Exchange
    drive: DriveKind
    number: int
    items: list[ItemReading] = field(default_factory=list)

    def place(self, event: Event | None = None) -> Place:
        """Where that is in the transcript."""
        return Place(self.drive, self.number, event.index if event else None)

    @cached_property
    def wire(self) -> StreamLines:
        """The lines of the stream."""
        return self.exchange.stream

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events that are JSON objects; `[DONE]` and rubbish are not among them."""
        return tuple(event for event in self.exchange.events if isinstance(event.data, dict))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The type of each of `events`."""
        return tuple(event.type for event in self.events)

    def of_type(self, *kinds: str) -> list[Event]:
        """The events of the given types, in order."""
        return [event for event, kind in zip(self.events, self.types, strict=True) if kind in kinds]

    @cached_property
    def snapshots(self) -> list[Event]:
        """`response.created`, `.queued` and `.in_progress`, in order."""
        return self.of_type(*SNAPSHOTS)

    @cached_property
    def terminals(self) -> list[Event]:
        """All events that claim to end the response."""
        return self.of_type(*TERMINALS)

    @cached_property
    def terminal(self) -> Event | None:
        """The first of them."""
        return self.terminals[0] if self.terminals else None

    @cached_property
    def errors(self) -> list[Event]:
        """The bare `error` events."""
        return self.of_type("error")

    @property
    def response(self) -> dict[str, Any]:
        """The response in the terminal event; empty when there is none."""
        return as_dict(self.terminal.get("response")) if self.terminal else {}

    @property
    def outcome(self) -> str:
        """ "completed", "incomplete" or "failed" by the terminal event's type; "" without one."""
        return TERMINALS[self.terminal.type] if self.terminal else ""

    @property
    def left(self) -> bool:
        """Whether the client went away on purpose: such a stream is judged only as far as it goes."""
        return self.exchange.ended == "client-left"

    @cached_property
    def end(self) -> EndState | None:
        """The end state that the stream tells its client; None when the client left before it."""
        if self.terminal is None:
            return None if self.left else ("failed" if self.errors else "unfinished")
        status = self.response.get("status")
        status = status if status in TERMINALS.values() else self.outcome
        if status != "incomplete":
            return "failed" if status == "failed" else "completed"
        reason = as_dict(self.response.get("incomplete_details")).get("reason")
        return "incomplete:content_filter" if reason == "content_filter" else "incomplete:max_output_tokens"

    @cached_property
    def output(self) -> list[Any] | None:
        """`output` of the terminal response; None when there is no such array."""
        value = self.response.get("output")
        return value if isinstance(value, list) else None

    @cached_property
    def request(self) -> Mapping[str, Any]:
        """The request's body; empty when it was no JSON object."""
        return as_dict(self.exchange.request.body)

    @cached_property
    def calls(self) -> list[ItemReading]:
        """The calls, by output index where they have one, else in order of appearance."""
        return sorted(
            (item for item in self.items if item.is_call),
            key=lambda item: (
                item.output_index if item.output_index is not None else item.number,
                item.number,
            ),
        )


class _Reader:
    """Sorts the events of one stream into items and parts."""

    def __init__(self, reading: StreamReading) -> None:
        self.reading = reading

    def read(self) -> None:
        for event, kind in zip(self.reading.events, self.reading.types, strict=True):
            if kind == ITEM_ADDED:
                self._added(event)
            elif kind == ITEM_DONE or event.get("output_index") is not None or event.get("item_id") is not None:
                item = self._find(event) or self._new()
                item.events.append(event)
                self._part(item, event, kind)
                if kind == ITEM_DONE and item.done is None:
                    item.done = event
        self._match_output()

    def _new(self) -> ItemReading:
        item = ItemReading(len(self.reading.items))
        self.reading.items.append(item)
        return item

    def _added(self, event: Event) -> None:
        orphan = self._find(event)
        unannounced = orphan is not None and orphan.added is None and orphan.done is None
        item = orphan if orphan is not None and unannounced else self._new()
        item.added = event
        item.events.append(event)
        vars(item).pop("output_index", None)

    def _find(self, event: Event) -> ItemReading | None:
        index, item_id = event.get("output_index"), event.get("item_id")
        if item_id is None:
            item_id = event.get("item", "id")
        if item_id == "" and is_index(index):
            item_id = None  # an empty id is no item's own; the index tells more
        by_index = [item for item in self.reading.items if is_index(index) and _index_of(item) == index]
        fitting = [item for item in by_index if not _is_of_another_item(event, item, item_id)]
        by_index = fitting if item_id is not None else fitting or by_index
        if len(by_index) == 1:
            return by_index[0]
        candidates = by_index or self.reading.items
        by_id = [item for item in candidates if item_id is not None and item_id in _ids_of(item)]
        if by_id:
            return by_id[-1]
        return by_index[-1] if by_index else None

    def _part(self, item: ItemReading, event: Event, kind: str) -> None:
        if kind in _PART_EVENTS:
            array, slot = _PART_EVENTS[kind]
            part = self._part_at(item, array, event, PART_FAMILY.get(str(event.get("part", "type"))))
            if slot == "added":
                part.added = part.added or event
            else:
                part.done = part.done or event
        elif kind in DELTA_FAMILY:
            family = DELTA_FAMILY[kind]
            self._part_at(item, family.array, event, family).deltas.append(event)
        elif kind in DONE_FAMILY:
            family = DONE_FAMILY[kind]
            part = self._part_at(item, family.array, event, family)
            part.text_done = part.text_done or event
        elif kind == _ANNOTATION:
            self._part_at(item, "content", event, FAMILIES["text"]).annotations.append(event)

    @staticmethod
    def _part_at(item: ItemReading, array: str, event: Event, family: Family | None) -> PartReading:
        index = event.get(f"{array}_index") if array else 0
        key = (array, index if is_index(index) else None)
        part = item.parts.setdefault(key, PartReading(item, *key))
        part.family = part.family or family
        return part

    def _match_output(self) -> None:
        """Find each item in the terminal response: by id, by call id, else by its place among the rest.

        Of several items with one id, those that were done come first: only they are sure to stand there.
        """
        output = [value if isinstance(value, dict) else {} for value in self.reading.output or []]
        free = set(range(len(output)))
        done_first = sorted(self.reading.items, key=lambda item: item.done is None)

        def claim(item: ItemReading, position: int) -> None:
            item.final, item.final_position = output[position], position
            free.discard(position)

        for key in ("id", "call_id"):
            for item in done_first:
                wanted = item.id if key == "id" else item.call_id
                found = next((n for n in sorted(free) if wanted and output[n].get(key) == wanted), None)
                if item.final is None and found is not None:
                    claim(item, found)
        for item in self.reading.items:
            if item.final is None:
                found = next((n for n in sorted(free) if output[n].get("type") == item.type), None)
                if found is not None:
                    claim(item, found)


def _is_of_another_item(event: Event, item: ItemReading, item_id: Any) -> bool:
    """Whether an event at the index of an item that nothing announced tells of another: of another kind, by its id."""
    family = DELTA_FAMILY.get(event.type) or DONE_FAMILY.get(event.type)
    if family is None or item.added is not None or item.done is not None or item_id in _ids_of(item):
        return False
    kinds = {kind for part in item.parts.values() if part.family for kind in part.family.item_types}
    return bool(kinds) and kinds.isdisjoint(family.item_types)


def _index_of(item: ItemReading) -> Any:
    return (item.added or item.events[0]).get("output_index")


def _ids_of(item: ItemReading) -> tuple[Any, ...]:
    first = item.events[0]
    return (item.added_item.get("id") if item.added else None, first.get("item_id"), first.get("item", "id"))


def read(exchange: Exchange, drive: DriveKind = "stream", number: int = 0) -> StreamReading:
    """The reading of one streamed answer, done once an exchange. `drive` and `number` say where it stands."""
    known = vars(exchange).get("_reading")
    if isinstance(known, StreamReading) and known.drive == drive and known.number == number:
        return known
    reading = StreamReading(exchange, drive, number)
    _Reader(reading).read()
    vars(exchange)["_reading"] = reading
    return reading


def streams(transcript: Transcript) -> list[StreamReading]:
    """The streams of all drives: 2xx answers to POST that are event streams."""
    driven = [drive for drive in transcript.drives if drive.problem is None]
    key = [id(exchange) for drive in driven for exchange in drive.exchanges]
    known = vars(transcript).get("_streams")
    if known is None or known[0] != key:
        readings = [
            read(exchange, drive.kind, number)
            for drive in driven
            for number, exchange in enumerate(drive.exchanges)
            if exchange.is_stream and exchange.request.method.upper() == "POST"
        ]
        known = vars(transcript)["_streams"] = (key, readings)
    return list(known[1])


def stream_items(transcript: Transcript) -> Iterator[tuple[StreamReading, ItemReading]]:
    """Every item of every stream."""
    for stream in streams(transcript):
        for item in stream.items:
            yield stream, item
