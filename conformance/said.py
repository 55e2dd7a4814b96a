"""What the upstream said: the answer that a right target must give back.

Folded from the upstream's own bytes by the official SDKs' typed events (`conformance.fold`), never from any
target's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["END_STATES", "EndState", "Said", "SaidAnnotation", "SaidItem", "SaidToken", "SaidUsage"]

EndState = Literal[
    "completed", "incomplete:max_output_tokens", "incomplete:content_filter", "failed", "http-error", "unfinished"
]
END_STATES: tuple[EndState, ...] = (
    "completed",
    "incomplete:max_output_tokens",
    "incomplete:content_filter",
    "failed",
    "http-error",
    "unfinished",
)


@dataclass(frozen=True)
class SaidAnnotation:
    """A citation: `start` and `end` count characters of the text of its item, None where the dialect has none."""

    url: str
    title: str
    start: int | None
    end: int | None


@dataclass(frozen=True)
class SaidItem:
    """One stretch of one kind of content, in order of first appearance.

    For a call `text` is the arguments exactly as received (concatenated fragments; where a Messages block
    brought a whole object, its JSON), `name` the function and `call_id` the upstream's id ("" when it sent none).
    For reasoning `signature` is what the upstream signed it with and `redacted` its opaque data.
    `pieces` counts the non-empty fragments it came in. `complete` is False when the stream ended inside it.
    """

    kind: Literal["text", "reasoning", "refusal", "call"]
    text: str
    pieces: int
    complete: bool = True
    name: str = ""
    call_id: str = ""
    signature: str | None = None
    redacted: str | None = None
    annotations: tuple[SaidAnnotation, ...] = ()


@dataclass(frozen=True)
class SaidToken:
    """The log probability of one token, and those of its most likely alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class SaidUsage:
    """Token counts as Responses means them: `input` includes the cached ones; None is a detail not reported."""

    input: int
    output: int
    cached: int | None
    cache_write: int | None
    reasoning: int | None


@dataclass(frozen=True)
class Said:
    """One upstream reply, understood.

    `ends` is the set of end states that a right target may give it: one where the wire is clear, several where
    specifications leave it open. "http-error" stands for a status of 400 or more before anything was streamed,
    "unfinished" for a stall that only an idle timeout ends. `finish` is the upstream's own word, None when it
    gave none; `status` its HTTP status; `error` the message of its error, if any; `error_kind` one of
    `fakes.reply.HttpFailure.code`'s kinds where it can be told. `streamed` is False for a JSON reply. `tokens` are
    the log probabilities that it gave, in order: of a stream those that came with text. `abandoned` is whether the
    target hung up in the middle of an answer with which nothing was wrong.
    """

    items: tuple[SaidItem, ...]
    usage: SaidUsage | None
    ends: frozenset[EndState]
    finish: str | None = None
    status: int = 200
    error: str | None = None
    error_kind: str | None = None
    model: str | None = None
    streamed: bool = True
    tokens: tuple[SaidToken, ...] = ()
    abandoned: bool = False

    def joined(self, *kinds: Literal["text", "reasoning", "refusal"]) -> str:
        """All content of these kinds, concatenated in order."""
        return "".join(item.text for item in self.items if item.kind in kinds)

    def text_as_told(self, found: str, refusal: str) -> str:
        """All text, with a refusal in its place where `found` has it: clients that show no `refusal` part see it so."""
        text, both = self.joined("text"), self.joined("text", "refusal")
        return both if not refusal and len(found) > len(text) and both.startswith(found) else text

    @property
    def calls(self) -> tuple[SaidItem, ...]:
        """The tool calls, in order of first appearance."""
        return tuple(item for item in self.items if item.kind == "call")
