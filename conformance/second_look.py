"""A second look at cases that were kept waiting while other cases were driven beside them.

A target that serves everybody in one loop keeps all its clients waiting while it works on one costly request, and
a busy machine keeps everybody waiting. Who got no answer in time, a delta later than the upstream's patience, or the
end of a body long after its terminal event, has shown nothing about its own case, so it is driven again, alone; what
it says then counts. A case that hangs by itself hangs again, a target that holds deltas back holds them back again,
and one that leaves its streams open leaves them open again. That a costly request holds up others is judged where a
case is made for it (`flow.crowd` and those beside it), not by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from conformance.cases.case import Case
from conformance.transcript import CLOSES_WITHIN, DriveKind, Exchange, Transcript

__all__ = ["HANGS", "is_late", "is_lingering", "is_overdue", "second_look"]

HANGS = 8
"""After so many cases that hang or linger alone too, the target is known for it: the others keep what they showed."""


def is_overdue(transcript: Transcript) -> bool:
    """Whether the client ran out of patience somewhere: nothing came, no end came, or nobody took the connection."""
    return any(
        (drive.problem is not None and drive.blame == "target") or any(map(_expired, drive.exchanges))
        for drive in transcript.drives
    )


def is_late(transcript: Transcript) -> bool:
    """Whether the upstream, which waited at a gate for what its last chunk must cause, waited in vain somewhere."""
    return any(call.late for drive in transcript.drives for exchange in drive.exchanges for call in exchange.upstream)


def is_lingering(transcript: Transcript) -> bool:
    """Whether a body stayed open somewhere for too long after its terminal event."""
    waits = (exchange.lingering for drive in transcript.drives for exchange in drive.exchanges if _is_long(exchange))
    return any(wait is not None and wait >= CLOSES_WITHIN for wait in waits)


def second_look(
    cases: Iterable[Case],
    transcripts: Mapping[str, Transcript],
    drive: Callable[[Case], Transcript],
    is_ready: Callable[[], bool],
) -> Iterator[Transcript]:
    """Drive those cases again that were kept waiting in their transcripts (by case id); yields the new transcripts.

    `is_ready` waits until the target has finished what keeps it busy, and says whether it has. Cases that had been
    given the beginning of an answer come last: the costly request is among them. A transcript that lacks a kind of
    drive which the first one has (gates are given up after some misses) is not yielded: it shows less.
    """
    waited = [case for case in cases if case.id in transcripts and _waited(transcripts[case.id])]
    hangs = 0
    for case in sorted(waited, key=lambda case: _had_begun(transcripts[case.id])):
        if hangs == HANGS or not is_ready():
            return
        again = drive(case)
        hangs += is_overdue(again) or is_lingering(again)
        if _kinds(transcripts[case.id]) <= _kinds(again):
            yield again


def _waited(transcript: Transcript) -> bool:
    return is_overdue(transcript) or is_late(transcript) or is_lingering(transcript)


def _is_long(exchange: Exchange) -> bool:
    """Whether it took so long at all; most are over sooner, and their events need not be read for this."""
    return exchange.ended == "deadline" or exchange.ended_at >= CLOSES_WITHIN


def _kinds(transcript: Transcript) -> set[DriveKind]:
    return {drive.kind for drive in transcript.drives}


def _expired(exchange: Exchange) -> bool:
    return exchange.ended == "deadline"


def _had_begun(transcript: Transcript) -> bool:
    exchanges = [exchange for drive in transcript.drives for exchange in drive.exchanges]
    return any(_expired(exchange) and exchange.status is not None for exchange in exchanges)
