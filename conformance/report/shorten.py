"""Shortening: long data cut down to one readable line, around what matters.

What matters in a piece of data are the words that the violation itself names: the values in quotes and
backticks and the identifiers in its two texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from conformance.report.style import plural

__all__ = ["needles", "one_line", "shorten_json", "shorten_text"]

_QUOTED = re.compile(r"`([^`]{2,80})`|\"([^\"]{2,80})\"|'([^']{2,80})'")
_IDENTIFIER = re.compile(r"\b[A-Za-z]+(?:[._][A-Za-z0-9]+)+\b|\b[a-z]+_[a-z_0-9]+\b")

ANCHORS = ("type", "delta", "item", "response", "output_index", "status", "role", "name", "item_id", "id")
"""Keys that tell a reader which object is meant: they stay longest."""

_TOLD = 200
"""A string that was longer has its length told."""

# (longest string, most list entries, most keys, depth), tried in turn until the line fits: what is deep goes first.
_LEVELS = (
    (400, 40, 60, 12),
    (120, 8, 24, 6),
    (60, 6, 14, 4),
    (48, 4, 10, 3),
    (40, 3, 8, 2),
    (32, 2, 6, 2),
    (24, 2, 4, 1),
    (24, 1, 3, 1),
)


def needles(*texts: str) -> tuple[str, ...]:
    """The words of a violation's texts that data is shortened around, in order, each once.

    A dotted path also counts by its last name: `response.output.id` looks for `id`'s parents and `id`.
    """
    found: dict[str, None] = {}
    for text in texts:
        for match in _QUOTED.finditer(text):
            found.setdefault(next(group for group in match.groups() if group is not None))
        for match in _IDENTIFIER.finditer(text):
            found.setdefault(match.group())
            found.setdefault(match.group().rpartition(".")[2])
    return tuple(found)


def one_line(text: str) -> str:
    """The text with line ends and other control characters shown as escapes."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii") if char not in "\u2028\u2029" else f"\\u{ord(char):04x}"


def shorten_text(text: str, width: int, around: Iterable[str] = ()) -> str:
    """At most about `width` characters of a text: around the first word found in it, else its two ends."""
    if len(text) <= width:
        return text
    where = next((at for word in around if (at := text.find(word)) >= 0), None)
    if where is None:
        head = width * 2 // 3
        tail = width - head
        return f"{text[:head]}…{text[-tail:]}" if tail > 0 else f"{text[:head]}…"
    start = max(0, min(where - width // 3, len(text) - width))
    stop = start + width
    return f"{'…' if start else ''}{text[start:stop]}{'…' if stop < len(text) else ''}"


def shorten_json(value: Any, width: int, around: Iterable[str] = ()) -> str:
    """A JSON value on one line of at most about `width` characters.

    Long strings, lists and objects lose what the words of `around` do not name first; what is left out is
    counted ("… 12 more keys"), so a shortened value is never mistaken for the whole.
    """
    words = tuple(around)
    whole = _dump(value)
    if len(whole) <= width:
        return whole
    line = whole
    for level in _LEVELS:
        line = _Shortener(words, *level).render(value)
        if len(line) <= width:
            return line
    return shorten_text(line, width, words)


def _dump(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


class _Shortener:
    def __init__(self, around: tuple[str, ...], strings: int, entries: int, keys: int, depth: int) -> None:
        self.around = around
        self.strings = strings
        self.entries = entries
        self.keys = keys
        self.depth = depth

    def render(self, value: Any, depth: int = 0) -> str:
        if isinstance(value, dict | list):
            if value and depth > self.depth and not self._named(value):
                return "{…}" if isinstance(value, dict) else "[…]"
            return self._object(value, depth + 1) if isinstance(value, dict) else self._list(value, depth + 1)
        if isinstance(value, str) and len(value) > self.strings:
            told = f" ({len(value):,} characters)" if len(value) > _TOLD else ""
            return _dump(shorten_text(value, self.strings, self.around)) + told
        return _dump(value)

    def _object(self, value: dict[str, Any], depth: int) -> str:
        ranked = sorted(value, key=lambda key: self._rank(key, value[key]))
        kept = set(ranked[: self.keys])
        shown = [f"{_dump(key)}: {self.render(value[key], depth)}" for key in value if key in kept]
        if len(value) > len(kept):
            shown.append(f"… {plural(len(value) - len(kept), 'more key')}")
        return "{" + ", ".join(shown) + "}"

    def _list(self, value: list[Any], depth: int) -> str:
        ranked = sorted(range(len(value)), key=lambda at: (not self._named(value[at]), at))
        kept = sorted(ranked[: self.entries])
        shown: list[str] = []
        last = -1
        for at in kept:
            if at > last + 1:
                shown.append(f"… {at - last - 1} more")
            shown.append(self.render(value[at], depth))
            last = at
        if last < len(value) - 1:
            shown.append(f"… {len(value) - 1 - last} more")
        return "[" + ", ".join(shown) + "]"

    def _rank(self, key: str, value: Any) -> tuple[int, int]:
        if key in self.around:
            return (0, self.around.index(key))
        if key in ANCHORS:
            return (1, ANCHORS.index(key))
        return (2, 0) if self._named(value) else (3, 0)

    def _named(self, value: Any) -> bool:
        text = _dump(value)
        return any(word in text for word in self.around)
