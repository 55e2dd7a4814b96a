"""Tools that no upstream knows, made into functions and back into what the client declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference.proxy.errors import ApiError
from reference.proxy.freeform import FreeText
from reference.proxy.tools import Toolbox

NAMESPACES = [
    {"type": "namespace", "name": "mcp__docs", "description": "", "tools": [{"type": "function", "name": "search"}]},
    {
        "type": "namespace",
        "name": "web",
        "tools": [{"type": "function", "name": "search"}, {"type": "custom", "name": "exec"}],
    },
]
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": GRAMMAR}
SEARCH = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": {"type": "object"}}
USER = {"role": "user", "content": "Hi"}


def names(sent: dict[str, Any]) -> list[str]:
    """The tool names the upstream got."""
    return [tool.get("name") or tool["function"]["name"] for tool in sent.get("tools", ())]


def test_namespaces_are_flat_upstream_and_restored(exchange: Any, wire: Any) -> None:
    """Two tools of one name in two namespaces stay apart, and a call names both parts verbatim."""
    out = exchange(wire.chat(wire.call(0, "{}", id="a", name="web__search")), {"tools": NAMESPACES})
    assert names(out.sent) == ["mcp__docs__search", "web__search", "web__exec"]
    item = out.result["output"][0]
    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "search", "web")
    assert out.result["tools"] == NAMESPACES
    items = [USER, item, {"type": "function_call_output", "call_id": "a", "output": "x"}]
    back = json.loads(exchange.prepare({"tools": NAMESPACES, "input": items}).body)
    assert back["messages"][1]["tool_calls"][0]["function"]["name"] == "web__search"


def test_flat_names_never_collide() -> None:
    """Names that flatten, shorten or lose characters to the same text are told apart by a hash."""
    box = Toolbox(64)
    pairs = [(None, "a__b"), ("a", "b"), (None, "a.b"), (None, "a:b"), (None, "x" * 70), (None, "x" * 71), (None, "é")]
    flat = [box.flat(name, namespace) for namespace, name in pairs]
    assert len(set(flat)) == len(pairs)
    assert all(len(name) <= 64 and name.isascii() for name in flat)
    assert flat == [box.flat(name, namespace) for namespace, name in pairs]


@pytest.mark.parametrize(("dialect", "length"), [("chat_completions", 64), ("vllm", 64), ("messages", 71)])
def test_long_names_are_shortened_where_the_upstream_wants_it(exchange: Any, dialect: str, length: int) -> None:
    """A 71-character name is legal on Messages and replaced on chat completions."""
    sent = json.loads(exchange.prepare({"tools": [{"type": "function", "name": "t" * 71}]}, dialect).body)
    assert len(names(sent)[0]) == length


def test_a_custom_tool_is_a_function_with_one_string(exchange: Any, wire: Any) -> None:
    """Its grammar stands in the description; the call comes back with its raw input and its own events."""
    pieces = ['{"inp', 'ut":"*** Begin\\n', 'é\\ud83d\\ude00"}']
    deltas = [wire.call(0, pieces[0], id="a", name="apply_patch"), *(wire.call(0, piece) for piece in pieces[1:])]
    out = exchange(wire.chat(*deltas), {"tools": [PATCH]})
    function = out.sent["tools"][0]["function"]
    assert "start: /.+/" in function["description"]
    assert list(function["parameters"]["properties"]) == ["input"]
    assert out.items == [("custom_tool_call", "completed", "*** Begin\né😀")]
    assert out.joined("custom_tool_call_input") == "*** Begin\né😀"
    assert not any("function_call" in name for name in out.types)
    items = [USER, *out.result["output"], {"type": "custom_tool_call_output", "call_id": "a", "output": "Done"}]
    back = json.loads(exchange.prepare({"tools": [PATCH], "input": items}).body)
    arguments = back["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"input": "*** Begin\né😀"}


INPUTS = {
    '{"input":"a"}': "a",
    '{ "input" : "a\\nb" }': "a\nb",
    "{}": "",
    "": "",
    "plain text": "plain text",
    '{"patch":"x"}': '{"patch":"x"}',
    '{"input":{"x":1}}': '{"input":{"x":1}}',
    '{"input":"a\\n\\"b': 'a\n"b',
    '{"input":"a\\': "a",
    '{"input":"a\\\\': "a\\",
    '{"input":"a\\u00': "a",
    '{"input":"a\\\\\\u0': "a\\",
    '{"inp': '{"inp',
    '{"n":1,"input":"a"}': "a",
    '{"input":"a", "n":1}': "a",
    '{"input":"a\u2028\\u2028\\ud83d\\ude00\\u00e9"}': "a\u2028\u2028😀é",
    '{"input":"\\ud83d\\n\\ud83d\\ud83d\\ude00\\ude00"}': "\ufffd\n\ufffd😀\ufffd",
    '{"input":"a\\ud83d\\ud': "a",
    '{"input":"C:\\xyz\\q"} trailing': "C:\\xyz\\q",
    '{"input":"a\nb"}': "a\nb",
    "x" * 300 + '{"input":"a"}': "x" * 300 + '{"input":"a"}',
}


@pytest.mark.parametrize("arguments", INPUTS)
def test_the_text_of_a_custom_call(arguments: str) -> None:
    """The input is unwrapped, of cut arguments as far as it came; anything else is kept as it is."""
    for size in (1, 2, 3, 7, len(arguments) or 1):
        free = FreeText()
        pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
        given = [free.feed(piece) for piece in pieces] + [free.finish(arguments)]
        assert "".join(given) == free.text == INPUTS[arguments]


def test_the_text_of_a_custom_call_streams(exchange: Any, wire: Any) -> None:
    """Each fragment of the arguments gives its text at once, never half a character of it."""
    translation = exchange.prepare({"tools": [PATCH]})
    fragments = ['{"input":"*** Be', "gin\\", "n\\ud83d", '\\ude00"', "}"]
    given = []
    for number, fragment in enumerate(fragments):
        more = {"id": "a", "name": "apply_patch"} if number == 0 else {}
        translation.reader.feed(wire.chat(wire.call(0, fragment, **more), finish=None, done=False), 101.0)
        frames = translation.stream.take().split(b"\n\n")
        given.append([json.loads(frame.partition(b"data: ")[2])["delta"] for frame in frames if b'"delta":' in frame])
    assert given == [["*** Be"], ["gin"], ["\n"], ["😀"], []]


def test_a_custom_call_that_was_cut_is_not_given_out(exchange: Any, wire: Any) -> None:
    """At the limit a custom call has no done events and shows its text so far."""
    body = wire.chat(wire.call(0, '{"input":"*** Be', id="a", name="apply_patch"), finish="length")
    out = exchange(body, {"tools": [PATCH]})
    assert out.items == [("custom_tool_call", "incomplete", "*** Be")]
    assert "output_item.done" not in out.types


def test_tool_search_and_what_it_finds(exchange: Any, wire: Any) -> None:
    """The search is a function whose call is a tool_search_call; what it found is offered from then on."""
    out = exchange(wire.chat(wire.call(0, '{"query":"add"}', id="ts", name="tool_search")), {"tools": [SEARCH]})
    item = out.result["output"][0]
    assert item == {
        "id": item["id"], "type": "tool_search_call", "status": "completed", "call_id": "ts",
        "execution": "client", "arguments": {"query": "add"},
    }  # fmt: skip
    found = {"type": "tool_search_output", "call_id": "ts", "execution": "client", "tools": NAMESPACES}
    sent = json.loads(exchange.prepare({"tools": [SEARCH], "input": [USER, item, found]}).body)
    assert names(sent) == ["tool_search", "mcp__docs__search", "web__search", "web__exec"]
    assert "mcp__docs.search" in sent["messages"][2]["content"]


def test_additional_tools_are_tools(exchange: Any) -> None:
    """Tools delivered by an input item reach the upstream although ``tools`` is absent."""
    items = [{"type": "additional_tools", "role": "developer", "tools": NAMESPACES}, USER]
    sent = json.loads(exchange.prepare({"tools": None, "input": items}).body)
    assert names(sent) == ["mcp__docs__search", "web__search", "web__exec"]


def test_hosted_tools_are_dropped_and_said(exchange: Any) -> None:
    """web_search does not fail the request, is never forwarded and not echoed as if it were there."""
    translation = exchange.prepare({"tools": [{"type": "web_search"}, {"type": "function", "name": "f"}]})
    assert names(json.loads(translation.body)) == ["f"]
    assert translation.warnings == ["web_search tool dropped"]


CHOICES: dict[str, tuple[Any, Any, Any]] = {
    "auto": ("auto", "auto", {"type": "auto"}),
    "none": ("none", "none", {"type": "none"}),
    "required": ("required", "required", {"type": "any"}),
    "function": (
        {"type": "function", "name": "f"},
        {"type": "function", "function": {"name": "f"}},
        {"type": "tool", "name": "f"},
    ),
    "custom": (
        {"type": "custom", "name": "apply_patch"},
        {"type": "function", "function": {"name": "apply_patch"}},
        {"type": "tool", "name": "apply_patch"},
    ),
}
TOOLS = [{"type": "function", "name": "f"}, {"type": "function", "name": "g", "strict": True}, PATCH]


@pytest.mark.parametrize("name", CHOICES)
def test_tool_choice_in_each_dialect(exchange: Any, name: str) -> None:
    """Every form of tool_choice has its counterpart upstream."""
    choice, chat, messages = CHOICES[name]
    request = {"tools": TOOLS, "tool_choice": choice}
    assert json.loads(exchange.prepare(request).body)["tool_choice"] == chat
    assert json.loads(exchange.prepare(request, "messages").body)["tool_choice"] == messages


@pytest.mark.parametrize(
    "choice",
    [{"type": "function", "name": "x"}, {"type": "web_search"}, {"type": "mcp", "server_label": "s"}, "sometimes",
     {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}],
)  # fmt: skip
def test_a_choice_that_cannot_be_honoured_is_refused(exchange: Any, choice: Any) -> None:
    """An unknown or hosted tool that is forced is a 400 naming tool_choice."""
    with pytest.raises(ApiError) as caught:
        exchange.prepare({"tools": TOOLS, "tool_choice": choice})
    assert (caught.value.status, caught.value.param) == (400, "tool_choice")


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm", "messages"])
def test_required_without_tools_is_refused(exchange: Any, dialect: str) -> None:
    """A call cannot be required where there is nothing to call."""
    with pytest.raises(ApiError):
        exchange.prepare({"tools": [], "tool_choice": "required"}, dialect)
    sent = json.loads(exchange.prepare({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, dialect).body)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(sent)


def test_allowed_tools_are_a_hard_limit(exchange: Any, wire: Any) -> None:
    """Only the allowed tools are offered, and a call to another one does not reach the client."""
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}
    deltas = [wire.call(0, "{}", id="a", name="g"), wire.call(1, "{}", id="b", name="f")]
    out = exchange(wire.chat(*deltas), {"tools": TOOLS, "tool_choice": choice})
    assert (names(out.sent), out.sent["tool_choice"]) == (["f"], "required")
    assert [item["name"] for item in out.result["output"]] == ["f"]
    assert out.result["tool_choice"] == choice
    assert [event["output_index"] for event in out.events if "item" in event] == [0, 0]


@pytest.mark.parametrize("wrong", [{"type": "function", "name": "zz"}, {"type": "custom", "name": "f"}, {"type": "x"}])
def test_an_allowed_tool_that_is_not_there_is_refused(exchange: Any, wrong: Any) -> None:
    """Every allowed tool must be declared; a hosted one that was dropped is no reason to refuse."""
    tools = [{"type": "function", "name": "f"}, {"type": "web_search"}]

    def allowing(*entries: Any) -> dict[str, Any]:
        return {"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": list(entries)}}

    exchange.prepare(allowing({"type": "function", "name": "f"}, {"type": "web_search"}))
    with pytest.raises(ApiError) as caught:
        exchange.prepare(allowing({"type": "function", "name": "f"}, wrong))
    assert (caught.value.status, caught.value.param) == (400, "tool_choice")


def test_allowed_tools_by_namespace_and_kind(exchange: Any) -> None:
    """A namespace allows all its tools, tool_search goes by its type; custom tools by theirs."""
    tools = [
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "a"}]},
        {"type": "tool_search", "execution": "client"},
        {"type": "custom", "name": "c"},
        {"type": "function", "name": "f"},
    ]
    entries = [{"type": "namespace", "name": "n"}, {"type": "tool_search"}, {"type": "custom", "name": "c"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": entries}
    sent = json.loads(exchange.prepare({"tools": tools, "tool_choice": choice}).body)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["n__a", "tool_search", "c"]


def test_none_means_none(exchange: Any, wire: Any) -> None:
    """A call that the model makes although tool_choice is none does not reach the client."""
    upstream = wire.chat({"content": "Hi"}, wire.call(0, "{}", id="a", name="f"), finish="tool_calls")
    result = exchange(upstream, {"tool_choice": "none"}).result
    assert [item["type"] for item in result["output"]] == ["message"]


def test_one_call_at_most_where_the_client_says_so(exchange: Any, wire: Any) -> None:
    """parallel_tool_calls false goes upstream, and a second call is held back if it comes all the same."""
    deltas = [wire.call(0, "{}", id="a", name="f"), wire.call(1, "{}", id="b", name="g")]
    out = exchange(wire.chat(*deltas), {"parallel_tool_calls": False})
    assert (out.sent["parallel_tool_calls"], len(out.result["output"])) == (False, 1)
    sent = json.loads(exchange.prepare({"parallel_tool_calls": False}, "messages").body)
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_tools_have_a_schema_everywhere(exchange: Any) -> None:
    """A tool without parameters, or without a type in them, gets an object schema; strict is kept as given."""
    given = [
        {"type": "function", "name": "a"},
        {"type": "function", "name": "b", "parameters": {"properties": {"x": {}}}},
    ]
    chat = json.loads(exchange.prepare({"tools": [*given, TOOLS[1]]}).body)["tools"]
    assert chat[0]["function"] == {"name": "a", "parameters": {"type": "object", "properties": {}}}
    assert chat[1]["function"]["parameters"] == {"type": "object", "properties": {"x": {}}}
    assert chat[2]["function"]["strict"] is True
    messages = json.loads(exchange.prepare({"tools": given}, "messages").body)["tools"]
    assert all(tool["input_schema"]["type"] == "object" for tool in messages)


@pytest.mark.parametrize("tool", [{"type": "function"}, {"name": "x"}, {"type": "custom", "name": 1}])
def test_a_malformed_tool_is_refused(exchange: Any, tool: Any) -> None:
    """A tool without type or name is a 400 naming tools."""
    with pytest.raises(ApiError) as caught:
        exchange.prepare({"tools": [tool]})
    assert (caught.value.status, caught.value.param) == (400, "tools")


@pytest.mark.parametrize("choice", [{"type": "allowed_tools", "tools": 7}, {"type": [], "name": {}}, {}])
def test_a_malformed_choice_is_a_400(exchange: Any, choice: Any) -> None:
    """A tool_choice of an unknown shape is the client's fault, never an internal error."""
    with pytest.raises(ApiError) as caught:
        exchange.prepare({"tools": TOOLS, "tool_choice": choice})
    assert caught.value.status == 400
