"""What upstreams send beside chunks: odd shapes, documents, bytes cut anywhere, private events."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_other_choices_pings_and_private_events_are_ignored(exchange: Any, wire: Any) -> None:
    """Empty choices, a second choice, comments and a server's own events leave no trace."""
    noise = wire.data(
        {"choices": [], "prompt_filter_results": []}, {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    )
    noise += b': ping\n\nevent: x.progress\ndata: {"tool": 1}\n\nevent: x.note\ndata: hello\n\n'
    assert exchange(noise + wire.chat({"content": "a"})).items == [("message", "completed", "a")]


@pytest.mark.parametrize("body", [b"data: {not json\n\n", b"data: [1]\n\n", b"<html>502</html>", b"[]"])
def test_what_cannot_be_read_fails(exchange: Any, body: bytes) -> None:
    """Garbage in place of events is a failure, never an empty success and never an exception."""
    out = exchange(body)
    assert out.result["status"] == "failed"
    assert "html" not in out.result["error"]["message"]


def test_an_event_beyond_the_cap_fails(exchange: Any, wire: Any) -> None:
    """One event larger than the cap ends the stream."""
    assert exchange(wire.chat({"content": "x" * 5000}), max_event_bytes=1000).result["status"] == "failed"


def test_a_json_answer_is_translated_like_a_stream(exchange: Any, wire: Any) -> None:
    """An upstream that ignores ``stream`` still gives the client the whole event sequence."""
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    document = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": wire.USAGE}
    body = json.dumps(document, indent=1).encode()
    for chunks in ([body], [body[i : i + 1] for i in range(len(body))]):
        out = exchange(chunks)
        assert [item[0] for item in out.items] == ["reasoning", "message", "function_call"]
        assert out.result["usage"]["total_tokens"] == 15
        assert out.types[-1] == "[DONE]"


def test_an_error_document_with_status_200_fails_before_anything_began(exchange: Any) -> None:
    """The transport can still answer with a status: nothing has started."""
    out = exchange(b'{"error": {"message": "no", "code": 400}}')
    assert out.translation.stream.failure.status == 400
    assert not out.translation.reader.started


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_where_the_bytes_are_cut_never_matters(exchange: Any, wire: Any, same: Any, dialect: str) -> None:
    """Byte by byte, and with every single cut, the events are the same to the byte."""
    deltas = [
        {"reasoning": "é\u2028"},
        {"content": "漢🙂"},
        wire.call(0, '{"x":"', id="a", name="f"),
        wire.call(0, 'é"}'),
    ]
    body = wire.chat(*deltas, finish="tool_calls", usage=wire.USAGE)
    whole = exchange(body, dialect=dialect)
    assert same(exchange([body[i : i + 1] for i in range(len(body))], dialect=dialect).body) == same(whole.body)
    for cut in range(0, len(body), 7):
        assert same(exchange([body[:cut], body[cut:]], dialect=dialect).body) == same(whole.body)
    assert same(exchange(body.replace(b"\n", b"\r\n"), dialect=dialect).body) == same(whole.body)


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"a\xffb", "a\ufffdb"), (rb"a\ud83db", "a\ufffdb"), (rb"\ud83d\ude00", "😀"), (rb"\u0000", "\x00")],
)
def test_text_that_is_no_text_is_replaced(exchange: Any, wire: Any, raw: bytes, text: str) -> None:
    """Stray bytes and lone surrogates become U+FFFD; whole pairs and control characters survive."""
    body = b'data: {"choices":[{"delta":{"content":"%b"},"finish_reason":"stop"}]}\n\n' % raw
    assert exchange(body).items == [("message", "completed", text)]


def test_a_document_with_a_mark_and_a_null_error_is_an_answer(exchange: Any) -> None:
    """A byte order mark and ``"error": null`` do not make an answer a failure."""
    message = {"role": "assistant", "content": "Hi"}
    document = {"error": None, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    out = exchange(b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert out.items == [("message", "completed", "Hi")]


def test_a_sign_of_life_shows_what_the_client_has(exchange: Any, wire: Any) -> None:
    """The snapshot holds announced items only, with what their deltas said so far, and takes the next number."""
    custom = {"type": "custom", "name": "patch"}
    deltas = [{"content": "Hi"}, wire.call(0, '{"input":"x', id="a", name="patch"), {"content": "later"}]
    translation = exchange.prepare({"tools": [custom]})
    translation.reader.feed(wire.chat(*deltas, finish=None, done=False), 1.0)
    before = translation.stream.take()
    translation.stream.keep_alive()
    event = json.loads(translation.stream.take().split(b"data: ")[1])
    assert event["sequence_number"] == before.count(b"\n\n")
    done, open_call = event["response"]["output"]
    assert (done["status"], done["content"][0]["text"]) == ("completed", "Hi")
    assert (open_call["status"], open_call["input"]) == ("in_progress", "x")
    assert event["response"]["status"] == "in_progress"


CHUNK = {
    "choices": [
        {
            "index": 0,
            "delta": {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                    {"type": "text", "text": "a"},
                ],
                "reasoning": "r",
                "annotations": [{"url_citation": {"url": "u", "start_index": 1}}],
                "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
            },
            "logprobs": {"content": [{"token": "a", "top_logprobs": [{"token": "b"}]}]},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
}
EVENTS = [
    {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 1, "output_tokens_details": {"thinking_tokens": 1}}},
    },
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": "a", "citations": [{"url": "u"}]},
    },
    {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"type": "x"}}},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_details": {"explanation": "x"}}, "usage": {}},
    {"type": "message_stop"},
]


def _spoiled(value: Any) -> Any:
    """Every copy of a JSON value in which one place holds something of another type."""
    yield from (None, 7, -1.5, "x", True, [], [7], {}, {"x": 7})
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        for inner in _spoiled(value[key]):
            yield {**value, key: inner} if isinstance(value, dict) else [*value[:key], inner, *value[key + 1 :]]


def test_no_shape_of_an_event_is_too_odd(exchange: Any, wire: Any) -> None:
    """Whatever stands in place of whatever, the response ends, with one terminal event and no exception."""
    for chunk in _spoiled(CHUNK):
        out = exchange(wire.data(chunk, "[DONE]"))
        assert out.types[-1] == "[DONE]"
        assert out.body.count(b"event: response.failed") + out.body.count(b"event: response.completed") == 1
    for number in range(len(EVENTS)):
        for event in _spoiled(EVENTS[number]):
            events = [*EVENTS[:number], event, *EVENTS[number + 1 :]]
            assert exchange(wire.data(*events), dialect="messages").types[-1] == "[DONE]"
