"""Judging: outcomes, what wins, and what the process exits with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from conformance.baseline import Baseline, Expected
from conformance.client_profiles import Breach, Effect
from conformance.errors import ExitCode
from conformance.judge import DRIVEN, exit_code, judge, partial_for
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Check, Level, Place, Rule, Seen, Violation
from conformance.transcript import Drive, Transcript
from conformance.verdict import Outcome, Verdict
from fakes.script import Dialect

PLACE = Place("stream")


def make_rule(check: Check, level: Level = MUST, **more: Any) -> Rule:
    return Rule(id="test.rule", level=level, source="here", requirement="It holds.", why="Else.", check=check, **more)


def transcript(
    case: str, dialect: Dialect | None = "vllm", problem: str | None = None, blame: Any = None
) -> Transcript:
    return Transcript(case, dialect, [Drive("stream", problem=problem, blame=blame)])


def says(**by_case: str) -> Check:
    """A check that says of each case what its name stands for; "." is Seen, "x" a violation, "!" an exception."""

    def check(one: Transcript) -> Iterator[Seen | Violation]:
        for word in by_case.get(one.case, ""):
            if word == "!":
                raise KeyError("oops")
            yield Seen(PLACE) if word == "." else Violation(PLACE, "right", "wrong")

    return check


def verdict(check: Check, *transcripts: Transcript, baseline: Baseline | None = None, **more: Any) -> Verdict:
    (found,) = judge(transcripts, [make_rule(check)], profile="openai", baseline=baseline, **more)
    return found


A, B, C = transcript("a"), transcript("b"), transcript("c")
EXPECTS_A = Baseline((Expected("test.rule", ("a",), "known: it never could"),))


@pytest.mark.parametrize(
    ("words", "outcome", "observed", "cases"),
    [
        ({"a": "."}, Outcome.PASS, 1, 1),
        ({"a": "..", "b": "."}, Outcome.PASS, 3, 2),
        ({"a": ".x.", "b": "."}, Outcome.FAIL, 4, 2),
        ({"a": "", "b": ""}, Outcome.NOT_APPLICABLE, 0, 0),
        ({"a": ".!", "b": "x"}, Outcome.HARNESS_ERROR, 2, 2),
        ({"a": "x", "b": "!"}, Outcome.HARNESS_ERROR, 1, 1),
    ],
)
def test_the_worst_case_wins(words: dict[str, str], outcome: Outcome, observed: int, cases: int) -> None:
    """A pass needs an observation, a violation outweighs any pass, and a broken check outweighs all."""
    found = verdict(says(**words), A, B)
    assert (found.outcome, found.observed, found.cases) == (outcome, observed, cases)


def test_all_violations_are_kept() -> None:
    """One violation hides no other, not even when the check raises after it."""
    found = verdict(says(a="xx", b="x!"), A, B)
    assert [finding.transcript.case for finding in found.findings] == ["a", "a", "b"]
    assert "check of test.rule raised on case b: KeyError: 'oops'" in found.reason
    assert "test_judge.py" in found.reason


def test_a_check_that_yields_something_else_is_broken() -> None:
    """What a check yields is an observation or a violation; anything else is the suite's fault."""

    def check(_one: Transcript) -> Iterator[Any]:
        yield "fine"

    assert verdict(check, A).outcome is Outcome.HARNESS_ERROR


@pytest.mark.parametrize(
    ("words", "outcome", "reason"),
    [
        ({"a": "x", "b": "."}, Outcome.EXPECTED_FAIL, "known: it never could"),
        ({"a": "x", "b": "x"}, Outcome.FAIL, ""),
        ({"a": ".", "b": "."}, Outcome.STALE, "expects a failure in a, and it passes"),
        ({"a": ".", "b": "x"}, Outcome.FAIL, ""),
        ({"a": "", "b": "."}, Outcome.PASS, ""),
        ({"a": "", "b": ""}, Outcome.NOT_APPLICABLE, "nothing to judge"),
    ],
)
def test_the_baseline(words: dict[str, str], outcome: Outcome, reason: str) -> None:
    """A known failure is expected in its case only; an entry that passes now is stale, one that shows nothing not."""
    found = verdict(says(**words), A, B, baseline=EXPECTS_A)
    assert found.outcome is outcome
    assert reason in found.reason
    assert [f.expected_reason for f in found.findings if f.transcript.case == "a"] in ([], ["known: it never could"])


