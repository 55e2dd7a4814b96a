"""What an upstream's error says, in the forms that services use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.fold import fold

Error = tuple[int, Any, str | None, str | None]

ERRORS: dict[str, Error] = {
    # name: (status, body, message, kind)
    "OpenAI": (
        400,
        {"error": {"message": "m", "type": "invalid_request_error", "param": None, "code": None}},
        "m",
        "bad_request",
    ),
    "OpenAI key": (
        401,
        {"error": {"message": "m", "type": "invalid_request_error", "code": "invalid_api_key"}},
        "m",
        "auth",
    ),
    "OpenAI region": (403, {"error": {"message": "m", "type": "request_forbidden"}}, "m", "permission"),
    "OpenAI model": (
        404,
        {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}},
        "The model `x` does not exist",
        "unknown_model",
    ),
    "OpenAI rate": (
        429,
        {"error": {"message": "m", "type": "tokens", "code": "rate_limit_exceeded"}},
        "m",
        "rate_limit",
    ),
    "OpenAI quota": (
        429,
        {"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}},
        "m",
        "rate_limit",
    ),
    "OpenAI context": (
        400,
        {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}},
        "m",
        "context_length",
    ),
    "OpenAI server": (500, {"error": {"message": "m", "type": "server_error"}}, "m", "server_error"),
    "OpenAI overload": (503, {"error": {"message": "m", "type": "server_error"}}, "m", "overloaded"),
    "Anthropic": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}},
        "m",
        "bad_request",
    ),
    "Anthropic context": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 3 > 2"}},
        "prompt is too long: 3 > 2",
        "context_length",
    ),
    "Anthropic model": (
        404,
        {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}},
        "model: x",
        "unknown_model",
    ),
    "Anthropic overload": (
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
        "m",
        "overloaded",
    ),
    "Anthropic size": (
        413,
        {"type": "error", "error": {"type": "request_too_large", "message": "m"}},
        "m",
        "bad_request",
    ),
    "vLLM context": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 9 tokens.",
                "type": "BadRequestError",
                "param": "input_tokens",
                "code": 400,
            }
        },
        "This model's maximum context length is 9 tokens.",
        "context_length",
    ),
    "vLLM model": (
        404,
        {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}},
        "The model `x` does not exist.",
        "unknown_model",
    ),
    "vLLM key": (401, {"error": "Unauthorized"}, "Unauthorized", "auth"),
    "vLLM dead": (503, {"error": {"message": "m", "type": "ServiceUnavailableError", "code": 503}}, "m", "overloaded"),
    "llama.cpp context": (
        400,
        {"error": {"code": 400, "message": "m", "type": "exceed_context_size_error"}},
        "m",
        "context_length",
    ),
    "llama.cpp route": (
        404,
        {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}},
        "File Not Found",
        None,
    ),
    "llama.cpp JSON": (500, {"error": {"code": 500, "message": "m", "type": "server_error"}}, "m", "server_error"),
    "LiteLLM": (
        429,
        {"error": {"message": "m", "type": "throttling_error", "param": None, "code": "429"}},
        "m",
        "rate_limit",
    ),
    "LiteLLM context": (
        400,
        {"error": {"message": "litellm.ContextWindowExceededError: m", "code": "400"}},
        "litellm.ContextWindowExceededError: m",
        "context_length",
    ),
    "LiteLLM model": (
        400,
        {"error": {"message": "Invalid model name passed in model=x", "code": "400"}},
        "Invalid model name passed in model=x",
        "unknown_model",
    ),
    "FastAPI": (405, {"detail": "Method Not Allowed"}, "Method Not Allowed", None),
    "FastAPI list": (422, {"detail": [{"loc": ["body"], "msg": "m", "type": "missing"}]}, "m", "bad_request"),
    "flat": (500, {"message": "m"}, "m", "server_error"),
    "text": (502, "Bad Gateway", "Bad Gateway", "server_error"),
    "nothing": (500, "", None, "server_error"),
    "a number": (500, 3, None, "server_error"),
}


@pytest.mark.parametrize(("status", "value", "message", "kind"), ERRORS.values(), ids=ERRORS)
def test_bodies(status: int, value: Any, message: str | None, kind: str | None) -> None:
    """The message and the neutral kind of each service's error body."""
    body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    said = fold("vllm", status=status, headers=(("content-type", "application/json"),), body=body)
    assert (said.error, said.error_kind) == (message, kind)


EVENTS: dict[str, tuple[str, Any, str, str | None]] = {
    # name: (dialect, event, message, kind)
    "vLLM": (
        "vllm",
        {"error": {"message": "m", "type": "InternalServerError", "param": None, "code": 500}},
        "m",
        "server_error",
    ),
    "vLLM overload": ("vllm", {"error": {"message": "m", "type": "x", "code": 503}}, "m", "overloaded"),
    "OpenRouter": (
        "chat_completions",
        {"error": {"code": "server_error", "message": "m"}, "choices": []},
        "m",
        "server_error",
    ),
    "LiteLLM": ("chat_completions", {"error": {"code": "429", "message": "m"}}, "m", "rate_limit"),
    "a text": ("chat_completions", {"error": "m"}, "m", None),
    "Anthropic": (
        "messages",
        {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
        "m",
        "overloaded",
    ),
    "Anthropic rate": (
        "messages",
        {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}},
        "m",
        "rate_limit",
    ),
    "vLLM on Messages": (
        "messages",
        {"type": "error", "error": {"type": "internal_error", "message": "m"}},
        "m",
        "server_error",
    ),
}


@pytest.mark.parametrize(("dialect", "event", "message", "kind"), EVENTS.values(), ids=EVENTS)
def test_events(dialect: Any, event: Any, message: str, kind: str | None) -> None:
    """The message and kind of an error event in a stream, by its own words: the status was 200."""
    body = f"data: {json.dumps(event)}\n\n".encode()
    said = fold(dialect, status=200, headers=(("content-type", "text/event-stream"),), body=body)
    assert (said.error, said.error_kind, said.status) == (message, kind, 200)


def test_an_error_as_a_stream() -> None:
    """A refusal that is framed as an event is read as well."""
    body = b'data: {"error": {"message": "m", "type": "internal_server_error", "code": "500"}}\n\ndata: [DONE]\n\n'
    said = fold("vllm", status=500, headers=(("content-type", "text/event-stream"),), body=body)
    assert (said.error, said.error_kind, said.streamed) == ("m", "server_error", False)
