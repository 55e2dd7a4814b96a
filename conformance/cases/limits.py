"""Cases of limits that an upstream does not keep: tools that are not allowed, calls that were not wanted."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, call, says
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.script import DeclaredCall

__all__ = ["CASES"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
TOOLS = [WEATHER_TOOL, TIME_TOOL]
ONLY_WEATHER = {
    "type": "allowed_tools",
    "mode": "auto",
    "tools": [{"type": "function", "name": "get_weather"}],
}
WEATHER_CALL = call("get_weather", {"city": "Oslo"}, "call_w")
TIME_CALL = call("get_time", {"zone": "CET"}, "call_t")


def _disobeyed(name: str, summary: str, source: str, *said: Any, **body: Any) -> Case:
    """The upstream says some text, so that an answer is left when its calls are taken out."""
    return Case(
        id=f"limits.{name}",
        summary=summary,
        source=source,
        turns=answers(says("I will see. ", *said, finish="tool_calls"), tools=TOOLS, **body),
        drives=PLAIN,
        tags=frozenset({"disobeyed"}),
    )


NOTE_TOOL = {"type": "custom", "name": "note", "description": "Keeps a note.", "format": {"type": "text"}}

CASES = (
    _disobeyed(
        "other-tool-called",
        "The upstream calls a tool that `allowed_tools` leaves out.",
        "Open Responses 2026-04-24, allowed_tools; openai.types.responses.ToolChoiceAllowedParam",
        TIME_CALL,
        tool_choice=ONLY_WEATHER,
    ),
    _disobeyed(
        "other-tool-called-too",
        "The upstream calls a tool that is not allowed, and then one that is.",
        "Open Responses 2026-04-24, allowed_tools; openai.types.responses.ToolChoiceAllowedParam",
        TIME_CALL,
        WEATHER_CALL,
        tool_choice=ONLY_WEATHER,
    ),
    Case(
        id="limits.custom-tool-allowed",
        summary="`allowed_tools` allows a custom tool only, and demands a call of it.",
        source="openai.types.responses.ToolChoiceAllowedParam.mode",
        turns=answers(
            says(DeclaredCall("Keeps a note.", ("note",), input="buy tea", id="call_n"), finish="tool_calls"),
            tools=[WEATHER_TOOL, NOTE_TOOL],
            tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "note"}]},
        ),
        drives=PLAIN,
        features=frozenset({"custom-tools"}),
        tags=frozenset({"allowed-tools"}),
        expected_calls=({"type": "custom_tool_call", "name": "note", "input": "buy tea"},),
    ),
    _disobeyed(
        "two-calls-for-one",
        "The upstream makes two calls although `parallel_tool_calls` is false.",
        "openai.types.responses.ResponseCreateParams.parallel_tool_calls; vLLM maybe_filter_parallel_tool_calls",
        WEATHER_CALL,
        TIME_CALL,
        parallel_tool_calls=False,
    ),
    _disobeyed(
        "called-in-spite-of-none",
        "The upstream calls a tool although `tool_choice` is none.",
        "openai.types.responses.ToolChoiceOptions",
        WEATHER_CALL,
        tool_choice="none",
    ),
)
