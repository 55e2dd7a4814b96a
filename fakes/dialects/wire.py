"""What all dialects need to write bytes: JSON as the services write it, server-sent events, and stable ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fakes.reply import Fault, Frame, Reply
from fakes.script import Dies

__all__ = ["CREATED", "FAULTS", "Ids", "RawJson", "compact", "json_reply", "spaced", "sse", "stream_reply"]

CREATED: Final = 1_795_000_000
"""The `created` of every reply, seconds since the epoch: fixed, so that the same script gives the same bytes."""

FAULTS: Final[Mapping[str, Fault]] = {"eof": "cut", "eof-at-once": "cut-at-once", "reset": "reset", "stall": "stall"}
"""How a `Dies` part ends a reply."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HEX: Final = "0123456789abcdef"


@dataclass(frozen=True)
class RawJson:
    """JSON text that `compact` writes as it stands, so that numbers keep their spelling."""

    text: str


def compact(value: Any) -> str:
    """JSON without spaces and with characters unescaped, as OpenAI, vLLM and Anthropic write it."""
    return _dump(value, (",", ":"))


def spaced(value: Any) -> str:
    """JSON with `", "` and `": "`, as Python's default writes it (vLLM's error events)."""
    return _dump(value, (", ", ": "))


def _dump(value: Any, separators: tuple[str, str]) -> str:
    raws: list[RawJson] = []

    def stand_in(unknown: Any) -> str:
        if not isinstance(unknown, RawJson):
            raise TypeError(f"{unknown!r} is not JSON")
        raws.append(unknown)
        return f"\x00{len(raws) - 1}\x00"

    text = json.dumps(value, ensure_ascii=False, separators=separators, default=stand_in)
    for position, raw in enumerate(raws):
        text = text.replace(f'"\\u0000{position}\\u0000"', raw.text)
    return text


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate: only an escape can say it
        return "".join(c if not 0xD800 <= ord(c) < 0xE000 else f"\\u{ord(c):04x}" for c in text).encode()


def sse(data: str, event: str | None = None, gate: str = "") -> Frame:
    """One server-sent event as a frame."""
    name = f"event: {event}\n" if event else ""
    return Frame(_bytes(f"{name}data: {data}\n\n"), gate)


def stream_reply(
    frames: Sequence[Frame], headers: tuple[tuple[str, str], ...] = (), fault: Fault | None = None
) -> Reply:
    """A streamed answer with status 200."""
    kind = (("content-type", "text/event-stream; charset=utf-8"),)
    return Reply(200, kind + headers, tuple(frames), fault)


def json_reply(
    body: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = (), dies: Dies | None = None
) -> Reply:
    """An answer in one JSON body; half of it, when it dies."""
    data = _bytes(compact(body))
    if dies is not None:
        data = data[: len(data) // 2]
    kind = (("content-type", "application/json"),)
    return Reply(status, kind + headers, (Frame(data),), FAULTS[dies.how] if dies else None)


class Ids:
    """Identifiers that depend on the dialect and the request alone; how it is delivered does not matter."""

    _DELIVERY = frozenset({"stream", "stream_options"})

    def __init__(self, dialect: str, request: Mapping[str, Any]) -> None:
        asked = {key: value for key, value in request.items() if key not in self._DELIVERY}
        self._seed = f"{dialect}\n{json.dumps(asked, sort_keys=True, default=str)}"

    def hexadecimal(self, label: str, length: int = 16) -> str:
        """Hexadecimal digits (vLLM)."""
        return self._digits(label, length, _HEX)

    def base62(self, label: str, length: int) -> str:
        """Letters and digits (OpenAI)."""
        return self._digits(label, length, _BASE62)

    def base58(self, label: str, length: int) -> str:
        """Letters and digits that cannot be mistaken for one another (Anthropic)."""
        return self._digits(label, length, _BASE58)

    def _digits(self, label: str, length: int, alphabet: str) -> str:
        stream = hashlib.shake_256(f"{self._seed}\n{label}".encode(errors="replace")).digest(length)
        return "".join(alphabet[byte % len(alphabet)] for byte in stream)
