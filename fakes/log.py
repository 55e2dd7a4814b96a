"""The fake's own log: every request that reached it, and what became of its answer.

Times are seconds on `time.monotonic()`; a transcript makes them relative when it is saved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Lag", "Objection", "Sent", "UpstreamCall"]


@dataclass(frozen=True)
class Objection:
    """Why the real service would have refused a request, and how.

    `path` is where in the body ("messages[2].content[0].type"), `rule` a stable short id of what was broken
    ("chat.tool-without-call"), `source` the SDK type or public documentation that says so.
    """

    rule: str
    path: str
    message: str
    source: str
    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """One write to the wire: when, and the bytes."""

    t: float
    data: bytes


@dataclass(frozen=True)
class Lag:
    """How far the client was behind when a gate gave up: frame `frame` was released `frames_late` frames early."""

    frame: int
    frames_late: int


@dataclass
class UpstreamCall:
    """One request that reached the fake.

    `kind` is "completion" for the route that answers cases and "probe" for any other known route
    (`/v1/models`, `/health`, ...). `token` is the correlation token found, None if none was.
    `answer` is the position of the answer given among those of its turn, None for probes and surplus calls;
    `retry_of` is the position (in the log of this expectation) of the call that this one repeats.
    `ended`: "complete", or how the fault or the client ended it; None while it runs. `faultless` is whether the
    answer has no fault: with "client-gone", the target hung up on an upstream that was well.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    json: Any
    received_at: float
    kind: Literal["completion", "probe", "unknown"] = "completion"
    token: str | None = None
    answer: int | None = None
    retry_of: int | None = None
    objections: tuple[Objection, ...] = ()
    status: int | None = None
    sent_headers: tuple[tuple[str, str], ...] = ()
    sent: list[Sent] = field(default_factory=list)
    ended: Literal["complete", "cut", "reset", "stalled", "client-gone", "refused", "broken"] | None = None
    ended_at: float | None = None
    faultless: bool = False
    lags: list[Lag] = field(default_factory=list)
    problem: str | None = None

    @property
    def sent_body(self) -> bytes:
        """The body bytes written so far."""
        return b"".join(sent.data for sent in self.sent)

    @property
    def late(self) -> list[Lag]:
        """The gates at which the upstream waited in vain for what its last chunk must cause."""
        return [lag for lag in self.lags if lag.frames_late > 0]

    def header(self, name: str) -> str | None:
        """The first request header of that name, any case; None when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)
