"""The event types that the two specifications know, with the models of their events."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args

from openai.types.responses import ResponseOutputItem, ResponseStreamEvent
from openresponses_types import types as open_responses

__all__ = [
    "KNOWN_ITEM_TYPES",
    "KNOWN_TYPES",
    "OPENAI_ITEM_MODELS",
    "OPENAI_TYPES",
    "OPEN_RESPONSES_ITEM_MODELS",
    "OPEN_RESPONSES_TYPES",
    "is_extension",
]

_EXTENSION = re.compile(r"[A-Za-z0-9_.-]+:.+")


def _openai_models() -> dict[str, Any]:
    union = get_args(ResponseStreamEvent)[0]
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(union)}


def _open_responses_models() -> dict[str, Any]:
    found = {}
    for name, model in vars(open_responses).items():
        if name.endswith("StreamingEvent"):
            kind = model.model_fields["type"].annotation
            found[next(iter(kind)).value] = model
    return found


def _openai_items() -> dict[str, Any]:
    union = get_args(ResponseOutputItem)[0]
    return {kind: model for model in get_args(union) for kind in get_args(model.model_fields["type"].annotation)}


OPENAI_TYPES: dict[str, Any] = _openai_models()
"""The stream events of the `openai` package, by type."""

OPEN_RESPONSES_TYPES: dict[str, Any] = _open_responses_models()
"""The 24 stream events of Open Responses 2026-04-24, by type."""

KNOWN_TYPES: frozenset[str] = frozenset(OPENAI_TYPES) | frozenset(OPEN_RESPONSES_TYPES) | {"keepalive"}
"""What a stream may contain without a prefix; OpenAI itself sends `keepalive` (openai/openai-node#1964)."""

OPENAI_ITEM_MODELS: dict[str, Any] = _openai_items()
"""The output items of the `openai` package, by type."""

OPEN_RESPONSES_ITEM_MODELS: dict[str, Any] = {
    "message": open_responses.Message,
    "function_call": open_responses.FunctionCall,
    "function_call_output": open_responses.FunctionCallOutput,
    "reasoning": open_responses.ReasoningBody,
    "compaction": open_responses.CompactionBody,
}
"""The output items of Open Responses 2026-04-24, by type."""

KNOWN_ITEM_TYPES: frozenset[str] = frozenset(OPENAI_ITEM_MODELS) | frozenset(OPEN_RESPONSES_ITEM_MODELS)
"""The types of output items that need no prefix."""


@cache
def is_extension(kind: str) -> bool:
    """Whether an event or item type has an implementor's prefix: `acme:trace`."""
    return _EXTENSION.fullmatch(kind) is not None
