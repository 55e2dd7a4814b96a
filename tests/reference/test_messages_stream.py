"""Anthropic Messages streams, and what other servers that speak Messages do differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

WEB = {"type": "web_search_result_location", "url": "https://e.org", "title": "T", "cited_text": "c"}


def test_text_thinking_and_tool_use_become_items(exchange: Any, wire: Any) -> None:
    """Blocks become items in their order, and usage adds what Anthropic leaves out of input_tokens."""
    body = wire.messages(
        *wire.thinking_block(0, "let ", "me"),
        *wire.text_block(1, "I'll ", "look."),
        *wire.tool_block(2, "f", "", '{"x":', "1}"),
        stop="tool_use",
    )
    out = exchange(body, dialect="messages")
    assert out.items == [
        ("reasoning", "completed", "let me"),
        ("message", "completed", "I'll look."),
        ("function_call", "completed", '{"x":1}'),
    ]
    assert out.result["output"][2]["call_id"] == "toolu_2"
    assert out.joined("function_call_arguments") == '{"x":1}'
    assert out.result["usage"]["output_tokens"] == 7


def test_zeros_at_the_start_are_no_figures(exchange: Any) -> None:
    """A server that opens with zeros and breaks off has counted nothing: usage is null, not zero."""
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 0, "output_tokens": 0}}}
    body = f"data: {json.dumps(start)}\n\n".encode()
    assert exchange(body, dialect="messages").result["usage"] is None


@pytest.mark.parametrize(
    ("start", "delta", "expected"),
    [
        (
            {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2},
            {"output_tokens": 4},
            (15, 3, 2, 4),
        ),
        ({"input_tokens": 0, "output_tokens": 1}, {"input_tokens": 9, "output_tokens": 4}, (9, 0, 0, 4)),
        (
            {"input_tokens": 235},
            {"input_tokens": 107, "cache_read_input_tokens": 128, "output_tokens": 4},
            (235, 128, 0, 4),
        ),
    ],
)
def test_usage_is_cumulative(exchange: Any, start: Any, delta: Any, expected: Any) -> None:
    """The last figure counts; a zero does not undo what message_start said; input includes the cache."""
    events = [
        {"type": "message_start", "message": {"usage": start}},
        {"type": "message_delta", "delta": {}, "usage": {**delta, "output_tokens": 1}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": delta},
        {"type": "message_stop"},
    ]
    body = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    usage = exchange(body, dialect="messages").result["usage"]
    details = usage["input_tokens_details"]
    found = (usage["input_tokens"], details["cached_tokens"], details["cache_write_tokens"], usage["output_tokens"])
    assert found == expected
    assert usage["total_tokens"] == expected[0] + expected[3]


def _round_trip(exchange: Any, out: Any, **request: Any) -> list[Any]:
    """The assistant's blocks when the client sends everything back with the outputs of its calls."""
    items = [{"role": "user", "content": "a"}, *out.result["output"]]
    items += [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "ok"}
        for item in out.result["output"]
        if item["type"] == "function_call"
    ]
    sent = json.loads(exchange.prepare({"input": items, **request}, "messages").body)
    blocks: list[Any] = sent["messages"][1]["content"]
    return blocks


def test_thinking_goes_back_as_it_came(exchange: Any, wire: Any) -> None:
    """Text, signature, redacted data and order survive the client, unchanged and before their tool_use."""
    body = wire.messages(
        *wire.thinking_block(0, "a", "b", signature="first"),
        *wire.block(1, {"type": "redacted_thinking", "data": "OPAQUE"}),
        *wire.thinking_block(2, signature="omitted"),
        *wire.tool_block(3, "f"),
        stop="tool_use",
    )
    out = exchange(body, dialect="messages")
    assert [item["summary"] for item in out.result["output"][:3]] == [[{"type": "summary_text", "text": "ab"}], [], []]
    assert "OPAQUE" not in json.dumps(out.result)
    assert _round_trip(exchange, out) == [
        {"type": "thinking", "thinking": "ab", "signature": "first"},
        {"type": "redacted_thinking", "data": "OPAQUE"},
        {"type": "thinking", "thinking": "", "signature": "omitted"},
        {"type": "tool_use", "id": "toolu_3", "name": "f", "input": {}},
    ]


def test_a_signature_replaces(exchange: Any, wire: Any) -> None:
    """The last signature of a block is the one that counts."""
    deltas = [{"type": "thinking_delta", "thinking": "a"}]
    deltas += [{"type": "signature_delta", "signature": value} for value in ("one", "two")]
    out = exchange(wire.messages(*wire.block(0, {"type": "thinking", "thinking": ""}, *deltas)), dialect="messages")
    assert _round_trip(exchange, out)[0]["signature"] == "two"


