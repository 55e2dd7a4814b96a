"""Boundaries: which values of limits, sampling, thinking and formats may reach an upstream for what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[..., str]

_ANSWER = (Received(0.1, b'{"id": "resp_1", "object": "response", "status": "completed", "output": []}'),)


@pytest.fixture
def tells(tells: Tells) -> Tells:
    """What a rule says of a request and what went upstream for it: "wrong", "right", or "nothing"."""

    def judged(
        rule: str, asked: Body, sent: Body, dialect: Dialect = "messages", headers: tuple[tuple[str, str], ...] = ()
    ) -> str:
        message = {"role": "user", "content": "Hi."}
        upstream = {"model": "m", "messages": [message], **sent}
        body = json.dumps(upstream).encode()
        call = UpstreamCall("POST", "/", "", headers, body, upstream, 0.1, answer=0, status=200)
        client = {"model": "m", "stream": False, "input": [{"type": "message", **message}], **asked}
        request = ClientRequest("POST", "/v1/responses", (), client)
        exchange = Exchange(request, 200, (("content-type", "application/json"),), _ANSWER, upstream=(call,))
        made = Transcript("a", dialect, [Drive("json", [exchange])])
        return tells(rule, made)

    return judged


def _budget(tokens: Any) -> Body:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("asked", "sent", "dialect", "told"),
    [
        (100, {"max_tokens": 100}, "messages", "right"),
        (100, {"max_tokens": 101}, "messages", "wrong"),
        (100, {"max_tokens": 1124, **_budget(1024)}, "messages", "right"),
        (100, {"max_tokens": 99, **_budget(1024)}, "messages", "wrong"),
        (100, {}, "messages", "wrong"),
        (100, {"max_completion_tokens": 100}, "chat_completions", "right"),
        (100, {"max_tokens": 100, "max_completion_tokens": 100}, "chat_completions", "wrong"),
        (16, {"max_tokens": 17}, "vllm", "wrong"),
        (15, {"max_tokens": 17}, "vllm", "nothing"),
        (True, {"max_tokens": 17}, "vllm", "nothing"),
        (None, {"max_tokens": 17}, "vllm", "nothing"),
    ],
)
def test_a_limit_arrives_once_with_its_value(asked: Any, sent: Body, dialect: Dialect, told: str, tells: Tells) -> None:
    """More only beside a thinking budget, which has to fit in; below 16 the API takes none."""
    assert tells("upstream.limit-mapped", {"max_output_tokens": asked}, sent, dialect) == told


@pytest.mark.parametrize(
    ("sent", "invented", "generous", "present"),
    [
        (8192, "right", "right", "right"),
        (8191, "wrong", "wrong", "right"),
        (1, "wrong", "wrong", "right"),
        (0, "wrong", "wrong", "wrong"),
        ("8192", "wrong", "nothing", "wrong"),
        (True, "wrong", "nothing", "wrong"),
        (None, "right", "nothing", "wrong"),
    ],
)
def test_a_limit_of_the_target_s_own_is_generous(
    sent: Any, invented: str, generous: str, present: str, tells: Tells
) -> None:
    """On chat there need be none; Messages demands one."""
    body = {} if sent is None else {"max_tokens": sent}
    assert tells("upstream.no-limit-invented", {}, body, "vllm") == invented
    assert tells("upstream.default-limit-generous", {}, body) == generous
    assert tells("upstream.limit-present", {}, body) == present
    stated = {"max_output_tokens": 20}
    assert tells("upstream.no-limit-invented", stated, body, "vllm") == "nothing"
    assert tells("upstream.default-limit-generous", stated, body) == "nothing"


@pytest.mark.parametrize("field", ["temperature", "top_p"])
@pytest.mark.parametrize(
    ("asked", "sent", "dialect", "told"),
    [
        (0, 0, "vllm", "right"),
        (0, None, "vllm", "wrong"),
        (0.5, 0.7, "vllm", "wrong"),
        (1, None, "messages", "right"),
        (0.5, 0.7, "messages", "wrong"),
        (1.5, 1, "messages", "right"),
        (1, 0.5, "messages", "wrong"),
        (None, 0.5, "vllm", "nothing"),
        (True, None, "vllm", "nothing"),
    ],
)
def test_sampling_arrives_with_its_value(
    field: str, asked: Any, sent: Any, dialect: Dialect, told: str, tells: Tells
) -> None:
    """On Messages it may be left out, and what lies above its range may be brought into it."""
    body = {} if sent is None else {field: sent}
    assert tells(f"upstream.{field.replace('_', '-')}-passed", {field: asked}, body, dialect) == told


@pytest.mark.parametrize("field", ["temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed"])
def test_no_sampling_is_invented(field: str, tells: Tells) -> None:
    """None of the parameters goes upstream that the client left to the model."""
    assert tells("upstream.sampling-not-invented", {}, {field: 1}, "vllm") == "wrong"
    assert tells("upstream.sampling-not-invented", {}, {field: None}, "vllm") == "right"
    assert tells("upstream.sampling-not-invented", {field: 1}, {field: 1}, "vllm") == "right"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"temperature": 1}, "right"),
        ({"temperature": 1.1}, "wrong"),
        ({"temperature": 0.5, "top_p": 0.5}, "wrong"),
        ({"top_p": 0.5}, "right"),
        ({"temperature": 0.5, **_budget(1024)}, "wrong"),
        ({"temperature": 0.5, "thinking": {"type": "adaptive"}}, "wrong"),
        ({"temperature": 0.5, "thinking": {"type": "disabled"}}, "right"),
        ({"temperature": 1, **_budget(1024)}, "right"),
        (_budget(1024), "right"),
    ],
)
def test_sampling_on_messages_is_what_anthropic_takes(sent: Body, told: str, tells: Tells) -> None:
    """At most 1, one parameter of the two, and beside thinking none but 1."""
    assert tells("upstream.sampling-legal", {}, sent) == told


@pytest.mark.parametrize(
    ("budget", "most", "beta", "told"),
    [
        (1024, 1025, "", "right"),
        (1024, 1024, "", "wrong"),
        (1024, 1024, "interleaved-thinking-2025-05-14", "right"),
        (1023, 2048, "", "wrong"),
        (1023, 2048, "interleaved-thinking-2025-05-14", "wrong"),
        ("1024", 2048, "", "wrong"),
        (1024, None, "", "wrong"),
    ],
)
def test_a_thinking_budget_has_its_place(budget: Any, most: Any, beta: str, told: str, tells: Tells) -> None:
    """At least 1024, below the limit; with interleaved thinking it may be above, but not smaller."""
    sent = {"max_tokens": most, **_budget(budget)}
    headers = (("anthropic-beta", beta),) if beta else ()
    assert tells("upstream.thinking-budget", {}, sent, "messages", headers) == told
    adaptive = {"max_tokens": most, "thinking": {"type": "adaptive"}}
    assert tells("upstream.thinking-budget", {}, adaptive) == "nothing"


TOOLS = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("choice", "thinking", "told"),
    [
        ({"type": "any"}, "enabled", "wrong"),
        ({"type": "tool", "name": "f"}, "enabled", "wrong"),
        ({"type": "any"}, "disabled", "right"),
        ({"type": "auto"}, "enabled", "nothing"),
        ({"type": "none"}, "enabled", "nothing"),
    ],
)
def test_a_tool_is_not_forced_beside_thinking(choice: Body, thinking: str, told: str, tells: Tells) -> None:
    """Neither any tool nor one by name."""
    sent = {"tools": TOOLS, "tool_choice": choice, "thinking": {"type": thinking, "budget_tokens": 1024}}
    assert tells("upstream.forced-choice-without-thinking", {}, sent) == told


@pytest.mark.parametrize(
    ("effort", "sent", "dialect", "told"),
    [
        ("high", {"reasoning_effort": "high"}, "chat_completions", "right"),
        ("high", {"reasoning_effort": "low"}, "chat_completions", "wrong"),
        ("high", {}, "chat_completions", "wrong"),
        ("high", {"chat_template_kwargs": {}}, "chat_completions", "wrong"),
        ("high", {"chat_template_kwargs": {}}, "vllm", "right"),
        ("high", {"thinking_token_budget": 9}, "vllm", "right"),
        ("high", {"thinking_token_budget": 9, "reasoning_effort": "high"}, "vllm", "right"),
        ("high", {"thinking_token_budget": 9, "reasoning_effort": "low"}, "vllm", "wrong"),
        ("xhigh", {"reasoning_effort": "xhigh"}, "chat_completions", "right"),
        ("xhigh", {"reasoning_effort": "high"}, "chat_completions", "wrong"),
        ("xhigh", {"reasoning_effort": "high"}, "vllm", "wrong"),
        ("minimal", {"reasoning_effort": "low"}, "chat_completions", "wrong"),
        ("high", _budget(4096), "messages", "right"),
        ("high", {"thinking": {"type": "adaptive"}}, "messages", "right"),
        ("high", {"output_config": {"effort": "high"}}, "messages", "right"),
        ("high", {"tools": TOOLS, "tool_choice": {"type": "any"}}, "messages", "right"),
        ("high", {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "f"}}, "messages", "right"),
        ("high", {"tools": TOOLS, "tool_choice": {"type": "auto"}}, "messages", "wrong"),
        ("high", {"max_tokens": 1024}, "messages", "right"),
        ("high", {"max_tokens": 1025}, "messages", "wrong"),
        *(("xhigh", {"output_config": {"effort": word}}, "messages", "right") for word in ("high", "xhigh", "max")),
        *(("max", {"output_config": {"effort": word}}, "messages", "right") for word in ("high", "xhigh", "max")),
        ("xhigh", {"output_config": {"effort": "medium"}}, "messages", "wrong"),
        ("high", {"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}, "messages", "wrong"),
        ("low", {"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}}, "messages", "right"),
        ("low", {"output_config": {"effort": "medium"}}, "messages", "wrong"),
        ("low", {"thinking": {"type": "adaptive"}}, "messages", "wrong"),
        ("medium", {"thinking": {"type": "adaptive"}}, "messages", "wrong"),
        ("low", _budget(1024), "messages", "right"),
        ("ultra", {"thinking": {"type": "adaptive"}}, "messages", "right"),
        ("ultra", {"output_config": {"effort": "low"}}, "messages", "wrong"),
        ("none", {}, "messages", "right"),
        ("none", {"thinking": {"type": "disabled"}}, "messages", "right"),
        ("none", _budget(1024), "messages", "wrong"),
        ("minimal", _budget(1024), "messages", "right"),
        ("minimal", _budget(1025), "messages", "wrong"),
        ("minimal", {"output_config": {"effort": "low"}, **_budget(4096)}, "messages", "right"),
        (None, {}, "chat_completions", "nothing"),
    ],
)
def test_an_effort_becomes_what_the_service_has_for_it(
    effort: Any, sent: Body, dialect: Dialect, told: str, tells: Tells
) -> None:
    """Its own field on chat, a template's on vLLM, thinking or an effort on Messages, and little for little."""
    assert tells("upstream.effort-mapped", {"reasoning": {"effort": effort}}, sent, dialect) == told


