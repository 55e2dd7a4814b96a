"""The structure of a JSON value: all that tells typed clients and schemas apart, without what people wrote.

Two values of equal structure have the same keys in the same order, the same types, the same ids at the same places
(by order of appearance) and the same words wherever a word can decide (types, statuses, reasons, codes). They may
differ in free text, clocks, counts of tokens and sequence numbers. So a schema that accepts one accepts the other.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any

from conformance.reading.stream import StreamReading
from conformance.sse import Line
from conformance.transcript import Event

__all__ = ["stream_structure", "structure"]

_RUN = 6  # deltas of one structure in a row: a reader that bears so many bears more
# Characters that careless readers take for line ends, half pairs, and numbers that JSON does not have.
_PECULIAR = re.compile(rb"[\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]|\\\\u[dD][89a-fA-F]|NaN|Infinity")
_PECULIAR_PARTS = (b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\xc2\x85", b"\xe2\x80", b"\\u", b"NaN", b"Infinity")
"""One of these is in all that holds anything peculiar: quickly looked for in a stream of megabytes."""

_FREE_TEXT = frozenset(
    {
        *("arguments", "delta", "description", "encrypted_content", "input", "instructions", "message", "model"),
        *("obfuscation", "output", "prompt_cache_key", "refusal", "safety_identifier", "text", "user"),
    }
)
_FREE_NUMBERS = frozenset({"created_at", "completed_at", "logprob", "sequence_number"})
_LENGTHS = (0, 64, 128)  # the bounds that schemas set to ids and names


def structure(value: Any, key: str = "", ids: dict[str, int] | None = None) -> Hashable:
    """The structure of a value found under a key; `ids` numbers the ids met before it."""
    return _structure(value, _manner(key), {} if ids is None else ids)


_PLAIN, _ID, _NAME, _TEXT, _NUMBER = range(5)


@cache
def _manner(key: str) -> int:
    """What tells the values under a key apart."""
    if key == "id" or key.endswith("_id"):
        return _ID
    if key in _FREE_NUMBERS or key.endswith("_tokens"):
        return _NUMBER
    return _NAME if key == "name" else _TEXT if key in _FREE_TEXT else _PLAIN


def _structure(value: Any, manner: int, ids: dict[str, int]) -> Hashable:
    kind = type(value)
    if kind is str:
        if manner == _ID:
            return "id", ids.setdefault(value, len(ids)), _length(value)
        if manner == _NAME:
            return "name", _length(value)
        return ("text", not value) if manner == _TEXT else value
    if kind is dict:
        # Words and the like, which most values are, need no call of their own.
        return tuple(
            [
                (name, inner if how == _PLAIN and type(inner) is str else _structure(inner, how, ids))
                for name, inner in value.items()
                for how in (_manner(name),)
            ]
        )
    if kind is list:
        return ("list", *[_structure(inner, manner, ids) for inner in value])
    if manner == _NUMBER and (kind is int or kind is float):
        return kind, value < 0
    return kind, value


def _length(text: str) -> int:
    return sum(len(text) > bound for bound in _LENGTHS)


def stream_structure(stream: StreamReading) -> Hashable:
    """The structure of a whole stream: of its events' data, and all the rest of its lines as they came.

    What follows in a long run of deltas of equal structure counts as one more of them.
    """
    ids: dict[str, int] = {}
    events = {event.sse.start: event for event in stream.events if isinstance(event.data, dict)}
    lines = iter(stream.wire.lines)
    told: list[Hashable] = [stream.wire.bom, stream.wire.leftover]
    run, peculiar = 0, any(one in stream.exchange.body for one in _PECULIAR_PARTS)
    for line in lines:
        event = events.get(line.start)
        frame = tuple(_frame(line, event, lines, ids, peculiar) if event is not None else _as_it_came(line))
        run = run + 1 if told[-1] == frame else 0
        if event is None or run < _RUN or not event.type.endswith(".delta"):
            told.append(frame)
    return tuple(told)


def _frame(
    line: Line, event: Event, following: Iterator[Line], ids: dict[str, int], peculiar: bool
) -> Iterator[Hashable]:
    """The lines of one event; its data as a structure, if a single line holds it."""
    single = sum(one.name == "data" for one in event.sse.lines) == 1
    for number, one in enumerate(event.sse.lines):
        if number:
            next(following, None)
        if single and one.name == "data" and one.is_utf8:
            yield one.raw.partition(b"{")[0], one.ending, tuple(_PECULIAR.findall(one.raw)) if peculiar else ()
            yield structure(event.data, "", ids)
        else:
            yield from _as_it_came(one)


def _as_it_came(line: Line) -> Iterator[Hashable]:
    yield line.raw, line.ending
