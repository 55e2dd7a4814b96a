"""Values in messages: short, on one line, and around what matters."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["around", "count", "listed", "shown"]

_LIMIT = 100


def shown(value: Any, limit: int = _LIMIT) -> str:
    """A value as JSON, its middle left out when it is long."""
    try:
        text = _visible(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError):
        text = repr(value)
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def _visible(text: str) -> str:
    """JSON with the separators that a terminal does not show escaped."""
    return re.sub("[\x7f-\xa0\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def around(expected: str, actual: str) -> tuple[str, str]:
    """Both texts as JSON, around the first character in which they differ when they are long."""
    if max(len(expected), len(actual)) <= _LIMIT:
        return shown(expected, 2 * _LIMIT), shown(actual, 2 * _LIMIT)
    pairs = zip(expected, actual, strict=False)
    first = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(actual)))
    start = max(0, first - _LIMIT // 3)

    def part(text: str) -> str:
        piece = _visible(json.dumps(text[start : start + _LIMIT], ensure_ascii=False))
        return f"{piece} from character {start} of {len(text)} (they differ at {first})"

    return part(expected), part(actual)


def count(number: int, noun: str) -> str:
    """`1 item`, `2 items`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(values: Any) -> str:
    """Values in a sentence; "none" for no values."""
    return ", ".join(str(value) for value in values) or "none"
