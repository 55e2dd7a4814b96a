"""Cases of requests on which real translators have failed."""

from __future__ import annotations

from dataclasses import replace
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

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
STORE = frozenset({"store"})
TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
THINKING: dict[str, Any] = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "medium", "summary": "auto"},
}
OSLO, CET = '{"city":"Oslo"}', '{"zone":"CET"}'
LONG_ID = "call_" + "0123456789" * 6


def _remembering(name: str, summary: str, source: str, *items: Any, **keys: Any) -> Case:
    of_case = {key: keys.pop(key) for key in ("refusal_statuses", "may_refuse") if key in keys}
    turn = Turn(request={"input": list(items), "store": False, **keys}, answers=(says("I see."),))
    return Case(id=f"history.{name}", summary=summary, source=source, turns=(turn,), drives=BOTH, **of_case)


_HISTORIES = (
    _remembering(
        "assistant-without-id",
        "An assistant message with neither id, nor status, nor annotations, as Codex sends it back.",
        "openai/codex#12669; vllm-project/vllm#45273; vllm-project/vllm#33089",
        user("Hi."),
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
        user("Again."),
    ),
    _remembering(
        "null-logprobs",
        "An assistant message whose text has `logprobs: null`, as the Python SDK echoes it.",
        "openai/openai-agents-python#1616",
        user("Hi."),
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": None,
            "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": None}],
        },
        user("Again."),
    ),
    _remembering(
        "long-call-ids-alike",
        "Two call ids of 70 characters that differ only in their ends.",
        "fawney19/Aether#829; theopenco/llmgateway#3389",
        user("Weather and time in Oslo?"),
        call_item(f"{LONG_ID}_east", "get_weather", OSLO),
        call_item(f"{LONG_ID}_west", "get_time", CET),
        output_item(f"{LONG_ID}_east", "rain"),
        output_item(f"{LONG_ID}_west", "12:00"),
        refusal_statuses=frozenset({400, 422}),  # a call_id has 64 characters at most, in both specifications
        may_refuse=True,
        **TOOLS,
    ),
    _remembering(
        "reasoning-between-call-and-result",
        "Reasoning stands between a call and its result, as some clients sort their items.",
        "openai/openai-agents-python#1797",
        user("Weather in Oslo?"),
        {"type": "reasoning", "id": "rs_1", "summary": []},
        assistant("Let me look."),
        call_item("call_1", "get_weather", OSLO),
        {"type": "reasoning", "id": "rs_2", "summary": []},
        output_item("call_1", "rain"),
        **TOOLS,
    ),
    _remembering(
        "result-that-is-json",
        "A result that is JSON, as a string.",
        "BerriAI/litellm#18201; BerriAI/litellm#18226",
        user("Weather in Oslo?"),
        call_item("call_1", "get_weather", OSLO),
        output_item("call_1", '{"degrees": 4, "sky": ["rain", "fog"]}'),
        **TOOLS,
    ),
    replace(
        _remembering(
            "agent-message",
            "A message from one agent to another, an item that Codex sends and no API describes.",
            "sgl-project/sglang#35216; openai/codex#33551",
            user("Ask the reviewer."),
            {
                "type": "agent_message",
                "author": "reviewer",
                "recipient": "main",
                "content": [{"type": "input_text", "text": "The review is done."}],
            },
            user("And?"),
        ),
        refusal_statuses=frozenset({400, 422, 501}),
        may_refuse=True,
    ),
    Case(
        id="history.interleaved-loop",
        summary="Thinking, call, thinking, call: all of it goes back in its order with the results.",
        source="NousResearch/hermes-agent#36071; anthropic.types.ThinkingBlockParam",
        turns=(
            Turn(
                request={"input": [user("Weather and time in Oslo?")], "store": False, **THINKING, **TOOLS},
                answers=(
                    says(
                        thinks("First the weather.", "c2lnLW9uZQ=="),
                        call("get_weather", {"city": "Oslo"}, "toolu_one"),
                        thinks("Then the time.", "c2lnLXR3bw=="),
                        call("get_time", {"zone": "CET"}, "toolu_two"),
                        finish="tool_calls",
                    ),
                ),
            ),
            Turn(
                request={
                    "input": [
                        user("Weather and time in Oslo?"),
                        {"$output": 0},
                        output_item("{call_id:0:0}", "rain"),
                        output_item("{call_id:0:1}", "12:00"),
                    ],
                    "store": False,
                    **THINKING,
                    **TOOLS,
                },
                answers=(says("Rain at noon."),),
            ),
        ),
        dialects=("messages",),
        drives=BOTH,
        features=frozenset({"reasoning"}),
        tags=frozenset({"loop"}),
    ),
)


def _continuing(*items: Any, **keys: Any) -> dict[str, Any]:
    return {"input": list(items), "store": True, "previous_response_id": "{previous}", **TOOLS, **keys}


_STATES = (
    Case(
        id="state.chain-through-a-call",
        summary="Three responses, each continuing the one before; the first ended with a call.",
        source="vllm-project/vllm#43244",
        turns=(
            Turn(
                request={"input": [user("Weather in Oslo?")], "store": True, **TOOLS},
                answers=(says(call("get_weather", {"city": "Oslo"}, "call_chain"), finish="tool_calls"),),
            ),
            Turn(request=_continuing(output_item("{call_id:0:0}", "rain")), answers=(says("It rains."),)),
            Turn(request=_continuing(user("Thanks. What did you look up?")), answers=(says("The weather."),)),
        ),
        drives=BOTH,
        features=STORE,
        tags=frozenset({"continued"}),
    ),
    Case(
        id="state.continuation-fetched",
        summary="A response that continued another is fetched.",
        source="praxis-proxy/ai#1150",
        turns=(
            Turn(request={"input": [user("My name is Ada.")], "store": True}, answers=(says("Hello Ada."),)),
            Turn(request=_continuing(user("What is my name?")), answers=(says("Ada."),)),
            Turn(method="GET", path="/responses/{previous}"),
        ),
        drives=STREAM,
        features=STORE,
        tags=frozenset({"continued"}),
    ),
    Case(
        id="state.store-not-stated",
        summary="A request that does not say whether it is to be stored.",
        source="vllm-project/vllm#22137; openai.types.responses.ResponseCreateParams.store (true by default)",
        turns=(Turn(request={"input": [user("Hello.")]}, answers=(says("Hi."),)),),
        drives=BOTH,
    ),
)

CASES = (*_HISTORIES, *_STATES)
