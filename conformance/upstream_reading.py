"""What a target sent upstream: a request in any dialect, read into neutral pieces.

The shapes are those of `openai.types.chat.CompletionCreateParams` (vLLM's dialect adds `reasoning`) and of
`anthropic.types.MessageCreateParams`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.pieces import Choice, Piece, Role, Tool, at, items_of, text_of
from fakes.script import Dialect

__all__ = ["UpstreamRequest", "limit_fields", "read_upstream"]

_CHAT_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_LIMITS: Mapping[Dialect, tuple[str, ...]] = {
    "chat_completions": ("max_completion_tokens", "max_tokens"),
    "vllm": ("max_completion_tokens", "max_tokens"),
    "messages": ("max_tokens",),
}


@dataclass(frozen=True)
class UpstreamRequest:
    """One request as it reached the fake, understood. `roles` are the messages' own words for their roles."""

    dialect: Dialect
    body: Mapping[str, Any]
    pieces: tuple[Piece, ...]
    tools: tuple[Tool, ...]
    choice: Choice
    roles: tuple[str, ...]

    def of(self, *kinds: str) -> tuple[Piece, ...]:
        """The pieces of these kinds, in order."""
        return tuple(piece for piece in self.pieces if piece.kind in kinds)

    @property
    def messages(self) -> list[Any]:
        """The `messages` array; empty when it is none."""
        return items_of(self.body.get("messages"))


def limit_fields(dialect: Dialect) -> tuple[str, ...]:
    """The fields in which a dialect limits the answer's tokens."""
    return _LIMITS[dialect]


def read_upstream(body: Any, dialect: Dialect) -> UpstreamRequest | None:
    """A request's JSON in the words of the suite; None where it is not an object."""
    if not isinstance(body, dict):
        return None
    messages = items_of(body.get("messages"))
    pieces = _messages_pieces(body, messages) if dialect == "messages" else _chat_pieces(messages)
    return UpstreamRequest(
        dialect=dialect,
        body=body,
        pieces=tuple(pieces),
        tools=tuple(_tools(body, dialect)),
        choice=_messages_choice(body) if dialect == "messages" else _chat_choice(body),
        roles=tuple(text_of(at(message, "role")) for message in messages),
    )


def _chat_pieces(messages: list[Any]) -> Iterator[Piece]:
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        path = f"messages[{index}]"
        role = _CHAT_ROLES.get(text_of(message.get("role")), "user")
        if role == "tool":
            yield _chat_result(message, path, index)
            continue
        for field in ("reasoning", "reasoning_content"):
            if text_of(message.get(field)):
                yield Piece("reasoning", role, f"{path}.{field}", index, text=message[field], name=field, raw=message)
        yield from _chat_content(message.get("content"), role, f"{path}.content", index)
        if text_of(message.get("refusal")):
            yield Piece("refusal", role, f"{path}.refusal", index, text=message["refusal"], raw=message)
        for number, call in enumerate(items_of(at(message, "tool_calls"))):
            yield _chat_call(call, role, f"{path}.tool_calls[{number}]", index)


def _chat_content(content: Any, role: Role, path: str, index: int) -> Iterator[Piece]:
    if isinstance(content, str):
        yield Piece("text", role, path, index, text=content, raw=content)
        return
    for number, part in enumerate(items_of(content)):
        here = f"{path}[{number}]"
        kind = at(part, "type")
        if kind in ("text", "input_text", "output_text"):
            yield Piece("text", role, here, index, text=text_of(at(part, "text")), raw=part)
        elif kind == "refusal":
            yield Piece("refusal", role, here, index, text=text_of(at(part, "refusal")), raw=part)
        elif kind == "image_url":
            url = at(part, "image_url", "url") or at(part, "image_url")
            yield Piece("image", role, here, index, text=text_of(url), raw=part)
        elif kind == "file":
            address = at(part, "file", "file_data") or at(part, "file", "file_id")
            yield Piece("file", role, here, index, text=text_of(address), raw=part)
        else:
            yield Piece("other", role, here, index, name=text_of(kind), raw=part)


def _chat_call(call: Any, role: Role, path: str, index: int) -> Piece:
    custom = at(call, "type") == "custom"
    inner = at(call, "custom" if custom else "function")
    return Piece(
        "call",
        role,
        path,
        index,
        text=text_of(at(inner, "input" if custom else "arguments")),
        name=text_of(at(inner, "name")),
        call_id=text_of(at(call, "id")),
        custom=custom,
        raw=call,
    )


def _chat_result(message: Mapping[str, Any], path: str, index: int) -> Piece:
    parts = tuple(_chat_content(message.get("content"), "tool", f"{path}.content", index))
    return Piece(
        "result",
        "tool",
        path,
        index,
        call_id=text_of(message.get("tool_call_id")),
        texts=tuple(part.text for part in parts if part.is_visible_text),
        media=tuple(part.text for part in parts if part.kind in ("image", "file")),
        raw=message,
    )


