"""Rules of OpenAI's chat completions beyond its types: each is broken once, and only it speaks."""

from __future__ import annotations

import pytest

from fakes.dialects import ChatCompletions
from fakes.validation import CHAT_RULES, chat_objections

BEARER = {"authorization": "Bearer k"}
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def call(identifier="a", name="f"):
    """One entry of tool_calls."""
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": "{}"}}


def calling(*identifiers):
    """An assistant message that calls."""
    return {"role": "assistant", "content": None, "tool_calls": [call(each) for each in identifiers]}


def answer(identifier="a"):
    """A tool message."""
    return {"role": "tool", "tool_call_id": identifier, "content": "ok"}


def request(*messages, **more):
    """A request."""
    return {"model": "m", "messages": list(messages) or [USER], **more}


def strict_tool(schema):
    """A tool in strict mode."""
    return {"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}


LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OPTIONAL = {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
IMAGE = {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}

BROKEN = [
    ("chat.empty-messages", "messages", {"model": "m", "messages": []}),
    ("chat.empty-tools", "tools", request(tools=[])),
    (
        "chat.empty-tool-calls",
        "messages[0].tool_calls",
        request({"role": "assistant", "content": "a", "tool_calls": []}),
    ),
    ("chat.tool-choice-without-tools", "tool_choice", request(tool_choice="auto")),
    ("chat.parallel-without-tools", "parallel_tool_calls", request(parallel_tool_calls=True)),
    (
        "chat.tool-choice-unknown",
        "tool_choice",
        request(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "g"}}),
    ),
    (
        "chat.tool-choice-unknown",
        "tool_choice",
        request(
            tools=[TOOL],
            tool_choice={
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]},
            },
        ),
    ),
    ("chat.stream-options-without-stream", "stream_options", request(stream_options={"include_usage": True})),
    (
        "chat.stream-options-without-stream",
        "stream_options",
        request(stream=False, stream_options={"include_usage": True}),
    ),
    ("chat.two-limits", "max_tokens", request(max_tokens=5, max_completion_tokens=5)),
    ("chat.metadata-without-store", "metadata", request(metadata={"a": "b"})),
    ("chat.top-logprobs-without-logprobs", "top_logprobs", request(top_logprobs=3)),
    ("chat.out-of-range", "temperature", request(temperature=3)),
    ("chat.out-of-range", "top_p", request(top_p=-0.5)),
    ("chat.out-of-range", "max_completion_tokens", request(max_completion_tokens=0)),
    ("chat.json-word", "messages", request(response_format={"type": "json_object"})),
    ("chat.name", "tools[0].function.name", request(tools=[{"type": "function", "function": {"name": "a.b"}}])),
    ("chat.name", "tools[0].function.name", request(tools=[{"type": "function", "function": {"name": "f\n"}}])),
    (
        "chat.name",
        "messages[0].tool_calls[0].function.name",
        request({"role": "assistant", "tool_calls": [call("a", "mcp/f")]}, answer(), USER),
    ),
    (
        "chat.name",
        "response_format.json_schema.name",
        request(response_format={"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}),
    ),
    (
        "chat.name-length",
        "tools[0].function.name",
        request(tools=[{"type": "function", "function": {"name": "f" * 65}}]),
    ),
    ("chat.strict-schema", "tools[0].function.parameters", request(tools=[strict_tool(LOOSE)])),
    ("chat.strict-schema", "tools[0].function.parameters", request(tools=[strict_tool(OPTIONAL)])),
    (
        "chat.strict-schema",
        "tools[0].function.parameters",
        request(tools=[strict_tool({**CLOSED, "properties": {"a": {"type": "array", "items": LOOSE}}})]),
    ),
    (
        "chat.strict-schema",
        "tools[0].function.parameters",
        request(tools=[strict_tool({**CLOSED, "$defs": {"d": {"anyOf": [LOOSE]}}})]),
    ),
    (
        "chat.strict-schema",
        "response_format.json_schema.schema",
        request(response_format={"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": LOOSE}}),
    ),
    (
        "chat.parameters-not-object",
        "tools[0].function.parameters",
        request(tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]),
    ),
    ("chat.tool-call-id-empty", "messages[0].tool_calls[0].id", request(calling(""), USER)),
    ("chat.tool-call-id-repeated", "messages[0].tool_calls[1].id", request(calling("a", "a"), answer(), USER)),
    ("chat.tool-unanswered", "messages[0]", request(calling("a", "b"), answer("a"), USER)),
    ("chat.tool-unanswered", "messages[1]", request(USER, calling("a"))),
    ("chat.tool-unanswered", "messages[0]", request(calling("a"), USER, answer("a"))),
    ("chat.tool-without-call", "messages[1]", request(USER, answer())),
    ("chat.tool-unknown-call", "messages[2].tool_call_id", request(calling("a"), answer("a"), answer("z"))),
    ("chat.tool-answered-twice", "messages[2].tool_call_id", request(calling("a"), answer("a"), answer("a"))),
    ("chat.content-null", "messages[0].content", request({"role": "assistant", "content": None}, USER)),
    ("chat.content-null", "messages[0].content", request({"role": "assistant"}, USER)),
    (
        "chat.image-role",
        "messages[1].content[0]",
        request(calling("a"), {"role": "tool", "tool_call_id": "a", "content": [IMAGE]}),
    ),
    ("chat.image-role", "messages[0].content[0]", request({"role": "assistant", "content": [IMAGE]}, USER)),
]


@pytest.mark.parametrize(("rule", "path", "body"), BROKEN)
def test_a_broken_rule_speaks(rule, path, body):
    """A request that breaks one rule has its objection, at its place, worded and answered as the service does."""
    objections = chat_objections(BEARER, body)
    found = [each for each in objections if (each.rule, each.path) == (rule, path)]
    assert found, [(each.rule, each.path) for each in objections]
    assert found[0].source == CHAT_RULES[rule]
    assert found[0].body["error"]["type"] == "invalid_request_error"
    assert found[0].status == 400


@pytest.mark.parametrize(
    ("rule", "path", "body"), [row for row in BROKEN if "unanswered" not in row[0] and "id-" not in row[0]]
)
def test_nothing_else_speaks(rule, path, body):
    """One mistake is one objection, not several."""
    assert {each.rule for each in chat_objections(BEARER, body)} == {rule}


def test_a_missing_key_is_the_first_word():
    """Without a key a service that gave keys says 401 before anything else; another does not ask."""
    first, *rest = chat_objections({}, request(tools=[]), needs_key=True)
    assert ChatCompletions(needs_key=True).objections({}, request(tools=[])) == (first, *rest)
    assert chat_objections({}, request()) == ()
    assert chat_objections(BEARER, request(), needs_key=True) == ()
    assert (first.rule, first.status) == ("chat.no-key", 401)
    assert [each.rule for each in rest] == ["chat.empty-tools"]


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_no_json_object(body):
    """A body that is no JSON object is one objection."""
    assert [each.rule for each in chat_objections(BEARER, body)] == ["chat.json"]


def test_every_rule_is_tested():
    """Each rule has a public source and a request in these tables that breaks it."""
    by_types = {"chat.no-key", "chat.json", "chat.responses-key", "chat.unknown-key"}
    by_types |= {"chat.missing-key", "chat.wrong-type", "chat.wrong-value"}
    assert {rule for rule, _, _ in BROKEN} | by_types == set(CHAT_RULES)
    assert all(CHAT_RULES.values())
