from __future__ import annotations

import json

from conformance.miniatures.edits import (
    Draft,
    edit_calls,
    edit_exchanges,
    edit_headers,
    edit_json,
    edit_request,
    on_streams,
)
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.retelling import forget, item_of, part_of, retell
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.reading import streams
from conformance.transcript import Exchange, Transcript
from fakes.log import UpstreamCall


def _right(flavour: str = "plain") -> Transcript:
    case = next(case for case in SAMPLES if case.id == "sample.reasoning-and-calls")
    return next(iter(right_transcripts(FLAVOURS[flavour], cases=(case,))))


def _streamed(transcript: Transcript) -> Exchange:
    return transcript.drives[0].exchanges[0]


def test_a_draft_that_is_not_changed_gives_the_same_bytes() -> None:
    """Taking a stream apart and putting it together again changes nothing, comments and [DONE] included."""
    for flavour in FLAVOURS:
        exchange = _streamed(_right(flavour))
        draft = Draft.begin(exchange)
        assert b"".join(frame.bytes for frame in draft.frames) == exchange.body
        assert draft.written() is exchange


def test_only_what_was_changed_is_written_anew() -> None:
    """A changed event is serialised, all others keep their bytes; each is one received chunk, times kept."""
    exchange = _streamed(_right())

    def edit(draft: Draft) -> None:
        draft.all("response.output_text.delta")[0].data["delta"] = "changed"

    changed = _streamed(on_streams(edit)(_right()))
    different = [n for n, (a, b) in enumerate(zip(exchange.received, changed.received, strict=True)) if a != b]
    assert len(different) == 1
    assert b'"changed"' in changed.received[different[0]].data
    assert [chunk.t for chunk in changed.received] == [chunk.t for chunk in exchange.received]


def test_dropping_inserting_and_moving_keeps_numbers_contiguous() -> None:
    """Edits of the order do not break sequence numbers by the way."""

    def edit(draft: Draft) -> None:
        draft.drop(draft.nth(1, "response.output_text.delta"))
        draft.insert(draft.nth(0, "response.output_item.added"), {"type": "keepalive", "sequence_number": 0})
        draft.move(draft.nth(0, "response.in_progress"), draft.nth(0, "response.output_item.added"))

    reading = streams(on_streams(edit)(_right()))[0]
    numbers = [event.get("sequence_number") for event in reading.events]
    assert numbers == list(range(len(numbers)))
    assert "keepalive" in reading.types


def test_retelling_changes_a_content_everywhere() -> None:
    """A retold part says the same in its deltas, done events, item and response."""

    def edit(draft: Draft) -> None:
        retell(draft, part_of(draft, "text"), lambda pieces: [pieces[0], "", *pieces[2:]])

    reading = streams(on_streams(edit)(_right()))[0]
    message = reading.items[1]
    (part,) = message.parts.values()
    assert part.streamed == "I willit up."
    assert {part.said_done, part.part_done, part.inside(message.done_item), part.inside(message.final)} == {
        "I willit up."
    }


def test_a_forgotten_item_leaves_nothing_behind() -> None:
    """Forgetting an item takes out its events and its place in the response."""

    def edit(draft: Draft) -> None:
        forget(draft, item_of(draft, 0, "reasoning"))

    reading = streams(on_streams(edit)(_right()))[0]
    assert [item.type for item in reading.items] == ["message", "function_call", "function_call"]
    assert len(reading.output or []) == 3


def test_edits_that_change_nothing_give_back_the_same_transcript() -> None:
    """Callers tell by identity that there was nothing to do."""
    right = _right()
    assert on_streams(lambda draft: None)(right) is right
    assert edit_exchanges(right, lambda exchange: exchange) is right
    assert edit_headers(right, lambda headers: headers) is right
    assert edit_json(right, lambda value: value) is right
    assert edit_calls(right, lambda call: call) is right


def test_json_bodies_and_headers_are_edited_apart_from_streams() -> None:
    """`edit_json` meets the JSON drive only, `edit_headers` the streams only."""
    right = _right()
    changed = edit_json(right, lambda value: {**value, "status": "done"})
    assert _streamed(changed) is _streamed(right)
    assert changed.drives[1].exchanges[0].json["status"] == "done"
    headers = edit_headers(right, lambda headers: (*headers, ("x-test", "1")))
    assert _streamed(headers).header("x-test") == "1"
    assert headers.drives[1].exchanges[0].header("x-test") is None


def test_calls_upstream_are_edited_in_json_and_bytes() -> None:
    """A changed request upstream says the same in its JSON and its bytes; None takes a key, or a call, out."""
    call = UpstreamCall("POST", "/v1/chat/completions", "", (), b"{}", {"model": "m", "stream": True}, 0.0)
    changed = edit_request(call, model="other", stream=None)
    assert changed.json == json.loads(changed.body) == {"model": "other"}
    right = _right()
    _streamed(right).upstream = (call,)
    assert _streamed(edit_calls(right, lambda call: None)).upstream == ()
    assert _streamed(edit_calls(right, lambda call: edit_request(call, model="x"))).upstream[0].json["model"] == "x"
    assert _streamed(right).upstream == (call,)
