"""Schema oracles: events, items and responses validated by the models of both specifications.

The model is picked by `type` first: against a union of 59 event types one wrong field gives hundreds of errors.
An event's `response` and `item` are judged by rules of their own, so that one wrong item is not also a wrong
event and a wrong response. Validation is strict: "0" is no integer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from openai.types.responses import Response
from openai.types.responses.response import ToolChoice
from openai.types.responses.response_error import ResponseError
from openresponses_types import types as open_responses
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from conformance.checks.inventory import (
    OPEN_RESPONSES_ITEM_MODELS,
    OPEN_RESPONSES_TYPES,
    OPENAI_ITEM_MODELS,
    OPENAI_TYPES,
)
from conformance.checks.phrases import shown
from conformance.reading import LIFECYCLE, StreamReading, as_dict, as_list, streams, structure
from conformance.rules import MUST, Seen, Violation, rule
from conformance.transcript import Event, Transcript

OPENAI = "openai 3.54 (PyPI), openai.types.responses"
OPEN_RESPONSES = "openresponses-types 2.4 (PyPI), generated from Open Responses 2026-04-24"

_ITEM_EVENTS = ("response.output_item.added", "response.output_item.done")


def _choices() -> frozenset[str]:
    models = [model for model in get_args(ToolChoice) if hasattr(model, "model_fields")]
    return frozenset(kind for model in models for kind in get_args(model.model_fields["type"].annotation))


_OPENAI_CHOICES = _choices()
_KNOWN_CODES = frozenset(get_args(ResponseError.model_fields["code"].annotation))

_FOREIGN_EFFORTS = ("minimal", "max")  # OpenAI's: echoed as asked for, they are the request's fault

# What stands in an event for the response and the item that other rules judge.
_SOME_RESPONSE: Mapping[str, Any] = {
    "id": "resp",
    "object": "response",
    "created_at": 1,
    "completed_at": None,
    "status": "completed",
    "incomplete_details": None,
    "model": "m",
    "previous_response_id": None,
    "instructions": None,
    "output": [],
    "error": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
    "temperature": 1,
    "reasoning": None,
    "usage": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": False,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
}
_SOME_ITEM: Mapping[str, Any] = {"type": "reasoning", "id": "rs", "summary": []}


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def schema_problem(model: Any, value: Any) -> str | None:
    """What a model has against a value, in words; None when it has nothing.

    All fields that are missing at one place are named together, else the first thing that is wrong.
    """
    try:
        _adapter(model).validate_json(json.dumps(value), strict=True)
    except ValidationError as refused:
        errors = [error for error in refused.errors(include_url=False) if error["type"] != "json_invalid"]
        if not errors:  # a lone surrogate, which JSON allows and pydantic's parser does not
            return None
        # Of a union's complaints the deepest is by the branch that fits best.
        worst = max(errors, key=lambda error: len(error["loc"]))
        if worst["type"] == "missing":
            return f"{_places(one['loc'] for one in errors if _beside(one, worst))}: {worst['msg']}"
        return f"{_places([worst['loc']])}: {worst['msg']} (found {shown(worst['input'])})"
    except RecursionError:
        return None
    return None


def _beside(error: ErrorDetails, other: ErrorDetails) -> bool:
    """Whether two fields are missing at one place."""
    return error["type"] == other["type"] and error["loc"][:-1] == other["loc"][:-1]


def _places(locations: Iterable[tuple[int | str, ...]]) -> str:
    return ", ".join(".".join(map(str, location)) or "the whole" for location in locations)


_ACCEPTED: set[tuple[str, str, Hashable]] = set()


def _judge(stream: StreamReading, event: Event, authority: str, model: Any, value: Any, what: str) -> Seen | Violation:
    judged = authority, what, structure(value)
    problem = None if judged in _ACCEPTED else schema_problem(model, value)
    if problem is None:
        _ACCEPTED.add(judged)
        return Seen(stream.place(event))
    return Violation(stream.place(event), f"{what} as {getattr(model, '__name__', authority)} describes it", problem)


def _events(transcript: Transcript, authority: str, models: Mapping[str, Any]) -> Iterator[Seen | Violation]:
    for stream in streams(transcript):
        for event, kind in zip(stream.events, stream.types, strict=True):
            if kind not in models or kind == "error":
                continue
            data = event.data
            if kind in LIFECYCLE and isinstance(data.get("response"), dict):
                data = {**data, "response": _SOME_RESPONSE}
            elif kind in _ITEM_EVENTS and isinstance(data.get("item"), dict):
                data = {**data, "item": _SOME_ITEM}
            yield _judge(stream, event, authority, models[kind], data, kind)


def _items(transcript: Transcript, authority: str, models: Mapping[str, Any]) -> Iterator[Seen | Violation]:
    for stream in streams(transcript):
        found = [(event, event.get("item")) for event in stream.of_type(*_ITEM_EVENTS)]
        found += [(stream.terminal, item) for item in stream.output or [] if stream.terminal is not None]
        for event, item in found:
            kind = as_dict(item).get("type")
            if event is not None and isinstance(kind, str) and kind in models:
                yield _judge(stream, event, authority, models[kind], item, f"the {kind}")


def _responses(
    transcript: Transcript, authority: str, model: Any, prepared: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[Seen | Violation]:
    for stream in streams(transcript):
        for event in stream.of_type(*LIFECYCLE):
            response = event.get("response")
            if isinstance(response, dict):
                yield _judge(
                    stream, event, authority, model, without_echoes(prepared(response), stream.request), "the response"
                )


_WORDS: Mapping[tuple[str, ...], tuple[frozenset[str], str]] = {
    ("tool_choice",): (frozenset({"none", "auto", "required"}), "auto"),
    ("truncation",): (frozenset({"auto", "disabled"}), "disabled"),
    ("service_tier",): (frozenset({"auto", "default", "flex", "scale", "priority"}), "default"),
    ("text", "verbosity"): (frozenset({"low", "medium", "high"}), "medium"),
    ("text", "format", "type"): (frozenset({"text", "json_object", "json_schema"}), "text"),
    ("reasoning", "effort"): (frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"}), "low"),
    ("reasoning", "summary"): (frozenset({"auto", "concise", "detailed"}), "auto"),
}
"""The settings that are words: those that are listed, and one that stands for any."""


def without_echoes(response: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """A response without the words that no API lists and that its own request asked for: those are the request's fault.

    That they were accepted is judged by `refusal.unlisted-value` and `refusal.impossible-choice`.
    """
    for path, (listed, stand_in) in _WORDS.items():
        asked = _at(request, path)
        if isinstance(asked, str) and asked not in listed and _at(response, path) == asked:
            response = _with(response, path, stand_in)
    return response


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = as_dict(value).get(key)
    return value


def _with(value: dict[str, Any], path: tuple[str, ...], word: str) -> dict[str, Any]:
    """A copy with one word at a path; a format of another type has no fields but its type."""
    if path == ("type",):
        return {"type": word}
    first, *rest = path
    return {**value, first: _with(as_dict(value.get(first)), tuple(rest), word) if rest else word}


def for_openai(response: dict[str, Any]) -> dict[str, Any]:
    """A response without what other rules judge: its items, error codes that clients know, short failures."""
    value = {**response, "output": [] if isinstance(response.get("output"), list) else response.get("output")}
    if response.get("status") == "failed":
        value = {
            **_SOME_RESPONSE,
            **{key: inner for key, inner in value.items() if key != "output" or inner is not None},
        }
    choice = as_dict(value.get("tool_choice")).get("type")
    if isinstance(choice, str) and choice not in _OPENAI_CHOICES:  # echoed as asked for: the request's fault
        value["tool_choice"] = "auto"
    error = as_dict(value.get("error"))
    if isinstance(error.get("code"), str) and error["code"] not in _KNOWN_CODES:
        value["error"] = {**error, "code": "server_error"}
    details = as_dict(as_dict(value.get("usage")).get("input_tokens_details"))
    if details and "cache_write_tokens" not in details:
        value["usage"] = {**value["usage"], "input_tokens_details": {**details, "cache_write_tokens": 0}}
    return value


def for_open_responses(response: dict[str, Any]) -> dict[str, Any]:
    """A response without its items, and without tools, efforts and formats that the portable schema does not have."""
    value = {**response, "output": [] if isinstance(response.get("output"), list) else response.get("output")}
    tools = response.get("tools")
    if isinstance(tools, list):
        value["tools"] = [tool for tool in tools if as_dict(tool).get("type", "function") == "function"]
    choice = as_dict(response.get("tool_choice")).get("type")
    if choice not in (None, "function", "allowed_tools") or (
        choice == "allowed_tools"
        and any(as_dict(tool).get("type") != "function" for tool in as_list(response["tool_choice"].get("tools")))
    ):
        value["tool_choice"] = "auto"
    reasoning = as_dict(response.get("reasoning"))
    if reasoning.get("effort") in _FOREIGN_EFFORTS:
        value["reasoning"] = {**reasoning, "effort": "low"}
    text = as_dict(response.get("text"))
    if as_dict(text.get("format")).get("type") == "json_schema":  # its schema may only be null there: a slip
        value["text"] = {**text, "format": {"type": "text"}}
    return value


@rule(
    "schema.openai-events",
    level=MUST,
    profiles=("openai", "superset"),
    source=f"{OPENAI}.ResponseStreamEvent; openai/openai-python#2489",
    why="Typed clients raise on the event, or give their users None.",
)
def openai_events(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event of a type that the openai SDK knows validates strictly against the SDK's model of it."""
    yield from _events(transcript, "openai", OPENAI_TYPES)


