"""What a case at a live endpoint hoped the model would say, and what it did not say.

A model may rightly answer in words where a call was asked for. Then the case shows nothing of calls: that is told,
and nobody is accused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from conformance.cases.live import Hope, LiveCase
from conformance.checks.acceptance import silence, told
from conformance.crossings import Visit, visits
from conformance.given import CALLS, answered, given_items
from conformance.normal_form import final_response
from conformance.pieces import at, items_of, text_of
from conformance.transcript import Drive, Transcript

__all__ = ["unheard", "unobserved"]

_MANY = 20  # deltas, from which on an answer is a long one


def _items(visit: Visit, kind: str) -> int:
    response = final_response(visit.exchange)
    listed = [item for item in items_of(at(response, "output")) if at(item, "type") == kind]
    given = [item for item in given_items(visit) if item.json.get("type") == kind]
    return max(len(listed), len(given))


def _calls(visit: Visit) -> int:
    return sum(item.json.get("type") in CALLS for item in given_items(visit))


def _says(visit: Visit) -> bool:
    if any(event.type == "response.output_text.delta" for event in visit.exchange.events):
        return True
    texts = (part for item in given_items(visit) for part in items_of(item.json.get("content")))
    return any(text_of(at(part, "text")) for part in texts)


def _deltas(visit: Visit) -> bool:
    return sum(event.type.endswith(".delta") for event in visit.exchange.events) >= _MANY


def _cut(visit: Visit) -> bool:
    return bool(at(final_response(visit.exchange), "status") == "incomplete")


_HOPES: Mapping[Hope, tuple[Callable[[Visit], bool], str]] = MappingProxyType(
    {
        "text": (_says, "the model said nothing"),
        "call": (lambda visit: _calls(visit) > 0, "the model made no call"),
        "two calls": (lambda visit: _calls(visit) > 1, "the model did not make two calls at once"),
        "many deltas": (_deltas, f"the answer came in fewer than {_MANY} deltas"),
        "cut": (_cut, "the answer was not cut by the limit"),
        "reasoning": (lambda visit: _items(visit, "reasoning") > 0, "the server showed no reasoning"),
        "compaction": (lambda visit: _items(visit, "compaction") > 0, "no compaction came"),
    }
)
"""By hope: whether an answer fulfils it, and what is said when none does."""


def unheard(case: LiveCase, transcript: Transcript) -> list[str]:
    """What the model did not say of what the case had hoped for, drive by drive, in words."""
    driven = [drive for drive in transcript.drives if drive.problem is None]
    missing = [(drive.kind, list(_missing(case, transcript, drive))) for drive in driven]
    reasons = dict.fromkeys(reason for _, missed in missing for reason in missed)
    told_of = []
    for reason in reasons:
        kinds = [kind for kind, missed in missing if reason in missed]
        told_of.append(reason if len(kinds) == len(missing) else f"{reason} ({' and '.join(kinds)} only)")
    return told_of


def _missing(case: LiveCase, transcript: Transcript, drive: Drive) -> Iterator[str]:
    successes = [visit for visit in answered(transcript) if visit.drive is drive] or [
        visit for visit in visits(transcript) if visit.drive is drive and (visit.exchange.status or 500) < 300
    ]
    refused = next((one.status for one in drive.exchanges if one.status is None or one.status >= 300), None)
    for hope in case.hopes:
        fulfils, reason = _HOPES[hope]
        if not any(fulfils(visit) for visit in successes):
            yield reason if successes else f"the server did not answer (status {refused})"


def unobserved(transcript: Transcript) -> dict[str, str]:
    """The rule of an acceptance test of which nothing could be observed, with the reason; empty for other cases."""
    found = told(transcript)
    if found is None:
        return {}
    test, visit = found
    reason = silence(test, transcript.facts, visit.exchange)
    return {} if reason is None else {f"acceptance.{test}": reason}
