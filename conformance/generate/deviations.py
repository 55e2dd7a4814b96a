"""Which deviations of the wire a generated script may ask for: those that leave its meaning clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fakes.script import Dialect, Error, Interleaved, Part, Reasoning, Script, Text, ToolCall

__all__ = ["DEVIATIONS", "Deviation", "deviations_for"]


@dataclass(frozen=True)
class Deviation:
    """A quirk of a dialect. `fits` says of a script whether it can be asked for; of one `group` only one can."""

    name: str
    group: str
    fits: Callable[[Script], bool]


def _always(script: Script) -> bool:
    return True


def _flat(script: Script) -> list[Part]:
    return [one for part in script.parts for one in (part.parts if isinstance(part, Interleaved) else (part,))]


def _calls(script: Script) -> list[ToolCall]:
    return [part for part in _flat(script) if isinstance(part, ToolCall)]


def _reasons(script: Script) -> bool:
    return any(isinstance(part, Reasoning) for part in script.parts)


def _has_calls(script: Script) -> bool:
    return bool(_calls(script))


def _one_call(script: Script) -> bool:
    return len(_calls(script)) == 1


def _in_turn(script: Script) -> bool:
    """Calls that come one after the other, so that each can do without what tells them apart."""
    return _has_calls(script) and not any(isinstance(part, Interleaved) for part in script.parts)


def _whole_calls(script: Script) -> bool:
    return _has_calls(script) and script.finish == "tool_calls"


def _text_at_the_end(script: Script) -> bool:
    return script.finish == "stop" and isinstance(script.parts[-1] if script.parts else None, Text)


def _fails(script: Script) -> bool:
    return any(isinstance(part, Error) for part in script.parts)


def _ends(script: Script) -> bool:
    return script.finish is not None


def _counted(script: Script) -> bool:
    return script.usage is not None and _ends(script)


_CHAT: tuple[Deviation, ...] = (
    Deviation("content-null-role", "role", _always),
    Deviation("role-missing", "role", _always),
    Deviation("role-repeated", "role", _always),
    Deviation("data-without-space", "line", _always),
    Deviation("done-without-space", "done", _ends),
    Deviation("no-done", "done", _ends),
    Deviation("empty-choices-first", "first", _always),
    Deviation("empty-deltas", "pings", _always),
    Deviation("extra-keys", "keys", _always),
    Deviation("obfuscation", "padding", _always),
    Deviation("reasoning-content", "reasoning", _reasons),
    Deviation("reasoning-both-fields", "reasoning", _reasons),
    Deviation("finish-empty-string", "finish", _always),
    Deviation("finish-with-last-piece", "end", _ends),
    Deviation("content-after-finish", "end", _text_at_the_end),
    Deviation("finish-stop-with-calls", "reason", _whole_calls),
    Deviation("usage-every-chunk", "usage", _counted),
    Deviation("usage-on-finish-chunk", "usage", _counted),
    Deviation("usage-with-choice", "usage", _counted),
    Deviation("tool-arguments-null-first", "call", _has_calls),
    Deviation("tool-call-whole", "call", _has_calls),
    Deviation("tool-id-empty-later", "call", _has_calls),
    Deviation("tool-id-every-fragment", "call", _has_calls),
    Deviation("tool-name-every-fragment", "call", _has_calls),
    Deviation("id-then-name", "call", _has_calls),
    Deviation("name-in-fragments", "call", _has_calls),
    Deviation("arguments-before-name", "call", _has_calls),
    Deviation("tool-id-missing", "id", _has_calls),
    Deviation("tool-index-missing", "call", _in_turn),
    Deviation("tool-new-id-same-index", "id", _in_turn),
    Deviation("legacy-function-call", "call", _one_call),
    Deviation("text-with-tool-call", "joined", _has_calls),
    Deviation("error-string", "error", _fails),
    Deviation("error-with-choices", "error", _fails),
)

_MESSAGES: tuple[Deviation, ...] = (
    Deviation("adjacent-text-blocks", "text", _always),
    Deviation("blocks-closed-at-end", "close", _ends),
    Deviation("delta-output-usage-only", "usage", _counted),
    Deviation("usage-in-delta-only", "usage", _counted),
    Deviation("two-message-deltas", "end", _ends),
    Deviation("no-message-stop", "stop", _ends),
    Deviation("index-last", "order", _always),
    Deviation("no-event-lines", "lines", _always),
    Deviation("no-ping", "pings", _always),
    Deviation("ping-storm", "pings", _always),
    Deviation("no-first-json-delta", "call", _has_calls),
    Deviation("tool-start-full-input", "call", _whole_calls),
    Deviation("tool-start-without-input", "call", _has_calls),
    Deviation("unknown-events", "unknown", _always),
    Deviation("error-string", "error", _fails),
)

DEVIATIONS: Mapping[Dialect, tuple[Deviation, ...]] = {
    "chat_completions": _CHAT,
    "messages": _MESSAGES,
    "vllm": _CHAT,
}
"""The deviations by dialect. Those that leave open what is meant (an unknown finish reason) are left out."""


def deviations_for(script: Script, dialect: Dialect) -> Iterator[Deviation]:
    """Those that a script can ask for."""
    return (one for one in DEVIATIONS[dialect] if one.fits(script))
