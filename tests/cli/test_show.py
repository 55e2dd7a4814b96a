"""`show`: both sides of a saved transcript, in the order of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from conformance.transcript_file import load_transcript, save_transcript
from fakes.log import Objection, Sent, UpstreamCall


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A transcript of two drives on disk."""
    long = "x" * 3000
    call = UpstreamCall(
        method="POST",
        path="/v1/messages",
        query="",
        headers=(),
        body=b"{}",
        json={"model": "m"},
        received_at=0.002,
        status=200,
        sent=[Sent(0.004, b"data: one\n\n"), Sent(0.02, b"data: two\n\n")],
        ended="complete",
        ended_at=0.021,
        objections=(Objection("x", "messages", "must not be empty", "docs", 400, {}),),
    )
    events = [f'data: {{"type": "response.created", "text": "{long}"}}\n\n', 'data: {"type": "response.completed"}\n\n']
    exchange = Exchange(
        request=ClientRequest("POST", "/v1/responses", (), {"stream": True}),
        status=200,
        headers=(("content-type", "text/event-stream"),),
        received=(Received(0.01, events[0].encode()), Received(0.03, events[1].encode())),
        ended_at=0.031,
        upstream=(call,),
    )
    broken = Drive("json", [], problem="the connection was refused", blame="target")
    return save_transcript(Transcript("text.plain", "messages", [Drive("stream", [exchange]), broken]), tmp_path)


def test_both_sides_stand_in_the_order_of_time(command: Any, saved: Path) -> None:
    """Requests, writes, events and ends of both sides are interleaved by when they happened."""
    out = command("show", saved).out
    steps = [
        "POST /v1/responses",
        "POST /v1/messages",
        "messages: must not be empty (would be 400)",
        "write 1 of 2: data: one",
        "0 response.created",
        "write 2 of 2: data: two",
        "call 0 end: complete",
        "1 response.completed",
        "target    end: complete",
    ]
    places = [out.index(step) for step in steps]
    assert places == sorted(places)


def test_writes_of_one_moment_keep_their_order(command: Any, saved: Path) -> None:
    """Twelve writes at the same time are shown in the order in which they were made."""
    transcript = load_transcript(saved)
    call = transcript.drives[0].exchanges[0].upstream[0]
    call.sent = [Sent(0.004, f"data: {number}\n\n".encode()) for number in range(12)]
    out = command("show", save_transcript(transcript, saved.parent)).out
    places = [out.index(f"write {number} of 12") for number in range(1, 13)]
    assert places == sorted(places)


def test_a_drive_that_failed_says_why(command: Any, saved: Path) -> None:
    """What could not be driven is shown with the reason."""
    assert "could not be driven (target is to blame): the connection was refused" in command("show", saved).out


def test_one_drive(command: Any, saved: Path) -> None:
    """`--drive` shows one kind only."""
    out = command("show", saved, "--drive", "json").out
    assert "drive json" in out
    assert "drive stream" not in out


def test_full_shortens_nothing(command: Any, saved: Path) -> None:
    """Long data is shortened with its length told; `--full` shows all of it."""
    assert "x" * 3000 not in command("show", saved).out
    assert "(3,000 characters)" in command("show", saved).out
    assert "x" * 3000 in command("show", saved, "--full").out


def test_a_file_that_is_no_transcript_is_a_usage_error(command: Any, tmp_path: Path) -> None:
    """Another JSON file exits 4 and is named."""
    file = tmp_path / "other.json"
    file.write_text("{}")
    done = command("show", file)
    assert done.code == 4
    assert "other.json" in done.err
