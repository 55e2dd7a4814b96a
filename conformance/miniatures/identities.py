"""Proxies that mix up ids and indexes."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.edits import Draft, stream_miniature
from conformance.miniatures.retelling import calls_of, frames_of, item_of, part_of, restate, shapes_of
from conformance.reading import as_dict, as_list


def _everywhere(draft: Draft, number: int, **values: Any) -> None:
    """Give an item's events, and its JSON, other values for keys that they have."""
    item = item_of(draft, number)
    for frame in frames_of(draft, item) if item is not None else ():
        for key, value in values.items():
            if key in frame.data:
                frame.data[key] = value


@stream_miniature("item.output-index-unique")
def index_shared_by_two(draft: Draft) -> None:
    """Announces the second item at the index of the first."""
    first = item_of(draft, 0)
    if first is not None and first.output_index is not None:
        _everywhere(draft, 1, output_index=first.output_index)


@stream_miniature("item.output-index-order", "item.output-index-is-position")
def indexes_from_one(draft: Draft) -> None:
    """Counts output_index from 1."""
    for frame in draft.events:
        if isinstance(frame.data.get("output_index"), int):
            frame.data["output_index"] += 1


@stream_miniature("item.output-index-order")
def index_of_the_event(draft: Draft) -> None:
    """Leaves a gap before the last item's output_index."""
    last = item_of(draft, -1)
    if last is not None and last.number:
        _everywhere(draft, -1, output_index=(last.output_index or 0) + 5)


@stream_miniature("item.content-index")
def content_from_one(draft: Draft) -> None:
    """Counts content_index from 1 in the last message."""
    item = item_of(draft, -1, "message")
    if item is not None:
        _everywhere(draft, item.number, content_index=1)


@stream_miniature("item.reasoning-index")
def summary_from_one(draft: Draft) -> None:
    """Counts the parts of reasoning from 1."""
    item = item_of(draft, 0, "reasoning")
    if item is not None:
        _everywhere(draft, item.number, summary_index=1, content_index=1)


@stream_miniature("item.id-present")
def empty_ids(draft: Draft) -> None:
    """Gives messages and reasoning an empty id."""
    for item in draft.reading.items:
        if item.type in ("message", "reasoning"):
            restate(draft, item, id="")
            _everywhere(draft, item.number, item_id="")


@stream_miniature("item.call-id-field")
def calls_without_id(draft: Draft) -> None:
    """Gives calls no id of their own, only a call_id."""
    for item in draft.reading.items:
        if item.is_call:
            restate(draft, item, id=None)


@stream_miniature("item.id-unique")
def one_id_for_all(draft: Draft) -> None:
    """Uses the first item's id for all of them."""
    first = item_of(draft, 0)
    for item in draft.reading.items[1:]:
        if first is not None and first.id and item.id:
            restate(draft, item, id=first.id)
            _everywhere(draft, item.number, item_id=first.id)


@stream_miniature("item.id-short-enough")
def state_in_ids(draft: Draft) -> None:
    """Packs state into the ids of its items, so that they grow to hundreds of characters."""
    for item in draft.reading.items:
        if item.id:
            restate(draft, item, id=f"{item.id}{'0123456789abcdef' * 20}")
            _everywhere(draft, item.number, item_id=f"{item.id}{'0123456789abcdef' * 20}")


@stream_miniature("item.call-id-usable")
def empty_call_id(draft: Draft) -> None:
    """Gives the last call an empty call_id, because the upstream sent none."""
    if calls_of(draft):
        restate(draft, calls_of(draft)[-1], call_id="")


@stream_miniature("item.call-id-usable")
def endless_call_id(draft: Draft) -> None:
    """Passes on a call_id of eighty characters."""
    for number, item in enumerate(calls_of(draft)):
        restate(draft, item, call_id=f"{number:080d}")


@stream_miniature("item.call-id-unique")
def call_id_of_the_first(draft: Draft) -> None:
    """Gives all calls the call_id of the first."""
    for item in calls_of(draft)[1:]:
        restate(draft, item, call_id=calls_of(draft)[0].call_id)


@stream_miniature("item.arguments-are-strings")
def arguments_as_objects(draft: Draft) -> None:
    """Gives the arguments of the last call as an object."""
    frame = draft.of(calls_of(draft)[-1].done) if calls_of(draft) else None
    if frame is not None:
        frame.data["item"]["arguments"] = {"city": "Rome"}


@stream_miniature("item.type-follows-tool")
def custom_tool_as_function(draft: Draft) -> None:
    """Returns the call of a custom tool as a function call with JSON arguments."""
    item = item_of(draft, 0, "custom_tool_call")
    if item is None:
        return
    for shape in shapes_of(draft, item):
        shape["type"], shape["arguments"] = "function_call", shape.pop("input")
    for frame in frames_of(draft, item):
        frame.data["type"] = frame.type.replace("custom_tool_call_input", "function_call_arguments")
        if frame.type.endswith("arguments.done"):
            frame.data["arguments"] = frame.data.pop("input")


@stream_miniature("item.absent-not-null")
def null_encrypted_content(draft: Draft) -> None:
    """Writes null for what reasoning does not have."""
    for shape in draft.items():
        if shape.get("type") == "reasoning":
            shape.setdefault("encrypted_content", None)


@stream_miniature("item.raw-reasoning-name")
def other_reasoning_name(draft: Draft) -> None:
    """Streams raw reasoning under OpenAI's event names."""
    part = part_of(draft, "raw")
    for frame in draft.all("response.reasoning.delta", "response.reasoning.done") if part else ():
        frame.data["type"] = frame.type.replace("reasoning", "reasoning_text")


@stream_miniature("response.output-in-order", "item.output-index-is-position")
def output_reversed(draft: Draft) -> None:
    """Lists the items of the terminal response in reverse."""
    if draft.response is not None:
        as_list(draft.response.get("output")).reverse()


@stream_miniature("response.output-in-order")
def calls_first_in_output(draft: Draft) -> None:
    """Lists calls before messages in the terminal response."""
    if draft.response is not None:
        as_list(draft.response.get("output")).sort(key=lambda item: as_dict(item).get("type") != "function_call")
