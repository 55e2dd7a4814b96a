"""Cases made of recordings: genuine upstream traffic replayed, whatever the client asks."""

from __future__ import annotations

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, asks
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.recording import Recording, load_all
from fakes.script import DIALECTS

__all__ = ["recorded_cases"]

COMPLETION_PATHS = ("/v1/chat/completions", "/v1/messages")
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
WHOLE: frozenset[DriveKind] = frozenset({"json"})
FAILED: frozenset[DriveKind] = frozenset({"stream"})
REPLAYABLE = ("complete", "truncated", "reset")


def recorded_cases() -> tuple[Case, ...]:
    """One case a recording of a completion that ended by itself; stalls are left to cases with a time-out."""
    return tuple(
        _case(recording)
        for recording in load_all()
        if recording.dialect in DIALECTS
        and recording.request.path in COMPLETION_PATHS
        and recording.request.method == "POST"
        and recording.ended in REPLAYABLE
    )


def _case(recording: Recording) -> Case:
    failed = recording.status >= 400
    return Case(
        id=f"recorded.{recording.name.replace('/', '.')}",
        summary=f"Traffic of {recording.server} {recording.version}, {recording.obtained}.",
        source=recording.source or f"{recording.server} {recording.version}, recorded {recording.date}",
        turns=(Turn(request=asks(tools=[WEATHER_TOOL, TIME_TOOL]), answers=(recording,)),),
        dialects=(recording.dialect,),  # type: ignore[arg-type]
        drives=FAILED if failed else STREAMED if recording.streamed else WHOLE,
        tags=frozenset({"recorded"}),
    )