SCHEMA: Body = {"type": "object", "properties": {"city": {"type": "string"}}}
FORMAT: Body = {"type": "json_schema", "name": "city", "description": "A city.", "strict": True, "schema": SCHEMA}


@pytest.mark.parametrize(
    ("sent", "dialect", "told"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}, "chat_completions", "right"),
        ({"structured_outputs": {"json": SCHEMA}}, "vllm", "right"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "vllm", "wrong"),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "messages", "right"),
        ({"tools": [{"name": "answer", "input_schema": SCHEMA}]}, "messages", "right"),
        ({"tools": TOOLS}, "messages", "wrong"),
        ({}, "messages", "wrong"),
        ({}, "vllm", "wrong"),
    ],
)
def test_a_schema_arrives_where_the_service_reads_it(sent: Body, dialect: Dialect, told: str, tells: Tells) -> None:
    """In its own field, or as the input of a tool that stands for the answer."""
    assert tells("upstream.schema-arrives", {"text": {"format": FORMAT}}, sent, dialect) == told
    assert tells("upstream.schema-arrives", {}, sent, dialect) == "nothing"


@pytest.mark.parametrize("key", ["name", "strict", "description"])
def test_each_setting_of_a_schema_is_kept(key: str, tells: Tells) -> None:
    """Its name, whether it is strict, and what it is for."""
    kept = {name: FORMAT[name] for name in ("name", "strict", "description", "schema")}
    lost = {name: value for name, value in kept.items() if name != key}
    for inner, told in ((kept, "right"), (lost, "wrong"), ({**kept, key: "another"}, "wrong")):
        sent = {"response_format": {"type": "json_schema", "json_schema": inner}}
        assert tells("upstream.schema-settings-kept", {"text": {"format": FORMAT}}, sent, "chat_completions") == told


