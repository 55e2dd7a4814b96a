"""Sequence numbers."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.checks.phrases import shown
from conformance.reading import is_index, streams
from conformance.rules import MUST, RECOMMENDED, Seen, Violation, rule
from conformance.transcript import Transcript


@rule(
    "sequence.present",
    level=MUST,
    source="openai.types.responses (every event: sequence_number: int); BerriAI/litellm PR#28899",
    why="Strict clients refuse the event; the Vercel AI SDK hides the real error of a failed response.",
)
def present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every event has an integer `sequence_number`."""
    for stream in streams(transcript):
        for event in stream.events:
            number = event.get("sequence_number")
            if is_index(number):
                yield Seen(stream.place(event))
            else:
                found = shown(number) if "sequence_number" in event.data else "no sequence_number"
                yield Violation(
                    stream.place(event), f"an integer sequence_number in {event.type or 'the event'}", found
                )


@rule(
    "sequence.increasing",
    level=MUST,
    source="openai-openapi GET /responses/{id}, parameter `starting_after`; Open Responses 2026-04-24, Streaming",
    why="A client that resumes, or orders events by number, repeats or loses some.",
)
def increasing(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`sequence_number` grows from event to event."""
    for stream in streams(transcript):
        last: int | None = None
        for event in stream.events:
            number = event.get("sequence_number")
            if not is_index(number):
                continue
            if last is None or number > last:
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"a sequence_number above {last}", str(number))
            last = number if last is None else max(last, number)


@rule(
    "sequence.contiguous",
    level=RECOMMENDED,
    source="vllm-project/vllm entrypoints/openai/responses/serving.py; BerriAI/litellm PR#28899",
    why="A client cannot tell a lost event from a number that was never used.",
)
def contiguous(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`sequence_number` starts at 0 or 1 and goes up by one."""
    for stream in streams(transcript):
        last: int | None = None
        for event in stream.events:
            number = event.get("sequence_number")
            if not is_index(number):
                continue
            if number == last + 1 if last is not None else number in (0, 1):
                yield Seen(stream.place(event))
            elif last is None or number > last:
                wanted = "0 or 1 for the first event" if last is None else str(last + 1)
                yield Violation(stream.place(event), f"sequence_number {wanted}", str(number))
            last = number if last is None else max(last, number)