def _messages_pieces(body: Mapping[str, Any], messages: list[Any]) -> Iterator[Piece]:
    yield from _blocks(body.get("system"), "system", "system", -1)
    for index, message in enumerate(messages):
        if isinstance(message, dict):
            role = _CHAT_ROLES.get(text_of(message.get("role")), "user")
            yield from _blocks(message.get("content"), role, f"messages[{index}].content", index)


def _blocks(content: Any, role: Role, path: str, index: int) -> Iterator[Piece]:
    if isinstance(content, str):
        yield Piece("text", role, path, index, text=content, raw=content)
        return
    for number, block in enumerate(items_of(content)):
        if isinstance(block, dict):
            yield _block(block, role, f"{path}[{number}]", index)


def _block(block: Mapping[str, Any], role: Role, path: str, index: int) -> Piece:
    kind = text_of(block.get("type"))
    if kind == "text":
        return Piece("text", role, path, index, text=text_of(block.get("text")), raw=block)
    if kind in ("image", "document"):
        shown: Any = "image" if kind == "image" else "file"
        return Piece(shown, role, path, index, text=_source(block.get("source")), raw=block)
    if kind == "tool_use":
        return Piece(
            "call",
            role,
            path,
            index,
            name=text_of(block.get("name")),
            call_id=text_of(block.get("id")),
            value=block.get("input"),
            raw=block,
        )
    if kind == "tool_result":
        parts = tuple(_blocks(block.get("content"), "tool", f"{path}.content", index))
        return Piece(
            "result",
            role,
            path,
            index,
            call_id=text_of(block.get("tool_use_id")),
            texts=tuple(part.text for part in parts if part.kind == "text"),
            media=tuple(part.text for part in parts if part.kind in ("image", "file")),
            raw=block,
        )
    if kind == "thinking":
        signature = block.get("signature") if isinstance(block.get("signature"), str) else None
        return Piece(
            "reasoning",
            role,
            path,
            index,
            text=text_of(block.get("thinking")),
            signature=signature,
            raw=block,
        )
    if kind == "redacted_thinking":
        return Piece("reasoning", role, path, index, redacted=text_of(block.get("data")), raw=block)
    return Piece("other", role, path, index, name=kind, raw=block)


def _source(source: Any) -> str:
    """An image's or document's address; base64 as the data URL that it came from, plain text as itself."""
    kind = at(source, "type")
    if kind == "base64":
        return f"data:{text_of(at(source, 'media_type'))};base64,{text_of(at(source, 'data'))}"
    if kind == "file":
        return f"file:{text_of(at(source, 'file_id'))}"
    return text_of(at(source, "url")) or text_of(at(source, "data"))


def _tools(body: Mapping[str, Any], dialect: Dialect) -> Iterator[Tool]:
    for index, tool in enumerate(items_of(body.get("tools"))):
        if not isinstance(tool, dict):
            continue
        path, kind = f"tools[{index}]", text_of(tool.get("type"))
        if dialect == "messages":
            own = kind in ("", "custom") or "input_schema" in tool
            yield Tool(
                "function" if own else "hosted",
                text_of(tool.get("name")),
                path,
                text_of(tool.get("description")),
                tool.get("input_schema"),
                tool.get("strict"),
                type=kind,
            )
        else:
            inner = at(tool, kind) if kind in ("function", "custom") else tool
            yield Tool(
                "function" if kind == "function" else "custom" if kind == "custom" else "hosted",
                text_of(at(inner, "name")),
                path,
                text_of(at(inner, "description")),
                at(inner, "parameters"),
                at(inner, "strict"),
                definition=text_of(at(inner, "format", "grammar", "definition")),
                type=kind,
            )


def _chat_choice(body: Mapping[str, Any]) -> Choice:
    choice = body.get("tool_choice")
    if choice is None:
        return Choice("absent")
    if choice in ("auto", "none", "required"):
        return Choice(choice)
    kind = at(choice, "type")
    name = at(choice, kind, "name") if kind in ("function", "custom") else None
    if isinstance(name, str):
        return Choice("named", name=name)
    if kind == "allowed_tools":
        allowed = at(choice, "allowed_tools")
        names = [text_of(at(tool, text_of(at(tool, "type")), "name")) for tool in items_of(at(allowed, "tools"))]
        return Choice("allowed", names=tuple(names), mode=text_of(at(allowed, "mode")))
    return Choice("other", name=str(choice))


def _messages_choice(body: Mapping[str, Any]) -> Choice:
    choice = body.get("tool_choice")
    if choice is None:
        return Choice("absent")
    kind = at(choice, "type")
    if kind in ("auto", "none"):
        return Choice(kind)
    if kind == "any":
        return Choice("required")
    if kind == "tool" and isinstance(at(choice, "name"), str):
        return Choice("named", name=choice["name"])
    return Choice("other", name=str(choice))
