"""Causes: which failures are one failure.

Two ways, both checked against the run itself, so that nothing is explained away:

1. A *pattern* is a defect and the whole set of rules that it breaks, as measured on the miniatures (each is a
   right target with exactly that one defect; `miniatures.lock` holds what it fails). A pattern explains a group
   of failures when the rules that it is for fail, at least half of what it breaks fails as far as it was judged,
   and each explained rule fails in no case in which the pattern's own rules hold. The cause is worded by what was
   seen of the rule that the pattern is for, not by the miniature: two defects may break the same rules.
2. What is left is grouped when it fails at exactly the same places and speaks of the same thing (`sequence_number`
   is absent, by a rule and by a schema): many unrelated rules look at the same events.

A rule that fits nowhere is a cause of its own. Dialects are looked at apart; where they agree, one cause names
them all. Each failing rule of a dialect stands in exactly one cause.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from conformance.report.document import CauseEntry, VerdictEntry

__all__ = ["Pattern", "group_causes"]

_JUDGED = ("pass", "fail", "expected-fail")


@dataclass(frozen=True)
class Pattern:
    """A known defect: the rules that it is for, and all rules that it breaks."""

    roots: frozenset[str]
    breaks: frozenset[str]


def group_causes(verdicts: Iterable[VerdictEntry], patterns: Sequence[Pattern] = ()) -> list[CauseEntry]:
    """The causes of all failing verdicts: those by which a rule that decides fails, then the others, greatest first."""
    by_dialect: dict[str | None, list[VerdictEntry]] = defaultdict(list)
    for verdict in verdicts:
        by_dialect[verdict["dialect"]].append(verdict)
    merged: dict[tuple[str, ...], CauseEntry] = {}
    for dialect, group in by_dialect.items():
        for cause in _causes(dialect, group, patterns):
            same = merged.setdefault(tuple(cause["rules"]), cause)
            if same is not cause:
                same["dialects"].append(dialect)
    deciding = {verdict["rule"] for group in by_dialect.values() for verdict in group if verdict["decides"]}
    return sorted(merged.values(), key=lambda cause: (deciding.isdisjoint(cause["rules"]), -len(cause["rules"])))


def _causes(dialect: str | None, verdicts: list[VerdictEntry], patterns: Sequence[Pattern]) -> list[CauseEntry]:
    judged = {verdict["rule"] for verdict in verdicts if verdict["outcome"] in _JUDGED}
    broken = {verdict["rule"]: _cases(verdict) for verdict in verdicts if verdict["outcome"] in _JUDGED[1:]}
    failing = {verdict["rule"]: verdict for verdict in verdicts if verdict["outcome"] == "fail"}
    causes: list[CauseEntry] = []
    left = dict(failing)
    fitting = [pattern for pattern in patterns if pattern.roots and _fits(pattern, judged, broken.keys())]
    while True:
        explained, pattern = _best(fitting, left, broken)
        if pattern is None:
            break
        first = min(pattern.roots & explained)
        causes.append(_cause(left[first], dialect, explained))
        left = {rule: verdict for rule, verdict in left.items() if rule not in explained}
    return causes + _same_places(dialect, left)


def _fits(pattern: Pattern, judged: Set[str], broken: Set[str]) -> bool:
    expected = pattern.breaks & judged
    return pattern.roots <= broken and 2 * len(expected & broken) >= len(expected)


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
    return [_cause(left[rules[0]], dialect, rules) for group in groups.values() for rules in _related(group, left)]


def _related(rules: Sequence[str], verdicts: Mapping[str, VerdictEntry]) -> list[list[str]]:
    """Rules that share a subject with another of the group, together; the first rule of each names its cause."""
    related: list[tuple[list[str], set[str]]] = []
    for rule in rules:
        subjects = _subjects(verdicts[rule])
        sharing = [entry for entry in related if entry[1] & subjects]
        related = [entry for entry in related if entry not in sharing]
        members = [member for entry in sharing for member in entry[0]]
        related.append(([*members, rule], subjects.union(*(entry[1] for entry in sharing))))
    return [members for members, _ in related]


_WORD = re.compile(r"[a-z]+(?:[-_][a-z]+)*")

_GENERAL_WORDS = """
a all an and any array as at before both but by done empty event events expected first for found from got has in
input integer is it item items its last list missing no none not nothing null number object of on one or other output
part parts required response same should started string text than that the there this to two type upstream valid value
was what where which with without completed failed incomplete in_progress stream streamed message reasoning refusal
function_call custom_tool_call tool_search_call field keys key
"""
_GENERAL = frozenset(_GENERAL_WORDS.split())
"""Words that rules about anything use: to share one of them is no relation."""


def _subjects(verdict: VerdictEntry) -> set[str]:
    """What a verdict speaks of: the words of its first violation that are not of the general sort."""
    return set(_WORD.findall(verdict["violations"][0]["message"].lower())) - _GENERAL


def _cause(first: VerdictEntry, dialect: str | None, rules: Iterable[str]) -> CauseEntry:
    """The cause that shows in `first`: one rule is told by its requirement, several by what was seen of the first."""
    others = sorted(set(rules) - {first["rule"]})
    violation = first["violations"][0]
    seen = f"{first['rule']}: {violation['message']} (case {violation['case']})"
    return CauseEntry(
        cause=seen if others else first["requirement"],
        dialects=[dialect],
        rules=[first["rule"], *others],
        fix_first=first["rule"],
    )


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
