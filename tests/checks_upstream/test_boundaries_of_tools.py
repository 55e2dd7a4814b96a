"""Boundaries: in which forms a tool, and the choice among tools, may reach an upstream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[..., str]

_ANSWER = (Received(0.1, b'{"id": "resp_1", "object": "response", "status": "completed", "output": []}'),)
_NONE: Body = {"type": "object", "properties": {}}
_CITY: Body = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def tells(tells: Tells) -> Tells:
    """What a rule says of a request and what went upstream for it: "wrong", "right", or "nothing"."""

    def judged(rule: str, asked: Body, sent: Body, dialect: Dialect = "chat_completions") -> str:
        message = {"role": "user", "content": "Hi."}
        upstream = {"model": "m", "messages": [message], **sent}
        call = UpstreamCall("POST", "/", "", (), json.dumps(upstream).encode(), upstream, 0.1, answer=0, status=200)
        body = {"model": "m", "stream": False, "input": [{"type": "message", **message}], **asked}
        request = ClientRequest("POST", "/v1/responses", (), body)
        exchange = Exchange(request, 200, (("content-type", "application/json"),), _ANSWER, upstream=(call,))
        made = Transcript("a", dialect, [Drive("json", [exchange])])
        return tells(rule, made)

    return judged


def _tool(name: str, /, **keys: Any) -> Body:
    return {"type": "function", "name": name, "parameters": _NONE, **keys}


def _chat(name: str, /, **keys: Any) -> Body:
    return {"type": "function", "function": {"name": name, "parameters": _NONE, **keys}}


def _messages(name: str, /, **keys: Any) -> Body:
    return {"name": name, "input_schema": _NONE, **keys}


PATCH: Body = {"type": "custom", "name": "patch", "description": "Patches.", "format": {"type": "text"}}


def _string(**schema: Any) -> Body:
    return {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], **schema}


@pytest.mark.parametrize(
    ("sent", "dialect", "told"),
    [
        (_chat("patch", parameters=_string()), "chat_completions", "right"),
        (_chat("patch", parameters=_string(required=[])), "chat_completions", "wrong"),
        (_chat("patch", parameters=_string(required=["other"])), "vllm", "wrong"),
        (_chat("patch", parameters=_string(properties={"input": {"type": "object"}})), "vllm", "wrong"),
        (
            _chat("patch", parameters=_string(properties={"input": {"type": "string"}, "more": {"type": "string"}})),
            "vllm",
            "wrong",
        ),
        (_chat("patch"), "vllm", "wrong"),
        ({"type": "custom", "custom": {"name": "patch"}}, "chat_completions", "right"),
        ({"type": "custom", "custom": {"name": "patch"}}, "vllm", "wrong"),
        (_messages("patch", input_schema=_string()), "messages", "right"),
        (_messages("patch"), "messages", "wrong"),
    ],
)
def test_a_custom_tool_is_a_function_of_one_required_string(
    sent: Body, dialect: Dialect, told: str, tells: Tells
) -> None:
    """Or itself, where the service has custom tools: OpenAI's own has them, servers of open models do not."""
    assert tells("tools.custom-emulated", {"tools": [PATCH]}, {"tools": [sent]}, dialect) == told


GRAMMAR: Body = {**PATCH, "format": {"type": "grammar", "syntax": "lark", "definition": "start: LINE+\n"}}


@pytest.mark.parametrize(
    ("tool", "sent", "told"),
    [
        (GRAMMAR, _chat("patch", description="Patches. start: LINE+", parameters=_string()), "right"),
        (GRAMMAR, _chat("patch", description="Patches.", parameters=_string()), "wrong"),
        (
            GRAMMAR,
            _chat("patch", parameters=_string(properties={"input": {"type": "string", "description": "start: LINE+"}})),
            "right",
        ),
        (PATCH, _chat("patch", description="Patches.", parameters=_string()), "nothing"),
    ],
)
def test_a_grammar_stands_somewhere_in_the_tool(tool: Body, sent: Body, told: str, tells: Tells) -> None:
    """In its description or in that of its string; a tool without a grammar has none to carry."""
    assert tells("tools.grammar-carried", {"tools": [tool]}, {"tools": [sent]}) == told


