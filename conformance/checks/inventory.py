"""The event types that the two specifications know, with the models of their events."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args

from openai.types.responses import ResponseStreamEvent
from openresponses_types import types as open_responses

__all__ = ["KNOWN_TYPES", "OPENAI_TYPES", "OPEN_RESPONSES_TYPES", "is_extension"]

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


OPENAI_TYPES: dict[str, Any] = _openai_models()
"""The stream events of the `openai` package, by type."""

OPEN_RESPONSES_TYPES: dict[str, Any] = _open_responses_models()
"""The 24 stream events of Open Responses 2026-04-24, by type."""

KNOWN_TYPES: frozenset[str] = frozenset(OPENAI_TYPES) | frozenset(OPEN_RESPONSES_TYPES) | {"keepalive"}
"""What a stream may contain without a prefix; OpenAI itself sends `keepalive` (openai/openai-node#1964)."""


@cache
def is_extension(kind: str) -> bool:
    """Whether an event or item type has an implementor's prefix: `acme:trace`."""
    return _EXTENSION.fullmatch(kind) is not None
