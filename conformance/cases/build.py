"""Short words for writing cases: requests in the form that every target accepts, and what upstreams say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from conformance.cases.case import Turn
from fakes.reply import Answer
from fakes.script import Finish, Reasoning, Script, Text, ToolCall, Usage

__all__ = [
    "PIXEL",
    "TIME_TOOL",
    "WEATHER_TOOL",
    "answers",
    "asks",
    "assistant",
    "call",
    "call_item",
    "developer",
    "function",
    "output_item",
    "pieces",
    "says",
    "system",
    "thinks",
    "user",
]

DEFAULT_USAGE = Usage()

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
"""A data URL of one transparent pixel."""


def user(text: str, *more: Mapping[str, Any]) -> dict[str, Any]:
    """A user message of one text part, with further parts after it."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}, *more]}


def system(text: str) -> dict[str, Any]:
    """A system message."""
    return {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}


def developer(text: str) -> dict[str, Any]:
    """A developer message."""
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def assistant(text: str, **keys: Any) -> dict[str, Any]:
    """An assistant message of the history, in the form in which servers give it out."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part], **keys}


def call_item(call_id: str, name: str, arguments: str, **keys: Any) -> dict[str, Any]:
    """A function call of the history."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **keys}


def output_item(call_id: str, output: Any, **keys: Any) -> dict[str, Any]:
    """The result of a function call."""
    return {"type": "function_call_output", "call_id": call_id, "output": output, **keys}


def function(name: str, description: str = "", *, strict: bool | None = False, **properties: Any) -> dict[str, Any]:
    """A function tool; each keyword is a property with its schema, all of them required.

    `strict` None leaves the key out.
    """
    tool: dict[str, Any] = {
        "type": "function",
        "name": name,
        "description": description or f"Does what {name} says.",
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }
    return tool if strict is None else tool | {"strict": strict}


WEATHER_TOOL = function("get_weather", "The weather in a city.", city={"type": "string"})
TIME_TOOL = function("get_time", "The time in a zone.", zone={"type": "string"})


def asks(asked: str = "Say hello.", *, history: tuple[Mapping[str, Any], ...] = (), **body: Any) -> dict[str, Any]:
    """A request of one user message, after an optional history; `body` adds or replaces top-level fields."""
    return {"input": [*history, user(asked)], "store": False, **body}


def pieces(text: str, size: int = 4) -> tuple[str, ...]:
    """A text in fragments of `size` characters, as models stream it."""
    return tuple(text[start : start + size] for start in range(0, len(text), size))


def thinks(text: str, signature: str | None = "c2lnbmF0dXJlLW9mLXRoaXMtdGhvdWdodA==") -> Reasoning:
    """Reasoning in small fragments; the signature matters on Messages only."""
    return Reasoning(pieces(text), signature)


def call(name: str, arguments: Any, call_id: str | None = None, size: int = 5) -> ToolCall:
    """A tool call whose arguments come in small fragments; a non-string is written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(name, pieces(text, size), call_id)


def says(
    *parts: Any,
    finish: Finish | None = "stop",
    usage: Usage | None = DEFAULT_USAGE,
    quirks: tuple[str, ...] = (),
) -> Script:
    """A script; a plain string is text in small fragments."""
    spelled = tuple(Text(pieces(part)) if isinstance(part, str) else part for part in parts)
    return Script(parts=spelled, finish=finish, usage=usage, quirks=frozenset(quirks))


def answers(*upstream: Answer, asked: str = "Say hello.", **body: Any) -> tuple[Turn, ...]:
    """One turn: a plain question with these body fields, and what the upstream answers."""
    return (Turn(request=asks(asked, **body), answers=upstream),)
