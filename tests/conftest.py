"""What the rules say of a transcript, for every room of the tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.rules import REGISTRY, Seen, Violation
from conformance.transcript import Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Count = Callable[[str, Transcript], int]


@pytest.fixture(scope="session")
def violations() -> Judge:
    """The violations of one rule in a transcript."""

    def judge(rule: str, transcript: Transcript) -> list[Violation]:
        return [found for found in REGISTRY[rule].check(transcript) if isinstance(found, Violation)]

    return judge


@pytest.fixture(scope="session")
def seen() -> Count:
    """How often a rule was seen to hold in a transcript."""

    def judge(rule: str, transcript: Transcript) -> int:
        return sum(isinstance(found, Seen) for found in REGISTRY[rule].check(transcript))

    return judge


@pytest.fixture(scope="session")
def tells(violations: Judge, seen: Count) -> Callable[[str, Transcript], str]:
    """What a rule says of a transcript: "wrong", "right", or "nothing"."""

    def judged(rule: str, transcript: Transcript) -> str:
        return "wrong" if violations(rule, transcript) else "right" if seen(rule, transcript) else "nothing"

    return judged
