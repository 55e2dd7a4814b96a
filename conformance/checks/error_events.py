"""The `error` event: two forms, one of them OpenAI's document's, the other Open Responses' and OpenAI's own wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.checks.phrases import listed, shown
from conformance.reading import StreamReading, streams
from conformance.rules import MUST, Seen, Violation, rule
from conformance.transcript import Event, Transcript

_NULLABLE = ("code", "param")


def _errors(transcript: Transcript) -> Iterator[tuple[StreamReading, Event]]:
    for stream in streams(transcript):
        for event in stream.errors:
            yield stream, event


def _wrong(payload: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """The keys that are missing or no strings; `code` and `param` may be null."""
    wrong = []
    for key in keys:
        value = payload.get(key)
        if not (isinstance(value, str) or (key in payload and key in _NULLABLE and value is None)):
            wrong.append(key)
    return wrong


@rule(
    "stream.error-event-says-why",
    level=MUST,
    source="openai.types.responses.ResponseErrorEvent (message: str); openai/openai-dotnet#881 (nested on the wire)",
    why="The SDKs raise with this message: without it the user reads `APIError: None`.",
)
def error_event_says_why(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An `error` event has a message that is not empty, at its top level or under `error`."""
    for stream, event in _errors(transcript):
        message = event.get("error", "message") or event.get("message")
        if isinstance(message, str) and message.strip():
            yield Seen(stream.place(event))
        else:
            yield Violation(stream.place(event), "a `message`, at the top or under `error`", shown(event.data))


@rule(
    "stream.error-event-nested",
    level=MUST,
    profiles=("open-responses",),
    source="Open Responses 2026-04-24, schema ErrorStreamingEvent (error: ErrorPayload)",
    why="Clients generated from the schema refuse the event; openai-python raises on the nested form alone.",
)
def error_event_nested(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An `error` event holds type, code, message and param under `error`, code and param null at most."""
    for stream, event in _errors(transcript):
        payload = event.get("error")
        wrong = _wrong(payload, ("type", "code", "message", "param")) if isinstance(payload, dict) else ["error"]
        if wrong:
            yield Violation(
                stream.place(event), f"{listed(wrong)} in `error: {{type, code, message, param}}`", shown(event.data)
            )
        else:
            yield Seen(stream.place(event))
