"""Rules of failures: what went wrong is told in its class, in OpenAI's form, and gives nothing away."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, parsed, text_of
from conformance.rules import MUST, RECOMMENDED, SHOULD, rule
from conformance.said import Said
from conformance.transcript import TERMINALS, Exchange, Transcript

__all__: list[str] = []

_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)


def _failed_before(transcript: Transcript) -> Iterator[tuple[Visit, Said]]:
    """The requests whose upstream failed before it said anything."""
    for visit in visits(transcript):
        said = visit.exchange.said
        if said is None or said.items or visit.exchange.ended == "client-left":
            continue
        if "http-error" in said.ends and said.ends <= {"http-error", "failed"}:
            yield visit, said


def _tells_failure(exchange: Exchange) -> bool:
    """Whether a 2xx answer says that the response failed; an `error` event does, whatever else it lacks."""
    if exchange.is_stream:
        return any(event.type in ("response.failed", "error") for event in exchange.events)
    return bool(at(exchange.json, "status") == "failed")


def _has_no_end(exchange: Exchange) -> bool:
    """Whether an event stream stops without saying what became of the response: stream.terminal-event tells of it."""
    return exchange.is_stream and bool(exchange.events) and not any(e.type in TERMINALS for e in exchange.events)


def _told(visit: Visit, said: Said, statuses: Collection[int], words: str) -> Judged:
    """A failure told by one of the statuses, or by `response.failed` where 200 was already sent."""
    exchange = visit.exchange
    if exchange.ended == "deadline" and exchange.status is None:
        return  # a target that is still trying again has told nothing yet
    if exchange.status in statuses or (exchange.status == 200 and _tells_failure(exchange)):
        yield visit.seen()
    else:
        shown = f"status {exchange.status}" if exchange.status is not None else "no answer"
        yield visit.broken(
            f"{words}, or `response.failed`, for {_failure(said)}",
            f"{shown}: {quote(exchange.body[:120].decode('utf-8', 'replace'))}",
        )


def _failure(said: Said) -> str:
    """What the upstream did instead of answering, in words."""
    if not said.status:
        return "an upstream that broke the connection before it answered"
    return f"the upstream's {said.status}" + (f" ({quote(said.error)})" if said.error else "")


def _of(transcript: Transcript, *kinds: str) -> Iterator[tuple[Visit, Said]]:
    return ((visit, said) for visit, said in _failed_before(transcript) if said.error_kind in kinds)


@rule(
    "failure.rate-limit-kept",
    level=MUST,
    source="BerriAI/litellm#21553; api7/aisix#144; openai.RateLimitError",
    why="SDKs back off at 429 and only there; told otherwise they make the jam worse, or give up.",
    evidence="both",
)
def rate_limit_kept(transcript: Transcript) -> Judged:
    """A rate limit of the upstream reaches the client as 429."""
    for visit, said in _of(transcript, "rate_limit"):
        yield from _told(visit, said, {429}, "429")


@rule(
    "failure.overload-kept",
    level=SHOULD,
    source="envoyproxy/ai-gateway#2697; Anthropic documentation, Errors (529); openai.InternalServerError",
    why="The client must know that trying again helps.",
    evidence="both",
)
def overload_kept(transcript: Transcript) -> Judged:
    """An overload of the upstream (503, 529) reaches the client as 429, 503 or 529."""
    for visit, said in _of(transcript, "overloaded"):
        yield from _told(visit, said, {429, 503, 529}, "429, 503 or 529")


@rule(
    "failure.server-error-kept",
    level=MUST,
    source="BerriAI/litellm#32221; castari/castari-proxy#7; openai.InternalServerError",
    why="A failure of the upstream looks like a fault of the client, or like success.",
    evidence="both",
)
def server_error_kept(transcript: Transcript) -> Judged:
    """A failure of the upstream, by status or a broken connection, reaches the client as 5xx; overload also as 429."""
    for visit, said in _failed_before(transcript):
        if said.error_kind == "overloaded":
            yield from _told(visit, said, {429, *_SERVER_ERRORS}, "a status of 5xx, or 429")
        elif said.error_kind in ("server_error", None) and not 400 <= said.status < 500:
            yield from _told(visit, said, _SERVER_ERRORS, "a status of 5xx")


@rule(
    "failure.refused-key-kept",
    level=MUST,
    source="openai.AuthenticationError; openai.PermissionDeniedError; anthropic.AuthenticationError",
    why="The operator searches the wrong end, or the client repeats what cannot succeed.",
    evidence="both",
)
def refused_key_kept(transcript: Transcript) -> Judged:
    """A refusal of the proxy's own key reaches the client as 401, 403, 500 or 502."""
    for visit, said in _of(transcript, "auth", "permission"):
        yield from _told(visit, said, {401, 403, 500, 502}, "401, 403, 500 or 502")


