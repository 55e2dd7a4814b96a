"""Rules of results whose call is not in the context, and of calls whose result is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from conformance.asked import Asked
from conformance.crossings import Judged, asked_in, crossings, visits
from conformance.pieces import Piece
from conformance.rules import INTEGRITY, RECOMMENDED, rule
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


@rule(
    "history.omissions-not-sent-on",
    level=RECOMMENDED,
    source="MoonshotAI/kimi-code#701; OpenHands/OpenHands#7512; google/adk-python#3504; continuedev/continue#10092",
    why="The service answers 400, to this turn and to all that follow: the client cannot mend its context.",
    evidence="both",
)
def omissions_not_sent_on(transcript: Transcript) -> Judged:
    """A call that the client left without a result, or a result without its call, is not sent upstream as it stands."""
    for visit in visits(transcript):
        request = asked_in(visit)
        if request is not None and _lacks(request) and visit.exchange.status in (400, 422):
            yield visit.seen()
    for crossing in crossings(transcript):
        if not _lacks(crossing.asked):
            continue
        alone = _alone(crossing.sent.of("call"), crossing.sent.of("result"))
        if alone:
            other = "result" if alone[0].kind == "call" else "call"
            yield crossing.broken(
                f"the {alone[0].kind} at {alone[0].path} completed or left out, or the request refused",
                f"it is sent without its {other}",
            )
        else:
            yield crossing.seen


def _lacks(asked: Asked) -> bool:
    """Whether a call lacks its result or a result its call, where all of the context is known."""
    return asked.whole and bool(_alone(asked.of("call"), asked.of("result")))


def _alone(calls: Iterable[Piece], results: Iterable[Piece]) -> list[Piece]:
    calls, results = list(calls), list(results)
    answered, called = ({piece.call_id for piece in pieces} for pieces in (results, calls))
    return [call for call in calls if call.call_id not in answered] + [
        result for result in results if result.call_id not in called
    ]


def _orphans(asked: Asked) -> list[Piece]:
    """The results whose call is not in the context, where all of the context is known."""
    known = {piece.call_id for piece in asked.of("call")}
    return [result for result in asked.of("result") if result.call_id not in known] if asked.whole else []
