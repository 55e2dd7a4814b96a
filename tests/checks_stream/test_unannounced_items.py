"""Streams that announce nothing: what they say all the same is read as theirs, and told by one rule, not by five."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.reading import read
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

CALL = {"type": "function_call", "id": "call_1", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hm."}]}
SAID = Said(
    (
        SaidItem(kind="text", text="Hm.", pieces=1),
        SaidItem(kind="call", text="{}", pieces=1, name="get_weather", call_id="call_1"),
    ),
    None,
    frozenset({"completed"}),
    finish="tool_calls",
)
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}
TEXT = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": "Hm."}
DELTA = {"type": "response.function_call_arguments.delta", "item_id": "tool_1", "output_index": 0, "delta": "{}"}
DONE = {"type": "response.function_call_arguments.done", "id": "tool_1", "output_index": 0, "arguments": "{}"}


def completed(*output: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": list(output)}}


def answer(*events: dict[str, Any], said: Said | None = SAID) -> Exchange:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "stream": True})
    return Exchange(request, 200, (("content-type", "text/event-stream"),), (Received(0.1, body),), said=said)


def violations(rule: str, exchange: Exchange) -> list[Violation]:
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", [exchange])])
    return [found for found in REGISTRY[rule].check(transcript) if isinstance(found, Violation)]


def test_another_kind_under_another_id_is_another_item() -> None:
    """A text and a call that were both told at output_index 0, and never announced, are two items."""
    stream = read(answer(CREATED, TEXT, DELTA, DONE, completed(MESSAGE, CALL)))
    assert [(item.type, item.content("text", "arguments")) for item in stream.items] == [
        ("message", "Hm."),
        ("function_call", "{}"),
    ]
    assert [item.best.get("name") for item in stream.calls] == ["get_weather"]


def test_an_announced_item_keeps_what_comes_at_its_index() -> None:
    """Where an item was announced, events at its output_index are its own, whatever their id is."""
    added = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
    stream = read(answer(CREATED, added, DELTA, completed(CALL)))
    assert [(item.type, item.content("arguments")) for item in stream.items] == [("function_call", "{}")]


@pytest.mark.parametrize(
    "rule",
    [
        "content.calls-equal-upstream",
        "content.call-names-equal-upstream",
        "content.arguments-equal-upstream",
        "response.output-was-streamed",
    ],
)
def test_a_call_beside_a_text_is_no_lost_call(rule: str) -> None:
    """A call that the terminal response holds has reached the client, though nothing announced it."""
    assert not violations(rule, answer(CREATED, TEXT, DELTA, DONE, completed(MESSAGE, CALL)))


def test_a_call_of_the_end_alone_has_arrived_too() -> None:
    """A call that no event told of is counted where the terminal response holds it, and lost where it does not."""
    rule = "content.calls-equal-upstream"
    assert not violations(rule, answer(CREATED, TEXT, completed(MESSAGE, CALL)))
    assert violations("response.output-was-streamed", answer(CREATED, TEXT, completed(MESSAGE, CALL)))
    lost = violations(rule, answer(CREATED, TEXT, completed(MESSAGE)))
    assert [found.actual for found in lost] == ["0 calls: none"]
    assert violations(rule, answer(CREATED, TEXT, DELTA, completed(MESSAGE, {**CALL, "id": "x"}, CALL)))


def test_a_call_without_a_name_is_said_to_have_none() -> None:
    """The message does not speak of a name `null` that nobody sent."""
    found = violations("content.call-names-equal-upstream", answer(CREATED, TEXT, DELTA, completed(MESSAGE)))
    assert [one.actual for one in found] == ["a call that nothing names"]


def test_a_lone_error_begins_nothing() -> None:
    """A stream of one `error` event needs no `response.created`; one that goes on, or begins with text, does."""
    error = {"type": "error", "error": {"message": "The upstream is down."}}
    assert not violations("stream.created-first", answer(error, said=None))
    assert violations("stream.created-first", answer(error, CREATED, completed(MESSAGE)))
    assert violations("stream.created-first", answer(TEXT, completed(MESSAGE)))


def test_what_is_absent_is_not_called_null() -> None:
    """A missing `sequence_number` is said to be missing, one that is null to be null."""
    absent = violations("sequence.present", answer(CREATED))
    null = violations("sequence.present", answer({**CREATED, "sequence_number": None}))
    assert [found.actual for found in (*absent, *null)] == ["no sequence_number", "null"]


def test_a_stream_without_an_end_is_no_success() -> None:
    """An upstream that failed and a stream that just stops: that is told by stream.terminal-event alone."""
    failed = replace(SAID, items=(), ends=frozenset({"http-error", "failed"}), status=200, finish=None)
    assert not violations("failure.never-succeeds", answer(CREATED, said=failed))
    assert violations("stream.terminal-event", answer(CREATED, said=failed))
    assert violations("failure.never-succeeds", answer(CREATED, completed(), said=failed))


@pytest.mark.parametrize(
    ("output", "same"),
    [
        ((MESSAGE, CALL), True),
        (({**MESSAGE, "content": [{"type": "output_text", "text": "(Nothing)"}]}, CALL), False),
        ((MESSAGE, {**CALL, "arguments": "{}{}"}), False),
        (({**MESSAGE, "content": []}, CALL), False),
        ((MESSAGE, MESSAGE, CALL), True),
    ],
    ids=["as-streamed", "another-text", "arguments-twice", "no-text", "which-is-which"],
)
def test_the_end_says_what_the_deltas_said(output: tuple[dict[str, Any], ...], same: bool) -> None:
    """Where no item was ever done, the terminal response is compared with the deltas, if it is plain with which."""
    found = violations("content.response-equals-item", answer(CREATED, TEXT, DELTA, DONE, completed(*output)))
    assert bool(found) is not same
    assert all("as its deltas told it" in one.expected for one in found)


def test_a_done_item_is_compared_as_it_was_done() -> None:
    """An item that was done is judged by its `output_item.done`, once."""
    done = {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}
    other = {**MESSAGE, "content": [{"type": "output_text", "text": "Other."}]}
    found = violations("content.response-equals-item", answer(CREATED, TEXT, done, completed(other)))
    assert ["as it was done" in one.expected for one in found] == [True]
