"""Chat-completions and vLLM streams, part by part and deviation by deviation."""

from __future__ import annotations

import json
from typing import Any

import pytest

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def test_text_gives_the_whole_lifecycle(exchange: Any, wire: Any) -> None:
    """A text answer gives every event of the strictest client's grammar, once and in order."""
    out = exchange(wire.chat({"role": "assistant", "content": ""}, {"content": "He"}, {"content": "y"}, usage=USAGE))
    assert out.types == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed", "[DONE]",
    ]  # fmt: skip
    assert out.items == [("message", "completed", "Hey")]
    assert [event["sequence_number"] for event in out.events[:-1]] == list(range(10))
    assert out.events[-2]["response"] == out.result
    assert out.events[-3]["item"] == out.result["output"][0]


def test_usage_is_renamed_and_complete(exchange: Any, wire: Any) -> None:
    """Usage has all five fields with their details, also when the upstream gave none of the latter."""
    out = exchange(wire.chat({"content": "x"}, usage=USAGE))
    assert out.result["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 15,
    }
    nulls = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None}
    assert exchange(wire.chat({"content": "x"}, usage=nulls)).result["usage"]["output_tokens_details"] == {
        "reasoning_tokens": 0
    }


def test_usage_that_is_not_reported_is_null(exchange: Any, wire: Any) -> None:
    """Counts are never invented."""
    assert exchange(wire.chat({"content": "x"})).result["usage"] is None


def test_the_last_of_many_usages_counts(exchange: Any, wire: Any) -> None:
    """Usage on every chunk, as vLLM can send it, is neither summed nor an end."""
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": c}}], "usage": {"prompt_tokens": 3, "completion_tokens": n}}
        for n, c in enumerate("abc", 1)
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}})
    chunks[-1]["usage"]["completion_tokens"] = 4
    out = exchange(wire.data(*chunks))
    assert (out.items, out.result["usage"]["total_tokens"]) == ([("message", "completed", "abc")], 7)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_becomes_a_summary_and_is_carried(exchange: Any, wire: Any, field: str) -> None:
    """Reasoning is an item of its own before the answer, and goes back in the field it came in."""
    out = exchange(wire.chat({field: "think "}, {field: "hard"}, {"content": "Hi"}))
    assert out.items == [("reasoning", "completed", "think hard"), ("message", "completed", "Hi")]
    assert out.joined("reasoning_summary_text") == "think hard"
    reasoning = out.result["output"][0]
    assert "content" not in reasoning
    assert "think" not in reasoning["encrypted_content"]
    again = exchange.prepare({"input": [{"role": "user", "content": "a"}, *out.result["output"]]})
    assert json.loads(again.body)["messages"][-1] == {"role": "assistant", "content": "Hi", field: "think hard"}


def test_both_reasoning_fields_are_one_text(exchange: Any, wire: Any) -> None:
    """A server that fills both fields does not get its reasoning doubled."""
    out = exchange(wire.chat({"reasoning": "a", "reasoning_content": "a"}, {"content": "b"}))
    assert out.items[0] == ("reasoning", "completed", "a")


def test_raw_reasoning_on_request(exchange: Any, wire: Any) -> None:
    """With --reasoning raw the stream and the item both use reasoning_text."""
    out = exchange(wire.chat({"reasoning": "a"}, {"content": "b"}), reasoning="raw")
    assert out.types[3:7] == ["content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"]
    item = out.result["output"][0]
    assert (item["summary"], item["content"]) == ([], [{"type": "reasoning_text", "text": "a"}])


def test_a_refusal_is_a_refusal_part(exchange: Any, wire: Any) -> None:
    """delta.refusal is shown as such, or as text for clients that show nothing else."""
    body = wire.chat({"refusal": "I "}, {"refusal": "can't"})
    out = exchange(body)
    assert out.result["output"][0]["content"] == [{"type": "refusal", "refusal": "I can't"}]
    assert out.joined("refusal") == "I can't"
    assert exchange(body, refusals="text").joined("output_text") == "I can't"


def test_a_refusal_after_text_is_the_next_part(exchange: Any, wire: Any) -> None:
    """Two kinds of content in one message are two parts with indexes 0 and 1."""
    out = exchange(wire.chat({"content": "a"}, {"refusal": "b"}))
    assert [event["content_index"] for event in out.events if "part.added" in event["type"]] == [0, 1]
    assert [part["type"] for part in out.result["output"][0]["content"]] == ["output_text", "refusal"]


