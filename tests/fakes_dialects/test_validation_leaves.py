"""A wrong leaf, a missing key or an unknown key at any depth is found, once, at its place."""

from __future__ import annotations

import copy

import pytest

from fakes.validation import chat_objections, messages_objections

BEARER = {"authorization": "Bearer k"}
KEYED = {"x-api-key": "k", "anthropic-version": "2023-06-01"}

CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://e.org/a.png", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "done"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
    "stream": True,
    "stream_options": {"include_usage": True},
}

MESSAGES = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 4096,
    "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "done"}]},
            ],
        },
    ],
    "tools": [{"name": "f", "description": "F", "input_schema": {"type": "object", "properties": {"a": {}}}}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "summarized"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "metadata": {"user_id": "u"},
    "stream": True,
}

GONE = object()


def changed(body, path, value):
    """A copy of a body with one value replaced, added, or removed."""
    body = copy.deepcopy(body)
    *steps, last = path
    at = body
    for step in steps:
        at = at[step]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return body


M = "messages"
CHAT_LEAVES = [
    (("model",), GONE, "chat.missing-key", "model"),
    (("model",), 5, "chat.wrong-type", "model"),
    ((M,), GONE, "chat.missing-key", "messages"),
    ((M,), "hello", "chat.wrong-type", "messages"),
    ((M, 0), 4, "chat.wrong-type", "messages[0]"),
    ((M, 0, "role"), "wizard", "chat.wrong-value", "messages[0].role"),
    ((M, 0, "role"), GONE, "chat.missing-key", "messages[0].role"),
    ((M, 0, "role"), 7, "chat.wrong-type", "messages[0].role"),
    ((M, 0, "content"), 3, "chat.wrong-type", "messages[0].content"),
    ((M, 0, "colour"), "red", "chat.unknown-key", "messages[0].colour"),
    ((M, 1, "content", 0, "type"), "input_text", "chat.wrong-value", "messages[1].content[0].type"),
    ((M, 1, "content", 0, "type"), GONE, "chat.missing-key", "messages[1].content[0].type"),
    ((M, 1, "content", 0, "text"), 5, "chat.wrong-type", "messages[1].content[0].text"),
    ((M, 1, "content", 0, "cache_control"), {}, "chat.unknown-key", "messages[1].content[0].cache_control"),
    ((M, 1, "content", 1, "image_url"), "https://e.org", "chat.wrong-type", "messages[1].content[1].image_url"),
    ((M, 1, "content", 1, "image_url", "url"), GONE, "chat.missing-key", "messages[1].content[1].image_url.url"),
    ((M, 1, "content", 1, "image_url", "url"), None, "chat.wrong-type", "messages[1].content[1].image_url.url"),
    (
        (M, 1, "content", 1, "image_url", "detail"),
        "huge",
        "chat.wrong-value",
        "messages[1].content[1].image_url.detail",
    ),
    ((M, 1, "content", 1, "image_url", "x"), 1, "chat.unknown-key", "messages[1].content[1].image_url.x"),
    ((M, 2, "tool_calls"), None, "chat.wrong-type", "messages[2].tool_calls"),
    ((M, 2, "tool_calls", 0, "id"), GONE, "chat.missing-key", "messages[2].tool_calls[0].id"),
    ((M, 2, "tool_calls", 0, "type"), GONE, "chat.missing-key", "messages[2].tool_calls[0].type"),
    ((M, 2, "tool_calls", 0, "colour"), "red", "chat.unknown-key", "messages[2].tool_calls[0].colour"),
    (
        (M, 2, "tool_calls", 0, "function", "arguments"),
        {"a": 1},
        "chat.wrong-type",
        "messages[2].tool_calls[0].function.arguments",
    ),
    (
        (M, 2, "tool_calls", 0, "function", "name"),
        GONE,
        "chat.missing-key",
        "messages[2].tool_calls[0].function.name",
    ),
    ((M, 2, "status"), "completed", "chat.unknown-key", "messages[2].status"),
    ((M, 3, "tool_call_id"), GONE, "chat.missing-key", "messages[3].tool_call_id"),
    ((M, 3, "content", 0, "type"), "output_text", "chat.wrong-value", "messages[3].content[0].type"),
    (("tools",), None, "chat.wrong-type", "tools"),
    (("tools", 0, "type"), "web_search", "chat.wrong-value", "tools[0].type"),
    (("tools", 0, "function", "name"), GONE, "chat.missing-key", "tools[0].function.name"),
    (("tools", 0, "function", "name"), 5, "chat.wrong-type", "tools[0].function.name"),
    (("tools", 0, "function", "parameters"), "{}", "chat.wrong-type", "tools[0].function.parameters"),
    (("tools", 0, "function", "extra"), 1, "chat.unknown-key", "tools[0].function.extra"),
    (("tools", 0, "name"), "f", "chat.unknown-key", "tools[0].name"),
    (("tool_choice",), "any", "chat.wrong-value", "tool_choice"),
    (("tool_choice", "function"), GONE, "chat.missing-key", "tool_choice.function"),
    (("response_format", "type"), "json", "chat.wrong-value", "response_format.type"),
    (("response_format", "json_schema"), GONE, "chat.missing-key", "response_format.json_schema"),
    (("response_format", "json_schema", "name"), GONE, "chat.missing-key", "response_format.json_schema.name"),
    (("response_format", "strict"), True, "chat.unknown-key", "response_format.strict"),
    (("temperature",), "1", "chat.wrong-type", "temperature"),
    (("stream",), "true", "chat.wrong-type", "stream"),
    (("stream_options", "include_usage"), 1, "chat.wrong-type", "stream_options.include_usage"),
    (("stream_options", "continuous_usage_stats"), True, "chat.unknown-key", "stream_options.continuous_usage_stats"),
    (("max_completion_tokens",), 1.5, "chat.wrong-type", "max_completion_tokens"),
    (("reasoning_effort",), "extreme", "chat.wrong-value", "reasoning_effort"),
    (("chat_template_kwargs",), {}, "chat.unknown-key", "chat_template_kwargs"),
    (("input",), [], "chat.responses-key", "input"),
    (("reasoning",), {"effort": "low"}, "chat.responses-key", "reasoning"),
    (("max_output_tokens",), 5, "chat.responses-key", "max_output_tokens"),
]

