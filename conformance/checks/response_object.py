"""The Response object: its fields, its times, its reasons and the settings that it echoes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_error import ResponseError
from openai.types.responses.response_status import ResponseStatus
from openresponses_types.types import ResponseResource

from conformance.checks.phrases import listed, shown
from conformance.reading import LIFECYCLE, StreamReading, as_dict, is_index, streams
from conformance.rules import MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import Event, Transcript

OPENAPI = "openai-openapi 2.3.0, schema Response (required)"
RESOURCE = "Open Responses 2026-04-24, schema ResponseResource"

REQUIRED_BY_OPENAPI = (
    "id",
    "object",
    "created_at",
    "error",
    "incomplete_details",
    "instructions",
    "metadata",
    "model",
    "output",
    "parallel_tool_calls",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
)
_FAILED = ("id", "object", "status", "error")
_STATUSES = frozenset(get_args(ResponseStatus))
_REASONS = frozenset(
    reason for choice in get_args(IncompleteDetails.model_fields["reason"].annotation) for reason in get_args(choice)
)
_CODES = frozenset(get_args(ResponseError.model_fields["code"].annotation)) | {
    "content_policy_violation",
    "context_length_exceeded",
    "insufficient_quota",
    "model_not_found",
    "server_is_overloaded",
    "slow_down",
    "usage_not_included",
}
_EARLIEST, _LATEST = 1_400_000_000, 4_000_000_000  # 2014 and 2096, in seconds


def _responses(transcript: Transcript) -> Iterator[tuple[StreamReading, Event, dict[str, Any]]]:
    for stream in streams(transcript):
        for event in stream.of_type(*LIFECYCLE):
            if isinstance(response := event.get("response"), dict):
                yield stream, event, response


def _ends(transcript: Transcript) -> Iterator[tuple[StreamReading, dict[str, Any]]]:
    for stream in streams(transcript):
        if stream.terminal is not None and stream.response:
            yield stream, stream.response


def _all_there(
    stream: StreamReading, event: Event, response: dict[str, Any], keys: tuple[str, ...]
) -> Seen | Violation:
    missing = [key for key in keys if key not in response]
    if not missing:
        return Seen(stream.place(event))
    return Violation(stream.place(event), f"{listed(missing)} in the response of {event.type}", "no such key")


def _seconds(value: Any) -> int | None:
    """Whole seconds of a time; None when it is no number."""
    if isinstance(value, float) and math.isfinite(value):
        return math.floor(value)
    return value if is_index(value) else None


@rule(
    "response.carried",
    level=MUST,
    source="openai.types.responses.ResponseCreatedEvent (response: Response); Oaklight/llm-rosetta#56",
    why="Codex reconnects, the SDKs raise.",
)
def carried(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every lifecycle event carries a `response` object."""
    for stream in streams(transcript):
        for event in stream.of_type(*LIFECYCLE):
            if isinstance(event.get("response"), dict):
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event), f"an object for `response` in {event.type}", shown(event.get("response"))
                )


@rule(
    "response.id-present",
    level=MUST,
    source="openai.types.responses.Response.id: str; Oaklight/llm-rosetta#56",
    why="Codex: `failed to parse ResponseCompleted: missing field id`, and the turn is sent again.",
)
def id_present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response has an id that is not empty in every lifecycle event."""
    for stream, event, response in _responses(transcript):
        value = response.get("id")
        if isinstance(value, str) and value:
            yield Seen(stream.place(event))
        else:
            yield Violation(stream.place(event), f"a string for response.id in {event.type}", shown(value))


@rule(
    "response.object-is-response",
    level=MUST,
    source="openai.types.responses.Response.object: Literal['response']",
    why="openai-node gives no `output_text`; stored objects are taken for something else.",
)
def object_is_response(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`object` is "response"."""
    for stream, event, response in _responses(transcript):
        if response.get("object") == "response":
            yield Seen(stream.place(event))
        elif "object" in response:
            yield Violation(stream.place(event), 'object "response"', shown(response["object"]))


