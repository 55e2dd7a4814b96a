"""What the client asked: a Responses request, read into neutral pieces.

The shapes are those of `openai.types.responses.ResponseInputItemParam` and `EasyInputMessageParam`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.pieces import Choice, Piece, Role, Tool, at, items_of, text_of
from conformance.transcript import TERMINALS, Exchange

__all__ = ["Asked", "asks_for_summary", "final_response", "read_asked", "read_items"]

_ROLES: Mapping[str, Role] = {
    "user": "user",
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
}
_HOLDS_TOOLS = ("additional_tools", "tool_search_output")


@dataclass(frozen=True)
class Asked:
    """One request, understood.

    `pieces` is the whole context in order: instructions first, then earlier turns where the request continues
    one, then its own input. `whole` is False where the context cannot be rebuilt from what was seen (an unknown
    `previous_response_id`, or that of a response that was not to be stored, a reference to an unseen item, an item
    without neutral words): then nothing can be said of what the target may add. `own` is where the request's own
    input begins in `pieces`.
    """

    body: Mapping[str, Any]
    pieces: tuple[Piece, ...]
    tools: tuple[Tool, ...]
    choice: Choice
    whole: bool
    own: int
    items: tuple[Any, ...]

    @property
    def types(self) -> frozenset[str]:
        """The types of the input items (a message without `type` counts as "message")."""
        return frozenset(_item_type(item) for item in self.items)

    def of(self, *kinds: str) -> tuple[Piece, ...]:
        """The pieces of these kinds, in order."""
        return tuple(piece for piece in self.pieces if piece.kind in kinds)


def asks_for_summary(request: Any) -> bool:
    """Whether a request asks that its reasoning be told: `reasoning.summary`, or `generate_summary` of old."""
    return any(at(request, "reasoning", key) is not None for key in ("summary", "generate_summary"))


def read_asked(exchange: Exchange, earlier: Sequence[Exchange] = ()) -> Asked | None:
    """The request of an exchange; None where it is not a JSON object that asks for a response.

    `earlier` are the exchanges before it in the same drive, to follow `previous_response_id` and references.
    """
    body = exchange.request.body
    if exchange.request.method != "POST" or not exchange.request.path.rstrip("/").endswith("/responses"):
        return None
    if not isinstance(body, dict):
        return None
    instructions = text_of(body.get("instructions"))
    pieces: list[Piece] = []
    if instructions:
        pieces.append(Piece("text", "system", "instructions", -1, text=instructions))
    whole = True
    previous = body.get("previous_response_id")
    if isinstance(previous, str):
        history = _continued(previous, earlier)
        whole = history is not None
        pieces.extend(history or ())
    own = len(pieces)
    items = _items(body.get("input"))
    known = {item_id: item for answer in earlier for item_id, item in _outputs_by_id(answer)}
    for index, item in enumerate(items):
        resolved = known.get(text_of(at(item, "id"))) if _item_type(item) == "item_reference" else item
        whole = whole and resolved is not None and _item_type(resolved) not in _WITHOUT_WORDS
        pieces.extend(_item(resolved, f"input[{index}]", index))
    return Asked(
        body=body,
        pieces=tuple(pieces),
        tools=tuple(_tools(body, items)),
        choice=_choice(body.get("tool_choice")),
        whole=whole and not body.get("conversation") and not body.get("prompt"),
        own=own,
        items=tuple(items),
    )


def final_response(exchange: Exchange) -> dict[str, Any] | None:
    """The Response object that an exchange ended with: the terminal event's, or the JSON body's."""
    if not exchange.is_stream:
        body = exchange.json
        return body if isinstance(body, dict) and body.get("object") == "response" else None
    for event in reversed(exchange.events):
        if event.type in TERMINALS:
            response = event.get("response")
            return response if isinstance(response, dict) else None
    return None


def read_items(items: Any) -> tuple[Piece, ...]:
    """The pieces of a list of items, as they stand in an `input` or an `output`."""
    return tuple(piece for index, item in enumerate(_items(items)) for piece in _item(item, f"[{index}]", index))


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    return value if isinstance(value, list) else []


def _item_type(item: Any) -> str:
    kind = at(item, "type")
    if isinstance(kind, str):
        return kind
    return "message" if at(item, "role") is not None else ""


def _outputs_by_id(exchange: Exchange) -> Iterator[tuple[str, Any]]:
    for item in items_of(at(final_response(exchange), "output")):
        if isinstance(at(item, "id"), str):
            yield item["id"], item


def _continued(previous: str, earlier: Sequence[Exchange]) -> list[Piece] | None:
    """The context that the named response leaves: its own context without instructions, then its output.

    None also for a response that was not to be stored: it leaves none.
    """
    for position, exchange in enumerate(earlier):
        response = final_response(exchange)
        if at(response, "id") != previous:
            continue
        if at(exchange.request.body, "store") is False:
            return None
        asked = read_asked(exchange, earlier[:position])
        if asked is None or not asked.whole:
            return None
        history = [piece for piece in asked.pieces if piece.path != "instructions"]
        return history + list(read_items(at(response, "output")))
    return None


# Items whose content a target may put in words of its own, or not at all: what goes upstream is not fixed.
_WITHOUT_WORDS = frozenset(
    {
        "agent_message",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)


def _item(item: Any, path: str, index: int) -> Iterator[Piece]:
    kind = _item_type(item)
    if kind == "message":
        yield from _message(item, path, index)
    elif kind in ("function_call", "custom_tool_call"):
        custom = kind == "custom_tool_call"
        yield Piece(
            "call",
            "assistant",
            path,
            index,
            text=text_of(item.get("input" if custom else "arguments")),
            name=text_of(item.get("name")),
            call_id=text_of(item.get("call_id")),
            namespace=text_of(item.get("namespace")),
            custom=custom,
            raw=item,
        )
    elif kind in ("function_call_output", "custom_tool_call_output"):
        yield _result(item, path, index)
    elif kind == "reasoning":
        yield _reasoning(item, path, index)
    elif kind:
        yield Piece("other", "user", path, index, name=kind, raw=item)


def _message(item: Any, path: str, index: int) -> Iterator[Piece]:
    role = _ROLES.get(text_of(item.get("role")), "user")
    content = item.get("content")
    if isinstance(content, str):
        yield Piece("text", role, f"{path}.content", index, text=content, raw=item)
    elif isinstance(content, list):
        for number, part in enumerate(content):
            piece = _part(part, role, f"{path}.content[{number}]", index)
            if piece is not None:
                yield piece


def _part(part: Any, role: Role, path: str, index: int) -> Piece | None:
    kind = at(part, "type")
    if kind in ("input_text", "output_text", "text"):
        return Piece("text", role, path, index, text=text_of(part.get("text")), raw=part)
    if kind == "refusal":
        return Piece("refusal", role, path, index, text=text_of(part.get("refusal")), raw=part)
    if kind == "input_image":
        return Piece("image", role, path, index, text=_address(part, "image_url"), raw=part)
    if kind == "input_file":
        return Piece("file", role, path, index, text=_address(part, "file_data", "file_url"), raw=part)
    return Piece("other", role, path, index, name=text_of(kind), raw=part) if kind else None


def _address(part: Any, *keys: str) -> str:
    found = next((text_of(part.get(key)) for key in keys if part.get(key)), "")
    return found or (f"file:{part['file_id']}" if isinstance(part.get("file_id"), str) else "")


def _result(item: Any, path: str, index: int) -> Piece:
    output = item.get("output")
    texts: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    if isinstance(output, str):
        texts = (output,)
    elif isinstance(output, list):
        parts = [_part(part, "tool", f"{path}.output[{n}]", index) for n, part in enumerate(output)]
        texts = tuple(part.text for part in parts if part is not None and part.is_visible_text)
        media = tuple(part.text for part in parts if part is not None and part.kind in ("image", "file"))
    return Piece(
        "result",
        "tool",
        path,
        index,
        call_id=text_of(item.get("call_id")),
        texts=texts,
        media=media,
        custom=item.get("type") == "custom_tool_call_output",
        raw=item,
    )


def _reasoning(item: Any, path: str, index: int) -> Piece:
    texts = tuple(text_of(at(part, "text")) for field in ("summary", "content") for part in items_of(item.get(field)))
    return Piece(
        "reasoning",
        "assistant",
        path,
        index,
        text="".join(texts),
        texts=texts,
        redacted=item.get("encrypted_content") if isinstance(item.get("encrypted_content"), str) else None,
        raw=item,
    )


def _tools(body: Mapping[str, Any], items: Sequence[Any]) -> Iterator[Tool]:
    for index, tool in enumerate(items_of(body.get("tools"))):
        yield from _tool(tool, f"tools[{index}]", "tools", "")
    for number, item in enumerate(items):
        if _item_type(item) in _HOLDS_TOOLS and isinstance(at(item, "tools"), list):
            for index, tool in enumerate(item["tools"]):
                yield from _tool(tool, f"input[{number}].tools[{index}]", _item_type(item), "")


def _tool(tool: Any, path: str, origin: str, namespace: str) -> Iterator[Tool]:
    kind = text_of(at(tool, "type"))
    if not isinstance(tool, dict):
        return
    if kind == "namespace":
        for index, child in enumerate(items_of(tool.get("tools"))):
            yield from _tool(child, f"{path}.tools[{index}]", origin, text_of(tool.get("name")))
        return
    yield Tool(
        kind="function" if kind == "function" else "custom" if kind == "custom" else "hosted",
        name=text_of(tool.get("name")),
        path=path,
        description=text_of(tool.get("description")),
        parameters=tool.get("parameters"),
        strict=tool.get("strict"),
        namespace=namespace,
        definition=text_of(at(tool, "format", "definition")),
        type=kind,
        origin=origin,
    )


def _choice(choice: Any) -> Choice:
    if choice is None:
        return Choice("absent")
    if choice in ("auto", "none", "required"):
        return Choice(choice)
    kind = at(choice, "type")
    if kind in ("function", "custom") and isinstance(at(choice, "name"), str):
        return Choice("named", name=choice["name"])
    if kind == "allowed_tools":
        named = [text_of(at(tool, "name")) for tool in items_of(at(choice, "tools")) if at(tool, "name")]
        return Choice("allowed", names=tuple(named), mode=text_of(at(choice, "mode")))
    return Choice("other", name=text_of(kind))
