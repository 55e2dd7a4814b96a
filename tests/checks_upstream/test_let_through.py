"""Wrong requests that a target lets through: what it does with them, not the fake's complaint, is held against it."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.rules import REGISTRY, Violation
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import Objection, UpstreamCall

REFUSED = Objection("chat.wrong-type", "messages", "an array is wanted", "openai.types.chat", 400, {})
COMPLAINT = b'{"error": {"message": "surplus call: cfx gives 0 answer(s)"}}'


def through(objections: tuple[Objection, ...], known: bool = True, **body: Any) -> Transcript:
    """A wrong request that went on to the fake, which answered 500. `known`: the fake knew whose it was."""
    call = UpstreamCall(
        "POST", "/v1/chat/completions", "", (), b"", {}, 0.1, objections=objections, status=500, problem="surplus call"
    )
    exchange = Exchange(
        ClientRequest("POST", "/v1/responses", (), {"model": "m", **body}),
        status=500,
        received=(Received(0.2, COMPLAINT),),
        upstream=(call,) if known else (),
    )
    facts = {"refusal_statuses": frozenset({400, 422})}
    return Transcript("refused.some", "chat_completions", [Drive("stream", [exchange])], facts=facts)


def complaints(rule: str, transcript: Transcript) -> list[str]:
    import conformance.checks  # noqa: F401 - registers the rules

    return [said.actual for said in REGISTRY[rule].check(transcript) if isinstance(said, Violation)]


def test_what_the_service_would_take_is_a_wrong_request_answered() -> None:
    """Where nothing upstream would refuse the request any more, the target has hidden the client's mistake."""
    assert complaints("refusal.status", through(())) == ["it was sent upstream as if nothing were wrong with it"]


@pytest.mark.parametrize("known", [True, False])
def test_what_the_service_would_refuse_is_not_the_targets_500(known: bool) -> None:
    """Where the service would refuse it, or the fake cannot know, the fake's own 500 is not the target's status."""
    assert complaints("refusal.status", through((REFUSED,), known)) == []
    assert complaints("refusal.never-5xx", through((REFUSED,), known)) == []


def test_what_is_continued_is_not_dropped() -> None:
    """A request that goes upstream without the response it continues is told as that, not as a 500."""
    sent = through((), previous_response_id="resp_unknown")
    told = "the request was sent upstream without what it continues"
    assert complaints("refusal.unknown-previous-response", sent) == [told]
