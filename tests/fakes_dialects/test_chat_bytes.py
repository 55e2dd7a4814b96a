"""Chat completions as api.openai.com writes it."""

from __future__ import annotations

import json

import pytest

from fakes.script import Annotation, Comment, Interleaved, Ping, Raw, Reasoning, Refusal, Script, Text, ToolCall, Usage

HEAD = (
    '"object":"chat.completion.chunk","created":1795000000,"model":"m","service_tier":"default",'
    '"system_fingerprint":"fp_4a6b1f2c3d",'
)


def lines(reply):
    """The events without the completion's id, which is a hash."""
    texts = reply.body.decode().split("\n\n")
    assert texts.pop() == ""
    identifiers = {json.loads(t[6:])["id"] for t in texts if t.startswith("data: {")}
    assert len(identifiers) == 1
    identifier = identifiers.pop()
    assert identifier.startswith("chatcmpl-")
    return [text.replace(f'"id":"{identifier}",', "") for text in texts]


def test_text_with_usage(encode):
    """Text is a role chunk, one chunk a piece, a finish chunk, a usage chunk and [DONE], byte for byte."""
    reply = encode("chat_completions", Script(parts=(Text(("Hé", "llo")),), usage=Usage(5, 2)))
    choice = '"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}],"usage":null}'
    assert lines(reply) == [
        "data: {" + HEAD + choice % ('{"role":"assistant","content":"","refusal":null}', "null"),
        "data: {" + HEAD + choice % ('{"content":"Hé"}', "null"),
        "data: {" + HEAD + choice % ('{"content":"llo"}', "null"),
        "data: {" + HEAD + choice % ("{}", '"stop"'),
        "data: {" + HEAD + '"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}',
        "data: [DONE]",
    ]
    assert dict(reply.headers)["content-type"] == "text/event-stream; charset=utf-8"
    assert [frame.gate for frame in reply.frames] == ["", "Hé", "llo", "", "", ""]


def test_usage_only_when_asked(encode, events):
    """Without include_usage no chunk has a usage key and no usage chunk comes."""
    for event in events(encode("chat_completions", Script(parts=(Text(("a",)),)), usage=False))[:-1]:
        assert "usage" not in event
        assert event["choices"]


def test_usage_details(encode, events):
    """Details that the script knows are reported, prompt tokens include cached ones, unknown details are absent."""
    usage = events(encode("chat_completions", Script(usage=Usage(20, 9, cached=3, reasoning=2))))[-2]["usage"]
    assert usage["prompt_tokens"] == 20
    assert usage["total_tokens"] == 29
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 0}
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 2
    plain = events(encode("chat_completions", Script(usage=Usage(20, 9))))[-2]["usage"]
    assert set(plain) == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_tool_calls(encode, events):
    """A call's first fragment has index, id, type, name and empty arguments; the rest index and arguments."""
    script = Script(parts=(ToolCall("f", ("{", "}")), ToolCall("g", (), id="call_own")), finish="tool_calls")
    deltas = [
        e["choices"][0]["delta"] for e in events(encode("chat_completions", script)) if e != "[DONE]" and e["choices"]
    ]
    first, *rest = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert list(first) == ["index", "id", "type", "function"]
    assert first["id"].startswith("call_")
    assert first["function"] == {"name": "f", "arguments": ""}
    assert rest == [
        {"index": 0, "function": {"arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 1, "id": "call_own", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]


def test_tool_call_without_id(encode, events):
    """An empty id in the script sends no id at all."""
    script = Script(parts=(ToolCall("f", (), id=""),), finish="tool_calls")
    entry = events(encode("chat_completions", script))[1]["choices"][0]["delta"]["tool_calls"][0]
    assert "id" not in entry


def test_arguments_refusals_and_control_gate_nothing(encode):
    """Only text and reasoning gate the next frame."""
    parts = (Refusal(("no",)), ToolCall("f", ("{}",)), Ping(), Comment(), Raw(b"data: {}\n\n"))
    assert {frame.gate for frame in encode("chat_completions", Script(parts=parts)).frames} == {""}


def test_refusal_and_annotations(encode, events):
    """Refusals come in delta.refusal, citations nested in delta.annotations."""
    script = Script(parts=(Text(("See x",)), Annotation("https://e.org", "E", 4, 5), Refusal(("No", "."))))
    deltas = [e["choices"][0]["delta"] for e in events(encode("chat_completions", script, usage=False))[1:-2]]
    cited = {"end_index": 5, "start_index": 4, "title": "E", "url": "https://e.org"}
    assert deltas == [
        {"content": "See x"},
        {"annotations": [{"type": "url_citation", "url_citation": cited}]},
        {"refusal": "No"},
        {"refusal": "."},
    ]


def test_interleaved_calls_alternate(encode, events):
    """Interleaved parts give one fragment each in turn, and calls keep their own index."""
    script = Script(parts=(Interleaved((ToolCall("f", ("1", "2")), ToolCall("g", ("3",)))),), finish="tool_calls")
    calls = [
        e["choices"][0]["delta"]["tool_calls"][0]
        for e in events(encode("chat_completions", script, usage=False))
        if e != "[DONE]" and "tool_calls" in e["choices"][0]["delta"]
    ]
    assert [(call["index"], call["function"]["arguments"]) for call in calls] == [
        (0, ""),
        (1, ""),
        (0, "1"),
        (1, "3"),
        (0, "2"),
    ]


def test_whole_message(encode):
    """A JSON answer has the same content, the same ids, and what OpenAI's message has beside it."""
    parts = (Reasoning(("a", "b")), Text(("c", "d")), ToolCall("f", ('{"x":', "1e400}")))
    script = Script(parts=parts, finish="tool_calls", usage=Usage(5, 2))
    body = json.loads(encode("chat_completions", script, stream=False).body)
    message = body["choices"][0]["message"]
    assert message["content"] == "cd"
    assert message["reasoning"] == "ab"
    assert message["refusal"] is None
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x":1e400}'}
    assert body["object"] == "chat.completion"
    assert body["usage"]["total_tokens"] == 7
    streamed = encode("chat_completions", script).body.decode()
    assert body["id"] in streamed
    assert message["tool_calls"][0]["id"] in streamed


def test_raw_bytes_may_precede_everything(encode):
    """Bytes that come first in a script come first on the wire."""
    assert encode("chat_completions", Script(parts=(Raw(b"\xef\xbb\xbf"), Text(("a",))))).body.startswith(
        b"\xef\xbb\xbfdata"
    )


@pytest.mark.parametrize("parts", [(), (Text(()),), (Text(("",)),)])
def test_empty_answers(encode, events, parts):
    """An answer without text is a role chunk and a finish chunk, and an empty string when whole."""
    finishes = [e["choices"][0]["finish_reason"] for e in events(encode("chat_completions", Script(parts=parts)))[:-2]]
    assert finishes[-1] == "stop"
    whole = json.loads(encode("chat_completions", Script(parts=parts), stream=False).body)
    assert whole["choices"][0]["message"]["content"] == ""