@rule(
    "response.required-fields",
    level=MUST,
    source=OPENAPI,
    why="Types generated from the document refuse the object; SDK users get AttributeErrors and null.",
)
def required_fields(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response has every field that OpenAI's document requires, null where there is nothing to say."""
    for stream, event, response in _responses(transcript):
        if event.type != "response.failed":
            yield _all_there(stream, event, response, REQUIRED_BY_OPENAPI)


@rule(
    "response.failed-fields",
    level=MUST,
    source="openai.types.responses.ResponseFailedEvent; openai/codex (fixture of context_length_exceeded)",
    why="The client cannot tell what failed.",
)
def failed_fields(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A failed response has at least `id`, `object`, `status` and `error`."""
    for stream, event, response in _responses(transcript):
        if event.type == "response.failed":
            yield _all_there(stream, event, response, _FAILED)


@rule(
    "response.failed-whole",
    level=SHOULD,
    source=OPENAPI,
    why="Types generated from the document refuse the object, and the error in it is lost.",
)
def failed_whole(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A failed response, too, has every field that OpenAI's document requires."""
    for stream, event, response in _responses(transcript):
        if event.type == "response.failed":
            yield _all_there(stream, event, response, REQUIRED_BY_OPENAPI)


@rule(
    "response.open-responses-fields",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=RESOURCE,
    why="Clients generated from the schema refuse the object.",
)
def open_responses_fields(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response has all fields of Open Responses' `ResponseResource`, null where there is nothing to say."""
    for stream, event, response in _responses(transcript):
        yield _all_there(stream, event, response, tuple(ResponseResource.model_fields))


@rule(
    "response.status-known",
    level=MUST,
    source="openai.types.responses.ResponseStatus",
    why="Clients wait for a status that never comes, or do not know the one that does.",
)
def status_known(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`status` is one of the six known ones, and at the end neither `queued` nor `in_progress`."""
    for stream, event, response in _responses(transcript):
        status, final = response.get("status"), event in stream.terminals
        if status is None:
            continue  # the type leaves it out where it will; the event's own type says how the response ended
        known = _STATUSES - {"queued", "in_progress"} if final else _STATUSES
        if isinstance(status, str) and status in known:
            yield Seen(stream.place(event))
        else:
            yield Violation(stream.place(event), f"status {' or '.join(sorted(known))}", shown(status))


@rule(
    "response.created-at",
    level=MUST,
    source="openai.types.responses.Response.created_at (Unix timestamp in seconds)",
    why="The AI SDK raises without a number; milliseconds are a date in the year 57000.",
)
def created_at(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`created_at` is a number of Unix seconds."""
    for stream, event, response in _responses(transcript):
        value = response.get("created_at")
        if _EARLIEST < (_seconds(value) or 0) < _LATEST:
            yield Seen(stream.place(event))
        elif "created_at" in response:
            yield Violation(stream.place(event), "Unix seconds, such as 1764000000, for created_at", shown(value))


@rule(
    "response.created-at-constant",
    level=RECOMMENDED,
    source="openai.types.responses.Response.created_at (when this response was created)",
    why="The same response sorts at two places of a history.",
)
def created_at_constant(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`created_at` and `model` are the same in all lifecycle events."""
    first: dict[int, tuple[Any, Any]] = {}
    for stream, event, response in _responses(transcript):
        value = (response.get("created_at"), response.get("model"))
        if None in value:
            continue
        before = first.setdefault(id(stream), value)
        if value == before:
            yield Seen(stream.place(event))
        else:
            yield Violation(
                stream.place(event),
                f"created_at {before[0]} and model {before[1]} as before",
                f"{value[0]} and {value[1]}",
            )


@rule(
    "response.completed-at",
    level=MUST,
    source="openai.types.responses.Response.completed_at (only present when the status is completed)",
    why="A client computes negative durations, or takes a cut response for a completed one.",
)
def completed_at(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`completed_at` is not before `created_at`, and null or absent unless the response is completed."""
    for stream, response in _ends(transcript):
        value, created = response.get("completed_at"), response.get("created_at")
        if value is None:
            continue
        if response.get("status") != "completed":
            yield Violation(
                stream.place(stream.terminal), f"no completed_at in a {response.get('status')} response", shown(value)
            )
        elif _seconds(value) is not None and (_seconds(created) or 0) <= (_seconds(value) or 0):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), f"completed_at of {created} or later", shown(value))


@rule(
    "response.incomplete-reason",
    level=MUST,
    source="openai.types.responses.response.IncompleteDetails.reason; Open Responses 2026-04-24, State machines",
    why="The client cannot tell a limit, after which it may go on, from a filter, after which it may not.",
)
def incomplete_reason(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An incomplete response says why: `incomplete_details.reason` is one of the known reasons."""
    for stream, response in _ends(transcript):
        if response.get("status") != "incomplete":
            continue
        reason = as_dict(response.get("incomplete_details")).get("reason")
        if isinstance(reason, str) and reason in _REASONS:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                f"incomplete_details.reason {' or '.join(sorted(_REASONS))}",
                f"incomplete_details: {shown(response.get('incomplete_details'))}",
            )


@rule(
    "response.only-its-own-details",
    level=MUST,
    source="Open Responses 2026-04-24, State machines; openai-openapi, examples of createResponse",
    why="Clients that look for `error` or `incomplete_details` first call a good answer bad.",
)
def only_its_own_details(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`error` is null unless the response failed, `incomplete_details` unless it is incomplete."""
    for stream, response in _ends(transcript):
        status = response.get("status") or stream.outcome  # without one, the event says what it is
        foreign = [
            key
            for key, wanted in (("error", "failed"), ("incomplete_details", "incomplete"))
            if status != wanted and response.get(key) is not None
        ]
        if foreign:
            yield Violation(
                stream.place(stream.terminal),
                f"null for {listed(foreign)} in a {status} response",
                listed(f"{key}: {shown(response[key])}" for key in foreign),
            )
        else:
            yield Seen(stream.place(stream.terminal))


@rule(
    "response.error-shape",
    level=MUST,
    source="openai.types.responses.ResponseError; vllm-project/vllm PR#38190",
    why="The user is shown no reason; openai-node raises a TypeError on null.",
)
def error_shape(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A failed response has an `error` with a `code` and a `message`, strings that are not empty."""
    for stream, response in _ends(transcript):
        if response.get("status") != "failed":
            continue
        error = as_dict(response.get("error"))
        wrong = [key for key in ("code", "message") if not (isinstance(error.get(key), str) and error[key])]
        if wrong:
            yield Violation(
                stream.place(stream.terminal),
                f"a string for {listed(wrong)} in response.error",
                f"error: {shown(response.get('error'))}",
            )
        else:
            yield Seen(stream.place(stream.terminal))


@rule(
    "response.error-code-known",
    level=SHOULD,
    source="openai.types.responses.ResponseError.code; openai/codex (codes that it does not retry)",
    why="Codex retries every code that it does not know, five times.",
)
def error_code_known(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The `code` of a failed response is one that OpenAI's SDK lists or that its clients know."""
    for stream, response in _ends(transcript):
        code = as_dict(response.get("error")).get("code")
        if response.get("status") != "failed" or not isinstance(code, str):
            continue
        if code in _CODES:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), "a known error code, such as server_error", shown(code))
