"""TOML files that people write: read with the line of every key, so that errors can point at it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from conformance.errors import UsageError

__all__ = ["TomlFile", "quoted"]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*=""")
_FENCES = ('"""', "'''")
_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


class TomlFile:
    """One TOML file: `data`, and the line of each of its keys.

    Raises UsageError, naming file and line, when it cannot be read or is no TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as trouble:
            raise UsageError(f"{path}: {trouble.strerror}; give the path of a TOML file") from trouble
        except UnicodeDecodeError as trouble:
            raise UsageError(f"{path}: not UTF-8; give the path of a TOML file") from trouble
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as trouble:
            raise self._not_toml(str(trouble)) from trouble
        self._lines = _lines_of_keys(text)

    def line(self, *keys: str | int) -> int:
        """The line of a key, counted from 1; that of the table around it when it has none of its own."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self._lines:
                return self._lines[keys[:length]]
        return 1

    def has_line(self, *keys: str | int) -> bool:
        """Whether that very key stands in the file, at the start of a line."""
        return keys in self._lines

    def error(self, keys: tuple[str | int, ...], problem: str, fix: str) -> UsageError:
        """What is wrong at a key, and what to do."""
        return UsageError(f"{self.path}:{self.line(*keys)}: {problem}; {fix}")

    def _not_toml(self, trouble: str) -> UsageError:
        place = _SYNTAX_PLACE.search(trouble)
        line = f":{place.group(1)}" if place else ""
        problem = _SYNTAX_PLACE.sub("", trouble)
        return UsageError(f"{self.path}{line}: not TOML ({problem}); see https://toml.io for the syntax")


def quoted(text: str) -> str:
    """A string as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_escape(character) for character in escaped) + '"'


def _escape(character: str) -> str:
    if character == "\n":
        return "\\n"
    if character == "\t":
        return "\\t"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _lines_of_keys(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of each table and key that stands at the start of a line. Nested values have their key's line."""
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str | int, ...] = ()
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if header := _HEADER.match(line):
            table = names = _names(header.group(2))
            if header.group(1) == "[[":
                table = (*names, counts.setdefault(names, 0))
                counts[names] += 1
            lines[table] = number
        elif key := _KEY.match(line):
            lines[(*table, *_names(key.group(1)))] = number
        fence = next((mark for mark in _FENCES if line.count(mark) % 2), "")
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
