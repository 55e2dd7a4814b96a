"""Rules of clients side by side: what one of them waits for is no other one's business."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.rules import INTEGRITY, Place, Seen, Violation, rule
from conformance.transcript import Transcript

__all__: list[str] = []


@rule(
    "delivery.clients-independent",
    level=INTEGRITY,
    source="1rgs/claude-code-proxy#114",
    why="One slow answer, or one client that asks for a whole one, freezes the running streams of all other clients.",
    evidence="both",
)
def clients_independent(transcript: Transcript) -> Iterator[Seen | Violation]:
    """While the upstream keeps one client waiting, another client's request is sent on and answered to its end."""
    for drive in transcript.drives:
        outcome = transcript.facts.get("held", {}).get(drive.kind)
        if outcome == "met":
            yield Seen(Place(drive.kind, 1))
        elif outcome == "late":
            yield Violation(
                Place(drive.kind, 1),
                "a whole answer for the second client, while the upstream kept the first one waiting",
                "it had none by the time that the upstream gave up waiting for it, and answered the first client",
            )
