"""Boundaries: every word, status and number at which a rule about what crosses a target changes its mind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
from openai.types.responses import response_create_params
from openai.types.shared import ReasoningEffort

from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]

_JSON = (("content-type", "application/json"),)
_ASKED: Body = {"model": "m", "stream": False, "input": [{"type": "message", "role": "user", "content": "Hi."}]}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_BLOB: Body = {"type": "compaction", "id": "cmp_1", "encrypted_content": "b3BhcXVl"}


def _http(
    status: int | None,
    answer: Any = None,
    *,
    path: str = "/responses",
    method: str = "POST",
    asked: Any = None,
    headers: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Exchange:
    request = ClientRequest(method, f"/v1{path}", headers, {**_ASKED, **asked} if asked is not None else _ASKED)
    return Exchange(request, status, _JSON, (Received(0.1, json.dumps(answer).encode()),), **more)


def _made(*exchanges: Exchange, dialect: Dialect = "messages", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive("json", list(exchanges))], facts=facts)


def _error(**keys: Any) -> Body:
    return {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None, **keys}}


def _failed_stream(said: Said, **error: Any) -> Exchange:
    """A stream that the target ended in `response.failed` after what the upstream had said."""
    told = {"code": "server_error", "message": "It broke.", **error}
    event = {"type": "response.failed", "sequence_number": 0, "response": {"status": "failed", "error": told}}
    body = f"data: {json.dumps(event)}\n\n".encode()
    request = ClientRequest("POST", "/v1/responses", (), {**_ASKED, "stream": True})
    return Exchange(request, 200, (("content-type", "text/event-stream"),), (Received(0.1, body),), said=said)


def _said(kind: str | None = None, error: str | None = "It broke.", **more: Any) -> Said:
    return Said((), None, frozenset({"failed"}), error=error, error_kind=kind, **more)


Tells = Callable[[str, Transcript], str]


@pytest.mark.parametrize("coding", ["identity", "gzip", "X-GZIP", "deflate", "br", "zstd", "compress", "x-compress"])
def test_a_refused_coding_that_exists_is_not_held_against_415(coding: str, tells: Tells) -> None:
    """RFC 9110 lists the codings: of these a target may say otherwise why it does not take a body."""
    packed = _http(400, _error(), headers=(("Content-Encoding", coding),))
    assert tells("body.unknown-coding-415", _made(packed)) == "nothing"


@pytest.mark.parametrize(("status", "told"), [(415, "right"), (400, "wrong"), (200, "wrong")])
def test_a_coding_that_does_not_exist_is_a_415(status: int, told: str, tells: Tells) -> None:
    """Whatever else it is answered with, the client does not learn that it is the coding."""
    packed = _http(status, _error(), headers=(("content-encoding", "snappy"),))
    assert tells("body.unknown-coding-415", _made(_http(200, _ANSWER), packed)) == told


@pytest.mark.parametrize(
    ("tag", "status", "ended", "bomb", "large"),
    [
        ("bomb", 413, "complete", "right", "right"),
        ("bomb", 415, "complete", "right", "right"),
        ("bomb", 400, "complete", "right", "wrong"),
        ("bomb", 499, "complete", "right", "wrong"),
        ("bomb", 500, "complete", "wrong", "wrong"),
        ("bomb", 399, "complete", "wrong", "wrong"),
        ("bomb", None, "no-answer", "right", "right"),
        ("bomb", None, "deadline", "wrong", "wrong"),
        ("over-long", 413, "complete", "nothing", "right"),
        ("over-long", 415, "complete", "nothing", "wrong"),
        ("over-long", None, "no-answer", "nothing", "right"),
    ],
)
def test_what_is_too_large_is_refused_or_cut_off(
    tag: str, status: int | None, ended: Any, bomb: str, large: str, tells: Tells
) -> None:
    """A bomb is refused with any 4xx, what is too long with 413; a closed connection will do for both."""
    transcript = _made(_http(status, _error(), ended=ended), tags=frozenset({tag}))
    assert tells("body.bomb-refused", transcript) == bomb
    assert tells("body.too-large-413", transcript) == large


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"object": "response.input_tokens", "input_tokens": 1}, "right"),
        (200, {"object": "response.input_tokens", "input_tokens": 0}, "wrong"),
        (200, {"object": "response.input_tokens", "input_tokens": True}, "wrong"),
        (200, {"object": "response.input_tokens", "input_tokens": "12"}, "wrong"),
        (200, {"object": "response.input_tokens"}, "wrong"),
        (200, {"object": "input_tokens", "input_tokens": 12}, "wrong"),
        (201, {"object": "response.input_tokens", "input_tokens": 12}, "wrong"),
        (404, None, "right"),
        (405, None, "right"),
        (501, None, "right"),
        (400, None, "wrong"),
    ],
)
@pytest.mark.parametrize("path", ["/responses/input_tokens", "/responses/input_tokens/?beta=1"])
def test_a_count_is_a_number_above_none(status: int, answer: Any, told: str, path: str, tells: Tells) -> None:
    """The object has its name and a count, or the route is not offered."""
    assert tells("counting.object", _made(_http(status, answer, path=path))) == told


def test_a_count_is_that_of_the_upstream_s_last_good_answer(tells: Tells) -> None:
    """Only calls of a counting route that succeeded say what the count is; a failed one says nothing."""

    def call(path: str, status: int, count: int) -> UpstreamCall:
        said = json.dumps({"input_tokens": count, "count": count}).encode()
        return UpstreamCall("POST", path, "", (), b"", {}, 0.1, "probe", status=status, sent=[Sent(0.1, said)])

    def judged(*calls: UpstreamCall, status: int = 200, dialect: Dialect = "messages") -> str:
        answer = {"object": "response.input_tokens", "input_tokens": 12}
        counted = _http(status, answer, path="/responses/input_tokens", upstream=calls)
        return tells("counting.as-the-upstream", _made(counted, dialect=dialect))

    route = "/v1/messages/count_tokens"
    assert judged(call(route, 200, 12)) == "right"
    assert judged(call(route, 200, 13)) == "wrong"
    assert judged(call("/tokenize", 200, 13), dialect="vllm") == "wrong"
    assert judged(call(route, 200, 12), call(route, 529, 13)) == "right"
    assert judged(call(route, 200, 12), call("/health", 200, 13)) == "right"
    assert judged(call(route, 529, 13)) == "nothing"
    assert judged(call(route, 200, 13), status=500) == "nothing"


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_compaction_need_not_be_offered(status: int, tells: Tells) -> None:
    """A server without compaction refuses the route and the trigger alike."""
    trigger = _http(status, _error(), asked={"input": [{"type": "compaction_trigger"}]})
    assert tells("compaction.trigger", _made(trigger)) == "right"
    assert tells("compaction.object", _made(_http(status, _error(), path="/responses/compact"))) == "right"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "right"),
        ({"object": "response"}, "wrong"),
        ({"id": ""}, "wrong"),
        ({"created_at": "now"}, "wrong"),
        ({"usage": None}, "wrong"),
        ({"output": []}, "wrong"),
        ({"output": [_BLOB, {"type": "message"}]}, "wrong"),
        ({"output": [{**_BLOB, "encrypted_content": ""}]}, "wrong"),
        ({"output": [_BLOB, _BLOB]}, "wrong"),
        ({"output": [{"type": "message"}, _BLOB]}, "right"),
    ],
)
def test_a_compacted_conversation_has_its_keys(change: Body, told: str, tells: Tells) -> None:
    """Each key of `response.compaction` is looked at, and where the one item stands."""
    whole = {"id": "resp_c", "object": "response.compaction", "created_at": 1, "output": [_BLOB], "usage": {}}
    answer = {**whole, **change}
    assert tells("compaction.object", _made(_http(200, answer, path="/responses/compact"))) == told
    assert tells("compaction.object", _made(_http(500, answer, path="/responses/compact"))) == "wrong"


@pytest.mark.parametrize(
    ("output", "told"), [([_BLOB], "right"), ([], "wrong"), ([{"type": "message"}], "wrong"), ([_BLOB, _BLOB], "wrong")]
)
def test_a_trigger_is_answered_by_one_item(output: list[Body], told: str, tells: Tells) -> None:
    """One `compaction` item and nothing else."""
    trigger = _http(200, {**_ANSWER, "output": output}, asked={"input": [{"type": "compaction_trigger"}]})
    assert tells("compaction.trigger", _made(trigger)) == told


@pytest.mark.parametrize("status", [400, 422])
def test_json_mode_may_be_refused(status: int, tells: Tells) -> None:
    """A request that Messages has no mode for is refused with either status, whatever was asked before it."""
    json_mode = {"text": {"format": {"type": "json_object"}}}
    refused = _http(status, _error(), asked=json_mode)
    assert tells("upstream.json-mode-told", _made(refused)) == "right"
    tried = UpstreamCall("POST", "/", "", (), b"{}", {"model": "m", "messages": []}, 0.1, answer=0, status=400)
    refused = _http(status, _error(), asked=json_mode, upstream=(tried,))
    assert tells("upstream.json-mode-told", _made(refused)) == "right"


@pytest.mark.parametrize("status", [400, 413, 415, 422, 501])
@pytest.mark.parametrize("kind", ["input_audio", "input_video"])
def test_an_attachment_may_be_refused_with_any_fitting_status(status: int, kind: str, tells: Tells) -> None:
    """None of these statuses drops it in silence; 200 with nothing upstream does."""
    part = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    if kind == "input_video":
        part = {"type": "input_video", "video_url": "https://example.org/a.mp4"}
    asked = {"input": [{"type": "message", "role": "user", "content": [part]}]}
    assert tells("upstream.files-arrive", _made(_http(status, _error(), asked=asked))) == "right"
    silent = UpstreamCall("POST", "/", "", (), b"", {"model": "m", "messages": []}, 0.1, answer=0, status=200)
    assert tells("upstream.files-arrive", _made(_http(200, _ANSWER, asked=asked, upstream=(silent,)))) == "wrong"


@pytest.mark.parametrize("kind", ["input_file", "input_audio", "input_video"])
@pytest.mark.parametrize("place", ["content", "output"])
def test_a_refusal_names_the_kind_of_part(kind: str, place: str, tells: Tells) -> None:
    """By its type, wherever the part stood: in a message or in a tool's output."""
    part = {"type": kind, "file_id": "file-1", "input_audio": {}, "video_url": "https://example.org/a.mp4"}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": [part]}
    message = {"type": "message", "role": "user", "content": [part]}
    asked = {"input": [call, result] if place == "output" else [message]}
    named = _made(_http(422, _error(message=f"{kind} cannot be read here."), asked=asked))
    assert tells("refusal.names-part", named) == "right"
    assert tells("refusal.names-part", _made(_http(422, _error(), asked=asked))) == "wrong"
    failed = UpstreamCall("POST", "/", "", (), b"", {}, 0.1, answer=0, status=400)
    assert tells("refusal.names-part", _made(_http(400, _error(), asked=asked, upstream=(failed,)))) == "nothing"


