"""Right requests to chat completions and vLLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.miniatures.right_conversation import Names, Turn, UpstreamFlavour, forced_name, without_nones
from fakes.script import Dialect

__all__ = ["chat_messages", "chat_settings"]


def chat_messages(
    system: Sequence[str], turns: Sequence[Turn], dialect: Dialect, flavour: UpstreamFlavour
) -> list[dict[str, Any]]:
    """`messages`: system text leads, calls and their results stand together."""
    messages: list[dict[str, Any]] = []
    if system and flavour.hoist:
        messages.append({"role": "system", "content": "\n\n".join(system)})
    elif system:
        role = "system" if dialect == "vllm" else "developer"
        messages += [{"role": role, "content": [{"type": "text", "text": text}]} for text in system]
    for turn in turns:
        messages += _chat_turn(turn, dialect, flavour)
    return messages


def _chat_turn(turn: Turn, dialect: Dialect, flavour: UpstreamFlavour) -> list[dict[str, Any]]:
    if turn.role != "assistant":
        content = _chat_content(turn.content, flavour)
        return [{"role": turn.role, "content": content}] if content else []
    message: dict[str, Any] = {"role": "assistant"}
    texts = [part for part in turn.content if part.get("text")]
    if texts or not turn.calls:
        message["content"] = _chat_content(texts, flavour) or ""
    if turn.thoughts:
        message["reasoning"] = "".join(thought.text for thought in turn.thoughts)
    if turn.calls:
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in turn.calls
        ]
    if not turn.calls and not message["content"]:
        return []
    lifted: list[dict[str, Any]] = []
    results = []
    for call_id, parts in turn.results:
        images = [part for part in parts if "image" in part or "file" in part]
        texts = [part for part in parts if "text" in part] or [{"text": "(see the image below)"}]
        results.append({"role": "tool", "tool_call_id": call_id, "content": _chat_content(texts, flavour) or ""})
        if images:
            lifted += [{"text": f"The image that {call_id} returned:"}, *images]
    return [message, *results] + ([{"role": "user", "content": _chat_content(lifted, flavour)}] if lifted else [])


def _chat_content(parts: Sequence[Mapping[str, Any]], flavour: UpstreamFlavour) -> Any:
    if all("text" in part for part in parts) and not flavour.parts:
        return "\n\n".join(part["text"] for part in parts)
    found: list[dict[str, Any]] = []
    for part in parts:
        if "text" in part:
            found.append({"type": "text", "text": part["text"]})
        elif "image" in part:
            detail = {"detail": part["detail"]} if part.get("detail") else {}
            found.append({"type": "image_url", "image_url": {"url": part["image"], **detail}})
        elif "file" in part:
            found.append({"type": "file", "file": {"file_data": part["file"], "filename": part["filename"]}})
    return found


_ALIKE = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
)


def chat_settings(
    body: Mapping[str, Any],
    tools: Sequence[Mapping[str, Any]],
    names: Names,
    dialect: Dialect,
    flavour: UpstreamFlavour,
    *,
    narrow: bool,
) -> dict[str, Any]:
    """Limits, sampling, formats, tools and what a stream needs."""
    settings: dict[str, Any] = {}
    for key in _ALIKE:
        if body.get(key) is not None:
            settings[key] = body[key]
    if "message.output_text.logprobs" in (body.get("include") or ()):
        settings |= without_nones({"logprobs": True, "top_logprobs": body.get("top_logprobs")})
    if body.get("max_output_tokens") is not None:
        old = flavour.old_limit and dialect == "vllm"  # the deprecated name, which OpenAI's reasoning models refuse
        settings["max_tokens" if old else "max_completion_tokens"] = body["max_output_tokens"]
    effort = (body.get("reasoning") or {}).get("effort")
    if effort:
        settings["reasoning_effort"] = effort
    response_format = _chat_format((body.get("text") or {}).get("format") or {})
    if response_format:
        settings["response_format"] = response_format
    verbosity = (body.get("text") or {}).get("verbosity")
    if verbosity and dialect == "chat_completions":
        settings["verbosity"] = verbosity
    if body.get("stream") is True:
        settings["stream_options"] = {"include_usage": True}
    if tools:
        settings["tools"] = [{"type": "function", "function": without_nones(tool)} for tool in tools]
        choice = _chat_choice(body.get("tool_choice"), names, narrow=narrow)
        if choice is not None and not (flavour.terse and choice == "auto"):
            settings["tool_choice"] = choice
        if body.get("parallel_tool_calls") is not None and not (flavour.terse and body["parallel_tool_calls"]):
            settings["parallel_tool_calls"] = body["parallel_tool_calls"]
    return settings


def _chat_format(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    if asked.get("type") == "json_object":
        return {"type": "json_object"}
    if asked.get("type") != "json_schema":
        return None
    return {
        "type": "json_schema",
        "json_schema": without_nones({key: asked.get(key) for key in ("name", "description", "schema", "strict")}),
    }


def _chat_choice(choice: Any, names: Names, *, narrow: bool) -> Any:
    if not isinstance(choice, dict):
        return choice
    if choice["type"] in ("function", "custom"):
        return {"type": "function", "function": {"name": forced_name(choice, names)}}
    if choice["type"] == "allowed_tools" and not narrow:
        tools = [{"type": "function", "function": {"name": names[None, tool["name"]]}} for tool in choice["tools"]]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice["mode"], "tools": tools}}
    return choice.get("mode", "auto")
