"""Boundaries of responses: what an answer is said to be as a whole, how it ends, what it repeats and counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from openai.types.responses import ResponseError

from conformance.miniatures.edits import encode
from conformance.said import EndState, Said, SaidUsage
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_SSE = (("content-type", "text/event-stream"),)
_ENDS: frozenset[EndState] = frozenset({"completed"})


def _stream(*events: Body, asked: Body | None = None, **more: Any) -> Exchange:
    body = b"".join(encode({**event, "sequence_number": number}) for number, event in enumerate(events))
    request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x", **(asked or {})})
    return Exchange(request, 200, _SSE, (Received(0.1, body),), **more)


def _made(*exchanges: Exchange) -> Transcript:
    return Transcript("case", "vllm", [Drive("stream", list(exchanges))])


def _ended(status: str, **response: Any) -> Body:
    return {"type": f"response.{status}", "response": {"id": "resp_1", "status": status, "output": [], **response}}


def _item(kind: str, step: str = "done", /, number: int = 0, **keys: Any) -> Body:
    return {
        "type": f"response.output_item.{step}",
        "output_index": number,
        "item": {"type": kind, "id": f"item_{number}", **keys},
    }


KNOWN = (
    *get_args(ResponseError.model_fields["code"].annotation),
    "content_policy_violation",
    "context_length_exceeded",
    "insufficient_quota",
    "model_not_found",
    "server_is_overloaded",
    "slow_down",
    "usage_not_included",
)


@pytest.mark.parametrize(
    ("code", "told"),
    [*((code, "right") for code in KNOWN), ("ValueError", "wrong"), ("500", "wrong"), (None, "nothing")],
)
def test_codes_that_sdks_list_or_clients_know_are_known(code: Any, told: str, tells: Tells) -> None:
    """The SDK's enumeration, and the words by which Codex decides; a class of Python is neither."""
    failed = _stream(_ended("failed", error={"code": code, "message": "No."}))
    assert tells("response.error-code-known", _made(_stream(_ended("completed")), failed)) == told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"code": "server_error", "message": "No."}, "right"),
        ({"code": "", "message": "No."}, "wrong"),
        ({"code": "server_error", "message": ""}, "wrong"),
        ({"code": 500, "message": "No."}, "wrong"),
        ({"message": "No."}, "wrong"),
        ({"code": "server_error"}, "wrong"),
    ],
)
def test_a_failure_has_a_code_and_a_message(keys: Body, told: str, tells: Tells) -> None:
    """Both of them strings, both not empty, after whatever else was answered."""
    transcript = _made(_stream(_ended("completed")), _stream(_ended("failed", error=keys)))
    assert tells("response.error-shape", transcript) == told
    assert tells("ending.failed-response-names-error", transcript) == told


PAYLOAD: Body = {"type": "server_error", "code": None, "message": "It broke.", "param": None}


@pytest.mark.parametrize("key", sorted(PAYLOAD))
def test_a_nested_error_has_each_of_its_keys(key: str, tells: Tells) -> None:
    """Each must be there; `code` and `param` may be null, `type` and `message` may not."""

    def judged(payload: Body) -> str:
        return tells("stream.error-event-nested", _made(_stream({"type": "error", "error": payload})))

    assert judged(PAYLOAD) == "right"
    assert judged({name: value for name, value in PAYLOAD.items() if name != key}) == "wrong"
    assert judged({**PAYLOAD, key: None}) == ("right" if key in ("code", "param") else "wrong")
    assert judged({**PAYLOAD, key: 5}) == "wrong"
    assert judged({**PAYLOAD, key: "word"}) == "right"


@pytest.mark.parametrize(
    ("status", "times", "told"),
    [
        ("completed", {"created_at": 1764000000, "completed_at": 1764000000}, "right"),
        ("completed", {"created_at": 1764000000, "completed_at": 1763999999}, "wrong"),
        ("completed", {"created_at": 1764000000, "completed_at": "now"}, "wrong"),
        ("completed", {"created_at": 1764000000, "completed_at": None}, "nothing"),
        ("completed", {"created_at": 1764000000}, "nothing"),
        ("incomplete", {"created_at": 1764000000, "completed_at": 1764000001}, "wrong"),
        ("incomplete", {"created_at": 1764000000, "completed_at": None}, "nothing"),
    ],
)
def test_only_what_is_completed_has_a_time_of_it(status: str, times: Body, told: str, tells: Tells) -> None:
    """In the same second at the earliest."""
    assert tells("response.completed-at", _made(_stream(_ended(status, **times)))) == told


