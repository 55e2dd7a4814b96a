"""The hostile partition: the same stream, cut and noised where readers of event streams break.

Everything is deterministic: the same bytes are always cut at the same places. Noise (comments, pings, CRLF)
goes between complete events only; what a cut connection left of an event stays as it is.
Source: WHATWG HTML 9.2.5 (line ends, incremental UTF-8) and 9.2.6 (comments, fields).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from fakes.script import Dialect

__all__ = ["cut", "events_of", "noised", "ping_for"]

_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"(?>\r\n|\n|\r)")

# What services and relays write between events, and what a reader could mistake for a field.
_COMMENTS = (
    b": keep-alive\n\n",
    b":\n\n",
    b": ping - 2026-01-01 00:00:00+00:00\n\n",
    b':data: {"not": "data"}\n\n',
    b": OPENROUTER PROCESSING\n",  # no blank line: part of the next event
)

# The kinds of places to cut at: a pattern, and how far behind its start the cut is.
_PLACES: tuple[tuple[re.Pattern[bytes], int], ...] = (
    (re.compile(rb"\r\n\r\n"), 3),  # between CR and LF of the blank line
    (re.compile(rb"(?<=\n)\n"), 0),  # between the two line ends
    (re.compile(rb"(?<=\r\n)\r\n"), 0),
    (re.compile(rb"(?<=[^\r\n])\r\n"), 1),  # between CR and LF of a field's line
    (re.compile(rb"(?<![^\r\n])data:"), 2),  # inside the field's name
    (re.compile(rb"(?<![^\r\n])data:"), 5),  # before the optional space
    (re.compile(rb"(?<![^\r\n])event:"), 3),
    (re.compile(rb"[\xc2-\xdf][\x80-\xbf]"), 1),  # inside a code point of two, three and four bytes
    (re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}"), 2),
    (re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}"), 2),
    (re.compile(rb"\\u[0-9a-fA-F]{4}"), 3),  # inside an escaped code unit
    (re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?=\\u)"), 6),  # between two surrogates
    (re.compile(rb'\\["\\/bfnrt]'), 1),  # inside a short escape
    (re.compile(rb"\[DONE\]"), 3),
    (re.compile(rb'"delta"'), 4),  # inside a key
    (re.compile(rb"(?<=\n\n)(?=.)", re.DOTALL), 0),  # between two events
    (re.compile(rb"(?<=\r\n\r\n)(?=.)", re.DOTALL), 0),
)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SAME = ("id", "object", "created", "model", "system_fingerprint")


def events_of(stream: bytes) -> list[bytes]:
    """The events of a stream, each with its blank line; last what no blank line ended, if anything."""
    events, start = [], 0
    for blank in _BLANK_LINE.finditer(stream):
        events.append(stream[start : blank.end()])
        start = blank.end()
    return [*events, stream[start:]] if start < len(stream) else events


def noised(stream: bytes, ingredients: frozenset[str], ping: bytes) -> bytes:
    """The stream with "comments", "pings" and "crlf" mixed in, as far as `ingredients` names them."""
    mark = _BYTE_ORDER_MARK if stream.startswith(_BYTE_ORDER_MARK) else b""  # one only at the very beginning
    events = events_of(stream[len(mark) :])
    last = len(events) - 1
    pieces: list[bytes] = []
    pings = _ping_places(last) if "pings" in ingredients else frozenset()
    comments = dict(zip(_spread(range(last + 1), len(_COMMENTS)), _COMMENTS, strict=False))
    for index, event in enumerate(events):
        if "comments" in ingredients and index in comments:
            pieces.append(comments[index])
        pieces.append(event)
        if index in pings:
            pieces.append(ping)
    joined = mark + b"".join(pieces)
    return _LINE.sub(b"\r\n", joined) if "crlf" in ingredients else joined


def _ping_places(last: int) -> frozenset[int]:
    """Behind the first event and in the middle, never near the end, where finish and usage stand."""
    return frozenset(index for index in (0, last // 2) if index < last - 2)


def cut(body: bytes, most: int) -> list[bytes]:
    """The body in pieces, by at most `most` cuts, each kind of place having its share."""
    kinds = [
        [place for match in pattern.finditer(body) if 0 < (place := match.start() + offset) < len(body)]
        for pattern, offset in _PLACES
    ]
    kinds = [places for places in kinds if places]
    chosen: set[int] = set()
    while kinds and len(chosen) < most:
        share = max(1, (most - len(chosen)) // len(kinds))
        for places in kinds:
            chosen.update(_spread(places, min(share, most - len(chosen))))
        kinds = [left for places in kinds if (left := [place for place in places if place not in chosen])]
    edges = [0, *sorted(chosen), len(body)]
    return [body[start:end] for start, end in pairwise(edges) if start < end]


def _spread(places: Iterable[int], most: int) -> list[int]:
    """At most `most` of the places, evenly from the first to the last."""
    every = list(places)
    if len(every) <= most:
        return every
    if most <= 1:
        return every[:most]
    return [every[step * (len(every) - 1) // (most - 1)] for step in range(most)]


def ping_for(dialect: Dialect, stream: bytes) -> bytes:
    """A sign of life as the dialect gives it, fitting into this stream; b"" when there is none.

    Messages has `event: ping`; chat completions and vLLM send a chunk of the same completion with an empty
    delta.
    """
    if dialect == "messages":
        return b'event: ping\ndata: {"type": "ping"}\n\n'
    chunk = _first_chunk(stream)
    if chunk is None:
        return b""
    same: dict[str, Any] = {key: chunk[key] for key in _SAME if key in chunk}
    same["choices"] = [{"index": 0, "delta": {}, "finish_reason": None}]
    return b"data: " + json.dumps(same, separators=(",", ":")).encode() + b"\n\n"


def _first_chunk(stream: bytes) -> dict[str, Any] | None:
    for event in events_of(stream)[:4]:
        for line in event.splitlines():
            if line.startswith(b"data:"):
                try:
                    chunk = json.loads(line[5:])
                except ValueError:
                    continue
                if isinstance(chunk, dict) and chunk.get("choices"):
                    return chunk
    return None