@rule(
    "failure.bad-request-kept",
    level=MUST,
    source="vllm-project/aibrix#2594; api7/aisix#322; openai.BadRequestError",
    why="Told as 5xx, a request that can never succeed is repeated for ever.",
    evidence="both",
)
def bad_request_kept(transcript: Transcript) -> Judged:
    """A request that the upstream finds invalid or too long reaches the client as 400, 413 or 422."""
    for visit, said in _of(transcript, "bad_request", "context_length"):
        yield from _told(visit, said, {400, 413, 422}, "400, 413 or 422")


@rule(
    "failure.unknown-model-kept",
    level=MUST,
    source="openai.NotFoundError; Open Responses 2026-04-24, Errors",
    why="A misspelt model looks like a broken server.",
    evidence="both",
)
def unknown_model_kept(transcript: Transcript) -> Judged:
    """A model that the upstream does not know reaches the client as 400 or 404."""
    for visit, said in _of(transcript, "unknown_model"):
        yield from _told(visit, said, {400, 404}, "400 or 404")


@rule(
    "failure.never-succeeds",
    level=MUST,
    source="BerriAI/litellm#32221; router-for-me/CLIProxyAPI#4594; headroomlabs-ai/headroom#3682",
    why="The agent gets an empty answer with status 200 and goes on as if the model had nothing to say.",
    evidence="both",
)
def never_succeeds(transcript: Transcript) -> Judged:
    """An upstream that failed before its first word is never answered with a successful response."""
    for visit, said in _failed_before(transcript):
        exchange = visit.exchange
        if exchange.status is None or exchange.ended in ("truncated", "reset") or _has_no_end(exchange):
            continue  # no answer, and one that breaks off or just stops, is no success
        if exchange.status >= 400 or _tells_failure(exchange):
            yield visit.seen()
        else:
            yield visit.broken(
                f"an error, for {_failure(said)}",
                f"status {exchange.status}: {quote(exchange.body[:120].decode('utf-8', 'replace'))}",
            )


def _is_kept_alive(transcript: Transcript, visit: Visit) -> bool:
    """Whether the target may have begun its answer only to keep its client alive, after the time it was told to."""
    interval = transcript.facts.get("timing", {}).get("keep_alive")
    if interval is None or not visit.exchange.is_stream:
        return False
    asked = max((exchange.ended_at for exchange in visit.earlier), default=0.0)
    return bool(visit.exchange.received[0].t - asked >= interval)


@rule(
    "failure.by-http-status",
    level=RECOMMENDED,
    source="Open Responses 2026-04-24, Errors; openai.APIStatusError",
    why="SDKs retry by status: inside a 200 the failure reaches the user at once.",
    evidence="both",
)
def by_http_status(transcript: Transcript) -> Judged:
    """A failure before the upstream's first word is told by the HTTP status, for a stream too."""
    for visit, said in _failed_before(transcript):
        if 200 <= said.status < 300 or _is_kept_alive(transcript, visit):
            continue  # it began: a target that has passed this on is bound to its 200
        if visit.exchange.status is not None and visit.exchange.status >= 400:
            yield visit.seen()
        elif _tells_failure(visit.exchange):
            yield visit.broken(f"a status of 400 or more, for {_failure(said)}", "status 200 and a failure inside")


