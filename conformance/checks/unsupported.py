"""Rules of fields that only some servers can honour: honoured or refused by name, never silently ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from conformance.crossings import Judged, Visit, quote, visits
from conformance.normal_form import final_response
from conformance.pieces import at, text_of
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []


def _identity(value: Any) -> str:
    return text_of(value) or text_of(at(value, "id"))


def _in_background(asked: Any, response: Any) -> bool:
    return at(response, "background") is True


def _in_conversation(asked: Any, response: Any) -> bool:
    return _identity(asked) == _identity(at(response, "conversation")) != ""


def _with_prompt(asked: Any, response: Any) -> bool:
    return _identity(asked) == _identity(at(response, "prompt")) != ""


_HONOURED: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"background": _in_background, "conversation": _in_conversation, "prompt": _with_prompt}
)
"""By field: whether a response shows that it was honoured, by the echo that the SDK's type has for it."""


def _asked_for(transcript: Transcript) -> Iterator[tuple[Visit, str, Any]]:
    for visit in visits(transcript):
        if visit.asks_for_a_response:
            for field in _HONOURED:
                value = visit.exchange.request.body.get(field)
                if value:
                    yield visit, field, value


def _is_refusal(status: int | None) -> bool:
    return status is not None and (400 <= status < 500 or status == 501)


@rule(
    "unsupported.never-ignored",
    level=MUST,
    source="openai.types.responses.Response (background, conversation, prompt); OpenAI documentation, Background mode",
    why="A conversation without its history, a prompt without its text, a long call where a short one was asked for.",
)
def never_ignored(transcript: Transcript) -> Judged:
    """`background`, `conversation` and `prompt` are honoured, and the response says so, or the request is refused."""
    for visit, field, value in _asked_for(transcript):
        status = visit.exchange.status
        response = final_response(visit.exchange)
        if _is_refusal(status) or (status == 200 and _HONOURED[field](value, response)):
            yield visit.seen()
        else:
            yield visit.broken(
                f"a response with `{field}: {quote(value)}`, or a refusal",
                f"status {status}, `{field}` is {quote(at(response, field))}",
            )


@rule(
    "unsupported.named",
    level=RECOMMENDED,
    source="openai-openapi Error.param; openai.BadRequestError.param",
    why="The user has to guess which field the server cannot honour.",
)
def named(transcript: Transcript) -> Judged:
    """A refusal of `background`, `conversation` or `prompt` names the field, in `param` or in the message."""
    for visit, field, _ in _asked_for(transcript):
        if not _is_refusal(visit.exchange.status):
            continue
        error = at(visit.exchange.json, "error")
        words = f"{text_of(at(error, 'param'))} {text_of(at(error, 'message'))}"
        if field in words:
            yield visit.seen()
        else:
            yield visit.broken(f"{field!r} in the error", quote(words))
