"""Proxies that announce, fill and close items wrongly."""

from __future__ import annotations

from conformance.miniatures.edits import Draft, Frame, stream_miniature
from conformance.miniatures.retelling import REASONING, calls_of, frames_of, item_of, part_of, restate, shapes_of
from conformance.reading import ItemReading, as_list

_ADDED, _DONE = "response.output_item.added", "response.output_item.done"


def _second(draft: Draft) -> ItemReading | None:
    """The second item, or the only one."""
    return item_of(draft, 1) or item_of(draft, 0)


def _frames(draft: Draft, item: ItemReading | None) -> list[Frame]:
    return frames_of(draft, item) if item is not None else []


@stream_miniature("item.added-before-events")
def second_item_not_announced(draft: Draft) -> None:
    """Announces only the first item."""
    item = item_of(draft, 1)
    if item is not None:
        draft.drop(draft.of(item.added))


@stream_miniature("item.added-before-events")
def announced_late(draft: Draft) -> None:
    """Announces an item after its first delta."""
    part = part_of(draft, "text", "summary", "raw", "arguments", "input")
    if part is not None:
        draft.move(draft.of(part.item.added), draft.of(part.deltas[0]))


@stream_miniature("item.added-shape")
def announced_as_null(draft: Draft) -> None:
    """Announces a second item as null."""
    item = item_of(draft, 1)
    frame = draft.of(item.added) if item else None
    if frame is not None:
        frame.data["item"] = None


@stream_miniature("item.added-shape")
def reasoning_without_summary(draft: Draft) -> None:
    """Announces reasoning without the summary array."""
    item = item_of(draft, 0, "reasoning")
    frame = draft.of(item.added) if item else None
    if frame is not None:
        del frame.data["item"]["summary"]


@stream_miniature("item.added-shape")
def call_announced_without_name(draft: Draft) -> None:
    """Announces the last call before it knows its name."""
    frame = draft.of(calls_of(draft)[-1].added) if calls_of(draft) else None
    if frame is not None:
        del frame.data["item"]["name"]


@stream_miniature("item.not-announced-twice")
def arguments_announced_twice(draft: Draft) -> None:
    """Announces a second call with its whole arguments and then streams them too."""
    for item in calls_of(draft)[1:]:
        frame = draft.of(item.added)
        if frame is not None:
            frame.data["item"]["arguments"] = item.done_item.get("arguments", "{}")


@stream_miniature("item.not-announced-twice")
def text_announced_twice(draft: Draft) -> None:
    """Announces a message with its text and then streams it too."""
    item = item_of(draft, 0, "message")
    frame = draft.of(item.added) if item else None
    if item is not None and frame is not None and item.done_item:
        frame.data["item"]["content"] = item.done_item.get("content")


@stream_miniature("item.part-before-deltas")
def text_part_never_opened(draft: Draft) -> None:
    """Sends text without content_part.added."""
    draft.drop(*(f for f in draft.all("response.content_part.added") if f.data["part"]["type"] == "output_text"))


@stream_miniature("item.part-before-deltas")
def part_opened_late(draft: Draft) -> None:
    """Opens a text or refusal part after its second delta."""
    part = part_of(draft, "text", "refusal", deltas=3)
    if part is not None:
        draft.move(draft.of(part.added), draft.of(part.deltas[1]))


@stream_miniature("item.reasoning-part-before-deltas")
def summary_part_never_opened(draft: Draft) -> None:
    """Sends reasoning without opening its part."""
    part = part_of(draft, *REASONING)
    draft.drop(draft.of(part.added) if part else None)


@stream_miniature("item.identity-kept")
def id_minted_at_the_end(draft: Draft) -> None:
    """Mints another id for output_item.done of the second item."""
    item = _second(draft)
    frame = draft.of(item.done) if item else None
    if frame is not None and "id" in frame.data["item"]:
        frame.data["item"]["id"] += "_done"


