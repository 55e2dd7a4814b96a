"""Proxies that tell failures of the upstream, or of the client, as something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, edit_headers, edit_json, stream_miniature
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Exchange, Received, Transcript
from fakes.dialects import get
from fakes.log import UpstreamCall

_EMPTY = {"id": "resp_empty", "object": "response", "status": "completed", "output": []}


def _with_body(exchange: Exchange, value: Any, **changes: Any) -> Exchange:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return replace(exchange, received=(Received(0.01, body),), **changes)


def _on_failures(edit: Callable[[Exchange], Exchange], *kinds: str | None) -> Edit:
    """An edit of the answers to requests whose upstream failed first, of these kinds (any, if none is given)."""

    def one(exchange: Exchange) -> Exchange:
        said = exchange.said
        if said is None or said.items or exchange.status is None or exchange.status < 400:
            return exchange
        return edit(exchange) if not kinds or said.error_kind in kinds else exchange

    return lambda transcript: edit_exchanges(transcript, one)


def _status(status: int, *kinds: str | None) -> Edit:
    return _on_failures(lambda exchange: replace(exchange, status=status), *kinds)


@miniature("failure.rate-limit-kept")
def rate_limit_as_500(transcript: Transcript) -> Transcript:
    """Tells a rate limit as 500."""
    return _status(500, "rate_limit")(transcript)


@miniature("failure.overload-kept")
def overload_as_400(transcript: Transcript) -> Transcript:
    """Tells an overload as 400."""
    return _status(400, "overloaded")(transcript)


@miniature("failure.server-error-kept")
def server_error_as_400(transcript: Transcript) -> Transcript:
    """Tells a failure of the upstream as the client's fault."""
    return _status(400, "server_error", None)(transcript)


@miniature("failure.refused-key-kept")
def refused_key_as_404(transcript: Transcript) -> Transcript:
    """Tells a refused key as 404."""
    return _status(404, "auth", "permission")(transcript)


@miniature("failure.bad-request-kept")
def bad_request_as_500(transcript: Transcript) -> Transcript:
    """Tells an invalid request as 500."""
    return _status(500, "bad_request", "context_length")(transcript)


@miniature("failure.unknown-model-kept")
def unknown_model_as_502(transcript: Transcript) -> Transcript:
    """Tells an unknown model as 502."""
    return _status(502, "unknown_model")(transcript)


@miniature("failure.never-succeeds")
def failure_as_empty_answer(transcript: Transcript) -> Transcript:
    """Answers 200 and nothing when the upstream failed."""
    return _on_failures(lambda exchange: _with_body(exchange, _EMPTY, status=200))(transcript)


@miniature("failure.by-http-status", "json.failure-is-http-error")
def failure_inside_200(transcript: Transcript) -> Transcript:
    """Tells every failure inside a 200."""
    failed = _EMPTY | {"status": "failed", "error": {"code": "server_error", "message": "It failed."}}
    return _on_failures(lambda exchange: _with_body(exchange, failed, status=200))(transcript)


