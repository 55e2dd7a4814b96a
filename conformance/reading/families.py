"""The kinds of content that a stream carries: their events, and where they stand in an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CALL_TYPES", "DELTA_FAMILY", "DONE_FAMILY", "FAMILIES", "PART_FAMILY", "Family", "FamilyName"]

CALL_TYPES: dict[str, str] = {"function_call": "arguments", "custom_tool_call": "input"}
"""The item types that are calls, and the field that holds what the tool is called with."""

FamilyName = Literal["text", "refusal", "summary", "raw", "arguments", "input"]


@dataclass(frozen=True)
class Family:
    """One kind of streamed content: the events that carry it, and where it stands in an item.

    `array` and `index` are the item's list of parts and the events' key into it ("" for calls, which hold
    their content in `field` itself); `part_type` is the type of such a part.
    """

    name: FamilyName
    words: str
    item_types: tuple[str, ...]
    array: Literal["content", "summary", ""]
    part_type: str
    field: str
    deltas: tuple[str, ...]
    dones: tuple[str, ...]

    @property
    def index(self) -> str:
        """The key of the part's index in its events."""
        return f"{self.array}_index" if self.array else ""

    def of(self, part: Any) -> str | None:
        """The content in a part (or a call): a string, else None."""
        value = part.get(self.field) if isinstance(part, dict) else None
        return value if isinstance(value, str) else None


FAMILIES: dict[FamilyName, Family] = {
    family.name: family
    for family in (
        Family(
            "text",
            "text",
            ("message",),
            "content",
            "output_text",
            "text",
            ("response.output_text.delta",),
            ("response.output_text.done",),
        ),
        Family(
            "refusal",
            "refusal",
            ("message",),
            "content",
            "refusal",
            "refusal",
            ("response.refusal.delta",),
            ("response.refusal.done",),
        ),
        Family(
            "summary",
            "reasoning summary",
            ("reasoning",),
            "summary",
            "summary_text",
            "text",
            ("response.reasoning_summary_text.delta",),
            ("response.reasoning_summary_text.done",),
        ),
        Family(
            "raw",
            "raw reasoning",
            ("reasoning",),
            "content",
            "reasoning_text",
            "text",
            ("response.reasoning_text.delta", "response.reasoning.delta"),
            ("response.reasoning_text.done", "response.reasoning.done"),
        ),
        Family(
            "arguments",
            "function call arguments",
            ("function_call",),
            "",
            "",
            "arguments",
            ("response.function_call_arguments.delta",),
            ("response.function_call_arguments.done",),
        ),
        Family(
            "input",
            "custom tool input",
            ("custom_tool_call",),
            "",
            "",
            "input",
            ("response.custom_tool_call_input.delta",),
            ("response.custom_tool_call_input.done",),
        ),
    )
}
DELTA_FAMILY: dict[str, Family] = {kind: family for family in FAMILIES.values() for kind in family.deltas}
DONE_FAMILY: dict[str, Family] = {kind: family for family in FAMILIES.values() for kind in family.dones}
PART_FAMILY: dict[str, Family] = {family.part_type: family for family in FAMILIES.values() if family.part_type}
