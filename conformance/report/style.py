"""Colour for terminals, and text that cannot harm one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ["PLAIN", "Style", "clean", "plural", "wants_colour"]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}


class Style:
    """Wraps text in a colour, or leaves it as it is."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def __call__(self, text: str, *looks: str) -> str:
        """The text in the looks named (`bold`, `dim`, `red`, `green`, `yellow`, `blue`)."""
        if not self.colour or not looks:
            return text
        return f"\x1b[{';'.join(_CODES[look] for look in looks)}m{text}\x1b[0m"


PLAIN = Style(colour=False)


def wants_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour what is written there: a terminal that can, and no NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """The text without what a terminal, an XML file or UTF-8 cannot hold; line ends and tabs stay.

    Targets' and upstreams' words go into reports: escape sequences and lone surrogates are shown, not obeyed.
    """
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 rule`, `22 rules`, `1,200 rules`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
