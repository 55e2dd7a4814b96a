"""The client's tools as functions of an upstream that knows nothing else, and back.

Namespaces are flattened, ``custom`` and ``tool_search`` tools become functions, names the upstream forbids are
replaced by legal ones; the map is injective, so a call comes back under the name, namespace and item type that
the client declared (openai/codex routes a call by all three).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import invalid

Kind = Literal["function", "custom", "tool_search"]
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """One callable tool: what the client calls it, and what the upstream is told."""

    kind: Kind
    name: str
    namespace: str | None
    flat: str
    description: str | None = None
    parameters: dict[str, Any] = field(default_factory=lambda: _NO_PARAMETERS)
    strict: bool | None = None

    @property
    def call_type(self) -> str:
        """The type of the item that calls it."""
        return "custom_tool_call" if self.kind == "custom" else f"{self.kind}_call"


@dataclass(frozen=True, slots=True)
class Choice:
    """``tool_choice`` as every upstream can say it; ``allowed`` are flat names, None is no limit."""

    mode: Literal["auto", "none", "required"]
    tool: Tool | None = None
    allowed: frozenset[str] | None = None


class Toolbox:
    """All tools of one request, by their flat names, in the order declared."""

    def __init__(self, name_limit: int) -> None:
        self._limit = name_limit
        self._tools: dict[str, Tool] = {}
        self._flat: dict[tuple[str | None, str], str] = {}
        self.hosted: set[str] = set()
        self.choice = Choice("auto")

    def add(self, declared: Any, param: str) -> None:
        """Take in a ``tools`` array, from the request or from an input item.

        Raises ApiError for a tool without a name or a malformed one; hosted tools are only noted.
        """
        for tool in declared or ():
            kind = tool.get("type") if isinstance(tool, dict) else None
            if kind == "namespace":
                for child in tool.get("tools") or ():
                    self._declare(child, tool.get("name"), param)
            elif kind in ("function", "custom", "tool_search"):
                self._declare(tool, None, param)
            elif isinstance(kind, str):
                self.hosted.add(kind)
            else:
                raise invalid(f"Missing required parameter: '{param}[].type'.", param, "missing_required_parameter")

    def _declare(self, tool: dict[str, Any], namespace: str | None, param: str) -> None:
        kind = tool.get("type")
        name = tool.get("name") or ("tool_search" if kind == "tool_search" else None)
        if not isinstance(name, str):
            raise invalid(f"Missing required parameter: '{param}[].name'.", param, "missing_required_parameter")
        if kind not in ("function", "custom", "tool_search"):
            self.hosted.add(str(kind))
            return
        flat = self.flat(name, namespace)
        if flat in self._tools:
            return
        description, parameters = tool.get("description"), tool.get("parameters")
        if kind == "custom":
            description, parameters = _as_function(tool)
        elif not isinstance(parameters, dict):
            parameters = _NO_PARAMETERS
        elif "type" not in parameters:
            parameters = {"type": "object", "properties": {}, **parameters}
        self._tools[flat] = Tool(kind, name, namespace, flat, description, parameters, tool.get("strict"))

    def flat(self, name: str, namespace: str | None = None) -> str:
        """The legal, unique name upstream, the same for every use of this name and namespace."""
        known = self._flat.get((namespace, name))
        if known is not None:
            return known
        wanted = f"{namespace}__{name}" if namespace else name
        flat = _ILLEGAL.sub("_", wanted) or "_"
        if flat != wanted or len(flat) > self._limit or flat in self._flat.values():
            digest = hashlib.sha256(f"{namespace}\0{name}".encode()).hexdigest()[:10]
            flat = f"{flat[: self._limit - 11]}_{digest}"
        self._flat[namespace, name] = flat
        return flat

    def find(self, flat: str) -> Tool:
        """The tool behind a name the upstream used; a name nobody declared is an ordinary function's."""
        return self._tools.get(flat) or Tool("function", flat, None, flat)

    def offered(self) -> list[Tool]:
        """The tools the upstream is told about: all, or the allowed ones."""
        allowed = self.choice.allowed
        return [tool for tool in self._tools.values() if allowed is None or tool.flat in allowed]

    def permits(self, tool: Tool) -> bool:
        """Whether a call to this tool may reach the client (Open Responses: allowed_tools is a hard limit)."""
        return self.choice.mode != "none" and (self.choice.allowed is None or tool.flat in self.choice.allowed)

    def choose(self, choice: str | dict[str, Any] | None) -> None:
        """Read ``tool_choice``, once all tools are known.

        Raises ApiError when it names a tool that is not there, or forces one that cannot run here.
        """
        if choice is None or choice == "auto":
            return
        if choice in ("none", "required"):
            self.choice = Choice("none" if choice == "none" else "required")
        elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
            self.choice = self._allowed(choice)
        elif isinstance(choice, dict) and choice.get("type") in ("function", "custom", "tool_search"):
            self.choice = Choice("required", tool=self._named(choice))
        else:
            raise invalid(f"Tool choice {_label(choice)} cannot be honoured by this server.", "tool_choice")
        if self.choice.mode == "required" and not self.offered():
            raise invalid("'tool_choice' requires a call but no usable tool is left.", "tool_choice")

    def _named(self, choice: dict[str, Any]) -> Tool:
        for tool in self._tools.values():
            if _matches(choice, tool):
                return tool
        raise invalid(f"Tool choice {_label(choice)} not found in 'tools' parameter.", "tool_choice")

    def _allowed(self, choice: dict[str, Any]) -> Choice:
        allowed: set[str] = set()
        for entry in choice.get("tools") or ():
            matching = {tool.flat for tool in self._tools.values() if _matches(entry, tool)}
            if not matching and entry.get("type") not in self.hosted:
                raise invalid(f"Tool choice {_label(entry)} not found in 'tools' parameter.", "tool_choice")
            allowed |= matching
        return Choice("required" if choice.get("mode") == "required" else "auto", allowed=frozenset(allowed))


def _matches(entry: dict[str, Any], tool: Tool) -> bool:
    if entry.get("type") == "namespace":
        return tool.namespace is not None and tool.namespace == entry.get("name")
    if entry.get("type") == "tool_search":
        return tool.kind == "tool_search"
    return (
        entry.get("type") == tool.kind
        and entry.get("name") == tool.name
        and entry.get("namespace") in (None, tool.namespace)
    )


def _label(choice: Any) -> str:
    return repr(choice.get("name") or choice.get("type")) if isinstance(choice, dict) else repr(choice)


def _as_function(tool: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A free-form tool as a function with one string, its grammar kept in the description."""
    form = tool.get("format") or {}
    # Chat completions nests the same thing one level deeper; some clients send that form.
    grammar = form.get("grammar") or form
    text = "The whole input of the tool, as plain text."
    if grammar.get("definition"):
        text += f" It must match this {grammar.get('syntax', 'lark')} grammar:\n{grammar['definition']}"
    described = f"{tool.get('description') or ''}\n\n{text}".strip()
    parameters = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": "The tool's input."}},
        "required": ["input"],
        "additionalProperties": False,
    }
    return described, parameters
