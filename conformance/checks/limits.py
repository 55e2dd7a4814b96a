"""Rules of limits on calls: what the client ruled out does not reach it, whatever the upstream does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.crossings import Judged, Visit, asked_in, quote
from conformance.given import Given, answered, given_items
from conformance.pieces import Choice, at
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__ = ["calls_are_limited"]


def calls_are_limited(request: Any) -> bool:
    """Whether a request lets a target keep calls of the upstream back: it had ruled some of them out."""
    choice = at(request, "tool_choice")
    return at(request, "parallel_tool_calls") is False or choice == "none" or isinstance(choice, dict)


def _calls(transcript: Transcript) -> Iterator[tuple[Visit, Choice, list[Given]]]:
    """Each answer to a request with tools, with the request's choice and the calls that the client would run.

    An answer of which the upstream made no call says nothing of limits.
    """
    for visit in answered(transcript):
        asked, said = asked_in(visit), visit.exchange.said
        if asked is not None and asked.tools and (said is None or said.calls):
            yield visit, asked.choice, [item for item in given_items(visit) if item.is_call]


def _names(calls: list[Given]) -> list[object]:
    return [call.json.get("name") for call in calls]


@rule(
    "tools.allowed-enforced",
    level=MUST,
    levels={"openai": RECOMMENDED},
    source="Open Responses 2026-04-24, allowed_tools (a hard constraint on the calls); "
    "openai.types.responses.ToolChoiceAllowedParam",
    why="The client runs a tool that it had ruled out for this turn: a deletion, a payment, a shell.",
)
def allowed_enforced(transcript: Transcript) -> Judged:
    """A call of a tool that `allowed_tools` leaves out does not reach the client."""
    for visit, choice, calls in _calls(transcript):
        if choice.kind != "allowed":
            continue
        # A choice names hosted tools, and a group's, otherwise: only calls of plain tools are held against it.
        outside = [
            call
            for call in calls
            if call.json.get("type") != "tool_search_call"
            and not call.json.get("namespace")
            and call.json.get("name") not in choice.names
        ]
        if outside:
            yield visit.broken(
                f"calls of {list(choice.names)} only",
                f"a call of {quote(outside[0].json.get('name'))}",
                event=outside[0].place,
            )
        else:
            yield visit.seen()


@rule(
    "tools.none-enforced",
    level=RECOMMENDED,
    source="Open Responses 2026-04-24, tool_choice none; openai.types.responses.ToolChoiceOptions",
    why="A tool is run in a turn for which the client had forbidden all of them.",
)
def none_enforced(transcript: Transcript) -> Judged:
    """With `tool_choice: none` no call reaches the client."""
    for visit, choice, calls in _calls(transcript):
        if choice.kind != "none":
            continue
        if calls:
            yield visit.broken("no call", f"calls of {_names(calls)}", event=calls[0].place)
        else:
            yield visit.seen()


@rule(
    "tools.one-call-at-a-time",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCreateParams.parallel_tool_calls; vLLM maybe_filter_parallel_tool_calls; "
    "ogx-ai/ogx#4124",
    why="A client that runs one tool at a time drops the second call, or runs it before it has seen the first result.",
)
def one_call_at_a_time(transcript: Transcript) -> Judged:
    """With `parallel_tool_calls: false` at most one call reaches the client."""
    for visit, _, calls in _calls(transcript):
        asked = asked_in(visit)
        if asked is None or asked.body.get("parallel_tool_calls") is not False:
            continue
        if len(calls) > 1:
            yield visit.broken("one call", f"calls of {_names(calls)}", event=calls[1].place)
        else:
            yield visit.seen()
