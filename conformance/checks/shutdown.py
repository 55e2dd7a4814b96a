"""Rules of what goes away: a target that is asked to end, and an upstream that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at
from conformance.rules import MUST, RECOMMENDED, Place, Seen, Violation, rule
from conformance.transcript import Transcript

__all__: list[str] = []


def _exits(transcript: Transcript) -> Iterator[tuple[Place, dict[str, Any]]]:
    """How the target ended when it was asked to, and where that was."""
    told = transcript.facts.get("exit")
    if told and transcript.drives:
        drive = transcript.drives[-1]
        yield Place(drive.kind, max(0, len(drive.exchanges) - 1)), told


@rule(
    "shutdown.stream-told",
    level=RECOMMENDED,
    source="Kubernetes, Pod termination; openai/codex repeats a turn whose stream broke off",
    why="At every deployment all running answers break off without a word, and clients report a network error.",
)
def stream_told(transcript: Transcript) -> Judged:
    """A stream that runs when the target is asked to end (SIGTERM) is ended by a terminal event and a whole body."""
    for place, told in _exits(transcript):
        if told["terminal"] is not None and told["stream"] == "complete":
            yield Seen(place)
        else:
            terminal = told["terminal"] or "no terminal event"
            yield Violation(place, "a terminal event, and the end of the body", f"{terminal}, body {told['stream']}")


@rule(
    "shutdown.exits",
    level=RECOMMENDED,
    source="docker stop (10 s before SIGKILL); Kubernetes, Pod termination",
    why="The supervisor kills it: what it had not written yet is lost.",
)
def exits(transcript: Transcript) -> Judged:
    """A target that is asked to end (SIGTERM) exits within 10 seconds, a running stream notwithstanding."""
    for place, told in _exits(transcript):
        if told["status"] is not None:
            yield Seen(place)
        else:
            yield Violation(place, "an exit within 10 s of SIGTERM", f"it still ran after {told['seconds']:.0f} s")


def _unreachable(transcript: Transcript) -> Iterator[Visit]:
    """The requests that were made while nothing listened where the upstream was."""
    if "unreachable" in (transcript.facts.get("tags") or ()):
        for visit in visits(transcript):
            if visit.asks_for_a_response:
                yield visit


@rule(
    "failure.unreachable-told",
    level=MUST,
    source="RFC 9110 15.6; openai.InternalServerError; BerriAI/litellm#32221",
    why="An upstream that is down looks like a fault of the client, or like an empty answer.",
)
def unreachable_told(transcript: Transcript) -> Judged:
    """An upstream that refuses the connection is told as 5xx, by `response.failed`, or by an `error` event."""
    for visit in _unreachable(transcript):
        exchange = visit.exchange
        if exchange.status == 200 and not exchange.is_stream and not isinstance(exchange.json, dict):
            continue  # no answer to anything: json.is-a-response tells of it
        failed = any(event.type in ("response.failed", "error") for event in exchange.events)
        if (
            (exchange.status is not None and exchange.status >= 500)
            or failed
            or at(exchange.json, "status") == "failed"
        ):
            yield visit.seen()
        else:
            shown = quote(exchange.body[:120].decode("utf-8", "replace"))
            yield visit.broken("a status of 5xx, or `response.failed`", f"status {exchange.status}: {shown}")


@rule(
    "failure.unreachable-502",
    level=RECOMMENDED,
    source="RFC 9110 15.6.3 to 15.6.5; openai.InternalServerError",
    why="Told as 500, the operator searches the proxy for a fault that lies behind it.",
)
def unreachable_502(transcript: Transcript) -> Judged:
    """An upstream that refuses the connection is told as 502, 503 or 504."""
    for visit in _unreachable(transcript):
        if visit.exchange.status in (502, 503, 504):
            yield visit.seen()
        else:
            yield visit.broken("502, 503 or 504", f"status {visit.exchange.status}")
