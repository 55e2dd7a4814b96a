from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.asked import read_asked
from conformance.miniatures.right_upstream import UPSTREAM_FLAVOURS, right_request
from conformance.pieces import same_json
from conformance.rules import Rule
from conformance.said import Said, SaidItem, SaidUsage
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from conformance.upstream_reading import read_upstream
from fakes.log import UpstreamCall
from fakes.script import DIALECTS, Dialect

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_KEYS = (
    "model", "input", "instructions", "tools", "tool_choice", "messages", "content", "role", "type", "text",
    "tool_calls", "function", "name", "arguments", "call_id", "id", "system", "thinking", "output", "summary",
    "reasoning", "response_format", "stream", "stream_options", "max_tokens", "previous_response_id",
    "input_schema", "tool_call_id", "is_error", "source", "image_url", "encrypted_content", "error", "status",
)  # fmt: skip
_TYPES = (
    "message", "function_call", "function_call_output", "reasoning", "custom_tool_call", "text", "tool_use",
    "tool_result", "thinking", "image", "image_url", "input_text", "output_text", "refusal", "namespace",
    "custom", "function", "allowed_tools", "user", "assistant", "tool",
)  # fmt: skip
_SHAPES = st.recursive(
    _VALUES | st.sampled_from(_TYPES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(_KEYS), inner | st.sampled_from(_TYPES), max_size=6)
    ),
    max_leaves=20,
)


def _exchange(body: Any, sent: Any = None, answer: bytes = b"{}") -> Exchange:
    request = ClientRequest("POST", "/responses", (("authorization", "Bearer sk-client-123456"),), body)
    calls = (UpstreamCall("POST", "/v1/chat/completions", "", (), b"", sent, 0.1, answer=0, status=200),)
    return Exchange(request, 200, (("content-type", "application/json"),), (Received(0.2, answer),), upstream=calls)


def test_a_request_is_read_in_the_clients_order() -> None:
    """Instructions come first, then the pieces of the input as they stand."""
    asked = read_asked(
        _exchange(
            {
                "instructions": "Be brief.",
                "input": [
                    {"role": "developer", "content": "Be exact."},
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "done"},
                ],
            }
        )
    )
    assert asked is not None
    assert [(piece.kind, piece.role) for piece in asked.pieces] == [
        ("text", "system"),
        ("text", "system"),
        ("text", "user"),
        ("call", "assistant"),
        ("result", "tool"),
    ]
    assert asked.whole


def test_a_continued_response_is_read_with_its_context() -> None:
    """`previous_response_id` puts earlier input and output first, without the earlier instructions."""
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}]
    answer = {"id": "resp_1", "object": "response", "output": output}
    first = _exchange({"instructions": "Old.", "input": "Hi."})
    first.received = (Received(0.1, json.dumps(answer).encode()),)
    asked = read_asked(_exchange({"input": "Again.", "previous_response_id": "resp_1"}), [first])
    assert asked is not None
    assert [piece.text for piece in asked.pieces] == ["Hi.", "Hello.", "Again."]
    assert asked.own == 2


def test_an_unknown_context_is_not_whole() -> None:
    """Where the earlier response was not seen, nothing is claimed of what may stand in the request."""
    asked = read_asked(_exchange({"input": "Again.", "previous_response_id": "resp_unknown"}))
    assert asked is not None
    assert not asked.whole


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("flavour", sorted(UPSTREAM_FLAVOURS))
def test_both_sides_are_read_into_the_same_words(dialect: Dialect, flavour: str) -> None:
    """The texts, calls and results of a right request are those of the client's request."""
    body = {
        "model": "m",
        "input": [
            {"type": "message", "role": "user", "content": "Weather?"},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Oslo"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            {"type": "message", "role": "user", "content": "And?"},
        ],
    }
    sent = read_upstream(right_request(body, dialect, UPSTREAM_FLAVOURS[flavour]), dialect)
    assert sent is not None
    assert [piece.text for piece in sent.pieces if piece.is_visible_text and piece.role == "user"] == [
        "Weather?",
        "And?",
    ]
    (call,) = sent.of("call")
    (result,) = sent.of("result")
    assert (call.name, call.call_id, result.call_id, result.texts) == ("get_weather", "call_1", "call_1", ("rain",))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1.0}, True),
        (1, True, False),
        (12345678901234567890, 12345678901234567891, False),
        ([1, 2], [2, 1], False),
        (None, False, False),
    ],
)
def test_json_is_compared_by_value(left: Any, right: Any, *, same: bool) -> None:
    """Numbers are equal by value, big ones exactly; booleans are no numbers; order counts in lists only."""
    assert same_json(left, right) is same


@settings(max_examples=150, deadline=None)
@given(body=_SHAPES, sent=_SHAPES, dialect=st.sampled_from(DIALECTS))
def test_no_check_raises_on_requests_of_any_shape(
    crossing_rules: list[Rule], body: Any, sent: Any, dialect: Dialect
) -> None:
    """Whatever JSON stands on either side, every check ends."""
    client = {"input": body, "tools": sent, "tool_choice": body} if not isinstance(body, dict) else body
    upstream = {"messages": sent, "tools": body, "system": body} if not isinstance(sent, dict) else sent
    answers = (_exchange(client, upstream), _exchange(client, upstream, b'{"output": 5, "status": []}'))
    transcript = Transcript("any", dialect, [Drive("stream", list(answers)), Drive("json", list(answers))])
    for rule in crossing_rules:
        list(rule.check(transcript))


@settings(max_examples=100, deadline=None)
@given(item=_SHAPES, response=_SHAPES, kind=st.sampled_from(["completed", "incomplete", "failed"]))
def test_no_check_raises_on_answers_of_any_shape(
    crossing_rules: list[Rule], item: Any, response: Any, kind: str
) -> None:
    """Whatever JSON stands in the events of a stream, and in a whole answer, every check ends."""
    body = {"model": "m", "input": "Hi.", "stream": True}
    events = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_text.delta", "output_index": 0, "delta": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{kind}", "response": response},
    ]
    frames = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    usage = SaidUsage(1, 2, None, None, None)
    said = Said((SaidItem("text", "Hi", 1), SaidItem("call", "{", 1, False, "f", "c")), usage, frozenset({"failed"}))
    streamed, whole = (
        _exchange(body, body, frames),
        _exchange({**body, "stream": False}, body, json.dumps(response).encode()),
    )
    streamed.headers = (("content-type", "text/event-stream"),)
    for ends in (frozenset({"failed"}), frozenset({"completed"}), frozenset({"incomplete:max_output_tokens"})):
        streamed.said = whole.said = replace(said, ends=ends)  # type: ignore[arg-type]
        transcript = Transcript("any", "vllm", [Drive("stream", [streamed, streamed]), Drive("json", [whole, whole])])
        for rule in crossing_rules:
            list(rule.check(transcript))
