"""Boundaries: every word and value at which a rule about the target's stream changes its mind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from openai.types.responses import ResponseError

from conformance.miniatures.edits import encode
from conformance.rules import Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall

Body = dict[str, Any]
Breaks = Callable[[str, Transcript], list[Violation]]
Sees = Callable[[str, Transcript], int]
Tells = Callable[[str, Transcript], str]

_SSE = (("content-type", "text/event-stream"),)


@pytest.fixture
def tells(breaks: Breaks, sees: Sees) -> Tells:
    """What a rule says of a transcript: "wrong", "right", or "nothing"."""

    def judged(rule: str, transcript: Transcript) -> str:
        return "wrong" if breaks(rule, transcript) else "right" if sees(rule, transcript) else "nothing"

    return judged


def _stream(*events: Body, asked: Body | None = None, **more: Any) -> Exchange:
    body = b"".join(encode({**event, "sequence_number": number}) for number, event in enumerate(events))
    request = ClientRequest("POST", "/responses", (), {"model": "m", "stream": True, "input": "x", **(asked or {})})
    return Exchange(request, 200, _SSE, (Received(0.1, body),), **more)


def _made(*exchanges: Exchange) -> Transcript:
    return Transcript("case", "vllm", [Drive("stream", list(exchanges))])


def _ended(status: str, **response: Any) -> Body:
    return {"type": f"response.{status}", "response": {"id": "resp_1", "status": status, "output": [], **response}}


def _item(kind: str, step: str = "done", /, number: int = 0, **keys: Any) -> Body:
    return {
        "type": f"response.output_item.{step}",
        "output_index": number,
        "item": {"type": kind, "id": f"item_{number}", **keys},
    }


KNOWN = (
    *get_args(ResponseError.model_fields["code"].annotation),
    "content_policy_violation",
    "context_length_exceeded",
    "insufficient_quota",
    "model_not_found",
    "server_is_overloaded",
    "slow_down",
    "usage_not_included",
)


@pytest.mark.parametrize(
    ("code", "told"),
    [*((code, "right") for code in KNOWN), ("ValueError", "wrong"), ("500", "wrong"), (None, "nothing")],
)
def test_codes_that_sdks_list_or_clients_know_are_known(code: Any, told: str, tells: Tells) -> None:
    """The SDK's enumeration, and the words by which Codex decides; a class of Python is neither."""
    failed = _stream(_ended("failed", error={"code": code, "message": "No."}))
    assert tells("response.error-code-known", _made(_stream(_ended("completed")), failed)) == told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"code": "server_error", "message": "No."}, "right"),
        ({"code": "", "message": "No."}, "wrong"),
        ({"code": "server_error", "message": ""}, "wrong"),
        ({"code": 500, "message": "No."}, "wrong"),
        ({"message": "No."}, "wrong"),
        ({"code": "server_error"}, "wrong"),
    ],
)
def test_a_failure_has_a_code_and_a_message(keys: Body, told: str, tells: Tells) -> None:
    """Both of them strings, both not empty, after whatever else was answered."""
    transcript = _made(_stream(_ended("completed")), _stream(_ended("failed", error=keys)))
    assert tells("response.error-shape", transcript) == told
    assert tells("ending.failed-response-names-error", transcript) == told


@pytest.mark.parametrize(
    ("status", "times", "told"),
    [
        ("completed", {"created_at": 1764000000, "completed_at": 1764000000}, "right"),
        ("completed", {"created_at": 1764000000, "completed_at": 1763999999}, "wrong"),
        ("completed", {"created_at": 1764000000, "completed_at": "now"}, "wrong"),
        ("completed", {"created_at": 1764000000, "completed_at": None}, "nothing"),
        ("completed", {"created_at": 1764000000}, "nothing"),
        ("incomplete", {"created_at": 1764000000, "completed_at": 1764000001}, "wrong"),
        ("incomplete", {"created_at": 1764000000, "completed_at": None}, "nothing"),
    ],
)
def test_only_what_is_completed_has_a_time_of_it(status: str, times: Body, told: str, tells: Tells) -> None:
    """In the same second at the earliest."""
    assert tells("response.completed-at", _made(_stream(_ended(status, **times)))) == told


