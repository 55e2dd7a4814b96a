"""What a fake says when nobody told it what to say.

1. After a tool's result: a text that repeats the beginning of the result.
2. Where tools are declared and one is forced, or the last user text has a word of four letters or more of a
   tool's name ("weather" for `get_weather`): a call of that tool, with arguments that satisfy its schema.
3. Else a text that repeats the beginning of the last user text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fakes.log import UpstreamCall
from fakes.script import Script, Text, ToolCall

__all__ = ["small_talk"]

_EXCERPT = 80  # characters repeated
_WORD = re.compile(r"[^\W\d_]{4,}")
_FRAGMENT = 8


def small_talk(call: UpstreamCall) -> Script:
    """The answer to one request, in a fake that stands alone."""
    request = call.json if isinstance(call.json, dict) else {}
    kind, text = _last_said(request)
    if kind == "result":
        return _text(f"The tool answered: {text[:_EXCERPT]}")
    tool = _wanted(request, text)
    if tool is not None:
        arguments = json.dumps(_sample(tool[1]), ensure_ascii=False)
        pieces = tuple(arguments[at : at + _FRAGMENT] for at in range(0, len(arguments), _FRAGMENT))
        return Script(parts=(ToolCall(tool[0], pieces),), finish="tool_calls")
    return _text(f"Hello from the fake upstream. You said: {text[:_EXCERPT]}")


def _text(text: str) -> Script:
    return Script(parts=(Text(tuple(re.findall(r"\s*\S+", text))),))


def _last_said(request: Mapping[str, Any]) -> tuple[str, str]:
    """What the conversation ends with: "result" or "user", and its text."""
    messages = [message for message in _list(request.get("messages")) if isinstance(message, dict)]
    last = messages[-1] if messages else {}
    results = [part for part in _list(last.get("content")) if _kind(part) == "tool_result"]
    if last.get("role") == "tool" or results:
        return "result", _plain(results[-1].get("content") if results else last.get("content"))
    users = [message for message in messages if message.get("role") == "user"]
    return "user", _plain(users[-1].get("content")) if users else ""


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in _list(content) if _kind(part) == "text" and "text" in part)


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _wanted(request: Mapping[str, Any], text: str) -> tuple[str, Mapping[str, Any]] | None:
    """The tool to call: one that is forced, else one whose name the text touches on."""
    choice = request.get("tool_choice")
    if choice == "none" or _kind(choice) == "none":
        return None
    tools = dict(_tools(request))
    forced = choice.get("name") or _mapping(choice.get("function")).get("name") if isinstance(choice, dict) else None
    if forced in tools:
        return forced, tools[forced]
    if tools and (choice == "required" or _kind(choice) == "any"):
        return next(iter(tools.items()))
    said = {word.casefold() for word in _WORD.findall(text)}
    near = (tool for tool in tools.items() if said & {word.casefold() for word in _WORD.findall(tool[0])})
    return next(near, None)


def _tools(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tool in _list(request.get("tools")):
        declared = _mapping(_mapping(tool).get("function")) or _mapping(tool)
        if isinstance(declared.get("name"), str):
            yield declared["name"], _mapping(declared.get("parameters") or declared.get("input_schema"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_SAMPLES: Mapping[str, Any] = {
    "string": "example",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
    "array": [],
}


def _sample(schema: Mapping[str, Any]) -> Any:
    """A small value for a schema: its required properties, the first of an enumeration, else one of the type."""
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if _list(schema.get(key)):
            return schema[key][0]
    variants = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
    if variants:
        return _sample(_mapping(variants[0]))
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = _mapping(schema.get("properties"))
        return {name: _sample(_mapping(properties.get(name))) for name in _list(schema.get("required"))}
    return _SAMPLES.get(str(kind), "example")
