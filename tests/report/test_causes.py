"""Causes: failures that are one failure stand together, and none is hidden."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from conformance.report.causes import Pattern, group_causes
from conformance.report.document import VerdictEntry
from conformance.report.json_result import verdict_entry
from conformance.report.patterns import known_patterns
from conformance.rules import Place
from conformance.verdict import Outcome

PATTERN = Pattern(frozenset({"a.root"}), frozenset({"a.root", "b.one", "b.two"}))


@pytest.fixture
def entry(samples: Any) -> Any:
    """Makes an entry from a rule, an outcome, and (case, event) places."""

    def make(
        rule: str, outcome: Outcome, *places: tuple[str, int | None], dialect: str = "vllm", actual: str | None = None
    ) -> VerdictEntry:
        findings = [
            samples.make_finding(samples.make_transcript(case), Place("stream", 0, event), "a", actual or rule)
            for case, event in places
        ]
        made: VerdictEntry = verdict_entry(samples.make_verdict(samples.make_rule(rule), outcome, *findings))
        made["dialect"] = dialect
        return made

    return make


def _grouped(entries: list[VerdictEntry], *patterns: Pattern) -> list[list[str]]:
    return [cause["rules"] for cause in group_causes(entries, patterns)]


def test_a_pattern_groups_what_it_breaks(entry: Any) -> None:
    """The rules that a known defect breaks are one cause, worded by what its own rule saw, which comes first."""
    entries = [
        entry("b.one", Outcome.FAIL, ("c1", 3)),
        entry("a.root", Outcome.FAIL, ("c1", 1), ("c2", 1)),
        entry("b.two", Outcome.FAIL, ("c2", 2)),
        entry("c.other", Outcome.FAIL, ("c9", 2)),
    ]
    causes = group_causes(entries, [PATTERN])
    assert [cause["rules"] for cause in causes] == [["a.root", "b.one", "b.two"], ["c.other"]]
    assert causes[0]["cause"] == "a.root: expected a; got a.root (case c1)"
    assert causes[0]["fix_first"] == "a.root"


def test_a_pattern_most_of_which_holds_explains_nothing(entry: Any) -> None:
    """If more than half of the rules that the defect breaks hold, the target does not have that defect."""
    pattern = Pattern(frozenset({"a.root"}), frozenset({"a.root", "b.one", "b.two", "b.three", "b.four"}))
    holding = [entry(rule, Outcome.PASS) for rule in ("b.two", "b.three", "b.four")]
    failing = [entry("a.root", Outcome.FAIL, ("c1", 1)), entry("b.one", Outcome.FAIL, ("c1", 3))]
    assert _grouped([*failing, *holding], pattern) == [["a.root"], ["b.one"]]
    assert _grouped([*failing, *holding[:2]], pattern) == [["a.root", "b.one"]]


def test_what_had_nothing_to_judge_does_not_speak_against_a_pattern(entry: Any) -> None:
    """A rule of the pattern that was not applicable is left out of the comparison."""
    entries = [
        entry("a.root", Outcome.FAIL, ("c1", 1)),
        entry("b.one", Outcome.FAIL, ("c1", 3)),
        entry("b.two", Outcome.NOT_APPLICABLE),
    ]
    assert _grouped(entries, PATTERN) == [["a.root", "b.one"]]


def test_a_rule_that_also_fails_elsewhere_is_not_explained(entry: Any) -> None:
    """A failure in a case in which the pattern's own rule holds has another cause."""
    entries = [
        entry("a.root", Outcome.FAIL, ("c1", 1)),
        entry("b.one", Outcome.FAIL, ("c1", 3)),
        entry("b.two", Outcome.FAIL, ("c1", 3), ("c7", 3)),
    ]
    assert _grouped(entries, PATTERN) == [["a.root", "b.one"], ["b.two"]]


def test_the_pattern_that_explains_most_wins(entry: Any) -> None:
    """Of two patterns that fit, the one that explains more is taken, and the other gets what is left."""
    small = Pattern(frozenset({"b.one"}), frozenset({"b.one", "b.two"}))
    entries = [entry(rule, Outcome.FAIL, ("c1", 1)) for rule in ("a.root", "b.one", "b.two")]
    assert _grouped(entries, small, PATTERN) == [["a.root", "b.one", "b.two"]]


def test_identical_places_and_subject_are_one_cause(entry: Any) -> None:
    """Without a pattern, rules that speak of the same thing at exactly the same events stand together."""
    entries = [
        entry("a.x", Outcome.FAIL, ("c1", 3), ("c2", 4), actual="no `sequence_number`"),
        entry("a.y", Outcome.FAIL, ("c1", 3), ("c2", 4), actual="sequence_number: Field required"),
        entry("a.z", Outcome.FAIL, ("c1", 3), actual="no `sequence_number`"),
    ]
    assert _grouped(entries) == [["a.x", "a.y"], ["a.z"]]


def test_identical_places_alone_are_no_cause(entry: Any) -> None:
    """Two rules that look at the same events for different things have two causes."""
    entries = [
        entry("a.x", Outcome.FAIL, ("c1", 3), actual="the item has no status"),
        entry("a.y", Outcome.FAIL, ("c1", 3), actual="no delta for the item"),
    ]
    assert _grouped(entries) == [["a.x"], ["a.y"]]


def test_a_place_without_an_event_joins_nothing(entry: Any) -> None:
    """Two rules that miss something in the same stream have nothing else in common."""
    entries = [entry("a.x", Outcome.FAIL, ("c1", None)), entry("a.y", Outcome.FAIL, ("c1", None))]
    assert _grouped(entries) == [["a.x"], ["a.y"]]


def test_dialects_with_the_same_cause_are_told_once(entry: Any) -> None:
    """A cause that is the same in two dialects names both."""
    entries = [entry("a.x", Outcome.FAIL, ("c1", 3), dialect=dialect) for dialect in ("vllm", "messages")]
    (cause,) = group_causes(entries)
    assert cause["dialects"] == ["vllm", "messages"]


def test_each_locked_miniature_is_a_pattern() -> None:
    """What the miniatures are known to break is what failures are grouped by; each breaks what it is for."""
    lock = json.loads((files("conformance.miniatures") / "miniatures.lock").read_text(encoding="utf-8"))
    patterns = known_patterns()
    assert len(patterns) == len(lock) > 0
    for pattern in patterns:
        assert pattern.roots
        assert pattern.breaks


def test_every_failure_stands_in_exactly_one_cause(document: Any) -> None:
    """Grouping loses no failing rule and repeats none."""
    grouped = [
        (rule, dialect) for cause in document["causes"] for dialect in cause["dialects"] for rule in cause["rules"]
    ]
    failing = [(one["rule"], one["dialect"]) for one in document["verdicts"] if one["outcome"] == "fail"]
    assert sorted(grouped) == sorted(failing)


def test_what_decides_comes_first(entry: Any) -> None:
    """A rule that decides is told before any number of those that only inform."""
    told = [entry(rule, Outcome.FAIL, ("c1", 3), actual="no sequence_number") for rule in ("a.x", "a.y")]
    informing: list[Any] = [{**one, "decides": False} for one in told]
    assert _grouped([*informing, entry("b.z", Outcome.FAIL, ("c9", 2))]) == [["b.z"], ["a.x", "a.y"]]
