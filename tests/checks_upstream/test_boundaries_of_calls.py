"""Boundaries: how often, when and in which words a target may speak to its upstream, and what its client then gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Received, StreamEnd, Transcript
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_ASKED: Body = {"model": "m", "stream": True, "input": [{"type": "message", "role": "user", "content": "Hi."}]}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_MESSAGES = [{"role": "user", "content": "Hi."}]


def _call(sent: Body | None = None, *, at: float = 0.1, **more: Any) -> UpstreamCall:
    body = {"model": "m", "messages": _MESSAGES, **(sent or {})}
    return UpstreamCall("POST", "/", "", (), json.dumps(body).encode(), body, at, **{"status": 200, **more})


def _exchange(
    asked: Body | None = None, *events: tuple[float, Body], status: int | None = 200, **more: Any
) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {**_ASKED, **(asked or {})})
    if not events:
        answer = (Received(0.1, json.dumps(_ANSWER).encode()),)
        return Exchange(request, status, (("content-type", "application/json"),), answer, **more)
    received = tuple(Received(t, f"data: {json.dumps(event)}\n\n".encode()) for t, event in events)
    return Exchange(request, status, (("content-type", "text/event-stream"),), received, **more)


def _made(*exchanges: Exchange, dialect: Dialect = "vllm", kind: DriveKind = "stream", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive(kind, list(exchanges))], facts=facts)


DELTA: Body = {"type": "response.output_text.delta", "delta": "a"}
ITEM: Body = {"type": "response.output_item.done", "item": {}}
CREATED: Body = {"type": "response.created", "response": {}}


@pytest.mark.parametrize(
    ("first", "at", "told"),
    [
        (DELTA, 0.6, "wrong"),
        (ITEM, 0.6, "wrong"),
        (DELTA, 0.4, "right"),
        (DELTA, 0.5, "right"),
        (CREATED, 0.6, "nothing"),
    ],
)
def test_the_upstream_is_asked_again_before_anything_is_shown_only(
    first: Body, at: float, told: str, tells: Tells
) -> None:
    """A delta or an item that reached the client is the last moment; what comes before it shows nothing."""
    calls = (_call(), _call(at=at, retry_of=0))
    transcript = _made(_exchange(), _exchange(None, (0.5, first), upstream=calls))
    assert tells("retry.not-after-visible-output", transcript) == told


@pytest.mark.parametrize(
    ("status", "again", "only", "none"),
    [
        *((status, True, "wrong", "wrong") for status in (400, 401, 403, 404, 422)),
        *((status, True, "nothing", "wrong") for status in (408, 409, 429, 500, 503)),
        (400, False, "right", "right"),
        (500, False, "nothing", "right"),
        (200, True, "nothing", "nothing"),
    ],
)
def test_what_is_final_is_not_repeated(status: int, again: bool, only: str, none: str, tells: Tells) -> None:
    """A refusal stays one; a failure that may pass is the client's to repeat."""
    calls = (_call(status=status), *((_call(at=0.2, retry_of=0),) if again else ()))
    transcript = _made(_exchange(), _exchange(upstream=calls))
    assert tells("retry.only-what-may-succeed", transcript) == only
    assert tells("retry.none-by-the-target", transcript) == none


@pytest.mark.parametrize(
    ("status", "header", "waited", "told"),
    [
        (429, "2", 2.0, "right"),
        (429, "2", 1.97, "right"),
        (429, "2", 1.5, "wrong"),
        (503, "2", 1.5, "wrong"),
        (529, "2", 1.5, "wrong"),
        (500, "2", 1.5, "nothing"),
        (429, "soon", 0.0, "nothing"),
    ],
)
def test_a_target_waits_as_long_as_it_was_told(
    status: int, header: str, waited: float, told: str, tells: Tells
) -> None:
    """From the end of the refusal; a probe in between is no repetition."""
    refused = _call(status=status, sent_headers=(("Retry-After", header),), ended_at=1.0)
    calls = (refused, _call(at=1.1, kind="probe"), _call(at=1.0 + waited, retry_of=0))
    assert tells("retry.waits-as-told", _made(_exchange(upstream=calls))) == told


