"""Proxies whose items are of kinds that nobody knows, or say too little or too much of themselves."""

from __future__ import annotations

from conformance.miniatures.edits import Draft, stream_miniature


@stream_miniature("item.known-types")
def thoughts_of_an_own_type(draft: Draft) -> None:
    """Calls its reasoning items `thinking`, without a prefix."""
    for item in draft.items():
        if item.get("type") == "reasoning":
            item["type"] = "thinking"


@stream_miniature("item.known-types")
def second_call_of_an_own_type(draft: Draft) -> None:
    """Calls the second function call `tool_call`, where it is done and in the end."""
    calls = [frame for frame in draft.all("response.output_item.done") if frame.item_type == "function_call"]
    for frame in calls[1:2]:
        frame.data["item"]["type"] = "tool_call"


@stream_miniature("item.reasoning-status")
def reasoning_without_status(draft: Draft) -> None:
    """Gives reasoning items no status."""
    for item in draft.items():
        if item.get("type") == "reasoning":
            item.pop("status", None)


@stream_miniature("item.arguments-done-name")
def arguments_done_without_name(draft: Draft) -> None:
    """Does not name the function when its arguments are done."""
    for frame in draft.all("response.function_call_arguments.done"):
        frame.data.pop("name", None)


@stream_miniature("item.arguments-done-name")
def second_arguments_done_names_the_first(draft: Draft) -> None:
    """Names the first function when the arguments of the second one are done."""
    done = draft.all("response.function_call_arguments.done")
    for frame in done[1:]:
        frame.data["name"] = "get_something_else"


@stream_miniature("content.encrypted-is-opaque")
def thoughts_in_clear(draft: Draft) -> None:
    """Gives the thinking text itself out as `encrypted_content`."""
    said = draft.exchange.said
    thoughts = [item.text for item in said.items if item.kind == "reasoning"] if said is not None else []
    for item in draft.items():
        if item.get("type") == "reasoning" and any(thoughts):
            item["encrypted_content"] = "".join(thoughts)


@stream_miniature("content.encrypted-is-opaque")
def thoughts_in_clear_inside_json(draft: Draft) -> None:
    """Packs the thinking text as JSON, unencrypted, where an opaque blob belongs."""
    said = draft.exchange.said
    thoughts = [item.text for item in said.items if item.kind == "reasoning"] if said is not None else []
    for item in draft.items():
        if item.get("type") == "reasoning" and any(thoughts):
            item["encrypted_content"] = '{"thinking": "' + "".join(thoughts) + '"}'
