"""Rules of acceptance: Open Responses' own acceptance tests that go over HTTP, each as a rule of its name.

Those tests put questions to a real model, and so are only judged at live endpoints (`conformance.cases.live`). Whether
a server conforms must not hang on its model's mood: where that says nothing, makes no call or runs into its limit,
nothing was observed.

    told(transcript)                  the exchange of an acceptance case, with the id of the test
    silence(test, facts, exchange)    why nothing can be said of it; None when something can
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from openresponses_types import types as open_responses

from conformance.checks.inventory import OPEN_RESPONSES_ITEM_MODELS, OPEN_RESPONSES_TYPES, is_extension
from conformance.checks.schemas import for_open_responses, schema_problem
from conformance.crossings import Judged, Visit, quote, visits
from conformance.normal_form import final_response
from conformance.pieces import at, items_of
from conformance.rules import MUST, RECOMMENDED, Check, rule
from conformance.transcript import Event, Exchange, Transcript

__all__ = ["silence", "told"]

_Problem = tuple[str, str] | None
"""What was expected and what came instead; None when it is right."""

_NOT_OFFERED = frozenset({404, 405, 501})
_COMPACTS, _WITHOUT_MODEL = "compact-response", "compact-missing-model"
_REFUSED = (400, 422)

_RULES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "basic-response": (
            "A user message without `stream` is answered by a whole Response, `completed` and with output.",
            "Nothing else works either.",
        ),
        "assistant-phase": (
            "A history whose assistant messages have a `phase` is accepted and answered.",
            "Clients that send the labels back, as they are told to, are refused.",
        ),
        "streaming-response": (
            "A user message with `stream` is answered by events of known schemas that end in a completed Response.",
            "Typed clients raise on the first event that they cannot read.",
        ),
        "system-prompt": (
            "A system message before the user's is accepted and answered.",
            "Programs that steer the model by a system message fail on their first request.",
        ),
        "tool-calling": (
            "A request that declares a function is answered, and a call stands in the output as a `function_call`.",
            "Agents get prose, or an error, where they need a call to run.",
        ),
        "image-input": (
            "An image as a data URL beside a text is accepted and answered.",
            "A model that can see is never shown anything.",
        ),
        "multi-turn": (
            "A history of user and assistant messages is accepted and answered.",
            "The second turn of a conversation fails.",
        ),
        "compact-response": (
            "`POST /responses/compact` gives a compacted conversation with a `compaction` item.",
            "Long sessions cannot be shortened, and end when the context is full.",
        ),
        "compact-missing-model": (
            "`POST /responses/compact` without a model is refused with 400 or 422.",
            "A program that forgot the model gets an answer of one that it did not choose.",
        ),
    }
)
"""By test: the requirement, and what breaks without it."""


def told(transcript: Transcript) -> tuple[str, Visit] | None:
    """The id of an acceptance case's test and its one exchange; None for other cases, or if it was not driven."""
    test = transcript.facts.get("acceptance")
    visit = next(visits(transcript), None)
    return (test, visit) if isinstance(test, str) and visit is not None else None


def silence(test: str, facts: Mapping[str, Any], exchange: Exchange) -> str | None:
    """Why nothing can be said of an acceptance test, in words; None when something can."""
    status, undeclared = exchange.status, facts.get("undeclared")
    refusals = _NOT_OFFERED if test == _WITHOUT_MODEL else frozenset(facts.get("refusal_statuses") or ())
    if undeclared and status in refusals:
        names = " and ".join(f"`{feature}`" for feature in undeclared)
        return f"the server does not offer it (status {status}) and does not declare {names}"
    response = final_response(exchange)
    if test == _WITHOUT_MODEL or not _succeeded(exchange) or response is None:
        return None
    if response.get("status") == "incomplete":
        return "the answer was cut by its limit"
    if response.get("output") == [] and test != _COMPACTS:  # a compaction has its item whatever the model said
        return "the model said nothing"
    kinds = {at(item, "type") for item in items_of(response.get("output"))}
    return "the model made no call" if test == "tool-calling" and kinds and "function_call" not in kinds else None


def _problem(test: str, exchange: Exchange) -> _Problem:
    if test == _WITHOUT_MODEL:
        return None if exchange.status in _REFUSED else ("status 400 or 422", _answer(exchange))
    if not _succeeded(exchange):
        return "an answer (2xx)", _answer(exchange)
    if test == _COMPACTS:
        return _compaction_problem(exchange.json)
    return (_stream_problem(exchange) if test == "streaming-response" else None) or _response_problem(exchange)


def _succeeded(exchange: Exchange) -> bool:
    return exchange.status is not None and 200 <= exchange.status < 300


def _answer(exchange: Exchange) -> str:
    if exchange.status is None:
        return f"no answer: {exchange.problem}"
    return f"status {exchange.status}: {quote(exchange.body[:160].decode('utf-8', 'replace'))}"


def _response_problem(exchange: Exchange) -> _Problem:
    response = final_response(exchange)
    if response is None:
        return "a Response", quote(exchange.body[:160].decode("utf-8", "replace"))
    found = schema_problem(open_responses.ResponseResource, for_open_responses(response))
    if found is not None:
        return "a Response as ResponseResource describes it", found
    for item in items_of(response.get("output")):
        model = OPEN_RESPONSES_ITEM_MODELS.get(str(at(item, "type")))
        wrong = schema_problem(model, item) if model is not None else None
        if wrong is not None:
            return f"a {at(item, 'type')} as its schema describes it", wrong
    status = response.get("status")
    return None if status == "completed" else ("the status 'completed'", quote(status))


def _stream_problem(exchange: Exchange) -> _Problem:
    if not exchange.events:
        return "a stream of events", _answer(exchange)
    problems = (_event_problem(event) for event in exchange.events if not event.is_done)
    return next(filter(None, problems), None)


def _event_problem(event: Event) -> _Problem:
    if is_extension(event.type) or is_extension(str(event.get("item", "type"))):
        return None
    model = OPEN_RESPONSES_TYPES.get(event.type)
    if model is None:
        return "an event of a type that Open Responses has", f"event {event.index} has the type {quote(event.type)}"
    data = event.data
    if isinstance(data.get("response"), dict):
        data = {**data, "response": for_open_responses(data["response"])}
    found = schema_problem(model, data)
    return None if found is None else (f"event {event.index}, {event.type}, as its schema describes it", found)


def _compaction_problem(body: Any) -> _Problem:
    found = schema_problem(open_responses.CompactResource, body)
    if found is not None:
        return "a compaction as CompactResource describes it", found
    kinds = [at(item, "type") for item in items_of(at(body, "output"))]
    return None if "compaction" in kinds else ("a compaction item in the output", f"items of the types {kinds}")


def _check_of(test: str, requirement: str) -> Check:
    def check(transcript: Transcript) -> Judged:
        found = told(transcript)
        if found is None or found[0] != test:
            return
        exchange, visit = found[1].exchange, found[1]
        if silence(test, transcript.facts, exchange) is not None:
            return
        problem = _problem(test, exchange)
        yield visit.seen() if problem is None else visit.broken(*problem)

    check.__doc__ = requirement
    return check


for _test, (_requirement, _why) in _RULES.items():
    rule(
        f"acceptance.{_test}",
        level=MUST,
        levels={"openai": RECOMMENDED},
        source=f"Open Responses acceptance test {_test} (openresponses/openresponses src/lib/compliance-tests.ts)",
        why=_why,
        dialects=(),
    )(_check_of(_test, _requirement))
