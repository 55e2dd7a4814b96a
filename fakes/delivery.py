"""Delivery: how a reply is cut into writes, and the sending of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fakes.faults import Faults
from fakes.gates import ClientProgress, Gatekeeper
from fakes.log import Sent, UpstreamCall
from fakes.partition import cut, events_of, noised, ping_for
from fakes.reply import AsFramed, ByteByByte, Delivery, Gated, Hostile, Reply, Whole
from fakes.script import Dialect
from fakes.wire import ClientGoneError, Wire

__all__ = ["Transmission", "Write", "is_event_stream", "writes_of"]


@dataclass(frozen=True)
class Write:
    """One piece of a body, an HTTP chunk of its own; `pause` is in seconds, after it.

    `frame` is the position of the frame that it ends, and `gate` what the client must then have.
    """

    data: bytes
    pause: float = 0.0
    frame: int = -1
    gate: str = ""


def is_event_stream(reply: Reply) -> bool:
    """Whether the reply says that it is `text/event-stream`."""
    return (_header(reply, "content-type") or "").lower().startswith("text/event-stream")


def writes_of(reply: Reply, delivery: Delivery, dialect: Dialect) -> Sequence[Write]:
    """The writes of a reply. Bodies that are no event stream are cut as well, but get no noise and no gate."""
    match delivery:
        case AsFramed():
            return [Write(frame.data, frame.pause) for frame in reply.frames]
        case Whole():
            return [Write(reply.body)]
        case ByteByByte(pause):
            body = reply.body
            return [Write(body[at : at + 1], pause) for at in range(len(body))]
        case Gated():
            last = len(reply.frames) - 1
            return [
                Write(frame.data, frame.pause, frame=index, gate=frame.gate if index < last else "")
                for index, frame in enumerate(reply.frames)
            ]
        case Hostile():
            return _hostile(reply, delivery, dialect)


def _hostile(reply: Reply, delivery: Hostile, dialect: Dialect) -> Sequence[Write]:
    body, ingredients = reply.body, delivery.ingredients
    if is_event_stream(reply):
        body = noised(body, ingredients, ping_for(dialect, body) if "pings" in ingredients else b"")
        if "cuts" not in ingredients:
            return [Write(event) for event in events_of(body)]
    elif "cuts" not in ingredients:
        return [Write(body)]
    return [Write(piece, delivery.pause) for piece in cut(body, delivery.most)]


class Transmission:
    """The sending of one reply, noted in its call as it happens."""

    def __init__(
        self, call: UpstreamCall, wire: Wire, dialect: Dialect, progress: ClientProgress, faults: Faults
    ) -> None:
        self._call = call
        self._wire = wire
        self._dialect = dialect
        self._progress = progress
        self._faults = faults
        self._held: list[bytes] = []

    def send(self, reply: Reply, delivery: Delivery) -> None:
        """Send all of it, and then what is to go wrong."""
        try:
            if reply.fault == "reset-before-status":
                self._call.ended = self._faults.happen(reply.fault, self._wire, self._progress)
                return
            self._call.faultless = reply.fault is None
            writes = writes_of(reply, delivery, self._dialect)
            self._begin(reply)
            self._body(writes, delivery)
            if reply.fault is None:
                self._flush(last=True)
                self._call.ended = "complete"
                return
            self._flush()
            self._call.ended = self._faults.happen(reply.fault, self._wire, self._progress)
        except ClientGoneError:
            self._call.ended = "client-gone"
            self._wire.close()

    def _begin(self, reply: Reply) -> None:
        self._call.status = reply.status
        self._call.sent_headers = self._wire.head(reply.status, reply.headers, _length(reply))

    def _body(self, writes: Sequence[Write], delivery: Delivery) -> None:
        hold = self._gates(delivery)
        for write in writes:
            if not write.data:
                continue
            self._wire.put(write.data)
            self._held.append(write.data)
            if write.pause or (hold and write.gate):
                self._flush()
                if write.pause:
                    time.sleep(write.pause)
                if hold and write.gate:
                    hold(write.frame, write.gate, self._wire.is_gone)
                if self._wire.is_gone():
                    raise ClientGoneError

    def _gates(self, delivery: Delivery) -> Callable[[int, str, Callable[[], bool]], None] | None:
        if isinstance(delivery, Gated):
            return Gatekeeper(self._call, self._progress, delivery.grace).hold
        return None

    def _flush(self, last: bool = False) -> None:
        now = time.monotonic()
        self._call.sent += [Sent(now, data) for data in self._held]
        self._held.clear()
        if last:
            self._wire.end()
        else:
            self._wire.flush()


def _length(reply: Reply) -> int | None:
    """The length to promise; None where nobody can know it: on streams, and before a fault.

    A recording of a truncated body keeps the greater length that its service promised.
    """
    if is_event_stream(reply):
        return None
    promised = _header(reply, "content-length")
    if promised is not None and promised.isdecimal():
        return int(promised)
    return sum(len(frame.data) for frame in reply.frames) if reply.fault is None else None


def _header(reply: Reply, wanted: str) -> str | None:
    return next((value for name, value in reply.headers if name.lower() == wanted), None)
