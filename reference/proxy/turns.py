"""A conversation as turns: what history makes of the client's items, and a dialect of its own messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sealed import Carried


@dataclass(slots=True)
class Text:
    """A piece of text; ``refusal`` when the model declined with it."""

    text: str
    refusal: bool = False


@dataclass(slots=True)
class Image:
    """An image by http(s) or data URL."""

    url: str
    detail: str | None
    where: str
    """The place in the request, as ``param`` of an error."""


@dataclass(slots=True)
class File:
    """A file, inline (base64, usually as data URL) or by address."""

    data: str | None
    url: str | None
    name: str | None
    where: str


Part = Text | Image | File


@dataclass(slots=True)
class Thought:
    """Reasoning of an assistant turn: its text, and what an own blob carried."""

    text: str
    carried: Carried | None


@dataclass(slots=True)
class Call:
    """A tool call under its upstream name; ``result`` is None until its output is met."""

    call_id: str
    name: str
    arguments: str
    result: list[Part] | None = None


@dataclass(slots=True)
class Message:
    """A user, system or developer message."""

    role: str
    parts: list[Part]


@dataclass(slots=True)
class Assistant:
    """One assistant turn, in the order the model produced it."""

    blocks: list[Text | Thought | Call] = field(default_factory=list)

    def calls(self) -> list[Call]:
        """The tool calls of this turn."""
        return [block for block in self.blocks if isinstance(block, Call)]


Turn = Message | Assistant


@dataclass(slots=True)
class History:
    """The conversation so far, and what was noticed while reading it."""

    turns: list[Turn]
    warnings: list[str]
    compact: bool
    """Whether the client asks for a summary of the conversation instead of an answer."""
