from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.edits import encode
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.reading import StreamReading, read, streams
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript


def _case(name: str, flavour: str = "plain") -> StreamReading:
    case = next(case for case in SAMPLES if case.id == f"sample.{name}")
    return streams(next(iter(right_transcripts(FLAVOURS[flavour], cases=(case,)))))[0]


def _reading(streamed: Callable[[bytes], Transcript], *events: dict[str, Any]) -> StreamReading:
    return streams(streamed(b"".join(encode(event) for event in events)))[0]


def test_items_hold_their_events_parts_and_final_form() -> None:
    """A reading finds each item's events, its parts' deltas and dones, and its place in the terminal response."""
    reading = _case("reasoning-and-calls")
    assert [item.type for item in reading.items] == ["reasoning", "message", "function_call", "function_call"]
    assert [item.final_position for item in reading.items] == [0, 1, 2, 3]
    message = reading.items[1]
    (part,) = message.parts.values()
    assert part.streamed == part.said_done == part.part_done == part.inside(message.done_item) == "I will look it up."
    assert message.content("text") == "I will look it up."
    assert reading.calls[1].content("arguments") == '{"zone":"CET","stamp": 12345678901234567890}'
    assert reading.end == "completed"


@pytest.mark.parametrize(
    ("name", "end"),
    [("length", "incomplete:max_output_tokens"), ("filtered", "incomplete:content_filter"), ("dies", "failed")],
)
def test_the_end_state_is_what_the_client_is_told(name: str, end: str) -> None:
    """The end state comes from the terminal event, its status and its reason."""
    assert _case(name).end == end


def test_a_call_in_one_shot_has_its_arguments() -> None:
    """Content that no delta brought is read from the item itself."""
    reading = _case("two-calls", "loose")
    assert [item.content("arguments") for item in reading.calls] == ['{"city":"Oslo"}', '{"city":"Rome"}']
    assert all(not item.parts for item in reading.items)


def test_overlapping_items_keep_their_own_deltas() -> None:
    """Deltas of calls that are open at the same time belong to the call that they name."""
    reading = _case("interleaved-calls", "overlapping")
    assert [item.content("arguments") for item in reading.calls] == ['{"city":"Bern"}', '{"zone":"UTC"}']


def test_events_of_an_unannounced_item_make_an_item(streamed: Callable[[bytes], Transcript]) -> None:
    """A delta before any announcement is kept, and an announcement that comes later joins it."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "item_id": "m", "content_index": 0, "delta": "a"}
    added = {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m"}}
    alone = _reading(streamed, delta)
    assert alone.items[0].added is None
    assert alone.items[0].type == "message"
    joined = _reading(streamed, delta, added)
    assert len(joined.items) == 1
    assert joined.items[0].added is not None


def test_two_items_at_one_index_are_told_apart_by_id(streamed: Callable[[bytes], Transcript]) -> None:
    """Where two items share an output_index the item_id says whose event it is."""
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": name}}
        for name in ("a", "b")
    ]
    text = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0}
    reading = _reading(
        streamed, *events, {**text, "item_id": "a", "delta": "A"}, {**text, "item_id": "b", "delta": "B"}
    )
    assert [item.content("text") for item in reading.items] == ["A", "B"]


def test_items_without_index_are_found_by_id(streamed: Callable[[bytes], Transcript]) -> None:
    """Servers that send no output_index at all are read by item_id, their done events by the item's id."""
    message = {"type": "message", "id": "m", "role": "assistant", "content": []}
    reading = _reading(
        streamed,
        {"type": "response.output_item.added", "item": message},
        {"type": "response.output_text.delta", "item_id": "m", "delta": "x"},
        {"type": "response.output_item.done", "item": {**message, "status": "completed"}},
    )
    (item,) = reading.items
    assert item.done is not None
    assert item.name == "the message m"


def test_a_reading_is_made_once_an_exchange() -> None:
    """All checks share one reading; an exchange that was replaced gets another."""
    case = SAMPLES[0]
    transcript = next(iter(right_transcripts(FLAVOURS["plain"], cases=(case,))))
    assert streams(transcript)[0] is streams(transcript)[0]
    exchange = transcript.drives[0].exchanges[0]
    assert read(exchange) is streams(transcript)[0]
    other = Exchange(exchange.request, exchange.status, exchange.headers, exchange.received[:3])
    transcript.drives[0].exchanges[0] = other
    assert streams(transcript)[0].exchange is other


def test_only_streams_of_posts_are_read() -> None:
    """Resumed streams (GET), refusals and JSON answers are not read as streams."""
    body = encode({"type": "response.created"})
    headers = (("content-type", "text/event-stream"),)
    asked = ClientRequest("GET", "/responses/resp_1", (), None)
    resumed = Exchange(asked, 200, headers, (Received(0.0, body),))
    refused = Exchange(ClientRequest("POST", "/responses", (), {}), 500, headers, (Received(0.0, body),))
    undriven = Drive("hostile", [Exchange(refused.request, 200, headers, refused.received)], problem="no answer")
    assert streams(Transcript("case", None, [Drive("stream", [resumed, refused]), undriven])) == []