@rule(
    "schema.openai-items",
    level=MUST,
    profiles=("openai", "superset"),
    source=f"{OPENAI}.ResponseOutputItem; router-for-me/CLIProxyAPI#5116",
    why="Typed clients raise on the item; strict ones abort on a missing `annotations`.",
)
def openai_items(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every item, announced, done and in the terminal response, validates strictly against the openai SDK's model."""
    yield from _items(transcript, "openai", OPENAI_ITEM_MODELS)


@rule(
    "schema.openai-response",
    level=MUST,
    profiles=("openai", "superset"),
    source=f"{OPENAI}.Response; BerriAI/litellm#20570",
    why="Typed clients raise when the response is built: pydantic.ValidationError, HTTP 500 in gateways.",
)
def openai_response(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response in every lifecycle event validates strictly against the openai SDK's `Response`."""
    yield from _responses(transcript, "openai", Response, for_openai)


@rule(
    "schema.open-responses-events",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=f"{OPEN_RESPONSES}: *StreamingEvent",
    why="Open Responses' own acceptance test refuses the stream.",
)
def open_responses_events(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event of a type that Open Responses has validates strictly against its schema."""
    yield from _events(transcript, "Open Responses", OPEN_RESPONSES_TYPES)


@rule(
    "schema.open-responses-items",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=f"{OPEN_RESPONSES}: Message, FunctionCall, ReasoningBody",
    why="Open Responses' own acceptance test refuses the stream.",
)
def open_responses_items(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every item of a type that Open Responses has validates strictly against its schema."""
    yield from _items(transcript, "Open Responses", OPEN_RESPONSES_ITEM_MODELS)


@rule(
    "schema.open-responses-response",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=f"{OPEN_RESPONSES}: ResponseResource",
    why="Open Responses' own acceptance test refuses the stream.",
)
def open_responses_response(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response in every lifecycle event validates strictly against Open Responses' `ResponseResource`."""
    yield from _responses(transcript, "Open Responses", open_responses.ResponseResource, for_open_responses)
