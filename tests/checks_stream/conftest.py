from __future__ import annotations

from collections.abc import Callable

import pytest

import conformance.checks as checks
from conformance.rules import REGISTRY, Rule
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

_MODULES = (
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
def stream_rules() -> list[Rule]:
    """The rules about the target's stream."""
    names = {module.__name__ for module in _MODULES}
    return [rule for rule in REGISTRY.values() if rule.check.__module__ in names]


@pytest.fixture(scope="session")
def streamed() -> Callable[[bytes], Transcript]:
    """A transcript of one streamed answer with the given body."""

    def make(body: bytes) -> Transcript:
        request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x"})
        headers = (("content-type", "text/event-stream"),)
        return Transcript("case", None, [Drive("stream", [Exchange(request, 200, headers, (Received(0.1, body),))])])

    return make
