"""Listening while a target answers: what opens the upstream's gates, and when a client leaves on purpose."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.client import Deadlines
from conformance.sse import ServerSentEvent, SseReader
from conformance.transcript import Exchange
from fakes.expectation import Expectation
from fakes.reply import Gated

__all__ = ["GATING_DELTAS", "Interruption", "Listener"]

GATING_DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary.delta",
        "response.reasoning_summary_text.delta",
    }
)
"""The events whose text opens gates: those of the specifications, and the old names that servers still use.

Arguments are not among them: a target may rightly hold them back (parallel calls, custom tools).
"""

_STILL = 0.5  # seconds without a write after which an upstream counts as held up
_POLL = 0.002  # seconds between two looks at whether the upstream was called


@dataclass(frozen=True)
class Interruption:
    """What is done once, after so many events: `act`."""

    after: int
    act: Callable[[], None]


class Listener:
    """The hooks of one exchange's client: reports what was received, and leaves when the case says so."""

    def __init__(
        self,
        expectation: Expectation,
        leave_after: int | None,
        streams: bool,
        deadlines: Deadlines,
        stop_reading_after: int | None = None,
        interrupt: Interruption | None = None,
    ) -> None:
        self._interrupt = interrupt
        self._expectation = expectation
        self._stop_after = stop_reading_after
        # Without a stream there are no events to count: the client leaves while it waits for the answer.
        self._leave_after = leave_after if streams or leave_after is None else 0
        self._patience = deadlines.first_byte
        self._reader = SseReader()
        self._text = ""
        # A gate compares texts, so that trimmed white space does not look held back; else the length will do.
        self._tells_text = isinstance(expectation.delivery, Gated)
        self._events = 0

    def before_answer(self) -> bool:
        """False when the client is to leave before the status line, once the upstream was called."""
        if self._leave_after != 0:
            return True
        self._await_call()
        return False

    def _await_call(self) -> None:
        """Wait for the upstream to be called: one that never is cannot be seen to be left alone."""
        deadline, tick = time.monotonic() + self._patience, threading.Event()
        while not self._expectation.calls and time.monotonic() < deadline:
            tick.wait(_POLL)

    def on_read(self, data: bytes) -> bool:
        """Note a piece of the body; False when the client has seen enough."""
        events = self._reader.feed(data)
        self._events += len(events)
        heard = "".join(_deltas(events))
        if heard:
            self._text += heard
            self._expectation.client_received(self._text if self._tells_text else len(self._text))
        if self._interrupt is not None and self._events >= self._interrupt.after:
            interrupt, self._interrupt = self._interrupt, None
            self._await_call()
            interrupt.act()
        if self._stop_after is not None and self._events >= self._stop_after:
            self._await_stillness()
            return False
        if self._leave_after is None or self._events < self._leave_after:
            return True
        self._await_call()
        return False

    def _await_stillness(self) -> None:
        """Wait, reading nothing, until the upstream has written nothing for a while, or has ended."""
        deadline, tick = time.monotonic() + self._patience, threading.Event()
        written, since = -1, time.monotonic()
        while (now := time.monotonic()) < deadline:
            calls = self._expectation.calls
            if calls and all(call.ended is not None for call in calls):
                return
            total = sum(len(call.sent) for call in calls)
            if total != written:
                written, since = total, now
            elif now - since > _STILL:
                return
            tick.wait(_POLL)

    def finish(self, exchange: Exchange) -> None:
        """Spare the exchange the reading of what was read here: any partition of a stream reads the same."""
        self._reader.close()
        exchange.__dict__["stream"] = self._reader.stream  # where its cached property looks first


def _deltas(events: Iterable[ServerSentEvent]) -> Iterable[str]:
    for event in events:
        if '.delta"' not in event.data:
            continue  # most events are none: spare their parsing
        try:
            data = json.loads(event.data)
        except ValueError:
            continue
        if isinstance(data, dict) and data.get("type") in GATING_DELTAS and isinstance(data.get("delta"), str):
            yield data["delta"]
