"""Cases of how upstreams frame what they say: deviations that change nothing of the content."""

from __future__ import annotations

from conformance.cases.build import WEATHER_TOOL, answers, call, says, thinks
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.script import Dialect, Raw, Text

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})


def _quirk(
    name: str,
    quirk: str,
    summary: str,
    source: str,
    *dialects: Dialect,
    text: str = "Framed a little differently.",
) -> Case:
    return Case(
        id=f"wire.{name}",
        summary=summary,
        source=source,
        turns=answers(says(text, quirks=(quirk,))),
        dialects=dialects or CHAT,
        drives=STREAMED,
    )


CASES = (
    _quirk(
        "usage-on-finish-chunk",
        "usage-on-finish-chunk",
        "The usage rides on the chunk with the finish reason.",
        "transformers serve 5.19; maximhq/bifrost#191",
    ),
    _quirk(
        "usage-on-every-chunk",
        "usage-every-chunk",
        "Each chunk carries the usage so far.",
        "rashidrazak/opencode-cmd-provider#213; vLLM stream_options.continuous_usage_stats",
    ),
    _quirk(
        "usage-with-empty-choice",
        "usage-with-choice",
        "The usage chunk holds one empty choice.",
        "LiteLLM 1.106 proxy, stream_options.include_usage",
    ),
    _quirk(
        "done-without-space",
        "done-without-space",
        "Fields without the optional space after the colon.",
        "WHATWG HTML 9.2.6; QwenLM/qwen-code#8169",
    ),
    _quirk(
        "role-missing",
        "role-missing",
        "No chunk carries the role.",
        "openai.types.chat.chat_completion_chunk.ChoiceDelta.role",
    ),
    _quirk(
        "role-repeated",
        "role-repeated",
        "Every chunk carries the role.",
        "openai.types.chat.chat_completion_chunk.ChoiceDelta.role",
    ),
    _quirk(
        "role-chunk-with-null-content",
        "content-null-role",
        "The role chunk has `content: null`.",
        "BerriAI/litellm#7094; llama.cpp server",
    ),
    _quirk(
        "empty-choices-first",
        "empty-choices-first",
        "The first chunk has no choices but prompt filter results.",
        "pydantic/pydantic-ai#164; BerriAI/litellm#27971",
        "chat_completions",
    ),
    _quirk(
        "empty-deltas",
        "empty-deltas",
        "Chunks with empty deltas between the fragments.",
        "vLLM chat completions with logprobs",
    ),
    _quirk(
        "unknown-keys",
        "extra-keys",
        "Unknown keys at every level of each chunk.",
        "openai.BaseModel allows extra keys",
    ),
    _quirk(
        "obfuscation",
        "obfuscation",
        "Each chunk is padded with `obfuscation`.",
        "openai.types.chat.ChatCompletionStreamOptionsParam.include_obfuscation",
        "chat_completions",
    ),
    _quirk(
        "two-message-deltas",
        "two-message-deltas",
        "Two message_delta events; their usage is cumulative.",
        "anthropic.lib.streaming: accumulate_event; raullenchai/Rapid-MLX#807",
        "messages",
    ),
    _quirk(
        "no-pings",
        "no-ping",
        "A stream without any ping.",
        "vLLM 0.32 /v1/messages",
        "messages",
    ),
    _quirk(
        "ping-storm",
        "ping-storm",
        "Pings before, between and after everything.",
        "Anthropic documentation, Streaming messages: ping events",
        "messages",
    ),
    _quirk(
        "unknown-events",
        "unknown-events",
        "Event and delta types that nobody knows yet.",
        "Anthropic documentation, Streaming messages: other events",
        "messages",
    ),
    _quirk(
        "index-last",
        "index-last",
        "The keys of each event in another order, as vLLM sends them.",
        "RFC 8259 section 4: objects are unordered",
        "messages",
    ),
    _quirk(
        "no-event-lines",
        "no-event-lines",
        "Events without an `event:` line.",
        "ranxianglei/billion-context#549; earendil-works/pi#1983",
        "messages",
    ),
    _quirk(
        "text-after-finish",
        "content-after-finish",
        "The last fragment comes after the finish reason.",
        "QuantumNous/new-api#7495",
    ),
    _quirk(
        "unknown-finish-reason",
        "finish-unknown",
        "A finish reason that nobody knows.",
        "earendil-works/pi#1868; unslothai/unsloth#10557",
    ),
    _quirk(
        "no-message-stop",
        "no-message-stop",
        "The stream ends after message_delta, without message_stop.",
        "llama.cpp server, stopped in mid-stream",
        "messages",
    ),
    _quirk(
        "adjacent-text-blocks",
        "adjacent-text-blocks",
        "The text comes in several blocks.",
        "Anthropic documentation, Citations: one block a cited span",
        "messages",
    ),
    Case(
        id="wire.second-choice",
        summary="The upstream gives a second choice that nobody asked for: the answer is the first one.",
        source="BerriAI/litellm#35793; openai/openai-agents-python#3313; openai.types.chat.ChatCompletionChunk.choices",
        turns=answers(says(Text(("This is ", "the first ", "answer.")), quirks=("second-choice",))),
        dialects=CHAT,
    ),
    Case(
        id="wire.finish-with-last-text",
        summary="Content comes in the same chunk as the finish reason.",
        source="vllm-project/vllm#35705",
        turns=answers(says("The last token counts.", quirks=("finish-with-last-piece",))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.everything-in-one-chunk",
        summary="Reasoning, text, call, finish reason and usage in a single chunk.",
        source="ollama/ollama#9084; ollama/ollama#12557; sgl-project/sglang#34214",
        turns=answers(
            says(
                thinks("The weather it is."),
                "Checking.",
                call("get_weather", {"city": "Oslo"}),
                finish="tool_calls",
                quirks=("all-in-one",),
            ),
            tools=[WEATHER_TOOL],
            reasoning={"effort": "medium", "summary": "auto"},
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.finish-reason-empty-string",
        summary="The finish reason is an empty string until the last chunk.",
        source="ollama/ollama#4357",
        turns=answers(says("Not finished until it is.", quirks=("finish-empty-string",))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.json-to-a-stream-request",
        summary="The upstream ignores `stream` and answers with one JSON body.",
        source="diegosouzapw/OmniRoute#3089; router-for-me/CLIProxyAPI#4594",
        turns=answers(says("Whole and at once.", quirks=("json-always",))),
        drives=frozenset({"stream"}),
        each_dialect=True,
    ),
    Case(
        id="wire.unknown-event-between",
        summary="A named event of another kind between two chunks.",
        source="anomalyco/opencode#38106",
        turns=answers(
            says(
                Text(("Before ",)),
                Raw(b'event: x.tool.progress\ndata: {"tool": "search", "progress": 0.5}\n\n'),
                Text(("and after.",)),
            )
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.data-in-two-lines",
        summary="One event's data in two `data:` lines.",
        source="WHATWG HTML 9.2.6; SamSaffron/term-llm#456; duolahypercho/codex-router#151",
        turns=answers(says(thinks("Lines."), "Two lines, one event.", quirks=("two-data-lines",))),
        drives=STREAMED,
    ),
    Case(
        id="wire.extra-fields",
        summary="`id`, `retry` and unknown fields, and a field without a colon, before the data of each event.",
        source="WHATWG HTML 9.2.6 (interpreting an event stream): fields that are ignored, or say nothing of the data",
        turns=answers(says(thinks("Fields."), "Only the data counts.", quirks=("extra-fields",))),
        drives=STREAMED,
    ),
    Case(
        id="wire.blank-lines",
        summary="More blank lines than events need.",
        source="WHATWG HTML 9.2.6: an empty data buffer dispatches nothing",
        turns=answers(says("Nothing between the lines.", quirks=("blank-lines",))),
        drives=STREAMED,
    ),
    Case(
        id="wire.byte-order-mark",
        summary="The upstream's stream begins with a byte order mark.",
        source="WHATWG HTML 9.2.6; vercel-labs/fx#681",
        turns=answers(says("After the mark.", quirks=("byte-order-mark",))),
        drives=frozenset({"stream"}),
        tags=frozenset({"lenient"}),
    ),
)
