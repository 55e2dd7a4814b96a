"""Every request is accounted for: answered in order, repeated, surplus, probing, lost, refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from fakes import (
    EncodingError,
    FakeError,
    FakeUpstream,
    Fault,
    Frame,
    HttpFailure,
    Reply,
    Script,
    UpstreamCall,
    Verbatim,
    new_token,
)
from fakes.script import Text

STREAM = (("content-type", "text/event-stream"),)
HELLO, WORLD = (Script(parts=(Text((text,)),)) for text in ("Hello", "world"))
Body = dict[str, Any]


@pytest.fixture
def post(upstream: FakeUpstream) -> Callable[..., requests.Response]:
    def request(body: Body | bytes, path: str = "/v1/chat/completions", method: str = "POST") -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.request(method, upstream.url + path, data=data, timeout=10)

    return request


Post = Callable[..., requests.Response]


def test_answers_come_in_order(upstream: FakeUpstream, post: Post) -> None:
    """Different requests of one expectation get its answers one after another."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO, WORLD])
    assert [post({"model": token, "n": n}).json()["text"] for n in (1, 2)] == ["Hello", "world"]
    assert expectation.wait_idle(5)
    assert [(call.answer, call.retry_of, call.problem) for call in expectation.calls] == [
        (0, None, None),
        (1, None, None),
    ]


def test_a_repeat_of_a_success_is_not_a_retry(upstream: FakeUpstream, post: Post) -> None:
    """The same request after a whole answer gets the next answer."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO, WORLD])
    assert [post({"model": token}).json()["text"] for _ in range(2)] == ["Hello", "world"]
    assert [call.retry_of for call in expectation.calls] == [None, None]


def test_a_repeat_of_a_failure_is_a_retry(upstream: FakeUpstream, post: Post) -> None:
    """The same request after a failed answer gets the same answer, and says what it repeats."""
    token = new_token()
    expectation = upstream.expect(token, [HttpFailure(503, "overloaded", retry_after="1"), HELLO])
    statuses = [post(body).status_code for body in ({"model": token, "a": 1}, {"a": 1, "model": token})]
    assert statuses == [503, 503]
    assert [(call.answer, call.retry_of) for call in expectation.calls] == [(0, None), (0, 0)]


@pytest.mark.parametrize("fault", ["cut", "reset", "reset-before-status"])
def test_a_repeat_of_a_broken_answer_is_a_retry(upstream: FakeUpstream, fault: Fault) -> None:
    """The same request after an answer that broke off is a retry, as long as the client has nothing of it."""
    token = new_token()
    broken = Verbatim(Reply(200, STREAM, (Frame(b"data: x\n\n"),), fault))
    expectation = upstream.expect(token, [broken, HELLO])
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            requests.post(f"{upstream.url}/v1/chat/completions", json={"model": token}, timeout=5)
    assert expectation.wait_idle(5)
    assert [(call.answer, call.retry_of) for call in expectation.calls] == [(0, None), (0, 0)]


def test_a_repeat_after_the_client_has_something_is_no_retry(upstream: FakeUpstream, post: Post) -> None:
    """Once the client has received content, the same request is a further call, not a retry."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, (Frame(b"data: x\n\n"),), "cut")), HELLO])
    with pytest.raises(requests.RequestException):
        post({"model": token})
    expectation.client_received("x")
    assert post({"model": token}).json()["text"] == "Hello"
    assert [(call.answer, call.retry_of) for call in expectation.calls] == [(0, None), (1, None)]


def test_a_repeat_while_the_first_is_silent_is_a_retry(upstream: FakeUpstream) -> None:
    """The same request while the first answer has stalled is a retry: the target gave up waiting."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, (), "stall")), HELLO])
    url = f"{upstream.url}/v1/chat/completions"
    with (
        requests.post(url, json={"model": token}, stream=True, timeout=10) as first,
        requests.post(url, json={"model": token}, stream=True, timeout=10) as second,
    ):
        assert (first.status_code, second.status_code) == (200, 200)
        upstream.forget(expectation)
    assert [(call.answer, call.retry_of) for call in expectation.calls] == [(0, None), (0, 0)]


def test_a_surplus_call_fails_and_is_worded(upstream: FakeUpstream, post: Post) -> None:
    """A call beyond the answers gets the service's failure, and the log says which it resembles."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    post({"model": token})
    assert post({"model": token}).status_code == 500
    call = expectation.calls[1]
    assert call.answer is None
    assert call.problem is not None
    assert "surplus call" in call.problem
    assert "the same body as call 1" in call.problem
    assert post({"model": token, "other": 1}).status_code == 500
    assert "a body of its own" in (expectation.calls[2].problem or "")


