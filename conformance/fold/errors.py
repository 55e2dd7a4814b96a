"""What an upstream's error says: its message, and its kind in neutral words."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["describe_error"]

_CONTEXT = re.compile(
    r"maximum context length|available context size|prompt is too long|context_length_exceeded"
    r"|exceed_context_size|context ?window ?exceeded|exceed(s|ed)? (the )?context (window|limit)",
    re.IGNORECASE,
)
"""vLLM, llama.cpp, Anthropic, OpenAI, llama.cpp, LiteLLM, Anthropic."""

_NOT_FOUND = re.compile(r"not_?found|invalid model name", re.IGNORECASE)

_KINDS: dict[str, str] = {
    "model_not_found": "unknown_model",
    "deploymentnotfound": "unknown_model",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "insufficient_quota": "rate_limit",
    "authentication_error": "auth",
    "invalid_api_key": "auth",
    "unauthorized": "auth",
    "permission_error": "permission",
    "permission_denied": "permission",
    "overloaded_error": "overloaded",
    "serviceunavailableerror": "overloaded",
    "server_is_overloaded": "overloaded",
    "service_unavailable": "overloaded",
    "slow_down": "overloaded",
    "invalid_request_error": "bad_request",
    "badrequesterror": "bad_request",
    "bad request": "bad_request",
    "api_error": "server_error",
    "server_error": "server_error",
    "internal_error": "server_error",
    "internal_server_error": "server_error",
    "internalservererror": "server_error",
    "timeout_error": "server_error",
}
"""By `code` or `type`, in lower case. `not_found_error` says nothing alone: routes are not found as well."""

_STATUSES: dict[int, str] = {
    400: "bad_request",
    401: "auth",
    403: "permission",
    413: "bad_request",
    422: "bad_request",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}


def describe_error(status: int | None, value: Any) -> tuple[str | None, str | None]:
    """The message and kind of an error: `value` is the body or event, parsed when it was JSON, else its text.

    `status` is None for an event in a stream that had begun. Each is None where it cannot be told.
    """
    message, words = _parts(value)
    return message, _kind(status, message or "", words)


def _parts(value: Any) -> tuple[str | None, list[Any]]:
    """The message, and the words that tell the kind, the most telling first."""
    if isinstance(value, str):
        return value or None, []
    if not isinstance(value, dict):
        return None, []
    error = value.get("error") or value.get("detail") or value
    if isinstance(error, dict):
        message = error.get("message") or error.get("msg")
        return (message if isinstance(message, str) else None), [error.get("code"), error.get("type")]
    if isinstance(error, list):
        first = error[0] if error else None
        return (_parts(first)[0] if isinstance(first, dict) else None), []
    return str(error), [error]


def _kind(status: int | None, message: str, words: list[Any]) -> str | None:
    texts = [word.lower() for word in words if isinstance(word, str)]
    if any(map(_CONTEXT.search, [message, *texts])):
        return "context_length"
    if "model" in message.lower() and (status == 404 or any(map(_NOT_FOUND.search, [message, *texts]))):
        return "unknown_model"
    # The status that counts is the one the service meant, also where the wire said 200.
    meant = status if status is not None and status >= 400 else _number(words)
    if meant in _STATUSES and meant != 400:
        return _STATUSES[meant]
    named = next((_KINDS[text] for text in texts if text in _KINDS), None)
    if named is not None or meant is None:
        return named
    return "server_error" if meant >= 500 else _STATUSES.get(meant)


def _number(words: list[Any]) -> int | None:
    """A status among the words: vLLM writes it as `code`, LiteLLM as a string."""
    for word in words:
        text = str(word)
        if text.isdecimal() and 400 <= int(text) <= 599:
            return int(text)
    return None
