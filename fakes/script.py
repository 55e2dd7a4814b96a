"""Scripts: what an upstream says, in no dialect's words.

A script is a sequence of parts. A dialect encodes it into the bytes that the real service would send
(`fakes.dialects`), streamed or whole. `pieces` are the fragments in which streamed content arrives: one piece,
one fragment on the wire, in this order; joined, they are the content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "DIALECTS",
    "Annotation",
    "Comment",
    "DeclaredCall",
    "Dialect",
    "Dies",
    "Error",
    "Finish",
    "Interleaved",
    "Part",
    "Ping",
    "Raw",
    "Reasoning",
    "RedactedReasoning",
    "Refusal",
    "Script",
    "Silence",
    "Text",
    "ToolCall",
    "Usage",
]

Dialect = Literal["chat_completions", "messages", "vllm"]
DIALECTS: tuple[Dialect, ...] = ("chat_completions", "messages", "vllm")

Finish = Literal[
    "stop", "tool_calls", "length", "content_filter", "refusal", "stop_sequence", "context_window", "pause_turn"
]


@dataclass(frozen=True)
class Text:
    """Visible answer text."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Reasoning:
    """Thinking text. `signature` exists on Messages only; an empty `pieces` with a signature is omitted thinking."""

    pieces: tuple[str, ...]
    signature: str | None = None


@dataclass(frozen=True)
class RedactedReasoning:
    """A `redacted_thinking` block of Messages: opaque, to be sent back as it came."""

    data: str


@dataclass(frozen=True)
class Refusal:
    """Refusal text: `delta.refusal` of chat completions. Messages refuses by `finish="refusal"`."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Annotation:
    """A web citation on the text before it. Indexes count characters of that text, `end` exclusive."""

    url: str
    title: str
    start: int
    end: int


@dataclass(frozen=True)
class ToolCall:
    """One call of a function. `pieces` joined are the arguments as the model wrote them, valid JSON or not.

    `id` is as the service would write it; None lets the dialect mint one in its own form, "" sends none.
    `no_arguments` sends no argument fragment at all (vLLM cut by max_tokens; Messages without a delta).
    """

    name: str
    pieces: tuple[str, ...]
    id: str | None = None

    @property
    def no_arguments(self) -> bool:
        """Whether the call is announced and nothing is ever said of its arguments."""
        return not self.pieces


@dataclass(frozen=True)
class DeclaredCall:
    """A call of whichever function a target declared in place of a tool that no upstream knows.

    The function is the one whose description contains `described`, else the one whose name contains all of
    `named`; where there is none, the model says so in text (`fakes.declared`). `input` is written into its only
    string parameter (custom tools), `arguments` are sent as they are; one of the two is given.
    """

    described: str
    named: tuple[str, ...]
    input: str | None = None
    arguments: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Interleaved:
    """Parts whose fragments alternate, one of each in turn (parallel calls on chat completions)."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Ping:
    """A sign of life without content: `event: ping` on Messages, an empty delta on chat completions and vLLM."""


@dataclass(frozen=True)
class Comment:
    """An SSE comment line between two events."""

    text: str = " keep-alive"


@dataclass(frozen=True)
class Silence:
    """Nothing for so many seconds, streamed replies only. It is kept by `AsFramed` and `Gated` deliveries."""

    seconds: float


@dataclass(frozen=True)
class Raw:
    """Bytes put on the wire as they are, streamed replies only: one frame."""

    data: bytes


@dataclass(frozen=True)
class Error:
    """An error event inside the stream, framed as the service frames it; the script ends here.

    `status` is the HTTP status that the service would have sent had it not begun.
    """

    status: int = 500
    message: str = "The model has crashed."
    type: str | None = None


@dataclass(frozen=True)
class Dies:
    """The connection ends here, between two frames, with neither finish nor end marker.

    "eof" stands apart from the last bytes; "eof-at-once" comes with them.
    """

    how: Literal["eof", "eof-at-once", "reset", "stall"] = "eof"


Part: TypeAlias = (
    Text
    | Reasoning
    | RedactedReasoning
    | Refusal
    | Annotation
    | ToolCall
    | DeclaredCall
    | Interleaved
    | Ping
    | Comment
    | Silence
    | Raw
    | Error
    | Dies
)


@dataclass(frozen=True)
class Usage:
    """Token counts in neutral terms: `input` includes cached and cache-written tokens, `output` the reasoning.

    None for a detail means that the service does not report it.
    """

    input: int = 17
    output: int = 9
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """A whole answer. `finish` None sends no finish reason, `usage` None reports none.

    `quirks` are legal or common deviations of the wire, by name; each dialect lists those that it knows
    (`fakes.dialects.QUIRKS`), an unknown one raises EncodingError.
    """

    parts: tuple[Part, ...] = ()
    finish: Finish | None = "stop"
    usage: Usage | None = Usage()
    quirks: frozenset[str] = frozenset()
