"""The client's request: what is accepted, what is refused and how, what is echoed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference.proxy.errors import ApiError
from reference.proxy.request import parse

REFUSED = {
    "model": [{"model": None}, {"model": 1}, {"model": ""}],
    "input": [{"input": None}, {"input": []}, {"input": 1}, {"input": ["x"]}],
    "max_output_tokens": [{"max_output_tokens": 15}, {"max_output_tokens": "x"}],
    "temperature": [{"temperature": 2.1}, {"temperature": -1}],
    "top_p": [{"top_p": 1.5}],
    "top_logprobs": [{"top_logprobs": 21}],
    "reasoning.effort": [{"reasoning": {"effort": "ultra"}}],
    "metadata": [{"metadata": {str(i): "x" for i in range(17)}}, {"metadata": {"k": "v" * 513}}],
    "tools": [{"tools": 1}, {"tools": ["x"]}],
    "stream": [{"stream": "yes"}],
    "background": [{"background": True}],
    "conversation": [{"conversation": "c"}, {"conversation": {"id": "c"}}],
    "prompt": [{"prompt": {"id": "p"}}],
    "generate": [{"generate": False}],
    "text.verbosity": [{"text": {"verbosity": "huge"}}, {"text": {"verbosity": 3}}, {"text": {"verbosity": ["low"]}}],
    "text.format": [{"text": {"format": {"type": "xml"}}}],
    "text.format.name": [{"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}}],
    "text.format.schema": [{"text": {"format": {"type": "json_schema", "name": "a"}}}],
}


@pytest.mark.parametrize(("param", "change"), [(p, c) for p, changes in REFUSED.items() for c in changes])
def test_what_is_wrong_is_refused_by_name(param: str, change: dict[str, Any]) -> None:
    """A bad value is a 400 that names the parameter, with all four keys."""
    body = {key: value for key, value in {"model": "m", "input": "Hi", **change}.items() if value is not None}
    with pytest.raises(ApiError) as caught:
        parse(json.dumps(body).encode())
    assert caught.value.status == 400
    error = json.loads(caught.value.body())["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert (error["param"] or "").startswith(param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"model": "m", "input": "\xff"}'])
def test_what_is_not_a_json_object_is_a_400(body: bytes) -> None:
    """Malformed bodies are the client's fault, never a 500."""
    with pytest.raises(ApiError) as caught:
        parse(body)
    assert caught.value.status == 400


def test_nulls_and_unknown_fields_are_like_absent_ones() -> None:
    """Explicit nulls and fields nobody knows change nothing."""
    nulls = dict.fromkeys(("instructions", "tools", "reasoning", "text", "stream", "store", "background", "prompt"))
    parsed = parse(json.dumps({"model": "m", "input": "Hi", **nulls, "client_metadata": {"a": 1}}).encode())
    assert list(parsed.extras) == ["client_metadata"]
    parsed.extras = {}
    assert parsed == parse(b'{"model": "m", "input": "Hi"}')
    assert parse(b'{"model": "m", "input": "Hi", "extras": {"top_k": 1}}').extras == {}


FIELDS = {
    "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
    "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
    "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage",
    "max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier",
    "prompt_cache_key",
}  # fmt: skip


def test_every_field_of_a_response_is_there_and_echoes_the_request(exchange: Any, wire: Any) -> None:
    """All 31 fields of Open Responses stand in every lifecycle event, with the client's values."""
    asked = {
        "instructions": "Be brief.", "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 99, "metadata": {"a": "b"},
        "tool_choice": "none", "parallel_tool_calls": False, "store": False,
        "reasoning": {"effort": "low", "context": "all_turns"},
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "top_logprobs": 1, "max_tool_calls": 3,
        "safety_identifier": "s", "prompt_cache_key": "k", "text": {"format": {"type": "text"}, "verbosity": "low"},
    }  # fmt: skip
    out = exchange(wire.chat({"content": "x"}), asked)
    for event in out.events:
        if "response" in event:
            assert set(event["response"]) == FIELDS
    assert {key: out.result[key] for key in asked if key != "reasoning"} == {
        k: v for k, v in asked.items() if k != "reasoning"
    }
    assert out.result["reasoning"] == {"effort": "low", "summary": None, "context": "all_turns"}
    assert out.result["tools"][1] == {
        "type": "function",
        "name": "g",
        "description": None,
        "parameters": None,
        "strict": None,
    }
    assert (out.result["created_at"], out.result["completed_at"]) == (100, 101)


def test_the_first_snapshots_are_empty(exchange: Any, wire: Any) -> None:
    """created and in_progress show a response that has nothing yet."""
    for event in exchange(wire.chat({"content": "x"})).events[:2]:
        shown = event["response"]
        assert (shown["status"], shown["output"], shown["usage"]) == ("in_progress", [], None)
        assert (shown["error"], shown["incomplete_details"], shown["completed_at"]) == (None, None, None)


def test_what_has_no_effect_is_said(exchange: Any) -> None:
    """Settings that cannot be honoured and do no harm are warned about, and the applied value is echoed."""
    translation = exchange.prepare({"truncation": "auto", "tools": [{"type": "web_search"}]})
    assert translation.warnings == ["web_search tool dropped", "truncation auto is treated as disabled"]
    assert "tools" not in json.loads(translation.body)
    assert b'"truncation":"disabled"' in translation.stream.take()