@rule(
    "failure.retry-after-kept",
    level=SHOULD,
    source="RFC 9110 10.2.3; openai/codex; BerriAI/litellm#21553; BerriAI/litellm#30098; api7/aisix#144",
    why="Clients come back too early, or give up: Codex counts a 429 without Retry-After as final.",
    evidence="both",
)
def retry_after_kept(transcript: Transcript) -> Judged:
    """`Retry-After` of an upstream's 429, 503 or 529 reaches the client with its value."""
    for visit, said in _failed_before(transcript):
        given = _sent_header(visit.exchange, "retry-after")
        if given is None or visit.exchange.status not in (429, 503, 529) or said.status not in (429, 503, 529):
            continue
        got = visit.exchange.header("retry-after")
        if got == given:
            yield visit.seen()
        else:
            yield visit.broken(f"`retry-after: {given}`", f"`retry-after: {got}`" if got else "no such header")


def _sent_header(exchange: Exchange, name: str) -> str | None:
    calls = exchange.answered_calls
    headers = calls[-1].sent_headers if calls else ()
    return next((value for key, value in headers if key.lower() == name), None)


@rule(
    "failure.retry-after-present",
    level=RECOMMENDED,
    source="RFC 6585 4; openai/codex counts a 429 without Retry-After as final",
    why="Codex gives the turn up at once.",
)
def retry_after_present(transcript: Transcript) -> Judged:
    """Every 429 says when to come back, even if the upstream did not."""
    for visit in visits(transcript):
        if visit.exchange.status != 429:
            continue
        if visit.exchange.header("retry-after"):
            yield visit.seen()
        else:
            yield visit.broken("a `Retry-After` header", "there is none")


_NO_ROUTE = frozenset({404, 405, 501})
_OPTIONAL_ROUTES = ("/compact", "/input_tokens", "/cancel")


def _errors(transcript: Transcript) -> Iterator[tuple[Visit, Any]]:
    """The answers to POST with an error status, and the JSON in them; none of routes that a server need not have."""
    for visit in visits(transcript):
        status = visit.exchange.status
        optional = visit.exchange.request.path.partition("?")[0].rstrip("/").endswith(_OPTIONAL_ROUTES)
        absent = _NO_ROUTE if optional or transcript.facts.get("undeclared") else ()
        posted = visit.exchange.request.method.upper() == "POST"
        if status is not None and status >= 400 and posted and status not in absent:
            yield visit, visit.exchange.json


@rule(
    "failure.error-body",
    level=MUST,
    source="openai-openapi ErrorResponse, Error (all four keys are required); vLLM sends an integer as code",
    why="SDKs find message, type and code only in this form: the user reads `Error code: 400` and no more.",
)
def error_body(transcript: Transcript) -> Judged:
    """An error status comes with `{"error": {message, type, param, code}}`: strings, the last two may be null."""
    for visit, body in _errors(transcript):
        error = at(body, "error")
        problems = _problems(error) if isinstance(error, dict) else [f"the body is {quote(visit.exchange.body[:120])}"]
        if problems:
            yield visit.broken('`{"error": {"message", "type", "param", "code"}}`', "; ".join(problems))
        else:
            yield visit.seen()


def _problems(error: dict[str, Any]) -> list[str]:
    problems = [f"`{key}` is missing" for key in ("message", "type", "param", "code") if key not in error]
    for key, optional in (("message", False), ("type", False), ("param", True), ("code", True)):
        value = error.get(key)
        if key in error and not (isinstance(value, str) or (optional and value is None)):
            problems.append(f"`{key}` is {quote(value)}")
    if isinstance(error.get("message"), str) and not error["message"].strip():
        problems.append("`message` is empty")
    return problems


