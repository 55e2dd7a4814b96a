"""Proxies whose events, items and response do not say the same."""

from __future__ import annotations

import json

from conformance.miniatures.edits import Draft, Frame, stream_miniature
from conformance.miniatures.retelling import REASONING, calls_of, item_of, part_of, retell
from conformance.reading import FamilyName, ItemReading, PartReading, as_dict, as_list


def _strip(frame: Frame | None, key: str) -> None:
    """Take white space off the end of a text, or its last character where there is none."""
    if frame is not None and isinstance(frame.data.get(key), str):
        text = frame.data[key]
        frame.data[key] = text.rstrip() if text != text.rstrip() else text[:-1]


def _text_done(draft: Draft, *names: FamilyName, number: int = 0) -> PartReading | None:
    part = part_of(draft, *names, number=number)
    if part is not None and part.family is not None:
        _strip(draft.of(part.text_done), part.family.field)
    return part


@stream_miniature("content.text-done-equals-deltas")
def trimmed_text_done(draft: Draft) -> None:
    """Loses the end of the text in output_text.done."""
    _text_done(draft, "text")


@stream_miniature("content.text-done-equals-deltas")
def last_delta_as_text_done(draft: Draft) -> None:
    """Puts only the last delta into output_text.done."""
    part = part_of(draft, "text", deltas=2)
    frame = draft.of(part.text_done) if part else None
    if part is not None and frame is not None:
        frame.data["text"] = part.deltas[-1].get("delta")


@stream_miniature("content.refusal-done-equals-deltas")
def trimmed_refusal_done(draft: Draft) -> None:
    """Loses the end of the refusal in refusal.done."""
    _text_done(draft, "refusal")


@stream_miniature("content.reasoning-done-equals-deltas")
def trimmed_reasoning_done(draft: Draft) -> None:
    """Loses the end of reasoning in its done event."""
    _text_done(draft, *REASONING)


@stream_miniature("content.arguments-done-equals-deltas")
def other_arguments_done(draft: Draft) -> None:
    """Says the first call's arguments in the done event of the second."""
    first, second = part_of(draft, "arguments"), part_of(draft, "arguments", number=1)
    frame = draft.of(second.text_done) if second else None
    if first is not None and frame is not None:
        frame.data["arguments"] = first.streamed


@stream_miniature("content.custom-input-done-equals-deltas")
def wrapped_custom_input_done(draft: Draft) -> None:
    """Wraps the input of a custom tool in JSON again in its done event."""
    part = part_of(draft, "input")
    frame = draft.of(part.text_done) if part else None
    if frame is not None:
        frame.data["input"] = json.dumps({"input": frame.data["input"]})


@stream_miniature("content.part-done-equals-deltas")
def empty_part_done(draft: Draft) -> None:
    """Closes content parts with an empty part."""
    for frame in draft.all("response.content_part.done", "response.reasoning_summary_part.done"):
        frame.data["part"]["refusal" if frame.data["part"]["type"] == "refusal" else "text"] = ""


@stream_miniature("content.part-done-equals-deltas")
def trimmed_part_done(draft: Draft) -> None:
    """Loses the end of the last part's text when it closes it."""
    part = part_of(draft, "text", "refusal", *REASONING, number=-1)
    frame = draft.of(part.done) if part else None
    if part is not None and part.family is not None and frame is not None:
        frame.data["part"][part.family.field] = frame.data["part"][part.family.field][:-1]


def _in_done_item(draft: Draft, *names: FamilyName, number: int = 0, text: str | None = None) -> None:
    """Change a part's content in output_item.done only."""
    part = part_of(draft, *names, number=number)
    frame = draft.of(part.item.done) if part else None
    if part is None or part.family is None or frame is None:
        return
    held = as_list(frame.data["item"].get(part.family.array)) if part.family.array else [frame.data["item"]]
    if part.index is not None and part.index < len(held):
        old = held[part.index][part.family.field]
        held[part.index][part.family.field] = old[:-1] if text is None else text


@stream_miniature("content.item-text-equals-deltas")
def trimmed_text_in_item(draft: Draft) -> None:
    """Loses the end of the text in output_item.done."""
    _in_done_item(draft, "text")


@stream_miniature("content.item-refusal-equals-deltas")
def trimmed_refusal_in_item(draft: Draft) -> None:
    """Loses the end of the refusal in output_item.done."""
    _in_done_item(draft, "refusal")


@stream_miniature("content.item-reasoning-equals-deltas")
def trimmed_reasoning_in_item(draft: Draft) -> None:
    """Loses the end of the reasoning in output_item.done."""
    _in_done_item(draft, *REASONING)


@stream_miniature("content.item-arguments-equal-deltas")
def empty_arguments_in_item(draft: Draft) -> None:
    """Leaves the arguments of the second call empty in output_item.done."""
    _in_done_item(draft, "arguments", number=1, text="")


@stream_miniature("content.item-arguments-equal-deltas")
def repaired_custom_input_in_item(draft: Draft) -> None:
    """Changes the input of a custom tool in output_item.done."""
    _in_done_item(draft, "input", text="*** End Patch")


@stream_miniature("content.item-holds-streamed-parts")
def done_without_content(draft: Draft) -> None:
    """Closes messages with an empty content."""
    for item in draft.reading.items:
        frame = draft.of(item.done)
        if item.type == "message" and frame is not None:
            frame.data["item"]["content"] = []


