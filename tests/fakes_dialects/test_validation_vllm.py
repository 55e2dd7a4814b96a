"""vLLM's own validators: what it refuses, and how freely it takes the rest."""

from __future__ import annotations

import pytest

from fakes.validation import VLLM_RULES, vllm_objections

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def request(*messages, **more):
    """A request."""
    return {"model": "m", "messages": list(messages) or [USER], **more}


def calling(**function):
    """An assistant message with one call."""
    entry = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}", **function}}
    return {"role": "assistant", "content": None, "tool_calls": [entry]}


BROKEN = [
    ("vllm.json", "", None),
    ("vllm.type", "messages", {"model": "m"}),
    ("vllm.type", "messages", {"model": "m", "messages": "hello"}),
    ("vllm.type", "tools[0].type", request(tools=[{**TOOL, "type": "web_search"}])),
    ("vllm.type", "tools[0].function.name", request(tools=[{"type": "function", "function": {}}])),
    ("vllm.type", "response_format.type", request(response_format={"type": "xml"})),
    ("vllm.type", "reasoning_effort", request(reasoning_effort="extreme")),
    ("vllm.type", "top_k", request(top_k="many")),
    ("vllm.tool-call", "messages[0].tool_calls[0].function.arguments", request(calling(arguments={}), USER)),
    ("vllm.tool-call", "messages[0].tool_calls[0].function.name", request(calling(name=5), USER)),
    ("vllm.empty-tools", "tools", request(tools=[])),
    ("vllm.tool-choice-without-tools", "tool_choice", request(tool_choice="auto")),
    ("vllm.tool-choice-malformed", "tool_choice.function", request(tools=[TOOL], tool_choice={"type": "function"})),
    (
        "vllm.tool-choice-unknown",
        "tool_choice",
        request(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "nope"}}),
    ),
    ("vllm.stream-options-without-stream", "stream_options", request(stream_options={"include_usage": True})),
    ("vllm.json-schema-missing", "response_format", request(response_format={"type": "json_schema"})),
    ("vllm.structured-outputs", "", request(structured_outputs={"regex": "a", "choice": ["b"]})),
    (
        "vllm.structured-outputs",
        "",
        request(
            structured_outputs={"regex": "a"},
            tools=[TOOL],
            tool_choice={"type": "function", "function": {"name": "f"}},
        ),
    ),
    ("vllm.logprobs", "top_logprobs", request(top_logprobs=2)),
    ("vllm.logprobs", "top_logprobs", request(top_logprobs=-3, logprobs=True)),
    ("vllm.logprobs", "prompt_logprobs", request(prompt_logprobs=1, stream=True)),
    ("vllm.generation-prompt", "", request(continue_final_message=True, add_generation_prompt=True)),
    ("vllm.sampling", "temperature", request(temperature=-1)),
    ("vllm.sampling", "max_tokens", request(max_tokens=0)),
    ("vllm.sampling", "top_p", request(top_p=0)),
    ("vllm.sampling", "n", request(n=2, temperature=0)),
    ("vllm.role-missing", "messages[0].role", request({"content": "hi"})),
    ("vllm.content", "messages[0].content", request({"role": "user", "content": None})),
    ("vllm.content", "messages[0].content", request({"role": "user", "content": 5})),
    ("vllm.part-type", "messages[0].content[0].type", request({"role": "user", "content": [{"type": "file"}]})),
]


@pytest.mark.parametrize(("rule", "path", "body"), BROKEN)
def test_a_broken_rule_speaks_alone(rule, path, body):
    """A request that breaks one validator has its objection and no other, with vLLM's integer code."""
    objections = vllm_objections({}, body)
    assert {(each.rule, each.path) for each in objections} == {(rule, path)}
    assert objections[0].source == VLLM_RULES[rule]
    assert objections[0].status == objections[0].body["error"]["code"] == 400


def test_words_are_vllms():
    """Refusals are worded as vLLM 0.32 worded them."""
    tools = {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "nope"}}}
    assert vllm_objections({}, request(**tools))[0].body == {
        "error": {
            "message": "The tool specified in `tool_choice` does not match any of the specified `tools` "
            "(parameter=tool_choice)",
            "type": "BadRequestError",
            "param": "tool_choice",
            "code": 400,
        }
    }
    assert vllm_objections({}, request(max_tokens=0))[0].body["error"] == {
        "message": "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
        "type": "BadRequestError",
        "param": "max_tokens",
        "code": 400,
    }
    missing = vllm_objections({}, {"model": "m"})[0].body["error"]
    assert (missing["type"], missing["param"]) == ("Bad Request", "body.messages")


FREE = [
    request({"role": "wizard", "content": "x"}),
    request({"role": "developer", "content": "x"}, USER),
    request({"role": "tool", "tool_call_id": "nobody", "content": "x"}),
    request({"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}),
    request(USER, {"role": "assistant", "content": "x", "reasoning": "r"}, USER),
    request(USER, {"role": "assistant", "content": "x", "reasoning_content": "r"}),
    request(USER, {"role": "assistant", "content": None}),
    request(calling(arguments="not json"), USER),
    request(calling(name="any.name:at all"), USER),
    request(max_tokens=5, max_completion_tokens=5),
    request(metadata={"a": "b"}, input="ignored", previous_response_id="ignored"),
    request(tools=[TOOL], tool_choice="none"),
    request(parallel_tool_calls=False),
    request(
        top_k=20,
        min_p=0.1,
        repetition_penalty=1.1,
        stop_token_ids=[1],
        ignore_eos=True,
        min_tokens=1,
        bad_words=["x"],
        chat_template_kwargs={"enable_thinking": False},
        include_reasoning=False,
        thinking_token_budget=10,
        mm_processor_kwargs={},
        priority=1,
        cache_salt="salt",
        vllm_xargs={"a": 1},
        structured_outputs={"json": {"type": "object"}},
        return_token_ids=True,
        stream=True,
        stream_options={"include_usage": True, "continuous_usage_stats": True},
    ),
]


@pytest.mark.parametrize("body", FREE)
def test_what_vllm_takes(body):
    """Unknown keys and roles, unpaired calls, its own parameters and images in tool messages are no objection."""
    assert vllm_objections({}, body) == ()


def test_every_rule_is_tested():
    """Each rule has a public source and a request in these tables that breaks it."""
    assert {rule for rule, _, _ in BROKEN} == set(VLLM_RULES)
    assert all(VLLM_RULES.values())
