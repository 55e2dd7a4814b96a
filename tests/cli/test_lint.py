"""`lint`: saved answers are judged by what they hold, and by no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from conformance.cli.captures import read_captures
from conformance.report import check_document
from fakes.recording import default_root

HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\r\n"


def _outcomes(document: dict[str, Any]) -> dict[str, str]:
    return {verdict["rule"]: verdict["outcome"] for verdict in document["verdicts"]}


def test_a_wrong_stream_fails_with_the_message(command: Any, wrong_stream: str, tmp_path: Path) -> None:
    """A stream that breaks a rule exits 1 and shows the failure message, whose last line reruns it."""
    file = tmp_path / "wrong.sse"
    file.write_text(wrong_stream)
    done = command("lint", file, "--rule", "stream.created-first")
    assert done.code == 1
    assert "FAIL  stream.created-first[any]" in done.out
    assert f"responses-conformance lint {file} --profile openai --rule stream.created-first" in done.out
    assert "does not conform" in done.out


def test_a_right_stream_passes_in_part(command: Any, stream: str, tmp_path: Path) -> None:
    """A right stream exits 0; it is called partial, since one capture proves little."""
    file = tmp_path / "right.sse"
    file.write_text(stream)
    done = command("lint", file, "--rule", "stream.created-first", "--rule", "stream.one-terminal")
    assert done.code == 0
    assert "(partial)" in done.out


def test_reports(command: Any, wrong_stream: str, tmp_path: Path) -> None:
    """`--json`, `--junitxml`, `--summary`, `--html` and `-v` write what they are asked for."""
    (tmp_path / "a.sse").write_text(wrong_stream)
    xml, summary, page = (tmp_path / f"out.{ending}" for ending in ("xml", "md", "html"))
    done = command(
        "lint", tmp_path / "a.sse", "--json", "-", "--junitxml", xml, "--summary", summary, "--html", page, "-v"
    )
    document = check_document(json.loads(done.out))
    assert document["exit_code"] == done.code == 1
    assert "does not conform" in done.err
    assert "not-applicable" in done.err
    assert int(ElementTree.parse(xml).getroot().get("failures")) > 0
    assert summary.read_text().startswith("# a.sse does not conform")
    assert "<title>a.sse does not conform" in page.read_text()


def test_the_profile_decides(command: Any, stream: str, tmp_path: Path) -> None:
    """`--profile` chooses the rules: what `open-responses` demands, `codex` does not."""
    (tmp_path / "a.sse").write_text(stream)
    by_profile = {
        profile: command("lint", tmp_path / "a.sse", "--profile", profile, "--json", "-").json
        for profile in ("open-responses", "codex")
    }
    assert by_profile["codex"]["profile"] == "codex"
    assert len(_outcomes(by_profile["open-responses"])) > len(_outcomes(by_profile["codex"]))


def test_headers_that_were_not_saved_are_not_judged(command: Any, stream: str, tmp_path: Path) -> None:
    """Without headers no rule about headers accuses or praises; with `curl -i` they are judged."""
    (tmp_path / "bare.sse").write_text(stream)
    (tmp_path / "full.sse").write_text(HEAD + stream)
    bare = _outcomes(command("lint", tmp_path / "bare.sse", "--json", "-").json)
    full = _outcomes(command("lint", tmp_path / "full.sse", "--json", "-").json)
    about_headers = {rule for rule in bare if bare[rule] != full[rule]}
    assert {"sse.content-type", "sse.not-cached"} <= about_headers
    assert {bare[rule] for rule in about_headers} == {"not-applicable"}
    assert full["sse.content-type"] == full["sse.not-cached"] == "pass"


def test_the_last_head_counts(tmp_path: Path) -> None:
    """An interim answer's head is skipped, and the status is that of the last."""
    file = tmp_path / "error.txt"
    file.write_text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 3\r\n\r\n" + '{"error": {}}')
    (capture,) = read_captures([file])
    exchange = capture.transcript.drives[0].exchanges[0]
    assert (exchange.status, exchange.header("retry-after"), exchange.json) == (429, "3", {"error": {}})


def test_two_files_of_one_name_are_two_cases(stream: str, tmp_path: Path) -> None:
    """Captures of the same name in different folders stay apart."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.sse").write_text(stream)
    captures = read_captures([tmp_path / "a" / "x.sse", tmp_path / "b" / "x.sse"])
    assert [capture.transcript.case for capture in captures] == ["x", "x-2"]


def test_a_recorded_native_server_is_judged(command: Any) -> None:
    """Recordings of servers that speak Responses natively are judged from their folder."""
    folder = next((default_root() / "responses").glob("llama.cpp-*"))
    document = command("lint", folder, "--json", "-").json
    assert document["drives"] > 3
    assert _outcomes(document)["sequence.present"] == "fail"


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), ("  \n", "empty"), ("hello\n", "neither an event stream nor JSON")]
)
def test_a_file_that_is_no_answer_is_a_usage_error(command: Any, tmp_path: Path, text: str, said: str) -> None:
    """A file that holds no answer is named, and the message says how to save one."""
    file = tmp_path / "x.sse"
    file.write_text(text)
    done = command("lint", file)
    assert done.code == 4
    assert "x.sse" in done.err
    assert said in done.err


def test_no_rule_matches(command: Any, stream: str, tmp_path: Path) -> None:
    """A glob that selects nothing is a usage error, never a success."""
    (tmp_path / "a.sse").write_text(stream)
    assert command("lint", tmp_path / "a.sse", "--rule", "nothing.*").code == 4
