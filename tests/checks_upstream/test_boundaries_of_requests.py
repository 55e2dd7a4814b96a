"""Boundaries: which requests must be answered, and what a call and a history may have become upstream."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_HI: Body = {"type": "message", "role": "user", "content": "Hi."}
_FUNCTION: Body = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
_SEARCH: Body = {"type": "tool_search_call", "call_id": "call_1", "execution": "client", "arguments": {"goal": "tea"}}
_CUSTOM: Body = {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "a line"}


def _exchange(*items: Body, status: int | None = 200, output: tuple[Body, ...] = (), **more: Any) -> Exchange:
    body = {"model": "m", "stream": False, "input": [_HI, *items], **more.pop("asked", {})}
    answer = {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}
    return Exchange(
        ClientRequest("POST", "/v1/responses", (), body),
        status,
        (("content-type", "application/json"),),
        (Received(0.1, json.dumps(answer).encode()),),
        **more,
    )


def _made(*exchanges: Exchange, dialect: Dialect | None = "vllm", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive("json", list(exchanges))], facts=facts)


def _sent(*messages: Body, **body: Any) -> UpstreamCall:
    sent = {"model": "m", "messages": [{"role": "user", "content": "Hi."}, *messages], **body}
    return UpstreamCall("POST", "/", "", (), json.dumps(sent).encode(), sent, 0.1, answer=0, status=200)


@pytest.mark.parametrize(
    ("status", "told"),
    [(200, "right"), (299, "right"), (300, "wrong"), (199, "wrong"), (400, "wrong"), (None, "nothing")],
)
def test_an_answer_has_a_status_of_success(status: int | None, told: str, tells: Tells) -> None:
    """2xx and nothing else; a request that got no status at all is the business of other rules."""
    whole = _made(_exchange(status=status))
    streamed = _made(_exchange(status=status, asked={"stream": True}))
    assert tells("answer.whole", whole) == told
    assert tells("answer.stream", whole) == "nothing"
    assert tells("answer.stream", streamed) == told
    assert tells("answer.whole", streamed) == "nothing"


@pytest.mark.parametrize(
    "tag",
    [
        "client",
        "orphan",
        "ends-with-assistant",
        "hosted-tool",
        "hosted-receipt",
        "garbled",
        "endpoint",
        "bomb",
        "over-long",
        "unreachable",
    ],
)
def test_what_may_be_refused_is_not_held_to_be_legal(tag: str, tells: Tells) -> None:
    """Cases with these tags are judged by rules of their own, or by none."""
    refused = (_exchange(status=400), _exchange(status=400, asked={"stream": True}))
    assert tells("answer.whole", _made(*refused, tags=frozenset({tag}))) == "nothing"
    assert tells("answer.stream", _made(*refused, tags=frozenset({tag}))) == "nothing"
    assert tells("answer.whole", _made(*refused, tags=frozenset({"other"}))) == "wrong"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Said((), None, frozenset({"completed"})), "wrong"),
        (Said((), None, frozenset({"incomplete:max_output_tokens"})), "wrong"),
        (Said((), None, frozenset({"incomplete:content_filter"})), "wrong"),
        (Said((), None, frozenset({"failed"})), "nothing"),
        (Said((), None, frozenset({"completed", "failed"})), "nothing"),
        (Said((), None, frozenset({"completed"}), status=300), "nothing"),
        (None, "wrong"),
    ],
)
def test_what_the_upstream_failed_need_not_be_answered(said: Said | None, told: str, tells: Tells) -> None:
    """A refusal is wrong where the upstream answered, whole or cut, or was not asked."""
    assert tells("answer.whole", _made(_exchange(status=502, said=said))) == told


@pytest.mark.parametrize(("tags", "told"), [({"live"}, "wrong"), ({"other"}, "nothing"), (None, "nothing")])
def test_where_no_upstream_is_known_only_cases_made_for_it_must_be_answered(
    tags: set[str] | None, told: str, tells: Tells
) -> None:
    """A saved capture may hold a request that was rightly refused."""
    facts = {} if tags is None else {"tags": frozenset(tags)}
    assert tells("answer.whole", _made(_exchange(status=400), dialect=None, **facts)) == told


@pytest.mark.parametrize(
    ("tags", "sdk", "codex"),
    [
        ({"client"}, "wrong", "nothing"),
        ({"client", "codex"}, "nothing", "wrong"),
        ({"client", "pycodex"}, "nothing", "wrong"),
        ({"other"}, "nothing", "nothing"),
    ],
)
def test_each_client_s_request_has_its_rule(tags: set[str], sdk: str, codex: str, tells: Tells) -> None:
    """Codex sends what only OpenAI knows, and is judged apart."""
    refused = _made(_exchange(status=400), tags=frozenset(tags))
    assert tells("answer.sdk-request", refused) == sdk
    assert tells("answer.codex-request", refused) == codex


RESTORED = (
    "tools.names-restored",
    "tools.namespace-restored",
    "tools.search-call-restored",
    "tools.custom-input-unwrapped",
)


@pytest.mark.parametrize(
    ("want", "got", "told"),
    [
        ({"type": "function_call", "name": "f"}, _FUNCTION, "right nothing nothing nothing"),
        ({"type": "function_call", "name": "g"}, _FUNCTION, "wrong nothing nothing nothing"),
        ({"type": "function_call"}, _FUNCTION, "nothing nothing nothing nothing"),
        ({"type": "function_call", "name": "f", "namespace": "n"}, _FUNCTION, "nothing wrong nothing nothing"),
        (
            {"type": "function_call", "name": "f", "namespace": "n"},
            {**_FUNCTION, "namespace": "n"},
            "nothing right nothing nothing",
        ),
        ({"type": "tool_search_call", "arguments": {"goal": "tea"}}, _SEARCH, "nothing nothing right nothing"),
        ({"type": "tool_search_call", "arguments": {"goal": "rum"}}, _SEARCH, "nothing nothing wrong nothing"),
        ({"type": "tool_search_call", "execution": "server"}, _SEARCH, "nothing nothing wrong nothing"),
        ({"type": "tool_search_call"}, _FUNCTION, "nothing nothing wrong nothing"),
        ({"type": "custom_tool_call", "name": "patch", "input": "a line"}, _CUSTOM, "right nothing nothing right"),
        ({"type": "custom_tool_call", "name": "patch", "input": "lines"}, _CUSTOM, "right nothing nothing wrong"),
        ({"type": "custom_tool_call", "name": "patch"}, _CUSTOM, "right nothing nothing nothing"),
        ({"type": "custom_tool_call", "name": "f", "input": "{}"}, _FUNCTION, "right nothing nothing nothing"),
    ],
)
def test_a_call_comes_back_as_the_case_expects_it(want: Body, got: Body, told: str, tells: Tells) -> None:
    """Each rule looks at its own keys of its own kind of call, and at those only that the case names."""
    transcript = _made(_exchange(output=(got,)), expected_calls=(want,))
    assert " ".join(tells(rule, transcript) for rule in RESTORED) == told
    assert tells(RESTORED[0], _made(_exchange(output=(got, got)), expected_calls=(want,))) == "nothing"


@pytest.mark.parametrize(
    ("choice", "sent", "told"),
    [
        ("auto", "wiki__find", "right"),
        ("auto", "find", "wrong"),
        ("none", "find", "nothing"),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "find", "nothing"),
    ],
)
def test_a_call_of_the_history_bears_the_name_that_is_declared(choice: Any, sent: str, told: str, tells: Tells) -> None:
    """Where tools are declared at all: with `none`, and with some allowed, they need not be."""
    tool = {"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}}
    asked = {"tools": [{"type": "namespace", "name": "wiki", "tools": [tool]}], "tool_choice": choice}
    items = ({**_FUNCTION, "name": "find", "namespace": "wiki"}, _result("call_1"))
    call: Body = {"id": "call_1", "type": "function", "function": {"name": sent, "arguments": "{}"}}
    declared = {"type": "function", "function": {**{key: tool[key] for key in ("parameters",)}, "name": "wiki__find"}}
    upstream = _sent(
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "tea"},
        tools=[declared],
    )
    assert tells("tools.one-name-upstream", _made(_exchange(*items, asked=asked, upstream=(upstream,)))) == told
    bare = replace(upstream, json={key: value for key, value in upstream.json.items() if key != "tools"})
    assert tells("tools.one-name-upstream", _made(_exchange(*items, asked=asked, upstream=(bare,)))) == "nothing"


def _result(call_id: str, output: Any = "tea") -> Body:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


@pytest.mark.parametrize(
    ("status", "ended", "told"),
    [(399, "complete", "wrong"), (400, "complete", "nothing"), (200, "cut", "nothing"), (200, "client-gone", "wrong")],
)
def test_a_history_is_refused_by_the_target_only_where_the_upstream_is_well(
    status: int, ended: Any, told: str, tells: Tells
) -> None:
    """What the upstream refused, or broke off, the target need not answer."""
    call = _sent()
    call.status, call.ended = status, ended
    null = _exchange(asked={"temperature": None}, status=500, upstream=(call,))
    assert tells("history.nulls-are-absent", _made(null)) == told
    assert tells("history.nulls-are-absent", _made(null, tags=frozenset({"client"}))) == "nothing"
    assert tells("history.nulls-are-absent", _made(null, refusal_statuses=frozenset({400}))) == "nothing"
    left = replace(null, ended="client-left")
    assert tells("history.nulls-are-absent", _made(left)) == "nothing"


@pytest.mark.parametrize(
    ("texts", "told"), [(("rain", "wind"), "wrong"), (("rain", "snow"), "right"), ((" ",), "right")]
)
def test_an_orphan_s_result_is_another_call_s_where_all_of_it_stands_there(
    texts: tuple[str, ...], told: str, tells: Tells
) -> None:
    """Two results may share a word; all texts of one under another call are a mistake."""
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
    lost = _result("call_lost", [{"type": "input_text", "text": text} for text in texts])
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    upstream = _sent(
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "tea, rain and wind"},
    )
    asked = _exchange(_FUNCTION, _result("call_1"), lost, asked={"tools": tools}, upstream=(upstream,))
    assert tells("history.orphan-result-not-misattributed", _made(asked)) == told


@pytest.mark.parametrize(("first", "told"), [("thought", "right"), ("call", "wrong"), ("other call", "nothing")])
def test_a_thought_stands_before_the_call_that_came_of_it(first: str, told: str, tells: Tells) -> None:
    """By what they are: a call of another tool with the same arguments is not that call."""
    said = Said(
        (
            SaidItem("reasoning", "Look.", 1, signature="c2ln"),
            SaidItem("call", "{}", 1, name="f", call_id=""),
        ),
        None,
        frozenset({"completed"}),
    )
    output = ({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"}, _FUNCTION)
    thought = {"type": "thinking", "thinking": "Look.", "signature": "c2ln"}
    call: Body = {"type": "tool_use", "id": "call_1", "name": "g" if first == "other call" else "f", "input": {}}
    blocks = [thought, call] if first == "thought" else [call, thought]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "tea"}]}
    again = _exchange(*output, _result("call_1"), upstream=(_sent({"role": "assistant", "content": blocks}, result),))
    transcript = _made(_exchange(output=output, said=said), again, dialect="messages")
    assert tells("history.thinking-before-its-call", transcript) == told


PATCH = "begin\nnaïve"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ({"name": "patch", "arguments": json.dumps({"input": PATCH})}, "right"),
        ({"name": "patch", "arguments": json.dumps({"input": "begin"})}, "wrong"),
        ({"name": "patch", "arguments": json.dumps({"input": PATCH + "\n"})}, "wrong"),
        ({"name": "patch", "arguments": "{}"}, "wrong"),
        ({"name": "patch", "arguments": PATCH}, "right"),
    ],
)
def test_the_text_of_a_custom_call_is_carried_whole(function: Body, told: str, tells: Tells) -> None:
    """As the one string of a function, or bare; a line less is another patch."""
    items = (
        {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": PATCH},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "patched"},
    )
    call = {"id": "call_1", "type": "function", "function": function}
    upstream = _sent(
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "patched"},
    )
    asked = {"tools": [{"type": "custom", "name": "patch", "description": "Patches."}]}
    assert tells("upstream.arguments-arrive", _made(_exchange(*items, asked=asked, upstream=(upstream,)))) == told
