"""Targets whose events are stubs, without indexes, ids or status: a fault is told once, and nothing untrue with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, StreamEnd, Transcript
from fakes.log import UpstreamCall

CREATED = {"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress"}}
FAILED = {"type": "response.failed", "response": {"error": {"message": "The upstream failed."}}}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "output": []}}
DELTA = {"type": "response.output_text.delta", "delta": "So far"}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So far"}]}
DONE = {"type": "response.output_item.done", "item": MESSAGE}
TEXT = (SaidItem("text", "So far", 1),)
DIED = Said(TEXT, None, frozenset({"failed"}), error="The engine has died.")
RESET = Said((), None, frozenset({"failed", "http-error"}), status=0)


def found(rule: str, *exchanges: Exchange, **facts: Any) -> list[str]:
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", list(exchanges))], facts=facts)
    return [
        f"{said.expected}; {said.actual}" for said in REGISTRY[rule].check(transcript) if isinstance(said, Violation)
    ]


def streamed(said: Said, *events: dict[str, Any], ended: StreamEnd = "complete") -> Exchange:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": [], "stream": True})
    headers = (("content-type", "text/event-stream"),)
    return Exchange(request, 200, headers, received=(Received(0.1, body),), said=said, ended=ended)


def test_text_in_deltas_without_an_item_has_reached_the_client() -> None:
    """A delta that names no item is told by the schema; its text is not lost."""
    assert not found("ending.nothing-lost-before-failure", streamed(DIED, CREATED, DELTA, FAILED))
    assert found("ending.nothing-lost-before-failure", streamed(DIED, CREATED, FAILED))


def test_an_item_that_was_done_is_content() -> None:
    """An empty `output` after a message that was done is no empty success; without the message it is one."""
    marked = Said(TEXT, None, frozenset({"completed", "failed"}))
    assert not found("ending.doubtful-answer-has-content", streamed(marked, CREATED, DELTA, DONE, COMPLETED))
    assert found("ending.doubtful-answer-has-content", streamed(marked, CREATED, COMPLETED))


def test_a_failed_response_without_status_may_name_its_error() -> None:
    """`response.failed` says that the response failed, with a `status` in it or without; so does `.completed`."""
    assert not found("response.only-its-own-details", streamed(DIED, CREATED, FAILED))
    broken = {"type": "response.completed", "response": {"id": "resp_1", "error": {"code": "x", "message": "y"}}}
    assert found("response.only-its-own-details", streamed(DIED, CREATED, broken)) == [
        'null for error in a completed response; error: {"code": "x", "message": "y"}'
    ]


@pytest.mark.parametrize(("status", "may"), [(None, True), ("completed", True), ("done", False), ("queued", False)])
def test_the_status_is_optional_and_its_values_are_not(status: str | None, may: bool) -> None:
    """`Response.status` is optional in OpenAI's type and document: a response without one has no unknown status."""
    response = {"id": "resp_1", "output": []} | ({"status": status} if status else {})
    completed = {"type": "response.completed", "response": response}
    assert (not found("response.status-known", streamed(DIED, CREATED, completed))) is may


@pytest.mark.parametrize("ended", ["truncated", "complete"])
def test_an_answer_that_breaks_off_is_no_success(ended: StreamEnd) -> None:
    """A stream without a terminal event has not succeeded, whichever way its body ended; a completed one has."""
    assert not found("failure.never-succeeds", streamed(RESET, CREATED, ended=ended))
    wrong = found("failure.never-succeeds", streamed(RESET, CREATED, COMPLETED))
    assert len(wrong) == 1
    assert "an upstream that broke the connection before it answered" in wrong[0]


def test_a_broken_connection_is_called_one() -> None:
    """A failure without a status is told in words, not as a status of 0."""
    words = found("failure.server-error-kept", streamed(RESET, CREATED, ended="truncated"))
    assert len(words) == 1
    assert "broke the connection" in words[0]
    assert "None" not in words[0]


@pytest.mark.parametrize(
    ("path", "may"),
    [("/v1/responses/compact", True), ("/v1/responses/input_tokens", True), ("/v1/responses", False)],
)
def test_a_route_that_is_not_there_owes_no_error_object(path: str, may: bool) -> None:
    """A framework's own 404 for a route that nobody must offer is none of the target's error bodies."""
    request = ClientRequest("POST", path, (), {"input": []})
    answer = Exchange(request, 404, received=(Received(0.1, b'{"detail": "Not Found"}'),))
    assert (not found("failure.error-body", answer)) is may


def _continued(sent: str, status: int = 200) -> tuple[Exchange, Exchange]:
    first, second = (
        ClientRequest("POST", "/v1/responses", (), body)
        for body in (
            {"model": "m", "input": "My name is Ada.", "store": False, "stream": True},
            {"model": "m", "input": "My name?", "store": False, "stream": True, "previous_response_id": "resp_1"},
        )
    )
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": sent}]}
    call = UpstreamCall("POST", "/v1/chat/completions", "", (), b"", body, 0.1, answer=0, status=200, ended="complete")
    headers, stream = (("content-type", "text/event-stream"),), b"data: " + json.dumps(COMPLETED).encode() + b"\n\n"
    received = (Received(0.1, stream),)
    return (
        Exchange(first, 200, headers, received=received),
        Exchange(second, status, headers, received=received, upstream=(call,)),
    )


def test_what_was_not_to_be_stored_is_not_asked_for_upstream() -> None:
    """Who continues an unstored response is to be refused; to ignore it keeps nothing, and loses no words upstream."""
    ignored, kept = _continued("My name?"), _continued("My name is Ada. My name?")
    assert not found("upstream.user-text-arrives", *ignored)
    assert not found("store.false-leaves-nothing", *ignored)
    assert found("history.previous-response-continued", *ignored) == [
        "400 or 404: the response was not to be stored; it was ignored, and sent upstream"
    ]
    assert found("store.false-leaves-nothing", *kept)
    assert not found("history.previous-response-continued", *kept)


def test_a_result_of_nobody_hides_no_result() -> None:
    """A call that has its result is answered, whatever other result stands beside it; twice is not answered."""
    calls = [{"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]

    def wrong(*results: str) -> list[str]:
        messages: list[Any] = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": calls}]
        messages += [{"role": "tool", "tool_call_id": call_id, "content": "x"} for call_id in results]
        request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": "?", "stream": True})
        body = {"model": "m", "messages": messages}
        call = UpstreamCall("POST", "/v1/chat/completions", "", (), b"", body, 0.1, answer=0, status=200)
        return found("upstream.results-follow-calls", Exchange(request, 200, upstream=(call,)))

    assert not wrong("call_a", "call_nobody")
    assert wrong("call_nobody")
    assert wrong("call_a", "call_a")
