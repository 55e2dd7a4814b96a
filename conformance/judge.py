"""Judging: transcripts in, verdicts out. No I/O, no pytest, no clock.

The outcome of a rule in a dialect is the worst of its cases':

    harness-error    its check raised: a check never may
    setup-error      no case at all could be driven
    fail             a violation in a case that the baseline does not name
    stale            the baseline names a case in which the rule was seen to hold, and that breaks it no longer
    expected-fail    violations, all of them in cases that the baseline names
    pass             at least one observation, and no violation
    not-applicable   nothing to judge, with the reason

All violations of all cases are collected, whatever the outcome: one never hides another.

Cases that could not be driven are the business of one verdict of their own, `DRIVEN` ("case.driven"): setup-error
where the target is to blame, harness-error where the suite is. Held against every rule, one such case would
turn hundreds of verdicts red and hide what the others say. A baseline may expect it like any other failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from conformance.baseline import Baseline
from conformance.errors import ExitCode
from conformance.examination import Examination, Examinations, examine
from conformance.rules import INTEGRITY, Place, Rule, Seen, Violation
from conformance.transcript import Drive, Transcript
from conformance.verdict import Finding, Outcome, Verdict
from fakes.script import Dialect

__all__ = ["CORE_FEATURES", "DRIVEN", "exit_code", "judge", "partial_for"]

CORE_FEATURES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "openai": frozenset({"reasoning", "store"}),
        "open-responses": frozenset({"reasoning", "images"}),
        "superset": frozenset({"reasoning", "images", "store"}),
        "codex": frozenset({"reasoning", "custom-tools"}),
    }
)
"""What a profile calls its core: a target that does not declare one of these conforms in part only."""


def judge(
    transcripts: Iterable[Transcript],
    rules: Iterable[Rule],
    *,
    profile: str,
    baseline: Baseline | None = None,
    features: frozenset[str] | Mapping[Dialect, frozenset[str]] | None = None,
    examined: Examinations = MappingProxyType({}),
) -> list[Verdict]:
    """One verdict a rule of the profile and dialect that was driven, in the order of the rules.

    `features` are those that the target declares, in all dialects or by dialect; None means all (a saved
    transcript, whose target is unknown). A transcript in `examined` is not examined again: what stands there was
    said by at least these rules.
    """
    by_dialect: dict[Dialect | None, list[Transcript]] = defaultdict(list)
    for transcript in transcripts:
        by_dialect[transcript.dialect].append(transcript)
    expected = baseline or Baseline()
    verdicts = [verdict for dialect, driven in by_dialect.items() for verdict in _driven(driven, dialect, expected)]
    return verdicts + [
        _verdict(rule, profile, dialect, driven, expected, _declared(features, dialect), examined)
        for rule in rules
        if profile in rule.profiles
        for dialect, driven in by_dialect.items()
        if dialect is None or dialect in rule.dialects
    ]


def exit_code(verdicts: Sequence[Verdict], *, trouble: bool = False) -> ExitCode:
    """What the process exits with. `trouble`: something beside the verdicts kept the job from being done."""
    outcomes = {verdict.outcome for verdict in verdicts}
    judged = outcomes & {Outcome.PASS, Outcome.FAIL, Outcome.EXPECTED_FAIL, Outcome.STALE}
    if trouble or not judged or outcomes & {Outcome.HARNESS_ERROR, Outcome.SETUP_ERROR}:
        return ExitCode.TROUBLE
    if any(_breaks(verdict) for verdict in verdicts):
        return ExitCode.VIOLATIONS
    return ExitCode.CONFORMS


def _breaks(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.STALE or (verdict.outcome is Outcome.FAIL and verdict.decides)


def partial_for(profile: str, features: frozenset[str]) -> tuple[str, ...]:
    """The core features of a profile that a target does not declare: with one missing it is never conforming."""
    return tuple(sorted(CORE_FEATURES.get(profile, frozenset()) - features))


@dataclass
class _Tally:
    """What a check said of all cases of one dialect."""

    observed: int = 0
    cases: set[str] = field(default_factory=set)
    violations: list[tuple[Violation, Transcript]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def _verdict(
    rule: Rule,
    profile: str,
    dialect: Dialect | None,
    transcripts: Sequence[Transcript],
    baseline: Baseline,
    features: frozenset[str] | None,
    examined: Examinations,
) -> Verdict:
    verdict = Verdict(rule, rule.level_in(profile), dialect, Outcome.NOT_APPLICABLE)
    if excuse := _excuse(rule, dialect, features):
        verdict.reason = excuse
        return verdict
    tally = _Tally()
    concerned = [transcript for transcript in transcripts if rule.concerns(profile, transcript.case)]
    for transcript in concerned:
        known = examined.get((dialect, transcript.case))
        said = examine(rule, transcript) if known is None else known.get(rule.id)
        if said is not None:
            _keep(tally, transcript, said)
    _settle(verdict, tally, concerned, baseline)
    return verdict


def _settle(verdict: Verdict, tally: _Tally, transcripts: Sequence[Transcript], baseline: Baseline) -> None:
    """Fill a verdict from what its check said."""
    verdict.observed, verdict.cases = tally.observed, len(tally.cases)
    broken = {transcript.case for _, transcript in tally.violations}
    expected = {case: baseline.reason(verdict.rule.id, case, verdict.dialect) for case in broken}
    verdict.findings = [
        Finding(violation, transcript, expected[transcript.case]) for violation, transcript in tally.violations
    ]
    candidates = [
        *((Outcome.HARNESS_ERROR, _first_of(tally.errors)) for _ in tally.errors[:1]),
        *_violated(verdict.findings),
        *_stale(verdict, transcripts, tally, baseline),
        *_observed(verdict.rule.id, tally, transcripts),
    ]
    verdict.outcome, verdict.reason = min(candidates, key=lambda candidate: candidate[0].rank)


def _driven(transcripts: Sequence[Transcript], dialect: Dialect | None, baseline: Baseline) -> Iterator[Verdict]:
    """The verdict on driving itself, where there is something to say about it."""
    problems = list(_problems(transcripts))
    if not problems and not any(baseline.of(DRIVEN.id, dialect)):
        return
    verdict = Verdict(DRIVEN, DRIVEN.level, dialect, Outcome.PASS)
    tally = _Tally()
    for transcript in transcripts:
        _keep(tally, transcript, examine(DRIVEN, transcript))
    _settle(verdict, tally, transcripts, baseline)
    if verdict.outcome is Outcome.FAIL:
        harness = [text for text, drive in problems if drive.blame == "harness"]
        verdict.outcome = Outcome.HARNESS_ERROR if harness else Outcome.SETUP_ERROR
        verdict.reason = _first_of(harness or [text for text, _ in problems])
    yield verdict


def _check_driven(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every case can be driven to its end."""
    for drive in transcript.drives:
        place = Place(drive.kind, max(0, len(drive.exchanges) - 1))
        if drive.problem is None:
            yield Seen(place)
        else:
            yield Violation(place, "the case can be driven to its end", drive.problem)


