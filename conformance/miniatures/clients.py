"""Proxies that the official client cannot read, or reads wrongly."""

from __future__ import annotations

import json

from conformance.miniatures.edits import Draft, Frame, stream_miniature
from conformance.miniatures.retelling import part_of
from conformance.reading import as_list


@stream_miniature("clients.openai-python-stream")
def text_without_a_message(draft: Draft) -> None:
    """Announces the message only when its text is whole."""
    part = part_of(draft, "text")
    if part is not None:
        draft.move(draft.of(part.item.added), draft.of(part.deltas[-1]))


@stream_miniature("clients.openai-python-create")
def html_in_the_middle(draft: Draft) -> None:
    """Passes on what the gateway before the upstream says in HTML."""
    middle = len(draft.frames) // 2
    draft.frames.insert(middle, Frame(None, b"data: <html>Bad gateway</html>\n\n", draft.frames[middle].t))


@stream_miniature("clients.openai-python-create")
def error_without_type(draft: Draft) -> None:
    """Passes on a chat upstream's error as it is, in the middle."""
    middle = len(draft.frames) // 2
    body = json.dumps({"error": {"message": "Overloaded.", "type": "server_error", "code": 503}})
    draft.frames.insert(middle, Frame(None, f"data: {body}\n\n".encode(), draft.frames[middle].t))


@stream_miniature("clients.openai-python-text")
def placeholder_text(draft: Draft) -> None:
    """Ends with a text of its own in the terminal response."""
    for item in as_list((draft.response or {}).get("output")):
        for part in as_list(item.get("content")):
            if part.get("type") == "output_text":
                part["text"] = "(see the stream)"


@stream_miniature("clients.openai-python-calls")
def arguments_null_at_the_end(draft: Draft) -> None:
    """Ends with other arguments for every call in the terminal response."""
    for item in as_list((draft.response or {}).get("output")):
        if item.get("type") == "function_call":
            item["arguments"] = '{"arguments": null}'
