"""A small recording to break in every way."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from fakes.recording import Chunk, RecordedRequest, Recording, write

BODY = b'data: {"a": 1}\n\ndata: [DONE]\n\n'


@pytest.fixture
def recording() -> Recording:
    """A recording of two chunks."""
    return Recording(
        name="chat_completions/example-1.0/one",
        dialect="chat_completions",
        server="example",
        version="1.0",
        model="tiny",
        date=datetime.date(2026, 11, 22),
        obtained="recorded",
        licence="Apache-2.0",
        ended="complete",
        request=RecordedRequest(
            "POST", "/v1/chat/completions", (("content-type", "application/json"),), {"model": "tiny", "ü": ["\u2028"]}
        ),
        status=200,
        headers=(("content-type", "text/event-stream; charset=utf-8"), ("retry-after", "3")),
        body=BODY,
        chunks=(Chunk(0.01, 16), Chunk(0.02, 14)),
        setup="a server that exists for this test, on loopback",
        recorder="the test, 1",
        redactions=("nothing but headers",),
        note='a "quoted" note, with \\ and \t',
        server_licence="MIT",
        head_at=0.005,
        ended_at=0.03,
    )


@pytest.fixture
def folder(tmp_path: Path, recording: Recording) -> Path:
    """The folder that the recording was written to, below a root."""
    place = tmp_path / recording.name
    write(place, recording)
    return place