def _header(edit: Callable[[str, str], tuple[str, str] | None]) -> Edit:
    def headers(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple(new for name, value in pairs if (new := edit(name, value)) is not None)

    return lambda transcript: edit_headers(transcript, headers, streams_only=False)


@miniature("failure.retry-after-kept")
def retry_after_of_its_own(transcript: Transcript) -> Transcript:
    """Names a time of its own."""
    return _header(lambda name, value: (name, "1") if name == "retry-after" else (name, value))(transcript)


@miniature("failure.retry-after-kept", "failure.retry-after-present")
def no_retry_after(transcript: Transcript) -> Transcript:
    """Passes no Retry-After on."""
    return _header(lambda name, value: None if name == "retry-after" else (name, value))(transcript)


def _error(edit: Callable[[dict[str, Any]], Any]) -> Edit:
    """An edit of the `error` object of error bodies, in place; what it gives, if anything, replaces the body."""

    def one(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("error"), dict) and "object" not in value:
            return edit(value["error"]) or value
        return value

    return lambda transcript: edit_json(transcript, one)


@miniature("failure.error-body")
def error_as_detail(transcript: Transcript) -> Transcript:
    """Sends errors as `{"detail": ...}`."""
    return _error(lambda error: {"detail": error["message"]})(transcript)


@miniature("failure.error-body")
def error_code_as_number(transcript: Transcript) -> Transcript:
    """Sends the status as the error's code."""
    return _error(lambda error: error.update(code=400))(transcript)


@miniature("failure.error-body")
def error_without_param(transcript: Transcript) -> Transcript:
    """Leaves `param` out of errors."""
    return _error(lambda error: error.pop("param") and None)(transcript)


@miniature("failure.json-content-type")
def errors_as_text(transcript: Transcript) -> Transcript:
    """Sends every body as plain text."""
    return _header(lambda name, value: (name, "text/plain") if name == "content-type" else (name, value))(transcript)


@miniature("failure.one-envelope")
def error_in_error(transcript: Transcript) -> Transcript:
    """Puts the upstream's error, as JSON, into the message."""
    return _error(lambda error: error.update(message=json.dumps({"error": dict(error)})))(transcript)


@miniature("failure.words-kept")
def error_without_words(transcript: Transcript) -> Transcript:
    """Says only that something failed."""
    return _error(lambda error: error.update(message="Something failed."))(transcript)


@miniature("failure.no-markup")
def page_as_message(transcript: Transcript) -> Transcript:
    """Passes a gateway's page on as the message."""
    return _error(lambda error: error.update(message="<html><body>502 Bad Gateway</body></html>"))(transcript)


@miniature("failure.no-literal-none")
def none_as_word(transcript: Transcript) -> Transcript:
    """Writes "None" where there is nothing to say."""
    return _error(lambda error: error.update(param="None"))(transcript)


@miniature("failure.no-credentials")
def key_in_message(transcript: Transcript) -> Transcript:
    """Shows the upstream's request, with its key, in the message."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.upstream or exchange.status is None or exchange.status < 400:
            return exchange
        key = next(v for n, v in exchange.upstream[0].headers if n in ("authorization", "x-api-key"))
        error = {"message": f"POST failed: {key}", "type": "server_error", "param": None, "code": None}
        return _with_body(exchange, {"error": error})

    return edit_exchanges(transcript, one)


@miniature("failure.no-internals")
def traceback_in_message(transcript: Transcript) -> Transcript:
    """Shows its stack trace in the message."""
    trace = 'Traceback (most recent call last):\n  File "/srv/proxy/app.py", line 7, in main\nKeyError'
    return _error(lambda error: error.update(message=trace))(transcript)


# -- codes -----------------------------------------------------------------------------------------------


def _stream_code(draft: Draft, code: str, *known: str) -> None:
    response = draft.response
    if response is not None and response.get("status") == "failed" and response["error"]["code"] in known:
        response["error"]["code"] = code


@miniature("error.context-length-code")
def context_length_without_code(transcript: Transcript) -> Transcript:
    """Tells a context overflow as any invalid request."""
    return _error(lambda e: e.update(code=None) if e["code"] == "context_length_exceeded" else None)(transcript)


@stream_miniature("error.rate-limit-code")
def rate_limit_as_server_error(draft: Draft) -> None:
    """Tells a rate limit in mid-stream as `server_error`."""
    _stream_code(draft, "server_error", "rate_limit_exceeded")


@stream_miniature("error.rate-limit-code")
def rate_limit_without_time(draft: Draft) -> None:
    """Tells a rate limit in mid-stream without saying when to come back."""
    if draft.response is not None and (draft.response.get("error") or {}).get("code") == "rate_limit_exceeded":
        draft.response["error"]["message"] = "Rate limit."


@stream_miniature("error.transient-code")
def transient_as_overloaded(draft: Draft) -> None:
    """Tells a transient failure as `server_is_overloaded`."""
    _stream_code(draft, "server_is_overloaded", "server_error")


@stream_miniature("error.final-code")
def final_as_server_error(draft: Draft) -> None:
    """Tells a hopeless failure as `server_error`."""
    _stream_code(draft, "server_error", "invalid_prompt")


@miniature("error.model-not-found-code")
def unknown_model_without_code(transcript: Transcript) -> Transcript:
    """Tells an unknown model without a code."""
    return _error(lambda e: e.update(code=None) if e["code"] == "model_not_found" else None)(transcript)


# -- refusals --------------------------------------------------------------------------------------------


def _refused(edit: Callable[[Exchange], Exchange]) -> Edit:
    """An edit of refusals of the client's own fault."""

    def one(exchange: Exchange) -> Exchange:
        refused = exchange.request.method == "POST" and exchange.said is None and (exchange.status or 0) >= 400
        return edit(exchange) if refused else exchange

    return lambda transcript: edit_exchanges(transcript, one)


@miniature("refusal.status")
def refuses_with_403(transcript: Transcript) -> Transcript:
    """Refuses what is wrong with 403."""
    return _refused(lambda exchange: replace(exchange, status=403))(transcript)


@miniature("refusal.status", "refusal.never-5xx")
def crashes_on_wrong_input(transcript: Transcript) -> Transcript:
    """Answers 500 to what is wrong."""
    return _refused(lambda exchange: replace(exchange, status=500))(transcript)


@miniature("refusal.names-param")
def refuses_without_param(transcript: Transcript) -> Transcript:
    """Does not say which field is wrong."""
    return _error(lambda error: error.update(param=None))(transcript)


@miniature("refusal.unknown-previous-response")
def unknown_previous_answered(transcript: Transcript) -> Transcript:
    """Ignores a previous_response_id that it does not know."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        unknown = isinstance(body, dict) and body.get("previous_response_id") == "resp_unknown"
        return _with_body(exchange, _EMPTY, status=200) if unknown else exchange

    return edit_exchanges(transcript, one)


@miniature("refusal.unknown-previous-response-code")
def unknown_previous_without_code(transcript: Transcript) -> Transcript:
    """Refuses an unknown previous_response_id without its code."""
    return _error(lambda error: error.update(code="not_found"))(transcript)


@miniature("refusal.before-upstream")
def asks_before_it_looks(transcript: Transcript) -> Transcript:
    """Asks the upstream before it finds that the request is wrong."""
    dialect = transcript.dialect
    if dialect is None:
        return transcript
    path, body = get(dialect).completion_path, {"model": "m", "messages": []}
    call = UpstreamCall("POST", path, "", (), json.dumps(body).encode(), body, 0.001, answer=0, status=400)
    return _refused(lambda exchange: replace(exchange, upstream=(call,)))(transcript)


@miniature("error.type-known")
def type_of_a_python_class(transcript: Transcript) -> Transcript:
    """Gives the name of its exception as the type of an error."""

    def one(body: Any) -> Any:
        if isinstance(body, dict) and isinstance(body.get("error"), dict) and "type" in body["error"]:
            body["error"]["type"] = "BadRequestError"
        return body

    return edit_json(transcript, one)