@pytest.mark.parametrize(
    ("status", "details", "told"),
    [
        ("completed", {}, "right"),
        ("completed", {"error": {"code": "server_error"}}, "wrong"),
        ("completed", {"incomplete_details": {"reason": "max_output_tokens"}}, "wrong"),
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "right"),
        ("incomplete", {"error": {"code": "server_error"}}, "wrong"),
        ("failed", {"error": {"code": "server_error"}}, "right"),
        ("failed", {"incomplete_details": {"reason": "max_output_tokens"}}, "wrong"),
    ],
)
def test_each_end_has_its_own_details(status: str, details: Body, told: str, tells: Tells) -> None:
    """`error` belongs to a failure, `incomplete_details` to a cut, and nothing to success."""
    assert tells("response.only-its-own-details", _made(_stream(_ended(status, **details)))) == told


PAYLOAD: Body = {"type": "server_error", "code": None, "message": "It broke.", "param": None}


@pytest.mark.parametrize("key", sorted(PAYLOAD))
def test_a_nested_error_has_each_of_its_keys(key: str, tells: Tells) -> None:
    """Each must be there; `code` and `param` may be null, `type` and `message` may not."""

    def judged(payload: Body) -> str:
        return tells("stream.error-event-nested", _made(_stream({"type": "error", "error": payload})))

    assert judged(PAYLOAD) == "right"
    assert judged({name: value for name, value in PAYLOAD.items() if name != key}) == "wrong"
    assert judged({**PAYLOAD, key: None}) == ("right" if key in ("code", "param") else "wrong")
    assert judged({**PAYLOAD, key: 5}) == "wrong"
    assert judged({**PAYLOAD, key: "word"}) == "right"


ECHOED = {
    "instructions": ("Be brief.", "Be long."),
    "max_output_tokens": (100, 200),
    "metadata": ({"a": "1"}, {"a": "2"}),
    "parallel_tool_calls": (False, True),
    "previous_response_id": ("resp_0", "resp_9"),
    "temperature": (0.5, 0.7),
    "top_p": (0.25, 0.5),
    "truncation": ("auto", "disabled"),
}


@pytest.mark.parametrize("key", sorted(ECHOED))
def test_each_setting_is_echoed_as_asked_or_as_applied(key: str, tells: Tells) -> None:
    """The client's value, or the one that went upstream; a stream that failed before is not the last word."""
    asked, other = ECHOED[key]
    rule = "response.echoes-settings"
    failed = _stream(_ended("failed", **{key: other}), asked={key: asked})

    def echoing(value: Any, *calls: UpstreamCall) -> Transcript:
        return _made(failed, _stream(_ended("completed", **{key: value}), asked={key: asked}, upstream=calls))

    assert tells(rule, echoing(asked)) == "right"
    assert tells(rule, echoing(other)) == "wrong"
    assert tells(rule, _made(failed)) == "nothing"
    names = ("max_tokens", "max_completion_tokens") if key == "max_output_tokens" else (key,)
    for name in names:
        applied = UpstreamCall("POST", "/", "", (), b"", {name: other}, 0.1)
        assert tells(rule, echoing(other, applied)) == "right"
        assert tells(rule, echoing("neither", applied)) == "wrong"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (["completed", "incomplete"], "right"),
        (["incomplete"], "right"),
        (["incomplete", "completed"], "wrong"),
        (["completed", "incomplete", "completed"], "wrong"),
        (["completed", "completed"], "nothing"),
        ([], "nothing"),
    ],
)
@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_nothing_follows_an_incomplete_item(output: list[str], told: str, status: str, tells: Tells) -> None:
    """In a response of either end; of a failed one nothing is said."""
    items = [{"type": "message", "id": f"m{n}", "status": one, "content": []} for n, one in enumerate(output)]
    before = _stream(_ended("failed", output=items))
    assert tells("item.incomplete-is-last", _made(before, _stream(_ended(status, output=items)))) == told
    assert tells("item.incomplete-is-last", _made(before)) == "nothing"


@pytest.mark.parametrize("key", ["summary", "content"])
@pytest.mark.parametrize(("text", "told"), [("Thinking.", "right"), ("", "wrong")])
def test_a_thought_without_text_has_no_part(key: str, text: str, told: str, tells: Tells) -> None:
    """Neither a summary nor raw reasoning holds an empty part; an item without any is right."""
    thought = _item("reasoning", summary=[], content=[])
    part = {"type": "summary_text" if key == "summary" else "reasoning_text", "text": text}
    transcript = _made(_stream(_item("message", content=[]), _item("reasoning", "done", 1, **{key: [part]})))
    assert tells("item.no-empty-reasoning-part", transcript) == told
    assert tells("item.no-empty-reasoning-part", _made(_stream(thought))) == "right"


