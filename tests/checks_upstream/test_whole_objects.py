"""Whole answers as objects: what a specification allows passes, what it does not is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.crossing_samples import crossing_transcripts
from conformance.miniatures.edits import edit_json
from conformance.rules import Violation
from conformance.transcript import Transcript

Judge = Callable[[str, Transcript], list[Violation]]


@pytest.fixture(scope="module")
def answered() -> Transcript:
    """A right transcript whose whole answer holds calls."""
    return next(
        transcript
        for name, transcript in crossing_transcripts()
        if name == "plain" and any('"function_call"' in _body(transcript, n) for n in range(len(transcript.drives)))
    )


def _body(transcript: Transcript, number: int) -> str:
    drive = transcript.drives[number]
    return drive.exchanges[0].body.decode() if drive.kind == "json" and drive.exchanges else ""


def _edited(transcript: Transcript, edit: Callable[[dict[str, Any]], None]) -> Transcript:
    def one(value: Any) -> Any:
        if isinstance(value, dict) and value.get("object") == "response":
            edit(value)
        return value

    return edit_json(transcript, one)


def test_a_failed_answer_may_be_as_short_as_openais(answered: Transcript, violations: Judge) -> None:
    """Id, object, status and error are enough for a response that failed."""

    def fail(body: dict[str, Any]) -> None:
        error = {"code": "server_error", "message": "It broke."}
        kept = {"id": body["id"], "object": "response", "status": "failed", "error": error}
        body.clear()
        body.update(kept)

    short = _edited(answered, fail)
    assert violations("json.openapi-fields", short) == []
    assert violations("schema.openai-body", short) == []


@pytest.mark.parametrize("effort", ["minimal", "max"])
def test_an_effort_that_only_openai_lists_is_no_fault_of_the_echo(
    effort: str, answered: Transcript, violations: Judge
) -> None:
    """What the client asked for may be echoed, whichever specification lists it; an invented word may not."""
    echoed = _edited(answered, lambda body: body.update(reasoning={"effort": effort, "summary": None}))
    assert violations("schema.open-responses-body", echoed) == []
    invented = _edited(answered, lambda body: body.update(reasoning={"effort": "frantic", "summary": None}))
    assert violations("schema.open-responses-body", invented)


@pytest.mark.parametrize("call_id", ["", "x" * 65, None, 7])
def test_call_ids_that_cannot_be_sent_back_are_shown(call_id: Any, answered: Transcript, violations: Judge) -> None:
    """Empty ids, ids beyond 64 characters and what is no string are named with their value."""

    def spoil(body: dict[str, Any]) -> None:
        next(item for item in body["output"] if item["type"] == "function_call")["call_id"] = call_id

    (found,) = violations("json.call-ids", _edited(answered, spoil))
    assert "1 to 64" in found.expected
    assert found.actual.startswith("call_id: ")


def test_a_type_that_is_no_string_is_not_looked_up(answered: Transcript, violations: Judge) -> None:
    """Items of absurd types are no reason to stop judging."""

    def absurd(body: dict[str, Any]) -> None:
        body["output"] = [{"type": ["message"]}, {"type": None}, *body["output"]]

    assert violations("schema.openai-body", _edited(answered, absurd)) == []
    assert violations("json.call-ids", _edited(answered, absurd)) == []
