"""Causes: which failures are one failure.

Two ways, both checked against the run itself, so that nothing is explained away:

1. A *pattern* is a known defect and the whole set of rules that it breaks, as measured on the miniatures (each
   is a right target with exactly that one defect; `miniatures.lock` holds what it fails). A pattern explains a
   group of failures when the rules that it is for fail, every rule that it breaks fails too as far as it was
   judged, and each explained rule fails in no case in which the pattern's own rules hold.
2. What is left is grouped when it fails at exactly the same places.

A rule that fits nowhere is a cause of its own. Dialects are looked at apart; where they agree, one cause names
them all. Each failing rule of a dialect stands in exactly one cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.report.document import CauseEntry, VerdictEntry

__all__ = ["Pattern", "group_causes"]

_JUDGED = ("pass", "fail", "expected-fail")


@dataclass(frozen=True)
class Pattern:
    """A known defect: what it is in words, the rules that it is for, and all rules that it breaks."""

    words: str
    roots: frozenset[str]
    breaks: frozenset[str]


def group_causes(verdicts: Iterable[VerdictEntry], patterns: Sequence[Pattern] = ()) -> list[CauseEntry]:
    """The causes of all failing verdicts, the one that explains most first."""
    by_dialect: dict[str | None, list[VerdictEntry]] = defaultdict(list)
    for verdict in verdicts:
        by_dialect[verdict["dialect"]].append(verdict)
    merged: dict[tuple[str, ...], CauseEntry] = {}
    for dialect, group in by_dialect.items():
        for cause in _causes(dialect, group, patterns):
            same = merged.setdefault(tuple(cause["rules"]), cause)
            if same is not cause:
                same["dialects"].append(dialect)
    return sorted(merged.values(), key=lambda cause: -len(cause["rules"]))


def _causes(dialect: str | None, verdicts: list[VerdictEntry], patterns: Sequence[Pattern]) -> list[CauseEntry]:
    judged = {verdict["rule"] for verdict in verdicts if verdict["outcome"] in _JUDGED}
    broken = {verdict["rule"]: _cases(verdict) for verdict in verdicts if verdict["outcome"] in _JUDGED[1:]}
    failing = {verdict["rule"]: verdict for verdict in verdicts if verdict["outcome"] == "fail"}
    causes: list[CauseEntry] = []
    left = dict(failing)
    fitting = [pattern for pattern in patterns if pattern.roots and pattern.breaks & judged <= broken.keys()]
    while True:
        explained, pattern = _best(fitting, left, broken)
        if pattern is None:
            break
        first = min(pattern.roots & explained)
        causes.append(_cause(pattern.words, dialect, first, explained))
        left = {rule: verdict for rule, verdict in left.items() if rule not in explained}
    return causes + _same_places(dialect, left)


def _best(
    patterns: Sequence[Pattern], left: dict[str, VerdictEntry], broken: dict[str, frozenset[str]]
) -> tuple[frozenset[str], Pattern | None]:
    """The pattern that explains most of what is left, at least two rules."""
    best: tuple[frozenset[str], Pattern | None] = (frozenset(), None)
    for pattern in patterns:
        if not pattern.roots <= left.keys():
            continue
        cases = frozenset().union(*(broken[rule] for rule in pattern.roots))
        explained = frozenset(rule for rule in pattern.breaks & left.keys() if broken[rule] <= cases) | pattern.roots
        if len(explained) >= 2 and len(explained) > len(best[0]):
            best = (explained, pattern)
    return best


def _same_places(dialect: str | None, left: dict[str, VerdictEntry]) -> list[CauseEntry]:
    groups: dict[frozenset[tuple[object, ...]], list[str]] = defaultdict(list)
    for rule, verdict in left.items():
        groups[_places(verdict)].append(rule)
    return [_cause(_words(left[rules[0]], len(rules)), dialect, rules[0], rules) for rules in groups.values()]


def _cause(words: str, dialect: str | None, first: str, rules: Iterable[str]) -> CauseEntry:
    return CauseEntry(cause=words, dialects=[dialect], rules=[first, *sorted(set(rules) - {first})], fix_first=first)


def _words(verdict: VerdictEntry, rules: int) -> str:
    if rules == 1:
        return verdict["requirement"]
    place = verdict["violations"][0]
    where = f"event {place['event_index']} of" if place["event_index"] is not None else "the same answer in"
    return f"{where} case {place['case']}, first of the places where all of them fail"


def _cases(verdict: VerdictEntry) -> frozenset[str]:
    return frozenset(violation["case"] for violation in verdict["violations"])


def _places(verdict: VerdictEntry) -> frozenset[tuple[object, ...]]:
    """All places of a verdict; one without an event or call is shared by unrelated rules, so the rule counts too."""
    places: set[tuple[object, ...]] = set()
    for violation in verdict["violations"]:
        spots = [(violation["drive"], violation["exchange"], violation["event_index"], violation["call"])]
        spots += [(at["drive"], at["exchange"], at["event_index"], at["call"]) for at in violation["also_at"]]
        for drive, exchange, event, call in spots:
            alone = verdict["rule"] if event is None and call is None else None
            places.add((violation["case"], drive, exchange, event, call, alone))
    return frozenset(places)
