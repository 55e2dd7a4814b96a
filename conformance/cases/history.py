"""Cases of history: what earlier turns left must reach the upstream, in order and in pairs."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import (
    TIME_TOOL,
    WEATHER_TOOL,
    assistant,
    call,
    call_item,
    output_item,
    says,
    thinks,
    user,
)
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import RedactedReasoning, Script

__all__ = ["CASES"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
STREAM: frozenset[DriveKind] = frozenset({"stream"})
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
THINKING: dict[str, Any] = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "medium", "summary": "auto"},
}
OSLO = '{"city":"Oslo"}'
CET = '{"zone":"CET"}'


def _remembering(name: str, summary: str, source: str, *items: Any, **keys: Any) -> Case:
    tags, each_dialect = keys.pop("tags", frozenset()), keys.pop("each_dialect", False)
    both = keys.pop("both", False)
    return Case(
        id=f"history.{name}",
        summary=summary,
        source=source,
        turns=(Turn(request={"input": list(items), "store": False, **keys}, answers=(says("I see."),)),),
        drives=PLAIN if both else STREAM,
        tags=tags,
        each_form=both,
        each_dialect=each_dialect,
    )


def _looping(name: str, summary: str, source: str, first: Script, **keys: Any) -> Case:
    """Two turns: a call, and then all that the first response held, with the call's result."""
    question = user("Weather in Oslo?")
    asked: dict[str, Any] = {"store": False, **(THINKING if "features" in keys else {}), **TOOLS}
    back = [question, {"$output": 0}, output_item("{call_id:0:0}", "4 degrees, rain")]
    return Case(
        id=f"history.{name}",
        summary=summary,
        source=source,
        turns=(
            Turn(request={"input": [question], **asked}, answers=(first,)),
            Turn(request={"input": back, **asked}, answers=(says("It is 4 degrees and it rains."),)),
        ),
        drives=PLAIN,
        tags=frozenset({"loop"}),
        **keys,
    )


