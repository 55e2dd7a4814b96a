"""Errors: OpenAI's body with all four keys, and what an upstream's failure becomes.

Sources: OpenAI ``Error`` schema; Anthropic errors page; openai/codex's treatment of status and code (which
answers it retries, which end the turn).
"""

from __future__ import annotations

import re
import traceback
from pathlib import PurePath
from typing import Any

import msgspec

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}

_STATUS_OF_TYPE = {
    # Anthropic, see its errors page.
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
    # vLLM's exception names, vllm/entrypoints/serve/exception_handling.
    "badrequesterror": 400, "bad request": 400, "validationerror": 400, "unprocessableentityerror": 400,
    "notfounderror": 404, "internalservererror": 500, "serviceunavailableerror": 503,
    # OpenAI and llama.cpp.
    "insufficient_quota": 429, "tokens": 429, "requests": 429, "exceed_context_size_error": 400,
    "server_error": 500,
}  # fmt: skip

_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|max_model_len|prompt is too long"
    r"|context (size|window|length)|too many (input )?tokens",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"(invalid|unknown|no such) model\b|\bmodel\b.{0,100}(does not exist|not found|is not available)", re.IGNORECASE
)
_RETRY_HINT = re.compile(r"try again in \d", re.IGNORECASE)
_MARKUP = re.compile(
    r"<!doctype|<html|<body|<head|Traceback \(most recent|validation errors? for |\n\s+File \"", re.IGNORECASE
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PUBLIC_URL = re.compile(r"https://(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[^?@]*)?", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(?:bearer\s+\S+|(?:sk|pk|rk|key|gsk|xai|hf|org|proj)[-_][\w*.-]{6,}|AIza[\w-]{20,})", re.IGNORECASE
)

_FATAL = {"context_length_exceeded", "insufficient_quota", "model_not_found", "content_policy_violation"}


class ApiError(Exception):
    """Raised when a request ends in anything but a response; carries the HTTP answer.

    ``failure()`` is the same thing for a stream that has begun.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        param: str | None = None,
        code: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
        self.param = param
        self.code = code
        # Codex gives a turn up on a 429 that does not say when to come back.
        self.retry_after = retry_after or ("5" if status == 429 else None)

    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {"Retry-After": self.retry_after} if self.retry_after else {}

    def body(self) -> bytes:
        """The JSON body, all four keys present."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})

    def failure(self) -> dict[str, Any]:
        """The ``error`` object of a ``response.failed``.

        Codes are chosen by what clients do with them: openai/codex ends the turn on ``invalid_prompt`` and the
        context, quota and model codes, waits on ``rate_limit_exceeded`` and retries ``server_error``.
        """
        if self.code in _FATAL:
            return {"code": self.code, "message": self.message}
        if self.status == 429:
            seconds = self.retry_after if self.retry_after and self.retry_after.isdigit() else "5"
            hint = "" if _RETRY_HINT.search(self.message) else f" Please try again in {seconds}s."
            return {"code": "rate_limit_exceeded", "message": self.message + hint}
        deterministic = 400 <= self.status < 500 and self.status not in (408, 409)
        return {"code": "invalid_prompt" if deterministic else "server_error", "message": self.message}


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A 400 about the request, to be raised."""
    return ApiError(400, message, param=param, code=code)


def from_upstream(status: int, body: bytes, retry_after: str | None = None, secret: str | None = None) -> ApiError:
    """What the client is told when the upstream answers with an error status."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        document = None if _MARKUP.search(body[:4096].decode(errors="replace")) else body.decode(errors="replace")
    return _translate(document, status, retry_after, secret)


def from_event(document: Any, secret: str | None = None) -> ApiError:
    """What the client is told when an error comes inside an answer that began with 200."""
    return _translate(document, None, None, secret)


def raised(error: BaseException) -> str:
    """An internal error as one line for the log: its class and place, never its words, which may quote a key."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {PurePath(entry.filename).name}:{entry.lineno} in {entry.name}" for entry in frame)
    return f"{type(error).__name__}{place}"


def safe_message(text: str, fallback: str, secret: str | None = None) -> str:
    """``text`` without keys, addresses, markup and tracebacks (CWE-200), or ``fallback``.

    Links to public pages without a query, as services put them into their messages, stay.
    """
    if _MARKUP.search(text):
        return fallback
    if secret:
        text = text.replace(secret, "[removed]")
    text = _SECRET.sub("[removed]", _URL.sub(_public, text)).strip()
    return text[:2000] or fallback


def _public(url: re.Match[str]) -> str:
    return url[0] if _PUBLIC_URL.fullmatch(url[0]) else "[address removed]"


def _translate(document: Any, status: int | None, retry_after: str | None, secret: str | None) -> ApiError:
    message, kind, param, code = _dig(document)
    if status is not None and (status < 400 or status in (405, 415)):
        return _misplaced(status)
    status = status or _status(kind, code) or 500
    text = safe_message(message, f"The upstream failed with status {status} and gave no usable reason.", secret)
    if _CONTEXT.search(f"{code} {kind} {message}") and status in (400, 413, 422, 500):
        return ApiError(400, text, param="input", code="context_length_exceeded")
    if status in (401, 403):
        # The upstream's own words on a 401 often quote the key.
        why = f": {text}" if status == 403 else ""
        return ApiError(status, f"The upstream refused the API key this proxy used{why}", code="upstream_key_refused")
    about_model = status == 404 and (param == "model" or "model" in message.lower())
    if code == "model_not_found" or about_model or (status == 400 and _MODEL.search(message)):
        return ApiError(400, text, param="model", code="model_not_found")
    if status == 402 or code == "insufficient_quota":
        return ApiError(429, text, code="insufficient_quota", retry_after=retry_after)
    if status == 404:
        return _misplaced(status)
    if status == 529:
        return ApiError(503, text, code="server_error", retry_after=retry_after or "5")
    if status == 422:
        status = 400
    keep = kind if re.fullmatch(r"[a-z_]+_error", kind) and _STATUS_OF_TYPE.get(kind) == status else None
    code = code if code and not code.isdigit() else "request_too_large" if status == 413 else None
    return ApiError(status, text, kind=keep, param=param, code=code, retry_after=retry_after)


def _misplaced(status: int) -> ApiError:
    return ApiError(502, f"The upstream does not serve this API (status {status}).", code="upstream_lacks_api")


def _dig(document: Any) -> tuple[str, str, str | None, str | None]:
    """Find message, type, param and code in any of the shapes servers use."""
    error = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(error, str):
        return error, "", None, None
    if not isinstance(error, dict):
        return "", "", None, None
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    if isinstance(message, list):  # FastAPI's validation errors
        message = "; ".join(str(entry.get("msg", "")) for entry in message if isinstance(entry, dict))
    param, code = error.get("param"), error.get("code")
    return (
        str(message),
        str(error.get("type") or ""),
        param if isinstance(param, str) else None,
        None if code in (None, "") else str(code),
    )


def _status(kind: str, code: str | None) -> int | None:
    if code and code.isdigit() and 400 <= int(code) < 600:
        return int(code)
    lowered = kind.lower()
    if code == "rate_limit_exceeded" or "ratelimit" in lowered:
        return 429
    return _STATUS_OF_TYPE.get(lowered) or _STATUS_OF_TYPE.get((code or "").lower())
