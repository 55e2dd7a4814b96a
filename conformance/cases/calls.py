"""Cases of tool calls: one and several, in every way upstreams are known to send them."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, call, function, says
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.script import Dialect, Interleaved, Text, ToolCall

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
OSLO = call("get_weather", {"city": "Oslo"})
NOTE_TOOL = function("take_note", "Keeps a note.", note={"type": "object"})

HARD_ARGUMENTS = (
    '{"note": {"big": 12345678901234567890, "neg": -0.1e-7, '
    '"text": "l\\u00ef\\n\\"q\\" \\\\ \\ud83d\\ude00 你好 \u2028", '
    '"list": [1, [2, {"deep": null}], true], "empty": {}, "dup ": "x"}}'
)

FRAGMENTS_ALIKE = (
    *('{"times": 1', "0", "0", "0", ', "code": "if x:', "\\n", " ", " ", "    ", " return"),
    *('", "options": ', "{}", ', "input": ', "null", "}"),
)

CASES = (
    Case(
        id="calls.one",
        summary="One call whose arguments come in fragments.",
        source="BerriAI/litellm#20711; symfony/ai#2089; NousResearch/hermes-agent#94961; vllm-project/vllm#36435; "
        "justlovemaki/AIClient2API#418; ggml-org/llama.cpp#20607; vllm-project/vllm#56285; "
        "justlovemaki/AIClient2API#472",
        turns=answers(says(OSLO, finish="tool_calls"), **TOOLS),
        each_form=True,
    ),
    Case(
        id="calls.after-text",
        summary="Text, and then a call.",
        source="justlovemaki/AIClient2API#418; vllm-project/vllm#56285; BerriAI/litellm#5231; "
        "justlovemaki/AIClient2API#471",
        turns=answers(says("Let me check the weather.", OSLO, finish="tool_calls"), **TOOLS),
    ),
    Case(
        id="calls.two",
        summary="Two calls of different tools, one after the other.",
        source="ls1intum/edutelligence#923",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_first"),
                call("get_time", {"zone": "CET"}, "call_second"),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
    ),
    Case(
        id="calls.three-same-tool",
        summary="Three calls of one tool, the first and the last of them with the same arguments.",
        source="router-for-me/CLIProxyAPI#5058",
        turns=answers(
            says(
                *(call("get_weather", {"city": city}) for city in ("Oslo", "Rome", "Oslo")),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
    ),
    Case(
        id="calls.interleaved",
        summary="The fragments of two parallel calls alternate.",
        source="diegosouzapw/OmniRoute#11144; ls1intum/edutelligence#923",
        turns=answers(
            says(
                Interleaved(
                    (
                        call("get_weather", {"city": "Reykjavik"}, "call_a"),
                        call("get_time", {"zone": "Atlantic/Reykjavik"}, "call_b"),
                    )
                ),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
        dialects=CHAT,
    ),
    Case(
        id="calls.hard-arguments",
        summary="Arguments with big integers, escapes, surrogate pairs and nesting.",
        source="openai.types.responses.ResponseFunctionToolCall.arguments: a JSON string",
        turns=answers(says(call("take_note", HARD_ARGUMENTS, size=3), finish="tool_calls"), tools=[NOTE_TOOL]),
        each_form=True,
    ),
    Case(
        id="calls.arguments-at-once",
        summary="The arguments come whole in one fragment, or in two that part a long number.",
        source="BerriAI/litellm#25836; BerriAI/litellm#25605; RFC 8259 6 (numbers beyond 2**53)",
        turns=answers(
            says(
                ToolCall("take_note", (HARD_ARGUMENTS,), "call_whole"),
                ToolCall("take_note", ('{"note": {"id": -98765432109876543', "21012345678901234567}}"), "call_parted"),
                finish="tool_calls",
            ),
            tools=[NOTE_TOOL],
        ),
    ),
    Case(
        id="calls.fragments-alike",
        summary="Fragments of arguments that repeat the one before, are blank, or are `{}` in the middle.",
        source="openai.types.chat.chat_completion_chunk.ChoiceDeltaToolCallFunction.arguments (joined as they come)",
        turns=answers(
            says(ToolCall("run_code", FRAGMENTS_ALIKE, "call_alike"), finish="tool_calls"),
            tools=[
                function(
                    "run_code",
                    "Runs code.",
                    times={"type": "integer"},
                    code={"type": "string"},
                    options={"type": "object"},
                    input={"type": "null"},
                )
            ],
        ),
        drives=STREAMED,
    ),
    Case(
        id="calls.empty-object",
        summary="A call with the empty object as arguments.",
        source="BerriAI/litellm#5063",
        turns=answers(says(ToolCall("get_time", ("{}",)), finish="tool_calls"), tools=[function("get_time")]),
    ),
    Case(
        id="calls.no-arguments-sent",
        summary="A finished call of a tool without parameters, of whose arguments nothing is sent.",
        source="sigoden/aichat#779; vercel/ai#2103; Portkey-AI/gateway#1103",
        turns=answers(says(ToolCall("get_time", ()), finish="tool_calls"), tools=[function("get_time")]),
    ),
    Case(
        id="calls.invalid-json",
        summary="A finished call whose arguments are not JSON: they are the client's to judge.",
        source="vLLM 0.32, hermes parser; openai.types.responses.ResponseFunctionToolCall.arguments",
        turns=answers(says(call("get_weather", '{"city": "Oslo"'), finish="tool_calls"), **TOOLS),
        dialects=CHAT,
        drives=frozenset({"stream", "hostile"}),
    ),
    Case(
        id="calls.finish-stop",
        summary="A call, although the finish reason says `stop`.",
        source="ENTERPILOT/GoModel#124; weave-os/router#250",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("finish-stop-with-calls",)), **TOOLS),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.id-repeated",
        summary="The call's id stands in every fragment.",
        source="openai.types.chat.chat_completion_chunk.ChoiceDeltaToolCall.id",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("tool-id-every-fragment",)), **TOOLS),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.name-repeated",
        summary="The function's name stands in every fragment.",
        source="vllm-project/vllm#13078",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("tool-name-every-fragment",)), **TOOLS),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.id-missing",
        summary="The upstream sends no id for the call.",
        source="vllm-project/vllm#18412; router-for-me/CLIProxyAPI#4219",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("tool-id-missing",)), **TOOLS),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.index-missing",
        summary="The fragments of two calls carry no index.",
        source="router-for-me/CLIProxyAPI#5058; SamSaffron/term-llm#314",
        turns=answers(
            says(
                ToolCall("get_weather", ('{"city": "Oslo"}',), "call_a"),
                ToolCall("get_time", ('{"zone": "CET"}',), "call_b"),
                finish="tool_calls",
                quirks=("tool-index-missing",),
            ),
            **TOOLS,
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.index-reused",
        summary="A second call, with its own id and name, on the index of the first.",
        source="BerriAI/litellm#16188; earendil-works/pi#8861; ai-dynamo/dynamo#4723",
        turns=answers(
            says(
                ToolCall("get_weather", ('{"city": "Oslo"}',), "call_a"),
                ToolCall("get_time", ('{"zone": "CET"}',), "call_b"),
                finish="tool_calls",
                quirks=("tool-new-id-same-index",),
            ),
            **TOOLS,
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    *(
        Case(
            id=f"calls.{name}",
            summary=summary,
            source=source,
            turns=answers(says("Wait. ", OSLO, finish="tool_calls", quirks=(quirk,)), **TOOLS),
            dialects=CHAT,
            drives=STREAMED,
        )
        for name, quirk, summary, source in (
            ("id-then-name", "id-then-name", "Id and name come in separate deltas.", "pipecat-ai/pipecat#4987"),
            (
                "id-empty-later",
                "tool-id-empty-later",
                "Later fragments carry an empty id.",
                "BerriAI/litellm#20711",
            ),
            (
                "arguments-before-name",
                "arguments-before-name",
                "The first fragment of the arguments comes before the name.",
                "pipecat-ai/pipecat#4987",
            ),
            (
                "arguments-null-first",
                "tool-arguments-null-first",
                "The first fragment has `arguments: null`.",
                "openai.types.chat.chat_completion_chunk.ChoiceDeltaToolCallFunction",
            ),
            (
                "legacy",
                "legacy-function-call",
                "A call in the legacy `function_call` field.",
                "openai.types.chat.chat_completion_chunk.ChoiceDeltaFunctionCall",
            ),
            (
                "with-text-in-one-delta",
                "text-with-tool-call",
                "Text and the start of a call in one delta.",
                "BerriAI/litellm#18238; sgl-project/sglang#34214",
            ),
        )
    ),
    Case(
        id="calls.name-in-fragments",
        summary="The function's name comes in two fragments before the arguments.",
        source="NVIDIA-NeMo/Switchyard#785",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("name-in-fragments",)), **TOOLS),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.text-between",
        summary="Text between two calls is a message of its own.",
        source="sgl-project/sglang#24293",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_a"),
                Text(("And ", "the time.")),
                call("get_time", {"zone": "CET"}, "call_b"),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
        tags=frozenset({"text-after-call"}),
    ),
    Case(
        id="calls.long-upstream-id",
        summary="An upstream id of eighty characters: Responses allows 64.",
        source="decolua/9router#393; Open Responses 2026-04-24, FunctionCallItemParam.call_id",
        turns=answers(says(call("get_weather", {"city": "Oslo"}, "call_" + "x1" * 38), finish="tool_calls"), **TOOLS),
    ),
    Case(
        id="calls.same-id-twice",
        summary="Two calls to which the upstream gave one id.",
        source="QuantumNous/new-api#6278; openai/gpt-oss#308",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_same"),
                call("get_time", {"zone": "CET"}, "call_same"),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
        dialects=CHAT,
    ),
    Case(
        id="calls.foreign-id",
        summary="An upstream id with dots and colons, as Kimi's template writes it.",
        source="vllm-project/vllm#50295; maximhq/bifrost#5097",
        turns=answers(
            says(call("get_weather", {"city": "Oslo"}, "functions.get_weather:0"), finish="tool_calls"),
            **TOOLS,
        ),
        dialects=CHAT,
    ),
    Case(
        id="calls.start-without-input",
        summary="A tool_use block that starts without `input`, as llama.cpp sends it.",
        source="ggml-org/llama.cpp, tools/server: /v1/messages",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("tool-start-without-input",)), **TOOLS),
        dialects=("messages",),
    ),
    Case(
        id="calls.start-with-full-input",
        summary="A tool_use block whose whole input stands in its start, without a delta.",
        source="anthropic.types.ToolUseBlock.input",
        turns=answers(says(OSLO, finish="tool_calls", quirks=("tool-start-full-input",)), **TOOLS),
        dialects=("messages",),
    ),
    Case(
        id="calls.blocks-closed-at-end",
        summary="All blocks are closed only at the end, as llama.cpp does.",
        source="ggml-org/llama.cpp, tools/server: /v1/messages",
        turns=answers(
            says(
                "First text.",
                OSLO,
                call("get_time", {"zone": "CET"}),
                finish="tool_calls",
                quirks=("blocks-closed-at-end",),
            ),
            **TOOLS,
        ),
        dialects=("messages",),
    ),
)
