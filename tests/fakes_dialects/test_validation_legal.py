"""Legal requests have no objection: whatever freedom the services leave is left."""

from __future__ import annotations

import pytest

from fakes.dialects import get
from fakes.validation import chat_objections, messages_objections, vllm_objections

BEARER = {"authorization": "Bearer k"}
KEYED = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "hi"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Get the time",
        "parameters": {"type": "object", "properties": {}},
    },
}
TOOLS = [WEATHER, TIME]
MESSAGES_TOOLS = [
    {"name": t["function"]["name"], "description": "x", "input_schema": t["function"]["parameters"]} for t in TOOLS
]
PARIS = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
ANSWERED = [
    USER,
    {"role": "assistant", "content": None, "tool_calls": [PARIS]},
    {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"},
]
THINKING_OFF = {"chat_template_kwargs": {"enable_thinking": False}}


def request(*messages, **more):
    """A chat completions request."""
    return {"model": "m", "messages": list(messages) or [USER], **more}


# What vLLM 0.32, llama.cpp and transformers were seen to answer with 200, vLLM's own parameters included.
RECORDED = [
    request(temperature=0, max_tokens=400, **THINKING_OFF),
    request(temperature=0, max_tokens=400, stream=True, stream_options={"include_usage": True}, **THINKING_OFF),
    request(temperature=0, max_tokens=400, stream=True, logprobs=True, top_logprobs=2, **THINKING_OFF),
    request(temperature=0, max_tokens=400, stream=True, stop=["STOP"], **THINKING_OFF),
    request(stop=["STOP"], include_stop_str_in_output=True, stream=True, **THINKING_OFF),
    request(stop_token_ids=[5], return_token_ids=True, stream=True, **THINKING_OFF),
    request(max_tokens=400, max_completion_tokens=8, stream=True, **THINKING_OFF),
    request(n=2, temperature=0.5, max_tokens=400, stream=True),
    request(include_reasoning=False, stream=True, temperature=0),
    request(ignore_eos=True, stream=True),
    request(stream=True, stream_options={"include_usage": True, "continuous_usage_stats": True}, **THINKING_OFF),
    request(temperature=0, max_tokens=400, tools=TOOLS, **THINKING_OFF),
    request(temperature=0, tools=TOOLS, tool_choice="required", stream=True, **THINKING_OFF),
    request(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_weather"}}, stream=True),
    request(tools=TOOLS, parallel_tool_calls=False, stream=True, **THINKING_OFF),
    request(*ANSWERED, USER, tools=TOOLS, temperature=0, stream=True, **THINKING_OFF),
    request(
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        stream=True,
        **THINKING_OFF,
    ),
    request({"role": "wizard", "content": "x"}, stream=True, max_tokens=20),
]

CHAT = [
    request(),
    request(
        {"role": "system", "content": "a"}, {"role": "developer", "content": [{"type": "text", "text": "b"}]}, USER
    ),
    request(USER, {"role": "assistant", "content": "a"}),
    request(USER, {"role": "assistant", "content": ""}, USER),
    request(USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER),
    request(USER, {"role": "assistant", "content": None, "refusal": "no"}, USER),
    request(USER, {"role": "assistant", "content": "a", "reasoning_content": "b"}, USER),
    request(USER, {"role": "assistant", "content": "a", "reasoning": "b"}, USER),
    request(
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "high"}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}},
            ],
        }
    ),
    request(*ANSWERED, tools=TOOLS),
    request(*ANSWERED, {"role": "user", "content": [{"type": "text", "text": "and?"}]}, tools=TOOLS),
    request(*ANSWERED, *ANSWERED, tools=TOOLS),  # the same id in a later turn
    request(
        USER,
        {"role": "assistant", "content": "wait", "tool_calls": [PARIS, {**PARIS, "id": "x" * 64}]},
        {"role": "tool", "tool_call_id": "x" * 64, "content": ""},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "a"}]},
        tools=TOOLS,
    ),
    request(
        USER,
        {"role": "assistant", "tool_calls": [{**PARIS, "function": {"name": "f", "arguments": "not json"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a"},
    ),
    request(tools=TOOLS, tool_choice="none", parallel_tool_calls=True),
    request(
        tools=TOOLS,
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]},
        },
    ),
    request(tools=[{"type": "function", "function": {"name": "f"}}]),
    request(tools=[{"type": "function", "function": {"name": "f" * 64, "parameters": {}, "strict": False}}]),
    request(
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "strict": True,
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
                        },
                        "required": ["a", "b"],
                        "additionalProperties": False,
                        "$defs": {"c": {"type": "string"}},
                    },
                },
            }
        ]
    ),
    request(tools=[{"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}}]),
    request(response_format={"type": "text"}),
    request({"role": "user", "content": "Answer in JSON"}, response_format={"type": "json_object"}),
    request(max_completion_tokens=1, temperature=2, top_p=1, seed=5, user="u", logit_bias={"5": 1}),
    request(reasoning_effort="low", verbosity="low", service_tier="flex", prompt_cache_key="k", safety_identifier="s"),
    request(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}),
    request(stream=False, stop=None, temperature=None, max_completion_tokens=None, stream_options=None),
    request(store=True, metadata={"a": "b"}),
    request(logprobs=True, top_logprobs=0),
    request(USER, {"role": "assistant", "content": None, "tool_calls": [{**PARIS, "index": 0}]}, ANSWERED[2]),
]


def asked(*messages, **more):
    """A Messages request."""
    return {"model": "claude-sonnet-4-6", "max_tokens": 4096, "messages": list(messages) or [USER], **more}


USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "18 degrees"}
THINK = {"type": "thinking", "thinking": "hm", "signature": "sig"}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def turn(role, *blocks):
    """A message of blocks."""
    return {"role": role, "content": list(blocks)}


