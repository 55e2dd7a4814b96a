"""The end states that a right target may give to an upstream's answer.

Where specifications leave an ending open, all of its legal states are in the set:

    the upstream ...                              a right target ends
    finish / stop reason of a whole answer        completed
    length, max_tokens, context window            incomplete: max_output_tokens
    content_filter                                incomplete: content_filter
    refusal (Messages)                            the same; without content also completed, with a refusal part
    pause_turn, an unknown reason                 open: completed, incomplete or failed
    error, abort and their like                   failed or incomplete
    [DONE] or message_stop without a reason       open; completed only with content
    end of body without reason and marker         failed
    reason, then end of body without marker       chat: by the reason (`transformers serve` sends no [DONE]);
                                                  Messages, or a broken connection: that, or failed
    error event                                   failed
    calls without an id, of one id or one index   also failed: no result could be told to be that call's
    silence                                       unfinished or failed
    reason, then the target hangs up by itself    by the reason; Messages also failed
    HTTP status of 400 or more, no status         http-error or failed

A failure before anything was said may also be answered by an HTTP status: "http-error".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Literal

from conformance.errors import HarnessError
from conformance.fold.items import Cut
from conformance.said import EndState

__all__ = [
    "ANY_END",
    "CHAT_FINISHES",
    "MESSAGES_STOPS",
    "REFUSED",
    "TRANSPORT_ENDS",
    "Doubt",
    "Ending",
    "Finish",
    "Transport",
    "transport_of",
]

Ends = frozenset[EndState]

Doubt = Literal["first", "later"]
"""Whether what a target may choke on came before anything was said."""

COMPLETED: Ends = frozenset({"completed"})
TOKENS: Ends = frozenset({"incomplete:max_output_tokens"})
FILTERED: Ends = frozenset({"incomplete:content_filter"})
FAILED: Ends = frozenset({"failed"})
HTTP_ERROR: Ends = frozenset({"http-error"})
REFUSED: Ends = FAILED | HTTP_ERROR
STALLED: Ends = FAILED | {"unfinished"}
ANY_END: Ends = COMPLETED | TOKENS | FILTERED | FAILED


@dataclass(frozen=True)
class Finish:
    """What a finish or stop reason means: the legal end states, and whether it cuts the last item."""

    ends: Ends
    cut: Cut | None = None


_WHOLE = Finish(COMPLETED)
_LIMIT = Finish(TOKENS, "limit")
_FILTER = Finish(FILTERED, "limit")
_BROKE = Finish(FAILED | TOKENS | FILTERED, "end")
UNKNOWN = Finish(ANY_END)

CHAT_FINISHES: Mapping[str, Finish] = MappingProxyType(
    {
        "stop": _WHOLE,
        "tool_calls": _WHOLE,
        "function_call": _WHOLE,
        "length": _LIMIT,
        "content_filter": _FILTER,
        # No values of the SDK's, but sent: vLLM "error" and "abort", DeepSeek the third, Z.ai the last.
        "error": _BROKE,
        "abort": _BROKE,
        "insufficient_system_resource": _BROKE,
        "network_error": _BROKE,
    }
)
"""`finish_reason` of `openai.types.chat.chat_completion_chunk.Choice`, and others that are in use."""

MESSAGES_STOPS: Mapping[str, Finish] = MappingProxyType(
    {
        "end_turn": _WHOLE,
        "stop_sequence": _WHOLE,
        "tool_use": _WHOLE,
        "max_tokens": _LIMIT,
        "model_context_window_exceeded": _LIMIT,
        "refusal": _FILTER,
        # To be sent back to continue: a proxy may do that, or end the response as it sees fit.
        "pause_turn": UNKNOWN,
    }
)
"""`anthropic.types.StopReason`."""


class Transport(Enum):
    """How the connection to the upstream ended."""

    CLEAN = "the body ended as HTTP says it must"
    BROKEN = "the connection closed before the body's end"
    RESET = "the connection was reset"
    SILENT = "nothing more came"
    LEFT = "the target hung up, and nothing was wrong with the upstream"
    NO_ANSWER = "no status line came"


TRANSPORT_ENDS: Mapping[str | None, Transport] = MappingProxyType(
    {
        "complete": Transport.CLEAN,
        "truncated": Transport.BROKEN,
        "cut": Transport.BROKEN,
        "cut-at-once": Transport.BROKEN,
        "broken": Transport.BROKEN,
        "reset": Transport.RESET,
        "stall": Transport.SILENT,
        "stalled": Transport.SILENT,
        "client-left": Transport.SILENT,
        "client-gone": Transport.SILENT,
        "hung-up": Transport.LEFT,
        None: Transport.SILENT,
        "reset-before-status": Transport.NO_ANSWER,
        "refused": Transport.NO_ANSWER,
    }
)
"""Every word for an ending of `fakes.recording.RecordedEnd`, `fakes.reply.Fault` and `UpstreamCall.ended`.

"hung-up" is the "client-gone" of a target that left an upstream which was well: neither faulty nor silent.
"""


def transport_of(ended: str | None) -> Transport:
    """The ending by its word. Raises HarnessError for one that nobody uses."""
    try:
        return TRANSPORT_ENDS[ended]
    except KeyError:
        words = ", ".join(sorted(word for word in TRANSPORT_ENDS if word))
        raise HarnessError(f"an upstream reply cannot have ended {ended!r}; known are {words}") from None


@dataclass(frozen=True)
class Ending:
    """All that decides how an answer ended.

    `finish` is None when no reason came; `marker` whether the stream's own end came ([DONE], message_stop, the
    end of a JSON body); `marker_due` whether a stream without it is broken (Messages) or may be whole (chat).
    `content` is whether there is a message, refusal or call, `said` whether there is anything; `doubt` is
    whether there was something that a target may rightly choke on (broken JSON, a wrong content type, calls that
    cannot be told apart), before anything was said ("first") or later.
    """

    transport: Transport
    finish: Finish | None
    marker: bool
    marker_due: bool
    error: bool
    content: bool
    said: bool
    doubt: Doubt | None

    @property
    def ends(self) -> Ends:
        """The legal end states."""
        ends = self._ends()
        if "failed" in ends and not self.said and self.finish is None:
            ends |= HTTP_ERROR
        if self.doubt is not None:
            ends |= REFUSED if self.doubt == "first" else FAILED
        return ends

    def _ends(self) -> Ends:
        if self.error:
            return FAILED if self.finish is None else FAILED | self.finish.ends
        if self.marker:
            # RFC 9293 3.10.7.4: a reset flushes what was received and not yet read.
            lost = FAILED if self.transport is Transport.RESET else frozenset[EndState]()
            return lost | self._reason_or_open()
        if self.transport is Transport.SILENT or (self.transport is Transport.LEFT and self.finish is None):
            return STALLED if self.finish is None else STALLED | self.finish.ends
        if self.finish is None:
            return FAILED
        broken = self.marker_due or self.transport not in (Transport.CLEAN, Transport.LEFT)
        return self.finish.ends | FAILED if broken else self.finish.ends

    def _reason_or_open(self) -> Ends:
        if self.finish is not None:
            return self.finish.ends
        return ANY_END if self.content else ANY_END - COMPLETED

    @property
    def abandoned(self) -> bool:
        """Whether the target hung up before the end, without a reason to."""
        return self.transport is Transport.LEFT and not (self.marker or self.error or self.finish or self.doubt)

    @property
    def cut(self) -> Cut | None:
        """Why the last item is not whole; None when it is."""
        if self.finish is not None:
            return self.finish.cut
        return None if self.marker and not self.error else "end"
