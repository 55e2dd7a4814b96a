"""What a right target keeps back, and what it refuses: calls that were ruled out, requests that cannot be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.said import SaidItem
from fakes.script import Dialect

__all__ = ["fault", "permitted"]

_LISTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("reasoning", "effort"): ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    ("reasoning", "summary"): ("auto", "concise", "detailed"),
    ("text", "verbosity"): ("low", "medium", "high"),
}


def permitted(
    body: Mapping[str, Any], items: Sequence[SaidItem], names: Mapping[str, tuple[str | None, str]]
) -> tuple[SaidItem, ...]:
    """The items of an upstream's answer without the calls that the request rules out."""
    choice = body.get("tool_choice")
    allowed: set[str] | None = None
    if choice == "none":
        allowed = set()
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = {str(tool.get("name")) for tool in choice["tools"]}
    kept, calls = [], 0
    for item in items:
        if item.kind == "call":
            outside = allowed is not None and names.get(item.name, (None, item.name))[1] not in allowed
            if outside or (calls and body.get("parallel_tool_calls") is False):
                continue
            calls += 1
        kept.append(item)
    return tuple(kept)


def fault(body: Any, dialect: Dialect) -> tuple[str, str] | None:
    """Why a right target refuses a request, as `param` and message; None where it does not."""
    if not isinstance(body, dict):
        return None
    faults = (*_choice_faults(body), *_word_faults(body, dialect), *_part_faults(body, dialect))
    return next(iter(faults), None)


def _choice_faults(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    choice, names = body.get("tool_choice"), set(_names(body))
    if isinstance(choice, str) and (choice not in ("auto", "none", "required") or (choice == "required" and not names)):
        yield "tool_choice", f"{choice!r} cannot be met."
    if not isinstance(choice, dict):
        return
    kind = choice.get("type")
    wanted = {tool.get("name") for tool in choice.get("tools") or ()} or {choice.get("name")}
    if kind not in ("function", "custom", "allowed_tools"):
        yield "tool_choice", f"Tools of type {kind!r} are not run here."
    elif not wanted & names:
        yield "tool_choice", f"There is no tool {', '.join(map(repr, wanted))}."


def _names(body: Mapping[str, Any]) -> Iterator[str]:
    given = body.get("input")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    for tool in [*(body.get("tools") or ()), *(tool for item in items for tool in item.get("tools") or ())]:
        yield from (inner["name"] for inner in (tool.get("tools") or (tool,)) if "name" in inner)


def _word_faults(body: Mapping[str, Any], dialect: Dialect) -> Iterator[tuple[str, str]]:
    for (outer, inner), listed in _LISTED.items():
        value = (body.get(outer) or {}).get(inner)
        if value is not None and value not in listed:
            yield f"{outer}.{inner}", f"{value!r} is not one of {', '.join(listed)}."
    kind = ((body.get("text") or {}).get("format") or {}).get("type", "text")
    untold = kind == "json_object" and dialect == "messages" and not body.get("instructions")
    if untold or kind not in ("text", "json_object", "json_schema"):
        yield "text.format", f"There is no format {kind!r} upstream."


def _part_faults(body: Mapping[str, Any], dialect: Dialect) -> Iterator[tuple[str, str]]:
    given = body.get("input")
    for number, item in enumerate(given if isinstance(given, list) else ()):
        for key in ("content", "output"):
            parts = item.get(key)
            for index, part in enumerate(parts if isinstance(parts, list) else ()):
                if not _has_place(part, dialect):
                    kind = part["type"]
                    yield f"input[{number}].{key}[{index}]", f"There is no place upstream for this {kind}."


def _has_place(part: Mapping[str, Any], dialect: Dialect) -> bool:
    if part.get("type") == "input_file":
        return dialect != "vllm" and str(part.get("file_data", "")).startswith("data:")
    if dialect == "messages" and str(part.get("image_url", "")).startswith("data:image/bmp"):
        return False
    return part.get("type") not in ("input_audio", "input_video") and not (
        part.get("type") == "input_image" and "image_url" not in part
    )
