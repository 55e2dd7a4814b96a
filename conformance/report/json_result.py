"""The result document, made from verdicts; all other reports are made from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from conformance.judge import exit_code
from conformance.readiness import Readiness, Reason
from conformance.report.causes import Pattern, group_causes
from conformance.report.document import (
    FORMAT,
    ClientEntry,
    PlaceEntry,
    ReasonEntry,
    ResultDocument,
    SuiteEntry,
    TargetEntry,
    TroubleEntry,
    VerdictEntry,
    ViolationEntry,
)
from conformance.report.evidence import evidence_of
from conformance.report.style import clean
from conformance.rules import Place, Violation
from conformance.transcript import DRIVE_KINDS
from conformance.verdict import Finding, Outcome, Verdict

__all__ = [
    "EVIDENCE_PER_VERDICT",
    "PLACES_PER_VIOLATION",
    "build_document",
    "client_entry",
    "conformance_of",
    "verdict_entry",
    "write_json",
]

EVIDENCE_PER_VERDICT = 5
"""So many violations of a verdict carry their evidence, each from another case while there are others."""

PLACES_PER_VIOLATION = 20
"""So many further places that say the same are listed; the others are counted."""

CONFORMS = "conforms"
DOES_NOT_CONFORM = "does not conform"
PARTIAL = "partial"
NOT_JUDGED = "could not be judged"


def build_document(
    verdicts: Iterable[Verdict],
    *,
    suite: SuiteEntry,
    target: TargetEntry,
    profile: str,
    rerun: Sequence[str],
    dialects: Sequence[str],
    started: str | None = None,
    seconds: float = 0.0,
    drives: int = 0,
    trouble: Sequence[TroubleEntry] = (),
    partial: Sequence[str] = (),
    notes: Sequence[str] = (),
    patterns: Sequence[Pattern] = (),
    clients: Sequence[Readiness] = (),
) -> ResultDocument:
    """The whole result. `partial` names in sentences what a target or a selection left out of the profile.

    `notes` are further sentences for the reader; without any, the document has no such key.
    """
    judged = list(verdicts)
    entries = [verdict_entry(verdict) for verdict in judged]
    document = ResultDocument(
        format=FORMAT,
        suite=suite,
        target=target,
        profile=profile,
        rerun=list(rerun),
        dialects=list(dialects),
        started=started,
        seconds=round(seconds, 3),
        drives=drives,
        verdicts=entries,
        causes=group_causes(entries, patterns),
        clients=[client_entry(one) for one in clients],
        trouble=[_clean_trouble(one) for one in trouble],
        partial=list(partial),
        conformance=conformance_of(entries, trouble, partial),
        exit_code=int(exit_code(judged, trouble=bool(trouble))),
    )
    if notes:
        document["notes"] = [clean(note) for note in notes]
    return document


def client_entry(found: Readiness) -> ClientEntry:
    """What was found out about one client."""
    return ClientEntry(
        client=found.client.name,
        title=found.client.title,
        version=found.client.version,
        state=found.state.value,
        rules=len(found.reasons) + len(found.held) + len(found.unjudged),
        held=len(found.held),
        unjudged=sorted(found.unjudged),
        reasons=[_reason(reason) for reason in found.reasons],
    )


def _reason(reason: Reason) -> ReasonEntry:
    breach = reason.breach
    first = min((finding for verdict in reason.verdicts for finding in verdict.findings), key=_telling)
    return ReasonEntry(
        rule=breach.rule,
        effect=breach.effect.value,
        how=breach.how,
        source=breach.source,
        dialects=[verdict.dialect for verdict in reason.verdicts],
        case=first.transcript.case,
        message=_message(first.violation),
    )


def _message(violation: Violation) -> str:
    return clean(" ".join(f"expected {violation.expected}; got {violation.actual}".split()))


def _clean_trouble(trouble: TroubleEntry) -> TroubleEntry:
    return {**trouble, "message": clean(trouble["message"]), "log": clean(trouble["log"])}


def conformance_of(verdicts: Sequence[VerdictEntry], trouble: Sequence[TroubleEntry], partial: Sequence[str]) -> str:
    """The verdict on the target, in words; a failure that a baseline expects is a failure all the same."""
    outcomes = {verdict["outcome"] for verdict in verdicts}
    if _fails(verdicts, Outcome.FAIL) or _fails(verdicts, Outcome.EXPECTED_FAIL):
        return DOES_NOT_CONFORM
    if trouble or not _judged(outcomes) or outcomes & {Outcome.SETUP_ERROR, Outcome.HARNESS_ERROR}:
        return NOT_JUDGED
    return PARTIAL if partial else CONFORMS


def _judged(outcomes: set[str]) -> bool:
    return bool(outcomes & {Outcome.PASS, Outcome.FAIL, Outcome.EXPECTED_FAIL, Outcome.STALE})


def _fails(verdicts: Sequence[VerdictEntry], outcome: Outcome) -> bool:
    return any(verdict["outcome"] == outcome and verdict["decides"] for verdict in verdicts)


def verdict_entry(verdict: Verdict) -> VerdictEntry:
    """One verdict, its violations ordered from the most telling to the rest."""
    rule = verdict.rule
    return VerdictEntry(
        rule=rule.id,
        area=rule.area,
        level=verdict.level.value,
        decides=verdict.decides,
        dialect=verdict.dialect,
        outcome=verdict.outcome.value,
        reason=clean(verdict.reason),
        observed=verdict.observed,
        cases=verdict.cases,
        requirement=rule.requirement,
        why=rule.why,
        source=rule.source,
        violations=_violations(verdict.findings, rule.evidence),
    )


def _violations(findings: Sequence[Finding], side: str) -> list[ViolationEntry]:
    """Findings that say the same of the same case are one violation at several places."""
    entries: dict[tuple[str, str, str, str | None], ViolationEntry] = {}
    firsts: dict[tuple[str, str, str, str | None], Finding] = {}
    for finding in sorted(findings, key=_telling):
        violation = finding.violation
        key = (finding.transcript.case, violation.expected, violation.actual, finding.expected_reason)
        if key in entries:
            _also_at(entries[key], violation.place)
        else:
            entries[key] = _entry(finding)
            firsts[key] = finding
    for key in _shown(entries):
        entries[key]["evidence"] = evidence_of(firsts[key], side)
    ordered = list(entries.values())
    return [one for one in ordered if one["evidence"]] + [one for one in ordered if not one["evidence"]]


def _also_at(entry: ViolationEntry, place: Place) -> None:
    """Note one more place, or count it: one answer of a mebibyte in small pieces breaks a rule at 100,000 events."""
    if len(entry["also_at"]) < PLACES_PER_VIOLATION:
        entry["also_at"].append(_place(place))
    else:
        entry["more_places"] += 1


def _shown(
    entries: dict[tuple[str, str, str, str | None], ViolationEntry],
) -> list[tuple[str, str, str, str | None]]:
    """The violations that carry evidence: unexpected ones, the first of each case, then further ones."""
    seen: set[str] = set()
    ranked = []
    for at, (key, entry) in enumerate(entries.items()):
        ranked.append((entry["expected_reason"] is not None, entry["case"] in seen, at, key))
        seen.add(entry["case"])
    return [key for *_, key in sorted(ranked)[:EVIDENCE_PER_VERDICT]]


def _telling(finding: Finding) -> tuple[object, ...]:
    """The simplest proof first: unexpected, plainly driven, few requests, few events."""
    place = finding.violation.place
    drive = next((drive for drive in finding.transcript.drives if drive.kind == place.drive), None)
    exchanges = drive.exchanges if drive else []
    exchange = exchanges[place.exchange] if 0 <= place.exchange < len(exchanges) else None
    return (
        finding.expected_reason is not None,
        DRIVE_KINDS.index(place.drive),
        len(exchanges),
        len(exchange.events) if exchange else 0,
        finding.transcript.case,
        place.exchange,
        place.event if place.event is not None else -1,
        place.call if place.call is not None else -1,
    )


def _entry(finding: Finding) -> ViolationEntry:
    violation, transcript = finding.violation, finding.transcript
    place = _place(violation.place)
    return ViolationEntry(
        case=transcript.case,
        summary=transcript.summary,
        case_source=transcript.source,
        message=_message(violation),
        expected=clean(violation.expected),
        actual=clean(violation.actual),
        drive=place["drive"],
        exchange=place["exchange"],
        event_index=place["event_index"],
        call=place["call"],
        expected_reason=finding.expected_reason,
        also_at=[],
        more_places=0,
        evidence=None,
    )


def _place(place: Place) -> PlaceEntry:
    return PlaceEntry(drive=place.drive, exchange=place.exchange, event_index=place.event, call=place.call)


def write_json(document: ResultDocument, file: Path | TextIO) -> None:
    """Write the document, indented, with a line end; `file` may be an open text stream."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if isinstance(file, Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    else:
        file.write(text)
