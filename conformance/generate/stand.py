"""A stand: a target, running, with its fake upstream and a driver between, for as many drives as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from conformance.baseline import Baseline, load_baseline
from conformance.drive import Driver, DriveSettings
from conformance.errors import TargetError
from conformance.preflight import preflight
from conformance.targets import RunningTarget, Target, start_target
from conformance.targets.choice import Edit, TargetChoice, choose_target
from fakes.faults import Faults
from fakes.script import Dialect
from fakes.upstream import FakeUpstream

__all__ = ["Chosen", "Stand", "chosen_target", "open_stand"]

_FAULT_PAUSE = 0.15  # seconds before a connection breaks: a busy machine needs more than an idle one to read on


@dataclass(frozen=True)
class Chosen:
    """The target that is named, what is done to its transcripts before they are judged, its known failures."""

    target: Target
    edit: Edit | None
    baseline: Baseline


@dataclass(frozen=True)
class Stand:
    """What a search needs to try a case in one dialect."""

    chosen: Chosen
    dialect: Dialect
    driver: Driver
    running: RunningTarget

    @property
    def features(self) -> frozenset[str]:
        """What the target declares in this dialect."""
        return self.chosen.target.way(self.dialect).features


def chosen_target(choice: TargetChoice) -> Chosen:
    """The target of a choice. Raises UsageError."""
    target, edit = choose_target(choice)
    return Chosen(target, edit, Baseline() if target.baseline is None else load_baseline(target.baseline))


@contextmanager
def open_stand(chosen: Chosen, dialect: Dialect) -> Iterator[Stand]:
    """Start the fake and the target, and make the one exchange that tells whether it can be judged.

    Raises TargetError when the target does not start or cannot be judged.
    """
    target = chosen.target
    with ExitStack() as stack:
        upstream = FakeUpstream(
            dialect, host=target.fake_host, port=target.fake_port, faults=Faults(pause=_FAULT_PAUSE)
        )
        upstream.start()
        stack.callback(upstream.stop)
        running = stack.enter_context(start_target(target, dialect, upstream.url))
        driver = Driver(
            dialect,
            running.endpoint,
            upstream,
            DriveSettings(model=running.way.model, timing=running.way.timing),
        )
        found = preflight(driver)
        if found.diagnosis is not None:
            raise TargetError(str(found.diagnosis), running.log)
        yield Stand(chosen, dialect, driver, running)