def test_adjacent_text_blocks_are_one_part_with_citations(exchange: Any, wire: Any) -> None:
    """A text cut into blocks by its citations is one part, and each citation spans its own block."""
    cited = wire.block(
        1,
        {"type": "text", "text": ""},
        {"type": "citations_delta", "citation": WEB},
        {"type": "text_delta", "text": "cd"},
    )
    out = exchange(wire.messages(*wire.text_block(0, "ab"), *cited, *wire.text_block(2, "ef")), dialect="messages")
    assert out.items == [("message", "completed", "abcdef")]
    annotation = {"type": "url_citation", "url": "https://e.org", "title": "T", "start_index": 2, "end_index": 4}
    assert out.result["output"][0]["content"][0]["annotations"] == [annotation]
    assert out.types.count("output_text.annotation.added") == 1


FORMS = {
    "no delta": ({"input": {}}, [], "{}"),
    "empty deltas": ({"input": {}}, ["", ""], "{}"),
    "whole input at the start": ({"input": {"x": 12345678901234567890123}}, [], '{"x": 12345678901234567890123}'),
    "whole input, then deltas": ({"input": {"x": 1}}, ['{"x":', "1}"], '{"x":1}'),
    "no input at the start": ({}, ['{"x":1}'], '{"x":1}'),
    "null input": ({"input": None}, ['{"x":1}'], '{"x":1}'),
    "cut JSON of a finished call": ({"input": {}}, ['{"x":'], '{"x":'),
}


@pytest.mark.parametrize("form", FORMS)
def test_tool_use_in_every_form(exchange: Any, wire: Any, form: str) -> None:
    """Arguments come from the deltas, or from the start where there are none; empty ones are ``{}``."""
    start, pieces, expected = FORMS[form]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    block = wire.block(0, {"type": "tool_use", "id": "toolu_1", "name": "f", **start}, *deltas)
    out = exchange(wire.messages(*block, stop="tool_use"), dialect="messages")
    assert out.items == [("function_call", "completed", expected)]
    assert out.joined("function_call_arguments") == expected


def test_blocks_that_are_closed_only_at_the_end(exchange: Any, wire: Any) -> None:
    """llama.cpp stops all blocks at the end: items still come one after the other, at once."""
    body = wire.messages(
        *wire.block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "hm"}, stop=False),
        *wire.block(1, {"type": "tool_use", "id": "a", "name": "f"},
                    {"type": "input_json_delta", "partial_json": "{}"}, stop=False),
        *wire.block(2, {"type": "tool_use", "id": "b", "name": "g"},
                    {"type": "input_json_delta", "partial_json": '{"y":1}'}, stop=False),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": ""}},
        *({"type": "content_block_stop", "index": i} for i in range(3)),
        stop="tool_use",
    )  # fmt: skip
    out = exchange(body, dialect="messages")
    assert [item[0] for item in out.items] == ["reasoning", "function_call", "function_call"]
    assert _round_trip(exchange, out)[0] == {"type": "thinking", "thinking": "hm", "signature": ""}


ENDINGS = {
    "end_turn": ("completed", None),
    "stop_sequence": ("completed", None),
    "tool_use": ("completed", None),
    "something_new": ("completed", None),
    "max_tokens": ("incomplete", "max_output_tokens"),
    "model_context_window_exceeded": ("incomplete", "max_output_tokens"),
    "pause_turn": ("incomplete", "max_output_tokens"),
    "refusal": ("incomplete", "content_filter"),
}


@pytest.mark.parametrize("stop", ENDINGS)
def test_the_end_state_follows_the_stop_reason(exchange: Any, wire: Any, stop: str) -> None:
    """Every stop reason after text has its status and its reason."""
    out = exchange(wire.messages(*wire.text_block(0, "Hi"), stop=stop), dialect="messages")
    status, reason = ENDINGS[stop]
    assert (out.result["status"], out.types[-2]) == (status, status)
    assert out.result["incomplete_details"] == ({"reason": reason} if reason else None)
    assert out.items == [("message", status, "Hi")]


def test_a_refusal_without_text_is_a_refusal_part(exchange: Any, wire: Any) -> None:
    """The explanation is shown as a refusal; without one a plain sentence stands there."""
    for details, text in (({"explanation": "No."}, "No."), (None, "The model declined to answer.")):
        out = exchange(wire.messages(stop="refusal", details=details), dialect="messages")
        assert out.result["status"] == "completed"
        assert out.result["output"][0]["content"] == [{"type": "refusal", "refusal": text}]


