"""Examining: one transcript at a time, here or in a process of its own, with the same outcome."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import conformance
from conformance.examination import Examination, examine, examine_all
from conformance.judge import judge
from conformance.rules import MUST, Place, Rule, Seen, Violation
from conformance.transcript import Drive, Transcript

PLACE = Place("stream")
SOURCE = str(Path(conformance.__file__).parent.parent)

IN_A_PROCESS = """
import os, signal, sys
import conformance.checks
from conformance.examination import Examiner, examine_all
from conformance.miniatures import get
from conformance.miniatures.samples import right_transcripts
from conformance.rules import REGISTRY

rules = list(REGISTRY.values())
wrong = get("no-created")
right = list(right_transcripts())[:6]
transcripts = right[:3] + [wrong.edit(one) for one in right[3:]]
assert Examiner.available() == (len(os.sched_getaffinity(0)) > 1)
with Examiner(rules) as examiner:
    assert not Examiner.available(), "a second one would be forked from a process with threads"
    for transcript in transcripts:
        examiner.submit(transcript)
    found = examiner.examinations()
expected = {(one.dialect, one.case): examine_all(rules, one) for one in transcripts}
assert found == expected
assert any(said.violations for by_rule in found.values() for said in by_rule.values())

with Examiner(rules) as examiner:
    os.kill(examiner._pool.submit(os.getpid).result(), signal.SIGKILL)
    for transcript in transcripts:
        examiner.submit(transcript)
    assert set(examiner.examinations()) < set(expected)
print("the same")
"""


def _rule(words: str) -> Rule:
    def check(_: Transcript) -> Iterator[Seen | Violation]:
        for word in words:
            if word == "!":
                raise KeyError("oops")
            yield Seen(PLACE) if word == "." else Violation(PLACE, "right", "wrong")

    return Rule(id=f"test.{words}", level=MUST, source="here", requirement="It holds.", why="Else.", check=check)


TRANSCRIPT = Transcript("a", "vllm", [Drive("stream")])


def test_all_that_was_said_is_kept() -> None:
    """What a check found before it raised stays, and the error says whose fault it is."""
    said = examine(_rule(".x!."), TRANSCRIPT)
    assert (said.observed, len(said.violations)) == (2, 1)
    assert "KeyError: 'oops'" in said.error
    assert "a fault of the suite" in said.error


def test_silent_checks_are_left_out() -> None:
    """A rule with nothing to say, or of another dialect, takes no room."""
    other = Rule("test.other", MUST, "here", "It holds.", "Else.", _rule(".").check, dialects=("messages",))
    assert list(examine_all([_rule(""), _rule("."), other], TRANSCRIPT)) == ["test.."]


def test_what_was_examined_is_not_examined_again() -> None:
    """Judging takes the given examination of a transcript and does not call the check."""
    given = {("vllm", "a"): {"test.x": Examination(3)}}
    (verdict,) = judge([TRANSCRIPT], [_rule("x")], profile="openai", examined=given)  # type: ignore[arg-type]
    assert (verdict.outcome.value, verdict.observed) == ("pass", 3)


def test_a_process_of_its_own_says_the_same() -> None:
    """Examined in a forked process every transcript gets the same; what a killed process leaves is missing, no more."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS],
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "the same\n", done.stderr
