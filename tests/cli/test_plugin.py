"""The pytest plugin: one item a rule and dialect, under one's own pytest and in the hermetic run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Set
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import conformance
import conformance.checks
import conformance.session
from conformance.cli.hermetic import hermetic_arguments
from conformance.cli.judging import JUDGING
from conformance.errors import UsageError
from conformance.report import ResultDocument

pytest_plugins = ["pytester"]

TINY = Path(__file__).with_name("tiny_target.py")
COMMAND = f"{{python}} {TINY} --port {{port}} --upstream {{upstream}}"
PACKAGE = Path(conformance.__file__).parent

OUTCOMES = ("pass", "fail", "stale", "expected-fail", "not-applicable", "setup-error", "harness-error")


def _violation(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "case": "text.plain",
        "summary": "",
        "case_source": "",
        "message": "expected a; got b",
        "expected": "a first thing",
        "actual": "another",
        "drive": "stream",
        "exchange": 0,
        "event_index": 0,
        "call": None,
        "expected_reason": None,
        "also_at": [],
        "more_places": 0,
        "evidence": None,
    }
    return values | more


def _verdict(outcome: str, *, decides: bool = True) -> dict[str, Any]:
    violations = {"fail": [_violation()], "expected-fail": [_violation(expected_reason="known since May")]}
    return {
        "rule": f"area.{outcome}",
        "area": "area",
        "level": "must" if decides else "should",
        "decides": decides,
        "dialect": "vllm",
        "outcome": outcome,
        "reason": "" if outcome in ("pass", "fail", "expected-fail") else f"the reason of {outcome}",
        "observed": 1,
        "cases": 1,
        "requirement": "R.",
        "why": "W.",
        "source": "S",
        "violations": violations.get(outcome, []),
    }


class _Judged:
    """A judging that is over."""

    def __init__(
        self, *verdicts: dict[str, Any], exit_code: int = 1, trouble: list[dict[str, Any]] | None = None
    ) -> None:
        self.document: Any = {
            "verdicts": list(verdicts),
            "trouble": trouble or [],
            "rerun": ["run", "--target", "x"],
            "exit_code": exit_code,
        }
        self.asked: list[Set[str]] = []
        self.error: Exception | None = None

    def judge(self) -> ResultDocument:
        if self.error:
            raise self.error
        document: ResultDocument = self.document
        return document

    def narrowed(self, names: Set[str]) -> ResultDocument:
        self.asked.append(names)
        document: ResultDocument = self.document
        return document


class _Handover:
    def __init__(self, judged: _Judged) -> None:
        self.judged = judged

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[JUDGING] = self.judged  # type: ignore[assignment]


def _run(pytester: pytest.Pytester, judged: _Judged, *words: str) -> pytest.RunResult:
    arguments = ("-p", "conformance.plugin", "--pyargs", "conformance.checks", "-p", "no:cacheprovider", *words)
    return pytester.runpytest_inprocess(*arguments, plugins=[_Handover(judged)])


def test_each_outcome_is_pytests_own(pytester: pytest.Pytester) -> None:
    """Pass, fail, skip, xfail and error; a stale baseline entry is a failure."""
    result = _run(pytester, _Judged(*map(_verdict, OUTCOMES)), "-v")
    result.assert_outcomes(passed=1, failed=2, skipped=1, xfailed=1, errors=2)
    for outcome, word in {
        "pass": "PASSED",
        "fail": "FAILED",
        "stale": "FAILED",
        "expected-fail": "XFAIL*known since May*",
        "not-applicable": "SKIPPED*the reason of*",
        "setup-error": "ERROR",
        "harness-error": "ERROR",
    }.items():
        result.stdout.fnmatch_lines([f"*::area.{outcome}?vllm? {word}*"])


def test_a_failure_is_the_message_without_a_traceback(pytester: pytest.Pytester) -> None:
    """A failing item shows the failure message, and nothing of the suite's inside."""
    result = _run(pytester, _Judged(_verdict("fail"), _verdict("stale"), _verdict("setup-error")))
    text = result.stdout.str()
    for wanted in (
        "FAIL  area.fail[vllm]  (must: a specification demands it)",
        "expected     a first thing",
        "responses-conformance run --target x --dialect vllm --rule area.fail --case text.plain",
        "the reason of stale",
        "the reason of setup-error",
    ):
        assert wanted in text
    assert "Traceback" not in text
    assert "plugin.py" not in text


@pytest.mark.parametrize("exit_code", [0, 1, 2])
def test_the_exit_status_is_the_suites(pytester: pytest.Pytester, exit_code: int) -> None:
    """Where only rules ran, pytest exits as the suite does: a broken `should` is shown and does not fail the run."""
    judged = _Judged(_verdict("pass"), _verdict("fail", decides=False), exit_code=exit_code)
    assert _run(pytester, judged).ret == exit_code
    assert judged.asked == [{"area.pass[vllm]", "area.fail[vllm]"}]


