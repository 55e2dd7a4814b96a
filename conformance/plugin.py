"""The pytest plugin: one test a rule and dialect, named by the rule (`stream.created-first[vllm]`).

`responses-conformance run` uses it hermetically (`conformance.cli.hermetic`). Under one's own pytest:

    pytest -p conformance.plugin --pyargs conformance.checks --target NAME

The target is driven once, while the tests are collected; the tests then only tell what was judged. A failing test
shows the failure message and no traceback. Not applicable is a skip, an expected failure an xfail, a stale
baseline entry a failure; what kept a rule from being judged is an error.

When nothing but these tests ran, the exit status is the suite's own (`conformance.errors.ExitCode`): failures of
rules that do not decide are shown as failures and do not fail the run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cli.judging import JUDGING, Judging
from conformance.cli.options import register_options
from conformance.errors import ConformanceError, ExitCode
from conformance.report.console import LineProgress
from conformance.report.document import TroubleEntry, VerdictEntry
from conformance.report.failure import item_name, verdict_message
from conformance.report.json_result import write_json
from conformance.verdict import Outcome

__all__ = ["RuleItem", "RulesFile", "TroubleItem"]

RULES_FILE = Path(__file__).with_name("checks") / "test_rules.py"

_ERRORS = (Outcome.SETUP_ERROR, Outcome.HARNESS_ERROR)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `responses-conformance run`, without those that pytest has itself."""
    group = parser.getgroup("responses-conformance", "judging a Responses API server")
    register_options(group.addoption)
    group.addoption("--conformance-json", metavar="FILE", type=Path, help="write the result document")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to share the drives among processes: each would start the target and drive it all again."""
    workers = getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None)
    if workers or hasattr(config, "workerinput"):
        raise pytest.UsageError("conformance.plugin drives a target once for all tests: run it without xdist (-n 0)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the rules from the one file that stands for them."""
    if file_path == RULES_FILE:
        return RulesFile.from_parent(parent, path=file_path)
    return None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where only rules ran, exit as the suite does."""
    judging = session.config.stash.get(JUDGING, None)
    if judging is None or judging.document is None:
        return
    file = session.config.getoption("--conformance-json", None)
    if file:
        write_json(judging.document, file)
    ran = [item for item in session.items if isinstance(item, RuleItem) and item.ran]
    only_rules = all(isinstance(item, RuleItem | TroubleItem) for item in session.items)
    if only_rules and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        names = {item.name for item in ran}
        session.exitstatus = judging.narrowed(names)["exit_code"] if ran else ExitCode.TROUBLE


class RulesFile(pytest.File):
    """Collects an item a verdict; collecting is what drives the target."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items, in the order of the verdicts."""
        judging = self.config.stash.get(JUDGING, None)
        if judging is None:
            judging = self.config.stash[JUDGING] = Judging(self.config.option, LineProgress(sys.stderr))
        try:
            document = judging.judge()
        except ConformanceError as error:
            raise self.CollectError(str(error)) from error
        if document["trouble"] and not document["verdicts"]:
            raise self.CollectError("\n\n".join(_told(trouble) for trouble in document["trouble"]))
        for trouble in document["trouble"]:
            name = item_name("run", trouble["dialect"])
            yield TroubleItem.from_parent(self, name=name, message=_told(trouble))
        for entry in document["verdicts"]:
            name = item_name(entry["rule"], entry["dialect"])
            yield RuleItem.from_parent(self, name=name, entry=entry, rerun=document["rerun"])


class RuleItem(pytest.Item):
    """Tells what was judged of one rule in one dialect."""

    def __init__(self, *, entry: VerdictEntry, rerun: list[str], **more: Any) -> None:
        super().__init__(**more)
        self.entry = entry
        self.rerun = rerun
        self.ran = False
        self.user_properties += [("level", entry["level"]), ("observed", entry["observed"])]

    def setup(self) -> None:
        """Errors here: what could not be judged is pytest's error, not its failure."""
        self.ran = True
        if self.entry["outcome"] in _ERRORS:
            pytest.fail(verdict_message(self.entry, self.rerun), pytrace=False)

    def runtest(self) -> None:
        """Pass, fail, skip or xfail, as the verdict says."""
        match self.entry["outcome"]:
            case Outcome.NOT_APPLICABLE:
                pytest.skip(self.entry["reason"] or "not applicable")
            case Outcome.EXPECTED_FAIL:
                pytest.xfail(_expected_reason(self.entry))
            case Outcome.FAIL | Outcome.STALE:
                pytest.fail(verdict_message(self.entry, self.rerun), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where pytest says that the test stands; a name that ends the node id would have its dots replaced."""
        return self.path, None, f"rule {self.name}"


class TroubleItem(pytest.Item):
    """An error for what kept the suite from a part of its job, while other verdicts stand."""

    def __init__(self, *, message: str, **more: Any) -> None:
        super().__init__(**more)
        self.message = message

    def setup(self) -> None:
        """Always an error."""
        pytest.fail(self.message, pytrace=False)

    def runtest(self) -> None:
        """Never reached."""


def _told(trouble: TroubleEntry) -> str:
    log = "".join(f"\n  | {line}" for line in trouble["log"].splitlines())
    return trouble["message"] + log


def _expected_reason(entry: VerdictEntry) -> str:
    reasons = {violation["expected_reason"] for violation in entry["violations"]}
    return entry["reason"] or "; ".join(sorted(filter(None, reasons))) or "in the baseline"
