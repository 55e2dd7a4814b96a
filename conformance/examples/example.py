"""The example of a rule, out of a miniature that is for it: where right and wrong transcripts part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from conformance.examples.lines import Line, answer_lines, request_lines, timed_lines, wire_lines
from conformance.examples.parting import parting
from conformance.miniatures.bug_samples import right_of_miniature
from conformance.miniatures.lock import RIGHT, read_lock
from conformance.miniatures.miniature import Miniature, all_miniatures
from conformance.report.shorten import needles, one_line, shorten_json
from conformance.rules import Rule, Violation
from conformance.transcript import Drive, Exchange, Transcript

__all__ = ["Example", "example_of"]

_CROSSING = frozenset({"upstream", "tools", "history", "counting", "compaction"})
_USUAL = frozenset({"model", "stream", "store"})
_REQUEST = 300  # characters of a request
_MANY = 1000  # rules: a miniature that the lock does not hold yet comes last


@dataclass(frozen=True)
class Example:
    """What a rule asks for and what breaks it. `side` says whose words they are: "client", "upstream" or "both".

    `said` is the violation that the suite finds in the wrong lines. `asked` is the client's request, where the two
    answers differ in their status. `right` and `wrong` are empty where the two differ in time alone.
    """

    miniature: Miniature
    case: str
    side: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    said: str
    asked: str = ""


@cache
def _right(at: int) -> tuple[Transcript, ...]:
    return tuple(RIGHT[at]())


def _samples(miniature: Miniature) -> Iterator[Sequence[Transcript]]:
    yield from (_right(at) for at in range(len(RIGHT)))
    yield tuple(right_of_miniature(miniature.name))


@cache
def _miniatures() -> dict[str, list[Miniature]]:
    """The miniatures that are for each rule, those first that break the fewest others."""
    found: dict[str, list[Miniature]] = {}
    for miniature in all_miniatures():
        for rule_id in miniature.for_rules:
            found.setdefault(rule_id, []).append(miniature)
    purity = {name: len(failed) for name, failed in read_lock().items()}
    return {rule_id: sorted(ones, key=lambda one: purity.get(one.name, _MANY)) for rule_id, ones in found.items()}


def example_of(rule: Rule) -> Example | None:
    """The example of a rule; None where only a live miniature breaks it."""
    for miniature in _miniatures().get(rule.id, ()):
        for samples in _samples(miniature):
            silent = None
            for right in samples:
                found = _shown(rule, miniature, right)
                if found is not None and (found.right or found.wrong):
                    return found
                silent = silent or found
            if silent is not None:
                return silent
    return None


def _shown(rule: Rule, miniature: Miniature, right: Transcript) -> Example | None:
    """The example that one right transcript gives, where the miniature breaks the rule in it."""
    wrong = miniature(right)
    if wrong is right:
        return None
    violation = next((said for said in rule.check(wrong) if isinstance(said, Violation)), None)
    if violation is None or any(isinstance(said, Violation) for said in rule.check(right)):
        return None
    words = needles(violation.expected, violation.actual)
    said = f"expected {violation.expected}; got {violation.actual}"
    for side, good, bad, at in _sides(rule, violation, right, wrong):
        lines = parting(good, bad, words, at)
        if lines is not None:
            asked = _asked(violation, right, wrong, words) if side == "client" else ""
            return Example(miniature, right.case, side, *lines, said, asked)
    return Example(miniature, right.case, "client", (), (), said)


def _sides(
    rule: Rule, violation: Violation, right: Transcript, wrong: Transcript
) -> Iterator[tuple[str, list[Line], list[Line], int | None]]:
    """The pairs of texts in which the difference may show, the likeliest first, and the line of the violation."""
    place = violation.place
    good, bad = _exchange(right, place.drive, place.exchange), _exchange(wrong, place.drive, place.exchange)
    if good is None or bad is None:
        return
    told = [
        ("client", answer_lines(good), answer_lines(bad), place.event),
        ("client", wire_lines(good), wire_lines(bad), None),
    ]
    if rule.area == "sse" and place.event is None:
        told.reverse()
    asked = [("upstream", request_lines(good), request_lines(bad), None)]
    crossing = rule.evidence == "both" and rule.area in _CROSSING and good.status == bad.status
    upstream = place.call is not None or rule.evidence == "upstream" or crossing
    yield from (*asked, *told) if upstream else (*told, *asked)
    yield "both", timed_lines(good), timed_lines(bad), None


def _asked(violation: Violation, right: Transcript, wrong: Transcript, words: tuple[str, ...]) -> str:
    """The client's request, on a line, where it was answered by another status."""
    place = violation.place
    good, bad = _exchange(right, place.drive, place.exchange), _exchange(wrong, place.drive, place.exchange)
    if good is None or bad is None or good.status == bad.status:
        return ""
    request = good.request
    body = request.body
    if isinstance(body, bytes):
        body = one_line(body[:_REQUEST].decode("utf-8", "backslashreplace"))
    shown = {key: value for key, value in body.items() if key not in _USUAL} if isinstance(body, dict) else body
    return f"{request.method} {request.path} {shorten_json(shown, _REQUEST, words) if shown else ''}".strip()


def _exchange(transcript: Transcript, kind: str, at: int) -> Exchange | None:
    drive: Drive | None = next((drive for drive in transcript.drives if drive.kind == kind), None)
    return drive.exchanges[at] if drive is not None and at < len(drive.exchanges) else None
