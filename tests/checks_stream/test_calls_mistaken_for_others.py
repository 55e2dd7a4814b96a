"""Calls that share an id, and calls that nothing announced: a fault is told of the call that has it, of no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

OSLO, CET = '{"city": "Oslo"}', '{"zone": "CET"}'
NOTE = '{"text": "milk"}'


def call(name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_same",
        "call_id": "call_same",
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def item(kind: str, index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "output_index": index, "item": call(name, arguments)}


def delta(index: int, arguments: str, item_id: str = "fc_same") -> dict[str, Any]:
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "item_id": item_id, "output_index": index, "delta": arguments}


def ended(kind: str, *output: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {"id": "resp_1", "status": kind, "output": list(output)}}


def told(rule: str, said: tuple[SaidItem, ...], *events: Mapping[str, Any], tail: bytes = b"") -> list[Violation]:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + tail
    request = ClientRequest("POST", "/v1/responses", (), {"stream": True})
    exchange = Exchange(
        request,
        200,
        (("content-type", "text/event-stream"),),
        received=(Received(0.1, body),),
        said=Said(said, None, frozenset({"completed"}), status=200, streamed=True),
    )
    transcript = Transcript("some.case", "chat_completions", [Drive("stream", [exchange])])
    return [found for found in REGISTRY[rule].check(transcript) if isinstance(found, Violation)]


SAID = (
    SaidItem("call", OSLO, 1, name="get_weather", call_id="call_same"),
    SaidItem("call", CET, 1, name="get_time", call_id="call_same"),
)
SECOND_ONLY = (
    item("added", 0, "get_weather", ""),
    delta(0, OSLO),
    item("added", 1, "get_time", ""),
    delta(1, CET),
    item("done", 1, "get_time", CET),
)


def test_of_two_calls_with_one_id_the_output_holds_the_one_that_was_done() -> None:
    """The call that was never done is the one that is missing from the final output."""
    events = (*SECOND_ONLY, ended("completed", call("get_time", CET)))
    assert not told("response.output-holds-done-items", SAID, *events)
    assert told("item.done-before-completed", SAID, *events)


def test_a_done_call_that_is_missing_is_told_whoever_else_has_its_id() -> None:
    """An output in which the done call is missing is accused, with an item of the same id in it or without."""
    both = (*SECOND_ONLY, item("done", 0, "get_weather", OSLO))
    assert told("response.output-holds-done-items", SAID, *SECOND_ONLY, ended("completed"))
    assert told("response.output-holds-done-items", SAID, *both, ended("completed", call("get_weather", OSLO)))


@pytest.mark.parametrize("rule", ["content.call-names-equal-upstream", "content.arguments-equal-upstream"])
def test_a_call_is_not_blamed_for_another_that_has_its_id(rule: str) -> None:
    """The name and the arguments of a call are those that it was announced and streamed with, not its namesake's."""
    assert not told(rule, SAID, *SECOND_ONLY, ended("completed", call("get_time", CET)))
    wrong = (item("added", 0, "get_wether", ""), delta(0, CET), *SECOND_ONLY[2:])
    assert told(rule, SAID, *wrong, ended("completed", call("get_time", CET)))


THREE = (
    SaidItem("call", OSLO, 1, name="get_weather", call_id="call_1"),
    SaidItem("call", CET, 1, name="get_time", call_id="call_2"),
    SaidItem("call", NOTE, 1, name="take_note", call_id="call_3"),
)


@pytest.mark.parametrize("rule", ["content.call-names-equal-upstream", "content.arguments-equal-upstream"])
def test_a_nameless_call_stands_for_no_certain_one_where_others_are_missing(rule: str) -> None:
    """Arguments that nothing announced, of the second call of three, are not those of the first one gone wrong."""
    anonymous = (delta(1, CET, ""), delta(2, NOTE, ""))
    assert not told(rule, THREE, *anonymous, ended("failed"))
    assert told(rule, THREE[:2], *anonymous, ended("failed"))


def test_done_without_any_end_is_not_told_as_too_early() -> None:
    """`[DONE]` where no terminal event came at all is said to stand without one, not before one."""
    end = ended("completed")
    (without,) = told("sse.done-marker-last", (), delta(0, OSLO), tail=b"data: [DONE]\n\n")
    late = b"data: [DONE]\n\ndata: " + json.dumps(end).encode() + b"\n\n"
    (before,) = told("sse.done-marker-last", (), delta(0, OSLO), tail=late)
    assert without.actual == "[DONE] as event 1, without any of them"
    assert before.actual == "[DONE] as event 1, before any of them"
    assert not told("sse.done-marker-last", (), end, tail=b"data: [DONE]\n\n")
