"""Cases made of recordings: genuine upstream traffic replayed, whatever the client asks."""

from __future__ import annotations

import itertools
import re

from conformance.cases.build import TIME_TOOL, WEATHER_TOOL, asks
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.recording import Recording, load_all
from fakes.script import DIALECTS

__all__ = ["form", "recorded_cases"]

COMPLETION_PATHS = ("/v1/chat/completions", "/v1/messages")
STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
WHOLE: frozenset[DriveKind] = frozenset({"json"})
FAILED: frozenset[DriveKind] = frozenset({"stream"})
REPLAYABLE = ("complete", "truncated", "reset")
CUSTOM = frozenset({"custom-tools"})
CUSTOM_CALL = re.compile(rb'"type"\s*:\s*"custom"')  # whoever declares functions alone may take it for a fault


_TOLD = rb'"(?:type|object|role|finish_reason|stop_reason)"\s*:\s*"[^"]*"'
_VALUE = re.compile(
    rb"(?P<told>" + _TOLD + rb')|"(?P<text>(?:[^"\\]|\\.)*)"(?P<key>\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?'
)


def recorded_cases() -> tuple[Case, ...]:
    """One case a recording of a completion that ended by itself; stalls are left to cases with a time-out."""
    first: dict[tuple[object, ...], str] = {}
    return tuple(
        _case(recording, first)
        for recording in load_all()
        if recording.dialect in DIALECTS
        and recording.request.path in COMPLETION_PATHS
        and recording.request.method == "POST"
        and recording.ended in REPLAYABLE
    )


def form(body: bytes) -> bytes:
    """A body without what it says: texts and numbers replaced, what they are kept; of equal lines in a row the first.

    Kept are keys and their order, kinds of events and items, finish reasons, whether a text is empty and whether it
    is ASCII, and all that is not JSON.
    """
    lines = (line for line in _VALUE.sub(_kind, body).splitlines() if line)
    return b"\n".join(line for line, _ in itertools.groupby(lines))


def _kind(found: re.Match[bytes]) -> bytes:
    if found["told"] is not None or found["key"] is not None:
        return found[0]
    text = found["text"]
    if text is None:
        return b"0"
    return b'""' if not text else b'"plain"' if text.isascii() and b"\\u" not in text else b'"unicode"'


def _case(recording: Recording, first: dict[tuple[object, ...], str]) -> Case:
    failed = recording.status >= 400
    name = f"recorded.{recording.name.replace('/', '.')}"
    signature = (recording.dialect, recording.status, recording.streamed, recording.ended, form(recording.body))
    earlier = first.setdefault(signature, name)
    return Case(
        id=name,
        summary=f"Traffic of {recording.server} {recording.version}, {recording.obtained}.",
        source=recording.source or f"{recording.server} {recording.version}, recorded {recording.date}",
        turns=(Turn(request=asks(tools=[WEATHER_TOOL, TIME_TOOL]), answers=(recording,)),),
        dialects=(recording.dialect,),  # type: ignore[arg-type]
        drives=FAILED if failed else STREAMED if recording.streamed else WHOLE,
        features=CUSTOM if CUSTOM_CALL.search(recording.body) else frozenset(),
        tags=frozenset({"recorded"}),
        resembles=earlier if earlier != name else None,
    )
