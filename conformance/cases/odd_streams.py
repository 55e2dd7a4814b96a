"""Cases of streams on which real readers have failed: parts inside parts, odd firsts, long lines, open ends."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, asks, call, says
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.reply import Frame, Reply, Verbatim
from fakes.script import Dialect, Dies, Interleaved, Raw, Reasoning, Text, ToolCall

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
STREAM: frozenset[DriveKind] = frozenset({"stream"})
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
NULL_CONTENT = b'data: {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [%s]}\n\n'
NULL_CHOICE = b'{"index": 0, "delta": {"content": null}, "finish_reason": null}'
PINGS = (
    b'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "type": "message", '
    b'"role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, '
    b'"usage": {"input_tokens": 9, "output_tokens": 0}}}\n\n',
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b'event: ping\ndata: {"type": "ping"}\n\n',
)
MISNAMED = (
    b'event: ping\ndata: {"type": "content_block_delta", "index": 0, '
    b'"delta": {"type": "text_delta", "text": "the middle, "}}\n\n'
)
EVENT_STREAM = (("content-type", "text/event-stream"),)

CASES = (
    Case(
        id="calls.tail-after-reasoning",
        summary="Reasoning comes in the middle of a call's arguments; the tail follows without name and id.",
        source="vllm-project/vllm#52418; vllm-project/vllm#55284",
        turns=answers(
            says(
                Interleaved(
                    (
                        ToolCall("get_weather", ('{"city": ', '"Os', 'lo"}'), "call_tail"),
                        Reasoning(("Which city? ", "Oslo.")),
                    )
                ),
                finish="tool_calls",
            ),
            **TOOLS,
            reasoning={"effort": "medium", "summary": "auto"},
        ),
        dialects=("vllm",),
        drives=STREAMED,
        tags=frozenset({"text-after-call"}),
    ),
    Case(
        id="calls.newline-between",
        summary="The only text is a line end between two calls.",
        source="sgl-project/sglang#24293; sgl-project/sglang#24294",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, "call_a"),
                Text(("\n",)),
                call("get_time", {"zone": "CET"}, "call_b"),
                finish="tool_calls",
            ),
            **TOOLS,
        ),
        dialects=CHAT,
        tags=frozenset({"text-after-call"}),
    ),
    Case(
        id="calls.named-choice-streamed",
        summary="Every fragment of a call that was forced by name repeats the name, and none has an id.",
        source="vllm-project/vllm#13078",
        turns=answers(
            says(
                call("get_weather", {"city": "Oslo"}, size=2),
                finish="stop",
                quirks=("tool-name-every-fragment", "tool-id-missing"),
            ),
            **TOOLS,
            tool_choice={"type": "function", "name": "get_weather"},
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="calls.one-of-a-mebibyte",
        summary="The arguments of a call come in one event that is longer than a mebibyte.",
        source="dev2k6/command-code-proxy-server#3; SamSaffron/term-llm#298; nextlevelbuilder/goclaw#1349",
        turns=answers(
            says(ToolCall("get_weather", ('{"city": "' + "Oslo " * 240_000 + '"}',), "call_big"), finish="tool_calls"),
            **TOOLS,
        ),
        drives=STREAM,
        tags=frozenset({"large"}),
    ),
    Case(
        id="wire.null-content-between",
        summary="A delta with `content: null` stands between two fragments of text.",
        source="BerriAI/litellm#7094",
        turns=answers(says(Text(("Some ",)), Raw(NULL_CONTENT % NULL_CHOICE), Text(("text.",)))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.data-without-space",
        summary="All events are written without the optional space after `data:`.",
        source="QwenLM/qwen-code#8169; vercel-labs/fx#681; lidge-jun/opencodex#1170",
        turns=answers(says("No space, no harm.", quirks=("data-without-space",))),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="wire.mark-before-text",
        summary="A byte order mark stands before the first event, and that one holds text.",
        source="vercel-labs/fx#681; WHATWG HTML 9.2.6",
        turns=answers(says(Text(("Right ", "away.")), quirks=("byte-order-mark", "role-missing"))),
        dialects=CHAT,
        drives=STREAM,
        tags=frozenset({"lenient"}),
    ),
    Case(
        id="text.names-thinking-tags",
        summary="In the middle of its prose an answer names the tags that some models think between.",
        source="Tencent/WeKnora#3099; ggml-org/llama.cpp#27661; HenriGrimm/Minnow#928",
        turns=answers(says(Text(("Models open with `<thi", "nk>`, close with `</think", ">`, and then ", "answer.")))),
        drives=STREAMED,
    ),
    Case(
        id="silence.before-the-first-event",
        summary="The upstream sends its headers and a comment, and then is silent.",
        source="liaohch3/claude-tap#459; BerriAI/litellm#31499",
        turns=answers(says("At last.", quirks=("comment-then-silence",))),
        drives=STREAM,
        features=frozenset({"keep-alive"}),
        tags=frozenset({"silence"}),
    ),
    Case(
        id="leaving.then-fetched",
        summary="The client leaves in the middle of a stored response and asks for it later.",
        source="lbjlaq/Antigravity-Manager#3367; NousResearch/hermes-agent#15171",
        turns=(
            Turn(
                request=asks(store=True),
                answers=(says(Text(("One, ", "two, ", "three, ")), Dies("stall"), finish=None, usage=None),),
                leave_after=5,
            ),
            Turn(method="GET", path="/responses/{previous}"),
        ),
        drives=STREAM,
        features=frozenset({"store"}),
    ),
    Case(
        id="wire.comment-first",
        summary="The first bytes of the stream are a comment.",
        source="xiaoliu10/claude-code-router-next#44; WHATWG HTML 9.2.6",
        turns=answers(says("After a comment.", quirks=("comment-first",))),
        drives=STREAMED,
    ),
    Case(
        id="wire.event-line-disagrees",
        summary="An event's `event:` line names another type than its data.",
        source="farion1231/cc-switch#5083; anthropic 2.12, MessageStream tells events apart by the type in the data",
        turns=answers(says(Text(("From the start, ",)), Raw(MISNAMED), Text(("to the end.",)))),
        dialects=("messages",),
        drives=STREAMED,
    ),
    Case(
        id="wire.open-after-the-end",
        summary="The upstream has said its last word, end marker included, and keeps the connection open.",
        source="wippyai/framework#105; openai/codex 0.58 waits for the end of the body",
        turns=answers(says("All is said.", quirks=("open-after-end",))),
        drives=STREAM,
    ),
    Case(
        id="ending.pings-only",
        summary="After the start come pings, and then the connection ends.",
        source="headroomlabs-ai/headroom#3682; headroomlabs-ai/headroom#3266",
        turns=answers(Verbatim(Reply(200, EVENT_STREAM, tuple(map(Frame, PINGS)), "cut"))),
        dialects=("messages",),
        drives=STREAM,
    ),
    Case(
        id="ending.done-after-reasoning",
        summary="Reasoning, then the end marker; no text and no finish reason.",
        source="router-for-me/CLIProxyAPI#4905; sgl-project/sglang#4550",
        turns=answers(
            says(Reasoning(("Hm. ", "Let me see.")), finish=None), reasoning={"effort": "medium", "summary": "auto"}
        ),
        dialects=CHAT,
        drives=STREAMED,
    ),
    Case(
        id="ending.dies-after-one-fragment",
        summary="The upstream says one word and dies: whoever asks it again says that word twice.",
        source="mnfst/llm-gateway#2072; raine/claude-code-proxy#120",
        turns=answers(says(Text(("Once ",)), Dies("reset"), finish=None, usage=None), says("Once upon a time.")),
        drives=STREAM,
    ),
)