def test_annotations_are_flat(exchange: Any, wire: Any) -> None:
    """A nested url_citation becomes a flat one, in the stream and in the part."""
    citation = {"url": "https://e.org", "title": "T", "start_index": 0, "end_index": 1}
    annotations = {"annotations": [{"type": "url_citation", "url_citation": citation}]}
    out = exchange(wire.chat({"content": "a"}, annotations))
    flat = {"type": "url_citation", **citation}
    assert out.result["output"][0]["content"][0]["annotations"] == [flat]
    assert [event["annotation"] for event in out.events if "annotation" in event] == [flat]


def test_logprobs_arrive_where_they_were_asked_for(exchange: Any, wire: Any) -> None:
    """Log probabilities are asked for upstream and given back on delta, done and part."""
    token = {
        "token": "a",
        "logprob": -0.5,
        "bytes": None,
        "top_logprobs": [{"token": "b", "logprob": -1, "bytes": [98]}],
    }
    chunk = {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [token]}}]}
    out = exchange(wire.data(chunk) + wire.chat(), {"include": ["message.output_text.logprobs"], "top_logprobs": 1})
    assert (out.sent["logprobs"], out.sent["top_logprobs"]) == (True, 1)
    expected = [{**token, "bytes": []}]
    assert out.result["output"][0]["content"][0]["logprobs"] == expected
    assert [event["logprobs"] for event in out.events if "logprobs" in event] == [expected, expected]


def _calls(wire: Any) -> dict[str, tuple[list[dict[str, Any]], list[tuple[str, str, str]]]]:
    """Deviations: the deltas, and the calls (id, name, arguments) that must come of them."""
    c = wire.call
    many = [c(0, "{}", id="a", name="f")["tool_calls"][0], c(0, "{}", id="b", name="g")["tool_calls"][0]]
    return {
        "as OpenAI sends it": ([c(0, "", id="a", name="f"), c(0, '{"x"'), c(0, ":1}")], [("a", "f", '{"x":1}')]),
        "name first, no arguments key": ([c(0, id="a", name="f"), c(0, "{}")], [("a", "f", "{}")]),
        "complete in one delta": ([c(0, '{"x":1}', id="a", name="f")], [("a", "f", '{"x":1}')]),
        "no arguments at all": ([c(0, id="a", name="f")], [("a", "f", "{}")]),
        "null arguments": ([{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}]}],
                           [("a", "f", "{}")]),
        "id repeated": ([c(0, "{", id="a", name="f"), c(0, "}", id="a")], [("a", "f", "{}")]),
        "id and name repeated": ([c(0, "{", id="a", name="f"), c(0, "}", id="a", name="f")], [("a", "f", "{}")]),
        "empty id later": ([c(0, "{", id="a", name="f"), c(0, "}", id="")], [("a", "f", "{}")]),
        "id after the name": ([c(0, name="f"), c(0, id="a"), c(0, "{}")], [("a", "f", "{}")]),
        "name after the arguments": ([c(0, "{", id="a"), c(0, "}"), c(0, name="f")], [("a", "f", "{}")]),
        "name in fragments": ([c(0, id="a", name="f"), c(0, name="oo"), c(0, "{}")], [("a", "foo", "{}")]),
        "two indexes in one delta": ([{"tool_calls": [c(0, "{}", id="a", name="f")["tool_calls"][0],
                                                      c(1, "[]", id="b", name="g")["tool_calls"][0]]}],
                                     [("a", "f", "{}"), ("b", "g", "[]")]),
        "interleaved": ([c(0, '{"x":', id="a", name="f"), c(1, '{"y":', id="b", name="g"), c(0, "1}"), c(1, "2}")],
                        [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]),
        "index reused with new id and name": ([{"tool_calls": many}], [("a", "f", "{}"), ("b", "g", "{}")]),
        "no index, ids": ([c(None, '{"x"', id="a", name="f"), c(None, ":1}"), c(None, "{}", id="b", name="g")],
                          [("a", "f", '{"x":1}'), ("b", "g", "{}")]),
        "no index, several at once": ([{"tool_calls": [{"function": {"name": "f", "arguments": "{}"}},
                                                       {"function": {"name": "g", "arguments": "[]"}}]}],
                                      [("", "f", "{}"), ("", "g", "[]")]),
        "no id": ([c(0, name="f"), c(0, "{}")], [("", "f", "{}")]),
        "one id twice": ([c(0, "{}", id="a", name="f"), c(1, "[]", id="a", name="g")],
                         [("a", "f", "{}"), ("", "g", "[]")]),
        "arguments as an object": ([{"tool_calls": [{"index": 0, "id": "a",
                                                     "function": {"name": "f", "arguments": {"x": 1}}}]}],
                                   [("a", "f", '{"x":1}')]),
        "legacy function_call": ([{"function_call": {"name": "f"}}, {"function_call": {"arguments": "{}"}}],
                                 [("", "f", "{}")]),
        "invalid arguments": ([c(0, '{"x":', id="a", name="f")], [("a", "f", '{"x":')]),
        "large integers and unicode": ([c(0, '{"n":123456789012345678901234567890,"s":"é\\ud83d\\ude00"}',
                                          id="a", name="f")],
                                       [("a", "f", '{"n":123456789012345678901234567890,"s":"é\\ud83d\\ude00"}')]),
    }  # fmt: skip


