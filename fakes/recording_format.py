"""The files of a recording's folder: reading them, and everything that can be wrong with them.

    recording.toml     what this is and where it came from
    request.json       method, path, kept headers, body
    response.json      status and kept headers
    body.*             the raw bytes: body.sse, body.json or body.bin
    chunks.jsonl       one line a received chunk

The shapes stand in `recording.schema.json`, which ships with the package.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from fakes.errors import RecordingError

__all__ = [
    "BODY_FILES",
    "FORMAT",
    "REQUEST_HEADERS",
    "RESPONSE_HEADERS",
    "Contents",
    "Problem",
    "examine",
    "schema",
]

FORMAT = 1

BODY_FILES: dict[str, str] = {"text/event-stream": "body.sse", "application/json": "body.json"}
"""The name of the body's file by media type; anything else is `body.bin`."""

_DOCUMENTS = ("recording.toml", "request.json", "response.json")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recording: where, what, and what to do. `line` counts from 1, None: no one."""

    file: Path
    problem: str
    fix: str
    line: int | None = None

    def error(self) -> RecordingError:
        """The problem as an exception."""
        return RecordingError(self.file, self.problem, self.fix, self.line)

    def __str__(self) -> str:
        return str(self.error())


@dataclass
class Contents:
    """What the files of one folder hold, as far as it could be read."""

    documents: dict[str, dict[str, Any]]
    body_file: Path | None
    body: bytes
    chunks: list[tuple[float, int]]
    problems: list[Problem]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the format, one definition a file."""
    loaded: dict[str, Any] = json.loads(files("fakes").joinpath("recording.schema.json").read_text("utf-8"))
    return loaded


@cache
def _validator(name: str) -> Any:
    whole = schema()
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]})


def _allowlist(definition: str) -> frozenset[str]:
    return frozenset(schema()["$defs"][definition]["prefixItems"][0]["enum"])


REQUEST_HEADERS: frozenset[str] = _allowlist("request_header")
RESPONSE_HEADERS: frozenset[str] = _allowlist("response_header")


def examine(folder: Path) -> Contents:
    """Read a folder and name everything that breaks the format; an unreadable part is left empty."""
    contents = Contents({}, None, b"", [], [])
    if not folder.is_dir():
        contents.problems.append(Problem(folder, "there is no such folder", "name the folder of one recording"))
        return contents
    for name in _DOCUMENTS:
        contents.problems.extend(_read_document(folder / name, contents))
    contents.problems.extend(_read_body(folder, contents))
    contents.problems.extend(_read_chunks(folder / "chunks.jsonl", contents))
    if not contents.problems:
        contents.problems.extend(_sums(folder, contents))
    return contents


def _read_document(file: Path, contents: Contents) -> Iterator[Problem]:
    text, problem = _text(file)
    if problem is not None:
        yield problem
        return
    try:
        value = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Problem(file, f"this is not TOML: {error}", "correct the syntax", _line_in(str(error)))
        return
    except json.JSONDecodeError as error:
        yield Problem(file, f"this is not JSON: {error.msg}", "correct the syntax", error.lineno)
        return
    value = _dates_as_text(value)
    problems = [_worded(file, text, error) for error in _errors(file.name, value)]
    if not problems:
        contents.documents[file.name] = value
    yield from problems


def _text(file: Path) -> tuple[str, Problem | None]:
    try:
        return file.read_text("utf-8"), None
    except FileNotFoundError:
        return "", Problem(file, "the file is missing", "add it, or delete the folder")
    except UnicodeDecodeError as error:
        return "", Problem(file, f"this is not UTF-8 (byte {error.start})", "save it as UTF-8")


def _line_in(message: str) -> int | None:
    found = re.search(r"at line (\d+)", message)
    return int(found.group(1)) if found else None


def _dates_as_text(value: Any) -> Any:
    """TOML has dates, JSON Schema does not."""
    if isinstance(value, dict):
        return {key: v.isoformat() if isinstance(v, datetime.date) else v for key, v in value.items()}
    return value


def _errors(name: str, value: Any) -> list[Any]:
    return sorted(_validator(name).iter_errors(value), key=lambda error: [str(step) for step in error.path])


