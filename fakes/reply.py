"""Replies: what a fake puts on the wire for one request, and how it is cut into writes.

Answer  ── a case says it ──▶  Reply (status, headers, frames)  ── Delivery ──▶  writes
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from fakes.script import Script

if TYPE_CHECKING:
    from fakes.recording import Recording

__all__ = [
    "Answer",
    "AsFramed",
    "ByteByByte",
    "Delivery",
    "Fault",
    "Frame",
    "Gated",
    "Hostile",
    "HttpFailure",
    "Reply",
    "Verbatim",
    "Whole",
]


@dataclass(frozen=True)
class Frame:
    """Bytes that the service writes at once: on a stream one event (llama.cpp joins several), else the body.

    `gate` is the text or reasoning that the client must have received before a gated delivery releases the
    next frame; "" gates nothing (arguments and control events never gate). `pause` is a silence after it, in
    seconds.
    """

    data: bytes
    gate: str = ""
    pause: float = 0.0


Fault = Literal["cut", "cut-at-once", "reset", "reset-before-status", "stall"]


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, ready to be sent. `fault` happens after the last frame."""

    status: int
    headers: tuple[tuple[str, str], ...]
    frames: tuple[Frame, ...]
    fault: Fault | None = None

    @property
    def body(self) -> bytes:
        """All frames joined."""
        return b"".join(frame.data for frame in self.frames)


@dataclass(frozen=True)
class HttpFailure:
    """A refusal before the first byte of an answer, worded by the dialect unless `body` is given.

    `code` is one of the neutral kinds that every dialect can word: "bad_request", "context_length",
    "rate_limit", "auth", "permission", "unknown_model", "overloaded", "server_error".
    """

    status: int
    code: str = "server_error"
    message: str | None = None
    retry_after: str | None = None
    body: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True)
class Verbatim:
    """A reply given byte for byte, the same whatever was asked."""

    reply: Reply


Answer: TypeAlias = "Script | Recording | HttpFailure | Verbatim"


@dataclass(frozen=True)
class AsFramed:
    """One write a frame, at once: how services send when nobody is slow."""


@dataclass(frozen=True)
class Whole:
    """Everything in one write."""


@dataclass(frozen=True)
class ByteByByte:
    """One write a byte, each followed by `pause` seconds so that readers see them apart."""

    pause: float = 0.0005


@dataclass(frozen=True)
class Hostile:
    """At most `most` cuts at the places that break readers; `ingredients` also rewrites line ends and mixes in noise.

    Ingredients: "cuts", "crlf", "comments", "pings" (pings where the dialect has them, else empty deltas).
    """

    ingredients: frozenset[str] = field(default_factory=lambda: frozenset({"cuts", "crlf", "comments", "pings"}))
    most: int = 40
    pause: float = 0.001


@dataclass(frozen=True)
class Gated:
    """Frame n+1 waits until the client has received what frame n must cause, at most `grace` seconds.

    The first wait may be eight times as long: until then a target may be busy with other things than this answer.
    """

    grace: float = 0.25


Delivery: TypeAlias = AsFramed | Whole | ByteByByte | Hostile | Gated
