"""Refusals before the first byte, unknown routes and the services' other routes."""

from __future__ import annotations

import json

import pytest
from anthropic.types.shared import ErrorResponse

from fakes.dialects import get
from fakes.reply import HttpFailure
from fakes.script import DIALECTS

KINDS = {
    "bad_request": 400,
    "context_length": 400,
    "rate_limit": 429,
    "auth": 401,
    "permission": 403,
    "unknown_model": 404,
    "overloaded": 529,
    "server_error": 500,
}


def body_of(reply):
    """The reply's JSON."""
    assert dict(reply.headers)["content-type"] == "application/json"
    return json.loads(reply.body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_kind_has_the_services_shape(dialect, kind):
    """Each kind of failure has the keys of the service's error body, and its own words by default."""
    body = body_of(get(dialect).failure(HttpFailure(KINDS[kind], kind)))
    mine = body_of(get(dialect).failure(HttpFailure(KINDS[kind], kind, message="My words.")))
    if dialect == "messages":
        ErrorResponse.model_validate(body)
        assert set(body) == {"type", "error", "request_id"}
        assert mine["error"]["message"] == "My words."
    elif dialect == "vllm" and kind == "auth":
        assert body == {"error": "Unauthorized"}
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert mine["error"]["message"] == "My words."
        assert isinstance(body["error"]["code"], int) is (dialect == "vllm")


@pytest.mark.parametrize(
    ("dialect", "kind", "expected"),
    [
        ("chat_completions", "context_length", {"code": "context_length_exceeded", "param": "messages"}),
        ("chat_completions", "rate_limit", {"code": "rate_limit_exceeded", "type": "tokens"}),
        ("chat_completions", "unknown_model", {"code": "model_not_found"}),
        ("chat_completions", "auth", {"code": "invalid_api_key", "type": "invalid_request_error"}),
        ("vllm", "context_length", {"type": "BadRequestError", "param": "input_tokens", "code": 400}),
        ("vllm", "unknown_model", {"type": "NotFoundError", "param": "model", "code": 404}),
        ("vllm", "server_error", {"type": "InternalServerError", "code": 500}),
        ("messages", "context_length", {"type": "invalid_request_error"}),
        ("messages", "rate_limit", {"type": "rate_limit_error"}),
        ("messages", "auth", {"type": "authentication_error"}),
        ("messages", "permission", {"type": "permission_error"}),
        ("messages", "unknown_model", {"type": "not_found_error"}),
        ("messages", "overloaded", {"type": "overloaded_error"}),
        ("messages", "server_error", {"type": "api_error"}),
    ],
)
def test_wordings(dialect, kind, expected):
    """Kinds that clients tell apart have the service's own types and codes."""
    error = body_of(get(dialect).failure(HttpFailure(KINDS[kind], kind)))["error"]
    assert expected.items() <= error.items()


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("chat_completions", "maximum context length is"),
        ("vllm", "This model's maximum context length is 32768 tokens. However, your prompt contains at least 32769"),
        ("messages", "prompt is too long: 208310 tokens > 200000 maximum"),
    ],
)
def test_context_length_is_worded_as_the_service_does(dialect, words):
    """Overflow is told by the words that clients look for."""
    assert words in body_of(get(dialect).failure(HttpFailure(400, "context_length")))["error"]["message"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_headers_and_own_bodies(dialect):
    """Retry-After is sent when asked; an own body and content type replace the service's."""
    reply = get(dialect).failure(HttpFailure(429, "rate_limit", retry_after="7"))
    assert dict(reply.headers)["retry-after"] == "7"
    assert "retry-after" not in dict(get(dialect).failure(HttpFailure(429, "rate_limit")).headers)
    html = get(dialect).failure(HttpFailure(502, body=b"<html>bad gateway</html>", content_type="text/html"))
    assert (html.status, html.body) == (502, b"<html>bad gateway</html>")
    assert dict(html.headers)["content-type"] == "text/html"


def test_a_status_may_name_the_type():
    """Statuses of Anthropic's that no kind names have their own type."""
    error = body_of(get("messages").failure(HttpFailure(413, "bad_request")))["error"]
    assert error["type"] == "request_too_large"


@pytest.mark.parametrize(
    ("dialect", "method", "path", "status", "expected"),
    [
        ("chat_completions", "POST", "/v1/nope", 404, "Invalid URL (POST /v1/nope)"),
        ("chat_completions", "GET", "/v1/chat/completions", 405, "method_not_supported"),
        ("vllm", "POST", "/v1/nope", 404, '{"detail":"Not Found"}'),
        ("vllm", "GET", "/v1/chat/completions", 405, '{"detail":"Method Not Allowed"}'),
        ("messages", "POST", "/v1/nope", 404, "not_found_error"),
        ("messages", "GET", "/v1/messages", 405, "Method Not Allowed"),
    ],
)
def test_unknown_routes(dialect, method, path, status, expected):
    """Unknown paths and methods are answered as the service answers them."""
    reply = get(dialect).unknown_route(method, path)
    assert reply.status == status
    assert expected in reply.body.decode()


@pytest.mark.parametrize(
    ("dialect", "method", "path", "body", "keys"),
    [
        ("chat_completions", "GET", "/v1/models", None, {"object", "data"}),
        ("chat_completions", "GET", "/v1/models/gpt-fake", None, {"id", "object", "created", "owned_by"}),
        ("vllm", "GET", "/version", None, {"version"}),
        ("vllm", "GET", "/load", None, {"server_load"}),
        ("vllm", "GET", "/v1/models", None, {"object", "data"}),
        ("vllm", "POST", "/tokenize", {"prompt": "abcd"}, {"count", "max_model_len", "tokens", "token_strs"}),
        ("messages", "GET", "/v1/models", None, {"data", "has_more", "first_id", "last_id"}),
        ("messages", "GET", "/v1/models/claude-fake-1", None, {"type", "id", "display_name", "created_at"}),
        ("messages", "POST", "/v1/messages/count_tokens", {"messages": []}, {"input_tokens"}),
    ],
)
def test_probes(dialect, method, path, body, keys):
    """The services' other routes answer with their keys."""
    reply = get(dialect).probe(method, path, body)
    assert reply is not None
    assert reply.status == 200
    assert set(body_of(reply)) == keys


def test_vllm_details():
    """/health has no body, models say max_model_len, tokens are counted."""
    assert get("vllm").probe("GET", "/health", None).body == b""
    models = body_of(get("vllm").probe("GET", "/v1/models", None))
    counted = body_of(get("vllm").probe("POST", "/tokenize", {"prompt": "abcde"}))
    assert models["data"][0]["max_model_len"] == counted["max_model_len"] == 32768
    assert counted["count"] == len(counted["tokens"]) == 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_not_a_probe(dialect):
    """The completion route, other methods and unknown paths are no probes; bad probe requests are refused."""
    assert get(dialect).probe("POST", get(dialect).completion_path, {}) is None
    assert get(dialect).probe("DELETE", "/v1/models", None) is None
    assert get(dialect).probe("GET", "/v1/nope", None) is None
    refused = {"chat_completions": ("GET", "/v1/models/x"), "messages": ("POST", "/v1/messages/count_tokens")}
    method, path = refused.get(dialect, ("POST", "/tokenize"))
    assert get(dialect).probe(method, path, {}).status in (400, 404)