@pytest.mark.parametrize(
    ("writes", "heard", "told"),
    [
        ((0.0, 3.0), 1.5, "right"),
        ((0.0, 3.0), 3.0, "right"),
        ((0.0, 3.0), 3.1, "wrong"),
        ((0.0, 3.0), 0.4, "wrong"),
        ((0.0, 0.9, 1.8), 1.0, "nothing"),
        ((0.0, 2.0, 6.0), 1.5, "wrong"),
        ((0.0, 4.0, 6.0), 5.5, "wrong"),
        ((0.0, 4.0, 6.0), 2.0, "right"),
        ((5.0, 5.2), 5.1, "nothing"),
    ],
)
def test_a_sign_of_life_comes_in_the_longest_silence(
    writes: tuple[float, ...], heard: float, told: str, tells: Tells
) -> None:
    """Not right after the last word, which was on its way; and only where the upstream was silent for a second."""
    sent = [Sent(t, b"x") for t in writes]
    exchange = _exchange(None, (heard, CREATED), upstream=(_call(kind="probe"), _call()))
    exchange.upstream[1].sent = sent
    assert tells("delivery.kept-alive", _made(exchange, tags=frozenset({"silence"}))) == told


def test_a_silence_is_looked_for_in_each_answer(tells: Tells) -> None:
    """An answer without one comes before the one that is silent, and does not end the search."""
    brisk = _exchange(None, (0.1, CREATED), upstream=(_call(),))
    silent = _exchange(None, (0.1, CREATED), upstream=(_call(),))
    silent.upstream[0].sent = [Sent(0.0, b"x"), Sent(9.0, b"x")]
    assert tells("delivery.kept-alive", _made(brisk, silent, tags=frozenset({"silence"}))) == "wrong"


@pytest.mark.parametrize(
    ("roles", "leads", "developer"),
    [
        (["system", "user"], "right", "right"),
        (["user"], "nothing", "nothing"),
        (["developer", "user"], "right", "wrong"),
        (["system", "developer", "user"], "wrong", "wrong"),
        (["user", "system"], "wrong", "right"),
        (["user", "developer"], "wrong", "wrong"),
    ],
)
def test_open_models_have_one_system_message_and_it_leads(
    roles: list[str], leads: str, developer: str, tells: Tells
) -> None:
    """The developer's text is system text too, and stands first if it stands at all."""
    sent = {"messages": [{"role": role, "content": "x"} for role in roles]}
    transcript = _made(_exchange(upstream=(_call(sent),)))
    assert tells("upstream.system-leads", transcript) == leads
    assert tells("upstream.developer-is-system", transcript) == developer


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ({"type": "function", "function": {"name": "f", "parameters": {}}}, "right"),
        ({"type": "function", "function": {"name": "f"}}, "wrong"),
        ({"type": "function", "function": {"name": "f", "parameters": None}}, "wrong"),
        ({"type": "custom", "custom": {"name": "f"}}, "nothing"),
    ],
)
def test_a_function_has_parameters_upstream(tool: Body, told: str, tells: Tells) -> None:
    """An object, even an empty one; what is no function needs none."""
    assert tells("tools.parameters-present", _made(_exchange(upstream=(_call({"tools": [tool]}),)))) == told


@pytest.mark.parametrize("field", ["presence_penalty", "frequency_penalty"])
@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [(0.5, 0.5, "right"), (0.5, None, "wrong"), (0.5, 0.25, "wrong"), (1, 1.0, "right"), (True, None, "nothing")],
)
def test_each_penalty_is_passed_on_with_its_value(field: str, asked: Any, sent: Any, told: str, tells: Tells) -> None:
    """Both of them, and as the numbers that they are."""
    call = _call({} if sent is None else {field: sent})
    assert tells("upstream.penalties-passed", _made(_exchange({field: asked}, upstream=(call,)))) == told


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}, "right"),
        ({"top_logprobs": 2}, {"logprobs": True}, "wrong"),
        ({"top_logprobs": 1}, {"logprobs": True}, "wrong"),
        ({"top_logprobs": 0}, {"logprobs": True}, "right"),
        ({}, {"logprobs": True}, "right"),
        ({}, {}, "wrong"),
    ],
)
def test_log_probabilities_are_asked_for_as_many_as_wanted(asked: Body, sent: Body, told: str, tells: Tells) -> None:
    """Those of the alternatives only where the client wants some."""
    asked = {**asked, "include": ["message.output_text.logprobs"]}
    assert tells("upstream.logprobs-asked-for", _made(_exchange(asked, upstream=(_call(sent),)))) == told


