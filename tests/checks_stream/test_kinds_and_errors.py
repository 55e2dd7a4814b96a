"""Item types, `error` events, opaque reasoning and unknown counts: what is legal passes, what is not is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.edits import Draft, encode, on_streams
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.rules import Violation
from conformance.transcript import Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Streamed = Callable[[bytes], Transcript]


def _stream(*events: dict[str, Any]) -> bytes:
    return b"".join(encode({"sequence_number": number, **event}) for number, event in enumerate(events))


def _right(name: str) -> Transcript:
    case = next(case for case in SAMPLES if case.id == f"sample.{name}")
    return next(iter(right_transcripts(FLAVOURS["plain"], cases=(case,))))


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("message", True),
        ("web_search_call", True),
        ("compaction", True),
        ("acme:telemetry", True),
        ("thinking", False),
        ("tool_call", False),
    ],
)
def test_item_types_are_known_or_have_a_prefix(kind: str, known: bool, streamed: Streamed, violations: Judge) -> None:
    """OpenAI's and Open Responses' item types pass, and any with an implementor's prefix; others do not."""
    event = {"type": "response.output_item.done", "output_index": 0, "item": {"type": kind, "id": "x"}}
    assert (violations("item.known-types", streamed(_stream(event))) == []) is known


@pytest.mark.parametrize(
    ("payload", "says_why", "nested"),
    [
        ({"message": "It broke.", "code": None, "param": None}, True, False),
        ({"error": {"type": "server_error", "message": "It broke.", "code": None, "param": None}}, True, True),
        ({"error": {"type": "server_error", "message": "It broke."}}, True, False),
        ({"error": "It broke."}, False, False),
        ({"error": {"type": "server_error", "message": " ", "code": None, "param": None}}, False, True),
        ({}, False, False),
    ],
)
def test_both_forms_of_error_events_are_read(
    payload: dict[str, Any], says_why: bool, nested: bool, streamed: Streamed, violations: Judge
) -> None:
    """A message is found flat and nested; Open Responses alone wants it nested, with all four keys."""
    transcript = streamed(_stream({"type": "error", **payload}))
    assert (violations("stream.error-event-says-why", transcript) == []) is says_why
    assert (violations("stream.error-event-nested", transcript) == []) is nested


def test_a_blob_of_anything_but_the_thoughts_is_opaque(violations: Judge) -> None:
    """Any string passes as `encrypted_content` that does not show what the upstream thought."""

    def with_blob(blob: str) -> Transcript:
        def edit(draft: Draft) -> None:
            for item in draft.items():
                if item["type"] == "reasoning":
                    item["encrypted_content"] = blob

        return on_streams(edit)(_right("reasoning-and-calls"))

    assert violations("content.encrypted-is-opaque", with_blob("gAAAAABm4-f-first-the")) == []
    assert violations("content.encrypted-is-opaque", with_blob("v1:First the weather, then the time."))


@pytest.mark.parametrize(
    ("usage", "legal"),
    [
        (None, True),
        ({"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}, True),
        ({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}, False),
    ],
)
def test_unknown_counts_are_null_or_counted(usage: dict[str, int] | None, legal: bool, violations: Judge) -> None:
    """Where the upstream reported nothing, null and a count of one's own pass; zeros do not."""

    def edit(draft: Draft) -> None:
        if draft.response is not None:
            draft.response["usage"] = usage

    transcript = on_streams(edit)(_right("dies"))
    assert (violations("usage.no-zeros-for-unknown", transcript) == []) is legal


def test_the_name_beside_finished_arguments_is_that_of_the_call(violations: Judge) -> None:
    """A name that is missing, or another one's, is named with what it should be."""

    def edit(draft: Draft) -> None:
        for frame in draft.all("response.function_call_arguments.done")[:1]:
            frame.data["name"] = "get_nothing"

    (found,) = violations("item.arguments-done-name", on_streams(edit)(_right("reasoning-and-calls")))
    assert json.loads(found.expected.split("name ")[1].split(",")[0]) == "get_weather"


@pytest.mark.parametrize(
    ("output", "legal"), [([{"type": "acme:note", "id": "x"}], True), ("none", False), (None, False), ({}, False)]
)
@pytest.mark.parametrize("rule", ["schema.openai-response", "schema.open-responses-response"])
def test_of_the_response_only_the_list_of_items_is_judged(
    rule: str, output: Any, legal: bool, violations: Judge
) -> None:
    """What stands in it is another rule's; that it is a list is this one's."""

    def edit(draft: Draft) -> None:
        if draft.response is not None:
            draft.response["output"] = output

    transcript = on_streams(edit)(_right("reasoning-and-calls"))
    assert (violations(rule, transcript) == []) is legal