def test_other_tests_keep_pytests_exit_status(pytester: pytest.Pytester) -> None:
    """Beside a user's own tests the run fails when anything fails."""
    own = pytester.makepyfile(test_own="def test_own(): pass")
    assert _run(pytester, _Judged(_verdict("fail"), exit_code=0), str(own)).ret == pytest.ExitCode.TESTS_FAILED


def test_selection_by_name_is_pytests(pytester: pytest.Pytester) -> None:
    """`-k` deselects rules as it deselects any test, and the exit status is that of those that ran."""
    judged = _Judged(_verdict("pass"), _verdict("fail"), exit_code=0)
    _run(pytester, judged, "-k", "area.pass").assert_outcomes(passed=1, deselected=1)
    assert judged.asked == [{"area.pass[vllm]"}]


def test_trouble_is_an_error(pytester: pytest.Pytester) -> None:
    """What kept the suite from its job is shown, with the target's log, and the run is no success."""
    trouble = {"blame": "target", "message": "it exited with 3", "log": "no licence", "dialect": "messages"}
    nothing = _run(pytester, _Judged(trouble=[trouble], exit_code=2))
    assert nothing.ret == pytest.ExitCode.INTERRUPTED
    nothing.stdout.fnmatch_lines(["*it exited with 3*", "*| no licence*"])
    some = _run(pytester, _Judged(_verdict("pass"), trouble=[trouble], exit_code=2))
    some.assert_outcomes(passed=1, errors=1)
    some.stdout.fnmatch_lines(["*run?messages?*"])
    assert some.ret == 2


def test_wrong_options_are_told_without_a_traceback(pytester: pytest.Pytester) -> None:
    """What the user gave wrong is the error of the collection, in words."""
    judged = _Judged()
    judged.error = UsageError("no target is named: give one")
    result = _run(pytester, judged)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*no target is named: give one*"])
    assert "Traceback" not in result.stdout.str()


def test_xdist_is_refused(pytester: pytest.Pytester) -> None:
    """Several processes would each drive the target: the run is refused with the reason."""
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--numprocesses', type=int, default=0)")
    result = _run(pytester, _Judged(_verdict("pass")), "-p", "no:xdist", "--numprocesses", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*without xdist*"])


def test_without_the_plugin_there_is_nothing_to_collect(pytester: pytest.Pytester) -> None:
    """Installing the package changes nobody's pytest run: no item without `-p conformance.plugin`."""
    result = pytester.runpytest_inprocess("--pyargs", "conformance.checks", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_under_ones_own_pytest_a_target_is_judged(pytester: pytest.Pytester) -> None:
    """The documented command drives a target and writes the result document."""
    result = pytester.runpytest_inprocess(
        *("-p", "conformance.plugin", "--pyargs", "conformance.checks", "-p", "no:cacheprovider", "-v"),
        *("--target-command", f"{COMMAND} --wrong no-created", "--dialect", "chat_completions"),
        *("--rule", "stream.created-first", "--rule", "stream.one-terminal", "--case", "text.plain"),
        *("--conformance-json", "result.json"),
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*::stream.created-first?chat_completions? FAILED*"])
    assert result.ret == 1
    assert (pytester.path / "result.json").exists()


def test_the_hermetic_command_line() -> None:
    """`run` calls pytest as documented: no configuration, conftest, cache or plugin of anybody else's."""
    words = hermetic_arguments()
    pairs = set(pairwise(words))
    assert ("-p", "conformance.plugin") in pairs
    assert ("-c", str(PACKAGE / "run.toml")) in pairs
    assert ("--rootdir", str(PACKAGE)) in pairs
    assert ("-p", "no:cacheprovider") in pairs
    assert {"--noconftest", "--import-mode=importlib", str(PACKAGE / "checks")} <= set(words)


def test_nothing_of_the_users_changes_the_run(tmp_path: Path) -> None:
    """A pytest.ini, conftest.py, packages of the suite's names and variables do not matter; nothing is left."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('a conftest of the user was read')\n")
    for package in ("conformance", "fakes", "recordings", "reference"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('the wrong package was imported')\n")
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "conformance", "run", "--target-command", COMMAND),
            *("--dialect", "chat_completions", "--rule", "stream.created-first", "--case", "text.plain"),
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(PACKAGE.parent),
            "PYTEST_ADDOPTS": "-k nothing --no-such-option",
            "PYTEST_PLUGINS": "no_such_plugin",
        },
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conforms to a part of the openai profile" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_the_environment_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hermetic run takes pytest's variables away only while it lasts."""
    from conformance.cli import hermetic

    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    seen: dict[str, str] = {}

    def main(*_: object, **__: object) -> int:
        seen.update({name: value for name, value in os.environ.items() if name.startswith("PYTEST_")})
        return 0

    monkeypatch.setattr(pytest, "main", main)
    hermetic.run_pytest(_Judged(_verdict("pass")))  # type: ignore[arg-type]
    assert seen == {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert os.environ["PYTEST_ADDOPTS"] == "-k nothing"
