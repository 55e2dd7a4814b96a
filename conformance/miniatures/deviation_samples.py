"""Samples of what upstreams say that few readers expect, and of settings that not every upstream has.

They are cases like any other, apart from the suite's own so that the lock of the miniatures does not change with
those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.build import answers, says
from conformance.cases.case import Case
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.transcript import DriveKind, Transcript
from fakes.script import Dialect, Dies, Reasoning, Text

__all__ = ["DEVIATION_SAMPLES", "deviation_transcripts", "locked_deviations"]

_SOURCE = "openai.types.chat.ChatCompletionChunk; anthropic.types.RawMessageStreamEvent"
_CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
_MESSAGES: tuple[Dialect, ...] = ("messages",)


def _case(name: str, said: Any, *drives: DriveKind, dialects: tuple[Dialect, ...] = _CHAT, **body: Any) -> Case:
    return Case(
        id=f"deviation.{name}",
        summary=name.replace("-", " "),
        source=_SOURCE,
        turns=answers(said, **body),
        dialects=dialects,
        drives=frozenset(drives or ("stream", "json")),
    )


DEVIATION_SAMPLES: tuple[Case, ...] = (
    _case("end-of-sequence", says("Said to the end.", quirks=("finish-end-of-sequence",))),
    _case("novel-stop", says("Said to the end.", quirks=("finish-unknown",)), dialects=_MESSAGES),
    _case("aborted", says("Given up in the mid", quirks=("finish-abort",)), "stream"),
    _case("cut", says(Text(("This sentence ", "is cut in the mid")), finish="length"), dialects=(*_CHAT, "messages")),
    _case("paused", says("To be continued", finish="pause_turn"), "stream", dialects=_MESSAGES),
    _case(
        "omitted-thinking",
        says(Reasoning((), "c2lnLW9taXR0ZWQ="), Text(("Thought ", "through."))),
        dialects=_MESSAGES,
        reasoning={"effort": "medium", "summary": "auto"},
    ),
    _case(
        "silent-for-good",
        says(Text(("About to ", "say")), Dies("stall"), finish=None, usage=None),
        "stream",
        dialects=(*_CHAT, "messages"),
    ),
    _case("json-for-a-stream", says("Whole.", quirks=("json-always",)), "stream", dialects=(*_CHAT, "messages")),
    _case("stream-for-json", says("In pieces.", quirks=("stream-always",)), "json", dialects=(*_CHAT, "messages")),
    _case(
        "chat-settings",
        says("Understood."),
        presence_penalty=0.5,
        frequency_penalty=-0.25,
        top_logprobs=2,
        include=["message.output_text.logprobs"],
        store=True,
        reasoning={"effort": "xhigh"},
        user="account-4",
        safety_identifier="user-17",
        service_tier="flex",
        prompt_cache_key="session-0018",
        prompt_cache_retention="24h",
    ),
)
"""Every situation of this side in which miniatures are shown."""


def deviation_transcripts() -> Iterator[tuple[str, Transcript]]:
    """Every sample in its dialects through every right target, with that target's name."""
    for name, target in RIGHT_TARGETS.items():
        for case in DEVIATION_SAMPLES:
            for dialect in case.dialects:
                yield name, right_case(case, dialect, target)


def locked_deviations() -> Iterator[Transcript]:
    """The right transcripts that miniatures are locked by."""
    return (transcript for _, transcript in deviation_transcripts())