@stream_miniature("item.identity-kept")
def call_id_minted_at_the_end(draft: Draft) -> None:
    """Mints another call_id for output_item.done of the last call."""
    frame = draft.of(calls_of(draft)[-1].done) if calls_of(draft) else None
    if frame is not None:
        frame.data["item"]["call_id"] = "call_minted"


@stream_miniature("item.id-agrees")
def id_of_the_chunk(draft: Draft) -> None:
    """Leaks the upstream chunk's id as item_id of the third delta."""
    part = part_of(draft, "text", "arguments", deltas=3)
    frame = draft.of(part.deltas[2]) if part else None
    if frame is not None:
        frame.data["item_id"] = "chatcmpl-123"


@stream_miniature("item.id-agrees")
def id_of_the_first_item(draft: Draft) -> None:
    """Uses the first item's id in the deltas of all others."""
    first = item_of(draft, 0)
    for item in draft.reading.items[1:]:
        for frame in frames_of(draft, item):
            if first is not None and first.id and "item_id" in frame.data:
                frame.data["item_id"] = first.id


@stream_miniature("item.index-agrees")
def index_counted_on(draft: Draft) -> None:
    """Counts output_index on in the third delta."""
    part = part_of(draft, "text", "arguments", deltas=3)
    frame = draft.of(part.deltas[2]) if part else None
    if frame is not None:
        frame.data["output_index"] = 97


@stream_miniature("item.event-family")
def custom_events_for_functions(draft: Draft) -> None:
    """Streams the arguments of function calls as custom tool input."""
    for frame in draft.all("response.function_call_arguments.delta"):
        frame.data["type"] = "response.custom_tool_call_input.delta"
    for frame in draft.all("response.function_call_arguments.done"):
        frame.data["type"] = "response.custom_tool_call_input.done"
        frame.data["input"] = frame.data.pop("arguments")


