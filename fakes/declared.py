"""Calls of tools whose upstream name only the target knows, resolved against the tools that it declared."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fakes.script import DeclaredCall, Part, Script, Text, ToolCall

__all__ = ["resolve"]

PIECE = 6
"""Characters in one fragment of a resolved call's arguments."""


def resolve(script: Script, request: Mapping[str, Any]) -> Script:
    """The script with each DeclaredCall replaced by the call that a model would make of the declared tools."""
    if not any(isinstance(part, DeclaredCall) for part in script.parts):
        return script
    functions = list(_functions(request))
    return dataclasses.replace(script, parts=tuple(_resolved(part, functions) for part in script.parts))


def _functions(request: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, description and parameter schema of each function declared, in either dialect's form."""
    for tool in request.get("tools") or ():
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        schema = function.get("parameters") or function.get("input_schema") or {}
        yield str(function.get("name", "")), str(function.get("description") or ""), schema


def _resolved(part: Part, functions: list[tuple[str, str, Mapping[str, Any]]]) -> Part:
    if not isinstance(part, DeclaredCall):
        return part
    described = [function for function in functions if part.described in function[1]]
    named = [function for function in functions if all(hint in function[0] for hint in part.named)]
    for name, _, schema in (*described, *named):
        text = part.arguments if part.input is None else json.dumps({_string_parameter(schema): part.input})
        return ToolCall(name, _fragments(text or ""), part.id)
    return Text((f"I have no tool {part.named[-1]}.",))


def _string_parameter(schema: Mapping[str, Any]) -> str:
    properties = schema.get("properties") or {}
    return next((name for name, kind in properties.items() if kind.get("type") == "string"), "input")


def _fragments(text: str) -> tuple[str, ...]:
    return tuple(text[start : start + PIECE] for start in range(0, len(text), PIECE))
