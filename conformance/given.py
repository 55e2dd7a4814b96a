"""What a target gave its client: the output items of an answer, streamed or whole, in one reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.crossings import Visit, visits
from conformance.pieces import at, items_of
from conformance.reading import read
from conformance.transcript import Event, Transcript

__all__ = ["CALLS", "Given", "answered", "given_items"]

CALLS = frozenset({"function_call", "custom_tool_call", "tool_search_call"})
"""The types of the items that a client acts on by running something of its own."""


@dataclass(frozen=True)
class Given:
    """One finished output item: `json` as it was done, `event` the event that said so (None in a whole answer)."""

    json: dict[str, Any]
    event: Event | None = None

    @property
    def is_call(self) -> bool:
        """Whether a client would run it: a call that was not cut."""
        return self.json.get("type") in CALLS and self.json.get("status") != "incomplete"

    @property
    def place(self) -> int | None:
        """The index of its event, for messages."""
        return self.event.index if self.event else None


def answered(transcript: Transcript) -> Iterator[Visit]:
    """The exchanges in which a request for a response was answered with success."""
    for visit in visits(transcript):
        status = visit.exchange.status
        if visit.asks_for_a_response and status is not None and 200 <= status < 300:
            yield visit


def given_items(visit: Visit) -> list[Given]:
    """The finished items of an answer in order: done in the stream or standing in the final response."""
    exchange = visit.exchange
    if not exchange.is_stream:
        return [Given(item) for item in items_of(at(exchange.json, "output")) if isinstance(item, dict)]
    items = sorted(read(exchange).items, key=lambda item: item.number)
    return [Given(item.best, item.done) for item in items if item.done is not None or item.final is not None]
