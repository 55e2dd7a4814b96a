"""Cases of long conversations: counted, compacted, and gone on with; and of fields that few servers honour."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import WEATHER_TOOL, asks, assistant, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

ONCE: frozenset[DriveKind] = frozenset({"json"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
NOT_OFFERED = frozenset({400, 404, 405, 422, 501})
TALK: list[Any] = [
    user("My cat is called Miette, and she is seven years old."),
    assistant("What a lovely name for a cat."),
    user("She likes to sleep on the radiator."),
]
SUMMARY = "The user has a seven-year-old cat, Miette, that sleeps on the radiator."
TRIGGER = {"type": "compaction_trigger"}
COMPACTED = Turn(path="/responses/compact", request={"input": TALK}, answers=(says(SUMMARY),))


def _unsupported(field: str, value: Any, source: str) -> Case:
    return Case(
        id=f"unsupported.{field}",
        summary=f"A request with `{field}`, which few servers can honour.",
        source=source,
        turns=(Turn(request=asks(store=True, **{field: value}), answers=(says("At once."),)),),
        drives=ONCE,
        refusal_statuses=frozenset({400, 404, 422, 501}),
        may_refuse=True,
    )


CASES = (
    Case(
        id="counting.input-tokens",
        summary="How many tokens a conversation with instructions and a tool would take.",
        source="openai.types.responses.InputTokenCountParams; Anthropic documentation, Token counting",
        turns=(
            Turn(
                path="/responses/input_tokens",
                request={"instructions": "Be brief.", "input": TALK, "tools": [WEATHER_TOOL]},
            ),
        ),
        drives=ONCE,
        refusal_statuses=frozenset({404, 405, 501}),
        may_refuse=True,
        tags=frozenset({"endpoint"}),
        each_dialect=True,
    ),
    Case(
        id="compaction.endpoint",
        summary="A conversation is compacted, and gone on with.",
        source="openai.types.responses.CompactedResponse; Open Responses 2026-04-24, POST /responses/compact",
        turns=(
            COMPACTED,
            Turn(
                request={"input": [{"$output": 0}, user("How old is she?")], "store": False},
                answers=(says("Seven."),),
            ),
        ),
        drives=ONCE,
        features=frozenset({"compaction"}),
        each_dialect=True,
    ),
    Case(
        id="compaction.without-model",
        summary="A compaction is asked for without a model.",
        source="Open Responses 2026-04-24, CompactResponseBody (model is required)",
        turns=(
            Turn(
                path="/responses/compact",
                raw_body=b'{"input": [{"type": "message", "role": "user", "content": "Hello {token}."}]}',
            ),
        ),
        drives=ONCE,
        refusal_statuses=NOT_OFFERED,
        tags=frozenset({"endpoint"}),
    ),
    Case(
        id="compaction.trigger",
        summary="The input ends in a `compaction_trigger`; the item that comes is gone on with.",
        source="openai/codex (remote compaction); openai.types.responses.ResponseCompactionItem",
        turns=(
            Turn(request={"input": [*TALK, TRIGGER], "store": False}, answers=(says(SUMMARY),)),
            Turn(
                request={"input": [{"$output": 0}, user("How old is she?")], "store": False},
                answers=(says("Seven."),),
            ),
        ),
        drives=BOTH,
        features=frozenset({"compaction"}),
        each_dialect=True,
    ),
    Case(
        id="compaction.trigger-refused",
        summary="The input ends in a `compaction_trigger`, whether the target knows it or not.",
        source="openai/codex (remote compaction)",
        turns=(Turn(request={"input": [*TALK, TRIGGER], "store": False}, answers=(says(SUMMARY),)),),
        drives=ONCE,
        refusal_statuses=NOT_OFFERED,
        may_refuse=True,
    ),
    _unsupported("background", True, "OpenAI documentation, Background mode; ollama/ollama echoes it and blocks"),
    _unsupported(
        "conversation",
        {"id": "conv_0123456789abcdef0123456789abcdef"},
        "openai.types.responses.ResponseCreateParams.conversation",
    ),
    _unsupported(
        "prompt",
        {"id": "pmpt_0123456789abcdef0123456789abcdef", "variables": {"city": "Oslo"}},
        "openai.types.responses.ResponsePrompt",
    ),
)
