"""Whole answers as objects: `stream: false` gives a Response that both specifications' models take, item for item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openai.types.responses import Response
from openresponses_types import types as open_responses

from conformance.checks.inventory import OPEN_RESPONSES_ITEM_MODELS, OPENAI_ITEM_MODELS
from conformance.checks.response_object import REQUIRED_BY_OPENAPI
from conformance.checks.schemas import OPEN_RESPONSES, OPENAI, for_open_responses, for_openai, schema_problem
from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, items_of, text_of
from conformance.rules import MUST, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_CALLS = ("function_call", "custom_tool_call")
_CALL_ID_LIMIT = 64


def _bodies(transcript: Transcript) -> Iterator[tuple[Visit, dict[str, Any]]]:
    """The Responses that whole answers consist of."""
    for visit in visits(transcript):
        exchange, body = visit.exchange, visit.exchange.json
        asked = visit.asks_for_a_response and not exchange.wants_stream and not exchange.is_stream
        if asked and exchange.status == 200 and isinstance(body, dict) and body.get("object") == "response":
            yield visit, body


def _finished(transcript: Transcript) -> Iterator[tuple[Visit, dict[str, Any]]]:
    """Those that are completed or incomplete: a failed response may be as short as OpenAI's own."""
    return ((visit, body) for visit, body in _bodies(transcript) if body.get("status") in ("completed", "incomplete"))


def _validated(
    transcript: Transcript,
    model: Any,
    prepared: Callable[[dict[str, Any]], dict[str, Any]],
    items: Mapping[str, Any],
) -> Judged:
    for visit, body in _bodies(transcript):
        parts = [(model, prepared(body))]
        for item in items_of(body.get("output")):
            kind = text_of(at(item, "type"))
            parts += [(items[kind], item)] if kind in items else []
        wrong = [(part.__name__, problem) for part, value in parts if (problem := schema_problem(part, value))]
        if wrong:
            yield visit.broken(f"a body in which everything is as {wrong[0][0]} describes it", wrong[0][1])
        else:
            yield visit.seen()


@rule(
    "schema.openai-body",
    level=MUST,
    profiles=("openai", "superset"),
    source=f"{OPENAI}.Response, ResponseOutputItem; BerriAI/litellm#20570",
    why="Typed clients raise on the answer, or give their users None where a list should be.",
)
def openai_body(transcript: Transcript) -> Judged:
    """A whole answer, and every item in it, validates strictly against the openai SDK's models."""
    yield from _validated(transcript, Response, for_openai, OPENAI_ITEM_MODELS)


@rule(
    "schema.open-responses-body",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=f"{OPEN_RESPONSES}: ResponseResource, Message, FunctionCall, ReasoningBody",
    why="Open Responses' own acceptance test refuses the answer.",
)
def open_responses_body(transcript: Transcript) -> Judged:
    """A whole answer, and every item in it, validates strictly against Open Responses' schema."""
    yield from _validated(transcript, open_responses.ResponseResource, for_open_responses, OPEN_RESPONSES_ITEM_MODELS)


@rule(
    "json.openapi-fields",
    level=MUST,
    source="openai-openapi 2.3.0, schema Response (required)",
    why="Types generated from the document refuse the object.",
)
def openapi_fields(transcript: Transcript) -> Judged:
    """A whole answer has every field that OpenAI's document requires, null where there is nothing to say."""
    for visit, body in _finished(transcript):
        missing = [key for key in REQUIRED_BY_OPENAPI if key not in body]
        if missing:
            yield visit.broken(f"the keys {missing}", "they are missing")
        else:
            yield visit.seen()


@rule(
    "json.call-ids",
    level=MUST,
    source="Open Responses 2026-04-24, FunctionCallItemParam.call_id (1 to 64 characters); decolua/9router#393; "
    "NousResearch/hermes-agent PR#94961",
    why="Results are matched to calls by `call_id`: they cannot be sent back, or answer another call.",
)
def call_ids(transcript: Transcript) -> Judged:
    """Each call of a whole answer has a `call_id` of 1 to 64 characters that no other call in it has."""
    for visit, body in _bodies(transcript):
        found = [item.get("call_id") for item in items_of(body.get("output")) if at(item, "type") in _CALLS]
        unusable = [value for value in found if not (isinstance(value, str) and 0 < len(value) <= _CALL_ID_LIMIT)]
        twice = [value for value, count in Counter(map(str, found)).items() if count > 1]
        if unusable:
            yield visit.broken("a call_id of 1 to 64 characters", f"call_id: {quote(unusable[0])}")
        elif twice:
            yield visit.broken("a call_id of its own for each call", f"{quote(twice[0])} for several calls")
        elif found:
            yield visit.seen()


@rule(
    "json.item-ids-unique",
    level=MUST,
    source="Open Responses 2026-04-24, Required item fields; openai.types.responses.ResponseOutputMessage.id",
    why="Clients that keep items by their id write two into one.",
)
def item_ids_unique(transcript: Transcript) -> Judged:
    """No two items of a whole answer have the same id."""
    for visit, body in _bodies(transcript):
        counted = Counter(at(item, "id") for item in items_of(body.get("output")) if isinstance(at(item, "id"), str))
        twice = [value for value, count in counted.items() if count > 1]
        if twice:
            yield visit.broken("an id of its own for each item", f"{quote(twice[0])} for {counted[twice[0]]} items")
        elif counted:
            yield visit.seen()


@rule(
    "json.items-agree-with-status",
    level=MUST,
    source="Open Responses 2026-04-24, Items are state machines; Open Responses 2026-04-24, State machines",
    why="The client is told that a cut answer is whole, or that a good one went wrong.",
)
def items_agree_with_status(transcript: Transcript) -> Judged:
    """A completed whole answer has no incomplete item, no `error` and no `incomplete_details`."""
    for visit, body in _bodies(transcript):
        if body.get("status") != "completed":
            continue
        cut = [at(item, "type") for item in items_of(body.get("output")) if at(item, "status") == "incomplete"]
        foreign = [key for key in ("error", "incomplete_details") if body.get(key) is not None]
        if cut:
            yield visit.broken("no incomplete item in a completed response", f"an incomplete {quote(cut[0])}")
        elif foreign:
            yield visit.broken(
                f"null for {foreign[0]} in a completed response", f"{foreign[0]}: {quote(body[foreign[0]])}"
            )
        else:
            yield visit.seen()
