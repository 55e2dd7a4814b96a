"""A response that is a summary: what ``compaction_trigger`` and the compact endpoint ask for.

openai/codex's built-in provider expects exactly one ``compaction`` item and takes a message for a failure.
"""

from __future__ import annotations

from typing import Any

from .conversations import as_listed
from .errors import ApiError
from .items import Item
from .stream import Stream

SUMMARISE = (
    "Write a summary of this conversation that somebody who has not seen it can continue from: what was asked, "
    "what was done and decided, what was found out, which files and values matter, and what is left to do. "
    "Answer with the summary only."
)
"""What the upstream is asked, after the conversation."""


def as_compaction(result: dict[str, Any] | None, items: list[dict[str, Any]]) -> dict[str, Any] | None:
    """A finished response as the object of the compact endpoint: the user's messages and one blob."""
    if result is None or result["status"] != "completed":
        return result
    said = [as_listed(item) for item in items if item.get("role") == "user"]
    users = [
        {**item, "id": item.get("id") or f"msg_{result['id'][5:37]}u{number:03x}"} for number, item in enumerate(said)
    ]
    kept = {name: result[name] for name in ("id", "created_at", "usage")}
    return {**kept, "object": "response.compaction", "output": [*users, *result["output"]]}


class Compaction(Stream):
    """A response whose upstream answer is a summary, given to the client as one ``compaction`` item."""

    def _say(self, kind: str, text: str, logprobs: list[dict[str, Any]] | None) -> None:
        self._summary.append(text)

    @property
    def _summary(self) -> list[str]:
        if not self._items:
            self._items.append(Item("compaction"))
        return self._items[0].pieces

    def think(self, item: Item | None, text: str, origin: str) -> Item:
        """Reasoning about a summary is of no use to anybody."""
        return item or Item("reasoning")

    def open_call(self, upstream_id: str = "", name: str = "") -> Item:
        """Tools are not offered; a call is ignored."""
        return Item("call", dropped=True, index=0)

    def _complete(self) -> None:
        if not self._items:
            self.fail(ApiError(502, "The upstream gave no summary of the conversation.", code="upstream_error"))
            return
        super()._complete()

    def _cut(self, reason: str) -> None:
        self.fail(ApiError(502, "The summary of the conversation was cut short.", code="upstream_error"))
