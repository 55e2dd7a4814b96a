from __future__ import annotations

import re
from collections import Counter

import pytest

import conformance.checks as checks
from conformance.bugs_page import bugs_page
from conformance.cases import all_cases
from conformance.cases import get as case_named
from conformance.errors import HarnessError
from conformance.miniatures import all_miniatures
from conformance.miniatures.bug_samples import caught, right_of_bug
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.requirements.bugs import AREAS, Bug, all_bugs, parse_bug
from conformance.rules import REGISTRY, Seen, Violation

BUGS = all_bugs()
JUDGED = [bug for bug in BUGS if bug.not_judged is None]
OUT_OF_REACH = {
    "RS-05": "its upstream speaks Responses",
    "PF-04": "it is a matter of time",
}
"""The bugs of the two upper severities that no case judges."""

_CHECKS = (checks.keeping_alive, checks.narrow_upstreams, checks.odd_items)
_OWN_RULES = [rule for rule in REGISTRY.values() if rule.check.__module__ in {module.__name__ for module in _CHECKS}]
_GOOD = {"id": "XX-01", "symptom": "It breaks.", "threads": ["a/b#1"], "severity": "S1", "not_judged": "Why."}


def _named(bug: Bug) -> str:
    return bug.id


def test_ids_are_unique_and_every_table_is_read() -> None:
    """No two bugs share an id, and no table is empty."""
    assert [name for name, count in Counter(bug.id for bug in BUGS).items() if count > 1] == []
    assert {bug.area for bug in BUGS} == set(AREAS)


def test_what_a_bug_names_exists() -> None:
    """Every case, rule and miniature that a bug names is there."""
    cases, wrongs = {case.id for case in all_cases()}, {wrong.name for wrong in all_miniatures()}
    lost = [(bug.id, name) for bug in JUDGED for name in bug.cases if name not in cases]
    lost += [(bug.id, name) for bug in JUDGED for name in bug.caught_by if name not in REGISTRY]
    lost += [(bug.id, bug.miniature or "") for bug in JUDGED if bug.miniature not in wrongs]
    assert lost == []


def test_serious_bugs_are_judged() -> None:
    """Every bug by which turns fail or degrade has a case, rules and a miniature; the exceptions are few and named."""
    assert {bug.id for bug in BUGS if bug.not_judged and bug.severity != "S3"} == set(OUT_OF_REACH)


@pytest.mark.parametrize("bug", JUDGED, ids=_named)
def test_the_miniature_is_caught_in_the_bugs_own_cases(bug: Bug) -> None:
    """In every dialect that the bug concerns its miniature breaks a rule of the bug, and each of those rules breaks."""
    found = caught(bug)
    assert [dialect for dialect, rules in found.items() if not rules] == []
    assert set(bug.caught_by) - set().union(*found.values()) == set()


@pytest.mark.parametrize("bug", JUDGED, ids=_named)
def test_a_case_of_the_bug_cites_its_thread(bug: Bug) -> None:
    """At least one of the bug's threads is the source of one of its cases."""
    threads = [thread for thread in bug.threads if "#" in thread]
    sources = " ".join(case_named(name).source for name in bug.cases).replace(" PR#", "#")
    cited = [thread for thread in threads if re.search(rf"{re.escape(thread)}(?!\d)", sources)]
    assert cited or not threads


def test_right_targets_keep_the_rules_of_narrow_upstreams() -> None:
    """No right target breaks these rules in the cases of any bug, and each of the rules has something to judge."""
    seen: Counter[str] = Counter()
    broken = []
    for name in sorted({name for bug in JUDGED for name in bug.cases}):
        case = case_named(name)
        for target in RIGHT_TARGETS.values():
            right = right_case(case, case.dialects[-1], target)
            for rule in _OWN_RULES:
                said = list(rule.check(right)) if right.dialect in rule.dialects else []
                broken += [(name, rule.id, one.actual) for one in said if isinstance(one, Violation)]
                seen[rule.id] += sum(isinstance(one, Seen) for one in said)
    assert broken == []
    elsewhere = {"delivery.kept-alive", "upstream.limit-field"}  # silences are real ones; chat is no last dialect
    assert {rule.id for rule in _OWN_RULES if not seen[rule.id]} <= elsewhere


def test_every_right_transcript_of_a_bug_is_whole() -> None:
    """The cases of each bug can be driven through a right target in a dialect that the bug concerns."""
    assert [bug.id for bug in JUDGED if next(right_of_bug(bug), None) is None] == []


def test_the_page_shows_every_bug() -> None:
    """The generated page has each bug, with links to its threads and rules."""
    page = bugs_page("<!-- generated -->")
    assert [bug.id for bug in BUGS if f"{bug.id} " not in page] == []
    assert "](https://github.com/vllm-project/vllm/issues/13078)" in page
    assert "](rules/content.md#contenttext-equals-upstream)" in page


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "bug one"}, "an id is"),
        ({"symptom": "It breaks"}, "full stop"),
        ({"threads": ["somewhere"]}, "threads are"),
        ({"threads": []}, "threads are"),
        ({"severity": "S4"}, "severity is"),
        ({"upstream": ["responses"]}, "upstream lists"),
        ({"cases": ["text.plain"]}, "it has either"),
        ({"not_judged": ""}, "it has either"),
        ({"colour": "red"}, "unknown keys colour"),
    ],
)
def test_a_malformed_bug_is_refused(change: dict[str, object], problem: str) -> None:
    """A bug that breaks the form of the tables is refused, with its table, its id and the reason."""
    assert parse_bug("streams", _GOOD).id == "XX-01"
    with pytest.raises(HarnessError, match=f"bugs/streams.toml: .*{problem}"):
        parse_bug("streams", _GOOD | change)


def test_a_bug_without_an_id_is_refused() -> None:
    """What is missing is named."""
    with pytest.raises(HarnessError, match="it has no id"):
        parse_bug("streams", {key: value for key, value in _GOOD.items() if key != "id"})