def test_a_call_stopped_by_max_tokens_is_not_given_out(exchange: Any, wire: Any) -> None:
    """Anthropic also stops the block that the limit cut: only the stop reason tells."""
    for pieces in (['{"x":'], ["{}"], []):
        body = wire.messages(*wire.tool_block(0, "f", "{}"), *wire.tool_block(1, "g", *pieces), stop="max_tokens")
        out = exchange(body, dialect="messages")
        assert [item[1] for item in out.items] == ["completed", "incomplete"]
        assert out.types.count("output_item.done") == 1


def test_server_side_blocks_and_unknown_events_leave_no_trace(exchange: Any, wire: Any) -> None:
    """Server tools, unknown blocks, deltas and pings are never shown as calls."""
    body = wire.messages(
        {"type": "ping"},
        *wire.block(0, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                    {"type": "input_json_delta", "partial_json": "{}"}),
        *wire.block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
        *wire.block(2, {"type": "from_the_future"}, {"type": "future_delta", "x": 1}),
        {"type": "future_event"},
        *wire.text_block(3, "Hi"),
    )  # fmt: skip
    assert exchange(body, dialect="messages").items == [("message", "completed", "Hi")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "server_error"),
        ({"type": "api_error", "message": "x"}, "server_error"),
        ({"type": "rate_limit_error", "message": "slow"}, "rate_limit_exceeded"),
        ({"type": "invalid_request_error", "message": "bad"}, "invalid_prompt"),
        ({"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}, "context_length_exceeded"),
    ],
)
def test_an_error_event_fails_the_response(exchange: Any, wire: Any, error: Any, code: str) -> None:
    """An error after 200 ends the stream with response.failed and the code clients act on."""
    body = wire.messages(*wire.text_block(0, "Hi")[:2], {"type": "error", "error": error}, stop=None)
    out = exchange(body, dialect="messages")
    assert (out.types[-2], out.result["error"]["code"]) == ("failed", code)
    assert "output_text.done" not in out.types


def test_an_error_of_another_shape_is_an_error_too(exchange: Any, wire: Any) -> None:
    """OpenAI's shape on a Messages stream, with or without an event name, fails the response."""
    for frame in (b'data: {"error":{"message":"x"}}\n\n', b'event: error\ndata: {"message":"x"}\n\n'):
        assert exchange(wire.messages(stop=None) + frame, dialect="messages").result["error"]["message"] == "x"


@pytest.mark.parametrize(("stop", "status"), [("end_turn", "completed"), (None, "failed")])
def test_end_of_file_without_message_stop(exchange: Any, wire: Any, stop: Any, status: str) -> None:
    """A stop reason is an end even if the socket closes before message_stop; nothing is not."""
    body = wire.messages(*wire.text_block(0, "Hi"), stop=stop).split(b"event: message_stop")[0]
    assert exchange(body, dialect="messages").result["status"] == status


def test_only_pings_are_no_answer(exchange: Any) -> None:
    """A stream of nothing but pings fails."""
    assert exchange(b'event: ping\ndata: {"type":"ping"}\n\n' * 3, dialect="messages").result["status"] == "failed"


def test_a_whole_message_is_translated_like_a_stream(exchange: Any) -> None:
    """JSON in answer to a stream request gives the same items, integers exact."""
    message = (
        '{"type":"message","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"Hi"},'
        '{"type":"tool_use","id":"a","name":"f","input":{"n":123456789012345678901}}],"stop_reason":"tool_use",'
        '"usage":{"input_tokens":1,"output_tokens":2}}'
    )
    out = exchange(message.encode(), dialect="messages")
    assert out.items == [
        ("reasoning", "completed", "t"),
        ("message", "completed", "Hi"),
        ("function_call", "completed", '{"n":123456789012345678901}'),
    ]


def test_where_the_bytes_are_cut_never_matters(exchange: Any, wire: Any, same: Any) -> None:
    """Byte by byte, and with every single cut, the events are the same to the byte."""
    body = wire.messages(
        *wire.thinking_block(0, "é"), *wire.text_block(1, "漢🙂"), *wire.tool_block(2, "f", '{"x":', "1}")
    )
    whole = exchange(body, dialect="messages")
    assert same(exchange([body[i : i + 1] for i in range(len(body))], dialect="messages").body) == same(whole.body)
    for cut in range(0, len(body), 7):
        assert same(exchange([body[:cut], body[cut:]], dialect="messages").body) == same(whole.body)