def _worded(file: Path, text: str, error: Any) -> Problem:
    """A schema error in words that need no knowledge of JSON Schema."""
    path = list(error.absolute_path)
    key = next((str(step) for step in path if isinstance(step, str)), "")
    where = ".".join(str(step) for step in path) or "the file"
    line = _line_of(text, key)
    kind = error.validator
    if kind == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        fix = _FIXES.get(missing, f"add {missing!r}")
        return Problem(file, f"{where} has no {missing!r}", fix, line)
    if kind == "additionalProperties":
        known = set(error.schema["properties"])
        unknown = sorted(set(error.instance) - known)
        names = ", ".join(map(repr, unknown))
        return Problem(file, f"unknown key {names}", "remove it", _line_of(text, unknown[0]))
    if key == "format":
        fix = f"this version reads format {FORMAT}: install the version that wrote it, or convert it"
        return Problem(file, f"unknown format version {error.instance!r}", fix, line)
    if key == "headers" and path[-1:] == [0]:
        fix = f"remove it; kept are {', '.join(error.validator_value)} (in lower case)"
        return Problem(file, f"header {error.instance!r} is not on the allowlist", fix, line)
    if kind in ("enum", "const"):
        allowed = error.validator_value if kind == "enum" else [error.validator_value]
        return Problem(file, f"{where} is {error.instance!r}", f"write one of {', '.join(map(repr, allowed))}", line)
    description = error.schema.get("description", "")
    return Problem(file, f"{where}: {error.message}", f"correct it. {description}".strip(), line)


_FIXES = {
    "source": "an authored recording names the public documentation or SDK types that it was written from",
    "setup": "a recorded one says how the server was run: what, with which model, where",
    "recorder": "a recorded one says what recorded it",
    "format": f"add format = {FORMAT}",
    "redactions": "say what was taken out; [] when nothing was",
    "ended": "say how the response ended; the schema lists the words",
}


def _line_of(text: str, key: str) -> int | None:
    if not key:
        return None
    pattern = re.compile(rf'^\s*(?:"{re.escape(key)}"\s*:|{re.escape(key)}\s*=)')
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


def _read_body(folder: Path, contents: Contents) -> Iterator[Problem]:
    found = sorted(folder.glob("body.*"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        yield Problem(folder, f"one body file is wanted, found {names}", "keep body.sse, body.json or body.bin")
        return
    contents.body_file = found[0]
    contents.body = found[0].read_bytes()


def _read_chunks(file: Path, contents: Contents) -> Iterator[Problem]:
    text, problem = _text(file)
    if problem is not None:
        yield problem
        return
    latest = 0.0
    for number, line in enumerate(text.splitlines(), 1):
        chunk = _chunk(line)
        if chunk is None:
            fix = 'write {"t": seconds, "n": bytes}, n at least 1'
            yield Problem(file, f"this is not a chunk: {line[:60]!r}", fix, number)
            return
        if chunk[0] < latest:
            yield Problem(file, "this chunk is earlier than the one before it", "put the chunks in order", number)
            return
        latest = chunk[0]
        contents.chunks.append(chunk)


def _chunk(line: str) -> tuple[float, int] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict) or value.keys() != {"t", "n"}:
        return None
    t, n = value["t"], value["n"]
    if isinstance(t, bool) or not isinstance(t, (int, float)) or t < 0:
        return None
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        return None
    return float(t), n


def _sums(folder: Path, contents: Contents) -> Iterator[Problem]:
    """What only several files together can get wrong."""
    total = sum(n for _, n in contents.chunks)
    if total != len(contents.body):
        said = f"the chunks are {total} bytes, the body is {len(contents.body)}"
        yield Problem(folder / "chunks.jsonl", said, "record again, or correct the sizes")
    headers = dict(contents.documents["response.json"]["headers"])
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = BODY_FILES.get(media_type, "body.bin")
    if contents.body_file is not None and contents.body_file.name != wanted:
        said = f"a body of type {media_type!r} is kept in {wanted}, not in {contents.body_file.name}"
        yield Problem(contents.body_file, said, f"rename it to {wanted}")
