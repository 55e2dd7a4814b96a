"""Right requests upstream: what a right target sends for a client's request, in two legal ways.

Written from the services' documentation for the tests of the suite: it shares no code with any proxy, and none
with the readings by which the checks judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.miniatures.right_chat import chat_messages, chat_settings
from conformance.miniatures.right_conversation import (
    UPSTREAM_FLAVOURS,
    Memory,
    UpstreamFlavour,
    items_of,
    rename_calls,
    tools_of,
    turns_of,
)
from conformance.miniatures.right_messages import messages_conversation, messages_settings
from fakes.script import Dialect

__all__ = ["UPSTREAM_FLAVOURS", "Memory", "UpstreamFlavour", "right_request"]


def right_request(
    body: Mapping[str, Any], dialect: Dialect, flavour: UpstreamFlavour, memory: Memory | None = None
) -> dict[str, Any]:
    """The request that a right target sends upstream for a Responses request."""
    memory = memory or Memory()
    if dialect == "vllm":  # templates of open models take system text at the beginning only
        flavour = replace(flavour, hoist=True)
    items = items_of(body, memory)
    system, turns = turns_of(body, items, memory, flavour)
    narrow = flavour.narrow or dialect != "chat_completions"  # the others have no list of allowed tools
    tools, names = tools_of(body, items, narrow=narrow)
    rename_calls(turns, names)
    request: dict[str, Any] = {"model": body.get("model", "")}
    if dialect == "messages":
        json_mode = ((body.get("text") or {}).get("format") or {}).get("type") == "json_object"
        request |= messages_conversation(system, turns, flavour, json_mode=json_mode)
        request |= messages_settings(body, tools, names, flavour)
    else:
        request |= {"messages": chat_messages(system, turns, dialect, flavour)}
        request |= chat_settings(body, tools, names, dialect, flavour, narrow=narrow)
    if body.get("stream") is True:
        request["stream"] = True
    return request
