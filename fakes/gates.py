"""Gates: the next frame waits until the client has received what the last one must cause.

What the driving client has received is one growing text: its text and reasoning deltas, joined in the order in
which they came. White space is not counted where the client reports the text itself: some targets trim it, and
a trimmed line end must not look like a delta that was held back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from fakes.log import Lag, UpstreamCall

__all__ = ["ClientProgress", "Gatekeeper", "Hold", "Outcome"]

_POLL = 0.02  # seconds between two looks at whether the target has left
_MISSES = 3  # a target that never streams costs this many graces, not one a frame
_FIRST = 8  # graces for the first gate: what a target does before its first byte is no holding back

Outcome = Literal["met", "released", "gone", "late"]
"""How a wait ended: what was waited for came, all waiting was ended, the target left, or the time was over."""


class ClientProgress:
    """How much text and reasoning the driving client has received, and whether all waiting is over."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._characters = 0
        self._solid = 0
        self._released = False

    @property
    def characters(self) -> int:
        """Characters received so far, white space included."""
        return self._characters

    @property
    def solid(self) -> int:
        """Characters other than white space received so far; 0 where only counts were reported."""
        return self._solid

    def report(self, total: str | int) -> None:
        """Note the text received so far, or how many characters of it. Never goes back."""
        characters, solid = (total, 0) if isinstance(total, int) else (len(total), _solid(total))
        with self._changed:
            self._characters = max(self._characters, characters)
            self._solid = max(self._solid, solid)
            self._changed.notify_all()

    def release(self) -> None:
        """End all waiting, now and later."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def wait(self, met: Callable[[], bool], seconds: float, is_gone: Callable[[], bool]) -> Outcome:
        """Wait until `met`, a release, the target's leaving, or for `seconds` ("late")."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                if met():
                    return "met"
                if self._released:
                    return "released"
                if is_gone():
                    return "gone"
                left = deadline - time.monotonic()
                if left <= 0:
                    return "late"
                self._changed.wait(min(left, _POLL))


class Hold:
    """Keeps back what an exchange is answered, from the first byte on, until it is opened, at most `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open = threading.Event()
        self._reached = threading.Event()
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How the first call's wait ended; None as long as none has."""
        return self._outcome

    def open(self) -> None:
        """Let the answers go, now and later."""
        self._open.set()

    def wait_reached(self, deadline: float) -> bool:
        """Wait at most `deadline` seconds until a call is being kept; whether that came true."""
        return self._reached.wait(deadline)

    def keep(self, progress: ClientProgress, is_gone: Callable[[], bool]) -> None:
        """Keep a call's answer back. Only the first is kept: one that comes when it is over has waited enough."""
        self._reached.set()
        if self._outcome is None:
            self._outcome = progress.wait(self._open.is_set, self._seconds, is_gone)


class Gatekeeper:
    """The gates of one answer. `hold` returns when the frame after the given one may go."""

    def __init__(self, call: UpstreamCall, progress: ClientProgress, grace: float) -> None:
        self._call = call
        self._progress = progress
        self._grace = grace
        self._first = True
        self._misses = 0
        self._characters = progress.characters
        self._solid = progress.solid
        self._unmet: list[tuple[int, int]] = []

    def hold(self, frame: int, gate: str, is_gone: Callable[[], bool]) -> None:
        """Wait until the client has received all up to `gate`, which frame `frame` brought; note a lag."""
        self._characters += len(gate)
        self._solid += _solid(gate)
        if not gate.strip():
            return
        self._unmet.append((self._characters, self._solid))
        if self._misses >= _MISSES:
            return
        grace, self._first = self._grace * (_FIRST if self._first else 1), False
        if self._progress.wait(self._is_met, grace, is_gone) == "late":
            self._misses += 1
            self._call.lags.append(Lag(frame + 1, len(self._unmet)))

    def _is_met(self) -> bool:
        while self._unmet and self._has(*self._unmet[0]):
            del self._unmet[0]
        return not self._unmet

    def _has(self, characters: int, solid: int) -> bool:
        progress = self._progress
        return progress.characters >= characters or (progress.solid > 0 and progress.solid >= solid)


def _solid(text: str) -> int:
    return len("".join(text.split()))
