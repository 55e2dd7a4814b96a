"""Proxies that say something else than their upstream, consistently."""

from __future__ import annotations

import json

from conformance.miniatures.edits import Draft, stream_miniature
from conformance.miniatures.retelling import (
    REASONING,
    calls_of,
    forget,
    frames_of,
    item_of,
    part_of,
    restate,
    retell,
)
from conformance.reading import as_list


@stream_miniature("content.text-equals-upstream")
def trims_deltas(draft: Draft) -> None:
    """Strips white space off every text delta."""
    retell(draft, part_of(draft, "text"), lambda pieces: [piece.strip() for piece in pieces])


@stream_miniature("content.text-equals-upstream")
def loses_the_last_token(draft: Draft) -> None:
    """Loses the text that comes together with the finish reason."""
    retell(draft, part_of(draft, "text", deltas=2), lambda pieces: [*pieces[:-1], ""])


@stream_miniature("content.text-equals-upstream")
def replays_after_retry(draft: Draft) -> None:
    """Sends the second delta twice."""
    retell(draft, part_of(draft, "text", deltas=3), lambda p: [p[0], p[1] * 2, *p[2:]])


@stream_miniature("content.reasoning-equals-upstream")
def loses_reasoning(draft: Draft) -> None:
    """Leaves reasoning out."""
    item = item_of(draft, 0, "reasoning")
    if item is not None and len(draft.reading.items) > 1:
        forget(draft, item)


@stream_miniature("content.reasoning-equals-upstream")
def loses_a_thought(draft: Draft) -> None:
    """Loses the second delta of reasoning."""
    retell(draft, part_of(draft, *REASONING, deltas=3), lambda p: [p[0], "", *p[2:]])


@stream_miniature("content.refusal-equals-upstream")
def loses_refusal_delta(draft: Draft) -> None:
    """Loses the second delta of a refusal."""
    retell(draft, part_of(draft, "refusal", deltas=3), lambda p: [p[0], "", *p[2:]])


@stream_miniature("content.calls-equal-upstream")
def loses_the_second_call(draft: Draft) -> None:
    """Keeps only the first of several calls."""
    if len(calls_of(draft)) > 1:
        forget(draft, calls_of(draft)[1])


@stream_miniature("content.call-names-equal-upstream")
def truncates_names(draft: Draft) -> None:
    """Takes the first fragment of the last call's name for all of it."""
    if calls_of(draft):
        item = calls_of(draft)[-1]
        restate(draft, item, name="get_")
        for frame in frames_of(draft, item):
            if "name" in frame.data:
                frame.data["name"] = "get_"


@stream_miniature("content.arguments-equal-upstream")
def swaps_arguments(draft: Draft) -> None:
    """Writes each call's fragments into the other call."""
    first, second = part_of(draft, "arguments"), part_of(draft, "arguments", number=1)
    if first is None or second is None or first.streamed is None or second.streamed is None:
        return
    texts = first.streamed, second.streamed
    for part, text in ((first, texts[1]), (second, texts[0])):
        retell(draft, part, lambda pieces, text=text: [text, *([""] * (len(pieces) - 1))])  # type: ignore[misc]


@stream_miniature("content.arguments-equal-upstream")
def rounds_big_integers(draft: Draft) -> None:
    """Parses arguments as JavaScript does: integers above 2**53 are rounded."""
    for number in range(len(calls_of(draft))):
        part = part_of(draft, "arguments", number=number)
        whole = part.streamed if part else None
        if whole and "12345678901234567890" in whole:
            rounded = whole.replace("12345678901234567890", "12345678901234567000")
            retell(draft, part, lambda pieces, r=rounded: [r, *([""] * (len(pieces) - 1))])  # type: ignore[misc]


@stream_miniature("content.arguments-equal-upstream")
def repairs_cut_arguments(draft: Draft) -> None:
    """Closes the JSON of a call that was cut."""
    item = calls_of(draft)[-1] if calls_of(draft) else None
    if item is not None and item.done is None:
        for shape in as_list((draft.response or {}).get("output")):
            if shape.get("type") == "function_call":
                shape["arguments"] += '"}'
        part = next(iter(item.parts.values()), None)
        retell(draft, part, lambda pieces: [*pieces[:-1], pieces[-1] + '"}'])


@stream_miniature("content.arguments-byte-for-byte")
def serialises_arguments_again(draft: Draft) -> None:
    """Parses arguments and writes them with other white space."""
    for number in range(len(calls_of(draft))):
        part = part_of(draft, "arguments", number=number)
        if part is None or part.item.done is None or part.streamed is None:
            continue
        text = json.dumps(json.loads(part.streamed), indent=1, ensure_ascii=False)
        retell(draft, part, lambda pieces, text=text: [text, *([""] * (len(pieces) - 1))])  # type: ignore[misc]


@stream_miniature("content.call-ids-equal-upstream")
def mints_call_ids(draft: Draft) -> None:
    """Mints call ids of its own."""
    for number, item in enumerate(calls_of(draft)):
        restate(draft, item, call_id=f"call_minted_{number}")


@stream_miniature("content.order-equals-upstream")
def last_item_first(draft: Draft) -> None:
    """Numbers the items in reverse order."""
    indexes = [item.output_index for item in draft.reading.items]
    for item, index in zip(draft.reading.items, reversed(indexes), strict=True):
        for frame in frames_of(draft, item):
            frame.data["output_index"] = index
    if draft.response is not None:
        as_list(draft.response.get("output")).reverse()


@stream_miniature("content.citations-not-altered")
def counts_bytes(draft: Draft) -> None:
    """Moves the second citation by a character."""
    for shape in draft.items():
        for part in as_list(shape.get("content")):
            for note in as_list(part.get("annotations"))[1:]:
                note["start_index"] += 1
    frame = draft.nth(1, "response.output_text.annotation.added")
    if frame is not None:
        frame.data["annotation"]["start_index"] += 1


@stream_miniature("content.citations-kept")
def loses_the_second_citation(draft: Draft) -> None:
    """Keeps only the first citation."""
    for shape in draft.items():
        for part in as_list(shape.get("content")):
            if "annotations" in part:
                part["annotations"] = as_list(part["annotations"])[:1]
    draft.drop(*draft.all("response.output_text.annotation.added")[1:])


@stream_miniature("content.end-state-equals-upstream")
def length_is_completed(draft: Draft) -> None:
    """Completes an answer that the limit cut."""
    terminal, response = draft.terminal, draft.response
    if terminal is None or response is None or terminal.type != "response.incomplete":
        return
    terminal.data["type"] = "response.completed"
    response["status"], response["incomplete_details"] = "completed", None
    for shape in draft.items():
        if shape.get("status") == "incomplete":
            shape["status"] = "completed"


@stream_miniature("content.end-state-equals-upstream")
def filter_is_a_limit(draft: Draft) -> None:
    """Reports a stop by the content filter as one by the limit."""
    if draft.response is not None and draft.response.get("incomplete_details"):
        draft.response["incomplete_details"] = {"reason": "max_output_tokens"}


@stream_miniature("content.end-state-equals-upstream")
def broken_upstream_is_completed(draft: Draft) -> None:
    """Completes an answer whose upstream died."""
    terminal, response = draft.terminal, draft.response
    if terminal is None or response is None or terminal.type != "response.failed":
        return
    terminal.data["type"] = "response.completed"
    response["status"], response["error"] = "completed", None
    draft.drop(*draft.all("error"))
