"""Cases of token counts."""

from __future__ import annotations

from conformance.cases.build import answers, says, thinks
from conformance.cases.case import Case
from fakes.script import Dialect, Usage

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")

CASES = (
    Case(
        id="usage.plain",
        summary="Counts without details.",
        source="openai.types.responses.ResponseUsage; farion1231/cc-switch#3081; "
        "musistudio/claude-code-router#1234; ferro-labs/ai-gateway#281; "
        "pingmike2/freebuff2api-wokers#10; hugalafutro/model-hotel#1041",
        turns=answers(says("Counted.", usage=Usage(input=113, output=7))),
    ),
    Case(
        id="usage.cached",
        summary="Part of the input was read from a cache.",
        source="BerriAI/litellm#22192; KryptSec/oasis#44",
        turns=answers(says("Cached.", usage=Usage(input=4010, output=12, cached=3800, cache_write=200))),
        dialects=("chat_completions", "messages"),
    ),
    Case(
        id="usage.cached-vllm",
        summary="vLLM reports cached prompt tokens.",
        source="vLLM --enable-prompt-tokens-details",
        turns=answers(says("Cached.", usage=Usage(input=400, output=12, cached=384))),
        dialects=("vllm",),
    ),
    Case(
        id="usage.reasoning",
        summary="Part of the output was reasoning.",
        source="openai.types.responses.response_usage.OutputTokensDetails",
        turns=answers(
            says(thinks("Counting."), "Counted.", usage=Usage(input=50, output=40, reasoning=25)),
            reasoning={"effort": "low", "summary": "auto"},
        ),
    ),
    Case(
        id="usage.absent",
        summary="The upstream reports no usage.",
        source="bircex/llmr#10; router-for-me/CLIProxyAPI#2179",
        turns=answers(says("Uncounted.", usage=None)),
        dialects=CHAT,
    ),
    Case(
        id="usage.on-length",
        summary="Counts of an answer that the token limit cut.",
        source="openai/openai-agents-python#4901; BerriAI/litellm#37710",
        turns=answers(says("Cut and coun", finish="length", usage=Usage(input=30, output=16)), max_output_tokens=16),
    ),
    Case(
        id="usage.large",
        summary="Counts beyond 32 bits.",
        source="JSON integers have no width: RFC 8259 section 6",
        turns=answers(says("Big.", usage=Usage(input=5_000_000_000, output=3))),
    ),
    Case(
        id="usage.in-last-event-only",
        summary="message_start counts nothing; the counts come at the end.",
        source="raullenchai/Rapid-MLX#807",
        turns=answers(says("Late.", usage=Usage(input=91, output=8), quirks=("usage-in-delta-only",))),
        dialects=("messages",),
        drives=frozenset({"stream", "hostile"}),
    ),
)
