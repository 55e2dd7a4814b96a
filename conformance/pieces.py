"""Pieces: one neutral reading for what a client asked and what a target sent upstream.

A request is a sequence of pieces in order: texts, images, files, calls, results, reasoning. Both sides are
read into the same words (`conformance.asked`, `conformance.upstream_reading`), so that a check compares and
nothing else. Reading never raises: what is not understood becomes an `other` piece, or is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Choice",
    "Piece",
    "PieceKind",
    "Role",
    "Tool",
    "at",
    "images_of",
    "items_of",
    "occurrences",
    "parsed",
    "same_json",
    "strings",
    "text_of",
]

Role = Literal["system", "user", "assistant", "tool"]
PieceKind = Literal["text", "refusal", "image", "file", "call", "result", "reasoning", "other"]


@dataclass(frozen=True)
class Piece:
    """One piece of a request.

    `path` is where it stands in its body, `message` counts the items or messages of that body. `text` is the
    text, an image's or file's address, or a call's arguments as written (for a Messages `input`, the object is
    `value`). A result has its text parts in `texts` and the addresses of its images and files in `media`.
    `raw` is the JSON that the piece was read from.
    """

    kind: PieceKind
    role: Role
    path: str
    message: int
    text: str = ""
    name: str = ""
    call_id: str = ""
    namespace: str = ""
    value: Any = None
    texts: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    signature: str | None = None
    redacted: str | None = None
    custom: bool = False
    raw: Any = field(default=None, compare=False, repr=False)

    @property
    def is_visible_text(self) -> bool:
        """Whether it is text that a model reads as said by its role: text, or the words of a refusal."""
        return self.kind in ("text", "refusal")


@dataclass(frozen=True)
class Tool:
    """One tool as declared. `kind`: "function", "custom" (free text), or "hosted" (run by the service).

    `strict` is None when it was not stated. `parameters` is the JSON schema, None when absent. `definition` is
    the grammar of a custom tool. `origin` says how it came: "tools", or the type of the input item with it.
    """

    kind: Literal["function", "custom", "hosted"]
    name: str
    path: str
    description: str = ""
    parameters: Any = None
    strict: Any = None
    namespace: str = ""
    definition: str = ""
    type: str = ""
    origin: str = "tools"


@dataclass(frozen=True)
class Choice:
    """A tool choice: "absent" is none given, "other" a service's own form; `names` are the allowed ones."""

    kind: Literal["absent", "auto", "none", "required", "named", "allowed", "other"]
    name: str = ""
    names: tuple[str, ...] = ()
    mode: str = ""


def at(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and indexes; None as soon as one is missing."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
        elif not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def items_of(value: Any) -> list[Any]:
    """A list as it is, anything else as an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """A string as it is, anything else as ""."""
    return value if isinstance(value, str) else ""


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string value in a JSON value, keys left out, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, f"{path}[{index}]")


def images_of(pieces: Iterable[Piece]) -> Iterator[str]:
    """The addresses of the images of messages, and of the images and files of results, where they have one."""
    for piece in pieces:
        yield from filter(None, piece.media)
        if piece.kind == "image" and piece.text:
            yield piece.text


def occurrences(text: str, texts: Iterable[str]) -> int:
    """How often a text stands in the texts, without overlap."""
    return sum(other.count(text) for other in texts) if text else 0


def parsed(text: str) -> Any:
    """The value of a JSON text; None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, booleans only to booleans, keys in any order."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)
