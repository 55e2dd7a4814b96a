"""What an upstream's failure becomes, as an HTTP answer and inside a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference.proxy.errors import ApiError, from_event, from_upstream, safe_message


def openai(message: str = "m", **more: Any) -> bytes:
    """An error body in OpenAI's shape."""
    return json.dumps({"error": {"message": message, "type": None, "param": None, "code": None, **more}}).encode()


def anthropic(kind: str, message: str = "m") -> bytes:
    """An error body in Anthropic's shape."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}).encode()


INVALID, CONTEXT, MODEL = "invalid_request_error", "context_length_exceeded", "model_not_found"
OVERFLOW = "This model's maximum context length is 1024 tokens. However, you requested 2000."

# name: status and body upstream -> status, type, code of the answer, and code inside a stream
TABLE: dict[str, tuple[int, bytes, tuple[int, str, str | None, str]]] = {
    "bad request": (400, openai(code="x"), (400, INVALID, "x", "invalid_prompt")),
    "vLLM's integer code": (400, openai(type="BadRequestError", code=400), (400, INVALID, None, "invalid_prompt")),
    "a code that is a number in a string": (400, openai(code="400"), (400, INVALID, None, "invalid_prompt")),
    "validation": (422, b'{"detail":[{"msg":"a"},{"msg":"b"}]}', (400, INVALID, None, "invalid_prompt")),
    "own key": (
        401,
        openai("Incorrect API key provided: sk-abcdef123456"),
        (401, "authentication_error", "upstream_key_refused", "invalid_prompt"),
    ),
    "own key, vLLM": (
        401,
        b'{"error":"Unauthorized"}',
        (401, "authentication_error", "upstream_key_refused", "invalid_prompt"),
    ),
    "forbidden": (
        403,
        anthropic("permission_error"),
        (403, "permission_error", "upstream_key_refused", "invalid_prompt"),
    ),
    "unknown model": (404, openai("The model `x` does not exist.", param="model"), (400, INVALID, MODEL, MODEL)),
    "unknown model, Anthropic": (404, anthropic("not_found_error", "model: x"), (400, INVALID, MODEL, MODEL)),
    "unknown model, LiteLLM": (400, openai("Invalid model name passed in model=x."), (400, INVALID, MODEL, MODEL)),
    "no such route": (404, b'{"detail":"Not Found"}', (502, "server_error", "upstream_lacks_api", "server_error")),
    "wrong method": (
        405,
        b'{"detail":"Method Not Allowed"}',
        (502, "server_error", "upstream_lacks_api", "server_error"),
    ),
    "redirect": (307, b"", (502, "server_error", "upstream_lacks_api", "server_error")),
    "context, vLLM": (400, openai(OVERFLOW, code=400), (400, INVALID, CONTEXT, CONTEXT)),
    "context, llama.cpp": (
        400,
        openai("too big", type="exceed_context_size_error", code=400),
        (400, INVALID, CONTEXT, CONTEXT),
    ),
    "context, Anthropic": (
        400,
        anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8"),
        (400, INVALID, CONTEXT, CONTEXT),
    ),
    "context, OpenAI": (400, openai("x", code="context_length_exceeded"), (400, INVALID, CONTEXT, CONTEXT)),
    "too large": (413, anthropic("request_too_large"), (413, INVALID, "request_too_large", "invalid_prompt")),
    "rate limit": (
        429,
        openai(code="rate_limit_exceeded"),
        (429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_exceeded"),
    ),
    "quota": (
        429,
        openai(code="insufficient_quota"),
        (429, "rate_limit_error", "insufficient_quota", "insufficient_quota"),
    ),
    "billing": (402, anthropic("billing_error"), (429, "rate_limit_error", "insufficient_quota", "insufficient_quota")),
    "server": (500, openai(), (500, "server_error", None, "server_error")),
    "html": (502, b"<html><body>Bad gateway</body></html>", (502, "server_error", None, "server_error")),
    "empty": (503, b"", (503, "server_error", None, "server_error")),
    "overloaded": (529, anthropic("overloaded_error"), (503, "server_error", "server_error", "server_error")),
    "gateway timeout": (504, b"x", (504, "server_error", None, "server_error")),
}


@pytest.mark.parametrize("name", TABLE)
def test_an_error_status_is_translated(name: str) -> None:
    """Each failure has its status, type and codes; all four keys are strings or null."""
    status, body, expected = TABLE[name]
    error = from_upstream(status, body)
    shown = json.loads(error.body())["error"]
    assert set(shown) == {"message", "type", "param", "code"}
    assert (error.status, shown["type"], shown["code"], error.failure()["code"]) == expected
    assert shown["message"]
    assert shown["code"] is None or isinstance(shown["code"], str)


def test_when_to_come_back() -> None:
    """A 429 keeps its Retry-After or gets one, and says it in words inside a stream; so does an overload."""
    assert from_upstream(429, openai(), "30").retry_after == "30"
    assert from_upstream(429, openai()).retry_after
    assert from_upstream(529, anthropic("overloaded_error")).retry_after
    assert from_upstream(500, openai()).retry_after is None
    assert from_upstream(429, openai(), "30").failure()["message"] == "m Please try again in 30s."
    assert from_upstream(429, openai("Try again in 2s")).failure()["message"] == "Try again in 2s"
    assert "in 5s" in from_upstream(429, openai(), "Wed, 21 Oct 2026 07:28:00 GMT").failure()["message"]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ("plain", 500),
        ({"error": "plain"}, 500),
        ({"error": {"message": "m", "code": 429}}, 429),
        ({"error": {"type": "overloaded_error", "message": "m"}}, 503),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, 429),
        ({"error": {"type": "internal_error", "message": "m"}}, 500),
        ({"object": "error", "message": "m", "code": 400}, 400),
        ({"error": None}, 500),
        ([], 500),
    ],
)
def test_an_error_inside_a_stream_has_a_status_too(document: Any, status: int) -> None:
    """Every shape of an in-band error is read, and none raises."""
    error = from_event(document)
    assert error.status == status
    assert set(error.failure()) == {"code", "message"}


LEAKS = [
    ("see https://api.example.com/v1?key=abc for more", "https"),
    ("key sk-proj-abcdef1234567890 refused", "abcdef"),
    ("Bearer eyJhbGciOi.abc.def was refused", "eyJ"),
    ("https://user:pw@docs.example.com/a", "pw"),
    ("https://internal:8443/v1 is down", "internal"),
    ("connect to http://10.0.0.1:8000 failed", "10.0.0.1"),
    ("<!DOCTYPE html><title>x</title>", "DOCTYPE"),
    ("Traceback (most recent call last):\n  File x", "Traceback"),
    ("2 validation errors for ChatCompletionStreamResponse", "ChatCompletionStreamResponse"),
    ("your key hunter2hunter2 is wrong", "hunter2"),
]


@pytest.mark.parametrize(("text", "leak"), LEAKS)
def test_messages_carry_no_secrets(text: str, leak: str) -> None:
    """Keys, addresses, markup and tracebacks never reach the client."""
    shown = safe_message(text, "fallback", "hunter2hunter2")
    assert leak not in shown
    assert shown


def test_links_to_public_pages_stay() -> None:
    """A service's pointer to its own documentation is part of its words."""
    assert safe_message("see https://docs.example.com/a#b now", "f") == "see https://docs.example.com/a#b now"


def test_the_proxys_own_errors() -> None:
    """The type follows the status."""
    assert (ApiError(404, "x").kind, ApiError(500, "x").kind) == ("not_found_error", "server_error")