@pytest.mark.parametrize(
    ("kind", "sent", "mode", "plain"),
    [
        ("json_object", {"type": "json_object"}, "right", "nothing"),
        ("json_object", {"type": "text"}, "wrong", "nothing"),
        ("json_object", None, "wrong", "nothing"),
        ("text", None, "nothing", "right"),
        ("text", {"type": "text"}, "nothing", "wrong"),
        (None, None, "nothing", "right"),
        (None, {"type": "text"}, "nothing", "wrong"),
    ],
)
def test_json_mode_is_a_format_and_plain_text_is_none(
    kind: Any, sent: Any, mode: str, plain: str, tells: Tells
) -> None:
    """On chat: the mode by its name, and no format for what is the default."""
    asked = {} if kind is None else {"text": {"format": {"type": kind}}}
    body = {} if sent is None else {"response_format": sent}
    assert tells("upstream.json-mode-arrives", asked, body, "vllm") == mode
    assert tells("upstream.plain-format-omitted", asked, body, "vllm") == plain


@pytest.mark.parametrize("key", ["safety_identifier", "user"])
@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"user": "u-1"}, "right"),
        ({"safety_identifier": "u-1"}, "right"),
        ({"metadata": {"user_id": "u-1"}}, "right"),
        ({"user": "u-2"}, "wrong"),
        ({"messages": [{"role": "user", "content": "u-1"}]}, "wrong"),
        ({}, "wrong"),
    ],
)
def test_whoever_asks_is_named_upstream(key: str, sent: Body, told: str, tells: Tells) -> None:
    """In whatever field there is, and not in what the model reads."""
    assert tells("upstream.identifiers-passed", {key: "u-1"}, sent, "chat_completions") == told
    assert tells("upstream.identifiers-passed", {key: ""}, sent, "chat_completions") == "nothing"


