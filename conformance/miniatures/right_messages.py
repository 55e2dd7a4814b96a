"""Right requests to the Messages API."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.miniatures.right_conversation import Names, Turn, UpstreamFlavour, forced_name, without_nones
from conformance.said import SaidItem

__all__ = ["JSON_MODE", "messages_conversation", "messages_settings"]

JSON_MODE = "Answer with one JSON object and nothing else."
"""What stands in for JSON mode."""

_LEAST_BUDGET = 1024


def messages_conversation(
    system: Sequence[str], turns: Sequence[Turn], flavour: UpstreamFlavour, *, json_mode: bool = False
) -> dict[str, Any]:
    """`system` and `messages`: results first in the next user turn, equal roles merged, no blank text.

    `json_mode` is told to the model in words, for Messages has no such mode.
    """
    request: dict[str, Any] = {}
    if system and json_mode:
        system = [*system, JSON_MODE]
    if system and flavour.parts:
        request["system"] = [{"type": "text", "text": text} for text in system]
    elif system:
        request["system"] = "\n\n".join(system)
    messages: list[dict[str, Any]] = []
    ids: dict[str, str] = {}  # of the turn being written
    used: set[str] = set()

    def add(role: str, blocks: list[dict[str, Any]]) -> None:
        if blocks and messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})

    for turn in turns:
        if turn.role != "assistant":
            add("user", [block for part in turn.content if (block := _block(part))])
            continue
        ids = {call["id"]: _legal_id(call["id"], used) for call in turn.calls}
        add("assistant", [b for part in turn.content if (b := _call_block(part, ids) or _block(part))])
        results = []
        for call_id, parts in turn.results:
            content = [block for part in parts if (block := _block(part))]
            result = {"type": "tool_result", "tool_use_id": ids[call_id]}
            results.append(result | ({"content": content} if content else {}))
        add("user", results)
    if not messages or messages[-1]["role"] == "assistant":
        add("user", [{"type": "text", "text": "Continue."}])
    return request | {"messages": messages}


def _legal_id(call_id: str, used: set[str]) -> str:
    """An id that Messages takes, other than all before it."""
    legal = call_id if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) else ""
    number = 0
    while not legal or legal in used:
        legal = f"toolu_{hashlib.sha256(f'{call_id}/{number}'.encode()).hexdigest()[:24]}"
        number += 1
    used.add(legal)
    return legal


def _thinking(thought: SaidItem) -> dict[str, Any]:
    if thought.redacted is not None:
        return {"type": "redacted_thinking", "data": thought.redacted}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature or ""}


def _call_block(part: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any] | None:
    if "call" not in part:
        return None
    call = part["call"]
    try:
        value = json.loads(call["arguments"] or "{}")
    except ValueError:
        value = call["arguments"]
    given = value if isinstance(value, dict) else {"arguments": value}
    return {"type": "tool_use", "id": ids[call["id"]], "name": call["name"], "input": given}


def _block(part: Mapping[str, Any]) -> dict[str, Any] | None:
    if "thought" in part:
        return _thinking(part["thought"])
    if "text" in part:
        return {"type": "text", "text": part["text"]} if part["text"].strip() else None
    if "image" in part:
        return {"type": "image", "source": _source(part["image"])}
    return {"type": "document", "source": _source(part["file"])} if "file" in part else None


def _source(address: str) -> dict[str, Any]:
    found = re.fullmatch(r"data:([^;]+);base64,(.*)", address, re.DOTALL)
    if found and found[1] == "text/plain":
        return {"type": "text", "media_type": "text/plain", "data": base64.b64decode(found[2]).decode()}
    if found:
        return {"type": "base64", "media_type": found[1], "data": found[2]}
    return {"type": "url", "url": address}


def messages_settings(
    body: Mapping[str, Any], tools: Sequence[Mapping[str, Any]], names: Names, flavour: UpstreamFlavour
) -> dict[str, Any]:
    """Limits, thinking, sampling, formats and tools."""
    settings: dict[str, Any] = {"max_tokens": body.get("max_output_tokens") or 32_000}
    choice = body.get("tool_choice")
    forced = choice == "required" or (isinstance(choice, dict) and choice["type"] in ("function", "custom"))
    effort = (body.get("reasoning") or {}).get("effort")
    if effort and effort not in ("none", "minimal") and not forced:
        if flavour.adaptive:
            settings["thinking"] = {"type": "adaptive", "display": "summarized"}
            settings["output_config"] = {"effort": effort}
        elif settings["max_tokens"] > _LEAST_BUDGET:
            settings["thinking"] = {"type": "enabled", "budget_tokens": _LEAST_BUDGET, "display": "summarized"}
    for key in ("temperature", "top_p"):  # models take one of the two, and neither beside thinking
        value = body.get(key)
        if value is not None and value <= 1 and "thinking" not in settings and "temperature" not in settings:
            settings[key] = value
    asked = (body.get("text") or {}).get("format") or {}
    if asked.get("type") == "json_schema":
        format_ = {"type": "json_schema", "schema": asked["schema"]}
        settings["output_config"] = settings.get("output_config", {}) | {"format": format_}
    user = body.get("safety_identifier") or body.get("user")
    if user:
        settings["metadata"] = {"user_id": user}
    if tools:
        settings["tools"] = [_tool(tool) for tool in tools]
        mapped = _messages_choice(choice, names)
        if body.get("parallel_tool_calls") is False:
            mapped = (mapped or {"type": "auto"}) | {"disable_parallel_tool_use": True}
        if mapped:
            settings["tool_choice"] = mapped
    return settings


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    own = {"name": tool["name"], "description": tool["description"], "strict": tool["strict"]}
    return without_nones(own | {"input_schema": tool["parameters"]})


def _messages_choice(choice: Any, names: Names) -> dict[str, Any] | None:
    words = {"auto": "auto", "none": "none", "required": "any"}
    if isinstance(choice, dict):
        if choice["type"] in ("function", "custom"):
            return {"type": "tool", "name": forced_name(choice, names)}
        return {"type": words[choice.get("mode", "auto")]}
    return {"type": words[choice]} if choice else None
