from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.checks.json_values import only_string, opened_string, same_json
from conformance.checks.phrases import around, shown
from conformance.miniatures.edits import Draft, encode, on_streams
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.retelling import part_of, retell
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.rules import Rule, Violation
from conformance.transcript import Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Count = Callable[[str, Transcript], int]


def _right(name: str, flavour: str = "plain", dialect: str = "chat_completions") -> Transcript:
    case = next(case for case in SAMPLES if case.id == f"sample.{name}")
    found = right_transcripts(FLAVOURS[flavour], cases=(case,))
    return next(transcript for transcript in found if transcript.dialect == dialect)


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        ('{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1}', True),
        ('{"n": 12345678901234567890}', '{"n": 12345678901234567000}', False),
        ('{"n": 1.10}', '{"n": 1.1}', True),
        ('{"n": 0.1000000000000000055511151231257827}', '{"n": 0.1}', False),
        ('{"n": 1}', '{"n": true}', False),
        ('{"n": "1"}', '{"n": 1}', False),
        ('{"a": "\\u00fc"}', '{"a": "ü"}', True),
        ('{"a": 1, "a": 2}', '{"a": 2}', False),
        ("[]", "{}", False),
        ('{"cut": ', '{"cut": ', True),
        ('{"cut": ', '{"cut": null}', False),
        ("", "{}", False),
    ],
)
def test_arguments_are_compared_as_json_exactly(wanted: str, found: str, same: bool) -> None:
    """Key order and escapes are nothing, every digit and every type counts, and what is no JSON is text."""
    assert same_json(wanted, found) is same


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ('{"input": "a\\nb', "a\nb"),
        ('{"input": "a\\', "a"),
        ('{"input": "a\\u00', "a"),
        ('{"input": "done"}', "done"),
        ('{"input": 1', ""),
        ("", ""),
    ],
)
def test_the_input_of_a_cut_custom_call_is_read_as_far_as_it_goes(text: str, opened: str) -> None:
    """The string that a cut object has begun is unescaped; half an escape is left out."""
    assert opened_string(text) == opened


def test_the_one_string_of_an_object_is_found() -> None:
    """An object with one string member has an input; others have none."""
    assert only_string('{"input": "x", "n": 1}') == "x"
    assert only_string('{"a": "x", "b": "y"}') is None
    assert only_string("nonsense") is None


def test_long_values_are_shown_around_what_differs() -> None:
    """Messages stay short and show the first differing character."""
    expected, actual = around("a" * 5000 + "b" + "c" * 500, "a" * 5000 + "x" + "c" * 500)
    assert "ab" in expected
    assert "ax" in actual
    assert "differ at 5000" in actual
    assert len(shown({"key": "v" * 9000})) <= 101


def test_merged_and_split_deltas_are_the_same_content(violations: Judge) -> None:
    """Where the fragments are cut does not matter, only what they say together."""

    def merge(draft: Draft) -> None:
        retell(draft, part_of(draft, "text"), lambda pieces: ["".join(pieces), *([""] * (len(pieces) - 1))])

    merged = on_streams(merge)(_right("text"))
    assert violations("content.text-equals-upstream", merged) == []
    assert violations("content.text-done-equals-deltas", merged) == []


def test_a_lost_text_is_reported_at_the_delta_where_it_is_missing(violations: Judge) -> None:
    """The place of the violation is the event in which the text first differs, and both texts are shown."""

    def lose(draft: Draft) -> None:
        frame = draft.nth(2, "response.output_text.delta")
        assert frame is not None
        frame.data["delta"] = "?" + frame.data["delta"][1:]

    (found,) = violations("content.text-equals-upstream", on_streams(lose)(_right("text")))
    assert found.place.event == 6
    assert "naïve" in found.expected
    assert "blu?, naïve" in found.actual


def test_a_failed_answer_may_stop_early_but_says_nothing_else(violations: Judge, seen: Count) -> None:
    """Before a failure an exact prefix of the upstream's text is enough; another text is not."""

    def shorten(draft: Draft) -> None:
        retell(draft, part_of(draft, "text"), lambda pieces: [*pieces[:-1], ""])

    def alter(draft: Draft) -> None:
        retell(draft, part_of(draft, "text"), lambda pieces: [*pieces[:-1], "BE"])

    assert violations("content.text-equals-upstream", on_streams(shorten)(_right("dies"))) == []
    assert seen("content.text-equals-upstream", on_streams(shorten)(_right("dies"))) == 1
    assert len(violations("content.text-equals-upstream", on_streams(alter)(_right("dies")))) == 1


