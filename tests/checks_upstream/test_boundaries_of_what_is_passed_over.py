"""Boundaries: what a rule passes over, and that it goes on with what comes after that."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.rules import Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Judge = Callable[[str, Transcript], list[Violation]]
Tells = Callable[[str, Transcript], str]

_HI: Body = {"type": "message", "role": "user", "content": "Hi."}
_NONE: Body = {"type": "object", "properties": {}}
_FUNCTION: Body = {"type": "function", "name": "f", "parameters": _NONE}
_SENT_FUNCTION: Body = {"type": "function", "function": {"name": "f", "parameters": _NONE}}
_RESPONSE: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}


def _turn(
    asked: Body, sent: Body | None = None, *, answer: Body | None = None, status: int = 200, said: Said | None = None
) -> Exchange:
    """A request, what went upstream for it, and what came back."""
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": [_HI], **asked})
    received = (Received(0.1, json.dumps(answer or _RESPONSE).encode()),)
    calls = () if sent is None else (_call(sent),)
    return Exchange(request, status, (("content-type", "application/json"),), received, upstream=calls, said=said)


def _call(sent: Body, wrote: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> UpstreamCall:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], **sent}
    written = [Sent(0.1, wrote)] if wrote else []
    return UpstreamCall(
        "POST", "/", "", headers, json.dumps(body).encode(), body, 0.1, answer=0, status=200, sent=written
    )


def _made(*exchanges: Exchange, dialect: Dialect = "vllm") -> Transcript:
    return Transcript("a", dialect, [Drive("json", list(exchanges))])


def _item_call(call_id: str, name: str = "f", arguments: str = "{}", **keys: Any) -> Body:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **keys}


def _result(call_id: str) -> Body:
    return {"type": "function_call_output", "call_id": call_id, "output": "ok"}


def _chat_calls(*calls: tuple[str, str, str], **keys: Any) -> Body:
    made = [{"id": key, "type": "function", "function": {"name": name, "arguments": text}} for key, name, text in calls]
    return {"role": "assistant", "content": None, "tool_calls": made, **keys}


def _chat_result(call_id: str) -> Body:
    return {"role": "tool", "tool_call_id": call_id, "content": "ok"}


def test_a_call_of_a_hosted_tool_has_no_name_to_keep(tells: Tells) -> None:
    """Such a tool is not declared upstream, so none of the names there is its own; that of a function is."""

    def judged(kind: str) -> str:
        group = {"type": "namespace", "name": "wiki", "tools": [{**_FUNCTION, "type": kind, "name": "find"}]}
        asked = {"tools": [_FUNCTION, group], "input": [_HI, _item_call("c", "find", namespace="wiki"), _result("c")]}
        messages = [_chat_calls(("c", "wiki__find", "{}")), _chat_result("c")]
        turn = _turn(asked, {"tools": [_SENT_FUNCTION], "messages": messages})
        return tells("tools.one-name-upstream", _made(turn))

    assert judged("function") == "wrong"
    assert judged("web_search") == "nothing"


@pytest.mark.parametrize(
    ("arguments", "told"), [({"query": "weather"}, "wrong"), ("weather", "nothing"), (None, "nothing")]
)
def test_only_a_search_with_arguments_is_looked_for_upstream(arguments: Any, told: str, tells: Tells) -> None:
    """The SDK's type has an object there: what is none can have become anything."""
    search = {"type": "tool_search_call", "call_id": "c", "arguments": arguments, "execution": "client"}
    assert tells("tools.search-kept-in-history", _made(_turn({"input": [_HI, search]}, {}))) == told


def _looped(said: tuple[SaidItem, ...], sent: Body, *, call_id: str = "c", wrote: bytes = b"") -> list[Exchange]:
    """A turn in which the upstream said something, and the turn that brings its call back."""
    answer = {**_RESPONSE, "output": [_item_call(call_id)]}
    first = _turn({}, answer=answer, said=Said(said, None, frozenset({"completed"})))
    first.upstream = (_call({}, wrote),)
    return [first, _turn({"input": [_HI, _item_call(call_id), _result(call_id)]}, sent)]


@pytest.mark.parametrize(("field", "told"), [("reasoning_content", "right"), ("reasoning", "wrong")])
def test_a_thought_of_another_origin_does_not_hide_one_in_the_wrong_field(field: str, told: str, tells: Tells) -> None:
    """What the upstream never said may stand before it, in any field."""
    said = (SaidItem("reasoning", "Think.", 1), SaidItem("call", "{}", 1, name="f", call_id="c"))
    foreign = {"role": "assistant", "content": "Well.", "reasoning": "From elsewhere."}
    messages = [foreign, _chat_calls(("c", "f", "{}"), **{field: "Think."}), _chat_result("c")]
    turns = _looped(said, {"messages": messages}, wrote=b'{"reasoning_content": "Think."}')
    assert tells("history.reasoning-in-its-field", _made(*turns)) == told