@pytest.mark.parametrize(
    ("status", "details", "told"),
    [
        ("completed", {}, "right"),
        ("completed", {"error": {"code": "server_error"}}, "wrong"),
        ("completed", {"incomplete_details": {"reason": "max_output_tokens"}}, "wrong"),
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "right"),
        ("incomplete", {"error": {"code": "server_error"}}, "wrong"),
        ("failed", {"error": {"code": "server_error"}}, "right"),
        ("failed", {"incomplete_details": {"reason": "max_output_tokens"}}, "wrong"),
    ],
)
def test_each_end_has_its_own_details(status: str, details: Body, told: str, tells: Tells) -> None:
    """`error` belongs to a failure, `incomplete_details` to a cut, and nothing to success."""
    assert tells("response.only-its-own-details", _made(_stream(_ended(status, **details)))) == told


ECHOED = {
    "instructions": ("Be brief.", "Be long."),
    "max_output_tokens": (100, 200),
    "metadata": ({"a": "1"}, {"a": "2"}),
    "parallel_tool_calls": (False, True),
    "previous_response_id": ("resp_0", "resp_9"),
    "temperature": (0.5, 0.7),
    "top_p": (0.25, 0.5),
    "truncation": ("auto", "disabled"),
}


@pytest.mark.parametrize("key", sorted(ECHOED))
def test_each_setting_is_echoed_as_asked_or_as_applied(key: str, tells: Tells) -> None:
    """The client's value, or the one that went upstream; a stream that failed before is not the last word."""
    asked, other = ECHOED[key]
    rule = "response.echoes-settings"
    failed = _stream(_ended("failed", **{key: other}), asked={key: asked})

    def echoing(value: Any, *calls: UpstreamCall) -> Transcript:
        return _made(failed, _stream(_ended("completed", **{key: value}), asked={key: asked}, upstream=calls))

    assert tells(rule, echoing(asked)) == "right"
    assert tells(rule, echoing(other)) == "wrong"
    assert tells(rule, _made(failed)) == "nothing"
    names = ("max_tokens", "max_completion_tokens") if key == "max_output_tokens" else (key,)
    for name in names:
        applied = UpstreamCall("POST", "/", "", (), b"", {name: other}, 0.1)
        assert tells(rule, echoing(other, applied)) == "right"
        assert tells(rule, echoing("neither", applied)) == "wrong"


@pytest.mark.parametrize(("kept", "told"), [((0, 1), "right"), ((0,), "wrong"), ((1,), "wrong"), ((), "nothing")])
def test_a_failed_response_that_has_an_output_has_what_was_done(kept: tuple[int, ...], told: str, tells: Tells) -> None:
    """Where nothing was done, and where there is no output, nothing can be missing."""
    rule = "ending.failed-keeps-done-items"
    items = [_item("message", number=0, content=[]), _item("message", number=1, content=[])]
    failed = _ended("failed", output=[items[number]["item"] for number in kept])
    assert tells(rule, _made(_stream(*items, failed))) == told
    assert tells(rule, _made(_stream(failed))) == "nothing"
    assert tells(rule, _made(_stream(_item("message", "added", content=[]), failed))) == "nothing"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("message", "right"),
        ("function_call", "right"),
        ("custom_tool_call", "right"),
        ("reasoning", "wrong"),
        (None, "wrong"),
    ],
)
def test_an_answer_without_a_reason_holds_something(kind: str | None, told: str, tells: Tells) -> None:
    """A message or a call, that was done or stands in the output; thoughts alone are no answer."""
    said = Said((), None, frozenset({"completed", "failed"}))
    done = [_item(kind)] if kind else []
    listed = _ended("completed", output=[{"type": kind, "id": "item_0"}] if kind else [])
    rule = "ending.doubtful-answer-has-content"
    assert tells(rule, _made(_stream(*done, _ended("completed"), said=said))) == told
    assert tells(rule, _made(_stream(listed, said=said))) == told
    assert tells(rule, _made(_stream(*done, _ended("failed"), said=said))) == "nothing"
    known = Said((), None, frozenset({"completed"}), finish="stop")
    assert tells(rule, _made(_stream(_ended("completed"), said=known))) == "nothing"


@pytest.mark.parametrize("kind", ["message", "reasoning"])
@pytest.mark.parametrize(("when", "told"), [("before", "right"), ("after", "wrong"), ("never", "wrong")])
def test_each_item_is_done_before_an_answer_is_cut(kind: str, when: str, told: str, tells: Tells) -> None:
    """Messages and thoughts; a call that was cut stays open."""
    rule, cut = "item.done-before-incomplete", _ended("incomplete")

    def judged(one: str) -> str:
        added, done = _item(one, "added", content=[]), _item(one, content=[])
        events = {"before": (added, done, cut), "after": (added, cut, done), "never": (added, cut)}[when]
        return tells(rule, _made(_stream(*events)))

    assert judged(kind) == told
    assert judged("function_call") == "nothing"


