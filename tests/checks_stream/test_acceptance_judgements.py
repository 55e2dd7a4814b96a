"""The acceptance tests' rules, one answer at a time: what passes, what does not, and where nothing can be said."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.edits import Draft, on_streams
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.rules import Violation
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Received, Transcript

Body = dict[str, Any]
Tells = Callable[..., str]

_JSON = (("content-type", "application/json"),)
_BLOB: Body = {"type": "compaction", "id": "cmp_1", "encrypted_content": "b3BhcXVl"}
_COUNTS: Body = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 13,
}
_COMPACTED: Body = {"id": "resp_c", "object": "response.compaction", "created_at": 1, "usage": _COUNTS}


@pytest.fixture
def tells(violations: Callable[[str, Transcript], list[Violation]], seen: Callable[[str, Transcript], int]) -> Tells:
    """What the rule of an acceptance test says of an exchange: "wrong", "right", or "nothing"."""

    def judged(test: str, exchange: Exchange, **facts: Any) -> str:
        made = Transcript("a", None, [Drive("json", [exchange])], facts={"acceptance": test, **facts})
        rule = f"acceptance.{test}"
        return "wrong" if violations(rule, made) else "right" if seen(rule, made) else "nothing"

    return judged


def _right(name: str, kind: DriveKind) -> Exchange:
    case = next(case for case in SAMPLES if case.id == f"sample.{name}")
    transcript = next(right_transcripts(FLAVOURS["plain"], cases=(case,)))
    drive = transcript.drive(kind)
    assert drive is not None
    return drive.exchanges[0]


def _answered(status: int | None, answer: Any, path: str = "/responses") -> Exchange:
    request = ClientRequest("POST", path, (), {"model": "m", "input": "x"})
    return Exchange(request, status, _JSON, (Received(0.1, json.dumps(answer).encode()),))


def _response(name: str = "text", **keys: Any) -> Body:
    return {**copy.deepcopy(_right(name, "json").json), **keys}


def _without(response: Body, key: str) -> Body:
    """A response whose first item lacks a key."""
    del response["output"][0][key]
    return response


WHOLE = ("basic-response", "assistant-phase", "system-prompt", "image-input", "multi-turn")


@pytest.mark.parametrize("test", [*WHOLE, "streaming-response"])
def test_a_whole_response_passes_and_one_that_lacks_a_key_does_not(test: str, tells: Tells) -> None:
    """Each test that asks for a Response looks at its schema, its items' schemas and its status."""
    if test != "streaming-response":
        assert tells(test, _answered(200, _response())) == "right"
        assert tells(test, _answered(200, _without(_response(), "status"))) == "wrong"
        assert tells(test, _answered(200, {"id": "resp_1", "object": "response"})) == "wrong"
        assert tells(test, _answered(200, _response(status="queued"))) == "wrong"
    assert tells(test, _answered(400, {"error": {"message": "No."}})) == "wrong"
    assert tells(test, _answered(None, None)) == "wrong"


def _streamed(edit: Callable[[Draft], None]) -> Exchange:
    given = _right("text", "stream")
    return on_streams(edit)(Transcript("a", "vllm", [Drive("stream", [given])])).drives[0].exchanges[0]


def _nameless(draft: Draft) -> None:
    draft.all("response.output_text.delta")[0].data.pop("item_id")


def _unknown(draft: Draft) -> None:
    draft.all("response.output_text.delta")[0].data["type"] = "response.text.delta"


def _own(draft: Draft) -> None:
    draft.all("response.output_text.delta")[0].data["type"] = "acme:delta"


def test_each_event_of_a_stream_is_one_that_open_responses_has(tells: Tells) -> None:
    """An event that lacks a key, or has a type of nobody's, is wrong; one with a prefix is not looked at."""
    assert tells("streaming-response", _right("text", "stream")) == "right"
    assert tells("streaming-response", _streamed(_nameless)) == "wrong"
    assert tells("streaming-response", _streamed(_unknown)) == "wrong"
    assert tells("streaming-response", _streamed(_own)) == "right"
    assert tells("streaming-response", _answered(200, _response())) == "wrong"


def test_only_the_test_of_streams_looks_at_events(tells: Tells) -> None:
    """The others are about what was answered: there a stream is read for its last response."""
    assert tells("basic-response", _streamed(_nameless)) == "right"


@pytest.mark.parametrize(
    ("test", "answer", "told"),
    [
        ("basic-response", _response(status="incomplete"), "nothing"),
        ("basic-response", _response(output=[]), "nothing"),
        ("tool-calling", _response(), "nothing"),
        ("tool-calling", _response(output=[]), "nothing"),
        ("tool-calling", _response("two-calls"), "right"),
        ("tool-calling", _without(_response("two-calls"), "call_id"), "wrong"),
        ("multi-turn", _response("two-calls"), "right"),
    ],
)
def test_a_model_that_did_not_do_as_it_was_asked_says_nothing_of_its_server(
    test: str, answer: Body, told: str, tells: Tells
) -> None:
    """A cut or empty answer, and prose where a call was wanted, are the model's."""
    assert tells(test, _answered(200, answer)) == told


@pytest.mark.parametrize(
    ("test", "status", "facts", "told"),
    [
        ("image-input", 400, {"undeclared": ("images",), "refusal_statuses": frozenset({400})}, "nothing"),
        ("image-input", 500, {"undeclared": ("images",), "refusal_statuses": frozenset({400})}, "wrong"),
        ("image-input", 400, {"refusal_statuses": frozenset({400})}, "wrong"),
        ("compact-response", 404, {"undeclared": ("compaction",), "refusal_statuses": frozenset({404})}, "nothing"),
        ("compact-response", 404, {}, "wrong"),
        *(("compact-missing-model", status, {"undeclared": ("compaction",)}, "nothing") for status in (404, 405, 501)),
        ("compact-missing-model", 500, {"undeclared": ("compaction",)}, "wrong"),
        ("compact-missing-model", 404, {}, "wrong"),
        ("compact-missing-model", 400, {}, "right"),
        ("compact-missing-model", 422, {}, "right"),
        ("compact-missing-model", 200, {}, "wrong"),
    ],
)
def test_what_is_not_offered_is_not_judged(test: str, status: int, facts: Body, told: str, tells: Tells) -> None:
    """Where the feature is not declared and the refusal says so; any other refusal is one."""
    assert tells(test, _answered(status, {"error": {"message": "No."}}, "/responses/compact"), **facts) == told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({**_COMPACTED, "output": [_BLOB]}, "right"),
        ({**_COMPACTED, "output": []}, "wrong"),
        ({**_COMPACTED, "output": [_BLOB], "object": "response"}, "wrong"),
        ({**_COMPACTED, "output": [_BLOB], "created_at": None}, "wrong"),
    ],
)
def test_a_compaction_has_its_schema_and_its_item(answer: Body, told: str, tells: Tells) -> None:
    """`response.compaction` with a `compaction` item in it."""
    assert tells("compact-response", _answered(200, answer, "/responses/compact")) == told


def test_only_the_case_s_own_test_is_judged(tells: Tells) -> None:
    """An answer to one acceptance test says nothing of another."""
    assert tells("multi-turn", _answered(200, {}), acceptance="basic-response") == "nothing"
