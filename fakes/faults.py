"""Faults: how an answer goes wrong after its last frame. Data, never chance."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fakes.gates import ClientProgress
from fakes.reply import Fault
from fakes.wire import ClientGoneError, Wire

__all__ = ["Faults"]

Ending = Literal["cut", "reset", "stalled", "client-gone"]


@dataclass(frozen=True)
class Faults:
    """The faults, with their times in seconds.

    `pause` stands between the last data and the end of the connection: targets lose data that arrives together
    with it, and that is another fault (`cut-at-once`). `stall_limit` ends a stall that nobody else ends.
    """

    pause: float = 0.05
    stall_limit: float = 30.0

    def happen(self, fault: Fault, wire: Wire, progress: ClientProgress) -> Ending:
        """Do it; return how the answer then ended. All that was to be sent before has been sent."""
        return _FAULTS[fault](self, wire, progress)

    def _cut(self, wire: Wire, progress: ClientProgress) -> Ending:
        """Close without the end that HTTP demands: no terminal chunk, fewer bytes than promised."""
        time.sleep(self.pause)
        wire.close()
        return "cut"

    def _cut_at_once(self, wire: Wire, progress: ClientProgress) -> Ending:
        """The same, with nothing between the last data and the end."""
        wire.close()
        return "cut"

    def _reset(self, wire: Wire, progress: ClientProgress) -> Ending:
        time.sleep(self.pause)
        wire.reset()
        return "reset"

    def _reset_at_once(self, wire: Wire, progress: ClientProgress) -> Ending:
        wire.reset()
        return "reset"

    def _stall(self, wire: Wire, progress: ClientProgress) -> Ending:
        """Send nothing and keep the connection, until the target leaves, a release, or the limit."""
        how = progress.wait(lambda: False, self.stall_limit, wire.is_gone)
        wire.close()
        if how == "gone":
            raise ClientGoneError
        return "stalled"


_FAULTS: Mapping[Fault, Callable[[Faults, Wire, ClientProgress], Ending]] = {
    "cut": Faults._cut,
    "cut-at-once": Faults._cut_at_once,
    "reset": Faults._reset,
    "reset-before-status": Faults._reset_at_once,
    "stall": Faults._stall,
}
