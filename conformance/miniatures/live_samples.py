"""Samples of live endpoints: the acceptance tests of Open Responses, answered rightly, with no upstream to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from conformance.cases.build import says
from conformance.cases.live import CASES, LiveCase
from conformance.miniatures.right_case import RIGHT_TARGETS, RightTarget, right_case
from conformance.transcript import Exchange, Transcript
from fakes.script import Reasoning, Script, Text, ToolCall

__all__ = ["LIVE_SAMPLES", "live_transcripts", "locked_live", "right_live"]

_SAID: Mapping[str, Script] = MappingProxyType(
    {
        "basic-response": says(Text(("Hello ", "to ", "you."))),
        "assistant-phase": says(Text(("Four", "."))),
        "streaming-response": says(Reasoning(("Counting ", "up.")), Text(("One, two, ", "three, ", "four, ", "five."))),
        "system-prompt": says(Text(("Ahoy, ", "matey!"))),
        "tool-calling": says(
            ToolCall("get_weather", ('{"location": ', '"San Francisco, CA"', "}"), id="call_sf"), finish="tool_calls"
        ),
        "image-input": says(Text(("A red ", "square."))),
        "multi-turn": says(Text(("Alice", "."))),
        "compact-response": says("The launch is on Tuesday, and support is told first."),
    }
)
"""By acceptance test: what the model says. `compact-missing-model` never reaches one."""

LIVE_SAMPLES: tuple[LiveCase, ...] = tuple(case for case in CASES if case.acceptance is not None)
"""The situations in which miniatures of live endpoints are shown."""


def right_live(case: LiveCase, target: RightTarget) -> Transcript:
    """The transcript of a case at a right server of all features that has no fake behind it."""
    said = _SAID.get(case.acceptance or "")
    turns = tuple(replace(turn, answers=() if said is None else (said,)) for turn in case.turns)
    crossed = right_case(replace(case, turns=turns), "chat_completions", target)
    drives = [
        replace(drive, exchanges=[_from_outside(exchange) for exchange in drive.exchanges]) for drive in crossed.drives
    ]
    facts = {**case.facts(case.optional), "unobserved": {}}
    return replace(crossed, dialect=None, drives=drives, facts=facts)


def _from_outside(exchange: Exchange) -> Exchange:
    """An exchange as it is seen where nobody knows what the upstream was asked and said."""
    return replace(exchange, upstream=(), said=None)


def live_transcripts() -> Iterator[tuple[str, Transcript]]:
    """Every sample at every right server, with the name of that."""
    for name, target in RIGHT_TARGETS.items():
        for case in LIVE_SAMPLES:
            yield name, right_live(case, target)


def locked_live() -> Iterator[Transcript]:
    """The right transcripts that miniatures are locked by."""
    return (transcript for _, transcript in live_transcripts())