@pytest.mark.parametrize("index", range(22))
def test_tool_calls_survive_every_known_deviation(exchange: Any, wire: Any, index: int) -> None:
    """Each framing of calls gives the calls it means: ids, names and arguments, one item each."""
    name, (deltas, expected) = list(_calls(wire).items())[index]
    out = exchange(wire.chat(*deltas, finish="tool_calls"))
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in out.result["output"]]
    assert [call[1:] for call in calls] == [call[1:] for call in expected], name
    for (made, _, _), (wanted, _, _) in zip(calls, expected, strict=True):
        assert made == wanted if wanted else 1 <= len(made) <= 64, name
    assert len({call[0] for call in calls}) == len(calls)
    for position, item in enumerate(out.result["output"]):
        deltas_of = [e["delta"] for e in out.events if e.get("item_id") == item["id"] and "delta" in e]
        done = [e for e in out.events if e["type"].endswith("arguments.done") and e["item_id"] == item["id"]]
        assert "".join(deltas_of) == item["arguments"] == done[0]["arguments"]
        assert (done[0]["name"], done[0]["output_index"]) == (item["name"], position)


def test_items_never_interleave(exchange: Any, wire: Any) -> None:
    """Interleaved parallel calls come out one after the other."""
    out = exchange(wire.chat(*_calls(wire)["interleaved"][0], finish="tool_calls"))
    order = [event["output_index"] for event in out.events if "output_index" in event]
    assert order == sorted(order)


def test_a_finished_call_is_given_out_when_the_next_begins(exchange: Any, wire: Any) -> None:
    """A client can run the first of two calls while the second is still being written."""
    deltas = [wire.call(0, "{}", id="a", name="f"), wire.call(1, '{"y":', id="b", name="g")]
    out = exchange(wire.chat(*deltas, finish=None, done=False), close=False)
    assert out.types.count("output_item.done") == 1
    assert out.types.count("output_item.added") == 2


