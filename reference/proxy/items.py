"""Output items and their parts, as they grow and as objects.

Shapes: ``ResponseOutputItem`` of the openai SDK, ``ItemField`` of Open Responses; optional fields are absent,
never null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from .freeform import FreeText
from .tools import Tool

End = Literal["stop", "length", "content_filter", "refusal", "error"]


class Family(NamedTuple):
    """The events of a kind of part: the part's, its text's; the keys of its text and of its index."""

    part: str
    text: str
    key: str
    place: str


FAMILY = {
    "output_text": Family("response.content_part", "response.output_text", "text", "content_index"),
    "refusal": Family("response.content_part", "response.refusal", "refusal", "content_index"),
    "summary_text": Family(
        "response.reasoning_summary_part", "response.reasoning_summary_text", "text", "summary_index"
    ),
    "reasoning_text": Family("response.content_part", "response.reasoning_text", "text", "content_index"),
}
# item type: prefix of its id
PREFIX = {
    "message": "msg", "reasoning": "rs", "compaction": "cmp", "function_call": "fc", "function_call_output": "fco",
    "custom_tool_call": "ctc", "custom_tool_call_output": "ctco", "tool_search_call": "tsc",
    "tool_search_output": "tso", "additional_tools": "at", "web_search_call": "ws", "file_search_call": "fs",
    "code_interpreter_call": "ci", "image_generation_call": "ig", "mcp_call": "mcp", "mcp_list_tools": "mcpl",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Part:
    """One part of an item: text, a refusal, a piece of reasoning."""

    kind: str
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    annotations: list[dict[str, Any]] = field(default_factory=list)
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    frame: tuple[bytes, bytes, bytes] = (b"", b"", b"")

    def body(self) -> dict[str, Any]:
        """The part as it stands in an item."""
        text = "".join(self.pieces)
        if self.kind == "output_text":
            return {"type": self.kind, "text": text, "annotations": self.annotations, "logprobs": self.logprobs}
        return {"type": self.kind, FAMILY[self.kind].key: text}


@dataclass(slots=True, eq=False)
class Item:
    """One output item; ``index`` is its ``output_index`` once it was announced."""

    kind: Literal["message", "reasoning", "call", "compaction"]
    parts: list[Part] = field(default_factory=list)
    id: str = ""
    index: int = -1
    ended: bool = False
    dropped: bool = False
    done: dict[str, Any] | None = None
    # reasoning
    origin: str = ""
    signature: str = ""
    redacted: str = ""
    # calls
    upstream_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    stopped: bool = False
    call_id: str = ""
    tool: Tool | None = None
    free: FreeText = field(default_factory=FreeText)

    @property
    def type(self) -> str:
        """The type of the object."""
        return self.tool.call_type if self.tool is not None else self.kind

    @property
    def held(self) -> bool:
        """Whether the item's content is shown only when it is done."""
        return self.tool is not None and self.tool.kind == "tool_search"

    def whole(self) -> bool:
        """Whether a call's arguments are one complete JSON value."""
        try:
            msgspec.json.decode("".join(self.pieces))
        except msgspec.DecodeError:
            return False
        return True


def call_body(item: Item, tool: Tool, arguments: str) -> dict[str, Any]:
    """What a call's item holds beside id and status, by the kind of tool the client declared."""
    body: dict[str, Any] = {"type": tool.call_type, "call_id": item.call_id}
    if tool.kind == "tool_search":
        try:
            parsed = msgspec.json.decode(arguments or "{}")
        except msgspec.DecodeError:
            parsed = {}
        return {**body, "execution": "client", "arguments": parsed}
    body["name"] = tool.name
    if tool.namespace is not None:
        body["namespace"] = tool.namespace
    if tool.kind == "custom":
        return {**body, "input": item.free.text}
    return {**body, "arguments": arguments}