def test_probes_are_logged_and_never_count(upstream: FakeUpstream, post: Post) -> None:
    """Other routes of the service answer as they do there and use up no answer."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    assert post(b"", "/v1/models", "GET").json() == {"data": []}
    assert post({"model": token}, "/v1/models").status_code == 200
    assert post({"model": token}).json()["text"] == "Hello"
    assert [call.kind for call in expectation.calls] == ["probe", "completion"]
    assert [call.kind for call in upstream.unowned] == ["probe"]
    assert upstream.strays == ()


def test_an_unknown_route_answers_as_the_service_does(upstream: FakeUpstream, post: Post) -> None:
    """A path that the service lacks gets its 404, and the log names the route that was meant."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    response = post({"model": token}, "/v1/v1/chat/completions")
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
    (call,) = expectation.calls
    assert (call.kind, call.answer) == ("unknown", None)
    assert "expected POST /v1/chat/completions, got POST /v1/v1/chat/completions" in (call.problem or "")


def test_a_wrong_method_is_an_unknown_route(upstream: FakeUpstream, post: Post) -> None:
    """The completion route asked with another method is no completion, and the log says so."""
    assert post(b"", "/v1/chat/completions", "GET").status_code == 404
    assert "method: expected POST" in (upstream.strays[0].problem or "")


def test_a_stray_names_the_nearest_and_what_differs(upstream: FakeUpstream, post: Post) -> None:
    """A request that nothing expects fails with the nearest candidate, the field that differs, and what to do."""
    token = new_token()
    upstream.expect(token, [HELLO])
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    message = post({"model": wrong, "messages": [{"role": "user", "content": "Hi"}]}).json()["error"]["message"]
    assert f"nearest of 1 open: {token}" in message
    assert f"token: expected {token!r} in the model name or a user text, got {wrong!r}" in message
    assert "what to do" in message
    (stray,) = upstream.strays
    assert (stray.problem, stray.status, stray.token) == (message, 500, wrong)


def test_a_late_call_is_told_from_a_lost_one(upstream: FakeUpstream, post: Post) -> None:
    """A request for an expectation that is over says that it came too late."""
    token = new_token()
    upstream.forget(upstream.expect(token, [HELLO]))
    assert post({"model": token}).status_code == 500
    assert f"{token}, whose expectation is over" in (upstream.strays[0].problem or "")


def test_a_request_while_nothing_is_expected(upstream: FakeUpstream, post: Post) -> None:
    """Without any expectation the message says that nothing is expected."""
    post({"model": "m", "messages": [{"role": "user", "content": "x" * 100}]})
    problem = upstream.strays[0].problem or ""
    assert "nothing is expected at the moment" in problem
    assert "x" * 61 not in problem


def test_objections_are_noted_and_answered_all_the_same(upstream: FakeUpstream, post: Post) -> None:
    """What the service would refuse is an observation; the answer comes nevertheless."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    assert post({"model": token, "temperature": "hot"}).json()["text"] == "Hello"
    assert [objection.rule for objection in expectation.calls[0].objections] == ["plain.temperature"]


def test_strict_answers_with_the_refusal(upstream: FakeUpstream, post: Post) -> None:
    """A strict expectation refuses as the service does, uses up no answer, and goes on."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO], strict=True)
    refused = post({"model": token, "temperature": "hot"})
    assert (refused.status_code, refused.json()["error"]["message"]) == (422, "temperature must be a number")
    assert post({"model": token}).json()["text"] == "Hello"
    assert expectation.wait_idle(5)
    assert [(call.ended, call.answer) for call in expectation.calls] == [("refused", None), ("complete", 0)]


