"""The format on disk: what is written is read back, and everything wrong is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from fakes.errors import RecordingError
from fakes.recording import Recording, find, load, load_all, write
from fakes.recording_format import REQUEST_HEADERS, RESPONSE_HEADERS, examine, schema


def test_round_trip(folder: Path, recording: Recording) -> None:
    """What is written is read back, field for field."""
    assert load(folder) == recording


@pytest.mark.parametrize(
    ("content_type", "file"),
    [
        ("text/event-stream", "body.sse"),
        ("application/json; charset=utf-8", "body.json"),
        ("text/html", "body.bin"),
    ],
)
def test_body_file(tmp_path: Path, recording: Recording, content_type: str, file: str) -> None:
    """The body's file is named by its media type and holds exactly its bytes."""
    odd = dataclasses.replace(recording, headers=(("content-type", content_type),), body=b"\x00\xff\r\n" + bytes(26))
    place = tmp_path / odd.name
    write(place, odd)
    assert [found.name for found in place.glob("body.*")] == [file]
    assert (place / file).read_bytes() == odd.body
    assert load(place) == odd


def test_rewriting_leaves_one_body(folder: Path, recording: Recording) -> None:
    """Writing over a recording of another type leaves no second body behind."""
    write(folder, dataclasses.replace(recording, headers=(("content-type", "application/json"),)))
    assert [file.name for file in folder.glob("body.*")] == ["body.json"]


def test_writing_checks(tmp_path: Path, recording: Recording) -> None:
    """A recording that breaks the format cannot be written without an error."""
    with pytest.raises(RecordingError, match="'authorization' is not on the allowlist"):
        write(tmp_path / "x", dataclasses.replace(recording, headers=(("authorization", "Bearer 123"),)))


def test_load_all_is_sorted(tmp_path: Path, recording: Recording) -> None:
    """Everything below a root is read, by name."""
    for name in ("b", "a"):
        write(tmp_path / "vllm" / "example-1.0" / name, recording)
    assert [found.name for found in load_all(tmp_path)] == ["vllm/example-1.0/a", "vllm/example-1.0/b"]
    assert len(find(tmp_path)) == 2


def edit(file: str, old: str, new: str) -> Callable[[Path], None]:
    """A defect: one text of a file replaced by another."""

    def apply(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new, 1), "utf-8")

    return apply


def remove(file: str) -> Callable[[Path], None]:
    """A defect: a file is gone."""
    return lambda folder: (folder / file).unlink()


def add(file: str, text: bytes) -> Callable[[Path], None]:
    """A defect: a file's bytes are others."""

    def apply(folder: Path) -> None:
        (folder / file).write_bytes(text)

    return apply


AUTHORED = ('obtained = "recorded"', 'obtained = "authored"')

ABOUT, REQUEST, RESPONSE, CHUNKS = "recording.toml", "request.json", "response.json", "chunks.jsonl"

