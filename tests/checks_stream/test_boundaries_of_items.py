"""Boundaries of items: every word and value at which a rule about one item changes its mind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.miniatures.edits import encode
from conformance.rules import Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall

Body = dict[str, Any]
Judge = Callable[[str, Transcript], list[Violation]]
Tells = Callable[[str, Transcript], str]

_SSE = (("content-type", "text/event-stream"),)


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


def test_an_id_that_two_items_have_is_told_once(violations: Judge) -> None:
    """Of the second, for the first had it rightly."""
    items = [_item("message", "added", number=n, content=[]) for n in (0, 1)]
    for event in items:
        event["item"] = {**event["item"], "id": "item_0"}
    (found,) = violations("item.id-unique", _made(_stream(*items)))
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
    said = Said((SaidItem("call", '{"a":1}', 1, name="f", call_id="c"),), None, frozenset({"completed"}))
    transcript = _made(_stream(done, _ended("completed", output=[item]), said=said))
    assert tells("content.arguments-byte-for-byte", transcript) == told


@pytest.mark.parametrize(
    ("text", "refusal", "of_text", "of_refusal"),
    [
        ("Let me see. ", "No, sorry.", "right", "right"),
        ("Let me see. No, sorry.", "", "right", "right"),
        ("Let me see. ", "", "right", "wrong"),
        ("Let me see. No, s", "", "wrong", "wrong"),
        ("Let me see. Yes, sir.", "", "wrong", "wrong"),
        ("Let me see. No, sorry.", "No, sorry.", "wrong", "right"),
        ("No, sorry.", "", "wrong", "wrong"),
    ],
)
def test_a_refusal_may_be_told_as_text(text: str, refusal: str, of_text: str, of_refusal: str, tells: Tells) -> None:
    """In its place behind the text, and once."""
    upstream = (SaidItem("text", "Let me see. ", 1), SaidItem("refusal", "No, sorry.", 1))
    said = Said(upstream, None, frozenset({"completed"}))
    parts = [("output_text", "text", text), ("refusal", "refusal", refusal)]
    content = [{"type": kind, key: words} for kind, key, words in parts if words]
    done = _item("message", role="assistant", status="completed", content=content)
    streamed = _stream(
        _item("message", "added", content=[]), done, _ended("completed", output=[done["item"]]), said=said
    )
    made = Transcript("case", "chat_completions", [Drive("stream", [streamed])])
    assert tells("content.text-equals-upstream", made) == of_text
    assert tells("content.refusal-equals-upstream", made) == of_refusal
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": [done["item"]]}
    json_type = (("content-type", "application/json"),)
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "stream": False, "input": "x"})
    whole = Exchange(request, 200, json_type, (Received(0.1, json.dumps(body).encode()),), said=said)
    assert (
        tells("json.text-equals-upstream", Transcript("case", "chat_completions", [Drive("json", [whole])])) == of_text
    )


@pytest.mark.parametrize(
    ("asked", "item", "summary", "told"),
    [
        (None, True, "", "nothing"),
        ({"effort": "high"}, True, "", "nothing"),
        ({"summary": "auto"}, True, "", "wrong"),
        ({"generate_summary": "concise"}, True, "", "wrong"),
        (None, False, "", "wrong"),
        (None, True, "Hm.", "right"),
        (None, True, "Ha.", "wrong"),
    ],
)
def test_reasoning_may_be_without_words_where_no_summary_was_asked_for(
    asked: Body | None, item: bool, summary: str, told: str, tells: Tells
) -> None:
    """Then an item stands for it; what is told is told rightly, whoever asked."""
    said = Said((SaidItem("reasoning", "Hm.", 1),), None, frozenset({"completed"}))
    words = [{"type": "summary_text", "text": summary}] if summary else []
    output = [_item("reasoning", summary=words, encrypted_content="blob")] if item else []
    items = [one["item"] for one in output]
    request = {"reasoning": asked} if asked else {}
    streamed = _stream(*output, _ended("completed", output=items), asked=request, said=said)
    assert tells("content.reasoning-equals-upstream", _made(streamed)) == told


@pytest.mark.parametrize(
    ("echoed", "told"),
    [(["get_weather", "get_time"], "right"), (["get_time"], "right"), (["get_weather"], "wrong"), ([], "wrong")],
)
def test_the_tools_that_the_model_had_may_be_echoed(echoed: list[str], told: str, tells: Tells) -> None:
    """All that were declared, or those that were allowed."""
    tools = {name: {"type": "function", "name": name, "parameters": {}} for name in ("get_weather", "get_time")}
    limit = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}
    asked = {"tools": list(tools.values()), "tool_choice": limit}
    ended = _ended("completed", tools=[tools[name] for name in echoed])
    assert tells("response.echoes-tools", _made(_stream(ended, asked=asked))) == told


@pytest.mark.parametrize(("echoed", "told"), [("detailed", "right"), ("auto", "right"), (None, "wrong")])
def test_any_word_for_a_summary_may_be_echoed(echoed: str | None, told: str, tells: Tells) -> None:
    """No upstream here has the choice; that one was asked for is not taken back."""
    call = UpstreamCall("POST", "/", "", (), b"", {"model": "m", "messages": []}, 0.1, answer=0, status=200)
    ended = _ended("completed", reasoning={"summary": echoed})
    asked = {"reasoning": {"summary": "detailed"}}
    assert tells("response.echoes-format", _made(_stream(ended, asked=asked, upstream=(call,)))) == told
