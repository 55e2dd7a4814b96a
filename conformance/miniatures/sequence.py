"""Proxies that count their events wrongly."""

from __future__ import annotations

from conformance.miniatures.edits import Draft, stream_miniature


@stream_miniature("sequence.present")
def unnumbered_deltas(draft: Draft) -> None:
    """Leaves the sequence number out of deltas."""
    for frame in draft.events:
        if frame.type.endswith(".delta"):
            frame.data.pop("sequence_number", None)


@stream_miniature("sequence.present")
def numbers_as_strings(draft: Draft) -> None:
    """Writes sequence numbers as strings."""
    for frame in draft.events:
        frame.data["sequence_number"] = str(frame.data["sequence_number"])


@stream_miniature("sequence.increasing")
def item_done_is_always_one(draft: Draft) -> None:
    """Gives every output_item.done the number 1."""
    for frame in draft.all("response.output_item.done"):
        frame.data["sequence_number"] = 1


@stream_miniature("sequence.increasing")
def repeated_number(draft: Draft) -> None:
    """Uses the number of the event before for one in the middle."""
    middle = len(draft.events) // 2
    if middle:
        draft.events[middle].data["sequence_number"] = draft.events[middle - 1].data["sequence_number"]


@stream_miniature("sequence.contiguous")
def skipped_numbers(draft: Draft) -> None:
    """Leaves a number out in the middle."""
    for frame in draft.events[len(draft.events) // 2 :]:
        frame.data["sequence_number"] += 1
