"""Cases of tool names that an upstream does not take as they are: long, dotted, alike, grouped, in every place."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import answers, asks, call_item, function, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import DeclaredCall

__all__ = ["CASES"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
STREAM: frozenset[DriveKind] = frozenset({"stream"})
LONG_NAMES = frozenset({"long-names"})
NAMESPACES = frozenset({"namespaces"})
STEM = "mcp__" + "an_unusually_long_server_name_" * 2
QUERY: dict[str, Any] = {"query": {"type": "string"}}
READ = function(f"{STEM}read_file", "Reads a file of the server.", **QUERY)
WRITE = function(f"{STEM}write_file", "Writes a file of the server.", **QUERY)
DOTTED = function("files.read", "Reads a file at a dotted name.", **QUERY)
UNDERSCORED = function("files_read", "Reads a file at an underscored name.", **QUERY)


def _group(name: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "namespace", "name": name, "description": f"Tools of {name}.", "tools": list(tools)}


# Joined by two underscores, all three are `repo__issues__list`.
OUTER = _group("repo", function("issues__list", "Lists issues, by the outer group.", **QUERY))
INNER = _group("repo__issues", function("list", "Lists issues, by the inner group.", **QUERY))
FLAT = function("repo__issues__list", "Lists issues, by no group.", **QUERY)
LONG_GROUP = _group(
    "mcp__a_server_whose_name_alone_is_fifty_characters_long",
    function("search_everything_there_is", "Searches everything.", **QUERY),
    function("search_everything_there_was", "Searches the past.", **QUERY),
)
KEEPER = _group(
    "mcp__notes",
    {"type": "custom", "name": "note", "description": "Keeps a grouped note.", "format": {"type": "text"}},
)


def _calls(described: str, hint: str) -> Any:
    return says(DeclaredCall(described, (hint,), arguments='{"query": "tea"}', id="call_n"), finish="tool_calls")


def _called(
    name: str, summary: str, source: str, described: str, hint: str, expected: dict[str, Any], **keys: Any
) -> Case:
    """One of the tools is called; `described` is how the model finds it, `expected` what the client must get."""
    features, body = keys.pop("features"), keys
    return Case(
        id=f"names.{name}",
        summary=summary,
        source=source,
        turns=answers(_calls(described, hint), **body),
        drives=PLAIN,
        features=features,
        expected_calls=({"type": "function_call", **expected},),
    )


CASES = (
    _called(
        "long-and-alike",
        "Two long names that have their first sixty-four characters in common; the second tool is called.",
        "danny-avila/LibreChat#7435; mrexodia/ida-pro-mcp#129",
        "Writes a file of the server.",
        "write",
        {"name": WRITE["name"]},
        tools=[READ, WRITE],
        features=LONG_NAMES,
    ),
    _called(
        "dotted",
        "A name with a dot, beside the name that it becomes when dots are replaced.",
        "router-for-me/CLIProxyAPI#3199; anthropic.types.ToolParam.name",
        "at a dotted name",
        "files",
        {"name": "files.read"},
        tools=[DOTTED, UNDERSCORED],
        features=LONG_NAMES,
    ),
    Case(
        id="names.long-in-history",
        summary="The history holds a call of a tool whose name is too long for chat completions.",
        source="danny-avila/LibreChat#7435; use-novamira/novamira#12",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Read it."),
                        call_item("call_r", READ["name"], '{"query":"a.txt"}'),
                        output_item("call_r", "The file is empty."),
                    ],
                    "tools": [READ, WRITE],
                    "store": False,
                },
                answers=(says("It is empty."),),
            ),
        ),
        drives=PLAIN,
        features=LONG_NAMES,
    ),
    Case(
        id="names.long-chosen",
        summary="`tool_choice` names a tool whose name is too long for chat completions.",
        source="openai.types.responses.ToolChoiceFunctionParam; use-novamira/novamira#12",
        turns=answers(
            _calls("Writes a file of the server.", "write"),
            tools=[READ, WRITE],
            tool_choice={"type": "function", "name": WRITE["name"]},
        ),
        drives=PLAIN,
        features=LONG_NAMES,
        expected_calls=({"type": "function_call", "name": WRITE["name"]},),
    ),
    _called(
        "groups-collide",
        "Two groups and a plain tool whose names are one when joined; the inner group's tool is called.",
        "openai.types.responses.NamespaceToolParam; jundot/omlx#3371",
        "by the inner group",
        "list",
        {"name": "list", "namespace": "repo__issues"},
        tools=[FLAT, OUTER, INNER],
        features=NAMESPACES,
    ),
    _called(
        "group-too-long",
        "A group and its tools have names that are too long together; the second tool is called.",
        "butterbase-ai/butterbase#134; coder/aibridge#285",
        "Searches the past.",
        "was",
        {"name": "search_everything_there_was", "namespace": LONG_GROUP["name"]},
        tools=[LONG_GROUP],
        features=NAMESPACES,
    ),
    Case(
        id="names.custom-in-group",
        summary="The upstream calls a custom tool that stands in a group.",
        source="openai.types.responses.NamespaceToolParam; openai/codex sends custom tools in `functions`",
        turns=(
            Turn(
                request=asks(tools=[KEEPER]),
                answers=(
                    says(
                        DeclaredCall("Keeps a grouped note.", ("note",), input="buy tea", id="call_k"),
                        finish="tool_calls",
                    ),
                ),
            ),
        ),
        drives=PLAIN,
        features=NAMESPACES | {"custom-tools"},
        expected_calls=({"type": "custom_tool_call", "name": "note", "input": "buy tea"},),
    ),
    Case(
        id="names.groups-in-loop",
        summary="A grouped call comes back from the client as it was given out, with its result.",
        source="openai/codex echoes {name, namespace}; openai.types.responses.ResponseFunctionToolCall.namespace",
        turns=(
            Turn(request={"input": [user("Find tea.")], "store": False, "tools": [OUTER, INNER]},
                 answers=(_calls("by the inner group", "list"),)),
            Turn(
                request={
                    "input": [user("Find tea."), {"$output": 0}, output_item("{call_id:0:0}", "Nothing about tea.")],
                    "store": False,
                    "tools": [OUTER, INNER],
                },
                answers=(says("There is nothing."),),
            ),
        ),
        drives=STREAM,
        features=NAMESPACES,
        tags=frozenset({"loop"}),
    ),
)  # fmt: skip
