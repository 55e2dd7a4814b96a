"""What a fake replays."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fakes.recording import RecordedEnd, Recording, default_root, digest, load_all, write
from fakes.reply import Fault


def test_frames_are_the_chunks(recording: Recording) -> None:
    """A reply has one frame a recorded chunk, byte for byte, and no frame gates."""
    reply = recording.reply()
    assert [frame.data for frame in reply.frames] == [recording.body[:16], recording.body[16:]]
    assert {frame.gate for frame in reply.frames} == {""}
    assert reply.body == recording.body
    assert (reply.status, reply.headers) == (200, recording.headers)


@pytest.mark.parametrize(
    ("ended", "fault"),
    [("complete", None), ("truncated", "cut"), ("reset", "reset"), ("stalled", "stall"), ("client-left", "stall")],
)
def test_faults(recording: Recording, ended: RecordedEnd, fault: Fault | None) -> None:
    """How a recording ended is how its replay ends; one that the recorder left falls silent."""
    assert dataclasses.replace(recording, ended=ended).reply().fault == fault


def test_empty_body(recording: Recording) -> None:
    """A response without a body has no frame."""
    assert dataclasses.replace(recording, body=b"", chunks=()).reply().frames == ()


@pytest.mark.parametrize(
    ("headers", "streamed"),
    [
        ((("content-type", "text/event-stream"),), True),
        ((("content-type", "Text/Event-Stream; charset=utf-8"),), True),
        ((("content-type", "application/json"),), False),
        ((), False),
    ],
)
def test_streamed(recording: Recording, headers: tuple[tuple[str, str], ...], streamed: bool) -> None:
    """A recording is streamed when its content type says so."""
    assert dataclasses.replace(recording, headers=headers).streamed is streamed


def test_digest_sees_every_byte(tmp_path: Path, recording: Recording) -> None:
    """The digest changes with each file of a recording and with its name, and with nothing else."""
    place = tmp_path / "vllm" / "example-1.0" / "one"
    write(place, recording)
    seen = {digest(tmp_path)}
    for file in sorted(place.iterdir()):
        before = file.read_bytes()
        file.write_bytes(before + b" ")
        seen.add(digest(tmp_path))
        file.write_bytes(before)
    assert len(seen) == 6
    (tmp_path / "README.md").write_text("not a recording", "utf-8")
    (place / "__pycache__").mkdir()
    assert digest(tmp_path) in seen
    place.rename(place.with_name("two"))
    assert digest(tmp_path) not in seen


def test_digest_of_the_shipped(recording: Recording) -> None:
    """Without a root the digest is that of the recordings that ship."""
    assert digest() == digest(default_root())
    assert len(digest()) == 64


def test_replays_of_the_shipped_are_whole() -> None:
    """Every recording that ships replays to exactly its bytes."""
    recordings = load_all()
    assert recordings
    for recording in recordings:
        assert recording.reply().body == recording.body, recording.name
        assert sum(chunk.n for chunk in recording.chunks) == len(recording.body), recording.name
