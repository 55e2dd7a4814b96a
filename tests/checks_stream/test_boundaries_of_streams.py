"""Boundaries of streams: echoes where little is known, what a message names, and where a mistake stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.edits import encode
from conformance.rules import Violation
from conformance.said import EndState, Said, SaidItem, SaidUsage
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

Body = dict[str, Any]
Breaks = Callable[[str, Transcript], list[Violation]]
Sees = Callable[[str, Transcript], int]
Tells = Callable[[str, Transcript], str]

_ENDS: frozenset[EndState] = frozenset({"completed"})


@pytest.fixture
def tells(breaks: Breaks, sees: Sees) -> Tells:
    """What a rule says of a transcript: "wrong", "right", or "nothing"."""

    def judged(rule: str, transcript: Transcript) -> str:
        return "wrong" if breaks(rule, transcript) else "right" if sees(rule, transcript) else "nothing"

    return judged


def _bytes(body: bytes, said: Said | None = None) -> Transcript:
    request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x"})
    stream = Exchange(request, 200, (("content-type", "text/event-stream"),), (Received(0.1, body),), said=said)
    return Transcript("case", "vllm", [Drive("stream", [stream])])


def _stream(*events: Body, said: Said | None = None) -> Transcript:
    numbered = ({"sequence_number": number, **event} for number, event in enumerate(events))
    return _bytes(b"".join(encode(event) for event in numbered), said)


def _ended(**response: Any) -> Body:
    return {
        "type": "response.completed",
        "response": {"id": "resp_1", "status": "completed", "output": [], **response},
    }


@pytest.mark.parametrize(
    ("said", "model", "told"),
    [
        (None, "m", "right"),
        (None, "other", "wrong"),
        (None, None, "wrong"),
        (Said((), None, _ENDS), "other", "wrong"),
        (Said((), None, _ENDS), None, "wrong"),
        (Said((), None, _ENDS, model="m-2026"), "m-2026", "right"),
        (Said((), None, _ENDS, model="m-2026"), "other", "wrong"),
    ],
)
def test_a_model_is_judged_whatever_is_known_of_the_upstream(
    said: Said | None, model: Any, told: str, tells: Tells
) -> None:
    """By the request alone where nothing is known, or where the upstream named none: null is no name either."""
    assert tells("response.echoes-model", _stream(_ended(model=model), said=said)) == told


def test_the_number_that_was_due_is_named(breaks: Breaks) -> None:
    """The one after the highest so far, not one further."""
    events = ({"type": "response.in_progress", "sequence_number": number} for number in (0, 1, 3))
    (found,) = breaks("sequence.contiguous", _stream(*events))
    assert (found.expected, found.actual) == ("sequence_number 2", "3")


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_broken_line_is_placed_in_its_event(broken: int, breaks: Breaks) -> None:
    """Not in the first one of the stream."""
    frames = [b'data: {"type": "response.in_progress"}\n\n'] * 3
    frames[broken] = b'data: {"type": "response.in_progress", "a": "\xff"}\n\n'
    (found,) = breaks("sse.utf-8", _bytes(b"".join(frames)))
    assert found.place.event == broken


@pytest.mark.parametrize(
    ("kind", "key", "got", "told"),
    [
        ("function_call", "arguments", '{"a":1}', "right"),
        ("function_call", "arguments", '{"a": 1}', "wrong"),
        ("custom_tool_call", "input", '{"a":1}', "nothing"),
        ("custom_tool_call", "input", '{"a": 1}', "nothing"),
    ],
)
def test_only_a_function_s_arguments_are_the_upstream_s_string(
    kind: str, key: str, got: str, told: str, tells: Tells
) -> None:
    """A custom tool's input has been taken out of something, and what that was is not compared."""
    item = {"type": kind, "id": "item_0", "name": "f", "call_id": "c", "status": "completed", key: got}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    said = Said((SaidItem("call", '{"a":1}', 1, name="f", call_id="c"),), None, _ENDS)
    transcript = _stream(done, _ended(output=[item]), said=said)
    assert tells("content.arguments-byte-for-byte", transcript) == told


@pytest.mark.parametrize(
    ("group", "key"),
    [
        ("input_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cache_write_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
    ],
)
@pytest.mark.parametrize(("found", "told"), [(3, "right"), (4, "wrong"), (None, "nothing")])
def test_each_detail_of_the_usage_is_compared(group: str, key: str, found: Any, told: str, tells: Tells) -> None:
    """By itself, where both sides report it."""
    usage = {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18, group: {key: found}}
    said = Said((), SaidUsage(9, 9, 3, 3, 3), _ENDS)
    assert tells("usage.details-equal-upstream", _stream(_ended(usage=usage), said=said)) == told
