"""Every report of a live run can be written, and read by the commands that read results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from conformance.cases.live import ACCEPTANCE
from conformance.report import check_document
from conformance.rules import REGISTRY

CASES = ("--case", "live.cut", "--case", "acceptance.*")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is filled once, by whoever asks first."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture
def written(reports: Path, serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> Path:
    """All reports of a run at vLLM, replayed."""
    if not any(reports.iterdir()):
        outputs = ("--html", reports / "page.html", "--summary", reports / "summary.md")
        outputs += ("--junitxml", reports / "report.xml", "--transcripts", reports / "transcripts")
        done = live(serve(vllm).url, *CASES, *outputs, model=vllm.model, json_to=str(reports / "result.json"))
        (reports / "console.txt").write_text(done.out)
    return reports


def _result(written: Path) -> Any:
    return json.loads((written / "result.json").read_text())


def test_the_result_document_holds_to_its_schema(written: Path) -> None:
    """The document is valid, names model and URL, for both matter, and has neither command nor dialects."""
    document = check_document(_result(written))
    assert document["target"]["name"].startswith("tiny-qwen3 at http://127.0.0.1:")
    assert document["target"]["command"] is None
    assert document["dialects"] == []
    assert {verdict["dialect"] for verdict in document["verdicts"]} == {None}


@pytest.mark.parametrize("report", ["console.txt", "summary.md", "page.html"])
def test_every_report_tells_verdict_rule_and_acceptance(written: Path, report: str) -> None:
    """Whoever reads one report alone learns that the server fails, by which rule, and how the acceptance tests went."""
    text = (written / report).read_text()
    assert "does not conform" in text
    assert "stream.terminal-agrees-with-status" in text
    assert all(test in text for test in ACCEPTANCE)


def test_junit_has_a_case_a_rule(written: Path) -> None:
    """Each verdict is a test case, and those that fail are failures."""
    suite = ElementTree.parse(written / "report.xml").getroot()
    names = {case.get("name") for case in suite.iter("testcase")}
    failed = {case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None}
    verdicts = _result(written)["verdicts"]
    assert len(names) == len(verdicts)
    deciding = {one["rule"] for one in verdicts if one["outcome"] == "fail" and one["decides"]}
    assert deciding
    assert all(any(rule in str(name) for name in failed) for rule in deciding)


def test_show_reads_its_transcripts(written: Path, command: Callable[..., Any]) -> None:
    """A kept transcript shows request and stream, and no upstream."""
    done = command("show", written / "transcripts" / "any.live.cut.json", "--drive", "stream")
    assert done.code == 0
    assert "response.completed" in done.out
    assert "upstream" not in done.out


def test_lint_reads_its_transcripts(written: Path, command: Callable[..., Any]) -> None:
    """A kept transcript is judged again by the same rules, to the same end."""
    done = command("lint", written / "transcripts" / "any.live.cut.json", "--json", "-")
    (verdict,) = (one for one in done.document["verdicts"] if one["rule"] == "stream.terminal-agrees-with-status")
    assert verdict["outcome"] == "fail"


def test_lint_judges_acceptance_of_kept_transcripts_alone(written: Path, command: Callable[..., Any]) -> None:
    """A kept acceptance case is judged by its test; a capture that is none is not said to have missed any."""
    rule = ("--rule", "acceptance.*", "--json", "-")
    kept = command("lint", written / "transcripts" / "any.acceptance.basic-response.json", *rule)
    assert kept.failing == {"acceptance.basic-response"}
    other = command("lint", written / "transcripts" / "any.live.cut.json", "--json", "-")
    assert {one["outcome"] for one in other.document["verdicts"] if one["rule"].startswith("acceptance.")} <= {
        "not-applicable"
    }


def test_compare_and_matrix_read_its_result(written: Path, command: Callable[..., Any]) -> None:
    """Two results of a live endpoint can be compared, and stand in a matrix."""
    result = written / "result.json"
    same = command("compare", result, result)
    assert same.code == 0
    table = command("matrix", result)
    assert table.code == 0
    assert "– (a live endpoint)" in table.out
    assert "acceptance" in table.out or "stream" in table.out


def test_a_baseline_of_a_live_run_is_written_and_kept(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, tmp_path: Path
) -> None:
    """What fails is written as known, and is expected the next time; what passes then is stale."""
    file, url = tmp_path / "known.toml", serve(vllm).url
    cut = ("--case", "live.cut", "--rule", "stream.*")
    first = live(url, *cut, "--write-baseline", file, "--reason", "vllm ends it so", model=vllm.model)
    assert first.failing == {"stream.terminal-agrees-with-status"}
    again = live(url, *cut, "--baseline", file, model=vllm.model)
    assert again.code == 0
    assert again.outcome("stream.terminal-agrees-with-status") == "expected-fail"
    vllm.choose = lambda asked, model: "stream_text"
    mended = live(url, *cut, "--baseline", file, model=vllm.model)
    assert mended.code == 1
    assert mended.outcome("stream.terminal-agrees-with-status") == "stale"


def test_acceptance_rules_are_listed_and_explained(command: Callable[..., Any]) -> None:
    """`list` has them, `list --cases` their cases, and `explain` says how they are judged: not through a fake."""
    assert all(f"acceptance.{test}" in command("list").out for test in ACCEPTANCE)
    assert all(f"acceptance.{test}" in command("list", "--cases").out for test in ACCEPTANCE)
    told = " ".join(command("explain", "acceptance.basic-response").out.split())
    assert "run --live-url URL --model MODEL --rule acceptance.basic-response" in told
    assert "miniature:" not in told


def test_acceptance_rules_are_no_business_of_a_target_with_a_fake(command: Callable[..., Any]) -> None:
    """They have no dialect, so that no run with a fake lists or misses them; asked for alone, they say where to go."""
    assert {rule.dialects for rule in REGISTRY.values() if rule.area == "acceptance"} == {()}
    done = command("run", "--target", "reference", "--rule", "acceptance.*")
    assert done.code == 4
    assert "is judged at live endpoints only: --live-url URL --model NAME" in done.err
