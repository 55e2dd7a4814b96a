"""Cases of call ids: odd, long, alike, repeated, and as their upstream wrote them."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, call, call_item, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import Dialect

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL], "store": False}
OSLO, BERGEN, CET = '{"city":"Oslo"}', '{"city":"Bergen"}', '{"zone":"CET"}'
QUESTION = user("Weather and time in Oslo?")
KIMI = "functions.get_weather:0"


def _history(name: str, summary: str, source: str, *items: Any, **keys: Any) -> Case:
    turn = Turn(request={"input": list(items), **TOOLS}, answers=(says("I see."),))
    return Case(id=f"ids.{name}", summary=summary, source=source, turns=(turn,), drives=STREAM, **keys)


def _two_calls(first: str, second: str) -> tuple[dict[str, Any], ...]:
    """Two calls of one turn with these ids, and their results in the other order."""
    return (
        QUESTION,
        call_item(first, "get_weather", OSLO),
        call_item(second, "get_time", CET),
        output_item(second, "12:00 sharp"),
        output_item(first, "rain in Oslo"),
    )


CASES = (
    _history(
        "cleaned-onto-another",
        "An id with a dot, beside the very id that it becomes when the dot is replaced.",
        "LibreChat-AI/agents#153; HKUDS/nanobot#4356; anthropic.types.ToolUseBlockParam.id",
        *_two_calls("call.7", "call_7"),
    ),
    _history(
        "other-scripts",
        "Ids with spaces, slashes and letters of other scripts.",
        "maximhq/bifrost#5097; screenpipe/screenpipe#3252",
        *_two_calls("Aufruf № 1/ä", "Aufruf № 1/ö"),
    ),
    _history(
        "at-the-limit",
        "Ids of 64 characters, the most that Responses allows, alike but for the last.",
        "openai.types.responses.ResponseInputItemParam.FunctionCallOutput.call_id: at most 64 characters",
        *_two_calls("call_" + "0" * 58 + "a", "call_" + "0" * 58 + "b"),
    ),
    _history(
        "again-in-parallel",
        "Two turns of two calls each, with the same two ids.",
        "vllm-project/vllm#50295; MoonshotAI/kimi-code#701",
        *_two_calls("functions.get_weather:0", "functions.get_time:1"),
        user("And in Bergen?"),
        call_item("functions.get_weather:0", "get_weather", BERGEN),
        call_item("functions.get_time:1", "get_time", '{"zone":"UTC"}'),
        output_item("functions.get_weather:0", "snow in Bergen"),
        output_item("functions.get_time:1", "11:00 sharp"),
    ),
    Case(
        id="ids.upstream-s-own-loop",
        summary="The upstream's own id, with a dot and a colon, comes back to it with the result.",
        source="vllm-project/vllm#50782: Kimi's template renders the id",
        turns=(
            Turn(
                request={"input": [QUESTION], **TOOLS},
                answers=(says(call("get_weather", {"city": "Oslo"}, KIMI), finish="tool_calls"),),
            ),
            Turn(
                request={
                    "input": [QUESTION, {"$output": 0}, output_item("{call_id:0:0}", "rain in Oslo")],
                    **TOOLS,
                },
                answers=(says("It rains."),),
            ),
        ),
        dialects=CHAT,
        drives=STREAM,
        tags=frozenset({"loop"}),
    ),
    Case(
        id="ids.repeated-by-upstream-in-loop",
        summary="The upstream gives each turn's first call the same id; both calls come back with their results.",
        source="vllm-project/vllm#50295; vllm-project/vllm#50782",
        turns=(
            Turn(
                request={"input": [QUESTION], **TOOLS},
                answers=(says(call("get_weather", {"city": "Oslo"}, KIMI), finish="tool_calls"),),
            ),
            Turn(
                request={
                    "input": [QUESTION, {"$output": 0}, output_item("{call_id:0:0}", "rain in Oslo")],
                    **TOOLS,
                },
                answers=(says(call("get_weather", {"city": "Bergen"}, KIMI), finish="tool_calls"),),
            ),
            Turn(
                request={
                    "input": [
                        QUESTION,
                        {"$output": 0},
                        output_item("{call_id:0:0}", "rain in Oslo"),
                        {"$output": 1},
                        output_item("{call_id:1:0}", "snow in Bergen"),
                    ],
                    **TOOLS,
                },
                answers=(says("Rain and snow."),),
            ),
        ),
        dialects=CHAT,
        drives=STREAM,
        tags=frozenset({"loop"}),
    ),
    Case(
        id="ids.twice-in-one-answer-in-loop",
        summary="The upstream gives two calls of one answer the same id; each gets its own result back.",
        source="earendil-works/pi#8861; ducks/claux#40",
        turns=(
            Turn(
                request={"input": [QUESTION], **TOOLS},
                answers=(
                    says(
                        call("get_weather", {"city": "Oslo"}, "call_same"),
                        call("get_time", {"zone": "CET"}, "call_same"),
                        finish="tool_calls",
                    ),
                ),
            ),
            Turn(
                request={
                    "input": [
                        QUESTION,
                        {"$output": 0},
                        output_item("{call_id:0:0}", "rain in Oslo"),
                        output_item("{call_id:0:1}", "12:00 sharp"),
                    ],
                    **TOOLS,
                },
                answers=(says("Rain at noon."),),
            ),
        ),
        dialects=CHAT,
        drives=STREAM,
        tags=frozenset({"loop"}),
    ),
)
