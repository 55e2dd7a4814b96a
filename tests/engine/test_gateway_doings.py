"""Legal doings of gateways, each of which was taken for a fault of the gateway once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.checks.phrases import around
from conformance.normal_form import drive_difference
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidUsage
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Received, Transcript
from fakes.expectation import Expectation
from fakes.log import Sent, UpstreamCall
from fakes.reply import AsFramed
from fakes.script import Dialect

ASKED = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": "Hello.", "stream": False})
REPORTED = Said((), SaidUsage(17, 9, None, None, None), frozenset({"completed"}))


def violations(rule: str, *exchanges: Exchange, **facts: Any) -> list[Violation]:
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", list(exchanges))], facts=facts)
    return [said for said in REGISTRY[rule].check(transcript) if isinstance(said, Violation)]


def call(status: int = 200, **more: Any) -> UpstreamCall:
    known: dict[str, Any] = {"body": b"{}", "ended": "complete"} | more
    return UpstreamCall(
        "POST", "/v1/chat/completions", "", (), json=None, received_at=0.1, answer=0, status=status, **known
    )


def streamed(events: list[dict[str, Any]]) -> Exchange:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    request = ClientRequest("POST", "/v1/responses", (), {"stream": True})
    return Exchange(request, 200, (("content-type", "text/event-stream"),), received=(Received(0.1, body),))


def drive(kind: DriveKind, usage: dict[str, int], **more: Any) -> Drive:
    body = {"object": "response", "usage": usage} | more
    received = (Received(0.1, json.dumps(body).encode()),)
    return Drive(kind, [Exchange(ASKED, 200, received=received, upstream=(call(),), said=REPORTED)])


@pytest.mark.parametrize(
    ("plain", "hostile", "same"),
    [((17, 114), (17, 117), True), ((17, 9), (17, 9), True), ((17, 9), (17, 8), False), ((17, 8), (17, 9), False)],
)
def test_tokens_that_a_target_counts_itself_are_no_difference(
    plain: tuple[int, int], hostile: tuple[int, int], same: bool
) -> None:
    """An estimate counts random ids too and differs from run to run; usage that only one delivery loses is a loss."""
    first, second = ({"input_tokens": one[0], "output_tokens": one[1]} for one in (plain, hostile))
    assert (drive_difference(drive("stream", first), drive("hostile", second)) is None) is same


@pytest.mark.parametrize(("left", "right", "same"), [("srv_1", "srv_2", True), ("first", "second", False)])
def test_a_key_that_an_id_was_made_from_is_an_id(left: str, right: str, same: bool) -> None:
    """A table by the upstream's ids, whose items have ids made from them, is the same table with other ids."""
    usage = {"input_tokens": 17, "output_tokens": 9}
    drives = [drive("stream", usage, table={key: {"id": f"ws_{key}" if same else "ws"}}) for key in (left, right)]
    assert (drive_difference(*drives) is None) is same


def test_a_call_for_a_client_that_has_left_may_be_made_again() -> None:
    """Whoever finds the connection to its upstream closed repeats the request, even where nobody waits any more."""
    calls = (call(ended="stalled"), call(500))
    assert not violations("upstream.called-once", Exchange(ASKED, None, upstream=calls, ended="client-left"))
    answered = (call(), call(500))
    assert violations("upstream.called-once", Exchange(ASKED, None, upstream=answered, ended="client-left"))


@pytest.mark.parametrize(
    ("bodies", "words"),
    [((b"{}", b"{}", b"{}"), "the same request reached the upstream 3 times"), ((b"{}", b"[]"), "2 different")],
)
def test_the_same_request_is_not_called_another(bodies: tuple[bytes, ...], words: str) -> None:
    """The message on surplus requests says whether they were different ones."""
    (found,) = violations("upstream.called-once", Exchange(ASKED, 500, upstream=tuple(call(body=b) for b in bodies)))
    assert words in found.actual


@pytest.mark.parametrize(
    ("kind", "retry"), [("text/html", 0), ("text/html; charset=utf-8", 0), ("application/json", None)]
)
def test_a_page_may_be_asked_for_again(kind: str, retry: int | None) -> None:
    """A web page in the place of an answer is what a broken gateway sends: the same request once more is a retry."""
    expectation = Expectation("cfx", [], AsFramed(), strict=False)
    page = replace(
        call(), answer=None, sent_headers=(("Content-Type", kind),), sent=[Sent(0.1, b"<html>")], ended_at=0.2
    )
    expectation.enter(page)
    again = call(ended=None)
    expectation.enter(again)
    expectation.choose(again)
    assert again.retry_of == retry


@pytest.mark.parametrize(("steady", "told"), [(True, True), (False, False), (None, True)])
def test_a_target_that_differs_from_itself_says_nothing_of_the_delivery(steady: bool | None, told: bool) -> None:
    """Where the plain drive, made once more, gives other events too, no way of cutting the stream is to blame."""
    drives = [drive(kind, {"input_tokens": 17, "output_tokens": 9}, text=kind) for kind in ("stream", "hostile")]
    facts = {} if steady is None else {"hostile": {"steady": steady, "guilty": ["cuts"]}}
    transcript = Transcript("some.case", "chat_completions", drives, facts=facts)
    said = list(REGISTRY["delivery.hostile-equals-plain"].check(transcript))
    assert any(isinstance(one, Violation) for one in said) is told


