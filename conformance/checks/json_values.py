"""JSON compared as JSON: numbers exact, true is not 1, the order of keys is nothing."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

__all__ = ["only_string", "opened_string", "same_json"]

_OPENED = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"((?:[^"\\]|\\.)*)', re.DOTALL)


class _Pairs(list[tuple[str, Any]]):
    """An object's members, repeated keys kept; not a `list`, to be told from an array."""


def _parse(text: str) -> Any:
    """Raises ValueError for what is no JSON, RecursionError for what is too deep."""
    return json.loads(text, parse_float=Decimal, object_pairs_hook=_Pairs)


def _comparable(value: Any) -> Any:
    """A form in which 1 and true, and 1 and "1", differ; integers and decimals are exact."""
    if isinstance(value, _Pairs):
        return ("object", sorted(((key, _comparable(inner)) for key, inner in value), key=repr))
    if isinstance(value, list):
        return ("array", [_comparable(element) for element in value])
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return ("number", value)
    return (type(value).__name__, value)


def same_json(wanted: str, found: str) -> bool:
    """Whether two texts are the same JSON value, or the same text where one is no JSON."""
    if wanted == found:
        return True
    try:
        return bool(_comparable(_parse(wanted)) == _comparable(_parse(found)))
    except (ValueError, RecursionError):
        return False


def only_string(text: str) -> str | None:
    """The one string member of a JSON object; None when it is no object or has not exactly one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    strings = [member for member in value.values() if isinstance(member, str)] if isinstance(value, dict) else []
    return strings[0] if len(strings) == 1 else None


def opened_string(text: str) -> str:
    """What a cut JSON object has begun to say in its first member, if that is a string; else ""."""
    match = _OPENED.match(text)
    body = match.group(1) if match else ""
    for cut in range(6):  # a cut `\\u` escape takes away at most five characters
        try:
            return str(json.loads(f'"{body[: len(body) - cut]}"', strict=False))
        except ValueError:
            continue
    return ""
