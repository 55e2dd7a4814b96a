"""Settings of the request in each dialect: limits, sampling, structured output, thinking."""

from __future__ import annotations

import json
from typing import Any

import pytest

SCHEMA = {"type": "json_schema", "name": "a", "strict": True, "schema": {"type": "object"}}
CODEX = {
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "prompt_cache_key": "k",
    "truncation": "disabled",
    "metadata": {"a": "b"},
    "client_metadata": {"x": "y"},
    "text": {"format": {"type": "text"}},
    "previous_response_id": None,
}


@pytest.fixture
def sent(exchange: Any) -> Any:
    """The upstream's request for some settings."""

    def prepare(request: dict[str, Any], dialect: str = "chat_completions", **config: Any) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(exchange.prepare({"tools": None, **request}, dialect, **config).body)
        return body

    return prepare


def test_nothing_leaks_upstream(sent: Any) -> None:
    """What only the Responses API knows stays here; the key of the prompt's cache is OpenAI's own in both APIs."""
    assert set(sent(CODEX)) == {"model", "messages", "stream", "stream_options", "prompt_cache_key"}
    assert set(sent(CODEX, "vllm")) == {"model", "messages", "stream", "stream_options"}
    assert set(sent(CODEX, "messages")) == {"model", "messages", "stream", "max_tokens"}
    assert sent({})["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("dialect", "key"),
    [("chat_completions", "max_completion_tokens"), ("vllm", "max_tokens"), ("messages", "max_tokens")],
)
def test_the_limit_has_the_name_the_upstream_knows(sent: Any, dialect: str, key: str) -> None:
    """max_output_tokens goes under exactly one name; without it only Messages gets a default."""
    assert {name: value for name, value in sent({"max_output_tokens": 99}, dialect).items() if "max" in name} == {
        key: 99
    }
    absent = {"max_tokens": 32_000} if dialect == "messages" else {}
    assert {name: value for name, value in sent({}, dialect).items() if "max" in name} == absent
    assert sent({}, "messages", default_max_tokens=5)["max_tokens"] == 5


def test_structured_output(sent: Any) -> None:
    """A JSON schema goes where each API has a place for it; plain text is said by saying nothing."""
    nested = {"name": "a", "strict": True, "schema": {"type": "object"}}
    for dialect in ("chat_completions", "vllm"):
        body = sent({"text": {"format": SCHEMA}}, dialect)
        assert body["response_format"] == {"type": "json_schema", "json_schema": nested}
        assert sent({"text": {"format": {"type": "json_object"}}}, dialect)["response_format"] == {
            "type": "json_object"
        }
    body = sent({"text": {"format": SCHEMA}}, "messages")
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert "JSON" in sent({"text": {"format": {"type": "json_object"}}}, "messages")["system"]


def test_settings_chat_completions_shares(sent: Any) -> None:
    """Parameters of the same meaning pass under chat's names, on vLLM those that vLLM knows."""
    request = {
        "temperature": 0.5, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "user": "u",
        "safety_identifier": "s", "service_tier": "auto", "text": {"verbosity": "low"}, "reasoning": {"effort": "high"},
    }  # fmt: skip
    body = sent(request)
    assert (body["verbosity"], body["reasoning_effort"], body["safety_identifier"]) == ("low", "high", "s")
    assert not {"verbosity", "safety_identifier", "service_tier"} & set(sent(request, "vllm"))
    cached = {"prompt_cache_key": "session-1", "prompt_cache_retention": "24h"}
    assert {key: sent(cached).get(key) for key in cached} == cached
    assert not set(cached) & (set(sent(cached, "vllm")) | set(sent(cached, "messages")))
    assert sent({"reasoning": {"summary": "auto"}}).get("reasoning_effort") is None


def test_vllm_gets_its_own_parameters(sent: Any) -> None:
    """Sampling parameters that vLLM adds to the API pass through, and to nobody else."""
    extras = {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False}, "min_p": None}
    assert {key: sent(extras, "vllm").get(key) for key in extras} == extras
    assert "min_p" not in sent(extras, "vllm")
    assert not set(extras) & set(sent(extras))