@pytest.mark.parametrize(
    ("tool", "sent", "told"),
    [
        (_tool("find", parameters=_CITY), [_chat("wiki__find", parameters=_CITY)], "right"),
        (_tool("find", parameters=_CITY), [_chat("wiki__find")], "wrong"),
        (_tool("find", parameters=_CITY), [], "wrong"),
        ({**PATCH, "name": "find"}, [_chat("wiki__find", parameters=_string())], "right"),
    ],
)
def test_a_tool_of_a_group_keeps_its_parameters(tool: Body, sent: list[Body], told: str, tells: Tells) -> None:
    """Under whatever name; a custom tool has none, and what carries its text is another rule's."""
    group = {"type": "namespace", "name": "wiki", "description": "A wiki.", "tools": [tool]}
    assert tells("tools.namespaces-flattened", {"tools": [group]}, {"tools": sent} if sent else {}) == told


WEATHER, TIME = _tool("get_weather"), _tool("get_time")
BOTH = [_chat("get_weather"), _chat("get_time")]


def _forced(name: str) -> Body:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("tools", "choice", "told"),
    [
        (BOTH, "required", "right"),
        (BOTH, _forced("get_time"), "wrong"),
        (BOTH[:1], _forced("get_weather"), "right"),
        (BOTH, "auto", "wrong"),
        (BOTH, None, "wrong"),
    ],
)
def test_a_required_call_may_be_forced_by_name_where_there_is_one_tool(
    tools: list[Body], choice: Any, told: str, tells: Tells
) -> None:
    """With two of them a name takes away the model's choice."""
    sent = {"tools": tools} | ({} if choice is None else {"tool_choice": choice})
    assert tells("tools.choice-required", {"tools": [WEATHER, TIME], "tool_choice": "required"}, sent) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"tools": BOTH, "tool_choice": "none"}, "right"),
        ({}, "right"),
        ({"tools": BOTH}, "wrong"),
        ({"tools": BOTH, "tool_choice": "auto"}, "wrong"),
    ],
)
def test_no_call_is_said_or_no_tools_are_sent(sent: Body, told: str, tells: Tells) -> None:
    """Both keep the model from calling."""
    assert tells("tools.choice-none", {"tools": [WEATHER, TIME], "tool_choice": "none"}, sent) == told


@pytest.mark.parametrize(
    ("choice", "told"),
    [(_forced("get_time"), "right"), (_forced("get_weather"), "wrong"), ("required", "wrong"), ("auto", "wrong")],
)
def test_a_tool_that_is_named_is_forced_by_that_name(choice: Any, told: str, tells: Tells) -> None:
    """By its own where the service takes it; a tool that never arrived is named all the same."""
    asked = {"tools": [WEATHER, TIME], "tool_choice": {"type": "function", "name": "get_time"}}
    assert tells("tools.choice-named", asked, {"tools": BOTH, "tool_choice": choice}) == told
    lost = "right" if told == "right" else "wrong"
    assert tells("tools.choice-named", asked, {"tools": BOTH[:1], "tool_choice": choice}) == lost


def test_a_long_name_that_is_forced_is_the_one_that_it_has_upstream(tells: Tells) -> None:
    """A renamed tool is forced by its new name; one that did not arrive can only be forced by its own."""
    name = "a_name_of_more_than_sixty_four_characters_" * 2
    asked = {"tools": [_tool(name, description="Finds pages.", parameters=_CITY)],
             "tool_choice": {"type": "function", "name": name}}  # fmt: skip
    short = _chat("finds", description="Finds pages.", parameters=_CITY)
    assert tells("tools.choice-named", asked, {"tools": [short], "tool_choice": _forced("finds")}) == "right"
    assert tells("tools.choice-named", asked, {"tools": [short], "tool_choice": _forced(name)}) == "wrong"
    assert tells("tools.choice-named", asked, {"tool_choice": _forced("finds")}) == "wrong"