def _words(literal: object) -> list[str]:
    return [word for one in get_args(literal) for word in (_words(one) or [one]) if isinstance(word, str)]


LISTED: Sequence[tuple[tuple[str, ...], str]] = [
    *((("reasoning", "effort"), word) for word in _words(ReasoningEffort)),
    *((("reasoning", "summary"), word) for word in ("auto", "concise", "detailed")),
    *((("text", "verbosity"), word) for word in ("low", "medium", "high")),
    *((("text", "format", "type"), word) for word in ("text", "json_object", "json_schema")),
    *((("truncation",), word) for word in ("auto", "disabled")),
]


def _with(path: tuple[str, ...], word: str) -> Body:
    value: Any = word
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def test_the_words_of_the_api_are_those_of_its_sdk() -> None:
    """What the next test goes through is what the installed SDK lists."""
    hints = response_create_params.ResponseCreateParamsBase.__annotations__
    assert len(_words(ReasoningEffort)) >= 7
    assert "auto" in str(hints["truncation"])
    assert "disabled" in str(hints["truncation"])


@pytest.mark.parametrize(("path", "word"), LISTED)
def test_a_word_that_the_api_lists_is_not_held_to_be_unlisted(path: tuple[str, ...], word: str, tells: Tells) -> None:
    """Each is none of the rule's business; with a letter more it is."""
    assert tells("refusal.unlisted-value", _made(_http(200, _ANSWER, asked=_with(path, word)))) == "nothing"
    assert tells("refusal.unlisted-value", _made(_http(200, _ANSWER, asked=_with(path, word + "s")))) == "wrong"
    for status in (400, 422):
        refused = _made(_http(status, _error(), asked=_with(path, word + "s")))
        assert tells("refusal.unlisted-value", refused) == "right"