MESSAGES_LEAVES = [
    (("model",), GONE, "messages.missing-key", "model"),
    (("max_tokens",), GONE, "messages.missing-key", "max_tokens"),
    (("max_tokens",), "5", "messages.wrong-type", "max_tokens"),
    ((M,), {}, "messages.wrong-type", "messages"),
    ((M, 0), [], "messages.wrong-type", "messages[0]"),
    ((M, 0, "role"), "tool", "messages.wrong-value", "messages[0].role"),
    ((M, 0, "content"), None, "messages.wrong-type", "messages[0].content"),
    ((M, 0, "name"), "x", "messages.unknown-key", "messages[0].name"),
    ((M, 0, "content", 0, "type"), "input_text", "messages.wrong-value", "messages[0].content[0].type"),
    ((M, 0, "content", 0, "text"), 5, "messages.wrong-type", "messages[0].content[0].text"),
    ((M, 0, "content", 0, "annotations"), [], "messages.unknown-key", "messages[0].content[0].annotations"),
    (
        (M, 0, "content", 1, "source", "media_type"),
        "image/bmp",
        "messages.wrong-value",
        "messages[0].content[1].source.media_type",
    ),
    ((M, 0, "content", 1, "source", "type"), "file_url", "messages.wrong-value", "messages[0].content[1].source.type"),
    ((M, 0, "content", 1, "source", "data"), GONE, "messages.missing-key", "messages[0].content[1].source.data"),
    ((M, 0, "content", 1, "source", "url"), "x", "messages.unknown-key", "messages[0].content[1].source.url"),
    ((M, 1, "content", 0, "signature"), GONE, "messages.missing-key", "messages[1].content[0].signature"),
    ((M, 1, "content", 1, "input"), "{}", "messages.wrong-type", "messages[1].content[1].input"),
    ((M, 1, "content", 1, "arguments"), "{}", "messages.unknown-key", "messages[1].content[1].arguments"),
    ((M, 2, "content", 0, "tool_use_id"), GONE, "messages.missing-key", "messages[2].content[0].tool_use_id"),
    ((M, 2, "content", 0, "is_error"), "no", "messages.wrong-type", "messages[2].content[0].is_error"),
    (
        (M, 2, "content", 0, "content", 0, "text"),
        GONE,
        "messages.missing-key",
        "messages[2].content[0].content[0].text",
    ),
    ((M, 2, "content", 0, "content", 0, "x"), 1, "messages.unknown-key", "messages[2].content[0].content[0].x"),
    (("system", 0, "type"), "input_text", "messages.wrong-value", "system[0].type"),
    (("system", 0, "cache_control", "type"), "forever", "messages.wrong-value", "system[0].cache_control.type"),
    (("system",), 5, "messages.wrong-type", "system"),
    (("tools", 0, "input_schema"), GONE, "messages.missing-key", "tools[0].input_schema"),
    (("tools", 0, "input_schema"), "x", "messages.wrong-type", "tools[0].input_schema"),
    (("tools", 0, "parameters"), {}, "messages.unknown-key", "tools[0].parameters"),
    (("tools", 0, "type"), "function", "messages.wrong-value", "tools[0].type"),
    (("tool_choice",), "auto", "messages.wrong-type", "tool_choice"),
    (("tool_choice", "type"), "required", "messages.wrong-value", "tool_choice.type"),
    (("thinking", "type"), "on", "messages.wrong-value", "thinking.type"),
    (("thinking", "budget_tokens"), 1024, "messages.unknown-key", "thinking.budget_tokens"),
    (("output_config", "effort"), "minimal", "messages.wrong-value", "output_config.effort"),
    (("output_config", "format", "name"), "s", "messages.unknown-key", "output_config.format.name"),
    (("metadata", "team"), "x", "messages.unknown-key", "metadata.team"),
    (("stream",), 1, "messages.wrong-type", "stream"),
    (("temperature",), "1", "messages.wrong-type", "temperature"),
    (("stop",), ["x"], "messages.unknown-key", "stop"),
    (("parallel_tool_calls",), True, "messages.unknown-key", "parallel_tool_calls"),
    (("stop_sequences",), "x", "messages.wrong-type", "stop_sequences"),
]