@pytest.mark.parametrize("form", ["json_schema", "json_object"])
def test_only_a_form_of_answer_may_be_emulated_by_a_forced_tool(form: str, tells: Tells) -> None:
    """A free choice stays free, unless the tool is there for the answer's form."""
    asked: Body = {"tools": [WEATHER]}
    formed = {**asked, "text": {"format": {"type": form, "name": "n", "schema": _CITY}}}
    forced = {"tools": BOTH, "tool_choice": _forced("get_time")}
    assert tells("tools.choice-auto", formed, forced) == "right"
    assert tells("tools.choice-auto", asked, forced) == "wrong"
    assert (
        tells("tools.choice-auto", {**asked, "tool_choice": "auto"}, {"tools": BOTH, "tool_choice": "auto"}) == "right"
    )
    assert tells("tools.none-invented", formed, forced) == "right"
    assert tells("tools.none-invented", asked, forced) == "wrong"


def _native(mode: str, *names: str) -> Body:
    tools = [_forced(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


@pytest.mark.parametrize(
    ("mode", "tools", "choice", "told"),
    [
        ("auto", BOTH[1:], "auto", "right"),
        ("auto", BOTH[1:], None, "right"),
        ("auto", BOTH, "auto", "right"),
        ("auto", BOTH, "required", "wrong"),
        ("required", BOTH, "required", "wrong"),
        ("auto", BOTH[1:], "required", "wrong"),
        ("required", BOTH[1:], "required", "right"),
        ("required", BOTH[1:], _forced("get_time"), "right"),
        ("required", BOTH[1:], "auto", "wrong"),
        ("required", BOTH[1:], None, "wrong"),
        ("auto", BOTH, _native("auto", "get_time"), "right"),
        ("auto", BOTH, _native("required", "get_time"), "wrong"),
        ("auto", BOTH, _native("auto", "get_time", "get_weather"), "wrong"),
        ("auto", BOTH, _native("auto", "get_weather"), "wrong"),
    ],
)
def test_allowed_tools_are_a_limit_with_a_mode(
    mode: str, tools: list[Body], choice: Any, told: str, tells: Tells
) -> None:
    """Said natively, or by sending those tools only, or kept on the answer where no call is demanded."""
    limit = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "get_time"}]}
    sent = {"tools": tools} | ({} if choice is None else {"tool_choice": choice})
    assert tells("tools.choice-allowed", {"tools": [WEATHER, TIME], "tool_choice": limit}, sent) == told


@pytest.mark.parametrize("key", ["tool_choice", "parallel_tool_calls"])
def test_neither_key_goes_without_tools(key: str, tells: Tells) -> None:
    """A service refuses each of them alone."""
    assert tells("tools.choice-only-with-tools", {}, {}) == "right"
    assert tells("tools.choice-only-with-tools", {}, {key: "auto"}) == "wrong"
    assert tells("tools.choice-only-with-tools", {}, {key: None}) == "right"
    assert tells("tools.choice-only-with-tools", {}, {key: "auto", "tools": BOTH}) == "nothing"


@pytest.mark.parametrize(
    ("asked", "sent", "dialect", "mapped", "free"),
    [
        (False, {"parallel_tool_calls": False}, "vllm", "right", "nothing"),
        (False, {"parallel_tool_calls": True}, "vllm", "wrong", "nothing"),
        (False, {}, "chat_completions", "wrong", "nothing"),
        (False, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "messages", "right", "nothing"),
        (False, {"tool_choice": {"type": "auto"}}, "messages", "wrong", "nothing"),
        (False, {"tool_choice": {"type": "none"}}, "messages", "right", "nothing"),
        (False, {"parallel_tool_calls": False}, "messages", "wrong", "nothing"),
        (True, {}, "vllm", "nothing", "right"),
        (True, {"parallel_tool_calls": True}, "vllm", "nothing", "right"),
        (True, {"parallel_tool_calls": False}, "vllm", "nothing", "wrong"),
        (True, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "messages", "nothing", "wrong"),
        (None, {"parallel_tool_calls": False}, "vllm", "nothing", "nothing"),
    ],
)
def test_parallel_calls_are_switched_off_in_the_service_s_words(
    asked: Any, sent: Body, dialect: Dialect, mapped: str, free: str, tells: Tells
) -> None:
    """Where the client said so, and there only; without tools there is nothing to switch."""
    tools = [_messages("get_time")] if dialect == "messages" else BOTH
    body = {"tools": [WEATHER, TIME], "parallel_tool_calls": asked}
    assert tells("tools.parallel-calls-mapped", body, {"tools": tools, **sent}, dialect) == mapped
    assert tells("tools.parallel-calls-not-forbidden", body, {"tools": tools, **sent}, dialect) == free
    assert tells("tools.parallel-calls-mapped", body, {}, dialect) == "nothing"
    assert tells("tools.parallel-calls-not-forbidden", body, {}, dialect) == "nothing"


