"""Rules of endings that are easily mistaken: unknown reasons, reported errors, pauses, silences, half messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.crossings import Judged, quote
from conformance.fold.ends import CHAT_FINISHES, MESSAGES_STOPS
from conformance.reading import StreamReading, streams
from conformance.rules import MUST, RECOMMENDED, Seen, Violation, rule
from conformance.said import Said
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")

# A word that nobody lists may still say that the answer is not whole.
_NOT_WHOLE = re.compile(r"limit|length|max|window|filter|error|abort|cancel|fail|resource|pause", re.IGNORECASE)
_LIMITED = frozenset({"incomplete:max_output_tokens"})
_REPORTED = frozenset({"error", "abort", "network_error", "insufficient_system_resource"})


def _finished(transcript: Transcript) -> Iterator[tuple[StreamReading, Said, str]]:
    """The streams that ended, with what the upstream said and its word for why it stopped."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if said is not None and said.finish and stream.terminal is not None and not stream.left:
            yield stream, said, said.finish


def _judged(stream: StreamReading, right: bool, expected: str) -> Seen | Violation:
    place = stream.place(stream.terminal)
    ended = stream.terminal.type if stream.terminal else "no terminal event"
    return Seen(place) if right else Violation(place, expected, ended)


@rule(
    "ending.unknown-reason-completes",
    level=RECOMMENDED,
    source="huggingface/text-generation-inference (eos_token); unslothai/unsloth#10557; anthropic.types.StopReason",
    why="A whole answer is thrown away for a word that the target has not met before.",
    evidence="both",
)
def unknown_reason_completes(transcript: Transcript) -> Judged:
    """An answer with content that stopped for a reason nobody lists, none that speaks of a cut, ends completed."""
    known = MESSAGES_STOPS if transcript.dialect == "messages" else CHAT_FINISHES
    for stream, said, finish in _finished(transcript):
        told = any(item.kind != "reasoning" for item in said.items)
        if finish not in known and not _NOT_WHOLE.search(finish) and told and "completed" in said.ends:
            words = f"response.completed after the upstream's {quote(finish)}"
            yield _judged(stream, stream.outcome == "completed", words)


@rule(
    "ending.reported-error-fails",
    level=RECOMMENDED,
    source="vLLM, finish reasons of requests that failed or were aborted; DeepSeek API, insufficient_system_resource",
    why="An answer that the engine gave up passes for one that a limit cut, and is never asked for again.",
    dialects=CHAT,
    evidence="both",
)
def reported_error_fails(transcript: Transcript) -> Judged:
    """An answer whose finish reason tells of an error or an abort ends failed."""
    for stream, _, finish in _finished(transcript):
        if finish in _REPORTED:
            words = f"response.failed after the upstream's {quote(finish)}"
            yield _judged(stream, stream.outcome == "failed", words)


@rule(
    "ending.pause-is-not-finished",
    level=RECOMMENDED,
    source="anthropic.types.StopReason (pause_turn); tetsuo-ai/agenc-core#2111; grafana/ai-sdk#29",
    why="A turn that the service only paused passes for a finished one: the agent stops in the middle of its work.",
    dialects=("messages",),
    evidence="both",
)
def pause_is_not_finished(transcript: Transcript) -> Judged:
    """A turn that ends paused, and that the target does not continue upstream, is not completed."""
    for stream, said, finish in _finished(transcript):
        if finish == "pause_turn" and not said.calls:
            words = "a turn that is continued upstream, or response.incomplete"
            yield _judged(stream, stream.outcome != "completed", words)


@rule(
    "ending.silence-fails",
    level=RECOMMENDED,
    source="openai.APITimeoutError; CWE-400",
    why="The client waits for ever on an upstream that is gone, and the target keeps a connection for it.",
    features=("idle-timeout",),
    evidence="both",
)
def silence_fails(transcript: Transcript) -> Judged:
    """An upstream that falls silent for good ends, after the target's idle timeout, in `response.failed`."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if said is not None and "unfinished" in said.ends and not stream.left:
            yield _judged(stream, stream.outcome == "failed", "response.failed")


@rule(
    "ending.cut-message-is-incomplete",
    level=MUST,
    source="openai.types.responses.ResponseOutputMessage.status; Open Responses 2026-04-24, Items are state machines",
    why="The half sentence is stored as a whole message, and the next turn takes it for one.",
    evidence="both",
)
def cut_message_is_incomplete(transcript: Transcript) -> Judged:
    """The message that a limit cut does not say `status: completed`, when it is done or in the response."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if said is None or said.ends != _LIMITED or stream.outcome != "incomplete" or not said.items:
            continue
        messages = [item for item in stream.items if item.type == "message"]
        if said.items[-1].kind != "text" or said.items[-1].complete or not messages:
            continue
        claims = [shape for shape in (messages[-1].done_item, messages[-1].final or {}) if shape]
        if any(shape.get("status") == "completed" for shape in claims):
            place = stream.place(messages[-1].done or stream.terminal)
            yield Violation(place, "`status: incomplete` for the message that was cut", "'completed'")
        else:
            yield Seen(stream.place(stream.terminal))