def by_types(objections):
    """Rules and places of the objections that come from types."""
    kinds = ("missing-key", "unknown-key", "wrong-type", "wrong-value", "responses-key")
    return [(each.rule, each.path) for each in objections if each.rule.endswith(kinds)]


@pytest.mark.parametrize(("path", "value", "rule", "where"), CHAT_LEAVES)
def test_chat_leaves(path, value, rule, where):
    """Each bad leaf of a chat completions request is one objection at its place, answered as OpenAI answers."""
    objections = chat_objections(BEARER, changed(CHAT, path, value))
    assert by_types(objections) == [(rule, where)]
    objection = next(each for each in objections if each.rule == rule)
    assert objection.status == 400
    assert set(objection.body["error"]) == {"message", "type", "param", "code"}
    assert where in (objection.body["error"]["param"] or objection.message)
    assert objection.body["error"]["message"] == objection.message


@pytest.mark.parametrize(("path", "value", "rule", "where"), MESSAGES_LEAVES)
def test_messages_leaves(path, value, rule, where):
    """Each bad leaf of a Messages request is one objection at its place, answered as Anthropic answers."""
    objections = messages_objections(KEYED, changed(MESSAGES, path, value))
    assert by_types(objections) == [(rule, where)]
    objection = next(each for each in objections if each.rule == rule)
    assert objection.status == 400
    assert objection.body["type"] == "error"
    assert objection.body["error"]["type"] == "invalid_request_error"
    dotted = where.replace("[", ".").replace("]", "")
    assert objection.message.startswith(f"{dotted}: ")


def test_the_bases_are_legal():
    """The requests that the tables change have no objection themselves."""
    assert chat_objections(BEARER, CHAT) == ()
    assert messages_objections(KEYED, MESSAGES) == ()


def test_chat_words_are_openais():
    """Faults by type are worded as OpenAI words them."""
    words = {
        ("model",): (GONE, "Missing required parameter: 'model'.", "missing_required_parameter"),
        (M, 0, "role"): (
            "wizard",
            "Invalid value: 'wizard'. Supported values are: 'developer', 'system', 'user', 'assistant', 'tool', and "
            "'function'.",
            "invalid_value",
        ),
        (M, 0, "content"): (
            3,
            "Invalid type for 'messages[0].content': expected one of a string or an array, but got an integer instead.",
            "invalid_type",
        ),
        ("num_ctx",): (1, "Unrecognized request argument supplied: num_ctx", None),
    }
    for path, (value, message, code) in words.items():
        (objection,) = by_message(chat_objections(BEARER, changed(CHAT, path, value)))
        assert objection.body["error"]["message"] == message
        assert objection.body["error"]["code"] == code


def by_message(objections):
    """The objections that come from types."""
    return [each for each in objections if each.rule.startswith("chat.")][:1]


def test_a_beta_may_add_parameters():
    """With an anthropic-beta header unknown parameters at the top are no objection; deeper ones still are."""
    body = {**MESSAGES, "context_management": {}}
    assert by_types(messages_objections(KEYED, body)) == [("messages.unknown-key", "context_management")]
    assert messages_objections({**KEYED, "anthropic-beta": "context-management-2025-06-27"}, body) == ()
