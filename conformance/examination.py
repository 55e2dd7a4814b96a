"""Examining: what a check says of one transcript, here or in a second process while other cases are driven.

Driving waits for the target most of the time and holds one core; examining needs no target. So each transcript is
handed to a process of its own as soon as it is whole, and judging finds the examinations ready. Where no such
process can be had (a platform without fork, a parent with threads, a machine of one core), nothing changes but the
time: `judge` examines what it finds not examined.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import TypeAlias

from conformance.rules import REGISTRY, Rule, Seen, Violation
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__ = ["Examination", "Examinations", "Examiner", "examine", "examine_all"]


@dataclass(frozen=True)
class Examination:
    """What one check said of one transcript: how often it looked at something, what it found, how it broke."""

    observed: int = 0
    violations: tuple[Violation, ...] = ()
    error: str = ""


_NOTHING = Examination()
"""What most checks say of most transcripts."""

Examinations: TypeAlias = Mapping[tuple[Dialect | None, str], Mapping[str, Examination]]
"""By dialect and case: the examinations by rule, without those of checks that had nothing to say."""


def examine(rule: Rule, transcript: Transcript) -> Examination:
    """Run a check over one transcript, and keep all it says up to a possible exception. Never raises."""
    observed, violations = 0, list[Violation]()
    try:
        for said in rule.check(transcript):
            observed += 1
            if isinstance(said, Violation):
                violations.append(said)
            elif not isinstance(said, Seen):
                raise TypeError(f"a check yields Seen and Violation only, and this one yielded {said!r}")
    except Exception as error:  # noqa: BLE001 - a broken check must be told apart from a broken target
        place = traceback.extract_tb(error.__traceback__)[-1]
        broken = (
            f"the check of {rule.id} raised on case {transcript.case}: {type(error).__name__}: {error} "
            f"({place.filename}:{place.lineno}); this is a fault of the suite, please report it"
        )
        return Examination(observed, tuple(violations), broken)
    return Examination(observed, tuple(violations)) if observed else _NOTHING


def examine_all(rules: Iterable[Rule], transcript: Transcript) -> dict[str, Examination]:
    """What the checks of its dialect say of a transcript, by rule; only those that said something."""
    found = {rule.id: examine(rule, transcript) for rule in rules if transcript.dialect in rule.dialects}
    return {rule_id: one for rule_id, one in found.items() if one is not _NOTHING}


_Told: TypeAlias = dict[str, "int | Examination"]
_RULES: list[Rule] = []


def _begin(rule_ids: Iterable[str]) -> None:
    _RULES[:] = [REGISTRY[rule_id] for rule_id in rule_ids]


def _examine(transcript: Transcript) -> _Told:
    """What crosses between the processes: of checks that found nothing wrong, nearly all, only the count."""
    found = examine_all(_RULES, transcript)
    return {rule_id: one.observed if one == Examination(one.observed) else one for rule_id, one in found.items()}


@cache
def _right(observed: int) -> Examination:
    return Examination(observed)


class Examiner:
    """A process that examines whole transcripts by the given rules. Use it as a context manager.

    Make it before any thread is started: it is forked. `available` says whether one can be had here.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._pool = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_begin,
            initargs=([rule.id for rule in rules],),
        )
        self._pool.submit(os.getpid).result()  # the process is there before the first thread is
        self._pending: dict[tuple[Dialect | None, str], Future[_Told]] = {}

    @staticmethod
    def available() -> bool:
        """Whether a process can be forked here, and has a core to run on."""
        return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1

    def submit(self, transcript: Transcript) -> None:
        """Have a transcript examined. Safe from any thread; a dead process is found out by `examinations`."""
        try:
            self._pending[transcript.dialect, transcript.case] = self._pool.submit(_examine, transcript)
        except (BrokenProcessPool, RuntimeError):
            return

    def examinations(self) -> Examinations:
        """All that was examined, once it is done; what the process did not live to examine is missing."""
        told = {key: future.result() for key, future in self._pending.items() if future.exception() is None}
        return {
            key: {rule_id: _right(one) if isinstance(one, int) else one for rule_id, one in said.items()}
            for key, said in told.items()
        }

    def __enter__(self) -> Examiner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
