"""Rules on the messages of a Messages request: turns, empty blocks, calls and results, thinking, images."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from fakes.validation.findings import Finding, as_dict, as_list, dicts
from fakes.validation.profile import MessagesProfile

__all__ = ["HISTORY_RULES", "SOURCES"]

_TOOL_DOCS: Final = "platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls"

SOURCES: Final[dict[str, str]] = {
    "messages.empty-messages": "anthropic.types.message_create_params, messages",
    "messages.user-first": "anthropics/anthropic-sdk-typescript#622",
    "messages.prefill": "vercel/ai#12296; router-for-me/CLIProxyAPI#5319",
    "messages.prefill-whitespace": "tailcallhq/forgecode#1872",
    "messages.empty-content": "anthropics/claude-code#3196; microsoft/autogen#6083",
    "messages.empty-text": "anthropics/claude-code#59812",
    "messages.blank-text": "home-assistant/core#175637",
    "messages.tool-unanswered": "anthropics/claude-code#8210",
    "messages.tool-results-split": f"anthropics/claude-code#8210; {_TOOL_DOCS}",
    "messages.tool-results-not-first": _TOOL_DOCS,
    "messages.tool-result-without-call": "anthropics/claude-code#64383",
    "messages.tool-result-repeated": _TOOL_DOCS,
    "messages.tool-id-repeated": "anthropics/claude-code#28515",
    "messages.tool-id-charset": "maximhq/bifrost#5097; HKUDS/nanobot#4356",
    "messages.error-result-empty": _TOOL_DOCS,
    "messages.tool-in-wrong-role": _TOOL_DOCS,
    "messages.thinking-first": "anomalyco/opencode#3077; openai/openai-agents-python#1704",
    "messages.signature-empty": "anthropic.types.ThinkingBlockParam.signature",
    "messages.image-data-url": "anthropic.types.Base64ImageSourceParam.data",
}
"""Where each rule comes from."""

HistoryRule: TypeAlias = Callable[[dict[str, Any], MessagesProfile], Iterator[Finding]]

_ID: Final = re.compile(r"[a-zA-Z0-9_-]+\Z")
_BAD_ID: Final = "String should match pattern '^[a-zA-Z0-9_-]+$'"


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [as_dict(message) for message in as_list(body.get("messages"))]


def _blocks(message: dict[str, Any], kind: str) -> list[tuple[int, dict[str, Any]]]:
    return [(m, block) for m, block in dicts(message.get("content")) if block.get("type") == kind]


def _turns(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    messages = _messages(body)
    if body.get("messages") == []:
        yield Finding("messages.empty-messages", "messages", "messages: at least one message is required")
    if not messages:
        return
    if model.user_first and messages[0].get("role") == "assistant":
        yield Finding("messages.user-first", "messages[0].role", 'messages: first message must use the "user" role')
    last = messages[-1]
    if last.get("role") != "assistant":
        return
    if not model.prefill:
        said = "This model does not support assistant message prefill. The conversation must end with a user message."
        yield Finding("messages.prefill", f"messages[{len(messages) - 1}]", said)
    elif _ends_in_space(last.get("content")):
        said = "messages: final assistant content cannot end with trailing whitespace"
        yield Finding("messages.prefill-whitespace", f"messages[{len(messages) - 1}].content", said)


def _ends_in_space(content: Any) -> bool:
    blocks = as_list(content)
    text = as_dict(blocks[-1]).get("text") if blocks else content
    return isinstance(text, str) and text != text.rstrip()


def _empty(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    messages = _messages(body)
    for n, message in enumerate(messages):
        final_assistant = n == len(messages) - 1 and message.get("role") == "assistant"
        content = message.get("content")
        if content in ("", []) and not final_assistant:
            said = (
                f"messages.{n}: all messages must have non-empty content except for the optional final assistant "
                f"message"
            )
            yield Finding("messages.empty-content", f"messages[{n}].content", said)
        elif isinstance(content, str) and content and not content.strip():
            yield _blank(f"messages[{n}].content")
        for m, block in _blocks(message, "text"):
            yield from _empty_text(f"messages[{n}].content[{m}].text", block, "messages")
        for m, result in _blocks(message, "tool_result"):
            for k, inner in _blocks(result, "text"):
                where = f"messages[{n}].content[{m}].content[{k}].text"
                yield from _empty_text(where, inner, "messages", blanks=False)
    for n, block in dicts(body.get("system")):
        yield from _empty_text(f"system[{n}].text", block, "system", blanks=False)


def _empty_text(where: str, block: dict[str, Any], head: str, *, blanks: bool = True) -> Iterator[Finding]:
    text = block.get("text")
    if text == "":
        yield Finding("messages.empty-text", where, f"{head}: text content blocks must be non-empty")
    elif blanks and isinstance(text, str) and not text.strip():
        yield _blank(where)


def _blank(where: str) -> Finding:
    return Finding("messages.blank-text", where, "messages: text content blocks must contain non-whitespace text")


def _pairs(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    """Calls are answered at once, all in the next message, results before anything else in it."""
    messages = _messages(body)
    asked: list[str] = []
    for n, message in enumerate(messages):
        results = _blocks(message, "tool_result")
        yield from _result_findings(n, message, results, asked)
        asked = [_text(block.get("id")) for _, block in _blocks(message, "tool_use")]
        if not asked:
            continue
        following = messages[n + 1] if n + 1 < len(messages) else {}
        given = [_text(block.get("tool_use_id")) for _, block in _blocks(following, "tool_result")]
        missing = [identifier for identifier in asked if identifier not in given]
        if missing:
            yield _unanswered(n, missing, messages)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unanswered(n: int, missing: list[str], messages: list[dict[str, Any]]) -> Finding:
    said = (
        f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        f"message."
    )
    later: set[str] = set()
    for message in messages[n + 1 :]:
        if message.get("role") != "user":
            break
        later.update(_text(block.get("tool_use_id")) for _, block in _blocks(message, "tool_result"))
    split = all(identifier in later for identifier in missing)
    rule = "messages.tool-results-split" if split else "messages.tool-unanswered"
    return Finding(rule, f"messages[{n}]", said)


def _result_findings(
    n: int, message: dict[str, Any], results: list[tuple[int, dict[str, Any]]], asked: list[str]
) -> Iterator[Finding]:
    seen: set[str] = set()
    for m, result in results:
        identifier = _text(result.get("tool_use_id"))
        where = f"messages[{n}].content[{m}].tool_use_id"
        if identifier in seen:
            said = (
                f"messages.{n}.content.{m}: each tool_use must have a single result. Found multiple `tool_result` "
                f"blocks with id: {identifier}"
            )
            yield Finding("messages.tool-result-repeated", where, said)
        elif identifier not in asked:
            said = (
                f"messages.{n}.content.{m}: unexpected `tool_use_id` found in `tool_result` blocks: {identifier}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
            yield Finding("messages.tool-result-without-call", where, said)
        seen.add(identifier)
        if result.get("is_error") is True and not result.get("content"):
            said = f"messages.{n}.content.{m}.tool_result: content cannot be empty if `is_error` is true"
            yield Finding("messages.error-result-empty", f"messages[{n}].content[{m}].content", said)
    first_other = next((m for m, block in dicts(message.get("content")) if block.get("type") != "tool_result"), None)
    if results and first_other is not None and first_other < results[-1][0]:
        said = (
            f"messages.{n}: `tool_result` blocks must come first in the content of the message, before any other block"
        )
        yield Finding("messages.tool-results-not-first", f"messages[{n}].content[{first_other}]", said)


_ROLES: Final[dict[str, str]] = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
    "image": "user",
    "document": "user",
}


def _roles(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    for n, message in enumerate(_messages(body)):
        for m, block in dicts(message.get("content")):
            kind, role = block.get("type"), message.get("role")
            owner = _ROLES.get(kind) if isinstance(kind, str) else None
            if owner is not None and role in ("user", "assistant") and role != owner:
                said = f"messages.{n}: `{kind}` blocks can only be in `{owner}` messages"
                yield Finding("messages.tool-in-wrong-role", f"messages[{n}].content[{m}].type", said)


def _ids(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    seen: set[str] = set()
    for n, message in enumerate(_messages(body)):
        for kind, key in (("tool_use", "id"), ("tool_result", "tool_use_id")):
            for m, block in _blocks(message, kind):
                identifier = block.get(key)
                if not isinstance(identifier, str):
                    continue
                where = f"messages[{n}].content[{m}].{key}"
                if not _ID.match(identifier):
                    yield Finding(
                        "messages.tool-id-charset", where, f"messages.{n}.content.{m}.{kind}.{key}: {_BAD_ID}"
                    )
                if kind == "tool_use" and identifier in seen:
                    said = f"messages.{n}.content.{m}: `tool_use` ids must be unique"
                    yield Finding("messages.tool-id-repeated", where, said)
                if kind == "tool_use":
                    seen.add(identifier)


def _thinking(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    messages = _messages(body)
    for n, message in enumerate(messages):
        for m, block in _blocks(message, "thinking"):
            if block.get("signature") == "":
                said = f"messages.{n}.content.{m}: Invalid `signature` in `thinking` block"
                yield Finding("messages.signature-empty", f"messages[{n}].content[{m}].signature", said)
    if as_dict(body.get("thinking")).get("type") != "enabled":
        return
    start = _running_turn(messages)
    if start is None:
        return
    first = as_dict((as_list(messages[start].get("content")) or [{}])[0]).get("type", "text")
    if first not in ("thinking", "redacted_thinking"):
        said = (
            f"messages.{start}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
            "lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
            "previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
        yield Finding("messages.thinking-first", f"messages[{start}].content[0].type", said)


def _running_turn(messages: list[dict[str, Any]]) -> int | None:
    """Where the assistant's running turn begins: the history ends with results, maybe of several rounds of calls."""
    at = len(messages) - 1
    start = None
    while at >= 1 and _only_results(messages[at]) and messages[at - 1].get("role") == "assistant":
        start = at - 1
        at -= 2
    return start


def _only_results(message: dict[str, Any]) -> bool:
    return message.get("role") == "user" and bool(_blocks(message, "tool_result"))


def _images(body: dict[str, Any], model: MessagesProfile) -> Iterator[Finding]:
    for where, block in _all_blocks(body):
        source = as_dict(block.get("source"))
        if block.get("type") not in ("image", "document") or source.get("type") != "base64":
            continue
        if _text(source.get("data")).startswith("data:"):
            dotted = where.replace("[", ".").replace("]", "")
            said = f"{dotted}.source.base64.data: Invalid base64 data"
            yield Finding("messages.image-data-url", f"{where}.source.data", said)


def _all_blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for n, message in enumerate(_messages(body)):
        for m, block in dicts(message.get("content")):
            yield f"messages[{n}].content[{m}]", block
            for k, inner in dicts(block.get("content")):
                yield f"messages[{n}].content[{m}].content[{k}]", inner


HISTORY_RULES: Final[tuple[HistoryRule, ...]] = (_turns, _empty, _roles, _ids, _pairs, _thinking, _images)
"""All rules, in the order in which the service words them."""