@pytest.mark.parametrize(
    ("blob", "told"),
    [
        ("b3BhcXVl", "right"),
        ("The user wants the weather of Oslo, I think.", "wrong"),
        ("{'text': 'The user wants the weather of Oslo, I think.'}", "wrong"),
        ("It rains in Oslo, and it will for some days yet.", "right"),
        ("", "nothing"),
    ],
)
def test_a_blob_may_hold_anything_but_the_thoughts(blob: str, told: str, tells: Tells) -> None:
    """What was said aloud is no secret; what was thought is."""
    said = Said(
        (
            SaidItem("reasoning", "The user wants the weather of Oslo, I think.", 1),
            SaidItem("text", "It rains in Oslo, and it will for some days yet.", 1),
        ),
        None,
        frozenset({"completed"}),
    )
    transcript = _made(_stream(_item("reasoning", encrypted_content=blob, summary=[]), said=said))
    assert tells("content.encrypted-is-opaque", transcript) == told


@pytest.mark.parametrize("key", ["id", "call_id", "status", "type"])
def test_an_item_keeps_each_mark_of_its_identity(key: str, tells: Tells) -> None:
    """A mark that stands on both sides is the same on both; one that stands on one side only is another rule's."""
    done = {"type": "function_call", "id": "item_0", "call_id": "call_1", "status": "completed", "name": "f",
            "arguments": "{}"}  # fmt: skip

    def judged(item: Body, final: Body) -> str:
        events = (
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            _ended("completed", output=[final]),
        )
        return tells("content.response-keeps-identities", _made(_stream(*events)))

    assert judged(done, done) == "right"
    if key != "type":
        assert judged(done, {**done, key: "another"}) == "wrong"
    if key in ("call_id", "status"):
        without = {name: value for name, value in done.items() if name != key}
        assert judged(without, done) == "right"
        assert judged(done, without) == "right"


def test_content_that_is_announced_and_not_streamed_is_not_doubled(tells: Tells) -> None:
    """An item may be announced whole where no delta follows."""
    part = {"type": "output_text", "text": "Whole.", "annotations": []}
    announced = _item("message", "added", content=[part])
    done = _item("message", content=[part])
    text_done = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Whole."}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Whole."}
    assert tells("item.not-announced-twice", _made(_stream(announced, text_done, done))) == "nothing"
    assert tells("item.not-announced-twice", _made(_stream(announced, delta, text_done, done))) == "wrong"


@pytest.mark.parametrize(("kept", "told"), [((0, 1), "right"), ((0,), "wrong"), ((1,), "wrong"), ((), "nothing")])
def test_a_failed_response_that_has_an_output_has_what_was_done(kept: tuple[int, ...], told: str, tells: Tells) -> None:
    """Where nothing was done, and where there is no output, nothing can be missing."""
    rule = "ending.failed-keeps-done-items"
    items = [_item("message", number=0, content=[]), _item("message", number=1, content=[])]
    failed = _ended("failed", output=[items[number]["item"] for number in kept])
    assert tells(rule, _made(_stream(*items, failed))) == told
    assert tells(rule, _made(_stream(failed))) == "nothing"
    assert tells(rule, _made(_stream(_item("message", "added", content=[]), failed))) == "nothing"


@pytest.mark.parametrize(("status", "told"), [("completed", "right"), (None, "wrong"), (5, "wrong")])
def test_a_status_is_a_word(status: Any, told: str, tells: Tells) -> None:
    """Null and a number are none."""
    assert tells("item.status-present", _made(_stream(_item("message", content=[], status=status)))) == told