def test_a_relation_with_one_side_absent_is_silent(violations: Judge, seen: Count) -> None:
    """Without a done event the equation of deltas and done says nothing: its absence is another rule's."""

    def drop(draft: Draft) -> None:
        draft.drop(*draft.all("response.output_text.done"))

    without = on_streams(drop)(_right("text"))
    assert violations("content.text-done-equals-deltas", without) == []
    assert seen("content.text-done-equals-deltas", without) == 0
    assert len(violations("item.part-dones-present", without)) == 1


def test_calls_with_ids_of_the_targets_own_are_paired_by_order(violations: Judge) -> None:
    """A target that mints call ids is judged by its calls' names and order, and breaks only a recommendation."""
    patient = _right("two-calls", "patient")
    assert violations("content.arguments-equal-upstream", patient) == []
    assert violations("content.calls-equal-upstream", patient) == []
    assert len(violations("content.call-ids-equal-upstream", patient)) == 2


def test_calls_that_a_request_forbids_need_not_arrive(violations: Judge) -> None:
    """With `parallel_tool_calls: false` a target may keep the second call back."""

    def lose(draft: Draft) -> None:
        from conformance.miniatures.retelling import calls_of, forget

        forget(draft, calls_of(draft)[1])

    lost = on_streams(lose)(_right("two-calls"))
    assert len(violations("content.calls-equal-upstream", lost)) == 1
    lost.drives[0].exchanges[0].request.body["parallel_tool_calls"] = False
    assert violations("content.calls-equal-upstream", lost) == []


def test_openais_own_failure_is_legal(violations: Judge, stream_rules: list[Rule]) -> None:
    """A nested error event, then response.failed with four keys and open items, breaks nothing for `openai`."""
    transcript = _right("dies", "openai")
    deciding = [rule for rule in stream_rules if "openai" in rule.profiles and rule.level_in("openai").decides]
    assert [rule.id for rule in deciding if violations(rule.id, transcript)] == []
    assert len(violations("response.failed-whole", transcript)) == 1


def test_one_wrong_field_gives_one_schema_violation_in_words(violations: Judge) -> None:
    """The model is picked by type: the message names the field, not hundreds of branches of a union."""

    def spoil(draft: Draft) -> None:
        frame = draft.nth(0, "response.output_text.delta")
        assert frame is not None
        frame.data["content_index"] = "0"

    (found,) = violations("schema.openai-events", on_streams(spoil)(_right("text")))
    assert "ResponseTextDeltaEvent" in found.expected
    assert found.actual.startswith("content_index: ")


def test_unknown_item_types_with_a_prefix_are_no_schema_errors(
    violations: Judge, streamed: Callable[[bytes], Transcript]
) -> None:
    """Extension items and events are left alone by the schema oracles."""
    item: dict[str, Any] = {"type": "acme:receipt", "id": "x", "status": "completed"}
    event = {"type": "response.output_item.added", "sequence_number": 0, "output_index": 0, "item": item}
    body = encode(event) + encode({"type": "acme:trace", "sequence_number": 1})
    for rule in ("schema.openai-items", "schema.open-responses-items", "schema.openai-events"):
        assert violations(rule, streamed(body)) == []
    assert violations("sse.known-event-types", streamed(body)) == []
    assert len(violations("sse.no-foreign-event-types", streamed(body))) == 1


def test_the_official_client_raises_on_what_it_cannot_read(
    violations: Judge, streamed: Callable[[bytes], Transcript]
) -> None:
    """The client oracle reports the client's own exception."""
    body = encode({"type": "response.output_text.delta", "sequence_number": 0, "output_index": 0, "delta": "x"})
    (found,) = violations("clients.openai-python-stream", streamed(body))
    assert "Expected to have received `response.created`" in found.actual


def test_echoed_settings_may_be_the_applied_ones(violations: Judge) -> None:
    """A target that applied another temperature may say so; one that says a constant may not."""
    from fakes.log import UpstreamCall

    def constant(draft: Draft) -> None:
        if draft.response is not None:
            draft.response["temperature"] = 0.7

    changed = on_streams(constant)(_right("text"))
    assert len(violations("response.echoes-settings", changed)) == 1
    body = {"model": "m", "temperature": 0.7}
    call = UpstreamCall("POST", "/v1/chat/completions", "", (), json.dumps(body).encode(), body, 0.0)
    changed.drives[0].exchanges[0].upstream = (call,)
    assert violations("response.echoes-settings", changed) == []


def test_a_client_that_left_is_no_fault_of_the_target(violations: Judge, stream_rules: list[Rule]) -> None:
    """A stream that the client left is judged only as far as it goes: nothing is missing from it."""
    for name in ("text", "reasoning-and-calls"):
        transcript = _right(name)
        exchange = transcript.drives[0].exchanges[0]
        exchange.received, exchange.ended = exchange.received[:7], "client-left"
        assert [rule.id for rule in stream_rules if rule.area != "item" and violations(rule.id, transcript)] == [], name
