"""Rules of flow: what an upstream pours out is bounded on the way, and no faster than the client reads."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, visits
from conformance.rules import RECOMMENDED, rule
from conformance.transcript import Transcript
from fakes.log import UpstreamCall

__all__: list[str] = []

_MIB = 1 << 20


def _poured(transcript: Transcript, tag: str) -> Iterator[tuple[Visit, int, UpstreamCall]]:
    """The completions of cases with a tag, with their numbers."""
    if tag in (transcript.facts.get("tags") or ()):
        for visit in visits(transcript):
            for number, call in enumerate(visit.exchange.upstream):
                if call.kind == "completion" and call.sent:
                    yield visit, number, call


def _size(call: UpstreamCall) -> int:
    return sum(len(sent.data) for sent in call.sent)


@rule(
    "flow.line-bounded",
    level=RECOMMENDED,
    source="CWE-770; nextlevelbuilder/goclaw#1349 (a limit that is too small); cloudwego/hertz#1441",
    why="An upstream that never ends its line fills the memory of the proxy.",
    features=("event-limit",),
    evidence="upstream",
)
def line_bounded(transcript: Transcript) -> Judged:
    """A line of the upstream that does not end is read no further than the target's limit."""
    for visit, number, call in _poured(transcript, "endless-line"):
        if call.ended == "client-gone":
            yield visit.seen(call=number)
        else:
            yield visit.broken(
                "the connection to the upstream closed at the limit",
                f"all {_size(call) // _MIB} MiB of the line were read ({call.ended})",
                call=number,
            )


@rule(
    "flow.backpressure",
    level=RECOMMENDED,
    source="CWE-770; RFC 9293 3.8.6 (flow control); BerriAI/litellm#12685",
    why="One client that does not read makes the proxy hold its whole answer in memory, and many end it.",
    evidence="upstream",
)
def backpressure(transcript: Transcript) -> Judged:
    """When the client stops reading, the target stops reading from the upstream after a bounded amount."""
    for visit, number, call in _poured(transcript, "stops-reading"):
        if call.ended != "complete":
            yield visit.seen(call=number)
        else:
            yield visit.broken(
                "reading that stops with the client's",
                f"all {_size(call) / _MIB:.0f} MiB of the answer were taken while the client read nothing",
                call=number,
            )
