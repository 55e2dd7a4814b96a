"""The recordings that ship: what there is, and that it is what it says."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from fakes.recording import Recording, load_all

RECORDINGS = load_all()
AUTHORED = [recording for recording in RECORDINGS if recording.obtained == "authored"]
RECORDED = [recording for recording in RECORDINGS if recording.obtained == "recorded"]


def data(recording: Recording) -> list[str]:
    """The data of each event of a stream that has one data line an event."""
    lines = recording.body.decode().split("\n")
    return [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]


def test_what_there_is() -> None:
    """All dialects and servers are there, most of it recorded, and what real servers here cannot say is authored."""
    kinds = Counter((recording.dialect, recording.obtained) for recording in RECORDINGS)
    assert kinds["vllm", "recorded"] >= 50
    assert kinds["chat_completions", "recorded"] >= 90
    assert kinds["messages", "recorded"] >= 60
    assert kinds["chat_completions", "authored"] >= 30
    assert kinds["messages", "authored"] >= 40
    assert {recording.server for recording in RECORDED} == {"vllm", "llama.cpp", "transformers", "litellm"}


def test_every_ending_is_there() -> None:
    """Whole answers, servers that died, one that fell silent and clients that left are all among the recorded."""
    ends = Counter(recording.ended for recording in RECORDED)
    assert ends["truncated"] >= 2
    assert ends["stalled"] >= 1
    assert ends["client-left"] >= 6


def test_names_are_unique() -> None:
    """No two recordings have one name."""
    assert len({recording.name for recording in RECORDINGS}) == len(RECORDINGS)


def test_authored_say_so() -> None:
    """An authored recording names its public source and claims neither a set-up nor times."""
    for recording in AUTHORED:
        assert recording.source, recording.name
        assert (recording.setup, recording.recorder, recording.head_at) == (None, None, None), recording.name
        assert {chunk.t for chunk in recording.chunks} == {0.0}, recording.name


def test_recorded_say_how() -> None:
    """A recorded one says how the server was run, under which licence, and kept times of its own."""
    for recording in RECORDED:
        assert recording.setup is not None, recording.name
        assert recording.version in recording.setup, recording.name
        assert recording.server_licence in ("Apache-2.0", "MIT"), recording.name
        assert recording.head_at is not None, recording.name
        assert 0 < recording.head_at <= recording.chunks[0].t, recording.name


CHAT_STREAMS = [
    r for r in AUTHORED if r.dialect == "chat_completions" and r.streamed and r.server in ("openai", "deepseek")
]


@pytest.mark.parametrize("recording", CHAT_STREAMS, ids=lambda recording: recording.name)
def test_authored_chunks_fit_the_sdk(recording: Recording) -> None:
    """Each chunk that was written for OpenAI's service is a valid chunk of its SDK, in strict mode."""
    values = [json.loads(text) for text in data(recording) if text != "[DONE]"]
    chunks = [value for value in values if "error" not in value]
    assert chunks
    for value in chunks:
        reason = value["choices"][0]["finish_reason"] if value["choices"] else None
        if reason == "insufficient_system_resource":  # DeepSeek's own word
            continue
        ChatCompletionChunk.model_validate(value, strict=True)


MESSAGES_STREAMS = [r for r in AUTHORED if r.dialect == "messages" and r.streamed]
UNKNOWN = {"ping", "error", "model_note"}


@pytest.mark.parametrize("recording", MESSAGES_STREAMS, ids=lambda recording: recording.name)
def test_authored_events_fit_the_sdk(recording: Recording) -> None:
    """Each event that was written for Anthropic's service is a valid event of its SDK, named by its type."""
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    blocks = recording.body.decode().strip().split("\n\n")
    for block in blocks:
        name, _, text = block.partition("\n")
        value = json.loads(text.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        if value["type"] not in UNKNOWN and "hologram" not in text and "sparkle" not in text:
            adapter.validate_python(value, strict=True)


WHOLE = [r for r in AUTHORED if not r.streamed and r.status == 200]


@pytest.mark.parametrize("recording", WHOLE, ids=lambda recording: recording.name)
def test_authored_answers_fit_the_sdk(recording: Recording) -> None:
    """Each whole answer is a valid answer of its service's SDK."""
    model = Message if recording.dialect == "messages" else ChatCompletion
    model.model_validate_json(recording.body, strict=True)


def test_every_stop_reason_is_authored() -> None:
    """Every finish and stop reason of both services occurs."""
    bodies = b"".join(recording.body for recording in AUTHORED)
    for reason in ("stop", "length", "tool_calls", "content_filter", "function_call"):
        assert b'"finish_reason":"%s"' % reason.encode() in bodies, reason
    for reason in ("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"):
        assert b'"stop_reason":"%s"' % reason.encode() in bodies, reason
    assert b'"stop_reason":"model_context_window_exceeded"' in bodies


def test_streams_were_asked_for() -> None:
    """An event stream answers a request that asked for one; `transformers serve` streams its /v1/responses unasked."""
    streams = [recording for recording in RECORDINGS if recording.status == 200 and recording.streamed]
    assert len(streams) > 150
    unasked = [recording.name for recording in streams if recording.request.body.get("stream") is not True]
    assert [name for name in unasked if not name.startswith("responses/transformers")] == []
