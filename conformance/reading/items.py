"""One output item and its parts, as a stream told of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard

from conformance.reading.families import CALL_TYPES, FAMILIES, Family, FamilyName
from conformance.transcript import Event

__all__ = ["ItemReading", "PartReading", "as_dict", "as_list", "is_index"]


_LIMIT = 1 << 63


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def is_index(value: Any) -> TypeGuard[int]:
    """Whether the value is an integer, of 64 bits at most (JSON's true is none)."""
    return isinstance(value, int) and not isinstance(value, bool) and -_LIMIT <= value < _LIMIT


@dataclass
class PartReading:
    """One streamed part of an item: a text, a refusal, a piece of reasoning, or a call's arguments."""

    item: ItemReading
    array: str
    index: int | None
    family: Family | None = None
    added: Event | None = None
    deltas: list[Event] = field(default_factory=list)
    text_done: Event | None = None
    done: Event | None = None
    annotations: list[Event] = field(default_factory=list)

    @cached_property
    def streamed(self) -> str | None:
        """The concatenated deltas; None when there was none."""
        if not self.deltas:
            return None
        return "".join(piece for delta in self.deltas if isinstance(piece := delta.get("delta"), str))

    @cached_property
    def said_done(self) -> str | None:
        """What the family's own done event says: `output_text.done.text`, `...arguments.done.arguments`."""
        return self.family.of(self.text_done.data) if self.text_done and self.family else None

    @cached_property
    def part_done(self) -> str | None:
        """What `content_part.done` (or `reasoning_summary_part.done`) holds."""
        return self.family.of(self.done.get("part")) if self.done and self.family else None

    def inside(self, item: Any) -> str | None:
        """What an item's JSON holds at this part's place; None when it holds nothing there."""
        if self.family is None or not isinstance(item, dict):
            return None
        if not self.family.array:
            return self.family.of(item)
        parts = as_list(item.get(self.family.array))
        position = self.index or 0  # events without an index are of the first part
        if not 0 <= position < len(parts):
            return None
        part = as_dict(parts[position])
        return self.family.of(part) if part.get("type") == self.family.part_type else None

    @cached_property
    def content(self) -> str | None:
        """The content as clients that follow deltas have it; without deltas, the first whole value said."""
        if self.streamed is not None:
            return self.streamed
        values = (self.said_done, self.part_done, self.inside(self.item.done_item))
        return next((value for value in values if value is not None), None)

    @property
    def words(self) -> str:
        """What it is, for messages."""
        return self.family.words if self.family else "part"


@dataclass
class ItemReading:
    """One output item and its events, in order of arrival (`added` and `done` among them)."""

    number: int
    events: list[Event] = field(default_factory=list)
    added: Event | None = None
    done: Event | None = None
    parts: dict[tuple[str, int | None], PartReading] = field(default_factory=dict)
    final: dict[str, Any] | None = None
    final_position: int | None = None

    @cached_property
    def added_item(self) -> dict[str, Any]:
        """The item in `output_item.added`."""
        return as_dict(self.added.get("item")) if self.added else {}

    @cached_property
    def done_item(self) -> dict[str, Any]:
        """The item in `output_item.done`."""
        return as_dict(self.done.get("item")) if self.done else {}

    @cached_property
    def best(self) -> dict[str, Any]:
        """The most authoritative JSON of the item: done, else in the terminal response, else added."""
        return self.done_item or self.final or self.added_item

    @cached_property
    def type(self) -> str:
        """The item's type; "" when nothing says it."""
        for value in (self.added_item.get("type"), self.done_item.get("type")):
            if isinstance(value, str):
                return value
        families = [part.family for part in self.parts.values() if part.family]
        return families[0].item_types[0] if families else ""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        place = f"at output_index {self.output_index}" if self.output_index is not None else self.id or "without index"
        return f"the {self.type or 'item'} {place}"

    @property
    def is_call(self) -> bool:
        """Whether it is a function call or a custom tool call."""
        return self.type in CALL_TYPES

    @cached_property
    def id(self) -> str | None:
        """The item's id: as announced, else as done; None when neither has one."""
        for value in (self.added_item.get("id"), self.done_item.get("id")):
            if isinstance(value, str) and value:
                return value
        return None

    @cached_property
    def call_id(self) -> str | None:
        """The call's id: as announced, else as done."""
        for value in (self.added_item.get("call_id"), self.done_item.get("call_id")):
            if isinstance(value, str):
                return value
        return None

    @cached_property
    def output_index(self) -> int | None:
        """The `output_index` of its first event that has one."""
        return next((index for event in self.events if is_index(index := event.get("output_index"))), None)

    @cached_property
    def first(self) -> Event:
        """Its first event."""
        return self.events[0]

    def content(self, *names: FamilyName) -> str:
        """All its content of the given families, concatenated in order of the parts; "" for none.

        Parts that no event streamed are read from the item itself.
        """
        found: dict[tuple[str, int], str] = {}
        for part in self.parts.values():
            if part.family and part.family.name in names and part.content is not None:
                found[part.array, part.index or 0] = part.content
        for name in names:
            family = FAMILIES[name]
            if self.type not in family.item_types:
                continue
            if not family.array:
                found.setdefault(("", 0), family.of(self.best) or "")
            for index, part_json in enumerate(as_list(self.best.get(family.array)) if family.array else ()):
                if as_dict(part_json).get("type") == family.part_type:
                    found.setdefault((family.array, index), family.of(part_json) or "")
        return "".join(found[key] for key in sorted(found))