def _thinking(text: str) -> Body:
    return {"type": "thinking", "thinking": text, "signature": "sig"}


def _use(call_id: str) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def _blocks(*blocks: Body) -> Body:
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "ok"} for block in blocks if "id" in block
    ]
    return {"messages": [{"role": "assistant", "content": list(blocks)}, {"role": "user", "content": results}]}


@pytest.mark.parametrize(
    ("blocks", "told"), [((_thinking("T"), _use("d")), "right"), ((_use("d"), _thinking("T")), "wrong")]
)
def test_a_turn_with_one_block_does_not_hide_the_next(blocks: tuple[Body, ...], told: str, tells: Tells) -> None:
    """Of one block there is no order; the later turn's blocks have one."""
    call = SaidItem("call", "{}", 1, name="f", call_id="d")
    alone = _looped((SaidItem("call", "{}", 1, name="f", call_id="c"),), _blocks(_use("c")))
    both = _looped((SaidItem("reasoning", "T", 1, signature="sig"), call), _blocks(*blocks), call_id="d")
    assert tells("history.thinking-before-its-call", _made(*alone, *both, dialect="messages")) == told


def test_a_call_that_was_said_without_an_id_may_be_any_like_it(tells: Tells) -> None:
    """Not only the one that has no id upstream either: the order holds if it holds for one of them."""
    said = (SaidItem("reasoning", "T", 1, signature="sig"), SaidItem("call", "{}", 1, name="f"))
    for first, last in (("", "c"), ("b", "c")):
        turns = _looped(said, _blocks(_use(first), _thinking("T"), _use(last)))
        assert tells("history.thinking-before-its-call", _made(*turns, dialect="messages")) == "right"
    named = (said[0], SaidItem("call", "{}", 1, name="f", call_id="c"))
    turns = _looped(named, _blocks(_use("c"), _thinking("T")))
    assert tells("history.thinking-before-its-call", _made(*turns, dialect="messages")) == "wrong"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([_HI], [_HI, _HI], "wrong"),
        ([_HI], [_HI], "nothing"),
        ([], [_HI], "nothing"),
        ([_HI, _HI], [_HI], "nothing"),
    ],
)
def test_only_an_input_that_grew_has_a_beginning_to_keep(
    before: list[Body], after: list[Body], told: str, tells: Tells
) -> None:
    """The same input asked again, one that was empty, and one that shrank promise nothing."""
    turns = [_turn({"input": items}, {"messages": [{"role": "user", "content": text}]})
             for items, text in ((before, "One."), (after, "Two."))]  # fmt: skip
    assert tells("history.prefix-stable", _made(*turns)) == told