@pytest.mark.parametrize(
    ("said", "got", "complete", "told"),
    [
        ("get_weather", "get_weather", True, "right"),
        ("get_weather", "get_time", True, "wrong"),
        ("wiki__find", "get_time", True, "right"),
        ("wiki__find", "wiki__find", True, "right"),
        ("wiki__find", "find", True, "wrong"),
        ("wiki__find", None, True, "wrong"),
        ("wiki__find", ["get_time"], True, "wrong"),
        ("get_wea", "get_we", False, "right"),
    ],
)
def test_a_call_has_the_name_that_was_said_or_one_that_was_declared(
    said: str, got: Any, complete: bool, told: str, tells: Tells
) -> None:
    """A name of the target's own making becomes one of the client's; no name becomes one that nobody knows."""
    tools: list[Body] = [{"type": "function", "name": name, "parameters": {}} for name in ("get_weather", "get_time")]
    call = SaidItem("call", "{}", 1, complete, name=said, call_id="call_1")
    item = _item("function_call", name=got, call_id="call_1", arguments="{}", status="completed")
    ended = _ended("completed", output=[item["item"]])
    upstream = Said((call,), None, frozenset({"completed"}))
    transcript = _made(_stream(item, ended, asked={"tools": tools}, said=upstream))
    assert tells("content.call-names-equal-upstream", transcript) == told


@pytest.mark.parametrize(
    ("status", "parts", "told"),
    [
        ("completed", [{"type": "refusal", "refusal": "I cannot."}], "right"),
        ("completed", [{"type": "output_text", "text": "I cannot."}], "right"),
        ("completed", [{"type": "output_text", "text": " "}], "wrong"),
        ("completed", [], "wrong"),
        ("failed", [{"type": "output_text", "text": "I cannot."}], "wrong"),
        ("incomplete", [], "right"),
    ],
)
def test_a_refusal_without_words_is_told_in_some_way(status: str, parts: list[Body], told: str, tells: Tells) -> None:
    """By a part, in the target's own words, or as a filter's; an empty answer that completes tells nothing."""
    said = Said((), None, frozenset({"completed"}), finish="refusal")
    item = _item("message", content=parts, status="completed")
    ended = _ended(status, output=[item["item"]], incomplete_details={"reason": "content_filter"})
    assert tells("ending.refusal-is-told", _made(_stream(item, ended, said=said))) == told


@pytest.mark.parametrize(("kind", "told"), [("message", "right"), ("acme:note", "right"), ("thinking", "wrong")])
def test_a_type_that_only_the_final_output_has_is_looked_at(kind: str, told: str, tells: Tells) -> None:
    """An item need not have had events of its own."""
    assert tells("item.known-types", _made(_stream(_ended("completed", output=[{"type": kind}])))) == told


@pytest.mark.parametrize(
    ("thought", "blob", "told"),
    [
        ("It is twelve", "It is twelve", "wrong"),
        ("It is twelve", "b3BhcXVl", "right"),
        ("It is short", "It is short", "nothing"),
    ],
)
def test_a_thought_of_a_few_words_is_known_again(thought: str, blob: str, told: str, tells: Tells) -> None:
    """From twelve characters on; shorter ones stand in a blob by chance."""
    said = Said((SaidItem("reasoning", thought, 1),), None, frozenset({"completed"}))
    stream = _stream(_item("reasoning", encrypted_content=blob, summary=[]), said=said)
    assert tells("content.encrypted-is-opaque", _made(stream)) == told


DONE = {
    "output_text": ("content.text-done-equals-deltas", "text", {"type": "message", "content": []}),
    "refusal": ("content.refusal-done-equals-deltas", "refusal", {"type": "message", "content": []}),
    "reasoning_text": ("content.reasoning-done-equals-deltas", "text", {"type": "reasoning", "summary": []}),
    "reasoning_summary_text": ("content.reasoning-done-equals-deltas", "text", {"type": "reasoning", "summary": []}),
    "function_call_arguments": ("content.arguments-done-equals-deltas", "arguments", {"type": "function_call"}),
    "custom_tool_call_input": ("content.custom-input-done-equals-deltas", "input", {"type": "custom_tool_call"}),
}


