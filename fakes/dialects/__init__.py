"""The dialects of the fake upstream: what each service reads and writes.

reply = get("vllm").encode(script, {"model": "m", "stream": True, "messages": [...]})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fakes.dialects.base import WireDialect
from fakes.dialects.chat_completions import ChatCompletions
from fakes.dialects.messages import Messages
from fakes.dialects.quirks import CHAT_QUIRKS, MESSAGES_QUIRKS, VLLM_QUIRKS, Quirk
from fakes.dialects.vllm import Vllm
from fakes.script import Dialect
from fakes.validation.profile import MessagesProfile

__all__ = [
    "QUIRKS",
    "QUIRK_DOCS",
    "ChatCompletions",
    "Messages",
    "MessagesProfile",
    "Quirk",
    "Vllm",
    "WireDialect",
    "get",
]

_DIALECTS: Final[Mapping[Dialect, WireDialect]] = {
    "chat_completions": ChatCompletions(),
    "messages": Messages(),
    "vllm": Vllm(),
}

QUIRK_DOCS: Final[Mapping[Dialect, Mapping[str, Quirk]]] = {
    "chat_completions": CHAT_QUIRKS,
    "messages": MESSAGES_QUIRKS,
    "vllm": VLLM_QUIRKS,
}
"""What each quirk does and where it was seen, by dialect and name."""

QUIRKS: Final[Mapping[Dialect, frozenset[str]]] = {dialect: frozenset(quirks) for dialect, quirks in QUIRK_DOCS.items()}
"""The names of the quirks that each dialect knows."""


def get(name: Dialect) -> WireDialect:
    """The dialect of that name; raises KeyError for any other."""
    return _DIALECTS[name]