def test_a_baseline_entry_is_stale_only_for_what_was_driven() -> None:
    """An entry of a case that was not driven, or of another dialect, says nothing."""
    assert verdict(says(b="."), B, baseline=EXPECTS_A).outcome is Outcome.PASS
    elsewhere = Baseline((Expected("test.rule", ("b",), "known", ("messages",)),))
    assert verdict(says(b="."), B, baseline=elsewhere).outcome is Outcome.PASS
    broken = transcript("a", problem="it died", blame="target")
    (_, found) = judge([broken, B], [make_rule(says(b="."))], profile="openai", baseline=EXPECTS_A)
    assert found.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ({"a": "x", "b": "."}, "expected-fail"),
        ({"a": "."}, "stale"),
        ({"a": ".", "b": ""}, "stale"),
        ({}, "not-applicable"),
    ],
)
def test_a_glob_of_the_baseline_is_judged_as_a_whole(words: dict[str, str], outcome: str) -> None:
    """A glob is stale when nothing that it names fails any more."""
    everything = Baseline((Expected("test.rule", ("*",), "known"),))
    assert verdict(says(**words), A, B, baseline=everything).outcome == outcome


@pytest.mark.parametrize(
    ("pattern", "outcome"), [("*", "pass"), ("[a-c]", "pass"), ("?", "pass"), ("a", "stale"), ("b", "pass")]
)
def test_where_only_some_cases_are_driven_no_glob_is_stale(pattern: str, outcome: str) -> None:
    """What else it names may fail still; a case that is named by its id was driven, or was not."""
    some = Baseline((Expected("test.rule", (pattern,), "known"),), partial=True)
    assert verdict(says(a="."), A, baseline=some).outcome == outcome


def test_features_that_are_not_declared_excuse() -> None:
    """A rule about a feature that the target does not declare is not applicable, with the reason."""
    rule = make_rule(says(a="x"), features=frozenset({"images"}))
    (found,) = judge([A], [rule], profile="openai", features=frozenset({"store"}))
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, "the target does not declare images")
    (found,) = judge([A], [rule], profile="openai", features={"vllm": frozenset({"images"})})
    assert found.outcome is Outcome.FAIL


def test_rules_of_the_upstream_need_a_fake() -> None:
    """Where no upstream is known, rules about it are not applicable, and the others are judged."""
    live = transcript("a", None)
    upstream = make_rule(says(a="x"), evidence="upstream")
    (hidden, shown) = judge([live], [upstream, make_rule(says(a="x"))], profile="openai")
    assert hidden.outcome is Outcome.NOT_APPLICABLE
    assert "fake upstream" in hidden.reason
    assert (shown.outcome, shown.name) == (Outcome.FAIL, "test.rule[any]")


def test_a_verdict_for_each_rule_and_dialect() -> None:
    """A rule is judged in each dialect that was driven and that it has, by its level in the profile."""
    rule = make_rule(
        says(a="."),
        dialects=("vllm", "messages"),
        specifications=frozenset({"openai", "superset"}),
        levels={"openai": SHOULD},
        breaks={"codex": Breach("test.rule", "codex", Effect.HANGS, "Hangs.", "codex 1 (npm)")},
    )
    driven = [transcript("a", "chat_completions"), transcript("a", "vllm")]
    assert [one.name for one in judge(driven, [rule], profile="openai")] == ["test.rule[vllm]"]
    assert [one.level for one in judge(driven, [rule], profile="openai")] == [SHOULD]
    assert [one.level for one in judge(driven, [rule], profile="superset")] == [rule.level]
    assert [one.level for one in judge(driven, [replace(rule, level=SHOULD)], profile="codex")] == [INTEGRITY]
    assert judge(driven, [rule], profile="langchain") == []


