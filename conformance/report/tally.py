"""Counts over a result document. Outcomes are counted apart and never added into one percentage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from conformance.report.document import ResultDocument, VerdictEntry, ViolationEntry
from conformance.report.style import plural
from conformance.verdict import Outcome

__all__ = ["LEVELS", "OUTCOMES", "Row", "count_outcomes", "count_places", "headline", "rows_by_area"]

OUTCOMES: tuple[str, ...] = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.STALE,
    Outcome.EXPECTED_FAIL,
    Outcome.NOT_APPLICABLE,
    Outcome.SETUP_ERROR,
    Outcome.HARNESS_ERROR,
)
"""The order in which reports count outcomes."""

LEVELS: tuple[str, ...] = ("must", "integrity", "should", "recommended")
"""The levels, from the heaviest."""

Row = tuple[str, str, Counter[str]]
"""Area, level, and how many verdicts have which outcome."""


def count_outcomes(verdicts: Iterable[VerdictEntry]) -> Counter[str]:
    """How many verdicts have which outcome."""
    return Counter(verdict["outcome"] for verdict in verdicts)


def count_places(violation: ViolationEntry) -> int:
    """At how many places of its case a violation was found."""
    return 1 + len(violation["also_at"]) + violation["more_places"]


def rows_by_area(verdicts: Iterable[VerdictEntry]) -> list[Row]:
    """One row an area and level, areas by name, levels from the heaviest."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault((verdict["area"], verdict["level"]), Counter())[verdict["outcome"]] += 1
    ordered = sorted(counts, key=lambda key: (key[0], LEVELS.index(key[1])))
    return [(area, level, counts[area, level]) for area, level in ordered]


def headline(document: ResultDocument) -> str:
    """The verdict on the target in one sentence, with what decides it."""
    target = document["target"]
    name = " ".join(filter(None, (target["name"], target["version"])))
    profile = f"the {document['profile']} profile"
    verdicts = document["verdicts"]
    match document["conformance"]:
        case "conforms":
            return f"{name} conforms to {profile}: every rule that decides and could be judged holds"
        case "partial":
            return f"{name} conforms to a part of {profile} (partial): {'; '.join(document['partial'])}"
        case "does not conform":
            return f"{name} does not conform to {profile}: {_broken(verdicts)}"
    return f"{name} could not be judged by {profile}: {_hindrance(document)}"


def _broken(verdicts: list[VerdictEntry]) -> str:
    deciding = [verdict for verdict in verdicts if verdict["decides"]]
    new = {verdict["rule"] for verdict in deciding if verdict["outcome"] == Outcome.FAIL}
    known = {verdict["rule"] for verdict in deciding if verdict["outcome"] == Outcome.EXPECTED_FAIL} - new
    parts = []
    if new:
        parts.append(f"{plural(len(new), 'rule')} that decide{'s' if len(new) == 1 else ''} fail{_s(new)}")
    if known:
        parts.append(f"{plural(len(known), 'rule')} fail{_s(known)} as its baseline expects")
    return ", ".join(parts)


def _s(rules: set[str]) -> str:
    return "s" if len(rules) == 1 else ""


def _hindrance(document: ResultDocument) -> str:
    if document["trouble"]:
        return document["trouble"][0]["message"].partition("\n")[0]
    counts = count_outcomes(document["verdicts"])
    errors = [plural(counts[kind], kind) for kind in (Outcome.SETUP_ERROR, Outcome.HARNESS_ERROR) if counts[kind]]
    return " and ".join(errors) if errors else "nothing was judged: no selected rule found anything to look at"
