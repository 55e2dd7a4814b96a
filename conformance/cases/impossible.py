"""Cases of requests that ask for what cannot be: tools that are not there, values that the API does not list."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, asks, says
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
STREAM: frozenset[DriveKind] = frozenset({"stream"})
REFUSALS = frozenset({400, 422, 501})


def _impossible(name: str, summary: str, source: str, drives: frozenset[DriveKind] = STREAM, **body: Any) -> Case:
    each_dialect = body.pop("each_dialect", False)
    return Case(
        id=f"impossible.{name}",
        summary=summary,
        source=source,
        turns=(Turn(request=asks(**body), answers=(says("As you like."),)),),
        drives=drives,
        refusal_statuses=REFUSALS,
        may_refuse=True,
        tags=frozenset({"impossible"}),
        each_dialect=each_dialect,
    )


CASES = (
    _impossible(
        "choice-not-declared",
        "`tool_choice` names a function that `tools` does not hold.",
        "vLLM ChatCompletionRequest.check_tool_usage: the function in tool_choice must match one in tools; "
        "openai.types.responses.ToolChoiceFunctionParam",
        PLAIN,
        tools=[WEATHER_TOOL],
        tool_choice={"type": "function", "name": "get_tides"},
    ),
    _impossible(
        "choice-without-tools",
        "`tool_choice` is required, and there are no tools.",
        "vLLM ChatCompletionRequest.check_tool_usage; openai.types.responses.ToolChoiceOptions",
        PLAIN,
        tool_choice="required",
    ),
    _impossible(
        "allowed-not-declared",
        "`allowed_tools` names a function that `tools` does not hold.",
        "openai.types.responses.ToolChoiceAllowedParam",
        tools=[WEATHER_TOOL, TIME_TOOL],
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_tides"}]},
    ),
    _impossible(
        "choice-of-file-search",
        "`tool_choice` forces a hosted search beside a function.",
        "openai.types.responses.ToolChoiceTypesParam",
        tools=[WEATHER_TOOL, {"type": "file_search", "vector_store_ids": ["vs_0"]}],
        tool_choice={"type": "file_search"},
    ),
    _impossible(
        "choice-unknown",
        "`tool_choice` is a word that the API does not list.",
        "openai.types.responses.ToolChoiceOptions",
        tools=[WEATHER_TOOL],
        tool_choice="sometimes",
    ),
    _impossible(
        "effort-unknown",
        "`reasoning.effort` is a word that the API does not list.",
        "openai.types.shared.ReasoningEffort",
        PLAIN,
        reasoning={"effort": "frantic"},
        each_dialect=True,
    ),
    _impossible(
        "summary-unknown",
        "`reasoning.summary` is a word that the API does not list.",
        "openai.types.shared.Reasoning.summary",
        reasoning={"effort": "low", "summary": "in-verse"},
    ),
    _impossible(
        "verbosity-unknown",
        "`text.verbosity` is a word that the API does not list.",
        "openai.types.responses.ResponseTextConfigParam.verbosity",
        text={"verbosity": "loquacious"},
    ),
    _impossible(
        "format-unknown",
        "`text.format` is of a type that the API does not list.",
        "openai.types.responses.ResponseFormatTextConfigParam",
        text={"format": {"type": "yaml"}},
    ),
)
