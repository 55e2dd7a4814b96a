"""Chat-completions and vLLM streams, part by part and deviation by deviation."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_text_gives_the_whole_lifecycle(exchange: Any, wire: Any) -> None:
    """A text answer gives every event of the strictest client's grammar, once and in order."""
    out = exchange(
        wire.chat({"role": "assistant", "content": ""}, {"content": "He"}, {"content": "y"}, usage=wire.USAGE)
    )
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
    out = exchange(wire.chat({"content": "x"}, usage=wire.USAGE))
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


def test_a_name_that_follows_whole_arguments_is_waited_for(exchange: Any, wire: Any) -> None:
    """A call without a name yet is not over when the next one begins, though its arguments are whole."""
    fragments = [
        {"index": 0, "id": "call_a", "function": {"arguments": "{}"}},
        {"index": 1, "id": "call_b", "function": {"arguments": '{"b":'}},
        {"index": 0, "function": {"name": "first"}},
        {"index": 1, "function": {"name": "second"}},
        {"index": 1, "function": {"arguments": "1}"}},
    ]
    out = exchange(wire.chat(*({"tool_calls": [fragment]} for fragment in fragments), finish="tool_calls"))
    assert [(item["name"], item["arguments"]) for item in out.result["output"]] == [
        ("first", "{}"),
        ("second", '{"b":1}'),
    ]
