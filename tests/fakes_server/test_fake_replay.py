"""Recordings as answers: replayed byte for byte, and refused where they do not fit the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from fakes import FakeUpstream, Recording, new_token
from fakes.recording import default_root, find, load

Wanted = Callable[[Recording], bool]


def recorded(dialect: str, wanted: Wanted) -> Recording:
    """The first shipped recording of a dialect that is wanted."""
    return next(found for folder in find(default_root() / dialect) if wanted(found := load(folder)))


def ask(upstream: FakeUpstream, recording: Recording, stream: bool) -> tuple[requests.Response, Any]:
    token = new_token()
    expectation = upstream.expect(token, [recording])
    url = f"{upstream.url}/v1/chat/completions"
    response = requests.post(url, json={"model": token, "stream": stream}, timeout=20)
    assert expectation.wait_idle(5)
    return response, expectation.calls[0]


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_a_recording_is_replayed_chunk_for_chunk(upstream: FakeUpstream, dialect: str, stream: bool) -> None:
    """Status, media type, bytes and chunks are those of the recording."""
    recording = recorded(dialect, lambda r: r.streamed == stream and r.ended == "complete" and r.status == 200)
    response, call = ask(upstream, recording, stream)
    assert (response.status_code, response.content) == (recording.status, recording.body)
    assert dict(recording.headers)["content-type"] == response.headers["content-type"]
    assert [len(sent.data) for sent in call.sent] == [chunk.n for chunk in recording.chunks]
    assert call.ended == "complete"


@pytest.mark.parametrize("stream", [True, False], ids=["stream-wanted", "json-wanted"])
def test_a_recording_of_the_other_form_is_our_error(upstream: FakeUpstream, stream: bool) -> None:
    """A stream cannot answer a request for one body, nor the reverse: 500, and the log names the recording."""
    recording = recorded("vllm", lambda r: r.streamed != stream and r.status == 200)
    response, call = ask(upstream, recording, stream)
    assert (response.status_code, call.ended) == (500, "broken")
    assert recording.name in (call.problem or "")
    assert f"was recorded {'without' if stream else 'with'} streaming" in (call.problem or "")


def test_a_recorded_refusal_fits_both_forms(upstream: FakeUpstream) -> None:
    """A refusal is one JSON body whether a stream was asked for or not."""
    recording = recorded("vllm", lambda r: r.status == 400 and r.ended == "complete")
    for stream in (True, False):
        assert ask(upstream, recording, stream)[0].content == recording.body


def test_a_recording_of_another_service_is_our_error(upstream: FakeUpstream) -> None:
    """A recording of Messages cannot be replayed by a fake of chat completions."""
    recording = recorded("messages", lambda r: r.streamed and r.status == 200)
    response, call = ask(upstream, recording, stream=True)
    assert response.status_code == 500
    assert "speaks messages, and this fake chat_completions" in (call.problem or "")
