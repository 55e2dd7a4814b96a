"""Rules of access: a target that asks its clients for a key lets nobody in with another one."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.rules import INTEGRITY, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_KEYED = ("client-key",)


def _with_wrong_key(transcript: Transcript) -> Iterator[Visit]:
    """The requests without a key, or with that of the last one, in cases where that is a wrong one."""
    if "wrong-key" in (transcript.facts.get("tags") or ()):
        for visit in visits(transcript):
            if visit.exchange.request.authorization in (None, visit.drive.exchanges[-1].request.authorization):
                yield visit


@rule(
    "access.wrong-key-refused",
    level=INTEGRITY,
    source="CWE-306; RFC 9110 15.5.2; openai.AuthenticationError",
    why="Whoever finds the port uses the operator's key, and reads what others have stored.",
    features=_KEYED,
    evidence="both",
)
def wrong_key_refused(transcript: Transcript) -> Judged:
    """A request with a wrong key, or none, is refused, and nothing of it reaches the upstream."""
    for visit in _with_wrong_key(transcript):
        status, calls = visit.exchange.status, visit.exchange.answered_calls
        if status in (401, 403, 404) and not calls:
            yield visit.seen()
        else:
            shown = quote(visit.exchange.body[:120].decode("utf-8", "replace"))
            yield visit.broken("401 or 403, and no call", f"status {status}, {len(calls)} calls upstream: {shown}")


@rule(
    "access.wrong-key-401",
    level=RECOMMENDED,
    source="openai.AuthenticationError; openai-openapi ErrorResponse (invalid_api_key)",
    why="SDKs raise AuthenticationError at 401 only: at another status the user does not look at the key.",
    features=_KEYED,
)
def wrong_key_401(transcript: Transcript) -> Judged:
    """A request for a response with a wrong key is refused with 401."""
    for visit in _with_wrong_key(transcript):
        if not visit.asks_for_a_response or visit.exchange.status is None or visit.exchange.status < 400:
            continue
        if visit.exchange.status == 401:
            yield visit.seen()
        else:
            yield visit.broken("status 401", f"status {visit.exchange.status}")
