from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.rules import REGISTRY, Rule
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript


@pytest.fixture(scope="session")
def stream_rules(stream_rooms: frozenset[str]) -> list[Rule]:
    """The rules about the target's stream."""
    return [rule for rule in REGISTRY.values() if rule.check.__module__ in stream_rooms]


@pytest.fixture(scope="session")
def streamed() -> Callable[[bytes], Transcript]:
    """A transcript of one streamed answer with the given body."""

    def make(body: bytes) -> Transcript:
        request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x"})
        headers = (("content-type", "text/event-stream"),)
        return Transcript("case", None, [Drive("stream", [Exchange(request, 200, headers, (Received(0.1, body),))])])

    return make
