"""Comparing two results: what got better, worse, is new, by rule and case."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.report.comparison import Change, compare, comparison_text
from conformance.report.document import ResultDocument


def _violation(case: str) -> dict[str, Any]:
    return {
        "case": case,
        "summary": "",
        "case_source": "",
        "message": "expected a; got b",
        "expected": "a",
        "actual": "b",
        "drive": "stream",
        "exchange": 0,
        "event_index": None,
        "call": None,
        "expected_reason": None,
        "also_at": [],
        "more_places": 0,
        "evidence": None,
    }


Edit = Callable[..., ResultDocument]


@pytest.fixture
def edited(document: ResultDocument) -> Edit:
    """The sample document with one verdict: its outcome, failing cases and level."""

    def edit(outcome: str | None, *cases: str, decides: bool = True, **more: Any) -> ResultDocument:
        changed: Any = copy.deepcopy(document)
        one = next(verdict for verdict in changed["verdicts"] if verdict["rule"] == "stream.terminal-last")
        one |= {"outcome": outcome, "violations": [_violation(case) for case in cases], "decides": decides}
        changed["verdicts"] = [] if outcome is None else [one]
        return changed | more  # type: ignore[no-any-return]

    return edit


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (("pass",), ("pass",), None),
        (("pass",), ("stale",), None),
        (("pass",), ("fail", "a"), Change.WORSE),
        (("not-applicable",), ("fail", "a"), Change.WORSE),
        (("fail", "a"), ("fail", "a"), None),
        (("fail", "a"), ("expected-fail", "a"), None),
        (("fail", "a"), ("fail", "b"), Change.WORSE),
        (("fail", "a", "b"), ("fail", "b"), Change.BETTER),
        (("expected-fail", "a"), ("pass",), Change.BETTER),
        (("expected-fail", "a"), ("stale",), Change.BETTER),
        (("pass",), ("setup-error",), Change.UNJUDGED),
        (("fail", "a"), ("not-applicable",), Change.UNJUDGED),
        (("not-applicable",), ("pass",), Change.JUDGED),
        ((None,), ("fail", "a"), Change.NEW),
        ((None,), ("pass",), Change.NEW),
        (("pass",), (None,), Change.GONE),
    ],
)
def test_changes(edited: Edit, before: tuple[str, ...], after: tuple[str, ...], change: Change | None) -> None:
    """Each pair of outcomes and failing cases is the change that it says; a baseline's word does not count."""
    found = compare(edited(*before), edited(*after)).differences
    assert [one.change for one in found] == ([] if change is None else [change])


def test_cases_are_named(edited: Edit) -> None:
    """A rule that fails in other cases than before names those that broke and those that are mended."""
    (one,) = compare(edited("fail", "a", "b"), edited("fail", "b", "c")).differences
    assert (one.broke, one.mended) == (("c",), ("a",))
    text = comparison_text(compare(edited("fail", "a", "b"), edited("fail", "b", "c")))
    assert "stream.terminal-last[chat_completions] (must): fail; breaks c; mended a" in text


@pytest.mark.parametrize(
    ("after", "decides", "code"),
    [
        (("fail", "a"), True, {"regression": 1, "any-regression": 1, "nothing": 0}),
        (("fail", "a"), False, {"regression": 0, "any-regression": 1, "nothing": 0}),
        (("pass",), True, {"regression": 0, "any-regression": 0, "nothing": 0}),
    ],
)
def test_exit_code(edited: Edit, tmp_path: Path, after: tuple[str, ...], decides: bool, code: dict[str, int]) -> None:
    """`--fail-on` says which regressions make the exit code 1."""
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(edited("pass", decides=decides)))
    second.write_text(json.dumps(edited(*after, decides=decides)))
    for choice, expected in code.items():
        assert main(["compare", str(first), str(second), "--fail-on", choice]) == expected


def test_unlike_runs_are_said_to_be_unlike(edited: Edit, document: ResultDocument) -> None:
    """Another suite, profile, target or dialect is told before the differences."""
    other = edited("pass", profile="superset", suite=document["suite"] | {"version": "9"}, dialects=["vllm"])
    caveats = " / ".join(compare(edited("pass"), other).caveats)
    for wanted in ("openai and superset", "0.1.0 and 9", "chat_completions and vllm"):
        assert wanted in caveats


def test_new_rules_that_hold_are_counted(edited: Edit) -> None:
    """A suite with more rules does not fill the screen: what is new and holds is a number."""
    assert "1 verdict of new rules, none of which fails" in comparison_text(compare(edited(None), edited("pass")))
    assert "stream.terminal-last[chat_completions] (must): fail; breaks a" in comparison_text(
        compare(edited(None), edited("fail", "a"))
    )


def test_clients_that_changed_are_told(edited: Edit) -> None:
    """A client that the target is no longer ready for has a line."""
    before, after = edited("pass"), edited("pass")
    after["clients"][2]["state"] = "not ready"
    assert "saver 1.2.3: ready → not ready" in comparison_text(compare(before, after))


def test_a_file_that_is_no_result_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the file, exit 4."""
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert main(["compare", str(file), str(file)]) == 4
    said = capsys.readouterr().err
    assert str(file) in said
    assert said.count("\n") == 1
