"""Cases of tool loops in which the model thinks: what it thought goes back to it with the result, as it came."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import WEATHER_TOOL, call, call_item, output_item, says, thinks, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import Dialect, Reasoning, Script

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)
STREAM: frozenset[DriveKind] = frozenset({"stream"})
OSLO = call("get_weather", {"city": "Oslo"}, "toolu_oslo")
ROME = call("get_weather", {"city": "Rome"}, "toolu_rome")
THINKING: dict[str, Any] = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "medium", "summary": "auto"},
    "tools": [WEATHER_TOOL],
    "store": False,
}


def _loop(name: str, summary: str, source: str, first: Script, dialects: tuple[Dialect, ...]) -> Case:
    """The client answers every call of the first response and sends all of it back as it came."""
    question = user("Weather?")
    calls = sum(part in (OSLO, ROME) for part in first.parts)
    results = [output_item(f"{{call_id:0:{number}}}", f"{number + 4} degrees") for number in range(calls)]
    return Case(
        id=f"loop.{name}",
        summary=summary,
        source=source,
        turns=(
            Turn(request={"input": [question], **THINKING}, answers=(first,)),
            Turn(request={"input": [question, {"$output": 0}, *results], **THINKING}, answers=(says("Mild."),)),
        ),
        dialects=dialects,
        drives=STREAM,
        features=frozenset({"reasoning"}),
        tags=frozenset({"loop"}),
    )


CASES = (
    Case(
        id="loop.begun-elsewhere",
        summary="A call of another model and its result, sent to one that is to think: no thinking goes back.",
        source="openai/openai-agents-python#1704; anomalyco/opencode#3077",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Weather?"),
                        call_item("call_elsewhere", "get_weather", '{"city":"Oslo"}'),
                        output_item("call_elsewhere", "4 degrees"),
                    ],
                    **THINKING,
                },
                answers=(says("Mild."),),
            ),
        ),
        drives=STREAM,
        features=frozenset({"reasoning"}),
    ),
    _loop(
        "omitted-thinking",
        "Thinking of which only the signature is sent.",
        "anthropic.types.ThinkingConfigAdaptiveParam.display",
        says(Reasoning((), "c2lnLW9taXR0ZWQ="), OSLO, finish="tool_calls"),
        MESSAGES,
    ),
    _loop(
        "signature-repeated",
        "A signature that comes twice: the second takes the first one's place.",
        "anthropic.lib.streaming: accumulate_event sets the signature; anthropic.types.SignatureDelta",
        says(thinks("Oslo, then.", "c2lnLW9uY2U="), OSLO, finish="tool_calls", quirks=("signature-repeated",)),
        MESSAGES,
    ),
    _loop(
        "thinking-between-calls",
        "Thinking, a call, thinking, a call: the order is part of what was signed.",
        "NousResearch/hermes-agent#36071; Anthropic documentation, Interleaved thinking",
        says(
            thinks("Oslo first.", "c2lnLW9uZQ=="),
            OSLO,
            thinks("Then Rome.", "c2lnLXR3bw=="),
            ROME,
            finish="tool_calls",
        ),
        MESSAGES,
    ),
    _loop(
        "thinking-twice",
        "Two thoughts in one turn, text and a call between them: both go back, in however many messages.",
        "vllm-project/vllm#42664; OpenAI gpt-oss cookbook, Handling the raw chain of thought",
        says(thinks("Oslo first."), "One moment. ", OSLO, thinks("Then Rome."), ROME, finish="tool_calls"),
        CHAT,
    ),
    _loop(
        "other-field",
        "Reasoning in `reasoning_content`: the service wants it back under that name.",
        "DeepSeek API documentation, reasoning_content with tool calls; vllm-project/vllm#42664",
        says(thinks("Named differently."), OSLO, finish="tool_calls", quirks=("reasoning-content",)),
        ("chat_completions",),
    ),
)
