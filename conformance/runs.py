"""A run from outside: what it is asked for, what it found, who is told of its progress.

RunOptions -> the rules and cases that they select -> RunResult, scored by a frozen set if one was asked for
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Protocol

from conformance.cases import Case, all_cases
from conformance.cases.files import load_case
from conformance.errors import ExitCode, UsageError
from conformance.judge import exit_code
from conformance.preflight import Preflight
from conformance.readiness import Readiness
from conformance.rules import REGISTRY, Level, Rule
from conformance.targets import Target
from conformance.targets.choice import TargetChoice
from conformance.transcript import Transcript
from conformance.verdict import Verdict
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = [
    "DEFAULT_PROFILE",
    "Progress",
    "Quiet",
    "RunOptions",
    "RunResult",
    "Trouble",
    "cases_to_choose_from",
    "is_selected",
    "scored",
    "select_rules",
]

DEFAULT_PROFILE = "openai"

_WORKERS = 8


class Progress(Protocol):
    """Is told how a run goes."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """`done` of `total` drives are over; `what` was driven last."""

    def say(self, text: str) -> None:
        """A line of its own."""


class Quiet:
    """Tells nobody."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(TargetChoice):
    """What to run. `TargetChoice` says which target; empty selections mean all.

    `profile` None is the target's own, else `DEFAULT_PROFILE`. `requirements` names a frozen set: rules added
    after it are judged and do not decide. `baseline` None is the target's own, if it has one. `transcripts` is a folder
    that gets them. `workers` bounds the cases driven at once. `case_files` hold cases of their own: without `cases`
    only these are driven. `max_requests` bounds those of a run at a live endpoint (`live_url`),
    and `patience` (seconds) each wait in it.
    """

    profile: str | None = None
    rules: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    case_files: tuple[Path, ...] = ()
    requirements: str | None = None
    strict_upstream: bool = False
    thorough: bool = False
    baseline: Path | None = None
    use_baseline: bool = True
    transcripts: Path | None = None
    workers: int = _WORKERS
    max_requests: int | None = None
    patience: int | None = None


@dataclass(frozen=True)
class Trouble:
    """Something beside the verdicts that kept the job from being done. `log`: the end of the target's output."""

    blame: Literal["target", "harness"]
    message: str
    log: str = ""
    dialect: Dialect | None = None


@dataclass
class RunResult:
    """What a run found. Times are in seconds; `phases` says where they went.

    `dialects` are those asked for, `logs` the ends of the targets' outputs. `partial` says in sentences what the
    target leaves out of the profile's core. `clients` says for which clients the target is ready. `notes` are further
    sentences for the reader. `strays` are upstream calls that belong to no case.
    """

    target: Target
    profile: str
    dialects: tuple[Dialect, ...]
    features: frozenset[str]
    started: str
    command: str | None = None
    preflights: dict[Dialect, Preflight] = field(default_factory=dict)
    transcripts: list[Transcript] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    clients: list[Readiness] = field(default_factory=list)
    trouble: list[Trouble] = field(default_factory=list)
    partial: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    strays: dict[Dialect, tuple[UpstreamCall, ...]] = field(default_factory=dict)
    logs: dict[Dialect, str] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def drives(self) -> int:
        """How many drives were made."""
        return sum(len(transcript.drives) for transcript in self.transcripts)

    @property
    def exit_code(self) -> ExitCode:
        """What the process exits with."""
        return exit_code(self.verdicts, trouble=bool(self.trouble))


def select_rules(profile: str, patterns: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules of a profile whose id matches one of the globs (all, when there are none).

    Raises UsageError when none does.
    """
    import conformance.checks  # noqa: F401 - registers them

    rules = tuple(rule for rule in REGISTRY.values() if profile in rule.profiles and is_selected(rule.id, patterns))
    if not rules:
        raise UsageError(f"no rule of the profile {profile} matches {', '.join(patterns)}; see `list`")
    return rules


def cases_to_choose_from(options: RunOptions) -> tuple[Case, ...]:
    """The cases of files, and the suite's own unless only files were named.

    Raises UsageError for a file that holds no case, and for two cases of one id.
    """
    given = tuple(load_case(file) for file in options.case_files)
    known = given if given and not options.cases else (*given, *all_cases())
    counts = Counter(case.id for case in known)
    twice = sorted(case.id for case in given if counts[case.id] > 1)
    if twice:
        raise UsageError(f"more than one case has the id {twice[0]}: give each file an id of its own")
    return known


def is_selected(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the globs matches a rule's or a case's name, or there are none: that selects all."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def scored(verdicts: Sequence[Verdict], requirements: str) -> list[Verdict]:
    """The verdicts by a frozen set: rules added after it do not decide."""
    from conformance.requirements import load

    frozen = load(requirements)
    return [
        verdict
        if verdict.rule.id in frozen or verdict.rule.id not in REGISTRY
        else replace(verdict, level=Level.RECOMMENDED, reason=_added_after(verdict, frozen.name))
        for verdict in verdicts
    ]


def _added_after(verdict: Verdict, name: str) -> str:
    return "; ".join(filter(None, [f"added after {name}: does not count", verdict.reason]))
