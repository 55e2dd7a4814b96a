"""Proxies whose JSON has the wrong types."""

from __future__ import annotations

from conformance.miniatures.edits import Draft, stream_miniature
from conformance.reading import as_list


@stream_miniature("schema.openai-events")
def no_logprobs(draft: Draft) -> None:
    """Leaves `logprobs` out of the third text delta."""
    frame = draft.nth(2, "response.output_text.delta")
    if frame is not None:
        frame.data.pop("logprobs", None)


@stream_miniature("schema.openai-events", "schema.open-responses-events")
def indexes_as_strings(draft: Draft) -> None:
    """Writes content_index as a string in done events."""
    for frame in draft.all("response.output_text.done", "response.refusal.done"):
        frame.data["content_index"] = str(frame.data["content_index"])


@stream_miniature("schema.openai-items")
def no_annotations(draft: Draft) -> None:
    """Leaves `annotations` out of the text parts of items."""
    for item in draft.items():
        for part in as_list(item.get("content")):
            part.pop("annotations", None)


@stream_miniature("schema.openai-items")
def status_of_the_upstream(draft: Draft) -> None:
    """Gives done items the status `stop`."""
    for item in draft.items():
        if item.get("status") == "completed":
            item["status"] = "stop"


@stream_miniature("schema.openai-response")
def null_settings(draft: Draft) -> None:
    """Writes null for settings that are not nullable."""
    for response in draft.snapshots():
        for key in ("parallel_tool_calls", "tool_choice"):
            if key in response:
                response[key] = None


@stream_miniature("schema.open-responses-events")
def obfuscation_as_number(draft: Draft) -> None:
    """Pads deltas with a number."""
    for frame in draft.all("response.output_text.delta"):
        frame.data["obfuscation"] = 16


@stream_miniature("schema.open-responses-items")
def call_status_null(draft: Draft) -> None:
    """Writes null for the status of calls."""
    for item in draft.items():
        if item.get("type") == "function_call":
            item["status"] = None


@stream_miniature("schema.open-responses-response")
def null_truncation(draft: Draft) -> None:
    """Writes null for truncation and penalties."""
    for response in draft.snapshots():
        for key in ("truncation", "presence_penalty"):
            if key in response:
                response[key] = None
