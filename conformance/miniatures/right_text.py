"""What a right target makes of an upstream's text: fragments, and what a custom tool is called with."""

from __future__ import annotations

import json
import math

__all__ = ["custom_input", "fragments"]


def fragments(text: str, count: int, merge: float) -> list[str]:
    """A text in about `count / merge` fragments; none for an empty text."""
    if not text:
        return []
    size = math.ceil(len(text) / max(1, math.ceil(count / merge)))
    return [text[n : n + size] for n in range(0, len(text), size)]


def custom_input(arguments: str) -> str:
    """What a custom tool is called with: the one string in the emulating function's arguments."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    strings = [text for text in value.values() if isinstance(text, str)] if isinstance(value, dict) else []
    return strings[0] if len(strings) == 1 else arguments
