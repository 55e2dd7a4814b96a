"""A failure told by an `error` event is told; what is ignored is not kept: legal or other faults, not these."""

from __future__ import annotations

import json
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.rules import REGISTRY, Violation
from conformance.said import Said
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall

ERROR = {"type": "error", "sequence_number": 0, "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}
LIMITED = Said((), None, frozenset({"http-error", "failed"}), status=429, error="Slow down.", error_kind="rate_limit")


def broken(rule: str, *exchanges: Exchange) -> bool:
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", list(exchanges))])
    return any(isinstance(said, Violation) for said in REGISTRY[rule].check(transcript))


def streamed(*events: dict[str, Any], said: Said | None = None) -> Exchange:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "stream": True})
    headers = (("content-type", "text/event-stream"),)
    return Exchange(request, status=200, headers=headers, received=(Received(0.1, body),), said=said)


@pytest.mark.parametrize("rule", ["failure.rate-limit-kept", "failure.never-succeeds", "ending.failure-is-told"])
def test_an_error_event_tells_a_failure(rule: str) -> None:
    """Whether an `error` event is enough of an end is one rule's question; that it is no success is clear."""
    assert not broken(rule, streamed(ERROR, said=LIMITED))
    assert broken(rule, streamed(said=LIMITED) if rule != "ending.failure-is-told" else silent())


def silent() -> Exchange:
    created = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
    return streamed(created, said=LIMITED)


def test_no_upstream_is_needed_to_tell_that_there_is_none() -> None:
    """A target that could not reach its upstream and says so has invented nothing; one that answers has."""
    assert not broken("upstream.called-once", streamed(ERROR))
    assert broken("upstream.called-once", silent())


def continued(sent: str) -> list[Exchange]:
    part = {"type": "output_text", "text": 'Hello "Ada".', "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [message]}
    first, then = {"model": "m", "store": False}, {"model": "m", "store": False, "previous_response_id": "resp_1"}
    asked = {"messages": [{"role": "user", "content": sent}]}
    call = UpstreamCall("POST", "/v1/chat/completions", "", (), b"", asked, 0.1, answer=0, status=200, ended="complete")
    return [
        Exchange(ClientRequest("POST", "/v1/responses", (), body), 200, received=(answer,), upstream=upstream)
        for body, upstream in ((first, ()), (then, (call,)))
        for answer in [Received(0.1, json.dumps(response).encode())]
    ]


def test_what_is_ignored_is_not_kept() -> None:
    """Going on without what was not to be stored is another fault than having stored it."""
    assert broken("store.false-leaves-nothing", *continued('You said: Hello "Ada".'))
    assert not broken("store.false-leaves-nothing", *continued("My name?"))
