"""Verdicts: what a run says of each rule in each dialect, never added into one percentage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from conformance.rules import Level, Rule, Violation
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__ = ["Finding", "Outcome", "Verdict"]


class Outcome(StrEnum):
    """What became of one rule in one dialect; listed from worst to best, and the worst of its cases wins."""

    HARNESS_ERROR = "harness-error"  # the suite or a fake is wrong
    SETUP_ERROR = "setup-error"  # the target did not start, or the case could not be driven
    FAIL = "fail"
    STALE = "stale"  # the baseline expects a failure, and it passes now
    EXPECTED_FAIL = "expected-fail"  # in the baseline
    PASS = "pass"
    NOT_APPLICABLE = "not-applicable"  # nothing to judge, with the reason

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Outcome).index(self)


@dataclass(frozen=True)
class Finding:
    """One violation in one case, with the transcript that proves it. `expected_reason`: the baseline's, if any."""

    violation: Violation
    transcript: Transcript
    expected_reason: str | None = None


@dataclass
class Verdict:
    """The outcome of a rule in a dialect, over all cases.

    `dialect` is None where no upstream is known. `observed` counts what the check looked at, `cases` in how many
    cases. `reason` words every outcome but pass and fail in a sentence. `level` is the one of the run's profile.
    """

    rule: Rule
    level: Level
    dialect: Dialect | None
    outcome: Outcome
    reason: str = ""
    observed: int = 0
    cases: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the pytest item: `stream.created-first[vllm]`."""
        return f"{self.rule.id}[{self.dialect or 'any'}]"

    @property
    def decides(self) -> bool:
        """Whether a failure of it makes the target non-conformant."""
        return self.level.decides
