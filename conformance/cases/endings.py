"""Cases of how an answer ends: whole, cut, filtered, refused, broken off."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, call, says, thinks
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.script import Dialect, Dies, Error, Raw, Text, ToolCall

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})

CASES = (
    Case(
        id="ending.length",
        summary="The token limit cuts the text.",
        source="jundot/omlx#2817; openai.types.responses.response.IncompleteDetails; "
        "Alishahryar1/free-claude-code#1180; Soju06/codex-lb#1719",
        turns=answers(says("This sentence is cut in the mid", finish="length"), max_output_tokens=16),
        each_form=True,
    ),
    Case(
        id="ending.length-in-reasoning",
        summary="The token limit cuts the reasoning; there is no text.",
        source="OpenAI documentation, Reasoning models: allocating space for reasoning",
        turns=answers(
            says(thinks("Thinking and thinking and"), finish="length"),
            max_output_tokens=16,
            reasoning={"effort": "medium"},
        ),
    ),
    Case(
        id="ending.length-in-call",
        summary="The token limit cuts the arguments of a call.",
        source="OpenRouterTeam/typescript-agent#125; NousResearch/hermes-agent#110795",
        turns=answers(says(call("get_weather", '{"city": "Osl'), finish="length"), max_output_tokens=16, **TOOLS),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.length-in-second-call",
        summary="One call is whole, the token limit cuts the second.",
        source="NousResearch/hermes-agent#83229",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_whole"),
                call("get_time", '{"zone": "C', "call_cut"),
                finish="length",
            ),
            max_output_tokens=16,
            **TOOLS,
        ),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.length-before-arguments",
        summary="The token limit falls right after the call's name.",
        source="vLLM 0.32 chat completions, a hermes tool call cut by max_tokens has no arguments key",
        turns=answers(says(ToolCall("get_weather", ()), finish="length"), max_output_tokens=16, **TOOLS),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.length-in-parsable-call",
        summary="The token limit cuts a call whose arguments happen to parse.",
        source="vLLM's qwen3_coder parser closes the JSON of a cut call; Codex executes what parses",
        turns=answers(says(call("get_weather", {"city": "Osl"}), finish="length"), max_output_tokens=16, **TOOLS),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.content-filter",
        summary="The content filter stops the answer.",
        source="CherryHQ/cherry-studio#20375; openai.types.responses.response.IncompleteDetails",
        turns=answers(says("Well, in that case", finish="content_filter")),
        dialects=("chat_completions",),
    ),
    Case(
        id="ending.refusal-after-text",
        summary="Messages stops with `refusal` after some text.",
        source="anthropic.types.StopReason; laravel/ai#881",
        turns=answers(says("I could say that", finish="refusal")),
        dialects=("messages",),
    ),
    Case(
        id="ending.refusal-without-text",
        summary="Messages stops with `refusal` and has said nothing.",
        source="anthropic.types.StopReason; mozilla-ai/any-llm#1306",
        turns=answers(says(finish="refusal")),
        dialects=("messages",),
    ),
    Case(
        id="ending.stop-sequence",
        summary="A stop sequence ends the answer: it is complete.",
        source="vllm-project/vllm#45807; sgl-project/sglang#33153",
        turns=answers(says("Until here", finish="stop_sequence")),
        dialects=("messages",),
    ),
    Case(
        id="ending.context-window",
        summary="Messages stops because the context window is full.",
        source="turnstonelabs/turnstone#1162; anthropic.types.StopReason",
        turns=answers(says("The window closes", finish="context_window")),
        dialects=("messages",),
    ),
    Case(
        id="ending.pause-turn",
        summary="Messages pauses a long turn.",
        source="tetsuo-ai/agenc-core#2111; anthropic.types.StopReason",
        turns=answers(says("To be continued", finish="pause_turn"), says(" and concluded.")),
        dialects=("messages",),
        tags=frozenset({"may-continue-upstream"}),
    ),
    Case(
        id="ending.eof-in-text",
        summary="The upstream's connection ends in the middle of the text.",
        source="router-for-me/CLIProxyAPI#4904; diegosouzapw/OmniRoute#10980; farion1231/cc-switch#4535",
        turns=answers(says(Text(("Half a ", "sent")), Dies("eof"), finish=None, usage=None)),
    ),
    Case(
        id="ending.eof-at-once",
        summary="The upstream's connection ends together with the last bytes of half an answer.",
        source="RFC 9293 3.6: what was sent before a FIN is delivered; aio-libs/aiohttp#3026",
        turns=answers(says(Text(("Half a ", "sent")), Dies("eof-at-once"), finish=None, usage=None)),
        drives=frozenset({"stream"}),
    ),
    Case(
        id="ending.eof-in-an-event",
        summary="The upstream's connection ends in the middle of an event's line.",
        source="WHATWG HTML 9.2.6: an event that no blank line closes is discarded; musistudio/claude-code-router#1672",
        turns=answers(
            says(
                Text(("Half a ", "line")), Raw(b'data: {"id": "unfinished", "cho'), Dies("eof"), finish=None, usage=None
            )
        ),
        drives=STREAMED,
    ),
    Case(
        id="ending.reset-in-text",
        summary="The upstream's connection is reset in the middle of the text.",
        source="Oaklight/llm-rosetta#481; open-webui/open-webui#29628; diegosouzapw/OmniRoute#7699",
        turns=answers(says(Text(("Half a ", "sent")), Dies("reset"), finish=None, usage=None)),
        drives=STREAMED,
    ),
    Case(
        id="ending.eof-in-call",
        summary="The upstream's connection ends in the middle of a call's arguments.",
        source="openai/codex#41340; ENTERPILOT/GoModel#1017",
        turns=answers(says(call("get_weather", '{"city": "Os'), Dies("eof"), finish=None, usage=None), **TOOLS),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.eof-in-reasoning",
        summary="The upstream's connection ends in the middle of the reasoning.",
        source="router-for-me/CLIProxyAPI#4905",
        turns=answers(
            says(thinks("I was just about to"), Dies("eof"), finish=None, usage=None),
            reasoning={"effort": "medium", "summary": "auto"},
        ),
        drives=STREAMED,
    ),
    Case(
        id="ending.eof-after-whole-call",
        summary="A call is whole, text follows, and the connection ends.",
        source="openai/codex#41340",
        turns=answers(
            says(
                "Before. ",
                call("get_weather", {"city": "Oslo"}),
                Text(("And th",)),
                Dies("eof"),
                finish=None,
                usage=None,
            ),
            **TOOLS,
        ),
        drives=STREAMED,
    ),
    Case(
        id="ending.error-in-text",
        summary="An error event in the middle of the text.",
        source="envoyproxy/ai-gateway#2697; use-agent-os/agent-os#2118; vllm-project/vllm#38190; "
        "zyycn/codex-proxy-rs#90",
        turns=answers(says(Text(("So far ", "so good")), Error(500, "The engine has died."), finish=None, usage=None)),
        drives=STREAMED,
    ),
    Case(
        id="ending.error-in-call",
        summary="An error event in the middle of a call's arguments.",
        source="ENTERPILOT/GoModel#1017; zyycn/codex-proxy-rs#90",
        turns=answers(
            says(call("get_weather", '{"city": "Os'), Error(529, "Overloaded"), finish=None, usage=None),
            **TOOLS,
        ),
        drives=STREAMED,
        tags=frozenset({"cut-call"}),
    ),
    Case(
        id="ending.error-first",
        summary="The first event of the upstream's stream is an error.",
        source="Open Responses 2026-04-24, Errors",
        turns=answers(says(Error(500, "Nothing could be started."), finish=None, usage=None)),
        drives=STREAMED,
    ),
    Case(
        id="ending.invalid-in-text",
        summary="In the middle of the text the upstream finds the request invalid: no retry can mend it.",
        source="openai/codex, codex-rs: invalid_prompt is final, unknown codes are tried again",
        turns=answers(says(Text(("Wait, ", "what?")), Error(400, "The request is invalid."), finish=None, usage=None)),
        drives=STREAMED,
        dialects=("messages", "vllm"),
    ),
    Case(
        id="ending.rate-limit-in-text",
        summary="A rate limit strikes in the middle of the text.",
        source="openai/codex, codex-rs: rate_limit_exceeded with `try again in`",
        turns=answers(says(Text(("Slow ", "down")), Error(429, "Rate limit reached."), finish=None, usage=None)),
        drives=STREAMED,
        dialects=("messages", "vllm"),
    ),
    Case(
        id="ending.error-of-a-bare-string",
        summary="An error event whose `error` is a string.",
        source="vLLM's 401 body; BerriAI/litellm#32221",
        turns=answers(
            says(Text(("So far",)), Error(500, "Broken pipe."), finish=None, usage=None, quirks=("error-string",))
        ),
        drives=STREAMED,
    ),
    Case(
        id="ending.error-with-choices",
        summary="An error event that has an empty list of choices, too.",
        source="use-agent-os/agent-os#2214",
        turns=answers(
            says(Text(("So far",)), Error(500, "No more."), finish=None, usage=None, quirks=("error-with-choices",))
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="ending.done-without-finish",
        summary="The end marker comes, but no finish reason.",
        source="sgl-project/sglang#4550; router-for-me/CLIProxyAPI#4860",
        turns=answers(says("All said.", finish=None)),
        dialects=CHAT,
    ),
    Case(
        id="ending.finish-without-done",
        summary="The finish reason comes, but no end marker.",
        source="transformers serve 5.19 sends no [DONE]; router-for-me/CLIProxyAPI#1085",
        turns=answers(says("All said.", quirks=("no-done",))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="ending.call-then-error",
        summary="A whole call, and then an error event.",
        source="use-agent-os/agent-os#2214",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}),
                Error(500, "The engine has died."),
                finish=None,
                usage=None,
            ),
            **TOOLS,
        ),
        drives=STREAMED,
    ),
)