STRICT: Body = {**_CITY, "additionalProperties": False}


@pytest.mark.parametrize(
    ("asked", "schema", "sent", "kept", "invented"),
    [
        (True, _CITY, True, "right", "nothing"),
        (True, _CITY, None, "wrong", "nothing"),
        (True, _CITY, False, "wrong", "nothing"),
        (False, _CITY, False, "right", "nothing"),
        (False, _CITY, None, "right", "nothing"),
        (False, _CITY, True, "wrong", "nothing"),
        (None, _CITY, None, "nothing", "right"),
        (None, _CITY, False, "nothing", "right"),
        (None, _CITY, True, "nothing", "wrong"),
        (None, STRICT, True, "nothing", "right"),
        (None, {**STRICT, "required": []}, True, "nothing", "wrong"),
        (None, {**STRICT, "properties": {}, "required": []}, True, "nothing", "right"),
    ],
)
def test_strict_is_what_the_client_stated(
    asked: Any, schema: Body, sent: Any, kept: str, invented: str, tells: Tells
) -> None:
    """Absent means false upstream; what nobody stated may be made strict only where the schema is that strict."""
    tool = _tool("get_weather", parameters=schema) | ({} if asked is None else {"strict": asked})
    given = _chat("get_weather", parameters=schema, **({} if sent is None else {"strict": sent}))
    assert tells("tools.strict-kept", {"tools": [tool]}, {"tools": [given]}) == kept
    assert tells("tools.strict-kept", {"tools": [tool]}, {"tools": [given]}, "vllm") == kept
    assert tells("tools.strict-not-invented", {"tools": [tool]}, {"tools": [given]}) == invented


@pytest.mark.parametrize(
    ("names", "dialect", "told"),
    [
        (["get_time", "get-time"], "vllm", "right"),
        (["get_time", "get_time"], "vllm", "wrong"),
        (["get.time"], "vllm", "wrong"),
        (["x" * 64], "chat_completions", "right"),
        (["x" * 65], "chat_completions", "wrong"),
        (["x" * 128], "messages", "right"),
        (["x" * 129], "messages", "wrong"),
        ([], "vllm", "nothing"),
    ],
)
def test_names_are_those_that_the_service_takes(names: list[str], dialect: Dialect, told: str, tells: Tells) -> None:
    """Of its characters and its length, and no two alike."""
    made = _messages if dialect == "messages" else _chat
    sent = {"tools": [made(name) for name in names]} if names else {}
    assert tells("tools.names-legal", {"tools": [WEATHER]}, sent, dialect) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [({}, "right"), ({"tools": None}, "right"), ({"tools": []}, "wrong"), ({"tools": BOTH}, "nothing")],
)
def test_a_list_of_no_tools_is_no_list(sent: Body, told: str, tells: Tells) -> None:
    """The key is left out, or null."""
    assert tells("tools.never-an-empty-list", {"tools": []}, sent) == told


@pytest.mark.parametrize(
    ("sent", "told"), [(BOTH, "right"), (BOTH[::-1], "wrong"), (BOTH[:1], "nothing"), ([*BOTH, _chat("more")], "right")]
)
def test_tools_stand_in_the_client_s_order(sent: list[Body], told: str, tells: Tells) -> None:
    """Those that the client declared; of one there is no order."""
    assert tells("tools.order-kept", {"tools": [WEATHER, TIME]}, {"tools": sent}) == told


@pytest.mark.parametrize("schema", [None, {}, {"type": "string"}, {"properties": {}}])
def test_a_schema_of_messages_is_an_object(schema: Any, tells: Tells) -> None:
    """By its type, whatever else it holds."""
    wrong = {key: value for key, value in _messages("get_time", input_schema=schema).items() if value is not None}
    assert tells("tools.schema-is-object", {"tools": [TIME]}, {"tools": [_messages("f"), wrong]}, "messages") == "wrong"
    assert tells("tools.schema-is-object", {"tools": [TIME]}, {"tools": [_messages("f")]}, "messages") == "right"
