"""JUnit XML, read back with a parser that is not ours."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from defusedxml import ElementTree
from junitparser import Error, Failure, JUnitXml, Skipped

from conformance.report import ResultDocument, item_name, junit_xml
from conformance.rules import Place
from conformance.verdict import Outcome

EXPECTED = {
    "pass": None,
    "fail": "failure",
    "stale": "failure",
    "expected-fail": "skipped",
    "not-applicable": "skipped",
    "setup-error": "error",
    "harness-error": "error",
}


def test_each_outcome_has_its_element(document: ResultDocument) -> None:
    """Failures are failures, errors are errors, expected failures and the inapplicable are skipped."""
    root = ElementTree.fromstring(junit_xml(document))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert len(cases) == len(document["verdicts"])
    for verdict in document["verdicts"]:
        children = [child.tag for child in cases[item_name(verdict["rule"], verdict["dialect"])]]
        assert children == [tag for tag in [EXPECTED[verdict["outcome"]]] if tag]


def test_a_reader_of_ci_results_finds_each_outcome(document: ResultDocument, tmp_path: Path) -> None:
    """junitparser, which CI tools use, reads from the file which rules passed, failed, were skipped or could not be."""
    file = tmp_path / "report.xml"
    file.write_bytes(junit_xml(document).encode("utf-8"))
    kinds = {Failure: "failure", Error: "error", Skipped: "skipped"}
    read = {
        case.name: [kinds[type(one)] for one in case.result] for suite in JUnitXml.fromfile(str(file)) for case in suite
    }
    assert read == {
        item_name(verdict["rule"], verdict["dialect"]): [one for one in [EXPECTED[verdict["outcome"]]] if one]
        for verdict in document["verdicts"]
    }


def test_counts_are_those_of_the_elements(document: ResultDocument) -> None:
    """The suite's counts are the counts of its elements."""
    suite = ElementTree.fromstring(junit_xml(document)).find("testsuite")
    assert suite is not None
    found = Counter(child.tag for case in suite.iter("testcase") for child in case)
    assert {name: int(suite.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": len(document["verdicts"]),
        "failures": found["failure"],
        "errors": found["error"],
        "skipped": found["skipped"],
    }


def test_a_failure_carries_the_whole_message(document: ResultDocument) -> None:
    """A failure's text is the failure message, down to the line that reruns it."""
    root = ElementTree.fromstring(junit_xml(document))
    (text,) = [
        case.findtext("failure", "")
        for case in root.iter("testcase")
        if case.get("name") == "stream.created-first[chat_completions]"
    ]
    assert text.splitlines()[-1].strip().startswith("rerun")
    assert "why" in text


def test_trouble_is_an_error(samples: Any) -> None:
    """A run that could not do its job never is an empty, green report."""
    document = samples.document_of(
        [],
        trouble=[
            {"blame": "target", "message": "the target exited with 3", "log": "Traceback\x1b[0m\x00", "dialect": None}
        ],
    )
    root = ElementTree.fromstring(junit_xml(document))
    assert root.get("errors") == "1"
    (case,) = root.iter("testcase")
    assert "the target exited with 3" in case.findtext("error", "")


def test_hostile_text_stays_text(samples: Any) -> None:
    """Markup, control characters and lone surrogates of a target's answer neither break the XML nor become tags."""
    nasty = "</failure><x>]]>\x00\x0b\ud800￿"
    transcript = samples.make_transcript("c.c", {"type": "response.created", "text": nasty.replace("\ud800", "")})
    finding = samples.make_finding(transcript, Place("stream", 0, 0), nasty, nasty)
    verdict = samples.make_verdict(samples.make_rule("stream.x"), Outcome.FAIL, finding)
    root = ElementTree.fromstring(junit_xml(samples.document_of([verdict])).encode("utf-8"))
    assert "</failure><x>]]>" in (next(root.iter("failure")).text or "")
    assert not list(root.iter("x"))