def test_whoever_waits_as_told_is_not_silent() -> None:
    """A target that sleeps for the seconds of `Retry-After`, longer than its client, answers no request badly."""
    limited = call(429, sent_headers=(("retry-after", "17"),), ended_at=18.0)
    waiting = Exchange(ASKED, None, upstream=(limited,), ended="deadline", ended_at=30.0)
    assert not violations("delivery.answers", waiting)
    assert violations("delivery.answers", replace(waiting, ended_at=60.0))
    assert violations("delivery.answers", replace(waiting, upstream=(call(429, ended_at=18.0),)))


def test_deltas_without_an_index_are_done_under_one() -> None:
    """A text that is done under an index, after deltas that have none, is done: the lack is told of the deltas."""
    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    done = {**item, "status": "completed", "summary": [{"type": "summary_text", "text": "So."}]}
    head, body = {"output_index": 0}, {"output_index": 0, "item_id": "rs_1"}
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.added", **head, "item": item},
        {"type": "response.reasoning_summary_text.delta", **body, "delta": "So."},
        {"type": "response.reasoning_summary_text.done", **body, "summary_index": 0, "text": "So."},
        {"type": "response.output_item.done", **head, "item": done},
    ]
    assert not violations("item.part-dones-present", streamed(events))
    (found,) = violations("item.part-dones-present", streamed([events[0], events[1], events[3]]))
    assert "reasoning summary without an index" in found.expected


@pytest.mark.parametrize("rule", ["upstream.results-follow-calls", "upstream.results-have-calls"])
@pytest.mark.parametrize(("statuses", "may"), [(frozenset({400}), True), (frozenset(), False)])
def test_the_client_s_own_omission_may_be_sent_on(rule: str, statuses: frozenset[int], may: bool) -> None:
    """A history that a service refuses may be shown to it: the client then hears what is wrong with what it sent."""
    items = {
        "call": ("function_call", {"name": "f", "arguments": "{}"}),
        "result": ("function_call_output", {"output": "x"}),
    }
    kind, more = items["call" if rule.endswith("follow-calls") else "result"]
    asked = {"model": "m", "input": [{"type": kind, "call_id": "c", **more}, {"role": "user", "content": "Hi."}]}
    sent = {
        "function_call": {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": more}]},
        "function_call_output": {"role": "tool", "tool_call_id": "c", "content": "x"},
    }[kind]
    body = {"model": "m", "messages": [sent, {"role": "user", "content": "Hi."}]}
    upstream = (replace(call(), json=body, body=json.dumps(body).encode()),)
    exchange = Exchange(ClientRequest("POST", "/v1/responses", (), asked), 200, upstream=upstream)
    assert bool(violations(rule, exchange, refusal_statuses=statuses)) is not may
    assert violations("history.omissions-not-sent-on", exchange, refusal_statuses=statuses)


def test_a_document_is_not_called_an_image() -> None:
    """That a PDF in a result is lost is told of files, and an image of images."""
    for kind, lost in (("image/png", True), ("application/pdf", False)):
        part = {"type": "input_image", "image_url": f"data:{kind};base64,AAAA"}
        items = [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [part]},
        ]
        body = {"model": "m", "messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}
        upstream = (replace(call(), json=body, body=json.dumps(body).encode()),)
        asked = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": items})
        assert bool(violations("upstream.result-images-arrive", Exchange(asked, 200, upstream=upstream))) is lost


def test_what_no_terminal_shows_is_escaped() -> None:
    """Two texts that differ by a line separator look different in a message."""
    expected, actual = around("a\u2028b", "ab")
    assert (expected, actual) == ('"a\\u2028b"', '"ab"')


@pytest.mark.parametrize(("outcome", "may"), [("failed", True), ("completed", False), ("incomplete", False)])
def test_a_failed_response_needs_no_usage(outcome: str, may: bool) -> None:
    """Who gave up in the middle of an answer has not read the usage at its end, and OpenAI's own example has null."""
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "status": outcome,
        "output": [],
        "usage": None,
        "model": "m",
    }
    exchange = replace(streamed([{"type": f"response.{outcome}", "response": response}]), said=REPORTED)
    assert bool(violations("usage.present-when-reported", exchange)) is not may


@pytest.mark.parametrize(("called", "tools", "may"), [(True, 1, True), (True, 2, False), (False, 1, False)])
def test_a_tool_may_stand_in_where_the_service_demands_one(called: bool, tools: int, may: bool) -> None:
    """Anthropic has refused calls in a history without tools; where no calls are, no tool is needed."""
    history = [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}] if called else []
    asked = {"model": "m", "input": [*history, {"role": "user", "content": "Hi."}]}
    sent = [{"name": f"stand_in_{n}", "input_schema": {"type": "object"}} for n in range(tools)]
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "tools": sent}
    upstream = (replace(call(), path="/v1/messages", json=body, body=json.dumps(body).encode()),)
    exchange = Exchange(ClientRequest("POST", "/v1/responses", (), asked), 200, upstream=upstream)
    transcript = Transcript("some.case", "messages", [Drive("stream", [exchange])])
    said = list(REGISTRY["tools.none-invented"].check(transcript))
    assert any(isinstance(one, Violation) for one in said) is not may


@pytest.mark.parametrize(("dialect", "may"), [("messages", True), ("chat_completions", False)])
def test_what_an_upstream_cannot_be_asked_may_be_refused(dialect: Dialect, may: bool) -> None:
    """Messages takes no request without a user's message: saying so is better than making one up."""
    refused = Exchange(ClientRequest("POST", "/v1/responses", (), {"stream": True, "input": []}), 400)
    facts = {"tags": frozenset({"no-user-turn"})}
    transcript = Transcript("some.case", dialect, [Drive("stream", [refused])], facts=facts)
    said = list(REGISTRY["answer.stream"].check(transcript))
    assert any(isinstance(one, Violation) for one in said) is not may