@pytest.mark.parametrize("status", [400, 422])
def test_an_impossible_choice_is_refused_with_either_status(status: int, tells: Tells) -> None:
    """A tool that only the service runs cannot be forced beside one that the client runs, either."""
    tools = [{"type": "web_search"}, {"type": "function", "name": "get_time", "parameters": {}}]
    for choice in ({"type": "function", "name": "web_search"}, {"type": "function", "name": "get_tides"}):
        asked = {"tools": tools, "tool_choice": choice}
        assert tells("refusal.impossible-choice", _made(_http(status, _error(), asked=asked))) == "right"
        assert tells("refusal.impossible-choice", _made(_http(200, _ANSWER, asked=asked))) == "wrong"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        *((kind, "right") for kind in ("invalid_request", "model_error", "not_found", "server_error")),
        *((kind, "right") for kind in ("too_many_requests", "insufficient_quota", "requests", "tokens")),
        *((kind, "right") for kind in ("invalid_request_error", "overloaded_error")),
        *((kind, "wrong") for kind in ("ValueError", "BadRequest", "InvalidRequest_error", "_error", "")),
    ],
)
def test_types_of_errors_are_words_of_a_specification(kind: str, told: str, tells: Tells) -> None:
    """Open Responses' words and those of OpenAI's form pass; a class of Python does not."""
    assert tells("error.type-known", _made(_http(200, _ANSWER), _http(400, _error(type=kind)))) == told
    assert tells("error.type-known", _made(_http(399, _error(type=kind)))) == "nothing"


