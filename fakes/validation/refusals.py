"""Error bodies as the services write them, for refusals of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ANTHROPIC_TYPES",
    "REQUEST_ID",
    "VLLM_TYPES",
    "Wording",
    "anthropic_error",
    "openai_error",
    "vllm_error",
]

REQUEST_ID: Final = "req_011CZfake0000000000000000"
"""The request id in Anthropic's error bodies: fixed, so that the same failure gives the same bytes."""

ANTHROPIC_TYPES: Final[dict[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Error types by status. Source: `anthropic.types.shared.error_object`, platform.claude.com/docs/en/api/errors."""

VLLM_TYPES: Final[dict[int, str]] = {
    400: "BadRequestError",
    403: "Forbidden",
    404: "NotFoundError",
    429: "Too Many Requests",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
"""Error types by status. Source: vllm/entrypoints/serve/exception_handling/error_response.py."""


@dataclass(frozen=True)
class Wording:
    """How a service words one kind of failure."""

    message: str
    type: str = ""
    param: str | None = None
    code: str | None = None


def openai_error(message: str, type_: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error body. Source: `openai.types.shared.ErrorObject`."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def vllm_error(message: str, type_: str, param: str | None, code: int) -> dict[str, Any]:
    """vLLM's error body: OpenAI's keys, and an integer code."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def anthropic_error(message: str, type_: str) -> dict[str, Any]:
    """Anthropic's error body. Source: `anthropic.types.shared.ErrorResponse`."""
    return {"type": "error", "error": {"type": type_, "message": message}, "request_id": REQUEST_ID}