DRIVEN = Rule(
    id="case.driven",
    level=INTEGRITY,
    source="this suite: what cannot be driven cannot be judged",
    requirement="Every case can be driven to its end.",
    why="What a case would have shown stays unknown.",
    check=_check_driven,
    evidence="both",
)
"""The rule behind the verdict on driving itself. It is in no profile and no requirement set."""


def _declared(
    features: frozenset[str] | Mapping[Dialect, frozenset[str]] | None, dialect: Dialect | None
) -> frozenset[str] | None:
    if isinstance(features, Mapping):
        return None if dialect is None else features.get(dialect, frozenset())
    return features


def _excuse(rule: Rule, dialect: Dialect | None, features: frozenset[str] | None) -> str:
    """Why a rule cannot be judged at all; "" when it can."""
    if dialect is None and rule.evidence != "client":
        return "needs a fake upstream behind the target, and there is none"
    missing = sorted(rule.features - features) if features is not None else []
    if missing:
        return f"the target does not declare {' and '.join(missing)}"
    return ""


def _keep(tally: _Tally, transcript: Transcript, said: Examination) -> None:
    tally.observed += said.observed
    if said.observed:
        tally.cases.add(transcript.case)
    tally.violations += [(violation, transcript) for violation in said.violations]
    if said.error:
        tally.errors.append(said.error)


_Candidates = Iterator[tuple[Outcome, str]]


def _violated(findings: Sequence[Finding]) -> _Candidates:
    reasons = list(dict.fromkeys(finding.expected_reason for finding in findings))
    if None in reasons:
        yield Outcome.FAIL, ""
    elif reasons:
        yield Outcome.EXPECTED_FAIL, f"in the baseline: {_first_of([reason for reason in reasons if reason])}"


def _stale(verdict: Verdict, transcripts: Sequence[Transcript], tally: _Tally, baseline: Baseline) -> _Candidates:
    """Entries that name something judged which breaks the rule no longer: a glob is judged as a whole.

    A case in which the rule saw nothing has not passed: a target that hangs up at once was told more or less by then.
    """
    entries = list(baseline.of(verdict.rule.id, verdict.dialect))
    if not entries:
        return
    failing = {transcript.case for _, transcript in tally.violations}
    undriven = {transcript.case for transcript in transcripts if any(_problems([transcript]))}
    driven = {transcript.case for transcript in transcripts}
    for entry in entries:
        for pattern in entry.cases:
            named = {case for case in driven if fnmatchcase(case, pattern)}
            seen_to_hold = not named.isdisjoint(tally.cases) and named.isdisjoint(failing | undriven)
            if seen_to_hold and baseline.is_whole(pattern):
                yield Outcome.STALE, f"the baseline expects a failure in {pattern}, and it passes: take it out"


def _observed(rule: str, tally: _Tally, transcripts: Sequence[Transcript]) -> _Candidates:
    if tally.observed:
        yield Outcome.PASS, ""
        return
    missed = [one.facts["unobserved"][rule] for one in transcripts if rule in one.facts.get("unobserved", ())]
    cases = len({transcript.case for transcript in transcripts})
    problems = [text for text, _ in _problems(transcripts)]
    if problems and not any(drive.problem is None for one in transcripts for drive in one.drives):
        yield Outcome.SETUP_ERROR, f"no case could be driven: {_first_of(problems)}"
    elif missed:
        yield Outcome.NOT_APPLICABLE, f"not observed: {_first_of(missed)}"
    else:
        also = f"; {len(problems)} drives could not be made" if problems else ""
        yield Outcome.NOT_APPLICABLE, f"nothing to judge: not seen in {cases} case{'s' * (cases != 1)}{also}"


def _problems(transcripts: Iterable[Transcript]) -> Iterator[tuple[str, Drive]]:
    for transcript in transcripts:
        for drive in transcript.drives:
            if drive.problem:
                yield f"{transcript.case} ({drive.kind}): {drive.problem}", drive


def _first_of(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{texts[0]} (and {len(texts) - 1} more)"
