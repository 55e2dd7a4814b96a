"""Saved answers as transcripts: streams and JSON bodies with or without their headers, recordings, transcripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.transcript import ClientRequest, Drive, Exchange, Received, StreamEnd, Transcript
from fakes.recording import RecordedEnd, Recording

__all__ = ["Capture", "read_captures"]

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Capture:
    """A saved answer. `headers_known` is False where only its body was saved."""

    transcript: Transcript
    headers_known: bool


def read_captures(paths: Sequence[Path]) -> list[Capture]:
    """The answers saved in files and folders of recordings. Raises UsageError for what cannot be read as one."""
    return _unique([capture for path in paths for capture in _read(path)])


def _read(path: Path) -> Iterator[Capture]:
    if not path.is_dir():
        yield _read_file(path)
        return
    from fakes.recording import find, load

    recordings = [load(folder) for folder in find(path)]
    answers = [recording for recording in recordings if recording.dialect == "responses"]
    if not answers:
        raise UsageError(f"{path}: no recording of a Responses API below this folder")
    yield from map(_recorded, answers)


def _read_file(file: Path) -> Capture:
    from conformance.transcript_file import FORMAT, load_transcript

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    if not data.strip():
        raise UsageError(f"{file}: the file is empty")
    value = _json(data)
    if isinstance(value, dict) and value.get("format") == FORMAT:
        return Capture(load_transcript(file), headers_known=True)
    status, headers, body = _split_head(data)
    if value is None and _json(body) is None and not _looks_like_events(body):
        raise UsageError(f"{file}: neither an event stream nor JSON; save the answer with `curl -isN`")
    _check_kind(file, value if value is not None else _json(body))
    kind = "text/event-stream" if _looks_like_events(body) else "application/json"
    return Capture(_transcript(file.stem, status, headers, body, kind), headers_known=bool(headers))


_OTHER_FILES: tuple[tuple[str, str], ...] = (
    ("verdicts", "it is a result of `run --json`: `compare` and `matrix` read those"),
    ("turns", "it is a case: `run --case-file` drives those"),
    ("drives", "it is a transcript of another version: make it again with this one"),
)
"""A key that tells what else a JSON file of this suite is, and who reads it."""

_OF_AN_ANSWER = frozenset(
    {"object", "output", "error", "status", "id", "model", "detail", "message", "choices", "data"}
)


def _check_kind(file: Path, value: Any) -> None:
    """Raises UsageError for JSON that no server can have meant as an answer."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise UsageError(f"{file}: JSON, but no object: no answer of a Responses API")
    for key, what in _OTHER_FILES:
        if key in value:
            raise UsageError(f"{file}: no answer of a Responses API; {what}")
    if not _OF_AN_ANSWER & value.keys():
        keys = ", ".join(list(value)[:5]) or "none"
        raise UsageError(f"{file}: no answer of a Responses API (its keys: {keys}); save the answer with `curl -isN`")


_STATUS_LINE = re.compile(rb"HTTP/[\d.]+ (\d{3})[^\n]*\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def _split_head(data: bytes) -> tuple[int, Headers, bytes]:
    """What `curl -i` puts before the body; the last head counts (100 Continue, redirects). Without one, 200."""
    status = 200
    headers: Headers = ()
    while (line := _STATUS_LINE.match(data)) and (end := _HEAD_END.search(data)):
        status = int(line.group(1))
        fields = (field.partition(b":") for field in data[line.end() : end.start()].splitlines())
        headers = tuple((name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in fields)
        data = data[end.end() :]
    return status, headers, data


def _transcript(name: str, status: int, headers: Headers, body: bytes, kind: str) -> Transcript:
    """One answer whose request nobody kept; it is taken to be complete."""
    streamed = kind == "text/event-stream"
    exchange = Exchange(
        request=ClientRequest("POST", "/v1/responses", (), {"stream": streamed}),
        status=status,
        headers=headers or (("content-type", kind),),
        received=(Received(0.0, body),),
    )
    drive = Drive("stream" if streamed else "json", [exchange])
    return Transcript(case=name, dialect=None, drives=[drive], summary="a saved answer")


_ENDS: dict[RecordedEnd, StreamEnd] = {
    "complete": "complete",
    "truncated": "truncated",
    "reset": "reset",
    "stalled": "deadline",
    "client-left": "client-left",
}


def _recorded(recording: Recording) -> Capture:
    """A recorded answer. Only some of its headers were kept."""
    sent = recording.request
    received = []
    position = 0
    for chunk in recording.chunks:
        received.append(Received(chunk.t, recording.body[position : position + chunk.n]))
        position += chunk.n
    exchange = Exchange(
        request=ClientRequest(sent.method, sent.path, sent.headers, sent.body),
        status=recording.status,
        headers=recording.headers,
        received=tuple(received),
        ended=_ENDS[recording.ended],
        ended_at=recording.ended_at or 0.0,
    )
    drive = Drive("stream" if exchange.wants_stream else "json", [exchange])
    summary = f"an answer of {recording.server} {recording.version}"
    name = recording.name.replace("/", ".")
    return Capture(Transcript(case=name, dialect=None, drives=[drive], summary=summary), headers_known=False)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _looks_like_events(data: bytes) -> bool:
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    return any(line.startswith((b"data:", b"event:", b":")) for line in lines[:50])


def _unique(captures: list[Capture]) -> list[Capture]:
    """Two files of one name are two cases."""
    seen: dict[str, int] = {}
    for capture in captures:
        transcript = capture.transcript
        count = seen[transcript.case] = seen.get(transcript.case, 0) + 1
        if count > 1:
            transcript.case = f"{transcript.case}-{count}"
    return captures
