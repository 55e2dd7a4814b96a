"""Which model of Anthropic's a Messages request is judged by: models differ in what they accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["MessagesProfile", "profile_of"]


@dataclass(frozen=True)
class MessagesProfile:
    """What one generation of models accepts.

    `thinking`: "manual" takes `enabled` and `disabled`; "either" also `adaptive`; "adaptive" refuses `enabled`;
    "always" refuses `enabled` and `disabled`. `sampling`: "both" takes `temperature` with `top_p`, "one" either,
    "none" refuses values that differ from the default. `prefill`: a history may end with the assistant.
    `user_first`: a history must begin with the user (Bedrock; api.anthropic.com takes either).

    Sources: platform.claude.com/docs/en/build-with-claude/extended-thinking and adaptive-thinking,
    docs/en/api/errors "Prefill not supported", vercel/ai#12296, router-for-me/CLIProxyAPI#5319,
    BerriAI/litellm#15097, anthropics/anthropic-sdk-typescript#622.
    """

    thinking: Literal["manual", "either", "adaptive", "always"] = "either"
    sampling: Literal["both", "one", "none"] = "one"
    prefill: bool = False
    user_first: bool = False


DEFAULT: Final = MessagesProfile()
"""For a model that nobody knows: the generation that takes both forms of thinking (Claude 4.6)."""

_BY_PREFIX: Final[tuple[tuple[str, MessagesProfile], ...]] = (
    ("claude-3", MessagesProfile("manual", "both", prefill=True)),
    ("claude-opus-4-0", MessagesProfile("manual", "both", prefill=True)),
    ("claude-sonnet-4-0", MessagesProfile("manual", "both", prefill=True)),
    ("claude-opus-4-1", MessagesProfile("manual", "one", prefill=True)),
    ("claude-opus-4-5", MessagesProfile("manual", "one", prefill=True)),
    ("claude-sonnet-4-5", MessagesProfile("manual", "one", prefill=True)),
    ("claude-haiku-4-5", MessagesProfile("manual", "one", prefill=True)),
    ("claude-opus-4-7", MessagesProfile("adaptive", "none")),
    ("claude-opus-4-8", MessagesProfile("adaptive", "none")),
    ("claude-sonnet-5", MessagesProfile("adaptive", "none")),
    ("claude-opus-5", MessagesProfile("adaptive", "none")),
    ("claude-fable-5", MessagesProfile("always", "none")),
    ("claude-mythos-5", MessagesProfile("always", "none")),
)


def profile_of(model: object) -> MessagesProfile:
    """The profile of a model name, the default for one that no public page describes."""
    name = model if isinstance(model, str) else ""
    return next((profile for prefix, profile in _BY_PREFIX if name.startswith(prefix)), DEFAULT)
