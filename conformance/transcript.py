"""Transcripts: everything seen on both sides while one case was driven through a target.

    Transcript ─┬─ Drive "stream" ──── Exchange ─┬─ ClientRequest
                ├─ Drive "json"                  ├─ received chunks, events, how it ended
                ├─ Drive "hostile"               ├─ UpstreamCall ... (what the target sent upstream, and its reply)
                └─ ...                           └─ Said (what the upstream said)

All times are seconds since the start of the drive.
"""

from __future__ import annotations

import bisect
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from conformance.said import Said
from conformance.sse import ServerSentEvent, StreamLines, read_stream
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = [
    "CLOSES_WITHIN",
    "DRIVE_KINDS",
    "TERMINALS",
    "ClientRequest",
    "Drive",
    "DriveKind",
    "Event",
    "Exchange",
    "Received",
    "StreamEnd",
    "Transcript",
]

DriveKind = Literal["stream", "json", "hostile", "gated", "bytes"]
DRIVE_KINDS: tuple[DriveKind, ...] = ("stream", "json", "hostile", "gated", "bytes")

TERMINALS: dict[str, str] = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
"""The events that end a stream, and the status that the response then has."""
CLOSES_WITHIN = 2.0
"""Seconds in which a body ends after its terminal event; clients were seen to give up after 4 to 8."""

StreamEnd = Literal["complete", "truncated", "reset", "deadline", "client-left", "no-answer"]


@dataclass(frozen=True)
class ClientRequest:
    """What the suite's client sent. `body` is the JSON value, or the raw bytes where a case sends no JSON."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: Any

    @property
    def authorization(self) -> str | None:
        """The header that holds the client's key; None where it sent none."""
        return next((value for name, value in self.headers if name.lower() == "authorization"), None)


@dataclass(frozen=True)
class Received:
    """One read from the target's connection: when, and the bytes."""

    t: float
    data: bytes


@dataclass(frozen=True)
class Event:
    """One event of the target's stream.

    `data` is the parsed JSON, None when it is none (`is_done` for the `[DONE]` marker); `index` counts events
    from 0; `t` is when its last byte came.
    """

    index: int
    sse: ServerSentEvent
    data: Any
    t: float

    @property
    def type(self) -> str:
        """The event's `type` from its data; "" when it has none."""
        kind = self.data.get("type") if isinstance(self.data, dict) else None
        return kind if isinstance(kind, str) else ""

    @property
    def is_done(self) -> bool:
        """Whether this is the `data: [DONE]` marker."""
        return self.sse.data == "[DONE]"

    def get(self, *path: str | int) -> Any:
        """The value at a path of keys and indexes in the data; None as soon as one is missing."""
        value = self.data
        for step in path:
            if isinstance(step, int):
                if not isinstance(value, list) or not -len(value) <= step < len(value):
                    return None
            elif not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
        return value


