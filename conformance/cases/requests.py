"""Cases of what the client asks: every field must reach the upstream in its own words."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import (
    PIXEL,
    TIME_TOOL,
    WEATHER_TOOL,
    answers,
    asks,
    call,
    developer,
    function,
    says,
    system,
    user,
)
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
CALLS_WEATHER = says(call("get_weather", {"city": "Oslo"}), finish="tool_calls")
CITY_SCHEMA = {
    "type": "object",
    "properties": {"warm": {"type": "boolean"}, "city": {"type": "string"}},
    "required": ["city", "warm"],
    "additionalProperties": False,
}


def _asked(name: str, summary: str, source: str, **body: Any) -> Case:
    return Case(
        id=f"request.{name}",
        summary=summary,
        source=source,
        turns=answers(says("Understood."), **body),
        drives=frozenset({"stream"}),
    )


CASES = (
    Case(
        id="request.string-input",
        summary="`input` is a string.",
        source="openai.types.responses.ResponseCreateParams.input; openai for Python sends it so",
        turns=(Turn(request={"input": "Say hello.", "store": False}, answers=(says("Hello."),)),),
        drives=PLAIN,
    ),
    Case(
        id="request.easy-message",
        summary="A message without `type`, with a string as content.",
        source="openai.types.responses.EasyInputMessageParam",
        turns=(
            Turn(
                request={"input": [{"role": "user", "content": "Say hello."}], "store": False},
                answers=(says("Hello."),),
            ),
        ),
        drives=PLAIN,
    ),
    _asked(
        "instructions",
        "`instructions` come first.",
        "openai.types.responses.ResponseCreateParams.instructions",
        instructions="You are terse. Answer in one word.",
    ),
    Case(
        id="request.instructions-and-developer",
        summary="Instructions, a system and a developer message, and a later developer message.",
        source="BerriAI/litellm#39282; ai-dynamo/dynamo#10206; elie222/inbox-zero#1642; ggml-org/llama.cpp#20079",
        turns=(
            Turn(
                request={
                    "instructions": "Rule one: be brief.",
                    "input": [
                        system("Rule two: be kind."),
                        developer("Rule three: be exact."),
                        user("What is two and two?"),
                        developer("Rule four: use digits."),
                        user("Well?"),
                    ],
                    "store": False,
                },
                answers=(says("4"),),
            ),
        ),
        drives=PLAIN,
        each_form=True,
    ),
    Case(
        id="request.several-parts",
        summary="One user message of three text parts, and a second user message.",
        source="openai.types.responses.ResponseInputTextParam",
        turns=(
            Turn(
                request={
                    "input": [
                        user(
                            "First part.",
                            {"type": "input_text", "text": "Second part."},
                            {"type": "input_text", "text": "Third part."},
                        ),
                        user("Another message."),
                    ],
                    "store": False,
                },
                answers=(says("Read."),),
            ),
        ),
        drives=PLAIN,
    ),
    _asked(
        "limit",
        "A limit on the output.",
        "router-for-me/CLIProxyAPI#5939; chaitin/agent-compose#540",
        max_output_tokens=1234,
    ),
    _asked(
        "no-limit",
        "No limit on the output: none may be invented that truncates.",
        "pydantic/pydantic-ai#7468; NousResearch/hermes-agent#12790",
    ),
    _asked(
        "temperature",
        "A temperature.",
        "openai.types.responses.ResponseCreateParams.temperature",
        temperature=0.2,
    ),
    _asked("top-p", "A nucleus.", "openai.types.responses.ResponseCreateParams.top_p", top_p=0.9),
    Case(
        id="request.tools",
        summary="Two tools with descriptions and schemas.",
        source="openai.types.responses.FunctionToolParam; router-for-me/CLIProxyAPI#5569",
        turns=answers(CALLS_WEATHER, tools=[WEATHER_TOOL, TIME_TOOL]),
        drives=PLAIN,
        each_form=True,
    ),
    Case(
        id="request.tool-schema-kept",
        summary="A nested schema with definitions, enums and unusual keys is sent on unchanged.",
        source="lidge-jun/opencodex#75; Kilo-Org/kilocode#12238",
        turns=answers(
            says("Ready."),
            tools=[
                {
                    "type": "function",
                    "name": "place_order",
                    "description": "Places an order — with “quotes” and ünïcode.",
                    "strict": False,
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 1},
                            "when": {"type": ["string", "null"], "format": "date-time"},
                            "size": {"enum": ["s", "m", "l"], "default": "m"},
                        },
                        "required": ["items"],
                        "$defs": {"item": {"type": "object", "properties": {"sku": {"type": "string"}}}},
                    },
                }
            ],
        ),
        drives=PLAIN,
    ),
    Case(
        id="request.tool-without-parameters",
        summary="A tool that declares no parameters.",
        source="router-for-me/CLIProxyAPI#5569; lidge-jun/opencodex#75; ogx-ai/ogx#6017",
        turns=answers(
            says("Ready."),
            tools=[
                {
                    "type": "function",
                    "name": "get_time",
                    "description": "Now.",
                    "parameters": None,
                    "strict": False,
                }
            ],
        ),
        drives=PLAIN,
    ),
    Case(
        id="request.tool-strict",
        summary="A tool with `strict: true` and one with `strict: false`.",
        source="openai.types.responses.FunctionToolParam.strict",
        turns=answers(
            says("Ready."),
            tools=[
                function("get_weather", strict=True, city={"type": "string"}),
                function("get_time", strict=False, zone={"type": "string"}),
            ],
        ),
        drives=PLAIN,
    ),
    Case(
        id="request.no-tools",
        summary="An empty list of tools with `tool_choice: auto`.",
        source="gty111/gLLM#267; vLLM refuses `tools: []`",
        turns=answers(says("No tools."), tools=[], tool_choice="auto", parallel_tool_calls=True),
        drives=PLAIN,
    ),
    Case(
        id="request.choice-required",
        summary="`tool_choice: required`.",
        source="elastic/elasticsearch#152427; raullenchai/Rapid-MLX#807",
        turns=answers(CALLS_WEATHER, tools=[WEATHER_TOOL], tool_choice="required"),
        drives=PLAIN,
    ),
    Case(
        id="request.choice-none",
        summary="`tool_choice: none`.",
        source="openai.types.responses.ToolChoiceOptions",
        turns=answers(says("No call."), tools=[WEATHER_TOOL], tool_choice="none"),
        drives=PLAIN,
    ),
    Case(
        id="request.choice-function",
        summary="`tool_choice` names a function.",
        source="BerriAI/litellm#29811; elastic/elasticsearch#152427",
        turns=answers(
            CALLS_WEATHER,
            tools=[WEATHER_TOOL, TIME_TOOL],
            tool_choice={"type": "function", "name": "get_weather"},
        ),
        drives=PLAIN,
    ),
    Case(
        id="request.one-call-at-a-time",
        summary="`parallel_tool_calls: false`.",
        source="openai.types.responses.ResponseCreateParams.parallel_tool_calls; BerriAI/litellm#6148",
        turns=answers(CALLS_WEATHER, tools=[WEATHER_TOOL], parallel_tool_calls=False),
        drives=PLAIN,
    ),
    Case(
        id="request.json-schema",
        summary="Structured output by a JSON schema.",
        source="BerriAI/litellm#15995; router-for-me/CLIProxyAPI#4802; api7/aisix#1188",
        turns=answers(
            says('{"city": "Oslo", "warm": false}'),
            text={
                "format": {
                    "type": "json_schema",
                    "name": "city_report",
                    "schema": CITY_SCHEMA,
                    "strict": True,
                }
            },
        ),
        drives=PLAIN,
        each_form=True,
    ),
    Case(
        id="request.json-object",
        summary="Structured output in JSON mode.",
        source="openai.types.shared.ResponseFormatJSONObject",
        turns=answers(says('{"ok": true}'), asked="Answer in JSON.", text={"format": {"type": "json_object"}}),
        dialects=("chat_completions", "vllm"),
        drives=PLAIN,
        each_dialect=True,
    ),
    _asked(
        "format-text",
        "`text.format` is plain text.",
        "openai/openai-agents-js#835",
        text={"format": {"type": "text"}},
    ),
    _asked("effort", "A reasoning effort.", "openai.types.shared.Reasoning.effort", reasoning={"effort": "low"}),
    _asked(
        "explicit-nulls",
        "Optional fields that are explicitly null.",
        "Codex CLI 0.98 sends `reasoning: null`",
        reasoning=None,
        temperature=None,
        top_p=None,
        max_output_tokens=None,
        previous_response_id=None,
        instructions=None,
        metadata=None,
    ),
    _asked(
        "codex-fields",
        "Fields that only Codex sends.",
        "BerriAI/litellm#36268; router-for-me/CLIProxyAPI#5068",
        client_metadata={"x-codex-installation-id": "0000"},
        prompt_cache_key="0000-1111",
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
        tool_choice="auto",
        parallel_tool_calls=True,
    ),
    _asked(
        "unknown-fields",
        "Fields that nobody knows.",
        "lidge-jun/opencodex#3038; openai extra_body",
        x_unknown={"deep": [1, 2]},
        another_unknown=True,
    ),
    _asked(
        "metadata",
        "Metadata is echoed.",
        "openai.types.responses.Response.metadata",
        metadata={"ticket": "A-17", "team": "blue"},
    ),
    Case(
        id="request.identifiers",
        summary="Two identifiers: of the end user, and of the account.",
        source="openai.types.responses.ResponseCreateParams.safety_identifier; BerriAI/litellm#36268",
        turns=answers(says("Noted."), safety_identifier="user-17", user="account-4"),
        dialects=("chat_completions", "messages"),
        drives=frozenset({"stream"}),
    ),
    Case(
        id="request.accepts-what-it-does-not-ask-for",
        summary="`Accept` names JSON where `stream` is true, for the body decides.",
        source="openai for Python sends `Accept: application/json` with every request, streamed ones too",
        turns=(Turn(request=asks(), answers=(says("Streamed."),), headers={"accept": "application/json"}),),
        drives=frozenset({"stream"}),
    ),
    Case(
        id="request.accepts-a-stream-it-does-not-ask-for",
        summary="`Accept` names an event stream where `stream` is false, for the body decides.",
        source="openai.types.responses.ResponseCreateParams.stream",
        turns=(Turn(request=asks(), answers=(says("Whole."),), headers={"accept": "text/event-stream"}),),
        drives=frozenset({"json"}),
    ),
    Case(
        id="request.image-url",
        summary="An image by its address.",
        source="BerriAI/litellm#12204",
        turns=(
            Turn(
                request={
                    "input": [
                        user(
                            "What is this?",
                            {
                                "type": "input_image",
                                "image_url": "https://example.org/cat.png",
                                "detail": "auto",
                            },
                        )
                    ],
                    "store": False,
                },
                answers=(says("A cat."),),
            ),
        ),
        drives=PLAIN,
        refusal_statuses=frozenset({400, 415, 422}),  # of a target that fetches it, where there is nothing to fetch
        may_refuse=True,
        features=frozenset({"images"}),
    ),
    Case(
        id="request.image-data",
        summary="An image as a data URL, between two texts.",
        source="BerriAI/litellm#12204; openai.types.responses.ResponseInputImageParam",
        turns=(
            Turn(
                request={
                    "input": [
                        user(
                            "Look:",
                            {"type": "input_image", "image_url": PIXEL},
                            {"type": "input_text", "text": "What is it?"},
                        )
                    ],
                    "store": False,
                },
                answers=(says("A pixel."),),
            ),
        ),
        drives=PLAIN,
        features=frozenset({"images"}),
    ),
)