@pytest.mark.parametrize("name", sorted(DONE))
@pytest.mark.parametrize(("done", "told"), [("one two", "right"), ("one", "wrong"), ("", "wrong")])
def test_what_is_done_is_what_was_streamed(name: str, done: str, told: str, tells: Tells) -> None:
    """For each kind of content: text, refusals, thoughts in full and in short, arguments, a custom tool's input."""
    rule, key, item = DONE[name]
    place: Body = {"output_index": 0, "item_id": "item_0"}
    place |= {"summary_index": 0} if "summary" in name else {"content_index": 0} if key in ("text", "refusal") else {}
    deltas = [{"type": f"response.{name}.delta", **place, "delta": delta} for delta in ("one", " two")]
    added: Body = {"type": "response.output_item.added", "output_index": 0, "item": {"id": "item_0", **item}}
    ended: Body = {"type": f"response.{name}.done", **place, key: done}
    assert tells(rule, _made(_stream(added, *deltas, ended))) == told
    assert tells(rule, _made(_stream(added, *deltas))) == "nothing"


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed"])
def test_what_the_final_output_has_was_streamed_in_that_order(status: str, tells: Tells) -> None:
    """Of an answer that a limit cut as of a whole one; a failure has an output of its own."""
    items = [_item("message", number=number, content=[]) for number in (0, 1)]
    first, second = (event["item"] for event in items)
    unknown = {"type": "message", "id": "item_9", "content": []}

    def judged(rule: str, *output: Body) -> str:
        told = tells(rule, _made(_stream(*items, _ended(status, output=list(output)))))
        assert status != "failed" or told == "nothing"
        return "nothing" if status == "failed" else told

    nothing = "nothing" if status == "failed" else None
    assert judged("response.output-in-order", first, second) == (nothing or "right")
    assert judged("response.output-in-order", second, first) == (nothing or "wrong")
    assert judged("response.output-in-order", first) == "nothing"
    assert judged("response.output-was-streamed", first, second) == (nothing or "right")
    assert judged("response.output-was-streamed", first, second, unknown) == (nothing or "wrong")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("message", "right"),
        ("function_call", "right"),
        ("custom_tool_call", "right"),
        ("reasoning", "wrong"),
        (None, "wrong"),
    ],
)
def test_an_answer_without_a_reason_holds_something(kind: str | None, told: str, tells: Tells) -> None:
    """A message or a call, that was done or stands in the output; thoughts alone are no answer."""
    said = Said((), None, frozenset({"completed", "failed"}))
    done = [_item(kind)] if kind else []
    listed = _ended("completed", output=[{"type": kind, "id": "item_0"}] if kind else [])
    rule = "ending.doubtful-answer-has-content"
    assert tells(rule, _made(_stream(*done, _ended("completed"), said=said))) == told
    assert tells(rule, _made(_stream(listed, said=said))) == told
    assert tells(rule, _made(_stream(*done, _ended("failed"), said=said))) == "nothing"
    known = Said((), None, frozenset({"completed"}), finish="stop")
    assert tells(rule, _made(_stream(_ended("completed"), said=known))) == "nothing"


@pytest.mark.parametrize("kind", ["message", "reasoning"])
@pytest.mark.parametrize(("when", "told"), [("before", "right"), ("after", "wrong"), ("never", "wrong")])
def test_each_item_is_done_before_an_answer_is_cut(kind: str, when: str, told: str, tells: Tells) -> None:
    """Messages and thoughts; a call that was cut stays open."""
    rule, cut = "item.done-before-incomplete", _ended("incomplete")

    def judged(one: str) -> str:
        added, done = _item(one, "added", content=[]), _item(one, content=[])
        events = {"before": (added, done, cut), "after": (added, cut, done), "never": (added, cut)}[when]
        return tells(rule, _made(_stream(*events)))

    assert judged(kind) == told
    assert judged("function_call") == "nothing"


@pytest.mark.parametrize("key", ["error", "incomplete_details", "usage", "completed_at"])
@pytest.mark.parametrize("step", ["created", "in_progress"])
def test_nothing_final_stands_in_a_snapshot(key: str, step: str, tells: Tells) -> None:
    """Each of the keys is null or absent before the end."""

    def judged(**keys: Any) -> str:
        snapshot = {"type": f"response.{step}", "response": {"id": "resp_1", "status": "in_progress", **keys}}
        return tells("stream.snapshot-nothing-final", _made(_stream(snapshot)))

    assert judged() == "right"
    assert judged(**{key: None}) == "right"
    assert judged(**{key: {"code": "x"}}) == "wrong"
    assert judged(**{key: 0}) == "wrong"


REQUIRED = (
    *("id", "object", "created_at", "error", "incomplete_details", "instructions", "metadata", "model", "output"),
    *("parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p"),
)


