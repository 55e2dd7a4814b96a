"""Where two lists of lines part: a few lines of each around the difference, cut so that a person can read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from conformance.examples.lines import Line
from conformance.report.shorten import shorten_json, shorten_text

__all__ = ["parting"]

_BEFORE, _AFTER, _MOST = 1, 1, 5  # lines around the difference, and of it
_WIDE, _NARROW = 170, 100  # characters of a line that differs, and of one that does not
_ANCHORS = frozenset({"type", "id", "role", "name"})
_NOISE = frozenset({"type", "sequence_number", "logprobs", "obfuscation", "content_index"})
_REPLY = frozenset({"id", "status"})

Hunk = tuple[str, int, int, int, int]


def parting(
    right: Sequence[Line], wrong: Sequence[Line], words: tuple[str, ...], at: int | None
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The lines around the difference nearest to the event `at`, right and wrong; None where there is none.

    Sequence numbers count only where nothing else differs.
    """
    keys: tuple[Callable[[Line], str], ...] = (lambda line: line.key, lambda line: line.numbered)
    for key in keys:
        matcher = SequenceMatcher(None, [key(line) for line in right], [key(line) for line in wrong], autojunk=False)
        hunks = [hunk for hunk in matcher.get_opcodes() if hunk[0] != "equal"]
        if hunks:
            hunk = min(hunks, key=lambda hunk: _distance(hunk, at))
            return tuple(_around(right, wrong, hunk, words)), tuple(_around(wrong, right, _turned(hunk), words))
    return None


def _distance(hunk: Hunk, at: int | None) -> int:
    if at is None:
        return 0
    _, _, _, start, stop = hunk
    line = at + 1  # the status stands before the events
    return 0 if start <= line < stop else min(abs(start - line), abs(stop - line))


def _turned(hunk: Hunk) -> Hunk:
    kind, start, stop, other_start, other_stop = hunk
    return kind, other_start, other_stop, start, stop


def _around(lines: Sequence[Line], others: Sequence[Line], hunk: Hunk, words: tuple[str, ...]) -> Iterator[str]:
    """The lines of a hunk, marked, with those beside it."""
    _, start, stop, other_start, other_stop = hunk
    yield from (f"  {_brief(line)}" for line in lines[max(0, start - _BEFORE) : start])
    for offset, line in enumerate(lines[start : min(stop, start + _MOST)]):
        at = other_start + offset
        other = others[at] if at < other_stop and others[at].title.split("[")[0] == line.title.split("[")[0] else None
        yield f"> {_told(line, other, words)}"
    if stop - start > _MOST:
        yield f"> … {stop - start - _MOST} more"
    yield from (f"  {_brief(line)}" for line in lines[stop : stop + _AFTER])


def _told(line: Line, other: Line | None, words: tuple[str, ...]) -> str:
    """A line that differs: of its data what the other has otherwise, and what tells which thing is meant."""
    if line.data is None:
        return shorten_text(line.title or line.key, _WIDE, words)
    data = line.data if other is None or other.data is None else _differing(line.data, other.data)
    if other is None and isinstance(data, dict):
        data = _plain(data)
    return f"{line.title} {shorten_json(data, _WIDE, words)}".strip()


def _brief(line: Line) -> str:
    if line.data is None or line.title.startswith("HTTP "):
        return shorten_text(line.title or line.key, _NARROW)
    data = _plain(line.data) if isinstance(line.data, dict) else line.data
    return f"{line.title} {shorten_json(data, _NARROW)}".strip()


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """An event without what a reader need not see: of the response only which it is."""
    kept = {name: value for name, value in data.items() if name not in _NOISE}
    response = kept.get("response")
    if isinstance(response, dict):
        kept["response"] = {name: value for name, value in response.items() if name in _REPLY}
    return kept


def _differing(value: Any, other: Any) -> Any:
    """Of a value what differs from another, with the keys that name it; what is the same is left out."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {
            name: _differing(entry, other[name]) if name in other and not _same(entry, other[name]) else entry
            for name, entry in value.items()
            if name not in other or not _same(entry, other[name]) or (name in _ANCHORS and isinstance(entry, str))
        }
    if isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        pairs = zip(value, other, strict=True)
        return [_differing(entry, twin) if not _same(entry, twin) else "…" for entry, twin in pairs]
    return value


def _same(value: Any, other: Any) -> bool:
    return json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
