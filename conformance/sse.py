"""The suite's reader of event streams: sans-I/O, by the WHATWG rules, with byte-exact positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ServerSentEvent", "read_events"]


@dataclass(frozen=True)
class ServerSentEvent:
    """One dispatched event. `start` and `end` are byte offsets of its lines in the stream, blank line included."""

    event: str
    data: str
    start: int
    end: int


def read_events(stream: bytes) -> Iterator[ServerSentEvent]:
    """Read a whole stream (PLACEHOLDER SIGNATURE: the engine's author replaces this body)."""
    raise NotImplementedError
