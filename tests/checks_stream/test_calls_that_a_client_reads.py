"""Calls in what the official Python client makes of a stream, against those that the upstream made."""

from __future__ import annotations

import json
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

OSLO = '{"city": "Oslo"}'
WEATHER = SaidItem("call", OSLO, 1, name="get_weather", call_id="call_1")


def told(name: str, arguments: str, *said: SaidItem) -> list[Violation]:
    """What the rule says of a stream with one call, of an upstream that said this."""
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "status": "completed"}
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "in_progress",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    whole = {**item, "arguments": arguments}
    place = {"item_id": "fc_1", "output_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", **place, "delta": arguments},
        {"type": "response.function_call_arguments.done", **place, "name": name, "arguments": arguments},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": {**response, "status": "completed", "output": [whole]}},
    ]
    body = b"".join(
        b"data: " + json.dumps({**event, "sequence_number": number}).encode() + b"\n\n"
        for number, event in enumerate(events)
    )
    exchange = Exchange(
        ClientRequest("POST", "/v1/responses", (), {"stream": True}),
        200,
        (("content-type", "text/event-stream"),),
        received=(Received(0.1, body),),
        said=Said(said, None, frozenset({"completed"})),
    )
    transcript = Transcript("some.case", "messages", [Drive("stream", [exchange])])
    return [
        found for found in REGISTRY["clients.openai-python-calls"].check(transcript) if isinstance(found, Violation)
    ]


def test_the_upstream_s_call_is_right() -> None:
    """A call with the upstream's arguments is not accused."""
    assert not told("get_weather", OSLO, WEATHER)


@pytest.mark.parametrize(("said", "wanted"), [((), "no call"), ((WEATHER,), "no call but get_weather")])
def test_a_call_that_the_upstream_never_made_is_named(said: tuple[SaidItem, ...], wanted: str) -> None:
    """An invented call is told as invented, whether the upstream made none or another, never as one gone wrong."""
    (found,) = told("web_search", '{"query": "rivers"}', *said)
    assert found.expected == wanted
    assert found.actual.startswith("web_search(")


def test_arguments_that_went_wrong_are_shown_beside_the_right_ones() -> None:
    """A call of the upstream's with other arguments is told with both."""
    (found,) = told("get_weather", '{"city": "Rome"}', WEATHER)
    assert found.expected.startswith("a call of get_weather with the arguments ")
    assert "Oslo" in found.expected
    assert "Rome" in found.actual
