"""Rules of error codes: clients decide by them whether to try again, to wait, to compact, or to give up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, text_of
from conformance.reading import as_dict
from conformance.rules import RECOMMENDED, SHOULD, rule
from conformance.said import Said
from conformance.transcript import Transcript

__all__: list[str] = []

_TYPES = frozenset(
    {
        "invalid_request",
        "model_error",
        "not_found",
        "server_error",
        "too_many_requests",
        "insufficient_quota",
        "requests",
        "tokens",
    }
)
_OPENAI_TYPE = re.compile(r"[a-z]+(_[a-z]+)*_error")

_TRANSIENT = ("server_error", "overloaded")
_FINAL = ("bad_request", "unknown_model")
_WAIT = re.compile(r"try again in [0-9.]+ ?m?s", re.IGNORECASE)


def _told(visit: Visit) -> dict[str, object] | None:
    """The error that the client was given: of `response.failed`, or of an HTTP error's body."""
    exchange = visit.exchange
    if exchange.is_stream:
        failed = next((event for event in reversed(exchange.events) if event.type == "response.failed"), None)
        return as_dict(failed.get("response", "error")) if failed is not None else None
    if exchange.status is not None and exchange.status >= 400:
        return as_dict(at(exchange.json, "error"))
    failed_body = at(exchange.json, "status") == "failed"
    return as_dict(at(exchange.json, "error")) if failed_body else None


def _failures(transcript: Transcript, *kinds: str) -> Iterator[tuple[Visit, Said, dict[str, object]]]:
    for visit in visits(transcript):
        said, error = visit.exchange.said, _told(visit)
        if said is not None and error is not None and said.error_kind in kinds:
            yield visit, said, error


def _mid_stream(transcript: Transcript, *kinds: str) -> Iterator[tuple[Visit, Said, dict[str, object]]]:
    return (found for found in _failures(transcript, *kinds) if found[0].exchange.is_stream)


@rule(
    "error.context-length-code",
    level=RECOMMENDED,
    source="raine/claude-code-proxy#29; lidge-jun/opencodex#4112; openai/codex (context_length_exceeded)",
    why="Only by this code Codex compacts its history; with another one it repeats the hopeless request.",
    evidence="both",
)
def context_length_code(transcript: Transcript) -> Judged:
    """A context overflow in any dialect is told as `context_length_exceeded`, by HTTP with status 400."""
    for visit, _, error in _failures(transcript, "context_length"):
        status = visit.exchange.status
        if error.get("code") == "context_length_exceeded" and status in (200, 400):
            yield visit.seen()
        else:
            yield visit.broken(
                "the code 'context_length_exceeded' (with status 400 where it comes by HTTP)",
                f"code {quote(error.get('code'))}, status {status}",
            )


@rule(
    "error.rate-limit-code",
    level=RECOMMENDED,
    source="openai/codex (rate_limit_exceeded, `try again in`); openai.types.responses.ResponseError.code",
    why="Codex waits as long as the message says; without it, it counts the turn as failed.",
    dialects=("messages", "vllm"),
    evidence="both",
)
def rate_limit_code(transcript: Transcript) -> Judged:
    """A rate limit in mid-stream is told as `rate_limit_exceeded`, with when to try again in the message."""
    for visit, _, error in _mid_stream(transcript, "rate_limit"):
        message = text_of(error.get("message"))
        if error.get("code") == "rate_limit_exceeded" and _WAIT.search(message):
            yield visit.seen()
        else:
            yield visit.broken(
                "the code 'rate_limit_exceeded' and `Please try again in Ns` in the message",
                f"code {quote(error.get('code'))}, message {quote(message)}",
            )


@rule(
    "error.transient-code",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseError.code (server_error); openai/codex (server_is_overloaded is final)",
    why="Codex gives up at `server_is_overloaded`, although the next attempt would do.",
    evidence="both",
)
def transient_code(transcript: Transcript) -> Judged:
    """A transient failure in mid-stream is told as `server_error`."""
    for visit, said, error in _mid_stream(transcript, *_TRANSIENT):
        if error.get("code") == "server_error":
            yield visit.seen()
        else:
            yield visit.broken(f"the code 'server_error' for {quote(said.error)}", f"code {quote(error.get('code'))}")


@rule(
    "error.final-code",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseError.code (invalid_prompt); openai/codex repeats unknown codes five times",
    why="Codex sends a hopeless request five times more.",
    dialects=("messages", "vllm"),
    evidence="both",
)
def final_code(transcript: Transcript) -> Judged:
    """A failure in mid-stream that no retry can mend is told as `invalid_prompt` or `model_not_found`."""
    for visit, said, error in _mid_stream(transcript, *_FINAL):
        if error.get("code") in ("invalid_prompt", "model_not_found"):
            yield visit.seen()
        else:
            yield visit.broken(
                f"'invalid_prompt' or 'model_not_found' for {quote(said.error)}", f"code {quote(error.get('code'))}"
            )


@rule(
    "error.model-not-found-code",
    level=RECOMMENDED,
    source="openai/codex (model_not_found is final); openai.NotFoundError",
    why="Codex repeats a 404 without this code.",
    evidence="both",
)
def model_not_found_code(transcript: Transcript) -> Judged:
    """A model that the upstream does not know is told as `model_not_found`."""
    for visit, _, error in _failures(transcript, "unknown_model"):
        if error.get("code") == "model_not_found":
            yield visit.seen()
        else:
            yield visit.broken("the code 'model_not_found'", f"code {quote(error.get('code'))}")


@rule(
    "error.type-known",
    level=SHOULD,
    profiles=("open-responses", "superset"),
    source="Open Responses 2026-04-24, Error Types; openai-openapi, examples of Error (invalid_request_error)",
    why="Clients that go by the type know Open Responses' words and OpenAI's, not the names of Python classes.",
)
def type_known(transcript: Transcript) -> Judged:
    """The `type` of an HTTP error is one of Open Responses' words, or of OpenAI's form `..._error`."""
    for visit in visits(transcript):
        status = visit.exchange.status
        kind = at(visit.exchange.json, "error", "type")
        if status is None or status < 400 or not isinstance(kind, str):
            continue
        if kind in _TYPES or _OPENAI_TYPE.fullmatch(kind):
            yield visit.seen()
        else:
            yield visit.broken("a type such as `invalid_request` or `invalid_request_error`", f"type {quote(kind)}")
