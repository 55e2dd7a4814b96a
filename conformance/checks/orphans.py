"""Rules of results whose call is not in the context."""

from __future__ import annotations

from collections import Counter

from conformance.asked import Asked
from conformance.crossings import Judged, asked_in, crossings, visits
from conformance.pieces import Piece
from conformance.rules import INTEGRITY, rule
from conformance.transcript import Transcript

__all__: list[str] = []


@rule(
    "history.no-call-invented",
    level=INTEGRITY,
    source="BerriAI/litellm rebuilds missing calls from the list of tools; continuedev/continue#10092",
    why="The model reads that it called a tool, with arguments that it never wrote, and reasons from that.",
    evidence="both",
)
def no_call_invented(transcript: Transcript) -> Judged:
    """For a result whose call is not in the context no call of a declared tool is made up."""
    for visit in visits(transcript):
        request = asked_in(visit)
        if request is not None and _orphans(request) and visit.exchange.status in (400, 422):
            yield visit.seen()
    for crossing in crossings(transcript):
        asked = crossing.asked
        orphans = _orphans(asked)
        if not orphans:
            continue
        declared = {tool.name for tool in asked.tools if tool.kind == "function"}
        sent = Counter(piece.name for piece in crossing.sent.of("call"))
        surplus = sent - Counter(piece.name for piece in asked.of("call"))
        invented = sorted(set(surplus) & declared)
        if invented:
            yield crossing.broken(
                f"no call for the result at {orphans[0].path}, which the client's context does not hold",
                f"a call of {invented[0]} was made up for it",
            )
        else:
            yield crossing.seen


def _orphans(asked: Asked) -> list[Piece]:
    """The results whose call is not in the context, where all of the context is known."""
    known = {piece.call_id for piece in asked.of("call")}
    return [result for result in asked.of("result") if result.call_id not in known] if asked.whole else []
