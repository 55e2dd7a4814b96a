"""Rules of silences: what a client hears while the upstream says nothing."""

from __future__ import annotations

import itertools

from conformance.crossings import Judged, visits
from conformance.rules import RECOMMENDED, rule
from conformance.transcript import Exchange, Transcript

__all__: list[str] = []

_LONG = 1.0  # seconds: shorter pauses of the upstream are no silence


def _silence(exchange: Exchange) -> tuple[float, float] | None:
    """The longest time in which the upstream wrote nothing, between two writes of one answer."""
    times = [sent.t for call in exchange.answered_calls[-1:] for sent in call.sent]
    gaps = [(before, after) for before, after in itertools.pairwise(times) if after - before >= _LONG]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


@rule(
    "delivery.kept-alive",
    level=RECOMMENDED,
    source="openclaw/openclaw#70739; anyrobert/cursor-api-proxy#47; maximhq/bifrost#5010; icebear0828/codex-proxy#597",
    why="Load balancers, tunnels and Codex itself end a stream on which nothing comes for a minute or five.",
    features=("keep-alive",),
    evidence="both",
)
def kept_alive(transcript: Transcript) -> Judged:
    """Something reaches the client while the upstream is silent for longer than the keep-alive interval."""
    if "silence" not in (transcript.facts.get("tags") or ()):
        return
    for visit in visits(transcript, "stream"):
        silence = _silence(visit.exchange)
        if silence is None or not visit.exchange.is_stream:
            continue
        heard = [chunk for chunk in visit.exchange.received if silence[0] + _LONG / 2 <= chunk.t <= silence[1]]
        if heard:
            yield visit.seen()
        else:
            began, ended = silence
            yield visit.broken("a sign of life in the silence", f"nothing between {began:.1f} s and {ended:.1f} s")
