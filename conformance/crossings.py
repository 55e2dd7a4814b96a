"""Crossings: each request of a client, beside the request that a target then sent upstream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import is_

from conformance.asked import Asked, read_asked
from conformance.rules import Place, Seen, Violation
from conformance.transcript import Drive, DriveKind, Exchange, Transcript
from conformance.upstream_reading import UpstreamRequest, read_upstream
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = [
    "Crossing",
    "Judged",
    "Visit",
    "asked_in",
    "crossings",
    "quote",
    "upstream_requests",
    "visits",
]

Judged = Iterator[Seen | Violation]

# What differs between these drives is how the upstream's answer arrives, never what was asked.
_SAME_REQUESTS: frozenset[DriveKind] = frozenset({"hostile", "gated", "bytes"})


@dataclass(frozen=True)
class Visit:
    """One exchange of a drive, and where it is. `earlier` are the exchanges before it in the drive."""

    drive: Drive
    exchange: Exchange
    number: int

    @property
    def earlier(self) -> list[Exchange]:
        """The exchanges before this one."""
        return self.drive.exchanges[: self.number]

    def place(self, event: int | None = None, call: int | None = None) -> Place:
        """Where this is in the transcript, or an event or upstream call of it."""
        return Place(self.drive.kind, self.number, event, call)

    def seen(self, event: int | None = None, call: int | None = None) -> Seen:
        """That this was looked at and found right."""
        return Seen(self.place(event, call))

    def broken(self, expected: str, actual: str, *, event: int | None = None, call: int | None = None) -> Violation:
        """That a requirement is broken here."""
        return Violation(self.place(event, call), expected, actual)

    @property
    def asks_for_a_response(self) -> bool:
        """Whether the client posted a JSON object to the route that creates responses."""
        request = self.exchange.request
        return (
            request.method.upper() == "POST"
            and request.path.partition("?")[0].rstrip("/").endswith("/responses")
            and isinstance(request.body, dict)
        )


@dataclass(frozen=True)
class Crossing:
    """A client's request (`asked`) and the target's (`sent`), with the call that carried it."""

    visit: Visit
    asked: Asked
    sent: UpstreamRequest
    call: UpstreamCall
    call_number: int

    @property
    def dialect(self) -> Dialect:
        """The upstream's dialect."""
        return self.sent.dialect

    @property
    def place(self) -> Place:
        """Where the upstream call is in the transcript."""
        return self.visit.place(call=self.call_number)

    @property
    def seen(self) -> Seen:
        """That this crossing was looked at and found right."""
        return Seen(self.place)

    def broken(self, expected: str, actual: str) -> Violation:
        """That a requirement is broken in this crossing."""
        return Violation(self.place, expected, actual)

    def fetched(self, sent: Iterable[str], *given: str) -> bool:
        """Whether an image or file upstream is none that the client sent: what is at an address may be fetched.

        `sent` are their addresses or data upstream, `given` further ones of the client, beside those of its pieces.
        """
        client = {*given, *(address for piece in self.asked.pieces for address in (piece.text, *piece.media))}
        return any(address and address not in client for address in sent)


def visits(transcript: Transcript, *kinds: DriveKind) -> Iterator[Visit]:
    """Every exchange of the drives that could be driven; of the given kinds, if any are given."""
    for drive in transcript.drives:
        if drive.problem is None and (not kinds or drive.kind in kinds):
            for number, exchange in enumerate(drive.exchanges):
                yield Visit(drive, exchange, number)


def crossings(transcript: Transcript) -> Iterator[Crossing]:
    """Each request that led to an upstream call with a JSON object, once a request: never its retries.

    Drives that only differ in how the upstream's answer was delivered are left out when the plain one is there.
    """
    if transcript.dialect is None:
        return
    made_of = list(_parts(transcript))
    known = vars(transcript).get("_crossings")
    if known is None or len(known[0]) != len(made_of) or not all(map(is_, known[0], made_of)):
        known = vars(transcript)["_crossings"] = (made_of, tuple(_crossings(transcript, transcript.dialect)))
    yield from known[1]


def _parts(transcript: Transcript) -> Iterator[object]:
    """All that the crossings of a transcript are read from: they are read again when one of these is another."""
    for drive in transcript.drives:
        yield drive
        for exchange in drive.exchanges:
            yield exchange
            yield exchange.request
            for call in exchange.upstream:
                yield call
                yield call.json


def _crossings(transcript: Transcript, dialect: Dialect) -> Iterator[Crossing]:
    plain = any(drive.kind == "stream" and drive.problem is None for drive in transcript.drives)
    for visit in visits(transcript):
        if not (plain and visit.drive.kind in _SAME_REQUESTS):
            yield from _crossing(visit, dialect)


def _crossing(visit: Visit, dialect: Dialect) -> Iterator[Crossing]:
    asked = asked_in(visit)
    number, call = next(
        ((n, call) for n, call in enumerate(visit.exchange.upstream) if call.kind == "completion"),
        (0, None),
    )
    if asked is None or call is None or "compaction_trigger" in asked.types:
        return
    sent = _cached_upstream(call, dialect)
    if sent is not None:
        yield Crossing(visit, asked, sent, call, number)


def upstream_requests(visit: Visit, transcript: Transcript) -> Iterator[UpstreamRequest]:
    """All that a target asked its upstream in an exchange, retries too."""
    for call in visit.exchange.answered_calls:
        sent = None if transcript.dialect is None else _cached_upstream(call, transcript.dialect)
        if sent is not None:
            yield sent


def asked_in(visit: Visit) -> Asked | None:
    """What the client asked in an exchange; None where it asked for no response.

    A request is read once; one that leans on its neighbours is read each time, for they may differ.
    """
    exchange = visit.exchange
    known = vars(exchange).get("_asked")
    if known is not None and known[0] is exchange.request:
        found: Asked | None = known[1]
        return found
    asked = read_asked(exchange, visit.earlier)
    leans = asked is not None and (asked.body.get("previous_response_id") or "item_reference" in asked.types)
    if not leans:
        vars(exchange)["_asked"] = (exchange.request, asked)
    return asked


def _cached_upstream(call: UpstreamCall, dialect: Dialect) -> UpstreamRequest | None:
    known = vars(call).get("_reading")
    if known is None or known[0] is not call.json or known[1] != dialect:
        known = (call.json, dialect, read_upstream(call.json, dialect))
        vars(call)["_reading"] = known
    found: UpstreamRequest | None = known[2]
    return found


def quote(value: object, most: int = 120) -> str:
    """A value for a message: strings in quotes, shortened in the middle when long."""
    text = repr(value) if isinstance(value, str) else str(value)
    if len(text) <= most:
        return text
    half = (most - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"
