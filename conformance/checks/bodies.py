"""Rules of request bodies: what is too long, too tightly packed, or packed in a way that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.rules import RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_KNOWN = frozenset({"", "identity", "gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"})


def _tagged(transcript: Transcript, *tags: str) -> Iterator[Visit]:
    """The last request of each drive, in cases with one of the tags."""
    if set(tags) & set(transcript.facts.get("tags") or ()):
        for visit in visits(transcript):
            if visit.number == len(visit.drive.exchanges) - 1:
                yield visit


def _told(visit: Visit) -> str:
    exchange = visit.exchange
    shown = quote(exchange.body[:120].decode("utf-8", "replace"))
    return f"status {exchange.status}: {shown}" if exchange.status is not None else f"no answer ({exchange.problem})"


def _closed(visit: Visit) -> bool:
    """Whether the target ended the connection instead of reading on, which HTTP allows for what is too large."""
    return visit.exchange.status is None and visit.exchange.ended == "no-answer"


@rule(
    "body.bomb-refused",
    level=SHOULD,
    source="CWE-409; RFC 9110 15.5.14; zyycn/codex-proxy-rs#66",
    why="A few kilobytes from anybody fill the server's memory, and everybody's requests die with it.",
)
def bomb_refused(transcript: Transcript) -> Judged:
    """A packed body that unpacks to hundreds of megabytes is refused with a status of 4xx."""
    for visit in _tagged(transcript, "bomb"):
        status = visit.exchange.status
        if (status is not None and 400 <= status < 500) or _closed(visit):
            yield visit.seen()
        else:
            yield visit.broken("a status of 4xx: 413, or 415", _told(visit))


@rule(
    "body.too-large-413",
    level=RECOMMENDED,
    source="RFC 9110 15.5.14; openai.APIStatusError",
    why="Codex compacts, and a person cuts, when they are told that a request is too large; not at another status.",
    features=("body-limit",),
)
def too_large_413(transcript: Transcript) -> Judged:
    """A body above the target's limit is refused with 413, or the connection is closed."""
    for visit in _tagged(transcript, "over-long", "bomb"):
        coding = visit.exchange.status == 415 and "bomb" in transcript.facts["tags"]
        if visit.exchange.status == 413 or coding or _closed(visit):
            yield visit.seen()
        else:
            yield visit.broken("status 413", _told(visit))


@rule(
    "body.unknown-coding-415",
    level=RECOMMENDED,
    source="RFC 9110 8.4 and 15.5.16; openai/codex packs with zstd for its own provider",
    why="A client that is told 415 sends the body again as it is; at another status it gives up.",
)
def unknown_coding_415(transcript: Transcript) -> Judged:
    """A body in a content coding that does not exist is refused with 415."""
    for visit in visits(transcript):
        coding = next((v for k, v in visit.exchange.request.headers if k.lower() == "content-encoding"), "")
        if coding.lower() in _KNOWN:
            continue
        if visit.exchange.status == 415:
            yield visit.seen()
        else:
            yield visit.broken(f"status 415 for content-encoding {coding!r}", _told(visit))
