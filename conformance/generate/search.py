"""Searching: generated cases are driven and judged until the time is over; what breaks a rule is shrunk.

A round ends with a counterexample or with nothing. It pursues one rule only, the first that fails, so that shrinking
does not slip from one fault to another; all rules that the shrunk case breaks are then left alone, and the next
round looks for something else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from conformance.cases.case import Case
from conformance.cases.files import case_document
from conformance.drive import Driver
from conformance.errors import TargetError
from conformance.generate.conversations import MOST_TURNS, conversation_machine
from conformance.generate.pruning import pruned
from conformance.generate.stand import Stand
from conformance.generate.turns import single_turn
from conformance.judge import judge
from conformance.rules import Rule
from conformance.transcript import DRIVE_KINDS, DriveKind, Transcript
from conformance.verdict import Outcome, Verdict

__all__ = ["KINDS", "SHRINK_SECONDS", "Budget", "Counterexample", "Kind", "Search"]

Kind = Literal["turns", "conversations"]
KINDS: tuple[Kind, ...] = ("turns", "conversations")

SHRINK_SECONDS = 20.0
"""So long a counterexample is shrunk, even when the budget is over."""

_TRIES = 3
_ROUND = 500  # examples of a round: then hypothesis begins anew, with another seed


@dataclass
class Budget:
    """Time to spend, in seconds, by a clock."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def spent(self) -> float:
        """How much is spent."""
        return self.clock() - self._began

    @property
    def over(self) -> bool:
        """Whether all of it is spent."""
        return self.spent >= self.seconds


@dataclass(frozen=True)
class Counterexample:
    """A case that breaks a rule, as small as the time allowed.

    `verdict` is the rule's on it, `also` the other deciding rules that it breaks. `seed` led to it. `steady` is
    False when the case, driven once more, broke the rule no longer.
    """

    case: Case
    verdict: Verdict
    also: tuple[str, ...]
    kind: Kind
    seed: int
    steady: bool


class _BrokenError(Exception):
    """Raised inside hypothesis for a case that breaks the pursued rule."""


class _OverError(BaseException):
    """Raised inside hypothesis when the time is over: no Exception, or it would be taken for a finding."""


@dataclass(frozen=True)
class Pursuit:
    """What shrinking looks for: the rule, and the drives in which it is broken."""

    rule: Rule
    drives: frozenset[DriveKind]


@dataclass
class Search:
    """A search in one stand. `ignored` are rules that are left alone: known failures, and what is found."""

    stand: Stand
    rules: Sequence[Rule]
    profile: str
    ignored: set[str] = field(default_factory=set)
    shrink_seconds: float = SHRINK_SECONDS
    examples: int = 0

    def find(self, kind: Kind, budget: Budget, first_seed: int) -> Iterator[Counterexample]:
        """The counterexamples of one kind, as they are found. Raises TargetError when the target is gone."""
        number = first_seed
        while not budget.over:
            found = _Round(self, kind, number, budget).run()
            if found is not None:
                self.ignored |= {found.verdict.rule.id, *found.also}
                yield found
            number += 1

    def failing(self, driver: Driver, case: Case, only: Pursuit | None = None) -> list[Verdict]:
        """The verdicts of the deciding rules that a case breaks; those left alone are left out.

        `only` judges one rule on some drives: when it is known what to look for, the rest is a waste of time.
        """
        transcript = driver.drive(case, DRIVE_KINDS if only is None else only.drives)
        if self.stand.chosen.edit is not None:
            transcript = self.stand.chosen.edit(transcript)
        self.examples += 1
        self._still_there(case, transcript)
        rules = self.rules if only is None else (only.rule,)
        return [verdict for verdict in self._verdicts(transcript, rules) if verdict.rule.id not in self.ignored]

    def _still_there(self, case: Case, transcript: Transcript) -> None:
        gone = next((drive.problem for drive in transcript.drives if drive.blame == "target"), None)
        status = self.stand.running.exit_status
        if status is not None:
            gone = f"it exited with status {status}"
        if gone is not None:
            document = json.dumps(case_document(case))
            raise TargetError(f"lost while a generated case was driven: {gone}; {document}", self.stand.running.log)

    def driver(self) -> Driver:
        """A driver of its own, which forgets what others drove."""
        own = self.stand.driver
        return Driver(own.dialect, own.endpoint, own.upstream, own.settings)

    def _verdicts(self, transcript: Transcript, rules: Sequence[Rule]) -> Iterator[Verdict]:
        features = {self.stand.dialect: self.stand.features}
        for verdict in judge([transcript], rules, profile=self.profile, features=features):
            if verdict.outcome is Outcome.HARNESS_ERROR or (verdict.outcome is Outcome.FAIL and verdict.decides):
                yield verdict


