"""Searching: what a wrong target breaks is found, shrunk, and saved as a case that breaks it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import conformance.miniatures as miniatures
from conformance.cases.files import load_case
from conformance.cli import main
from conformance.generate.search import Budget, Counterexample, Search
from conformance.generate.stand import Stand
from conformance.runs import select_rules
from conformance.transcript import Transcript
from fakes.script import Script, ToolCall

TINY = Path(__file__).parents[1] / "cli" / "tiny_target.py"
COMMAND = f"{{python}} {TINY} --port {{port}} --upstream {{upstream}}"


class Steps:
    """A clock that each look moves on by a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


LOOKS = 120.0
"""So many cases are driven to shrink one: by `Steps` a second is a look, however slow the machine is."""


def _search(stand: Stand, edit: Callable[[Transcript], Transcript] | None, *rules: str) -> Search:
    wrong = replace(stand, chosen=replace(stand.chosen, edit=edit))
    return Search(wrong, select_rules("superset", rules), "superset", shrink_seconds=LOOKS)


def _first(search: Search, kind: Any) -> Counterexample:
    return next(search.find(kind, Budget(1000.0, Steps()), 1))


def test_a_wrong_stream_is_found_and_shrunk(stands: Any) -> None:
    """A target that loses all but the first fragment of arguments is found by a call of two, and by little else."""
    search = _search(stands("chat_completions"), miniatures.get("later-argument-deltas-lost"), "content.*")
    found = _first(search, "turns")
    (turn,) = found.case.turns
    (answer,) = turn.answers
    assert isinstance(answer, Script)
    assert found.steady
    assert found.verdict.rule.id.startswith("content.")
    assert len(answer.parts) <= 2
    assert any(isinstance(part, ToolCall) and len(part.pieces) > 1 for part in answer.parts)


def test_a_lost_conversation_is_found_and_shrunk(stands: Any) -> None:
    """A target that ignores previous_response_id is found by two turns, whatever the time to shrink was."""
    search = _search(stands("vllm"), miniatures.get("previous-ignored"), "history.previous-response-continued")
    search.shrink_seconds = 10.0
    found = _first(search, "conversations")
    assert found.verdict.rule.id == "history.previous-response-continued"
    assert found.steady
    assert len(found.case.turns) == 2
    assert found.case.turns[1].request["previous_response_id"] == "{answer:0:id}"


def test_what_is_found_is_left_alone_from_then_on(stands: Any) -> None:
    """A second round does not find the first one's rule again, nor those that broke with it."""
    search = _search(stands("vllm"), miniatures.get("no-created"), "stream.*")
    first = _first(search, "turns")
    assert {first.verdict.rule.id, *first.also} <= search.ignored
    assert list(search.find("turns", Budget(20.0, Steps()), 2)) == []


@pytest.mark.parametrize("kind", ["turns", "conversations"])
def test_the_budget_is_kept(stands: Any, kind: Any) -> None:
    """When the clock says that the time is over, no case is driven any more."""
    search = _search(stands("vllm"), None, "stream.created-first")
    assert list(search.find(kind, Budget(12.0, Steps()), 1)) == []
    assert 0 < search.examples <= 12
    tried = search.examples
    assert list(search.find(kind, Budget(0.0, Steps()), 1)) == []
    assert search.examples == tried


def test_the_same_seed_tries_the_same_cases(stands: Any) -> None:
    """Two searches of one seed drive equal cases in the same order."""
    drawn: list[list[str]] = []
    for _ in range(2):
        own: list[str] = []

        def note(transcript: Transcript, own: list[str] = own) -> Transcript:
            own.append(transcript.summary)
            return transcript

        assert list(_search(stands("vllm"), note, "stream.created-first").find("turns", Budget(15.0, Steps()), 4)) == []
        drawn.append(own)
    assert drawn[0] == drawn[1] != []


def test_the_command_finds_saves_and_reruns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`fuzz` exits 1 with a failure message and a case file, and `run --case-file` fails by it again."""
    target = ("--target-command", f"{COMMAND} --wrong no-created", "--dialect", "chat_completions")
    words = ("--rule", "stream.created-first", "--only", "turns", "--seconds", "5", "--seed", "1")
    assert main(["fuzz", *target, *words, "--profile", "openai", "--save-failures", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    (file,) = tmp_path.glob("*.json")
    assert f"saved as {file}" in out
    assert "FAIL  stream.created-first[chat_completions]" in out
    assert json.loads(file.read_text("utf-8"))["made"]["seed"] >= 1
    assert load_case(file).dialects == ("chat_completions",)
    again = ("--case-file", str(file), "--rule", "stream.created-first", "--profile", "openai")
    assert main(["run", *target, *again]) == 1
    assert main(["run", *target[:1], COMMAND, *target[2:], *again]) == 0


def test_the_command_prints_a_case_that_is_not_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --save-failures the case is printed, ready to be saved under the name that the rerun line has."""
    target = ("--target-command", f"{COMMAND} --wrong no-created", "--dialect", "chat_completions")
    words = ("--rule", "stream.created-first", "--only", "turns", "--seconds", "5", "--seed", "1")
    assert main(["fuzz", *target, *words, "--profile", "openai"]) == 1
    out = capsys.readouterr().out
    name = "chat_completions.stream.created-first.json"
    assert f"save this as {name}" in out
    text = out.partition(f"save this as {name}")[2].partition("\n\n")[2]
    file = tmp_path / name
    file.write_text(text[: text.index("\n}\n") + 3], "utf-8")
    assert load_case(file).id == "found.stream.created-first"


def test_a_right_target_conforms(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is found the exit code is 0, and the summary says how much was driven."""
    words = ("--dialect", "vllm", "--rule", "stream.created-first", "--seconds", "4", "--seed", "1")
    assert main(["fuzz", *words]) == 0
    out = capsys.readouterr().out
    assert "vllm:" in out
    assert "no counterexample" in out
    assert out.rstrip().endswith("seed 1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seconds", "0"), "seconds above 0"),
        (("--seconds", "soon"), "seconds above 0"),
        (("--target", "no-such-target"), "no-such-target"),
        (("--rule", "no.such.rule"), "no.such.rule"),
        (("--target", "reference", "--target-url", "http://127.0.0.1:1/v1"), "more than one target"),
    ],
)
def test_wrong_options_are_told(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be searched is a usage error of one line."""
    assert main(["fuzz", *words]) == 4
    assert said in capsys.readouterr().err


def test_without_hypothesis_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where hypothesis is not installed, the message says what to install."""
    import sys

    for module in [name for name in sys.modules if name.startswith("conformance.generate.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert main(["fuzz", "--seconds", "1"]) == 4
    assert "responses-conformance[fuzz]" in capsys.readouterr().err