def _left(*ends: StreamEnd, status: int = 200, answer: str = "completed") -> Transcript:
    """Responses of which the client left some, each with how its upstream's answer ended, and a look at one."""
    exchanges = [
        _exchange(ended="client-left", upstream=(_call(ended="complete" if end == "complete" else "client-gone"),))
        for end in ends
    ]
    fetched = _exchange(status=status)
    fetched.request = replace(fetched.request, method="GET", path="/v1/responses/resp_1")
    fetched.received = (Received(0.1, json.dumps({**_ANSWER, "status": answer}).encode()),)
    return _made(*exchanges, fetched)


@pytest.mark.parametrize(
    ("transcript", "told"),
    [
        (_left("reset"), "wrong"),
        (_left("reset", answer="cancelled"), "right"),
        (_left("reset", status=404), "right"),
        (_left("complete"), "nothing"),
        (_left("reset", "complete"), "nothing"),
        (_left("reset", "reset"), "wrong"),
    ],
)
def test_what_the_client_left_before_its_end_is_not_completed(transcript: Transcript, told: str, tells: Tells) -> None:
    """Where all that the client left was unfinished; else it is not known which of them is looked at."""
    assert tells("store.left-is-not-completed", transcript) == told


def test_only_a_look_tells_what_is_stored(tells: Tells) -> None:
    """The next request for a response is answered as completed rightly, whatever was left before it."""
    left = _exchange(ended="client-left", upstream=(_call(ended="client-gone"),))
    assert tells("store.left-is-not-completed", _made(left, _exchange())) == "nothing"


RESULT: Body = {"type": "function_call_output", "call_id": "call_lost", "output": "rain"}
MADE: Body = {"type": "function_call", "call_id": "call_lost", "name": "get_weather", "arguments": "{}"}
TOOLS: list[Body] = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("items", "status", "told"),
    [
        ([RESULT], 400, "right"),
        ([RESULT], 422, "right"),
        ([RESULT], 500, "nothing"),
        ([], 400, "nothing"),
        ([MADE, RESULT], 400, "nothing"),
    ],
)
def test_a_result_without_its_call_may_be_refused(items: list[Body], status: int, told: str, tells: Tells) -> None:
    """With either status; a request with nothing of the kind in it says nothing."""
    asked = {"input": [*_ASKED["input"], *items], "tools": TOOLS}
    assert tells("history.no-call-invented", _made(_exchange(asked, status=status))) == told


@pytest.mark.parametrize(("name", "told"), [("get_weather", "wrong"), ("unknown", "right")])
def test_no_call_of_a_declared_tool_is_made_up(name: str, told: str, tells: Tells) -> None:
    """A call that stands in for the lost one names no tool of the client's; only functions are its tools."""
    call = {"id": "call_lost", "type": "function", "function": {"name": name, "arguments": "{}"}}
    sent = {"messages": [*_MESSAGES, {"role": "assistant", "tool_calls": [call]},
                         {"role": "tool", "tool_call_id": "call_lost", "content": "rain"}]}  # fmt: skip
    asked = {"input": [*_ASKED["input"], RESULT], "tools": TOOLS}
    assert tells("history.no-call-invented", _made(_exchange(asked, upstream=(_call(sent),)))) == told


@pytest.mark.parametrize(
    ("streamed", "asked", "status", "event", "told"),
    [
        (False, True, 200, CREATED, "right"),
        (False, True, 299, CREATED, "right"),
        (False, True, 300, CREATED, "wrong"),
        (False, True, 502, CREATED, "wrong"),
        (False, True, 200, {"type": "response.failed"}, "wrong"),
        (True, True, 502, CREATED, "nothing"),
        (True, False, 502, CREATED, "wrong"),
    ],
)
def test_an_answer_in_the_other_form_is_read(
    streamed: bool, asked: bool, status: int, event: Body, told: str, tells: Tells
) -> None:
    """JSON for a stream and a stream for JSON, when the client gets the answer and no failure."""
    said = Said((SaidItem("text", "Hi.", 1),), None, frozenset({"completed"}), streamed=streamed)
    exchange = _exchange(None, (0.1, event), status=status, said=said, upstream=(_call({"stream": asked}),))
    assert tells("answer.other-form-understood", _made(exchange)) == told