def test_a_client_is_hurt_in_the_cases_that_its_table_names() -> None:
    """Where a breach names cases, others do not count in the client's profile, and do in a specification's."""
    rule = make_rule(
        says(a="x", b="."),
        breaks={"codex": Breach("test.rule", "codex", Effect.HANGS, "Hangs.", "codex 1 (npm)", cases="b*")},
    )
    driven = [transcript("a"), transcript("b")]
    assert [one.outcome for one in judge(driven, [rule], profile="openai")] == [Outcome.FAIL]
    assert [(one.outcome, one.cases) for one in judge(driven, [rule], profile="codex")] == [(Outcome.PASS, 1)]


@pytest.mark.parametrize(("blame", "outcome"), [("target", Outcome.SETUP_ERROR), ("harness", Outcome.HARNESS_ERROR)])
def test_what_could_not_be_driven_is_one_verdict(blame: str, outcome: Outcome) -> None:
    """A case that could not be driven is told once and takes no other verdict along."""
    broken = transcript("a", problem="it died", blame=blame)
    (driven, found) = judge([broken, B], [make_rule(says(b="."))], profile="openai")
    assert (driven.rule, driven.outcome) == (DRIVEN, outcome)
    assert "a (stream): it died" in driven.reason
    assert found.outcome is Outcome.PASS
    assert exit_code([driven, found]) is ExitCode.TROUBLE


def test_nothing_driven_at_all() -> None:
    """Where no case could be driven, every rule is a setup error."""
    broken = transcript("a", problem="it died", blame="target")
    (_, found) = judge([broken], [make_rule(says())], profile="openai")
    assert found.outcome is Outcome.SETUP_ERROR


def test_a_baseline_may_expect_what_cannot_be_driven() -> None:
    """An undriven case that the baseline names is expected, and stale once it can be driven."""
    expected = Baseline((Expected("case.driven", ("a",), "no second turn"),))
    broken = transcript("a", problem="it died", blame="target")
    (driven, _) = judge([broken, B], [make_rule(says(b="."))], profile="openai", baseline=expected)
    assert driven.outcome is Outcome.EXPECTED_FAIL
    (driven, _) = judge([A, B], [make_rule(says(b="."))], profile="openai", baseline=expected)
    assert driven.outcome is Outcome.STALE


def outcome_of(outcome: Outcome, level: Level = MUST) -> Verdict:
    return Verdict(make_rule(says()), level, "vllm", outcome)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([outcome_of(Outcome.PASS)], ExitCode.CONFORMS),
        ([outcome_of(Outcome.PASS), outcome_of(Outcome.NOT_APPLICABLE)], ExitCode.CONFORMS),
        ([outcome_of(Outcome.EXPECTED_FAIL)], ExitCode.CONFORMS),
        ([outcome_of(Outcome.FAIL, RECOMMENDED)], ExitCode.CONFORMS),
        ([outcome_of(Outcome.PASS), outcome_of(Outcome.FAIL)], ExitCode.VIOLATIONS),
        ([outcome_of(Outcome.FAIL, INTEGRITY)], ExitCode.VIOLATIONS),
        ([outcome_of(Outcome.STALE, RECOMMENDED)], ExitCode.VIOLATIONS),
        ([outcome_of(Outcome.FAIL), outcome_of(Outcome.SETUP_ERROR)], ExitCode.TROUBLE),
        ([outcome_of(Outcome.PASS), outcome_of(Outcome.HARNESS_ERROR)], ExitCode.TROUBLE),
        ([outcome_of(Outcome.NOT_APPLICABLE)], ExitCode.TROUBLE),
        ([], ExitCode.TROUBLE),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: ExitCode) -> None:
    """Trouble wins over violations, rules that only recommend do not decide, and nothing judged is trouble."""
    assert exit_code(verdicts) is code
    assert exit_code(verdicts, trouble=True) is ExitCode.TROUBLE


def test_core_features_that_are_missing_make_it_partial() -> None:
    """A target that leaves out a core feature of its profile is partial, and hears which."""
    assert partial_for("openai", frozenset({"reasoning"})) == ("store",)
    assert partial_for("openai", frozenset({"reasoning", "store", "images"})) == ()
