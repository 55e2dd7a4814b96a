"""What turns are made of: texts, fragments, JSON objects and how a model writes them, token counts."""

from __future__ import annotations

import json
import string
from typing import Any

from hypothesis import strategies as st

from fakes.script import Usage

__all__ = ["arguments", "counts", "cut", "fragments", "json_objects", "spoken", "words"]

_CHARACTERS = st.characters(exclude_categories=["Cs"])  # no lone surrogates: UTF-8 cannot say them
_HARD = st.sampled_from(
    [
        "\n\ndata: [DONE]\n\n",
        "event: error\n",
        "</think>",
        "<tool_call>",
        '"}',
        "\\",
        "\u2028",
        "\x00",
        "👩‍👩‍👧",
        "e\u0301",
        " ",
        "\r\n",
    ]
)
_PIECE = st.one_of(st.text(_CHARACTERS, min_size=1, max_size=6), _HARD)
_BIG = st.integers(-(2**70), 2**70)
_NUMBER = st.one_of(st.integers(-9, 9), _BIG, st.floats(allow_nan=False, allow_infinity=False, width=32))
_SCALAR = st.one_of(st.none(), st.booleans(), _NUMBER, st.text(_CHARACTERS, max_size=6), _HARD)
_KEY = st.one_of(st.text(string.ascii_letters, min_size=1, max_size=4), st.text(_CHARACTERS, max_size=4))
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEY, inner, max_size=3)),
    max_leaves=8,
)


def fragments(*, empty: bool = True) -> st.SearchStrategy[tuple[str, ...]]:
    """Streamed text: at least one fragment that says something; with `empty`, also fragments that say nothing."""
    pieces = st.lists(st.one_of(_PIECE, st.just("")) if empty else _PIECE, min_size=1, max_size=5)
    return pieces.map(tuple).filter(any)


def spoken() -> st.SearchStrategy[tuple[str, ...]]:
    """Streamed text that a history can hold: services refuse messages that are blank."""
    return fragments().filter(lambda pieces: any(not one.isspace() and one.isprintable() for one in "".join(pieces)))


def words() -> st.SearchStrategy[str]:
    """Something that a user or a tool says: printable, and not blank."""
    printable = st.characters(exclude_categories=["C", "Z"])
    return st.lists(st.text(printable, min_size=1, max_size=6), min_size=1, max_size=4).map(" ".join)


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """A JSON object: nested, with numbers beyond 64 bits, any Unicode, empty keys."""
    return st.dictionaries(_KEY, _VALUE, max_size=3)


@st.composite
def arguments(draw: st.DrawFn) -> str:
    """A JSON object as a model may write it: with or without spaces, escapes or line ends."""
    return json.dumps(
        draw(json_objects()),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(", ", ": "), (",", ":")])),
        indent=draw(st.sampled_from([None, 1])),
    )


@st.composite
def cut(draw: st.DrawFn, text: str) -> tuple[str, ...]:
    """A text cut into fragments anywhere, inside escapes too."""
    if len(text) < 2:
        return (text,) if text else ()
    places = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=5)))
    return tuple(text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True))


@st.composite
def counts(draw: st.DrawFn, *, absent: bool, writes: bool) -> Usage | None:
    """Token counts whose details fit into their sums. `absent` also reports none, `writes` also cache writes."""
    if absent and draw(st.integers(0, 4)) == 4:
        return None
    asked, told = draw(st.integers(1, 10**10)), draw(st.integers(0, 10**6))
    cached = draw(st.one_of(st.none(), st.integers(0, asked)))
    written = draw(st.one_of(st.none(), st.integers(0, asked - (cached or 0)))) if writes else None
    return Usage(asked, told, cached, written, draw(st.one_of(st.none(), st.integers(0, told))))
