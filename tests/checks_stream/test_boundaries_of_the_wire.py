"""Boundaries of the wire: frames, lines, numbers, and where in a stream a mistake stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.miniatures.edits import encode
from conformance.rules import Violation
from conformance.transcript import ClientRequest, Drive, Exchange, Received, StreamEnd, Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Count = Callable[[str, Transcript], int]
Tells = Callable[[str, Transcript], str]

_SSE = (("content-type", "text/event-stream"),)


def _bytes(body: bytes, ended: StreamEnd = "complete") -> Transcript:
    request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x"})
    return Transcript(
        "case", "vllm", [Drive("stream", [Exchange(request, 200, _SSE, (Received(0.1, body),), ended=ended)])]
    )


@pytest.mark.parametrize(
    ("numbers", "told"),
    [((0, 1, 2), "right"), ((1, 2, 3), "right"), ((2, 3), "wrong"), ((0, 2), "wrong"), ((0, 1, 3), "wrong")],
)
def test_numbers_go_up_by_one(numbers: tuple[int, ...], told: str, tells: Tells) -> None:
    """From 0 or 1; each gap counts."""
    body = b"".join(encode({"type": "response.in_progress", "sequence_number": number}) for number in numbers)
    assert tells("sequence.contiguous", _bytes(body)) == told


@pytest.mark.parametrize(
    ("body", "ended", "told"),
    [
        (b'data: {"a": "\xff"}\n\n', "complete", "wrong"),
        (b'data: {"a": "b"}\n\ndata: \xe2\x82', "complete", "wrong"),
        (b'data: {"a": "b"}\n\ndata: \xe2\x82', "truncated", "right"),
        (b"data: \xff\n\ndata: \xe2\x82", "truncated", "wrong"),
        ('data: {"a": "\u00e9"}\n\n'.encode(), "complete", "right"),
    ],
)
def test_a_line_that_the_end_of_the_body_cut_is_not_held_against_it(
    body: bytes, ended: StreamEnd, told: str, tells: Tells
) -> None:
    """Half a character at the end of a body that broke off is no mistake in the encoding."""
    assert tells("sse.utf-8", _bytes(body, ended)) == told


@pytest.mark.parametrize(
    ("body", "data", "feeds"),
    [
        (b"data: {}\n\n", "right", "right"),
        (b"data: {}\r\n\r\n", "right", "wrong"),
        (b"event: x\r\ndata: {}\n\n", "right", "wrong"),
        (b"event: x\ndata: {}\r\n\r\n", "right", "wrong"),
        (b"data:\n\n", "wrong", "right"),
        (b"event: x\n\ndata: {}\n\n", "wrong", "right"),
        (b"data:\n\ndata: {}\n\n", "wrong", "right"),
    ],
)
def test_every_frame_has_data_and_every_line_a_line_feed(body: bytes, data: str, feeds: str, tells: Tells,
                                                         seen: Count) -> None:  # fmt: skip
    """A frame of an event alone, or with empty data, is dispatched by SDKs; one CRLF among its lines is enough."""
    transcript = _bytes(body)
    assert tells("sse.data-in-every-frame", transcript) == data
    assert seen("sse.data-in-every-frame", transcript) == (1 if data == "right" else 0)
    assert tells("sse.line-feeds-only", transcript) == feeds


def test_the_number_that_was_due_is_named(violations: Judge) -> None:
    """The one after the highest so far, not one further."""
    events = ({"type": "response.in_progress", "sequence_number": number} for number in (0, 1, 3))
    (found,) = violations("sequence.contiguous", _bytes(b"".join(map(encode, events))))
    assert (found.expected, found.actual) == ("sequence_number 2", "3")


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_broken_line_is_placed_in_its_event(broken: int, violations: Judge) -> None:
    """Not in the first one of the stream."""
    frames = [b'data: {"type": "response.in_progress"}\n\n'] * 3
    frames[broken] = b'data: {"type": "response.in_progress", "a": "\xff"}\n\n'
    (found,) = violations("sse.utf-8", _bytes(b"".join(frames)))
    assert found.place.event == broken