@pytest.mark.parametrize(
    ("sent", "dialect", "told"),
    [
        ({"user": "u-1", "safety_identifier": "s-1"}, "chat_completions", "right"),
        ({"user": "u-1"}, "chat_completions", "wrong"),
        ({"safety_identifier": "s-1"}, "chat_completions", "wrong"),
        ({"metadata": {"user_id": "u-1"}}, "messages", "right"),
        ({"metadata": {"user_id": "s-1"}}, "messages", "right"),
        ({"metadata": {"user_id": "x-1"}}, "messages", "wrong"),
    ],
)
def test_two_identifiers_need_two_places(sent: Body, dialect: Dialect, told: str, tells: Tells) -> None:
    """Chat has a field for each; Messages has one for both."""
    asked = {"user": "u-1", "safety_identifier": "s-1"}
    assert tells("upstream.identifiers-passed", asked, sent, dialect) == told


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ("flex", "flex", "right"),
        ("flex", "auto", "wrong"),
        ("flex", None, "wrong"),
        ("priority", "fast", "right"),
        ("fast", "priority", "right"),
        ("priority", "flex", "wrong"),
        ("auto", None, "right"),
        ("auto", "auto", "right"),
        ("auto", "default", "wrong"),
        ("default", None, "wrong"),
        (None, "auto", "nothing"),
    ],
)
def test_a_service_tier_is_passed_as_it_is_named(asked: Any, sent: Any, told: str, tells: Tells) -> None:
    """Two names of one tier are one, and no name is `auto`."""
    body = {} if sent is None else {"service_tier": sent}
    assert tells("upstream.service-tier-passed", {"service_tier": asked}, body, "chat_completions") == told