@dataclass
class _Round:
    """One run of hypothesis."""

    search: Search
    kind: Kind
    seed: int
    budget: Budget
    pursued: Pursuit | None = None
    found_at: float = 0.0
    best: Case | None = None

    def run(self) -> Counterexample | None:
        self.driver = self.search.driver()
        try:
            self._hypothesis()
        except (_BrokenError, _OverError, HypothesisException):
            pass  # what was found is in `best`; hypothesis' own complaint is that it was not found again
        except BaseExceptionGroup as group:
            if group.split((_BrokenError, HypothesisException))[1] is not None:
                raise
        return None if self.best is None else self._told(self.best)

    def _hypothesis(self) -> None:
        dialect, options = self.search.stand.dialect, _settings()
        if self.kind == "turns":
            seed(self.seed)(options(given(single_turn(dialect))(self._attempt)))()
            return
        machine = conversation_machine(dialect, self._attempt, store="store" in self.search.stand.features)
        run_state_machine_as_test(seed(self.seed)(machine), settings=options)

    def _attempt(self, case: Case) -> None:
        if self._over():
            raise _OverError
        failing = self.search.failing(self.driver, case, self.pursued)
        named = next((one for one in failing if self.pursued is None or one.rule is self.pursued.rule), None)
        if named is None:
            return
        if self.pursued is None:
            self.found_at = self.budget.spent
            self.pursued = self._narrowed(case, named)
        if self.best is None or _size(case) <= _size(self.best):
            self.best = case
        raise _BrokenError(named.rule.id)

    def _narrowed(self, case: Case, named: Verdict) -> Pursuit:
        """The pursuit of a rule, in the drives in which it was broken if these suffice to see it."""
        seen = frozenset(finding.violation.place.drive for finding in named.findings)
        pursuit = Pursuit(named.rule, seen or case.drives)
        again = self.search.failing(self.driver, case, pursuit)
        return pursuit if any(one.rule is named.rule for one in again) else Pursuit(named.rule, case.drives)

    def _breaks(self, case: Case) -> bool:
        """Whether a case breaks the pursued rule."""
        return bool(self.search.failing(self.driver, case, self.pursued))

    def _over(self) -> bool:
        if self.pursued is None:
            return self.budget.over
        return self.budget.spent - self.found_at >= self.search.shrink_seconds

    def _told(self, best: Case) -> Counterexample:
        """The counterexample without the turns that it does not need, judged by one more drive."""
        assert self.pursued is not None
        rule, dialect = self.pursued.rule, self.search.stand.dialect
        case = replace(pruned(best, self._breaks), id=f"found.{rule.id}")
        for _ in range(_TRIES):
            verdicts = self.search.failing(self.driver, case)
            own = next((one for one in verdicts if one.rule is rule), None)
            if own is not None:
                also = tuple(one.rule.id for one in verdicts if one is not own)
                return Counterexample(case, own, also, self.kind, self.seed, steady=True)
        lost = Verdict(rule, rule.level_in(self.search.profile), dialect, Outcome.FAIL)
        lost.reason = f"it broke the rule when it was found, and not when it was driven {_TRIES} times more"
        return Counterexample(case, lost, (), self.kind, self.seed, steady=False)


def _settings() -> settings:
    return settings(
        max_examples=_ROUND,
        stateful_step_count=MOST_TURNS + 1,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def _size(case: Case) -> int:
    return len(json.dumps(case_document(case), ensure_ascii=False))