@rule(
    "failure.json-content-type",
    level=MUST,
    source="openai.APIStatusError (the body is read as JSON); shuv1337/oc-web#143",
    why="A client that goes by the content type shows nothing, or waits for events.",
)
def json_content_type(transcript: Transcript) -> Judged:
    """An error body says `content-type: application/json`, for a stream request too."""
    for visit, _ in _errors(transcript):
        kind = (visit.exchange.header("content-type") or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield visit.seen()
        else:
            yield visit.broken("`content-type: application/json`", f"content-type {quote(kind)}")


def _messages(transcript: Transcript) -> Iterator[tuple[Visit, str]]:
    """Every error message that a client was given, by HTTP or in an event."""
    for visit in visits(transcript):
        errors = [at(visit.exchange.json, "error")]
        if visit.exchange.is_stream:
            failed = [event for event in visit.exchange.events if event.type in ("response.failed", "error")]
            errors = [event.get("response", "error") or event.get("error") or event.data for event in failed]
        for error in errors:
            if text_of(at(error, "message")):
                yield visit, error["message"]


@rule(
    "failure.one-envelope",
    level=RECOMMENDED,
    source="vllm-project/aibrix#2594; api7/aisix#322; castari/castari-proxy#7",
    why="The user reads JSON in a string in JSON; type and code of the cause are lost.",
)
def one_envelope(transcript: Transcript) -> Judged:
    """An error message is words, not the JSON of the upstream's error."""
    for visit, message in _messages(transcript):
        inner = message[message.find("{") :] if "{" in message else ""
        if isinstance(parsed(inner), dict):
            yield visit.broken("words", quote(message))
        else:
            yield visit.seen()


@rule(
    "failure.words-kept",
    level=RECOMMENDED,
    source="vllm-project/aibrix#2594; openai.APIError.message",
    why='"Bad request" does not say which field is wrong; the upstream did.',
    evidence="both",
)
def words_kept(transcript: Transcript) -> Judged:
    """What the upstream says of an invalid request stands in the client's message."""
    for visit, message in _messages(transcript):
        said = visit.exchange.said
        if said is None or not said.error or said.error_kind not in ("bad_request", "context_length", "unknown_model"):
            continue
        if said.error.strip() in message:
            yield visit.seen()
        else:
            yield visit.broken(f"a message with {quote(said.error)}", quote(message))


@rule(
    "failure.no-markup",
    level=RECOMMENDED,
    source="castari/castari-proxy#7; shuv1337/oc-web#143",
    why="The terminal fills with a gateway's error page.",
)
def no_markup(transcript: Transcript) -> Judged:
    """An error message holds no HTML page of the upstream."""
    for visit, message in _messages(transcript):
        if re.search(r"<!doctype|<html|<body|<head", message, re.IGNORECASE):
            yield visit.broken("words", quote(message))
        else:
            yield visit.seen()


@rule(
    "failure.no-literal-none",
    level=RECOMMENDED,
    source="BerriAI/litellm#39521",
    why='Clients compare the code with null; "None" is a code that nobody knows.',
)
def no_literal_none(transcript: Transcript) -> Judged:
    """Keys of an error that say nothing are null, not the word "None" or "null"."""
    for visit, body in _errors(transcript):
        error = at(body, "error")
        words = [key for key in ("type", "param", "code") if at(error, key) in ("None", "null", "undefined")]
        if words:
            yield visit.broken("null, or a real value", ", ".join(f"`{key}` is {quote(error[key])}" for key in words))
        elif isinstance(error, dict):
            yield visit.seen()


@rule(
    "failure.no-credentials",
    level=MUST,
    source="CWE-200; CWE-522",
    why="The operator's key ends up in the hands, and the logs, of every user.",
)
def no_credentials(transcript: Transcript) -> Judged:
    """No key of the client or of the proxy stands in anything that the client is given."""
    for visit in visits(transcript):
        secrets = set(_secrets(visit.exchange.request.headers))
        for call in visit.exchange.upstream:
            secrets |= set(_secrets(call.headers))
        given = visit.exchange.body + " ".join(value for _, value in visit.exchange.headers).encode()
        found = [secret for secret in secrets if secret.encode() in given]
        if found:
            yield visit.broken("no key in the answer", f"a key that begins with {quote(found[0][:6])} stands in it")
        elif secrets:
            yield visit.seen()


def _secrets(headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, value in headers:
        secret = value.rpartition(" ")[2]
        if name.lower() in ("authorization", "x-api-key") and len(secret) >= 8:
            yield secret


_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat [\w.<>]+ \([^)]*:\d+:\d+\)"
    r"|(/home/|/usr/lib/|site-packages/|node_modules/)\S*|goroutine \d+ \["
)


@rule(
    "failure.no-internals",
    level=SHOULD,
    source="CWE-209",
    why="Stack traces and file paths tell an attacker what runs there, and the user nothing.",
)
def no_internals(transcript: Transcript) -> Judged:
    """No error message holds a stack trace or a path of the server's files."""
    for visit, message in _messages(transcript):
        found = _INTERNALS.search(message)
        if found:
            yield visit.broken("what went wrong, in words", quote(found.group()))
        else:
            yield visit.seen()
