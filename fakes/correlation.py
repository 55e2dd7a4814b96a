"""Correlation: which case does this request belong to?

A token in the model name, else in the first user text that has one, else anywhere in the request; where a
target lets none through, the one expectation that is open ("serial").
"""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fakes.errors import COMPLAINTS

__all__ = ["TOKEN", "describe_stray", "new_token", "tokens_of"]

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base 32: no character that a case-folding target could change

TOKEN = re.compile(r"cfx[a-z2-7]{10}", re.IGNORECASE)
"""The form of a correlation token: `cfx` and ten characters of base 32."""

_TOKEN_BYTES = re.compile(TOKEN.pattern.encode(), re.IGNORECASE)
_EXCERPT = 60  # characters of a user text that an error shows


def new_token() -> str:
    """A token that no other request has (fifty random bits)."""
    bits = secrets.randbits(50)
    return "cfx" + "".join(_ALPHABET[bits >> shift & 31] for shift in range(0, 50, 5))


def tokens_of(json: Any, path: str, body: bytes) -> Iterator[str]:
    """The tokens in a request, in lower case, the most trustworthy place first."""
    body_object = json if isinstance(json, dict) else {}
    model = body_object.get("model")
    if isinstance(model, str):
        yield from _in(model)
    for text in _user_texts(body_object):
        yield from _in(text)
    yield from _in(path)
    for found in _TOKEN_BYTES.findall(body):
        yield found.decode().lower()


def _in(text: str) -> Iterator[str]:
    for found in TOKEN.findall(text):
        yield found.lower()


def _user_texts(body: dict[str, Any]) -> Iterator[str]:
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict) or message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]


def describe_stray(
    request: str, json: Any, found: Iterable[str], open_tokens: Sequence[str], closed: Sequence[str], serial: bool
) -> str:
    """Why a request belongs to no case: the nearest candidate, the field that differs, and what to do.

    `request` is the method and path, `found` the tokens in it, `closed` those of expectations that are over.
    """
    tokens = list(dict.fromkeys(found))
    lines = [f"{COMPLAINTS[1]}{request}"]
    late = next((token for token in tokens if token in closed), None)
    if late is not None:
        lines += [
            f"  nearest: {late}, whose expectation is over",
            "    time: expected before the client's exchange ended, came after it",
            "  what to do: 1. look whether the target goes on calling upstream after it has answered "
            "2. wait for it (`wait_idle`) before the expectation is forgotten",
        ]
    elif serial:
        lines += [
            f"  correlating serially needs exactly one open expectation; {len(open_tokens)} are open",
            "  what to do: 1. drive one case at a time 2. look for a call that nothing was waiting for",
        ]
    else:
        lines += _nearest(tokens, json, open_tokens)
    return "\n".join(lines)


def _nearest(tokens: list[str], json: Any, open_tokens: Sequence[str]) -> list[str]:
    body = json if isinstance(json, dict) else {}
    text = next(_user_texts(body), None)
    seen = f"model {body.get('model')!r}, first user text {_excerpt(text)}"
    near = [match for token in tokens for match in difflib.get_close_matches(token, open_tokens, 1, 0.0)]
    candidate = next(iter([*near, *open_tokens]), None)
    if candidate is None:
        return [
            f"  nothing is expected at the moment; the request has {seen}",
            "  what to do: open an expectation (`expect`) before the target is driven",
        ]
    got = f"got {tokens[0]!r}" if tokens else "found none"
    return [
        f"  nearest of {len(open_tokens)} open: {candidate}",
        f"    token: expected {candidate!r} in the model name or a user text, {got} ({seen})",
        "  what to do: 1. let the target pass the model name or the user text on unchanged "
        "2. correlate serially and drive one case at a time",
    ]


def _excerpt(text: str | None) -> str:
    if text is None:
        return "none"
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…")