@dataclass
class Exchange:
    """One client request and all that followed from it.

    `ended`: "complete" (the body ended as HTTP says it must), "truncated" (it ended too early), "reset",
    "deadline" (nothing came for too long: the suite gave up), "client-left" (on purpose, by the case),
    "no-answer" (the connection closed without a status). `problem` words it.
    """

    request: ClientRequest
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    received: tuple[Received, ...] = ()
    ended: StreamEnd = "complete"
    problem: str | None = None
    ended_at: float = 0.0
    upstream: tuple[UpstreamCall, ...] = ()
    said: Said | None = None

    @cached_property
    def body(self) -> bytes:
        """All received body bytes."""
        return b"".join(chunk.data for chunk in self.received)

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str | None:
        """The first response header of that name, any case; None when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def wants_stream(self) -> bool:
        """Whether the client asked for a stream."""
        return isinstance(self.request.body, dict) and self.request.body.get("stream") is True

    @property
    def asks_for_compaction(self) -> bool:
        """Whether the client asked for a compaction: what the upstream then says is for the target, not for it."""
        if self.request.path.partition("?")[0].endswith("/responses/compact"):
            return True
        given = self.request.body.get("input") if isinstance(self.request.body, dict) else None
        items = given if isinstance(given, list) else []
        return any(isinstance(item, dict) and item.get("type") == "compaction_trigger" for item in items)

    @property
    def is_stream(self) -> bool:
        """Whether the target answered 2xx with an event stream, by its content type or else by its first bytes."""
        if self.status is None or not 200 <= self.status < 300:
            return False
        kind = (self.header("content-type") or "").lower()
        return kind.startswith("text/event-stream") or self.body.lstrip(b"\xef\xbb\xbf\r\n").startswith(
            (b"data:", b"event:", b":")
        )

    @cached_property
    def stream(self) -> StreamLines:
        """The body read as an event stream, with its lines and leftover, whatever it is."""
        return read_stream(self.body)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events of the stream; empty when it is none. An event cut by the end of the body is not one."""
        return tuple(self._events()) if self.is_stream else ()

    @cached_property
    def _ends_of_reads(self) -> list[int]:
        return list(itertools.accumulate(len(chunk.data) for chunk in self.received))

    def arrived(self, end: int) -> float:
        """When the last of the first `end` bytes of the body came."""
        number = bisect.bisect_left(self._ends_of_reads, end)
        return self.received[min(number, len(self.received) - 1)].t

    def _events(self) -> Iterator[Event]:
        for index, sse in enumerate(self.stream.events):
            try:
                data = json.loads(sse.data)
            except (ValueError, RecursionError):
                data = None
            yield Event(index, sse, data, self.arrived(sse.end))

    @cached_property
    def terminal(self) -> Event | None:
        """The first event that ends the response; None where there is none."""
        return next((event for event in self.events if event.type in TERMINALS), None)

    @property
    def lingering(self) -> float | None:
        """Seconds that the body stayed open after its terminal event; None without one, or where the client left.

        Infinite where the suite gave up waiting for its end.
        """
        if self.terminal is None or self.ended == "client-left":
            return None
        return math.inf if self.ended == "deadline" else self.ended_at - self.terminal.t

    @property
    def answered_calls(self) -> tuple[UpstreamCall, ...]:
        """The upstream calls that asked for a completion, without probes."""
        return tuple(call for call in self.upstream if call.kind == "completion")


@dataclass
class Drive:
    """One run of a case. `problem` says why it could not be driven (then `exchanges` holds what came before).

    `ingredients` names the parts of the hostile delivery that were used, where a "hostile" drive used not all.
    """

    kind: DriveKind
    exchanges: list[Exchange] = field(default_factory=list)
    problem: str | None = None
    blame: Literal["target", "harness"] | None = None
    ingredients: tuple[str, ...] = ()


@dataclass
class Transcript:
    """All drives of one case in one dialect.

    `dialect` is None where no upstream is known (a live endpoint, a saved capture). `facts` holds what a case states
    about itself for checks to read: `turns` (how many requests it makes, copies apart), `refusal_statuses` (legal HTTP
    statuses when the request must be refused, a frozenset), `may_refuse`, `tags` (a frozenset), `timing` (seconds that
    the target was told: its TOML file's `[timing]`); and `hostile`, where the hostile drive differs from the stream
    drive in normal form: `path`, `left`, `right` (the difference), `guilty` (the ingredients that each make it alone)
    and `steady` (False when the plain drive, made once more, differs from itself: then the delivery is not to blame);
    and `exit`, where the case asked the target to end: `status` (None when it did not exit), `seconds`, `stream` (how
    its body ended) and `terminal` (the type of its terminal event, or None); and `held`, where the upstream kept one
    client's answer until others' were over, by kind of drive: "met" when that came, "late" when it did not come in
    time. At a live endpoint also `acceptance` (the id of the acceptance test that the case covers), `undeclared`
    (features that it needs and the server does not declare) and `unobserved` (by rule, why its model gave nothing to
    judge).
    """

    case: str
    dialect: Dialect | None
    drives: list[Drive]
    summary: str = ""
    source: str = ""
    features: frozenset[str] = frozenset()
    facts: dict[str, Any] = field(default_factory=dict)

    def drive(self, kind: DriveKind) -> Drive | None:
        """The drive of that kind, None when the case was not driven so or could not be."""
        return next((drive for drive in self.drives if drive.kind == kind and drive.problem is None), None)

    @property
    def streamed(self) -> Drive | None:
        """The streamed drive, whichever was made: as services send, else under the hostile partition."""
        return self.drive("stream") or self.drive("hostile")
