"""Cases of settings that get in each other's way upstream: sampling, effort, limits, forced tools, formats."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, answers, asks, call, developer, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
CALLS_WEATHER = says(call("get_weather", {"city": "Oslo"}), finish="tool_calls")
ANTHROPIC = "Anthropic documentation, Extended thinking"


def _set(name: str, summary: str, source: str, said: Any = None, **body: Any) -> Case:
    keys = {
        key: body.pop(key)
        for key in ("dialects", "refusal_statuses", "may_refuse", "tags", "each_dialect")
        if key in body
    }
    return Case(
        id=f"settings.{name}",
        summary=summary,
        source=source,
        turns=answers(said or says("Understood."), **body),
        drives=STREAM,
        **keys,
    )


CASES = (
    _set(
        "temperature-and-top-p",
        "Both sampling parameters at once.",
        "Anthropic documentation, Messages: temperature or top_p, not both; ENTERPILOT/GoModel#45",
        temperature=0.3,
        top_p=0.8,
        each_dialect=True,
    ),
    _set(
        "hot",
        "A temperature above the range of Messages.",
        "openai.types.responses.ResponseCreateParams.temperature: 0 to 2; Anthropic documentation, Messages: 0 to 1",
        temperature=1.6,
        dialects=("messages",),
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
    ),
    _set(
        "temperature-and-effort",
        "A temperature beside a reasoning effort.",
        f"{ANTHROPIC}: not compatible with temperature; ENTERPILOT/GoModel#45",
        temperature=0.3,
        reasoning={"effort": "medium"},
    ),
    _set(
        "effort-in-a-small-limit",
        "A high effort, and a limit that leaves no room for it.",
        f"{ANTHROPIC}: budget_tokens must be less than max_tokens; BerriAI/litellm#27051",
        reasoning={"effort": "high"},
        max_output_tokens=900,
    ),
    _set("effort-none", "No effort at all.", "openai.types.shared.ReasoningEffort", reasoning={"effort": "none"}),
    _set("effort-high", "A high effort.", "openai.types.shared.ReasoningEffort", reasoning={"effort": "high"}),
    _set(
        "effort-and-summary",
        "An effort, and a summary of the reasoning.",
        "openai.types.shared.Reasoning.summary; anthropic.types.ThinkingConfigAdaptiveParam.display",
        reasoning={"effort": "medium", "summary": "detailed"},
    ),
    _set(
        "effort-and-forced-tool",
        "An effort beside a tool that is forced by name.",
        f"{ANTHROPIC} with tool use; vectorize-io/hindsight#3885",
        CALLS_WEATHER,
        reasoning={"effort": "medium"},
        tools=[WEATHER_TOOL, TIME_TOOL],
        tool_choice={"type": "function", "name": "get_weather"},
    ),
    _set(
        "effort-and-required-tool",
        "An effort beside `tool_choice: required`, one call at a time.",
        f"{ANTHROPIC} with tool use; vectorize-io/hindsight#3885; "
        "anthropic.types.ToolChoiceAnyParam.disable_parallel_tool_use",
        CALLS_WEATHER,
        reasoning={"effort": "low"},
        tools=[WEATHER_TOOL, TIME_TOOL],
        tool_choice="required",
        parallel_tool_calls=False,
    ),
    _set(
        "verbosity",
        "A low verbosity.",
        "openai.types.responses.ResponseTextConfigParam.verbosity; openai.types.chat.CompletionCreateParams.verbosity",
        text={"verbosity": "low"},
    ),
    _set(
        "json-mode-on-messages",
        "JSON mode, which Messages does not have.",
        "openai.types.shared.ResponseFormatJSONObject; anthropic.types.OutputConfigParam.format",
        says('{"ok": true}'),
        asked="Answer in JSON.",
        text={"format": {"type": "json_object"}},
        dialects=("messages",),
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
        tags=frozenset({"json-mode"}),
    ),
    Case(
        id="settings.schema-not-strict",
        summary="A JSON schema with a description, without `strict`.",
        source="openai.types.responses.ResponseFormatTextJSONSchemaConfigParam",
        turns=(
            Turn(
                request=asks(
                    text={
                        "format": {
                            "type": "json_schema",
                            "name": "city-report_2",
                            "description": "What is known of a city.",
                            "schema": {
                                "type": "object",
                                "properties": {"city": {"type": "string"}},
                                "required": ["city"],
                                "additionalProperties": False,
                            },
                        }
                    }
                ),
                answers=(says('{"city": "Oslo"}'),),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="settings.schema-beside-tools",
        summary="A JSON schema for the answer, beside tools that the model is free to call.",
        source="BerriAI/litellm#15995; router-for-me/CLIProxyAPI#4802",
        turns=(
            Turn(
                request=asks(
                    tools=[WEATHER_TOOL],
                    text={
                        "format": {
                            "type": "json_schema",
                            "name": "report",
                            "strict": True,
                            "schema": {
                                "type": "object",
                                "properties": {"city": {"type": "string"}},
                                "required": ["city"],
                                "additionalProperties": False,
                            },
                        }
                    },
                ),
                answers=(CALLS_WEATHER,),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="settings.developer-only",
        summary="The input is a developer message and nothing else.",
        source="openai.types.responses.EasyInputMessageParam.role; elie222/inbox-zero#1642",
        turns=(
            Turn(
                request={"input": [developer("Greet the user [{token}].")], "store": False},
                answers=(says("Hello."),),
            ),
        ),
        drives=STREAM,
        tags=frozenset({"no-user-turn"}),
    ),
    Case(
        id="settings.blank-user-text",
        summary="One of the user's texts is empty, and one is only a line end.",
        source="NousResearch/hermes-agent#11906; AntSeed/antseed#741",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Hello.", {"type": "input_text", "text": ""}),
                        user("\n"),
                        user("Are you there?"),
                    ],
                    "store": False,
                },
                answers=(says("Yes."),),
            ),
        ),
        drives=STREAM,
    ),
)
