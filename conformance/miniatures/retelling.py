"""Consistent wrongs: a proxy that says one wrong thing everywhere, in deltas, done events, items and response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.miniatures.edits import Draft, Frame
from conformance.reading import FamilyName, ItemReading, PartReading, as_dict, as_list

__all__ = ["calls_of", "forget", "item_of", "part_of", "restate", "retell", "shapes_of"]

REASONING: tuple[FamilyName, ...] = ("summary", "raw")


def item_of(draft: Draft, number: int, *types: str) -> ItemReading | None:
    """The n-th item of the given types (of any, without types); None when there are not so many."""
    items = [item for item in draft.reading.items if not types or item.type in types]
    return items[number] if -len(items) <= number < len(items) else None


def calls_of(draft: Draft) -> list[ItemReading]:
    """The function calls, in order."""
    return [item for item in draft.reading.items if item.type == "function_call"]


def part_of(draft: Draft, *names: FamilyName, deltas: int = 1, number: int = 0) -> PartReading | None:
    """The n-th part of one of the families that has at least so many deltas."""
    parts = [
        part
        for item in draft.reading.items
        for part in item.parts.values()
        if part.family and part.family.name in names and len(part.deltas) >= deltas
    ]
    return parts[number] if -len(parts) <= number < len(parts) else None


def shapes_of(draft: Draft, item: ItemReading) -> Iterator[dict[str, Any]]:
    """Every JSON of one item: announced, done, and at its place in the terminal response."""
    for event in (item.added, item.done):
        frame = draft.of(event)
        if frame is not None and isinstance(frame.data.get("item"), dict):
            yield frame.data["item"]
    output = as_list((draft.response or {}).get("output"))
    if item.final_position is not None and item.final_position < len(output):
        yield as_dict(output[item.final_position])


def restate(draft: Draft, item: ItemReading | None, **changes: Any) -> None:
    """Change keys in every JSON of an item; None takes a key out."""
    for shape in shapes_of(draft, item) if item is not None else ():
        for key, value in changes.items():
            if value is None:
                shape.pop(key, None)
            elif key in shape:
                shape[key] = value


def frames_of(draft: Draft, item: ItemReading) -> list[Frame]:
    """The frames of an item's events that are still there."""
    return [frame for frame in map(draft.of, item.events) if frame is not None]


def forget(draft: Draft, item: ItemReading | None) -> None:
    """Take an item out altogether: its events, and its place in the terminal response."""
    if item is None:
        return
    response = draft.response
    if response is not None and item.final_position is not None and isinstance(response.get("output"), list):
        del response["output"][item.final_position]
    draft.drop(*frames_of(draft, item))


def _set(part: PartReading, holder: Any, text: str) -> None:
    """Put a text into a part (or call) of JSON, if it is of the part's family."""
    family = part.family
    if family is not None and isinstance(holder, dict) and family.field in holder:
        holder[family.field] = text


def retell(draft: Draft, part: PartReading | None, change: Callable[[list[str]], list[str]]) -> None:
    """Change a part's deltas, and tell the changed content everywhere. A delta that becomes "" is not sent.

    `change` gets the deltas and gives as many back.
    """
    if part is None or part.family is None:
        return
    frames = [frame for frame in map(draft.of, part.deltas) if frame is not None]
    pieces = change([str(frame.data.get("delta")) for frame in frames])
    for frame, piece in zip(frames, pieces, strict=True):
        frame.data["delta"] = piece
    text = "".join(pieces)
    for event in (part.text_done, part.done):
        done = draft.of(event)
        if done is not None:
            _set(part, done.data.get("part") if event is part.done else done.data, text)
    for shape in list(shapes_of(draft, part.item))[1 if part.item.added else 0 :]:
        held = as_list(shape.get(part.family.array)) if part.family.array else [shape]
        if part.index is not None and part.index < len(held):
            _set(part, held[part.index], text)
    draft.drop(*(frame for frame in frames if not frame.data["delta"]))