MESSAGES = [
    asked(temperature=0, tools=MESSAGES_TOOLS, stream=True),
    asked(stop_sequences=["STOP"], temperature=0),
    asked(tools=MESSAGES_TOOLS, tool_choice={"type": "tool", "name": "get_weather"}, stream=True),
    asked(USER, turn("assistant", USE), turn("user", RESULT), tools=MESSAGES_TOOLS),
    asked(USER, turn("assistant", USE), turn("user", {**RESULT, "content": ""}), tools=MESSAGES_TOOLS),
    asked(USER, turn("assistant", USE), turn("user", {"type": "tool_result", "tool_use_id": "toolu_1"})),
    asked(USER, turn("assistant", USE), turn("user", {**RESULT, "is_error": True}, {"type": "text", "text": "go on"})),
    asked(
        USER,
        turn("assistant", {"type": "text", "text": "both"}, USE, {**USE, "id": "toolu_2"}),
        turn("user", {**RESULT, "tool_use_id": "toolu_2"}, RESULT),
        tools=MESSAGES_TOOLS,
    ),
    asked(
        USER,
        turn("assistant", USE),
        turn(
            "user",
            {
                **RESULT,
                "content": [
                    {"type": "text", "text": "\n"},
                    {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}},
                ],
            },
        ),
    ),
    asked(USER, USER, {"role": "assistant", "content": "a"}, USER),
    asked({"role": "assistant", "content": "a"}, USER),
    asked(USER, {"role": "system", "content": "from here on in French"}, USER),
    asked(system="be brief"),
    asked(system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
    asked(thinking={"type": "disabled"}, temperature=1),
    asked(thinking={"type": "adaptive"}, output_config={"effort": "high"}),
    asked(thinking=ENABLED, top_p=0.95, temperature=1) | {"model": "claude-3-7-sonnet-latest"},
    asked(USER, turn("assistant", THINK, USE), turn("user", RESULT), thinking=ENABLED, tools=MESSAGES_TOOLS),
    asked(
        USER,
        turn("assistant", {"type": "redacted_thinking", "data": "x"}, USE),
        turn("user", RESULT),
        turn("assistant", {**USE, "id": "toolu_2"}),  # later rounds of one turn need no thinking
        turn("user", {**RESULT, "tool_use_id": "toolu_2"}),
        thinking=ENABLED,
        tools=MESSAGES_TOOLS,
    ),
    asked(USER, turn("assistant", USE), turn("user", RESULT), USER, thinking=ENABLED, tools=MESSAGES_TOOLS),
    asked(USER, turn("assistant", USE), turn("user", RESULT), thinking={"type": "adaptive"}, tools=MESSAGES_TOOLS),
    asked(thinking=ENABLED, tools=MESSAGES_TOOLS, tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
    asked(tools=MESSAGES_TOOLS, tool_choice={"type": "none"}),
    asked(tools=[]),
    asked(tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]),
    asked(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
    asked(metadata={"user_id": "u"}, service_tier="auto", top_k=5),
    asked(
        turn(
            "user",
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "aGk="}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "t",
            },
            {"type": "text", "text": "what are these?"},
        )
    ),
    asked(
        tools=[{"name": "f" * 128, "input_schema": {"type": "object", "additionalProperties": False}, "strict": True}]
    ),
    asked(USER, {"role": "assistant", "content": "The answer is"}) | {"model": "claude-haiku-4-5"},
]


@pytest.mark.parametrize("body", CHAT)
def test_chat(body):
    """OpenAI takes it, and so does vLLM unless it is OpenAI's alone."""
    assert chat_objections(BEARER, body) == ()


@pytest.mark.parametrize("body", RECORDED)
def test_vllm(body):
    """What real servers were seen to answer is no objection."""
    assert vllm_objections({}, body) == ()


@pytest.mark.parametrize("body", MESSAGES)
def test_messages(body):
    """Anthropic takes it."""
    assert messages_objections(KEYED, body) == ()


@pytest.mark.parametrize(
    ("dialect", "headers", "body"),
    [("chat_completions", BEARER, CHAT[9]), ("vllm", {}, CHAT[9]), ("messages", KEYED, MESSAGES[3])],
)
def test_through_the_dialect(dialect, headers, body):
    """Each dialect judges by its own service."""
    assert get(dialect).objections(headers, body) == ()
    assert get(dialect).objections(headers, {**body, "messages": 5})


@pytest.mark.parametrize("objections", [chat_objections, vllm_objections, messages_objections])
@pytest.mark.parametrize(
    "body", [{}, {"messages": [None, 5, [], {}]}, {"messages": {}}, {"tools": [None], "messages": []}]
)
def test_nothing_breaks_on_nonsense(objections, body):
    """A body of any shape is judged, never a crash."""
    assert objections({}, body)


def test_long_conversations_are_legal():
    """A conversation of a hundred messages with thirty-three rounds of calls has no objections."""
    chat = request(*ANSWERED * 33, tools=TOOLS * 10)
    rounds = []
    for n in range(33):
        rounds += [turn("assistant", {**USE, "id": f"t{n}"}), turn("user", {**RESULT, "tool_use_id": f"t{n}"})]
    long = asked(USER, *rounds, tools=MESSAGES_TOOLS)
    for judge, headers, body in ((chat_objections, BEARER, chat), (messages_objections, KEYED, long)):
        assert judge(headers, body) == ()