DEFECTS = {
    # name: (defect, file, line, problem, fix)
    "unknown format": (edit(ABOUT, "format = 1", "format = 2"), ABOUT, 1, "format version 2", "reads format 1"),
    "no format": (edit(ABOUT, "format = 1", "# none"), ABOUT, None, "no 'format'", "format = 1"),
    "bad TOML": (edit(ABOUT, 'server = "example"', "server = example"), ABOUT, 3, "not TOML", "syntax"),
    "no TOML": (remove(ABOUT), ABOUT, None, "missing", "add it"),
    "key twice": (edit(ABOUT, "server =", "note ="), ABOUT, 12, "not TOML", "syntax"),
    "no version": (edit(ABOUT, 'version = "1.0"\n', ""), ABOUT, None, "no 'version'", "add 'version'"),
    "no ended": (edit(ABOUT, 'ended = "complete"\n', ""), ABOUT, None, "no 'ended'", "how the response ended"),
    "no redactions": (edit(ABOUT, "redactions", "#"), ABOUT, None, "no 'redactions'", "[] when nothing"),
    "no setup": (edit(ABOUT, "setup", "#"), ABOUT, None, "no 'setup'", "how the server was run"),
    "no recorder": (edit(ABOUT, "recorder", "#"), ABOUT, None, "no 'recorder'", "what recorded it"),
    "authored without source": (edit(ABOUT, *AUTHORED), ABOUT, None, "no 'source'", "documentation"),
    "unknown dialect": (edit(ABOUT, '"chat_completions"', '"chat"'), ABOUT, 2, "'chat'", "'messages'"),
    "unknown ending": (edit(ABOUT, '"complete"', '"fine"'), ABOUT, 11, "'fine'", "'truncated'"),
    "unknown key": (edit(ABOUT, "note =", "notes ="), ABOUT, 12, "'notes'", "remove"),
    "no date": (edit(ABOUT, "2026-11-22", '"yesterday"'), ABOUT, 6, "yesterday", "TOML date"),
    "bad JSON": (edit(REQUEST, '"method": "POST",', '"method": "POST"'), REQUEST, 3, "not JSON", "syntax"),
    "no request": (remove(REQUEST), REQUEST, None, "missing", "add it"),
    "no method": (edit(REQUEST, '"method": "POST",', ""), REQUEST, None, "no 'method'", "add 'method'"),
    "relative path": (edit(REQUEST, "/v1/chat", "v1/chat"), REQUEST, 3, "path", "correct"),
    "request header": (edit(REQUEST, "content-type", "x-api-key"), REQUEST, 4, "'x-api-key'", "anthropic-version"),
    "response header": (edit(RESPONSE, "retry-after", "set-cookie"), RESPONSE, 3, "'set-cookie'", "retry-after"),
    "capital header": (edit(RESPONSE, "retry-after", "Retry-After"), RESPONSE, 3, "'Retry-After'", "lower case"),
    "no status": (edit(RESPONSE, '"status": 200,', ""), RESPONSE, None, "no 'status'", "add 'status'"),
    "status as text": (edit(RESPONSE, "200", '"200"'), RESPONSE, 2, "status", "correct"),
    "not UTF-8": (add(RESPONSE, b"\xff{}"), RESPONSE, None, "not UTF-8", "UTF-8"),
    "a list": (add(RESPONSE, b"[]"), RESPONSE, None, "the file", "correct"),
    "no chunks": (remove(CHUNKS), CHUNKS, None, "missing", "add it"),
    "too many bytes": (edit(CHUNKS, '"n": 14', '"n": 15'), CHUNKS, None, "31 bytes, the body is 30", "sizes"),
    "empty chunk": (edit(CHUNKS, '"n": 14', '"n": 0'), CHUNKS, 2, "not a chunk", "at least 1"),
    "chunk without time": (edit(CHUNKS, '"t": 0.02, ', ""), CHUNKS, 2, "not a chunk", "seconds"),
    "chunk of text": (edit(CHUNKS, '{"t": 0.02', 'x{"t": 0.02'), CHUNKS, 2, "not a chunk", "seconds"),
    "chunk of a negative time": (edit(CHUNKS, "0.02", "-0.02"), CHUNKS, 2, "not a chunk", "seconds"),
    "chunks out of order": (edit(CHUNKS, "0.02", "0.001"), CHUNKS, 2, "earlier", "in order"),
    "no body": (remove("body.sse"), "", None, "found none", "body.sse"),
    "two bodies": (add("body.bin", b""), "", None, "body.bin, body.sse", "body.sse"),
    "mistyped body": (edit(RESPONSE, "text/event-stream", "application/json"), "body.sse", None, "body.json", "rename"),
}  # fmt: skip


@pytest.mark.parametrize(("defect", "file", "line", "problem", "fix"), DEFECTS.values(), ids=DEFECTS)
def test_defects(
    folder: Path, defect: Callable[[Path], None], file: str, line: int | None, problem: str, fix: str
) -> None:
    """Whatever breaks the format is refused with its file, its line, what is wrong and what to do."""
    defect(folder)
    with pytest.raises(RecordingError) as caught:
        load(folder)
    assert caught.value.file == (folder / file if file else folder)
    assert caught.value.line == line
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    assert str(caught.value).startswith(f"{caught.value.file}{f':{line}' if line else ''}: ")


def test_all_problems_at_once(folder: Path) -> None:
    """Looking a folder over names every problem, not only the first."""
    (folder / "request.json").unlink()
    (folder / "chunks.jsonl").write_text("x\n", "utf-8")
    edit("recording.toml", "format = 1", "format = 9")(folder)
    assert [problem.file.name for problem in examine(folder).problems] == [
        "recording.toml",
        "request.json",
        "chunks.jsonl",
    ]


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that does not exist is an error that names it."""
    with pytest.raises(RecordingError, match="there is no such folder"):
        load(tmp_path / "none")


def test_schema_is_a_schema() -> None:
    """What ships is a JSON Schema that its own definition accepts, and the allowlists stand in it."""
    jsonschema.Draft202012Validator.check_schema(schema())
    assert set(json.loads(json.dumps(schema()))["$defs"]) >= {
        "recording.toml",
        "request.json",
        "response.json",
        "chunks.jsonl",
    }
    assert not (REQUEST_HEADERS | RESPONSE_HEADERS) & {"authorization", "cookie", "set-cookie", "x-api-key", "date"}


def test_chunks_follow_the_schema(folder: Path) -> None:
    """A line that the reader takes is one that the schema takes."""
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/chunks.jsonl", "$defs": schema()["$defs"]})
    for line in (folder / "chunks.jsonl").read_text("utf-8").splitlines():
        validator.validate(json.loads(line))