@pytest.mark.parametrize(
    ("rule", "kind", "right", "wrong"),
    [
        ("error.transient-code", "server_error", "server_error", "server_is_overloaded"),
        ("error.transient-code", "overloaded", "server_error", "server_is_overloaded"),
        ("error.final-code", "bad_request", "invalid_prompt", "server_error"),
        ("error.final-code", "unknown_model", "model_not_found", "server_error"),
        ("error.model-not-found-code", "unknown_model", "model_not_found", "invalid_prompt"),
        ("error.context-length-code", "context_length", "context_length_exceeded", "invalid_prompt"),
    ],
)
def test_a_failure_in_mid_stream_has_the_code_of_its_kind(
    rule: str, kind: str, right: str, wrong: str, tells: Tells
) -> None:
    """Each kind of failure is judged, in the terminal event, and told by its own code."""
    assert tells(rule, _made(_failed_stream(_said(kind), code=right))) == "right"
    assert tells(rule, _made(_failed_stream(_said(kind), code=wrong))) == "wrong"
    assert tells(rule, _made(_failed_stream(_said("auth"), code=wrong))) == "nothing"


def test_a_whole_answer_that_failed_tells_the_code_too(tells: Tells) -> None:
    """A JSON response with status failed is judged like the event; an error beside success is none."""
    failed = {**_ANSWER, "status": "failed", "error": {"code": "server_error", "message": "No such model."}}
    assert tells("error.model-not-found-code", _made(_http(200, failed, said=_said("unknown_model")))) == "wrong"
    whole = {**failed, "status": "completed"}
    assert tells("error.model-not-found-code", _made(_http(200, whole, said=_said("unknown_model")))) == "nothing"


