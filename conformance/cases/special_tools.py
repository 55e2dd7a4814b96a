"""Cases of tools that no upstream knows: custom, namespaced, searched, delivered late, hosted."""

from __future__ import annotations

import json
from typing import Any

from conformance.cases.build import (
    PIXEL,
    WEATHER_TOOL,
    answers,
    asks,
    call,
    call_item,
    function,
    output_item,
    says,
    user,
)
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import DeclaredCall, Dies, Error

__all__ = ["CASES"]

STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
CUSTOM = frozenset({"custom-tools"})
NAMESPACES = frozenset({"namespaces"})

PATCH = '*** Begin Patch\n*** Add File: a.txt\n+héllo "quoted" \\ back\\slash\n+\ttab 👍 \u2028\n*** End Patch\n'
GRAMMAR = 'start: "*** Begin Patch" LF line+ "*** End Patch" LF?\nline: /[^\\n]*/ LF\nLF: "\\n"\n'
PATCH_TOOL: dict[str, Any] = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Applies a patch to the files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": GRAMMAR},
}
NOTE_TOOL: dict[str, Any] = {
    "type": "custom",
    "name": "note",
    "description": "Keeps a note.",
    "format": {"type": "text"},
}
DOCS: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__docs",
    "description": "Documents.",
    "tools": [function("search", "Searches documents.", query={"type": "string"})],
}
WIKI: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__wiki",
    "description": "A wiki.",
    "tools": [function("search", "Searches the wiki.", query={"type": "string"})],
}
LONG_NAME = "mcp__" + "a_rather_long_server_name_" * 2 + "and_a_tool"

SEARCH_TOOL: dict[str, Any] = {
    "type": "tool_search",
    "execution": "client",
    "description": "Finds tools.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query"],
    },
}
CALENDAR: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__calendar",
    "description": "A calendar.",
    "tools": [function("events", "Lists events.", day={"type": "string"}) | {"defer_loading": True}],
}
RECEIPTS: tuple[dict[str, Any], ...] = (
    {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["tea"], "results": None},
    {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "status": "completed",
        "container_id": "cntr_1",
        "code": "1 + 1",
        "outputs": None,
    },
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": None},
    {"type": "mcp_call", "id": "mcp_1", "server_label": "wiki", "name": "find", "arguments": "{}", "output": "tea"},
)
SEARCHED = {"query": "calendar", "limit": 3}
SEARCH_CALL = DeclaredCall("Finds tools.", ("tool_search",), arguments=json.dumps(SEARCHED), id="call_s")
PATCH_CALL = DeclaredCall("Applies a patch", ("apply_patch",), input=PATCH, id="call_patch")


def _noted(text: str, call_id: str = "call_c") -> DeclaredCall:
    return DeclaredCall("Keeps a note.", ("note",), input=text, id=call_id)


_CUT_PATCH = DeclaredCall(
    "Applies a patch", ("apply_patch",), arguments='{"input": "*** Begin Patch\\n*** Delete File: a.t', id="call_cut"
)

