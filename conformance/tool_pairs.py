"""Pairing: each tool that a client declared, with the one that went upstream for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.crossings import Crossing
from conformance.pieces import Tool, at, same_json
from conformance.schema_meaning import schema_meaning
from fakes.script import Dialect

__all__ = ["NAME_LENGTHS", "keeps_its_name", "legal_name", "same_schema", "title", "tool_pairs"]

NAME_LENGTHS: dict[Dialect, int] = {"chat_completions": 64, "vllm": 64, "messages": 128}
"""How long a tool's name may be: `FunctionDefinition.name` of `openai`, `ToolParam.name` of `anthropic`."""

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_NO_PARAMETERS: tuple[object, ...] = ({}, {"type": "object"}, {"type": "object", "properties": {}})


def legal_name(name: str, dialect: Dialect) -> bool:
    """Whether a service takes a tool of that name: letters, digits, `_`, `-`, and its length."""
    return bool(_NAME.fullmatch(name)) and len(name) <= NAME_LENGTHS[dialect]


def keeps_its_name(tool: Tool, dialect: Dialect) -> bool:
    """Whether a tool must go upstream by its own name: it stands in no namespace, and every service takes it."""
    return not tool.namespace and legal_name(tool.name, dialect) and len(tool.name) <= min(NAME_LENGTHS.values())


def title(tool: Tool) -> str:
    """A tool's name for people, with its namespace."""
    return f"{tool.namespace}.{tool.name}" if tool.namespace else tool.name


def same_schema(asked: object, sent: object) -> bool:
    """Whether two parameter schemas mean the same; `type: object` and empty properties may be added."""
    asked, sent = schema_meaning(asked), schema_meaning(sent)
    if asked is None or asked in _NO_PARAMETERS:
        return sent is None or sent in _NO_PARAMETERS or same_json(asked, sent)
    if isinstance(asked, dict) and isinstance(sent, dict):
        return same_json({"type": "object", "properties": {}, **asked}, {"type": "object", "properties": {}, **sent})
    return same_json(asked, sent)


def tool_pairs(crossing: Crossing, *origins: str) -> Iterator[tuple[Tool, Tool | None]]:
    """Each tool that must go upstream, with the one that went there for it: by name, else by likeness.

    A target may narrow the list to the tools that a choice allows, and with `none` leave all out. `origins` are
    those of `Tool.origin`; none given means all.
    """
    asked, sent, dialect = crossing.asked, crossing.sent, crossing.dialect
    if asked.choice.kind == "none" and not sent.tools:
        return
    declared = [tool for tool in asked.tools if tool.kind != "hosted"]
    if asked.choice.kind == "allowed":
        declared = [tool for tool in declared if tool.name in asked.choice.names]
    plain = {tool.name for tool in declared if keeps_its_name(tool, dialect)}
    by_name = {tool.name: tool for tool in sent.tools}
    rest = [tool for tool in sent.tools if tool.name not in plain]
    for tool in declared:
        if keeps_its_name(tool, dialect) or (not tool.namespace and tool.name in by_name):
            partner = by_name.get(tool.name)
        else:
            partner = max(rest, key=lambda other: _likeness(tool, other), default=None)
            if partner is not None and _likeness(tool, partner) > 0:
                rest.remove(partner)
            else:
                partner = None
        if not origins or tool.origin in origins:
            yield tool, partner


def _likeness(tool: Tool, other: Tool) -> int:
    alike = 4 if tool.kind == "function" and same_schema(tool.parameters, other.parameters) else 0
    alike += 2 * bool(tool.description and tool.description in other.description)
    alike += 3 * bool(tool.namespace and tool.namespace in other.name)
    names = [part for part in re.split(r"[^a-zA-Z0-9]+", tool.name) if part]
    return alike + bool(names and at(names, -1) in other.name)