THINKING: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "nothing asked": ({"model": "claude-opus-4-8"}, None, None),
    "none": ({"model": "claude-opus-4-8", "reasoning": {"effort": "none"}}, None, None),
    "adaptive": ({"model": "claude-opus-4-8", "reasoning": {"effort": "xhigh"}},
                 {"type": "adaptive", "display": "summarized"}, "xhigh"),
    "adaptive, minimal": ({"model": "anthropic/claude-sonnet-5-20260101", "reasoning": {"effort": "minimal"}},
                          {"type": "adaptive", "display": "summarized"}, "low"),
    "adaptive by summary": ({"model": "claude-fable-5", "reasoning": {"summary": "auto"}},
                            {"type": "adaptive", "display": "summarized"}, None),
    "budget": ({"model": "claude-sonnet-4-5-20250929", "reasoning": {"effort": "high"}},
               {"type": "enabled", "budget_tokens": 16_000, "display": "summarized"}, None),
    "budget of a dated model": ({"model": "claude-sonnet-4-20250514", "reasoning": {"effort": "low"}},
                                {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}, None),
    "budget under a limit": ({"model": "claude-3-7-sonnet", "max_output_tokens": 3000, "reasoning": {"effort": "high"}},
                             {"type": "enabled", "budget_tokens": 1500, "display": "summarized"}, None),
    "no room": ({"model": "claude-sonnet-4-5", "max_output_tokens": 1500, "reasoning": {"effort": "high"}}, None, None),
    "another server's model": ({"model": "qwen3", "reasoning": {"effort": "low"}},
                               {"type": "enabled", "budget_tokens": 2048}, None),
    "another server's model, no room": (
        {"model": "qwen3", "max_output_tokens": 100, "reasoning": {"effort": "low"}},
        None,
        "low",
    ),
    "a model that cannot": ({"model": "claude-3-5-haiku", "reasoning": {"effort": "low"}}, None, None),
    "forced tool": ({"model": "claude-opus-4-8", "reasoning": {"effort": "low"}, "tool_choice": "required",
                     "tools": [{"type": "function", "name": "f"}]}, None, "low"),
}  # fmt: skip


@pytest.mark.parametrize("name", THINKING)
def test_thinking_by_model(sent: Any, name: str) -> None:
    """Each generation of models gets the form of thinking it takes, within its limits, or none."""
    request, thinking, effort = THINKING[name]
    if name == "budget":
        thinking = {**thinking, "budget_tokens": min(16_384, 32_000 // 2)}
    body = sent(request, "messages")
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_thinking_is_off_only_where_its_start_is_missing(sent: Any, exchange: Any, wire: Any) -> None:
    """In a tool loop a budget demands the signed block it began with; adaptive thinking does not."""
    loop = [{"role": "user", "content": "a"}, {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "x"}]  # fmt: skip
    settings = {"input": loop, "reasoning": {"effort": "low"}}
    assert "thinking" not in sent({"model": "claude-sonnet-4-5", **settings}, "messages")
    assert "thinking" in sent({"model": "claude-opus-4-8", **settings}, "messages")
    model = {**settings, "model": "claude-sonnet-4-5"}
    assert "thinking" not in sent({**model, "input": [*loop, loop[0]]}, "messages")
    assert "thinking" in sent({**model, "input": [*loop, {"role": "assistant", "content": "b"}, loop[0]]}, "messages")
    signed = exchange(wire.messages(*wire.thinking_block(0, "t")), dialect="messages").result["output"]
    assert "thinking" in sent({**model, "input": [loop[0], *signed, *loop[1:]]}, "messages")
    assert "thinking" in sent({**model, "input": [loop[0], *signed, *loop[1:], *loop[1:]]}, "messages")
    assert "thinking" not in sent({**model, "input": [*loop, *signed, *loop[1:]]}, "messages")


SAMPLING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one": ({"temperature": 0.5}, {"temperature": 0.5}),
    "above one": ({"temperature": 1.5}, {"temperature": 1}),
    "both": ({"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}),
    "top_p": ({"top_p": 0.5}, {"top_p": 0.5}),
    "newest models": ({"model": "claude-opus-4-8", "temperature": 0.5, "top_p": 0.5}, {}),
    "with thinking": ({"temperature": 0.5, "reasoning": {"effort": "low"}}, {}),
}


@pytest.mark.parametrize("name", SAMPLING)
def test_sampling_on_messages(exchange: Any, name: str) -> None:
    """Only what the model accepts is sent, and what was changed is echoed as applied and said."""
    request, expected = SAMPLING[name]
    translation = exchange.prepare({"tools": None, **request}, "messages")
    body = json.loads(translation.body)
    assert {key: body[key] for key in ("temperature", "top_p") if key in body} == expected
    shown = json.loads(translation.stream.take().split(b"\n")[1].removeprefix(b"data: "))["response"]
    assert shown["temperature"] == expected.get("temperature", 1)
    changed = any(request.get(key, 1) != expected.get(key, 1) for key in ("temperature", "top_p"))
    assert bool(translation.warnings) == changed


def test_who_the_user_is(sent: Any) -> None:
    """Messages gets the safety identifier as metadata.user_id and never the client's metadata."""
    assert sent({"safety_identifier": "s", "metadata": {"a": "b"}}, "messages")["metadata"] == {"user_id": "s"}