@stream_miniature("item.no-interleaving")
def all_announced_at_once(draft: Draft) -> None:
    """Announces the second item in the middle of the first."""
    first, second = item_of(draft, 0), item_of(draft, 1)
    if first is not None and second is not None:
        draft.move(draft.of(second.added), draft.of(first.events[len(first.events) // 2]))


@stream_miniature("item.delta-for-content")
def arguments_in_one_shot(draft: Draft) -> None:
    """Sends the arguments of the last call without deltas."""
    calls = [item for item in calls_of(draft) if item.done is not None]
    if calls:
        kinds = "response.function_call_arguments.delta"
        draft.drop(*(f for f in frames_of(draft, calls[-1]) if f.type == kinds))


@stream_miniature("item.delta-for-content")
def text_in_one_shot(draft: Draft) -> None:
    """Sends text only in done events."""
    draft.drop(*draft.all("response.output_text.delta"))


@stream_miniature("item.no-empty-message")
def empty_message_for_empty_delta(draft: Draft) -> None:
    """Opens a message for an upstream delta whose content is empty."""
    response, terminal = draft.response, draft.terminal
    if response is None or terminal is None or not draft.reading.items or terminal.type != "response.completed":
        return
    index = max(item.output_index or 0 for item in draft.reading.items) + 1
    item = {"type": "message", "id": "msg_empty", "role": "assistant", "content": []}
    event = {"sequence_number": 0, "output_index": index}
    draft.insert(
        terminal,
        {"type": _ADDED, **event, "item": {**item, "status": "in_progress"}},
        {"type": _DONE, **event, "item": {**item, "status": "completed"}},
        after=False,
    )
    as_list(response.get("output")).append({**item, "status": "completed"})


# -- states ---------------------------------------------------------------------------------------------


@stream_miniature("item.dones-in-order")
def part_done_before_text_done(draft: Draft) -> None:
    """Closes parts before it says their whole text."""
    for part in [p for item in draft.reading.items for p in item.parts.values() if p.done and p.text_done]:
        draft.move(draft.of(part.text_done), draft.of(part.done))


@stream_miniature("item.dones-in-order")
def done_before_last_delta(draft: Draft) -> None:
    """Sends the last delta of a part after its done event."""
    part = part_of(draft, "text", "arguments", deltas=2, number=-1)
    if part is not None and part.text_done is not None:
        draft.move(draft.of(part.deltas[-1]), draft.of(part.text_done))


@stream_miniature("item.part-dones-present")
def no_text_done(draft: Draft) -> None:
    """Never sends the done event of texts."""
    draft.drop(*draft.all("response.output_text.done", "response.reasoning_summary_text.done"))


@stream_miniature("item.part-dones-present")
def no_content_part_done(draft: Draft) -> None:
    """Never closes content parts."""
    draft.drop(*draft.all("response.content_part.done"))


@stream_miniature("item.arguments-done-present")
def no_arguments_done(draft: Draft) -> None:
    """Never sends the done event of arguments for calls after the first."""
    for item in calls_of(draft)[1:]:
        draft.drop(*(f for f in frames_of(draft, item) if f.type == "response.function_call_arguments.done"))


@stream_miniature("item.done-before-completed")
def last_item_never_done(draft: Draft) -> None:
    """Completes the response without closing the last item."""
    item = item_of(draft, -1)
    if item is not None:
        draft.drop(draft.of(item.done))


@stream_miniature("item.done-before-completed")
def second_item_never_done(draft: Draft) -> None:
    """Never closes the second item."""
    item = item_of(draft, 1)
    if item is not None:
        draft.drop(draft.of(item.done))


@stream_miniature("item.done-before-incomplete")
def cut_message_never_done(draft: Draft) -> None:
    """Ends a cut answer without closing its message."""
    item = item_of(draft, -1, "message")
    if item is not None and draft.terminal is not None and draft.terminal.type == "response.incomplete":
        draft.drop(draft.of(item.done))


@stream_miniature("item.nothing-after-done")
def done_in_the_middle(draft: Draft) -> None:
    """Says that an item is done before its last delta."""
    part = part_of(draft, "text", "arguments", deltas=2, number=-1)
    if part is not None and part.item.done is not None:
        draft.move(draft.of(part.deltas[-1]), draft.of(part.item.done))


@stream_miniature("item.nothing-after-done")
def done_twice(draft: Draft) -> None:
    """Says twice that the second item is done."""
    item = _second(draft)
    frame = draft.of(item.done) if item else None
    if frame is not None:
        draft.insert(frame, dict(frame.data))


@stream_miniature("item.done-is-final")
def done_in_progress(draft: Draft) -> None:
    """Leaves the last done item in progress."""
    item = item_of(draft, -1)
    frame = draft.of(item.done) if item else None
    if frame is not None and "status" in frame.data["item"]:
        frame.data["item"]["status"] = "in_progress"


@stream_miniature("item.none-incomplete-in-completed")
def incomplete_item_in_completed(draft: Draft) -> None:
    """Marks the second item incomplete in a response that completes."""
    item = _second(draft)
    if item is not None and draft.terminal is not None and draft.terminal.type == "response.completed":
        for shape in list(shapes_of(draft, item))[1:]:
            if "status" in shape:
                shape["status"] = "incomplete"


@stream_miniature("item.incomplete-is-last")
def first_item_incomplete_too(draft: Draft) -> None:
    """Marks every item of a cut answer incomplete, not only the last."""
    first = item_of(draft, 0)
    if first is not None and draft.terminal is not None and draft.terminal.type == "response.incomplete":
        for shape in list(shapes_of(draft, first))[1:]:
            shape["status"] = "incomplete"


@stream_miniature("item.status-present")
def calls_without_status(draft: Draft) -> None:
    """Leaves status out of items."""
    for item in draft.reading.items:
        restate(draft, item, status=None)