def test_a_body_that_is_no_object_is_refused(upstream: FakeUpstream, post: Post) -> None:
    """A script cannot answer what is no JSON object: the request is refused, strict or not."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    assert post(f'{{"model": "{token}", '.encode()).status_code == 400
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert (call.json, call.ended) == (None, "refused")


def test_an_exception_of_the_fake_is_reported(upstream: FakeUpstream, post: Post) -> None:
    """When the encoder raises, the target gets a 500 and the log the traceback."""
    token = new_token()
    expectation = upstream.expect(token, [Script(quirks=frozenset({"explode"}))])
    assert post({"model": token}).status_code == 500
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert call.ended == "broken"
    assert "ZeroDivisionError: boom in the encoder" in (call.problem or "")


def test_an_exception_in_mid_stream_is_reported(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """When sending raises after the status line, the body is left incomplete and the log has the traceback."""
    from fakes import Gated, gates

    def explode(*_: object) -> None:
        raise LookupError("boom at the gate")

    monkeypatch.setattr(gates.Gatekeeper, "hold", explode)
    token = new_token()
    reply = Reply(200, STREAM, (Frame(b"data: a\n\n", "a"), Frame(b"data: b\n\n")))
    expectation = upstream.expect(token, [Verbatim(reply)], delivery=Gated())
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.post(f"{upstream.url}/v1/chat/completions", json={"model": token, "stream": True}, timeout=5)
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert call.ended == "broken"
    assert "LookupError: boom at the gate" in (call.problem or "")


def test_what_the_dialect_cannot_say_is_worded_without_a_traceback(
    upstream: FakeUpstream, post: Post, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that the dialect has no words for is our error: named, and not blamed on the target."""

    def encode(*_: object) -> Reply:
        raise EncodingError("chat completions has no redacted reasoning")

    monkeypatch.setattr(plain, "encode", encode)
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    assert post({"model": token}).status_code == 500
    problem = expectation.calls[0].problem
    assert problem == "the fake could not answer: chat completions has no redacted reasoning"


def test_two_expectations_cannot_share_a_token(upstream: FakeUpstream) -> None:
    """A token that is expected already is refused."""
    token = new_token()
    upstream.expect(token, [HELLO])
    with pytest.raises(FakeError, match="is expected already"):
        upstream.expect(token.upper(), [HELLO])


def test_a_token_may_be_used_again_when_it_is_over(upstream: FakeUpstream, post: Post) -> None:
    """The turns of one case share a token, one expectation after another."""
    token = new_token()
    for script, text in ((HELLO, "Hello"), (WORLD, "world")):
        expectation = upstream.expect(token, [script])
        assert post({"model": token}).json()["text"] == text
        upstream.forget(expectation)


def test_each_answer_is_announced(plain: Any) -> None:
    """`on_call` is told of each request after it has been answered, whoever it belonged to."""
    told: list[UpstreamCall] = []
    done = threading.Semaphore(0)

    def note(call: UpstreamCall) -> None:
        told.append(call)
        done.release()

    with FakeUpstream(plain, on_call=note, fallback=lambda call: WORLD) as upstream:
        url = f"{upstream.url}/v1/chat/completions"
        assert requests.post(url, json={"model": "any"}, timeout=5).json()["text"] == "world"
        assert done.acquire(timeout=5)
        requests.get(f"{upstream.url}/v1/models", timeout=5)
        assert done.acquire(timeout=5)
        assert [(call.kind, call.ended, call.problem) for call in told] == [
            ("completion", "complete", None),
            ("probe", "complete", None),
        ]
        assert upstream.strays == ()


def test_the_log_has_the_request_as_it_came(upstream: FakeUpstream) -> None:
    """Method, path, query, headers in their case, and body are kept as they arrived."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    url = f"{upstream.url}/v1/chat/completions?beta=true"
    requests.post(url, json={"model": token}, headers={"X-Custom_Name": "ä".encode("latin-1")}, timeout=5)
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert (call.method, call.path, call.query) == ("POST", "/v1/chat/completions", "beta=true")
    assert ("X-Custom_Name", "ä") in call.headers
    assert call.header("content-type") == "application/json"
    assert call.json == json.loads(call.body) == {"model": token}
    assert call.ended_at is not None
    assert call.received_at <= call.sent[0].t <= call.ended_at
