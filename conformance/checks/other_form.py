"""Rules of an upstream that answers in another form than it was asked for."""

from __future__ import annotations

from conformance.crossings import Judged, quote, visits
from conformance.rules import RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []


@rule(
    "answer.other-form-understood",
    level=RECOMMENDED,
    source="diegosouzapw/OmniRoute#3089; router-for-me/CLIProxyAPI#4594; headroomlabs-ai/headroom#2622",
    why="Servers and gateways that ignore `stream` exist: behind such a target each of their answers is an error.",
    evidence="both",
)
def other_form_understood(transcript: Transcript) -> Judged:
    """JSON that comes for a stream, and a stream that comes for JSON, are read and answered as what they say."""
    for visit in visits(transcript):
        said, calls = visit.exchange.said, visit.exchange.answered_calls
        if said is None or not calls or not said.items or not isinstance(calls[-1].json, dict):
            continue
        asked = calls[-1].json.get("stream") is True
        if said.streamed is asked or "completed" not in said.ends:
            continue
        status = visit.exchange.status
        failed = b'"response.failed"' in visit.exchange.body
        if status is not None and status < 300 and not failed:
            yield visit.seen()
        else:
            came = "a stream" if said.streamed else "one JSON body"
            yield visit.broken(
                f"an answer, though the upstream gave {came}",
                f"status {status}: {quote(visit.exchange.body[:160].decode('utf-8', 'replace'))}",
            )
