"""The official SDKs read what the dialects write, and find what the script said."""

from __future__ import annotations

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.dialects import get
from fakes.script import Reasoning, Script, Text, ToolCall, Usage

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
SCRIPT = Script(
    parts=(
        Reasoning(("let me", " see")),
        Text(("Hé", "llo 🎉")),
        ToolCall("get_weather", ('{"city": ', '"Paris"}')),
        ToolCall("get_time", ("{}",)),
    ),
    finish="tool_calls",
    usage=Usage(100, 9, cached=60, reasoning=4),
)


@pytest.fixture
def transport():
    """A transport that answers every request with a reply."""

    def make(reply):
        def handle(_request):
            return httpx2.Response(reply.status, headers=list(reply.headers), content=reply.body)

        return httpx2.Client(transport=httpx2.MockTransport(handle))

    return make


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_openai_accumulates_the_stream(transport, dialect):
    """openai's own stream accumulator finds text, calls, finish and usage."""
    reply = get(dialect).encode(SCRIPT, {**REQUEST, "stream_options": {"include_usage": True}})
    with openai.OpenAI(api_key="k", base_url="http://fake/v1", http_client=transport(reply)) as client:
        tools = [{"type": "function", "function": {"name": n, "parameters": {}}} for n in ("get_weather", "get_time")]
        with client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "hi"}], tools=tools
        ) as stream:
            completion = stream.get_final_completion()
    choice = completion.choices[0]
    assert choice.message.content == "Héllo 🎉"
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_time", "{}"),
    ]
    assert choice.finish_reason == "tool_calls"
    assert completion.usage.prompt_tokens == 100
    assert completion.usage.completion_tokens_details.reasoning_tokens == 4


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_openai_reads_the_whole_answer(transport, dialect):
    """openai's client reads the JSON answer of the same script."""
    reply = get(dialect).encode(SCRIPT, {**REQUEST, "stream": False})
    with openai.OpenAI(api_key="k", base_url="http://fake/v1", http_client=transport(reply)) as client:
        completion = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    openai.types.chat.ChatCompletion.model_validate(completion.model_dump(), strict=False)
    assert completion.choices[0].message.content == "Héllo 🎉"
    assert completion.choices[0].message.reasoning == "let me see"
    assert len(completion.choices[0].message.tool_calls) == 2


def test_anthropic_accumulates_the_stream(transport):
    """anthropic's own stream accumulator finds every block, the stop reason and the usage."""
    reply = get("messages").encode(SCRIPT, REQUEST)
    client = anthropic.Anthropic(api_key="k", base_url="http://fake", http_client=transport(reply))
    asked = {"model": "m", "max_tokens": 9, "messages": REQUEST["messages"]}
    with client, client.messages.stream(**asked) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].thinking == "let me see"
    assert message.content[0].signature
    assert message.content[1].text == "Héllo 🎉"
    assert message.content[2].input == {"city": "Paris"}
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (
        40,
        60,
        9,
    )


def test_anthropic_reads_the_whole_answer(transport):
    """anthropic's client reads the JSON answer of the same script."""
    reply = get("messages").encode(SCRIPT, {**REQUEST, "stream": False})
    with anthropic.Anthropic(api_key="k", base_url="http://fake", http_client=transport(reply)) as client:
        message = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    assert message.content[1].text == "Héllo 🎉"
    assert message.content[3].input == {}


PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5).map(tuple)


@pytest.mark.parametrize("dialect", ["chat_completions", "messages", "vllm"])
@settings(max_examples=30, deadline=None)
@given(text=PIECES, reasoning=PIECES)
def test_gates_are_the_content(dialect, text, reasoning):
    """Whatever the text: the gates joined are reasoning and text, one frame a piece, and JSON survives it."""
    script = Script(parts=(Reasoning(reasoning), Text(text)))
    reply = get(dialect).encode(script, REQUEST)
    assert [frame.gate for frame in reply.frames if frame.gate] == [piece for piece in (*reasoning, *text) if piece]
    assert reply == get(dialect).encode(script, REQUEST)


@pytest.mark.parametrize("dialect", ["chat_completions", "messages", "vllm"])
def test_ids_follow_the_request(dialect):
    """The same request gives the same ids streamed and whole; another message gives others."""
    ids = set()
    for stream in (True, False):
        body = get(dialect).encode(SCRIPT, {**REQUEST, "stream": stream}).body.decode()
        ids.add(next(part for part in body.split('"') if part.startswith(("chatcmpl-", "msg_01"))))
    assert len(ids) == 1
    other = {**REQUEST, "messages": [{"role": "user", "content": "bye"}]}
    assert ids.pop() not in get(dialect).encode(SCRIPT, other).body.decode()


@pytest.mark.parametrize("dialect", ["chat_completions", "messages", "vllm"])
def test_lone_surrogates_are_escaped(dialect):
    """A lone surrogate, which UTF-8 cannot say, is written as a JSON escape."""
    assert b"\\ud83d" in get(dialect).encode(Script(parts=(Text(("\ud83d",)),)), REQUEST).body