@pytest.mark.parametrize("field", ["prompt_cache_key", "prompt_cache_retention"])
def test_a_cache_is_named_as_the_client_names_it(field: str, tells: Tells) -> None:
    """Its key and how long it lasts, each by itself."""
    for sent, told in (({field: "24h"}, "right"), ({field: "in_memory"}, "wrong"), ({}, "wrong")):
        assert tells("upstream.cache-key-passed", {field: "24h"}, sent, "chat_completions") == told
    assert tells("upstream.cache-key-passed", {field: ""}, {}, "chat_completions") == "nothing"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("vllm/llama", "right"),
        ("llama", "right"),
        ("openai/vllm/llama", "right"),
        ("mistral", "wrong"),
        ("vllm/llama-2", "wrong"),
        ("", "wrong"),
    ],
)
def test_a_route_may_be_added_to_a_model_or_taken_off(sent: str, told: str, tells: Tells) -> None:
    """The name itself survives at the end."""
    assert tells("upstream.model-passed", {"model": "vllm/llama"}, {"model": sent}, "vllm") == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"stream": True, "stream_options": {"include_usage": True}}, "right"),
        ({"stream": False, "stream_options": {"include_usage": True}}, "wrong"),
        ({"stream_options": {"include_usage": True}}, "wrong"),
        ({"stream": False}, "right"),
        ({}, "right"),
    ],
)
def test_options_of_a_stream_need_a_stream(sent: Body, told: str, tells: Tells) -> None:
    """Beside `stream: true` and nowhere else."""
    assert tells("upstream.stream-options-with-stream-only", {}, sent, "vllm") == told


@pytest.mark.parametrize(
    ("system", "user", "told"),
    [
        ("Be brief.", "Hi.", "right"),
        ("Use digits. Be brief.", "Hi.", "wrong"),
        ("Be brief. Use digits.", "Hi.", "right"),
        ("You are a proxy. Be brief.", "Hi.", "right"),
        ("Use digits.", "Hi.", "nothing"),
    ],
)
def test_instructions_stand_before_the_rest_of_the_context(system: str, user: str, told: str, tells: Tells) -> None:
    """Texts of the target's own may stand before them, those of the client's may not; an empty text is nowhere."""
    asked = {
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "developer", "content": "Use digits."},
            {"type": "message", "role": "assistant", "content": ""},
            {"type": "message", "role": "user", "content": user},
        ],
    }
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    assert tells("upstream.instructions-first", asked, {"messages": messages}, "vllm") == told


IMAGE = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("order", "told"),
    [((0, 1, 2), "right"), ((1, 0, 2), "wrong"), ((0, 2, 1), "wrong"), ((0, 2), "nothing"), ((), "nothing")],
)
def test_texts_and_images_keep_their_order(order: tuple[int, ...], told: str, tells: Tells) -> None:
    """Where all of them arrived; of a message without an image, and of one that lost a part, others tell."""
    asked = [
        {"type": "input_text", "text": "Before:"},
        {"type": "input_image", "image_url": IMAGE},
        {"type": "input_text", "text": "After."},
    ]
    sent = [
        {"type": "text", "text": "Before:"},
        {"type": "image_url", "image_url": {"url": IMAGE}},
        {"type": "text", "text": "After."},
    ]
    body = {"messages": [{"role": "user", "content": [sent[number] for number in order]}]}
    message = {"type": "message", "role": "user", "content": asked}
    assert tells("upstream.parts-order", {"input": [message]}, body, "vllm") == told
    plain = {"type": "message", "role": "user", "content": [asked[0], asked[2]]}
    assert tells("upstream.parts-order", {"input": [plain]}, body, "vllm") == "nothing"
