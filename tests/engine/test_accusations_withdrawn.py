"""Legal doings of real servers which no rule may accuse: each was accused once, by chance or by a narrow reading."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.normal_form import drive_difference
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, StreamEnd, Transcript
from fakes.log import UpstreamCall

LIMITED = Said((), None, frozenset({"http-error", "failed"}), status=429, error="Slow down.", error_kind="rate_limit")


def broken(rule: str, *exchanges: Exchange) -> bool:
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", list(exchanges))])
    return any(isinstance(said, Violation) for said in REGISTRY[rule].check(transcript))


def asked(status: int | None, body: Any = None, *calls: UpstreamCall, **more: Any) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "stream": False})
    return Exchange(request, status, received=(Received(0.1, json.dumps(body).encode()),), upstream=calls, **more)


def call(status: int) -> UpstreamCall:
    return UpstreamCall("POST", "/v1/chat/completions", "", (), b"", {}, 0.1, answer=0, status=status, ended="complete")


@pytest.mark.parametrize("rule", ["failure.rate-limit-kept", "failure.never-succeeds", "upstream.called-once"])
def test_patience_is_no_success_and_no_other_class(rule: str) -> None:
    """A target that waits as `Retry-After` says, longer than the client, has not yet answered anything wrongly."""
    waiting: StreamEnd = "deadline"
    assert not broken(rule, asked(None, None, call(429), call(429), said=LIMITED, ended=waiting))


def test_a_failure_after_retries_is_no_refusal() -> None:
    """A 5xx that follows a 5xx of the upstream is told of the upstream, not of a legal request."""
    error = {"error": {"message": "The upstream failed.", "type": "server_error", "param": None, "code": None}}
    assert not broken("answer.whole", asked(500, error, call(200), call(500)))
    assert broken("answer.whole", asked(500, error, call(200)))


@pytest.mark.parametrize(("kind", "may"), [("web_search_call", True), ("message", False), ("function_call", False)])
def test_a_search_may_fail(kind: str, may: bool) -> None:
    """`failed` is a status of the service's own tools, and of nothing that the model says."""
    item = {"type": kind, "id": "x_1", "status": "failed", "content": [], "role": "assistant"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    request = ClientRequest("POST", "/v1/responses", (), {"stream": True})
    headers = (("content-type", "text/event-stream"),)
    exchange = Exchange(request, 200, headers, received=(Received(0.1, body),))
    assert broken("item.done-is-final", exchange) is not may


def test_what_the_service_mints_anew_is_no_difference() -> None:
    """Ids that are keys, and opaque pointers into search results, differ from one upstream answer to the next."""

    def drive(identity: str, pointer: str, query: str = "rivers") -> Drive:
        searches = {identity: {"id": identity, "query": query}}
        return Drive("stream", [asked(200, {"searches": searches, "citation": {"encrypted_index": pointer}})])

    assert drive_difference(drive("srv_1", "abc"), drive("srv_2", "xyz")) is None
    assert drive_difference(drive("srv_1", "abc"), drive("srv_2", "xyz", "lakes")) is not None


@pytest.mark.parametrize(("ended", "may"), [("client-gone", True), ("complete", False)])
def test_what_came_after_the_target_gave_up_is_not_lost(ended: Any, may: bool) -> None:
    """Text that the upstream wrote when the target had gone, tired of its silence, never came to it."""
    response = {
        "id": "resp_1",
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "Silent."},
    }
    event = {"type": "response.failed", "sequence_number": 0, "response": response}
    exchange = Exchange(
        ClientRequest("POST", "/v1/responses", (), {"stream": True}),
        200,
        (("content-type", "text/event-stream"),),
        received=(Received(0.1, b"data: " + json.dumps(event).encode() + b"\n\n"),),
        upstream=(replace(call(200), ended=ended),),
        said=Said((SaidItem("text", "Hello", 1, complete=False),), None, frozenset({"failed"}), error="Died."),
    )
    assert broken("ending.nothing-lost-before-failure", exchange) is not may


@pytest.mark.parametrize(
    ("second", "ends", "may"), [(b"{}", "failed", True), (b"{}", "completed", False), (b"[]", "failed", False)]
)
def test_an_answer_that_nobody_can_read_may_be_asked_for_again(second: bytes, ends: Any, may: bool) -> None:
    """A page instead of a stream is a failure, and the same request once more is a retry; after an answer it is not."""
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": "Hello.", "stream": True})
    calls = tuple(replace(call(200), body=body) for body in (b"{}", second))
    exchange = Exchange(request, 502, upstream=calls, said=Said((), None, frozenset({ends})))
    assert broken("upstream.called-once", exchange) is not may


def test_an_id_that_the_stream_gave_out_is_known() -> None:
    """A response that only `response.created` named may be found; one that nobody named may not."""
    event = {
        "type": "response.created",
        "sequence_number": 0,
        "response": {"id": "resp_given", "status": "in_progress"},
    }
    made = Exchange(
        ClientRequest("POST", "/v1/responses", (), {"stream": True}),
        200,
        (("content-type", "text/event-stream"),),
        received=(Received(0.1, b"data: " + json.dumps(event).encode() + b"\n\n"),),
    )
    found = [
        Exchange(ClientRequest("GET", f"/v1/responses/{name}", (), None), 200) for name in ("resp_given", "resp_other")
    ]
    assert not broken("endpoint.unknown-response", made, found[0])
    assert broken("endpoint.unknown-response", made, found[1])


@pytest.mark.parametrize(("turns", "may"), [(2, True), (1, False)])
def test_a_drive_that_ends_early_never_came_to_its_wrong_request(turns: int, may: bool) -> None:
    """Where the upstream breaks off at the first turn, nothing can be continued: that 502 refuses nothing."""
    failed = asked(502, {"error": {"message": "The upstream broke off.", "type": "server_error"}}, call(200))
    facts = {"turns": turns, "refusal_statuses": frozenset({400, 404}), "may_refuse": True}
    transcript = Transcript("some.case", "vllm", [Drive("stream", [failed])], facts=facts)
    for rule in ("refusal.never-5xx", "refusal.status"):
        said = [isinstance(one, Violation) for one in REGISTRY[rule].check(transcript)]
        assert any(said) is not may
