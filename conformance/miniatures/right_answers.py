"""Right answers beside the stream: failures, refusals, and the other endpoints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from conformance.miniatures.edits import Draft
from conformance.miniatures.right_state import stored
from conformance.said import Said
from conformance.transcript import ClientRequest, Exchange, Received
from fakes.log import UpstreamCall

__all__ = ["answer_elsewhere", "refusal", "right_failure", "with_error_code"]

_STATUSES = {
    "rate_limit": 429,
    "overloaded": 503,
    "auth": 502,
    "permission": 502,
    "bad_request": 400,
    "context_length": 400,
    "unknown_model": 400,
}
_STREAM_CODES = {
    "rate_limit": ("rate_limit_exceeded", " Please try again in 5s."),
    "context_length": ("context_length_exceeded", ""),
    "bad_request": ("invalid_prompt", ""),
    "unknown_model": ("model_not_found", ""),
}
_CODES = {
    "rate_limit": "rate_limit_exceeded",
    "context_length": "context_length_exceeded",
    "unknown_model": "model_not_found",
}


def _json(request: ClientRequest, status: int, value: Any, *headers: tuple[str, str]) -> Exchange:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Exchange(
        request, status, (("content-type", "application/json"), *headers), (Received(0.01, body),), ended_at=0.01
    )


def _error(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def right_failure(request: ClientRequest, said: Said, upstream: tuple[UpstreamCall, ...]) -> Exchange:
    """The HTTP error by which a right target tells of an upstream that failed before its first word."""
    kind = said.error_kind or "server_error"
    status = _STATUSES.get(kind, 502)
    told = kind in ("bad_request", "context_length", "unknown_model")
    message = said.error if told and said.error else f"The upstream failed ({said.status or 'no answer'})."
    given = next((v for call in upstream for k, v in call.sent_headers if k.lower() == "retry-after"), None)
    wait = (("retry-after", given or "5"),) if status in (429, 503) else ()
    error = _error(message, "invalid_request_error" if told else "server_error", _CODES.get(kind))
    exchange = _json(request, status, error, *wait)
    exchange.said, exchange.upstream = said, upstream
    return exchange


def with_error_code(exchange: Exchange, said: Said) -> Exchange:
    """A failed stream with the code, and the words, by which clients decide what to do."""
    if not exchange.is_stream or said.error_kind not in _STREAM_CODES:
        return exchange
    code, words = _STREAM_CODES[said.error_kind]
    draft = Draft.begin(exchange)
    response = draft.response
    if response is None or response.get("status") != "failed":
        return exchange
    response["error"] = {"code": code, "message": f"{said.error}{words}"}
    return draft.written()


def refusal(
    request: ClientRequest, status: int, param: str = "input", message: str = "That is not a valid request."
) -> Exchange:
    """The refusal of a wrong request; `param` is the field at fault, unless it is an unknown previous response."""
    previous = isinstance(request.body, dict) and "previous_response_id" in request.body
    code, param = ("previous_response_not_found", "previous_response_id") if previous else (None, param)
    return _json(request, status, _error(message, "invalid_request_error", code, param))


def answer_elsewhere(request: ClientRequest, earlier: Sequence[Exchange]) -> Exchange | None:
    """The answer of an endpoint that asks no upstream; None for a request for a response."""
    path = request.path.partition("?")[0].rstrip("/")
    if any(name.lower() == "upgrade" for name, _ in request.headers):
        return _json(request, 426, _error("Websockets are not served here.", "invalid_request_error"))
    if request.method == "POST" and path.endswith(("/responses", "/responses/compact", "/responses/input_tokens")):
        return None
    if request.method == "GET" and path.endswith("/models"):
        return _json(request, 200, {"object": "list", "data": [{"id": "m", "object": "model"}]})
    if "/responses/" not in path:
        return _json(request, 405, _error("There is no such method.", "invalid_request_error"))
    return stored(request, path.partition("/responses/")[2], earlier)