@stream_miniature("content.reasoning-in-its-field")
def reasoning_in_the_other_field(draft: Draft) -> None:
    """Streams a summary and puts it into the item's content, or the other way round."""
    for shape in draft.items():
        if shape.get("type") != "reasoning":
            continue
        if shape.get("summary"):
            texts = [part["text"] for part in shape["summary"]]
            shape["summary"], shape["content"] = [], [{"type": "reasoning_text", "text": text} for text in texts]
        elif shape.get("content"):
            texts = [part["text"] for part in shape.pop("content")]
            shape["summary"] = [{"type": "summary_text", "text": text} for text in texts]


def _final(draft: Draft, item: ItemReading | None) -> dict[str, object]:
    output = as_list((draft.response or {}).get("output"))
    position = item.final_position if item is not None else None
    return as_dict(output[position]) if position is not None and position < len(output) else {}


@stream_miniature("content.response-equals-item")
def parsed_again_at_the_end(draft: Draft) -> None:
    """Gives the last call other arguments in the terminal response than when it was done."""
    shape = _final(draft, calls_of(draft)[-1]) if calls_of(draft) else {}
    if "arguments" in shape:
        shape["arguments"] = '{"city":"Paris"}'


@stream_miniature("content.response-equals-item")
def trimmed_text_at_the_end(draft: Draft) -> None:
    """Loses the end of the text in the terminal response."""
    for part in as_list(_final(draft, item_of(draft, -1, "message")).get("content")):
        if part.get("text"):
            part["text"] = part["text"][:-1]


@stream_miniature("content.response-equals-item")
def output_of_the_first_delta(draft: Draft) -> None:
    """Never says that the text is done, and ends with a response that holds what stood there at the first delta."""
    part = part_of(draft, "text", deltas=2)
    done = draft.of(part.item.done) if part else None
    if part is None or done is None:
        return
    for shape in as_list(_final(draft, part.item).get("content")):
        if shape.get("text"):
            shape["text"] = part.deltas[0].get("delta")
    draft.drop(done)


@stream_miniature("content.response-keeps-identities")
def call_id_minted_in_response(draft: Draft) -> None:
    """Mints another call_id for the last call in the terminal response."""
    shape = _final(draft, calls_of(draft)[-1]) if calls_of(draft) else {}
    if shape:
        shape["call_id"] = "call_of_the_response"


@stream_miniature("content.response-keeps-identities")
def id_minted_in_response(draft: Draft) -> None:
    """Mints another id for the second item in the terminal response."""
    shape = _final(draft, item_of(draft, 1))
    if "id" in shape:
        shape["id"] = "item_of_the_response"


@stream_miniature("content.annotation-events-equal-item")
def annotation_lost_in_item(draft: Draft) -> None:
    """Announces two citations and keeps the first in the item."""
    for shape in draft.items():
        for part in as_list(shape.get("content")):
            part["annotations"] = as_list(part.get("annotations"))[:1]


@stream_miniature("content.annotation-events-equal-item")
def other_place_in_item(draft: Draft) -> None:
    """Announces the second citation for other characters than the item has."""
    frame = draft.nth(1, "response.output_text.annotation.added")
    if frame is not None:
        frame.data["annotation"]["start_index"] += 1


@stream_miniature("response.output-holds-done-items")
def empty_output(draft: Draft) -> None:
    """Ends with an empty output."""
    if draft.response is not None:
        draft.response["output"] = []


@stream_miniature("response.output-holds-done-items")
def only_messages_in_output(draft: Draft) -> None:
    """Leaves calls out of the terminal response's output."""
    if draft.response is not None:
        items = as_list(draft.response.get("output"))
        draft.response["output"] = [item for item in items if item.get("type") != "function_call"]


@stream_miniature("response.output-was-streamed")
def message_only_in_output(draft: Draft) -> None:
    """Adds a message to the terminal response that was never streamed."""
    if draft.response is not None and draft.terminal is not None and draft.terminal.type == "response.completed":
        part = {"type": "output_text", "text": "By the way.", "annotations": [], "logprobs": []}
        message = {"type": "message", "id": "msg_new", "status": "completed", "role": "assistant", "content": [part]}
        as_list(draft.response.get("output")).append(message)


@stream_miniature("content.text-equals-upstream", "content.text-done-equals-deltas")
def delta_changed_only(draft: Draft) -> None:
    """Decodes the third delta wrongly, and keeps the right text in done events."""
    part = part_of(draft, "text", deltas=3)
    frame = draft.of(part.deltas[2]) if part else None
    if frame is not None:
        frame.data["delta"] = "\ufffd" * len(frame.data["delta"])


@stream_miniature("content.item-arguments-equal-deltas", "content.arguments-equal-upstream")
def later_argument_deltas_lost(draft: Draft) -> None:
    """Loses the argument deltas after the first: they have no call id."""
    part = part_of(draft, "arguments", deltas=2)
    if part is not None:
        retell(draft, part, lambda pieces: [pieces[0], *([""] * (len(pieces) - 1))])
        frame = draft.of(part.item.done)
        if frame is not None:
            frame.data["item"]["arguments"] = part.streamed