@pytest.mark.parametrize("key", REQUIRED)
def test_each_field_that_openai_requires_is_looked_for(key: str, tells: Tells) -> None:
    """In a whole answer as at the end of a stream: null will do, nothing will not."""
    response: Body = {**dict.fromkeys(REQUIRED), "object": "response", "status": "completed", "output": []}
    less = {name: value for name, value in response.items() if name != key}

    def whole(body: Body) -> Transcript:
        request = ClientRequest("POST", "/responses", (), {"model": "m", "input": "x"})
        received = (Received(0.1, json.dumps(body).encode()),)
        return _made(Exchange(request, 200, (("content-type", "application/json"),), received))

    assert tells("json.openapi-fields", whole(response)) == "right"
    if key != "object":
        assert tells("json.openapi-fields", whole(less)) == "wrong"
    for status, rule in (("completed", "response.required-fields"), ("failed", "response.failed-whole")):
        ended = {"type": f"response.{status}", "response": response}
        assert tells(rule, _made(_stream(ended))) == "right"
        assert tells(rule, _made(_stream({**ended, "response": less}))) == "wrong"


@pytest.mark.parametrize(
    ("identity", "told"),
    [("c", "right"), ("c" * 64, "right"), ("c" * 65, "wrong"), ("", "wrong"), (None, "wrong"), (5, "wrong")],
)
def test_a_call_id_has_1_to_64_characters(identity: Any, told: str, tells: Tells) -> None:
    """When the call is announced and when it is done, each by itself."""
    rule = "item.call-id-usable"
    done = _item("function_call", call_id=identity)
    assert tells(rule, _made(_stream(done))) == told
    assert tells(rule, _made(_stream(_item("function_call", "added", call_id=identity)))) == told
    assert tells(rule, _made(_stream(_item("function_call", "added", call_id="c"), done))) == told
    assert tells(rule, _made(_stream({**_item("function_call", "added"), "item": None}, done))) == told


def test_an_id_that_two_items_have_is_told_once(breaks: Breaks) -> None:
    """Of the second, for the first had it rightly."""
    items = [_item("message", "added", number=n, content=[]) for n in (0, 1)]
    for event in items:
        event["item"] = {**event["item"], "id": "item_0"}
    (found,) = breaks("item.id-unique", _made(_stream(*items)))
    assert found.place.event == 1


@pytest.mark.parametrize(
    ("text", "complete", "arguments", "told"),
    [
        ("", True, "{}", "right"),
        ("", True, "", "wrong"),
        ("", False, "", "nothing"),
        ('{"a":1}', True, "", "nothing"),
    ],
)
def test_a_call_without_arguments_has_an_empty_object(
    text: str, complete: bool, arguments: str, told: str, tells: Tells
) -> None:
    """Where the call is whole: of one that was cut nobody knows what would have come."""
    said = Said((SaidItem("call", text, 1, complete, name="f", call_id="c"),), None, frozenset({"completed"}))
    item = _item("function_call", name="f", call_id="c", arguments=arguments)
    transcript = _made(_stream(item, _ended("completed", output=[item["item"]]), said=said))
    assert tells("content.no-arguments-are-an-object", transcript) == told


@pytest.mark.parametrize(
    ("numbers", "told"),
    [((0, 1, 2), "right"), ((1, 2, 3), "right"), ((2, 3), "wrong"), ((0, 2), "wrong"), ((0, 1, 3), "wrong")],
)
def test_numbers_go_up_by_one(numbers: tuple[int, ...], told: str, tells: Tells) -> None:
    """From 0 or 1; each gap counts."""
    body = b"".join(encode({"type": "response.in_progress", "sequence_number": number}) for number in numbers)
    stream = _stream()
    stream.received = (Received(0.1, body),)
    assert tells("sequence.contiguous", _made(stream)) == told


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
    body: bytes, ended: Any, told: str, tells: Tells
) -> None:
    """Half a character at the end of a body that broke off is no mistake in the encoding."""
    stream = _stream()
    stream.received, stream.ended = (Received(0.1, body),), ended
    assert tells("sse.utf-8", _made(stream)) == told


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
                                                         sees: Sees) -> None:  # fmt: skip
    """A frame of an event alone, or with empty data, is dispatched by SDKs; one CRLF among its lines is enough."""
    stream = _stream()
    stream.received = (Received(0.1, body),)
    assert tells("sse.data-in-every-frame", _made(stream)) == data
    assert sees("sse.data-in-every-frame", _made(stream)) == (1 if data == "right" else 0)
    assert tells("sse.line-feeds-only", _made(stream)) == feeds
