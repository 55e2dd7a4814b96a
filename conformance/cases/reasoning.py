"""Cases of reasoning: alone, before text, before calls, between them, signed and opaque."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import WEATHER_TOOL, answers, call, says, thinks
from conformance.cases.case import Case
from fakes.script import Reasoning, RedactedReasoning, Text, Usage

__all__ = ["CASES"]

THINKING: dict[str, Any] = {
    "reasoning": {"effort": "medium", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
}
COUNTED = Usage(input=20, output=30, reasoning=18)

CASES = (
    Case(
        id="reasoning.then-text",
        summary="The model thinks, and then answers.",
        source="BerriAI/litellm#41185; BerriAI/litellm#20246 (vLLM's field is `reasoning`); "
        "agentclientprotocol/codex-acp#266; ogx-ai/ogx#5458; vllm-project/vllm#35184; "
        "majiayu000/litellm-rs#541; mudler/LocalAI#9658; Oaklight/llm-rosetta#406; smg-project/smg#1402",
        turns=answers(says(thinks("The user greets me."), "Hello!", usage=COUNTED), **THINKING),
        each_form=True,
    ),
    Case(
        id="reasoning.then-call",
        summary="The model thinks, and then calls a tool.",
        source="musistudio/claude-code-router#1397",
        turns=answers(
            says(thinks("I need the weather."), call("get_weather", {"city": "Oslo"}), finish="tool_calls"),
            tools=[WEATHER_TOOL],
            **THINKING,
        ),
    ),
    Case(
        id="reasoning.text-call",
        summary="Reasoning, text and a call in one answer.",
        source="BerriAI/litellm#36375; BerriAI/litellm#36262",
        turns=answers(
            says(
                thinks("Weather first."),
                "Let me look that up.",
                call("get_weather", {"city": "Paris"}),
                finish="tool_calls",
                usage=COUNTED,
            ),
            tools=[WEATHER_TOOL],
            **THINKING,
        ),
        each_form=True,
    ),
    Case(
        id="reasoning.alone",
        summary="The answer is reasoning and nothing else.",
        source="open-webui/open-webui#28871; sgl-project/sglang#40529; 0xPlaygrounds/rig#1656",
        turns=answers(says(thinks("Hm. Nothing to say to that."), usage=COUNTED), **THINKING),
    ),
    Case(
        id="reasoning.between-texts",
        summary="Reasoning comes back after some text.",
        source="QuantumNous/new-api#7495",
        turns=answers(says(thinks("First."), "One. ", thinks("Second."), "Two."), **THINKING),
    ),
    Case(
        id="reasoning.other-field",
        summary="The reasoning comes in `reasoning_content`, as DeepSeek and llama.cpp name it.",
        source="DeepSeek API documentation, reasoning_content; BerriAI/litellm#20246",
        turns=answers(says(thinks("Named differently."), "Same to you.", quirks=("reasoning-content",)), **THINKING),
        dialects=("chat_completions", "vllm"),
    ),
    Case(
        id="reasoning.both-fields",
        summary="The same reasoning comes in `reasoning` and in `reasoning_content` at once.",
        source="vllm-project/vllm#34030 (both names during the change of the field)",
        turns=answers(says(thinks("Said twice."), "Heard once.", quirks=("reasoning-both-fields",)), **THINKING),
        dialects=("chat_completions", "vllm"),
    ),
    Case(
        id="reasoning.unicode",
        summary="Reasoning with several scripts and line separators.",
        source="WHATWG HTML 9.2.5",
        turns=answers(
            says(Reasoning(("考え中… ", "\u2028", '"so" \\ ', "🤔\n"), "c2lnLXVuaWNvZGU="), "Ja."), **THINKING
        ),
    ),
    Case(
        id="reasoning.redacted",
        summary="An opaque redacted block before the answer.",
        source="anthropic.types.RedactedThinkingBlock; openai/openai-agents-python#1744",
        turns=answers(says(RedactedReasoning("b3BhcXVlLXJlZGFjdGVkLWRhdGE="), "Fine."), **THINKING),
        dialects=("messages",),
    ),
    Case(
        id="reasoning.omitted",
        summary="A signed thinking block whose text is omitted.",
        source="anthropic.types.ThinkingConfigAdaptiveParam.display",
        turns=answers(says(Reasoning((), "c2lnbmVkLWJ1dC1vbWl0dGVk"), "Short answer."), **THINKING),
        dialects=("messages",),
    ),
    Case(
        id="reasoning.interleaved-with-calls",
        summary="Thinking, a call, thinking again, another call.",
        source="NousResearch/hermes-agent#36071",
        turns=answers(
            says(
                thinks("Oslo first.", "c2lnLW9uZQ=="),
                call("get_weather", {"city": "Oslo"}, "toolu_first"),
                thinks("Then Rome.", "c2lnLXR3bw=="),
                call("get_weather", {"city": "Rome"}, "toolu_second"),
                finish="tool_calls",
            ),
            tools=[WEATHER_TOOL],
            **THINKING,
        ),
        dialects=("messages",),
    ),
    Case(
        id="reasoning.released-one-by-one",
        summary="Each fragment of reasoning and text is released once the client has the one before.",
        source="nicedreamzapp/claude-code-local#39; mudler/LocalAI#9658",
        turns=answers(
            says(
                Reasoning(tuple(f"step{n} " for n in range(5)), "c2lnLWdhdGVk"),
                Text(tuple(f"word{n} " for n in range(5))),
            ),
            **THINKING,
        ),
        drives=frozenset({"stream", "gated"}),
    ),
)