def test_text_and_call_in_one_delta_are_both_kept(exchange: Any, wire: Any) -> None:
    """One chunk with content, calls and finish gives a message and a call."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "a", **wire.call(0, "{}", id="c", name="f")}}]}
    chunk["choices"][0]["finish_reason"] = "tool_calls"
    out = exchange(wire.data(chunk, "[DONE]"))
    assert [item[0] for item in out.items] == ["message", "function_call"]


def test_text_between_the_arguments_of_a_call_does_not_corrupt_it(exchange: Any, wire: Any) -> None:
    """Content or reasoning inside an open call waits; the call gets its own fragments only."""
    deltas = [wire.call(0, '{"x"', id="a", name="f"), {"content": "\n"}, {"reasoning": "hm"}, wire.call(0, ":1}")]
    out = exchange(wire.chat(*deltas))
    assert out.items == [
        ("function_call", "completed", '{"x":1}'),
        ("message", "completed", "\n"),
        ("reasoning", "completed", "hm"),
    ]


ENDINGS = {
    "stop": ("completed", None),
    "tool_calls": ("completed", None),
    "function_call": ("completed", None),
    "eos": ("completed", None),
    "length": ("incomplete", "max_output_tokens"),
    "model_context_window_exceeded": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
    "error": ("failed", None),
    "abort": ("failed", None),
    "insufficient_system_resource": ("failed", None),
    "": ("failed", None),
}


@pytest.mark.parametrize("finish", ENDINGS)
def test_the_end_state_follows_the_finish_reason(exchange: Any, wire: Any, finish: str) -> None:
    """Every finish reason has its status, reason and terminal event; none and "" are no end at all."""
    out = exchange(wire.chat({"content": "Hi"}, finish=finish, usage=USAGE, done=False))
    status, reason = ENDINGS[finish]
    assert out.result["status"] == status
    assert out.types[-2:] == [status, "[DONE]"]
    assert out.result["incomplete_details"] == ({"reason": reason} if reason else None)
    assert (out.result["completed_at"] is not None) == (status == "completed")
    assert out.result["usage"]["total_tokens"] == 15
    assert out.items == ([] if status == "failed" else [("message", status, "Hi")])


def test_a_cut_call_is_never_given_out_for_execution(exchange: Any, wire: Any) -> None:
    """A call open at the limit, even one that parses, has no done events and stands incomplete at the end."""
    for arguments in ('{"x":1}', '{"x":', ""):
        out = exchange(wire.chat({"content": "a"}, wire.call(0, arguments, id="c", name="f"), finish="length"))
        assert out.items[-1] == ("function_call", "incomplete", arguments)
        assert "function_call_arguments.done" not in out.types
        assert out.types.count("output_item.added") == 2
        assert out.types.count("output_item.done") == 1


def test_calls_before_the_cut_one_are_complete(exchange: Any, wire: Any) -> None:
    """Of two calls at the limit the first is whole, the second cut."""
    deltas = [wire.call(0, "{}", id="a", name="f"), wire.call(1, '{"x"', id="b", name="g")]
    out = exchange(wire.chat(*deltas, finish="length"))
    assert [item[1] for item in out.items] == ["completed", "incomplete"]


def test_a_broken_answer_fails_and_closes_nothing(exchange: Any, wire: Any) -> None:
    """End of file without a finish goes straight to response.failed; finished items stay."""
    out = exchange(wire.chat({"reasoning": "r"}, {"content": "Par"}, {"content": "tial"}, finish=None, done=False))
    assert out.types[-3:] == ["output_text.delta", "failed", "[DONE]"]
    assert out.result["error"]["code"] == "server_error"
    assert [item[0] for item in out.items] == ["reasoning"]


@pytest.mark.parametrize(
    ("deltas", "status"),
    [([{"content": "a"}], "completed"), ([{"reasoning": "a"}], "failed"), ([], "failed")],
)
def test_done_without_a_finish_completes_only_an_answer(exchange: Any, wire: Any, deltas: Any, status: str) -> None:
    """``[DONE]`` alone is an end where there is a message or a call, and only there."""
    assert exchange(wire.chat(*deltas, finish=None)).result["status"] == status


def test_done_without_a_finish_does_not_complete_half_a_call(exchange: Any, wire: Any) -> None:
    """A call whose arguments do not parse is not given out on ``[DONE]`` alone."""
    out = exchange(wire.chat(wire.call(0, '{"x', id="a", name="f"), finish=None))
    assert (out.result["status"], out.types.count("output_item.done")) == ("failed", 0)


def test_an_empty_answer_is_completed_and_empty(exchange: Any, wire: Any) -> None:
    """Role and empty content open no item."""
    out = exchange(wire.chat({"role": "assistant", "content": ""}, {"content": None, "tool_calls": []}))
    assert (out.result["status"], out.result["output"]) == ("completed", [])


@pytest.mark.parametrize(
    "error",
    [{"message": "boom", "type": "InternalServerError", "param": None, "code": 500}, "boom", {"detail": "boom"}],
)
def test_an_error_frame_fails_the_stream_once(exchange: Any, wire: Any, error: Any) -> None:
    """An error inside the stream, in any shape, ends it; what follows changes nothing."""
    body = wire.chat({"content": "a"}, finish=None, done=False) + wire.data({"error": error}, "[DONE]") + wire.chat()
    out = exchange(body)
    assert (out.types[-2:], out.types.count("[DONE]")) == (["failed", "[DONE]"], 1)
    assert out.result["error"] == {"code": "server_error", "message": "boom"}


def test_content_after_the_finish_is_kept(exchange: Any, wire: Any) -> None:
    """Some servers give the reason too early: what follows still belongs to the answer."""
    out = exchange(wire.chat({"content": "a"}, done=False) + wire.chat({"content": "b"}))
    assert out.items == [("message", "completed", "ab")]


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


def test_a_json_answer_is_translated_like_a_stream(exchange: Any) -> None:
    """An upstream that ignores ``stream`` still gives the client the whole event sequence."""
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    document = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
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
    body = wire.chat(*deltas, finish="tool_calls", usage=USAGE)
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