CASES = (
    Case(
        id="custom.called",
        summary="The upstream calls the function that stands for a custom tool with a grammar.",
        source="decolua/9router#1371; Wei-Shaw/sub2api#5659; router-for-me/CLIProxyAPI#5753; "
        "Anionex/agent-vision-toolkit#6; router-for-me/CLIProxyAPI#4414",
        turns=answers(says(PATCH_CALL, finish="tool_calls"), tools=[PATCH_TOOL]),
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
        expected_calls=({"type": "custom_tool_call", "name": "apply_patch", "input": PATCH},),
    ),
    Case(
        id="custom.beside-function",
        summary="A call of a function and two of a custom tool in one answer.",
        source="justlovemaki/AIClient2API#418",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_f"),
                _noted("remember the milk"),
                _noted("and the bread", "call_d"),
                finish="tool_calls",
            ),
            tools=[WEATHER_TOOL, NOTE_TOOL],
        ),
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
        expected_calls=(
            {"type": "function_call", "name": "get_weather"},
            {"type": "custom_tool_call", "name": "note", "input": "remember the milk"},
            {"type": "custom_tool_call", "name": "note", "input": "and the bread"},
        ),
    ),
    Case(
        id="custom.bare-text",
        summary="The model writes a custom tool's text as it is, not into the JSON that was asked for.",
        source="Anionex/agent-vision-toolkit#6; openai.types.chat: the model does not always generate valid JSON",
        turns=answers(
            says(
                DeclaredCall("Keeps a note.", ("note",), arguments="buy tea, and {not} JSON\n", id="call_b"),
                finish="tool_calls",
            ),
            tools=[NOTE_TOOL],
        ),
        dialects=("chat_completions", "vllm"),
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
        expected_calls=({"type": "custom_tool_call", "name": "note", "input": "buy tea, and {not} JSON\n"},),
    ),
    Case(
        id="custom.cut-by-limit",
        summary="The input of a custom tool's call is cut: by the token limit, by an error, by the connection's end.",
        source="openai/codex runs a custom call when it is done, whatever its status; openai/codex#41340",
        turns=(
            *answers(says(_CUT_PATCH, finish="length"), tools=[PATCH_TOOL]),
            *answers(says(_CUT_PATCH, Error(529, "Overloaded"), finish=None, usage=None), tools=[PATCH_TOOL]),
            *answers(says(_CUT_PATCH, Dies("eof"), finish=None, usage=None), tools=[PATCH_TOOL]),
        ),
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
    ),
    Case(
        id="custom.in-history",
        summary="A custom call and its output of an earlier turn.",
        source="sgl-project/sglang#35216; ROCm/ATOM#2178; cubist38/mlx-openai-server#268",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Patch it."),
                        {
                            "type": "custom_tool_call",
                            "id": "ctc_1",
                            "status": "completed",
                            "call_id": "call_p",
                            "name": "apply_patch",
                            "input": PATCH,
                        },
                        {"type": "custom_tool_call_output", "call_id": "call_p", "output": "Done: one file."},
                    ],
                    "tools": [PATCH_TOOL],
                    "store": False,
                },
                answers=(says("Patched."),),
            ),
        ),
        drives=PLAIN,
        features=CUSTOM,
    ),
    Case(
        id="custom.chosen",
        summary="`tool_choice` names a custom tool.",
        source="openai.types.responses.ToolChoiceCustomParam",
        turns=answers(
            says(_noted("chosen"), finish="tool_calls"),
            tools=[NOTE_TOOL, WEATHER_TOOL],
            tool_choice={"type": "custom", "name": "note"},
        ),
        drives=PLAIN,
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
        expected_calls=({"type": "custom_tool_call", "name": "note", "input": "chosen"},),
    ),
    Case(
        id="namespace.declared",
        summary="Two namespaces hold tools of the same name.",
        source="jundot/omlx#3371; butterbase-ai/butterbase#134; ggml-org/llama.cpp#20156; "
        "router-for-me/CLIProxyAPI#3199",
        turns=answers(says("Which one?"), tools=[DOCS, WIKI, WEATHER_TOOL]),
        drives=PLAIN,
        features=NAMESPACES,
        tags=frozenset({"namespace"}),
    ),
    Case(
        id="namespace.called",
        summary="The upstream calls a tool of the second namespace.",
        source="butterbase-ai/butterbase#134; Codex CLI 0.169 runs a call only as {name, namespace}",
        turns=answers(
            says(
                DeclaredCall("Searches the wiki.", ("wiki", "search"), arguments='{"query": "tea"}', id="call_n"),
                finish="tool_calls",
            ),
            tools=[DOCS, WIKI, WEATHER_TOOL],
        ),
        features=NAMESPACES,
        tags=frozenset({"namespace"}),
        expected_calls=({"type": "function_call", "name": "search", "namespace": "mcp__wiki"},),
    ),
    Case(
        id="namespace.in-history",
        summary="A namespaced call and its output of an earlier turn.",
        source="Codex CLI 0.169 echoes {name, namespace}",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Search the wiki."),
                        call_item("call_w", "search", '{"query":"tea"}', namespace="mcp__wiki"),
                        output_item("call_w", "Tea is a drink."),
                    ],
                    "tools": [DOCS, WIKI],
                    "store": False,
                },
                answers=(says("It is a drink."),),
            ),
        ),
        drives=PLAIN,
        features=NAMESPACES,
        tags=frozenset({"namespace"}),
    ),
    Case(
        id="tools.delivered-in-input",
        summary="The tools come in an `additional_tools` item; `tools` is null.",
        source="router-for-me/CLIProxyAPI#4219; looplj/axonhub#2105; ROCm/ATOM#2178",
        turns=(
            Turn(
                request={
                    "input": [
                        {"type": "additional_tools", "role": "developer", "tools": [WEATHER_TOOL, NOTE_TOOL]},
                        user("Weather in Oslo?"),
                    ],
                    "tools": None,
                    "store": False,
                },
                answers=(says(call("get_weather", {"city": "Oslo"}), finish="tool_calls"),),
            ),
        ),
        drives=PLAIN,
        features=frozenset({"additional-tools", "custom-tools"}),
    ),
    Case(
        id="tools.search",
        summary="The upstream calls the function that stands for `tool_search`.",
        source="Codex CLI 0.169; openai.types.responses.ResponseToolSearchCall",
        turns=answers(
            says(
                DeclaredCall(
                    "Finds tools.", ("tool_search",), arguments='{"query": "calendar", "limit": 3}', id="call_s"
                ),
                finish="tool_calls",
            ),
            tools=[SEARCH_TOOL],
        ),
        features=frozenset({"tool-search"}),
        tags=frozenset({"search-call"}),
        expected_calls=(
            {"type": "tool_search_call", "execution": "client", "arguments": {"query": "calendar", "limit": 3}},
        ),
    ),
    Case(
        id="tools.search-in-history",
        summary="A tool search and the group of tools that it found stand in the history; a found tool is called.",
        source="openai.types.responses.ResponseToolSearchOutputItem; Codex CLI 0.169; router-for-me/CLIProxyAPI#4414",
        turns=(
            Turn(
                request={
                    "input": [
                        user("When is the meeting?"),
                        {
                            "type": "tool_search_call",
                            "id": "tsc_1",
                            "call_id": "call_s",
                            "status": "completed",
                            "execution": "client",
                            "arguments": SEARCHED,
                        },
                        {
                            "type": "tool_search_output",
                            "id": "tso_1",
                            "call_id": "call_s",
                            "status": "completed",
                            "execution": "client",
                            "tools": [CALENDAR],
                        },
                    ],
                    "tools": [SEARCH_TOOL],
                    "store": False,
                },
                answers=(
                    says(
                        DeclaredCall("Lists events.", ("events",), arguments='{"day": "today"}', id="call_e"),
                        finish="tool_calls",
                    ),
                ),
            ),
        ),
        drives=PLAIN,
        features=NAMESPACES | {"tool-search"},
        tags=frozenset({"search-history"}),
        expected_calls=({"type": "function_call", "name": "events", "namespace": "mcp__calendar"},),
    ),
    Case(
        id="tools.hosted-receipts-of-all-kinds",
        summary="The receipts of a file search, a code run, a drawn image and a remote tool in the history.",
        source="openai.types.responses.ResponseInputItemParam; ggml-org/llama.cpp#20156",
        turns=(
            Turn(
                request={"input": [user("Do it."), *RECEIPTS, user("And?")], "store": False}, answers=(says("Done."),)
            ),
        ),
        drives=PLAIN,
        tags=frozenset({"hosted-receipt"}),
        each_dialect=True,
    ),
    Case(
        id="tools.hosted-beside-function",
        summary="A hosted tool beside a function: the request is answered.",
        source="ggml-org/llama.cpp#20156; unslothai/unsloth#5141; coder/aibridge#285; router-for-me/CLIProxyAPI#3199",
        turns=answers(
            says(call("get_weather", {"city": "Oslo"}), finish="tool_calls"),
            tools=[{"type": "web_search", "external_web_access": True}, WEATHER_TOOL],
        ),
        drives=PLAIN,
        tags=frozenset({"hosted-tool"}),
    ),
    Case(
        id="tools.hosted-receipt-in-history",
        summary="The receipt of a hosted search in the history.",
        source="Codex CLI 0.169 echoes web_search_call items",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Search."),
                        {
                            "type": "web_search_call",
                            "id": "ws_1",
                            "status": "completed",
                            "action": {"type": "search", "query": "tea"},
                        },
                        user("And?"),
                    ],
                    "store": False,
                },
                answers=(says("Found."),),
            ),
        ),
        drives=PLAIN,
        tags=frozenset({"hosted-receipt"}),
    ),
    Case(
        id="tools.long-name",
        summary="A tool's name is longer than chat completions allow.",
        source="mrexodia/ida-pro-mcp#129; danny-avila/LibreChat#7435; use-novamira/novamira#12",
        turns=answers(
            says(
                DeclaredCall("Has a long name.", ("a_rather_long",), arguments='{"query": "x"}', id="call_l"),
                finish="tool_calls",
            ),
            tools=[function(LONG_NAME, "Has a long name.", query={"type": "string"})],
        ),
        drives=PLAIN,
        expected_calls=({"type": "function_call", "name": LONG_NAME},),
        features=frozenset({"long-names"}),
        tags=frozenset({"long-name"}),
    ),
    Case(
        id="tools.allowed",
        summary="`allowed_tools` limits the tools to one of two, and demands a call of it.",
        source="Open Responses 2026-04-24, allowed_tools; ogx-ai/ogx#3548",
        turns=answers(
            says(call("get_weather", {"city": "Oslo"}), finish="tool_calls"),
            tools=[WEATHER_TOOL, function("get_time", zone={"type": "string"})],
            tool_choice={
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "get_weather"}],
            },
        ),
        drives=PLAIN,
        tags=frozenset({"allowed-tools"}),
    ),
    Case(
        id="tools.image-in-result",
        summary="A tool's result holds a text and an image.",
        source="ggml-org/llama.cpp#27958; sgl-project/sglang#34927; BerriAI/litellm#17799",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Look at the screen."),
                        call_item("call_i", "view", "{}"),
                        output_item(
                            "call_i",
                            [
                                {"type": "input_text", "text": "Here it is."},
                                {
                                    "type": "input_image",
                                    "detail": "auto",
                                    "image_url": PIXEL,
                                },
                            ],
                        ),
                    ],
                    "tools": [function("view")],
                    "store": False,
                },
                answers=(says("A pixel."),),
            ),
        ),
        drives=PLAIN,
        features=frozenset({"images"}),
        each_dialect=True,
    ),
    Case(
        id="tools.forced-hosted",
        summary="`tool_choice` forces a hosted tool that a translator cannot run.",
        source="openai.types.responses.ToolChoiceTypesParam",
        turns=(
            Turn(
                request=asks(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"}),
                answers=(says("Without searching."),),
            ),
        ),
        drives=PLAIN,
        refusal_statuses=frozenset({400, 422, 501}),  # 501: RFC 9110 15.6.2, a functionality that it does not support
        may_refuse=True,
        tags=frozenset({"hosted-tool"}),
        each_dialect=True,
    ),
    Case(
        id="tools.json-of-input",
        summary="A custom tool's input is itself JSON and must not be unwrapped twice.",
        source="Anionex/agent-vision-toolkit#6",
        turns=answers(
            says(_noted(json.dumps({"input": "inner", "n": 1})), finish="tool_calls"),
            tools=[NOTE_TOOL],
        ),
        drives=STREAMED,
        features=CUSTOM,
        tags=frozenset({"custom-call"}),
        expected_calls=({"type": "custom_tool_call", "name": "note", "input": json.dumps({"input": "inner", "n": 1})},),
    ),
)