CASES = (
    _remembering(
        "conversation",
        "User and assistant in turn; each says the same twice, which are two items.",
        "Open Responses acceptance test `multi-turn`; Open Responses 2026-04-24, Items",
        user("My name is Ada."),
        assistant("Nice to meet you, Ada."),
        user("What is my name?"),
        assistant("Your name is Ada."),
        user("What is my name?"),
        assistant("Your name is Ada."),
        user("What is my name?"),
    ),
    _remembering(
        "server-items-echoed",
        "An assistant message as a server gives it out, with id, status, annotations and logprobs.",
        "openai/codex#12669; openai/openai-agents-python#1616",
        user("Hi."),
        {
            "id": "msg_0123456789abcdef",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}],
        },
        user("Again."),
    ),
    _remembering(
        "call-and-result",
        "One call and its result.",
        "Open Responses 2026-04-24, Items are bidirectional",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO, id="fc_1", status="completed"),
        output_item("call_1", "4 degrees, rain"),
        both=True,
        **TOOLS,
    ),
    _remembering(
        "text-and-call",
        "Assistant text and the call after it belong to one turn.",
        "BerriAI/litellm#33931; BerriAI/litellm#28978",
        user("Weather in Oslo?"),
        assistant("Let me look."),
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", "4 degrees, rain"),
        user("And now?"),
        **TOOLS,
    ),
    _remembering(
        "parallel-calls",
        "Two calls, then their two results.",
        "BerriAI/litellm#21154; openai/codex#7051; Chainlit/chainlit#2662",
        user("Weather and time in Oslo?"),
        call_item("call_a", "get_weather", OSLO),
        call_item("call_b", "get_time", CET),
        output_item("call_a", "rain"),
        output_item("call_b", "12:00"),
        **TOOLS,
    ),
    _remembering(
        "parallel-calls-alternating",
        "Call, result, call, result, as older Codex versions send parallel calls.",
        "Codex CLI 0.58",
        user("Weather and time in Oslo?"),
        call_item("call_a", "get_weather", OSLO),
        output_item("call_a", "rain"),
        call_item("call_b", "get_time", CET),
        output_item("call_b", "12:00"),
        user("Thanks. So?"),
        **TOOLS,
    ),
    _remembering(
        "results-in-other-order",
        "The results of two calls come in the other order.",
        "Oaklight/argo-proxy#69",
        user("Weather and time in Oslo?"),
        call_item("call_a", "get_weather", OSLO),
        call_item("call_b", "get_time", CET),
        output_item("call_b", "12:00"),
        output_item("call_a", "rain"),
        **TOOLS,
    ),
    _remembering(
        "message-between-call-and-result",
        "A user message stands between a call and its result.",
        "QwenLM/qwen-code#8161; bagofwords1/bagofwords#901",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO),
        user("Please hurry."),
        output_item("call_1", "rain"),
        **TOOLS,
    ),
    _remembering(
        "assistant-between-call-and-result",
        "An assistant message stands between a call and its result.",
        "cubist38/mlx-openai-server#268; Oaklight/argo-proxy#69",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO),
        assistant("Looking it up."),
        output_item("call_1", "rain"),
        **TOOLS,
    ),
    _remembering(
        "result-of-parts",
        "A result of two text parts.",
        "sgl-project/sglang#35216; gty111/gLLM#267",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", [{"type": "input_text", "text": "4 degrees"}, {"type": "input_text", "text": "rain"}]),
        **TOOLS,
    ),
    _remembering(
        "empty-result",
        "A result that is an empty string.",
        "NousResearch/hermes-agent#11906",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", ""),
        user("Nothing?"),
        each_dialect=True,
        **TOOLS,
    ),
    _remembering(
        "empty-assistant-text",
        "An assistant message with an empty text before a call.",
        "home-assistant/core#175637; NousResearch/hermes-agent#11906; anthropics/claude-code#23369",
        user("Weather in Oslo?"),
        assistant(""),
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", "rain"),
        **TOOLS,
    ),
    _remembering(
        "empty-arguments",
        "A call whose arguments are an empty string.",
        "BerriAI/litellm#5064; Portkey-AI/gateway#1104",
        user("Time?"),
        call_item("call_1", "get_time", ""),
        output_item("call_1", "12:00"),
        tags=frozenset({"garbled"}),
        each_dialect=True,
        **TOOLS,
    ),
    _remembering(
        "broken-arguments",
        "A call whose arguments are not JSON, with the error that the client answered.",
        "Codex CLI 0.169 answers unparsable arguments with a text result and goes on",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", '{"city": "Os'),
        output_item("call_1", "failed to parse the arguments"),
        tags=frozenset({"garbled"}),
        **TOOLS,
    ),
    _remembering(
        "arguments-that-are-no-object",
        "Calls whose arguments are JSON, but a list, a null and a string.",
        "BerriAI/litellm#5064; labring/FastGPT#4754; anthropic.types.ToolUseBlockParam.input",
        user("Weather and time in Oslo?"),
        call_item("call_1", "get_weather", '["Oslo"]'),
        call_item("call_2", "get_time", "null"),
        call_item("call_3", "get_time", '"CET"'),
        output_item("call_1", "these are no arguments"),
        output_item("call_2", "nor are these"),
        output_item("call_3", "and these are none either"),
        tags=frozenset({"garbled"}),
        **TOOLS,
    ),
    _remembering(
        "foreign-call-id",
        "A call id with characters that Messages forbids.",
        "maximhq/bifrost#5097; screenpipe/screenpipe#3252",
        user("Weather in Oslo?"),
        call_item("functions.get_weather:0", "get_weather", OSLO),
        output_item("functions.get_weather:0", "rain"),
        **TOOLS,
    ),
    _remembering(
        "colliding-call-ids",
        "Two call ids that become one when forbidden characters are replaced.",
        "LibreChat-AI/agents#153; HKUDS/nanobot#4356",
        user("Weather and time in Oslo?"),
        call_item("a.b", "get_weather", OSLO),
        call_item("a:b", "get_time", CET),
        output_item("a.b", "rain"),
        output_item("a:b", "12:00"),
        **TOOLS,
    ),
    _remembering(
        "call-id-used-again",
        "A later turn uses a call id of an earlier one again.",
        "vllm-project/vllm#50295; openai/gpt-oss#309",
        user("Weather in Oslo?"),
        call_item("call_0", "get_weather", OSLO),
        output_item("call_0", "rain in Oslo"),
        assistant("It rains."),
        user("And the time?"),
        call_item("call_0", "get_time", CET),
        output_item("call_0", "12:00 sharp"),
        **TOOLS,
    ),
    _remembering(
        "ends-with-assistant",
        "The history ends with an assistant message, as Codex' retry after a cut sends it.",
        "openai/codex, codex-rs retries with what it was shown; Anthropic documentation, Prefill; "
        "tailcallhq/forgecode#1872",
        user("Tell me a story."),
        assistant("Once upon a time "),
        tags=frozenset({"ends-with-assistant"}),
        each_dialect=True,
    ),
    _remembering(
        "reasoning-without-content",
        "A reasoning item with an empty summary and nothing else.",
        "ggml-org/llama.cpp#24115; AntSeed/antseed#741",
        user("Weather in Oslo?"),
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": None},
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", "rain"),
        **TOOLS,
    ),
    _remembering(
        "reasoning-summary-only",
        "A reasoning item of another server: a summary and a foreign encrypted content.",
        "ggml-org/llama.cpp#29159; BerriAI/litellm#26916",
        user("Hi."),
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "The user greets me."}],
            "encrypted_content": "gAAAA-of-another-server",
        },
        assistant("Hello."),
        user("Again."),
    ),
    _remembering(
        "unknown-keys-in-items",
        "Items carry keys that nobody knows.",
        "lidge-jun/opencodex#3038",
        user("Hi.") | {"internal_chat_message_metadata_passthrough": {"turn": 1}},
        assistant("Hello.", phase="final_answer", end_turn=True),
        user("Again.") | {"id": "msg_client_side", "status": "completed"},
    ),
    _remembering(
        "null-ids",
        "Items whose id and status are null.",
        "vllm-project/vllm#54224; openai/openai-agents-python#1616",
        user("Hi."),
        assistant("Hello.", id=None, status=None),
        user("Again."),
    ),
    _remembering(
        "refusal-in-history",
        "An earlier answer was a refusal.",
        "ggml-org/llama.cpp#21174",
        user("Do it."),
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "I can't do that."}],
        },
        user("Why not?"),
    ),
    _remembering(
        "assistant-as-string",
        "Earlier answers are plain strings, and one has two texts.",
        "openai.types.responses.EasyInputMessageParam.content; openai/openai-agents-python#1616",
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Nice to meet you, Ada."},
        user("And I am 36."),
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Noted: Ada,", "annotations": []},
                {"type": "output_text", "text": "thirty-six.", "annotations": []},
            ],
        },
        user("Who am I?"),
        both=True,
    ),
    _remembering(
        "stamped-items",
        "Every item has an id and a status, the client's own messages and results too.",
        "openai.types.responses.ResponseInputItemParam (id, status); openai/codex#12669",
        user("Weather in Oslo?") | {"id": "msg_u1", "status": "completed"},
        {"type": "reasoning", "id": "rs_1", "status": "completed", "summary": []},
        assistant("Let me look.", id="msg_a1", status="completed"),
        call_item("call_1", "get_weather", OSLO, id="fc_1", status="completed"),
        output_item("call_1", "rain", id="fco_1", status="completed"),
        assistant("It", id="msg_a2", status="incomplete"),
        user("Go on.") | {"id": "msg_u2", "status": "completed"},
        **TOOLS,
    ),
    _remembering(
        "text-and-refusal",
        "An earlier answer was a text and then a refusal.",
        "openai.types.responses.ResponseOutputRefusalParam; ggml-org/llama.cpp#21174",
        user("Do both."),
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "I can do the first.", "annotations": []},
                {"type": "refusal", "refusal": "I cannot do the second."},
            ],
        },
        user("Why not?"),
    ),
    _looping(
        "tool-loop",
        "The client answers a call and sends the first response's items back as they came.",
        "Open Responses 2026-04-24, Items are bidirectional; TanStack/ai#1212; 0xPlaygrounds/rig#751",
        says("Looking. ", call("get_weather", {"city": "Oslo"}, "call_loop"), finish="tool_calls"),
    ),
    _looping(
        "reasoning-loop",
        "Reasoning before a call goes back to the upstream in the turn that brings the result.",
        "openai/openai-agents-python#1704; anomalyco/opencode#3077; BerriAI/litellm#36197; "
        "vllm-project/vllm#42664; icebear0828/codex-proxy#83",
        says(
            thinks("I must look at the weather.", "c2lnLWxvb3A="),
            call("get_weather", {"city": "Oslo"}, "call_loop"),
            finish="tool_calls",
        ),
        features=frozenset({"reasoning"}),
    ),
    _looping(
        "redacted-loop",
        "A redacted thinking block before a call goes back as it came.",
        "vybestack/llxprt-code#1160; openai/openai-agents-python#1744",
        says(
            RedactedReasoning("b3BhcXVlLWxvb3A="),
            call("get_weather", {"city": "Oslo"}, "toolu_loop"),
            finish="tool_calls",
        ),
        dialects=("messages",),
        features=frozenset({"reasoning"}),
    ),
    Case(
        id="history.orphan-result",
        summary="A result whose call is not in the history.",
        source="continuedev/continue#10092; openai/gpt-oss#309",
        turns=(
            Turn(
                request={
                    "input": [user("Hi."), output_item("call_lost", "rain"), user("So?")],
                    "store": False,
                    **TOOLS,
                },
                answers=(says("I see."),),
            ),
        ),
        drives=PLAIN,
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
        tags=frozenset({"orphan"}),
    ),
    Case(
        id="history.orphan-call",
        summary="A call without a result, followed by a user message.",
        source="MoonshotAI/kimi-code#701; OpenHands/OpenHands#7512; google/adk-python#3504",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Weather?"),
                        call_item("call_open", "get_weather", OSLO),
                        user("Never mind. Hi!"),
                    ],
                    "store": False,
                    **TOOLS,
                },
                answers=(says("Hi."),),
            ),
        ),
        drives=PLAIN,
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
        tags=frozenset({"orphan"}),
    ),
)
