"""A script as the content blocks of Messages: which parts share a block, and what a block says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fakes.dialects.wire import Ids, RawJson
from fakes.errors import EncodingError
from fakes.script import (
    Annotation,
    Comment,
    Dies,
    Error,
    Interleaved,
    Part,
    Ping,
    Raw,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
)

__all__ = ["Block", "Delta", "Inline", "blocks_of", "call_input"]

Inline: TypeAlias = Ping | Comment | Raw | Error | Dies


@dataclass(frozen=True)
class Delta:
    """The `delta` of a content_block_delta, and the text that it gates by."""

    body: Mapping[str, Any]
    gate: str = ""


@dataclass
class Block:
    """One content block: its start, what is said inside it, its late deltas (the signature), and it whole.

    `closed` is False for a block in which the stream dies or errs.
    """

    start: dict[str, Any]
    inside: list[Delta | Inline] = field(default_factory=list)
    late: list[Delta] = field(default_factory=list)
    closed: bool = True
    text: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    part: Part | None = None
    whole: Mapping[str, Any] | None = None


def blocks_of(parts: Sequence[Part], ids: Ids, quirks: frozenset[str]) -> list[Block | Inline]:
    """The blocks of a script in order, and what stands before the first one.

    Raises EncodingError for parts that Messages has no words for.
    """
    found: list[Block | Inline] = []
    for part in parts:
        last = found[-1] if found and isinstance(found[-1], Block) else None
        match part:
            case Text():
                _text(part, last, found, quirks)
            case Annotation():
                _cite(part, last, ids, quirks)
            case Ping() | Comment() | Raw() | Error() | Dies():
                (found if last is None else last.inside).append(part)
                if isinstance(part, (Error, Dies)):
                    if last is not None:
                        last.closed = False
                    return found
            case _:
                found.append(_block(part, len(found), ids, quirks))
    return _with_foreign_blocks(found, ids) if "foreign-blocks" in quirks else found


def _with_foreign_blocks(found: list[Block | Inline], ids: Ids) -> list[Block | Inline]:
    """What the service ran itself, its results, and a block that nobody knows, after the first block."""
    at = next((n + 1 for n, item in enumerate(found) if isinstance(item, Block)), 0)
    head = {"type": "server_tool_use", "id": f"srvtoolu_01{ids.base58('search', 22)}", "name": "web_search"}
    pieces = ('{"query"', ': "rivers"}')
    asked: list[Delta | Inline] = [Delta({"type": "input_json_delta", "partial_json": piece}) for piece in pieces]
    page = {"type": "web_search_result", "url": "https://example.org/rivers", "title": "Rivers", "page_age": None}
    found_pages = [{**page, "encrypted_content": ids.base62("page", 24)}]
    result = {"type": "web_search_tool_result", "tool_use_id": head["id"], "content": found_pages}
    novel: list[Delta | Inline] = [Delta({"type": "novel_delta", "novel": "ignored"})]
    foreign = [
        Block({**head, "input": {}}, asked, whole={**head, "input": {"query": "rivers"}}),
        Block(result),
        Block({"type": "novel_block", "novel": {}}, novel),
    ]
    return [*found[:at], *foreign, *found[at:]]


def _block(part: Part, position: int, ids: Ids, quirks: frozenset[str]) -> Block:
    """A part that is a block of its own."""
    match part:
        case Reasoning():
            return _thinking(part, position, ids, quirks)
        case RedactedReasoning(data):
            return Block({"type": "redacted_thinking", "data": data}, part=part)
        case ToolCall():
            return _call(part, position, ids, quirks)
        case Refusal():
            raise EncodingError('messages refuses by finish="refusal"; it has no words for a Refusal part')
        case Interleaved():
            raise EncodingError("messages has one block open at a time; it cannot interleave parts")
    raise EncodingError(f"messages has no words for a {type(part).__name__} part")


def _text(part: Text, last: Block | None, found: list[Block | Inline], quirks: frozenset[str]) -> None:
    """Text goes on in the text block before it, if there is one."""
    block = last
    if block is None or not isinstance(block.part, Text) or "adjacent-text-blocks" in quirks:
        block = Block({"type": "text", "text": ""}, part=part)
        found.append(block)
    block.inside.extend(Delta({"type": "text_delta", "text": piece}, piece) for piece in part.pieces)
    block.text += "".join(part.pieces)


def _cite(annotation: Annotation, block: Block | None, ids: Ids, quirks: frozenset[str]) -> None:
    if block is None or not isinstance(block.part, Text):
        raise EncodingError("an Annotation needs the Text that it is on before it")
    citation: dict[str, Any] = {
        "type": "web_search_result_location",
        "cited_text": block.text[annotation.start : annotation.end],
        "url": annotation.url,
        "title": annotation.title,
        "encrypted_index": ids.base62(f"citation {annotation.url}", 24),
    }
    if "document-citations" in quirks:
        place = {"start_char_index": annotation.start, "end_char_index": annotation.end, "file_id": None}
        cited = {"cited_text": citation["cited_text"], "document_index": 0, "document_title": annotation.title}
        citation = {"type": "char_location", **cited, **place}
    block.citations.append(citation)
    block.inside.append(Delta({"type": "citations_delta", "citation": citation}))


def _thinking(part: Reasoning, position: int, ids: Ids, quirks: frozenset[str]) -> Block:
    signature = part.signature
    if signature is None:  # the service signs every thinking block
        signature = f"EqQB{ids.base62(f'signature {position}', 60)}"
    return Block(
        {"type": "thinking", "thinking": "", "signature": ""},
        [Delta({"type": "thinking_delta", "thinking": piece}, piece) for piece in part.pieces],
        [Delta({"type": "signature_delta", "signature": signature})] * (2 if "signature-repeated" in quirks else 1),
        text="".join(part.pieces),
        part=part,
    )


def _call(part: ToolCall, position: int, ids: Ids, quirks: frozenset[str]) -> Block:
    identifier = f"toolu_01{ids.base58(f'call {position}', 22)}" if part.id is None else part.id
    start: dict[str, Any] = {"type": "tool_use"}
    if identifier:
        start["id"] = identifier
    start |= {"name": part.name, "input": {}}
    pieces: tuple[str, ...] = part.pieces if "no-first-json-delta" in quirks or not part.pieces else ("", *part.pieces)
    if "tool-start-without-input" in quirks:
        del start["input"]
    if "tool-start-full-input" in quirks:
        start["input"] = call_input(part, cut=False)
        pieces = ()
    deltas: list[Delta | Inline] = [Delta({"type": "input_json_delta", "partial_json": piece}) for piece in pieces]
    return Block(start, deltas, part=part)


_ON_ONE_LINE = {ord("\n"): " ", ord("\r"): " "}
"""In JSON a line end is white space between tokens, and in a server-sent event it would end the data."""


def call_input(call: ToolCall, *, cut: bool) -> RawJson:
    """A call's arguments as the object that a whole block holds, spelled as the script spells them, on one line.

    A call that was cut has an empty object; raises EncodingError for other arguments that are no object.
    """
    text = "".join(call.pieces)
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return RawJson(text.translate(_ON_ONE_LINE) or "{}")
    if cut:
        return RawJson("{}")
    raise EncodingError(
        f"messages cannot say the arguments of {call.name!r} whole, they are no JSON object: {text[:80]!r}"
    )


def whole_block(block: Block, *, cut: bool) -> dict[str, Any]:
    """A block as a message in one body has it."""
    if block.whole is not None:
        return dict(block.whole)
    match block.part:
        case Text():
            cited = {"citations": block.citations} if block.citations else {}
            return {**cited, "type": "text", "text": block.text}
        case Reasoning():
            signature = block.late[0].body["signature"]
            return {"type": "thinking", "thinking": block.text, "signature": signature}
        case ToolCall() as call:
            return {**block.start, "input": call_input(call, cut=cut)}
        case _:
            return dict(block.start)
