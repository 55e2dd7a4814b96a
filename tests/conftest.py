"""What the rules say of a transcript, and which of them are about the stream, for every room of the tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import conformance.checks as checks
from conformance.rules import REGISTRY, Seen, Violation
from conformance.transcript import Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Count = Callable[[str, Transcript], int]


_STREAM_ROOMS = (
    checks.clients,
    checks.content,
    checks.echoes,
    checks.error_events,
    checks.identities,
    checks.item_kinds,
    checks.item_states,
    checks.items,
    checks.lifecycle,
    checks.response_object,
    checks.said_content,
    checks.schemas,
    checks.sequence,
    checks.sse_wire,
    checks.usage,
)


@pytest.fixture(scope="session")
def stream_rooms() -> frozenset[str]:
    """The modules of the rules about the target's stream, by name."""
    return frozenset(module.__name__ for module in _STREAM_ROOMS)


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
