"""Recordings: one HTTP exchange with an upstream each, kept byte for byte, chunk for chunk.

    recordings/<dialect>/<server>-<version>[-<configuration>]/<name>/

`load_all()` gives those that ship with this distribution; `recording.reply()` is what a fake replays.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from fakes.recording_format import BODY_FILES, FORMAT, examine
from fakes.reply import Fault, Frame, Reply

__all__ = [
    "FORMAT",
    "Chunk",
    "RecordedEnd",
    "RecordedRequest",
    "Recording",
    "RecordingDialect",
    "default_root",
    "digest",
    "find",
    "load",
    "load_all",
    "write",
]

RecordingDialect = Literal["chat_completions", "messages", "vllm", "responses"]

RecordedEnd = Literal["complete", "truncated", "reset", "stalled", "client-left"]

_FAULTS: dict[RecordedEnd, Fault | None] = {
    "complete": None,
    "truncated": "cut",
    "reset": "reset",
    "stalled": "stall",
    # What the server would have sent next is unknown: nothing more, on an open connection, invents nothing.
    "client-left": "stall",
}

_FILES = frozenset(
    {"recording.toml", "request.json", "response.json", "chunks.jsonl", "body.bin", *BODY_FILES.values()}
)


@dataclass(frozen=True)
class RecordedRequest:
    """What was sent upstream. `body` is the JSON value, None when there was none or it was not kept."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: Any = field(hash=False)


@dataclass(frozen=True)
class Chunk:
    """One received chunk: seconds since the request was sent, and its bytes."""

    t: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One exchange with an upstream, and where it came from.

    `name` is `<dialect>/<server>-<version>[-<configuration>]/<name>`. `ended` is how the response ended:
    "complete" as HTTP says it must, "truncated" before that, "reset", "stalled" (silent until the recorder
    gave up), "client-left" (the recorder closed the connection on purpose: what comes after is unknown).
    `head_at` and `ended_at` are seconds since the request, None where they were not measured.
    """

    name: str
    dialect: RecordingDialect
    server: str
    version: str
    model: str
    date: datetime.date
    obtained: Literal["recorded", "authored"]
    licence: str
    ended: RecordedEnd
    request: RecordedRequest
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    chunks: tuple[Chunk, ...] = field(repr=False)
    configuration: str | None = None
    source: str | None = None
    setup: str | None = None
    recorder: str | None = None
    redactions: tuple[str, ...] = ()
    note: str | None = None
    server_licence: str | None = None
    head_at: float | None = None
    ended_at: float | None = None

    @property
    def media_type(self) -> str:
        """The media type of the body, in lower case and without parameters; "" when none was declared."""
        declared = next((value for key, value in self.headers if key == "content-type"), "")
        return declared.partition(";")[0].strip().lower()

    @property
    def streamed(self) -> bool:
        """Whether the upstream answered with an event stream."""
        return self.media_type == "text/event-stream"

    def reply(self) -> Reply:
        """What a fake sends to replay this: the recorded chunks as frames, and the end as a fault.

        An answer that the recorder left stalls after its last byte: nobody knows how it would have gone on.
        """
        return Reply(self.status, self.headers, tuple(self._frames()), _FAULTS[self.ended])

    def _frames(self) -> Iterator[Frame]:
        position = 0
        for chunk in self.chunks:
            yield Frame(self.body[position : position + chunk.n])
            position += chunk.n


def default_root() -> Path:
    """The folder of the recordings that ship with this distribution."""
    return Path(str(files("recordings")))


def find(root: Path) -> tuple[Path, ...]:
    """The folders of all recordings below a root, sorted."""
    return tuple(sorted(file.parent for file in root.rglob("recording.toml")))


def load(folder: Path) -> Recording:
    """Read one recording. Raises RecordingError at the first thing that breaks the format."""
    contents = examine(folder)
    if contents.problems:
        raise contents.problems[0].error()
    about, request, response = (
        contents.documents[name] for name in ("recording.toml", "request.json", "response.json")
    )
    provenance = {key: value for key, value in about.items() if key not in ("format", "date", "redactions")}
    return Recording(
        **provenance,
        name="/".join(folder.resolve().parts[-3:]),
        date=datetime.date.fromisoformat(about["date"]),
        redactions=tuple(about["redactions"]),
        request=RecordedRequest(request["method"], request["path"], _pairs(request["headers"]), request["body"]),
        status=response["status"],
        headers=_pairs(response["headers"]),
        head_at=response.get("head_at"),
        ended_at=response.get("ended_at"),
        body=contents.body,
        chunks=tuple(Chunk(t, n) for t, n in contents.chunks),
    )


def _pairs(headers: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in headers)


def load_all(root: Path | None = None) -> tuple[Recording, ...]:
    """Read all recordings below a root (default: those that ship), by name. Raises RecordingError."""
    return tuple(load(folder) for folder in find(root or default_root()))


def write(folder: Path, recording: Recording) -> None:
    """Write a recording's files into a folder, which is made if need be.

    Raises RecordingError when what was written breaks the format; the files stay there to be looked at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("body.*"):
        stale.unlink()
    response: dict[str, Any] = {"status": recording.status, "headers": recording.headers}
    times = {"head_at": recording.head_at, "ended_at": recording.ended_at}
    response |= {key: round(value, 6) for key, value in times.items() if value is not None}
    request = recording.request
    sent = {"method": request.method, "path": request.path, "headers": request.headers, "body": request.body}
    chunks = "".join(f'{{"t": {round(chunk.t, 6)}, "n": {chunk.n}}}\n' for chunk in recording.chunks)
    (folder / "recording.toml").write_text(_toml(recording), "utf-8")
    (folder / "request.json").write_text(json.dumps(sent, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "response.json").write_text(json.dumps(response, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / BODY_FILES.get(recording.media_type, "body.bin")).write_bytes(recording.body)
    (folder / "chunks.jsonl").write_text(chunks, "utf-8", newline="\n")
    problems = examine(folder).problems
    if problems:
        raise problems[0].error()


_TOML_ORDER = (
    *(
        "dialect",
        "server",
        "version",
        "configuration",
        "model",
        "date",
        "obtained",
        "source",
        "setup",
        "recorder",
    ),
    *("redactions", "ended", "note", "licence", "server_licence"),
)


def _toml(recording: Recording) -> str:
    lines = [f"format = {FORMAT}"]
    for key in _TOML_ORDER:
        value = getattr(recording, key)
        if isinstance(value, datetime.date):
            lines.append(f"{key} = {value.isoformat()}")
        elif isinstance(value, tuple):
            lines.append(f"{key} = [{', '.join(map(_quoted, value))}]")
        elif value is not None:
            lines.append(f"{key} = {_quoted(value)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def digest(root: Path | None = None) -> str:
    """The SHA-256, in hexadecimal, of all files of all recordings below a root (default: those that ship).

    It changes with any name or byte, and with nothing else (caches, read-me files).
    """
    root = root or default_root()
    total = hashlib.sha256()
    for folder in find(root):
        for file in sorted(folder.iterdir()):
            if file.name in _FILES:
                data = file.read_bytes()
                total.update(f"{file.relative_to(root).as_posix()}\0{len(data)}\0".encode())
                total.update(data)
    return total.hexdigest()