@pytest.mark.parametrize("word", ["None", "null", "undefined"])
@pytest.mark.parametrize("key", ["type", "param", "code"])
def test_a_key_without_a_value_is_null(word: str, key: str, tells: Tells) -> None:
    """The word for nothing, of whatever language, is not nothing."""
    assert tells("failure.no-literal-none", _made(_http(400, _error(**{key: word})))) == "wrong"
    assert tells("failure.no-literal-none", _made(_http(400, _error(**{key: "other"})))) == "right"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("No field named {city}.", "right"),
        ('Error code: 400 - {"error": {"message": "No."}}', "wrong"),
        ('{"error": "No."}', "wrong"),
        ("[1, 2]", "right"),
    ],
)
def test_a_brace_is_no_envelope(message: str, told: str, tells: Tells) -> None:
    """Words with a brace in them are words; an object at the end is the upstream's error."""
    assert tells("failure.one-envelope", _made(_http(400, _error(message=message)))) == told


@pytest.mark.parametrize("finish", ["error", "abort", "network_error", "insufficient_system_resource"])
def test_each_word_for_an_error_ends_failed(finish: str, tells: Tells) -> None:
    """What the engines and services say when they gave up."""
    said = Said((SaidItem("text", "So", 1),), None, frozenset({"failed", "completed"}), finish=finish)
    assert tells("ending.reported-error-fails", _made(_failed_stream(said), dialect="vllm")) == "right"
    ended = {"type": "response.completed", "response": {**_ANSWER}}
    body = (Received(0.1, f"data: {json.dumps(ended)}\n\n".encode()),)
    completed = _failed_stream(said)
    completed.received = body
    assert tells("ending.reported-error-fails", _made(completed, dialect="vllm")) == "wrong"


@pytest.mark.parametrize(
    ("ended", "kind", "told"),
    [
        ("client-gone", "completion", "right"),
        ("cut", "completion", "wrong"),
        ("complete", "completion", "nothing"),
        ("refused", "completion", "nothing"),
        ("cut", "probe", "nothing"),
    ],
)
def test_a_call_that_had_ended_cannot_be_cancelled(ended: Any, kind: Any, told: str, tells: Tells) -> None:
    """Only a completion that was still running when the client left says whether it was closed, each of them."""
    before = UpstreamCall("POST", "/", "", (), b"", {}, 0.0, "completion", ended="complete")
    call = UpstreamCall("POST", "/", "", (), b"", {}, 0.1, kind, ended=ended)
    left = _http(200, None, asked={"store": False}, ended="client-left", upstream=(before, call))
    assert tells("delivery.cancels-when-client-leaves", _made(left)) == told
    kept = _http(200, None, asked={"store": True}, ended="client-left", upstream=(call,))
    assert tells("delivery.cancels-when-client-leaves", _made(kept)) == "nothing"


@pytest.mark.parametrize(
    ("tag", "rule"), [("endless-line", "flow.line-bounded"), ("stops-reading", "flow.backpressure")]
)
def test_only_a_completion_that_was_answered_says_how_much_was_read(tag: str, rule: str, tells: Tells) -> None:
    """A probe, and a call that nothing was sent for, are no floods."""

    def flooded(kind: Any, ended: Any, *sent: Sent) -> Transcript:
        call = UpstreamCall("POST", "/", "", (), b"", {}, 0.1, kind, sent=list(sent), ended=ended)
        return _made(_http(200, None, upstream=(call,)), tags=frozenset({tag}))

    poured = Sent(0.1, b"data")
    assert tells(rule, flooded("completion", "client-gone", poured)) == "right"
    assert tells(rule, flooded("completion", "complete", poured)) == "wrong"
    assert tells(rule, flooded("probe", "complete", poured)) == "nothing"
    assert tells(rule, flooded("completion", "complete")) == "nothing"


