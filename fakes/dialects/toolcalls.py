"""A tool call as the deltas of chat completions announce and fill it, and every way servers get that wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakes.errors import EncodingError
from fakes.script import ToolCall

__all__ = ["CallSpelling", "call_fragments", "call_id", "whole_call"]


def _no_id() -> str:
    return ""


@dataclass(frozen=True)
class CallSpelling:
    """How a dialect spells a call.

    `announces_arguments`: the first fragment has `arguments: ""` (OpenAI; vLLM leaves the key out).
    `content_null`: `content: null` stands beside `tool_calls` (vLLM's hermes parser).
    `index_first`: the order of keys in the first fragment.
    """

    announces_arguments: bool
    content_null: bool
    index_first: bool
    index: int = 0
    mint: Callable[[], str] = _no_id


def call_id(call: ToolCall, mint: Callable[[], str], quirks: frozenset[str]) -> str | None:
    """The id that goes over the wire, None when none does."""
    if "tool-id-missing" in quirks or call.id == "":
        return None
    return mint() if call.id is None else call.id


def call_fragments(call: ToolCall, spelling: CallSpelling, quirks: frozenset[str]) -> list[dict[str, Any]]:
    """The deltas of one call, in order."""
    if "legacy-function-call" in quirks:
        return _legacy(call, spelling)
    fragments = _functions(call, spelling, quirks)
    identifier = call_id(call, spelling.mint, quirks)
    index = 0 if "tool-new-id-same-index" in quirks else spelling.index
    deltas = []
    for number, function in enumerate(fragments):
        entry = _entry(number, function, identifier, index, spelling, quirks)
        deltas.append({**({"content": None} if spelling.content_null else {}), "tool_calls": [entry]})
    return deltas


def _functions(call: ToolCall, spelling: CallSpelling, quirks: frozenset[str]) -> list[dict[str, Any]]:
    """The `function` objects of the fragments: the announcement, then one for each piece of arguments."""
    pieces = [{"arguments": piece} for piece in call.pieces]
    if quirks & {"tool-call-whole", "all-in-one", "tool-index-missing"}:
        return [{"name": call.name, "arguments": "".join(call.pieces)}]
    start: dict[str, Any] = {"arguments": ""} if spelling.announces_arguments else {}
    if "tool-arguments-null-first" in quirks:
        start = {"arguments": None}
    if "arguments-before-name" in quirks:
        return [pieces[0] if pieces else {"arguments": ""}, {"name": call.name}, *pieces[1:]]
    if "name-in-fragments" in quirks:
        half = max(1, len(call.name) // 2)
        return [{"name": call.name[:half], **start}, {"name": call.name[half:]}, *pieces]
    if "id-then-name" in quirks:
        return [{}, {"name": call.name, **start}, *pieces]
    if "tool-name-every-fragment" in quirks:
        pieces = [{"name": call.name, **piece} for piece in pieces]
    return [{"name": call.name, **start}, *pieces]


def _entry(
    number: int,
    function: dict[str, Any],
    identifier: str | None,
    index: int,
    spelling: CallSpelling,
    quirks: frozenset[str],
) -> dict[str, Any]:
    at = {} if "tool-index-missing" in quirks else {"index": index}
    announced: dict[str, Any] = {}
    if number == 0 or "tool-id-every-fragment" in quirks:
        announced = {**({"id": identifier} if identifier is not None else {}), "type": "function"}
    elif "tool-id-empty-later" in quirks and identifier is not None:
        announced = {"id": ""}
    body = {"function": function} if function else {}
    return {**at, **announced, **body} if spelling.index_first else {**announced, **at, **body}


def _legacy(call: ToolCall, spelling: CallSpelling) -> list[dict[str, Any]]:
    if spelling.index > 0:
        raise EncodingError("legacy-function-call can say one call only; this script has more")
    first: dict[str, Any] = {"name": call.name, **({"arguments": ""} if spelling.announces_arguments else {})}
    return [{"function_call": first}, *({"function_call": {"arguments": piece}} for piece in call.pieces)]


def whole_call(call: ToolCall, mint: Callable[[], str], quirks: frozenset[str]) -> dict[str, Any]:
    """A call as a whole answer has it."""
    identifier = call_id(call, mint, quirks)
    function = {"name": call.name, "arguments": "".join(call.pieces)}
    return {**({"id": identifier} if identifier is not None else {}), "type": "function", "function": function}