def test_a_hosted_tool_that_was_forwarded_is_called_by_its_type(violations: Judge) -> None:
    """And a function without a name by that."""
    turn = _turn({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search"}, {"type": "function"}]})
    (found,) = violations("tools.hosted-not-forwarded", _made(turn))
    assert "['web_search', 'a function without a name']" in found.actual


def _forced(name: str) -> Body:
    return {"type": "function", "function": {"name": name}}


def test_a_long_name_is_forced_by_its_new_one_whatever_tool_stands_before_it(tells: Tells) -> None:
    """The tool is found by the name that the choice has, and not by its place."""
    name = "a_name_of_more_than_sixty_four_characters_" * 2
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    long = {"type": "function", "name": name, "description": "Finds pages.", "parameters": city}
    short = {"type": "function", "function": {"name": "finds", "description": "Finds pages.", "parameters": city}}
    asked = {"tools": [_FUNCTION, long], "tool_choice": {"type": "function", "name": name}}
    for chosen, told in (("finds", "right"), (name, "wrong"), ("f", "wrong")):
        turn = _turn(asked, {"tools": [_SENT_FUNCTION, short], "tool_choice": _forced(chosen)})
        assert tells("tools.choice-named", _made(turn)) == told


@pytest.mark.parametrize(
    ("rule", "allowed"), [("tools.parallel-calls-not-forbidden", True), ("tools.parallel-calls-mapped", False)]
)
def test_a_turn_that_states_nothing_does_not_hide_the_next(rule: str, allowed: bool, tells: Tells) -> None:
    """About parallel calls: the second turn says what the client wants, and goes upstream as the opposite."""
    silent = _turn({"tools": [_FUNCTION]}, {"tools": [_SENT_FUNCTION]})
    asked = {"tools": [_FUNCTION], "parallel_tool_calls": allowed}
    for sent, told in ((not allowed, "wrong"), (allowed, "right")):
        turn = _turn(asked, {"tools": [_SENT_FUNCTION], "parallel_tool_calls": sent})
        assert tells(rule, _made(silent, turn)) == told


@pytest.mark.parametrize(("message", "told"), [("No.", "wrong"), ("There is no background mode.", "right")])
def test_a_request_that_was_answered_does_not_hide_a_refusal(message: str, told: str, tells: Tells) -> None:
    """Of the second request, which must name its field."""
    refused = _turn({"background": True}, answer={"error": {"message": message, "param": None}}, status=400)
    assert tells("unsupported.named", _made(_turn({"background": True}), refused)) == told


@pytest.mark.parametrize(
    ("secret", "text", "told"),
    [
        ("k3y-4567", "Use k3y-4567.", "wrong"),
        ("k3y-4567", "Use it.", "right"),
        ("k3y-456", "Use k3y-456.", "nothing"),
    ],
)
def test_a_key_has_eight_characters_at_least(secret: str, text: str, told: str, tells: Tells) -> None:
    """What is shorter stands in a text by chance."""
    turn = _turn({})
    sent = {"messages": [{"role": "user", "content": text}]}
    turn.upstream = (_call(sent, headers=(("Authorization", f"Bearer {secret}"),)),)
    assert tells("upstream.credentials-in-headers", _made(turn)) == told


_IMAGE = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(("image_first", "told"), [(True, "right"), (False, "wrong")])
def test_the_order_of_parts_is_that_of_the_user_s_own(image_first: bool, told: str, tells: Tells) -> None:
    """The same words, said by the assistant before, are another text."""
    asked = [{"type": "input_image", "image_url": _IMAGE}, {"type": "input_text", "text": "Look."}]
    parts = [{"type": "image_url", "image_url": {"url": _IMAGE}}, {"type": "text", "text": "Look."}]
    before = {"role": "assistant", "content": "Look."}
    messages = [before, {"role": "user", "content": parts if image_first else parts[::-1]}]
    items = [{"type": "message", **before}, {"type": "message", "role": "user", "content": asked}]
    assert tells("upstream.parts-order", _made(_turn({"input": items}, {"messages": messages}))) == told


@pytest.mark.parametrize(("role", "told"), [("assistant", "wrong"), ("user", "nothing")])
def test_only_the_assistant_s_own_text_belongs_to_its_call(role: str, told: str, tells: Tells) -> None:
    """A user may say what the assistant said before: the call is not the user's."""
    says: list[Body] = [{"role": "assistant", "content": "Hi."}, {"role": role, "content": "Hi."}]
    items = [*({"type": "message", **message} for message in says), _item_call("c"), _result("c")]
    messages = [*says, _chat_calls(("c", "f", "{}")), _chat_result("c")]
    assert tells("upstream.text-with-its-call", _made(_turn({"input": items}, {"messages": messages}))) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([{"type": "text", "text": "ok"}], "right"),
        ("ok", "right"),
        (["ok"], "wrong"),
        ([None], "wrong"),
        ([{"type": "text"}], "wrong"),
        ([], "wrong"),
    ],
)
def test_a_tool_message_holds_text_parts_that_are_objects(content: Any, told: str, tells: Tells) -> None:
    """A bare string in the list is no part."""
    result = {"role": "tool", "tool_call_id": "c", "content": content}
    sent = {"messages": [_chat_calls(("c", "f", "{}")), result]}
    turn = _turn({"input": [_HI, _item_call("c"), _result("c")]}, sent)
    assert tells("upstream.results-are-text", _made(turn, dialect="chat_completions")) == told


@pytest.mark.parametrize(
    ("known", "told"), [({"steady": False}, "nothing"), ({"steady": True}, "wrong"), (None, "wrong")]
)
def test_a_target_that_differs_from_itself_is_not_judged_by_its_delivery(known: Any, told: str, tells: Tells) -> None:
    """Only where it is steady does another answer come from another way of cutting the stream."""
    other = _turn({}, {}, answer={**_RESPONSE, "status": "incomplete"})
    drives = [Drive("stream", [_turn({}, {})]), Drive("hostile", [other])]
    facts = {} if known is None else {"hostile": known}
    assert tells("delivery.hostile-equals-plain", Transcript("a", "vllm", drives, facts=facts)) == told