@pytest.mark.parametrize("key", ["object", "data", "first_id", "last_id", "has_more"])
def test_a_list_of_input_items_has_each_of_its_keys(key: str, tells: Tells) -> None:
    """A list without one of the keys is none that an SDK can page through."""
    listed: Body = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    kept = _http(200, _ANSWER, asked={"store": True})

    def judged(answer: Body, status: int = 200) -> str:
        fetched = _http(status, answer, method="GET", path="/responses/resp_1/input_items")
        return tells("endpoint.input-items", _made(kept, fetched))

    assert judged(listed) == "right"
    assert judged(listed, 201) == "wrong"
    assert judged({name: value for name, value in listed.items() if name != key}) == "wrong"
    assert judged({**listed, "data": {}}) == "wrong"


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"id": "resp_1", "object": "response", "deleted": True}, "right"),
        (202, {"id": "resp_1", "object": "response", "deleted": True}, "wrong"),
        (200, {"id": "resp_1", "object": "response", "deleted": "yes"}, "wrong"),
        (200, {"id": "resp_1", "object": "response", "deleted": False}, "wrong"),
        (200, {"id": "resp_2", "object": "response", "deleted": True}, "wrong"),
        (200, {"error": {"message": "No."}}, "wrong"),
        (200, {"deleted": True}, "right"),
        (200, {}, "right"),
        (204, None, "right"),
    ],
)
def test_a_deletion_says_nothing_else(status: int, answer: Any, told: str, tells: Tells) -> None:
    """Where it says an id, it is that of what was asked for, and nothing that it says denies that it is gone."""
    kept = _http(200, _ANSWER, asked={"store": True})
    gone = _http(status, answer, method="DELETE", path="/responses/resp_1")
    assert tells("endpoint.deleted", _made(kept, gone)) == told


def test_what_another_client_is_refused_is_no_fault_of_the_store(tells: Tells) -> None:
    """A deletion with another key, or none, must not succeed, and need not."""
    other = (("authorization", "Bearer b"),)
    stored = _http(200, _ANSWER, asked={"store": True}, headers=(("authorization", "Bearer a"),))
    last = _http(401, _error(), path="/responses/resp_1", method="GET", headers=other)
    for headers in (other, ()):
        for status, access in ((401, "right"), (200, "wrong")):
            tried = _http(status, _error(), method="DELETE", path="/responses/resp_1", headers=headers)
            transcript = _made(stored, tried, last, tags=frozenset({"wrong-key"}))
            assert tells("endpoint.deleted", transcript) == "nothing"
            assert tells("access.wrong-key-refused", transcript) == access


@pytest.mark.parametrize(
    ("status", "must", "should"),
    [
        (429, "right", "right"),
        (503, "right", "right"),
        (529, "right", "right"),
        (500, "right", "wrong"),
        (502, "right", "wrong"),
        (400, "wrong", "wrong"),
        (200, "wrong", "wrong"),
    ],
)
def test_an_overload_is_a_failure_of_the_server(status: int, must: str, should: str, tells: Tells) -> None:
    """SDKs try again at each 5xx and at 429; which of them it is helps whoever reads it."""
    said = Said((), None, frozenset({"http-error", "failed"}), error="Busy.", error_kind="overloaded", status=503)
    transcript = _made(_http(status, _error(), said=said))
    assert tells("failure.server-error-kept", transcript) == must
    assert tells("failure.overload-kept", transcript) == should


@pytest.mark.parametrize(("status", "told"), [(400, "wrong"), (401, "right"), (403, "wrong"), (399, "nothing")])
def test_a_wrong_key_is_a_401(status: int, told: str, tells: Tells) -> None:
    """Every refusal with another status hides that it is the key."""
    transcript = _made(_http(status, _error()), tags=frozenset({"wrong-key"}))
    assert tells("access.wrong-key-401", transcript) == told
    refused = "right" if status in (401, 403) else "wrong"
    assert tells("access.wrong-key-refused", transcript) == refused