@pytest.mark.parametrize("key", ["error", "incomplete_details", "usage", "completed_at"])
@pytest.mark.parametrize("step", ["created", "in_progress"])
def test_nothing_final_stands_in_a_snapshot(key: str, step: str, tells: Tells) -> None:
    """Each of the keys is null or absent before the end."""

    def judged(**keys: Any) -> str:
        snapshot = {"type": f"response.{step}", "response": {"id": "resp_1", "status": "in_progress", **keys}}
        return tells("stream.snapshot-nothing-final", _made(_stream(snapshot)))

    assert judged() == "right"
    assert judged(**{key: None}) == "right"
    assert judged(**{key: {"code": "x"}}) == "wrong"
    assert judged(**{key: 0}) == "wrong"


REQUIRED = (
    *("id", "object", "created_at", "error", "incomplete_details", "instructions", "metadata", "model", "output"),
    *("parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p"),
)


@pytest.mark.parametrize("key", REQUIRED)
def test_each_field_that_openai_requires_is_looked_for(key: str, tells: Tells) -> None:
    """In a whole answer as at the end of a stream: null will do, nothing will not."""
    response: Body = {**dict.fromkeys(REQUIRED), "object": "response", "status": "completed", "output": []}
    less = {name: value for name, value in response.items() if name != key}

    def whole(body: Body) -> Transcript:
        request = ClientRequest("POST", "/responses", (), {"model": "m", "input": "x"})
        received = (Received(0.1, json.dumps(body).encode()),)
        return _made(Exchange(request, 200, (("content-type", "application/json"),), received))

    assert tells("json.openapi-fields", whole(response)) == "right"
    if key != "object":
        assert tells("json.openapi-fields", whole(less)) == "wrong"
    for status, rule in (("completed", "response.required-fields"), ("failed", "response.failed-whole")):
        ended = {"type": f"response.{status}", "response": response}
        assert tells(rule, _made(_stream(ended))) == "right"
        assert tells(rule, _made(_stream({**ended, "response": less}))) == "wrong"


@pytest.mark.parametrize(("kind", "told"), [("message", "right"), ("acme:note", "right"), ("thinking", "wrong")])
def test_a_type_that_only_the_final_output_has_is_looked_at(kind: str, told: str, tells: Tells) -> None:
    """An item need not have had events of its own."""
    assert tells("item.known-types", _made(_stream(_ended("completed", output=[{"type": kind}])))) == told


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed"])
def test_what_the_final_output_has_was_streamed_in_that_order(status: str, tells: Tells) -> None:
    """Of an answer that a limit cut as of a whole one; a failure has an output of its own."""
    items = [_item("message", number=number, content=[]) for number in (0, 1)]
    first, second = (event["item"] for event in items)
    unknown = {"type": "message", "id": "item_9", "content": []}

    def judged(rule: str, *output: Body) -> str:
        told = tells(rule, _made(_stream(*items, _ended(status, output=list(output)))))
        assert status != "failed" or told == "nothing"
        return "nothing" if status == "failed" else told

    nothing = "nothing" if status == "failed" else None
    assert judged("response.output-in-order", first, second) == (nothing or "right")
    assert judged("response.output-in-order", second, first) == (nothing or "wrong")
    assert judged("response.output-in-order", first) == "nothing"
    assert judged("response.output-was-streamed", first, second) == (nothing or "right")
    assert judged("response.output-was-streamed", first, second, unknown) == (nothing or "wrong")


@pytest.mark.parametrize(
    ("said", "model", "told"),
    [
        (None, "m", "right"),
        (None, "other", "wrong"),
        (None, None, "wrong"),
        (Said((), None, _ENDS), "other", "wrong"),
        (Said((), None, _ENDS), None, "wrong"),
        (Said((), None, _ENDS, model="m-2026"), "m-2026", "right"),
        (Said((), None, _ENDS, model="m-2026"), "other", "wrong"),
    ],
)
def test_a_model_is_judged_whatever_is_known_of_the_upstream(
    said: Said | None, model: Any, told: str, tells: Tells
) -> None:
    """By the request alone where nothing is known, or where the upstream named none: null is no name either."""
    assert tells("response.echoes-model", _made(_stream(_ended("completed", model=model), said=said))) == told


@pytest.mark.parametrize(
    ("group", "key"),
    [
        ("input_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cache_write_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
    ],
)
@pytest.mark.parametrize(("found", "told"), [(3, "right"), (4, "wrong"), (None, "nothing")])
def test_each_detail_of_the_usage_is_compared(group: str, key: str, found: Any, told: str, tells: Tells) -> None:
    """By itself, where both sides report it."""
    usage = {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18, group: {key: found}}
    said = Said((), SaidUsage(9, 9, 3, 3, 3), _ENDS)
    assert tells("usage.details-equal-upstream", _made(_stream(_ended("completed", usage=usage), said=said))) == told
