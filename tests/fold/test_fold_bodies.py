"""What the bytes are, whatever the headers say; and that no bytes break the fold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.fold import fold
from conformance.said import Said
from fakes.recording import Recording, load_all
from fakes.script import DIALECTS

STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"\xc3\xbc"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
ANSWER = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"\xc3\xbc"},"finish_reason":"stop"}]}'
BOM = b"\xef\xbb\xbf"


def folded(body: bytes, content_type: str | None = "text/event-stream", ended: str = "complete") -> Said:
    """The fold of a chat reply of status 200."""
    headers = (("Content-Type", content_type),) if content_type is not None else ()
    return fold("chat_completions", status=200, headers=headers, body=body, ended=ended)


@pytest.mark.parametrize(
    "body",
    [
        STREAM,
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.replace(b"\n", b"\r"),
        BOM + STREAM,
        b": comment\n\n" + STREAM,
        b"retry: 10\n\n" + STREAM,
        b"id: 7\n" + STREAM,
        b"\n\n" + STREAM,
        STREAM.replace(b"data: ", b"data:"),
        STREAM.replace(b',"delta"', b',\ndata: "delta"'),
        STREAM.replace(b"data: [DONE]", b"data: [DONE] "),
        STREAM.replace(b"data: [DONE]", b"data:  [DONE]"),
    ],
)
def test_forms_of_one_stream(body: bytes) -> None:
    """Line ends, comments, a BOM, other fields and split data lines change nothing."""
    assert folded(body) == folded(STREAM)
    assert (folded(body).joined("text"), folded(body).ends) == ("ü", {"completed"})


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_a_stream_with_a_wrong_type(content_type: str | None) -> None:
    """A stream that says it is something else may be read or refused."""
    said = folded(STREAM, content_type)
    assert (said.joined("text"), said.streamed, said.ends) == ("ü", True, {"completed", "failed", "http-error"})


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/problem+json"]
)
def test_an_answer(content_type: str) -> None:
    """A JSON body is a whole answer."""
    said = folded(ANSWER, content_type)
    assert (said.joined("text"), said.streamed, said.ends) == ("ü", False, {"completed"})


def test_an_answer_with_a_wrong_type() -> None:
    """JSON that says it is a stream may be read or refused."""
    said = folded(ANSWER, "text/event-stream")
    assert (said.joined("text"), said.streamed) == ("ü", False)
    assert said.ends == {"completed", "failed", "http-error"}


@pytest.mark.parametrize("ended", ["cut", "reset", "truncated"])
def test_an_answer_that_was_cut(ended: str) -> None:
    """Half a JSON body says nothing."""
    said = folded(ANSWER[:-20], "application/json", ended)
    assert (said.items, said.error, said.ends) == ((), None, {"failed", "http-error"})


def test_an_answer_that_never_ends() -> None:
    """Half a JSON body and then silence may also stay unfinished."""
    assert folded(ANSWER[:-20], "application/json", "stall").ends == {"failed", "http-error", "unfinished"}


def test_a_page() -> None:
    """What is neither is a failure, with its text as the message."""
    said = folded(b"<html>Bad Gateway</html>\n", "text/html")
    assert (said.error, said.ends, said.streamed) == ("<html>Bad Gateway</html>", {"failed", "http-error"}, False)


def test_the_last_event_without_its_blank_line() -> None:
    """WHATWG HTML 9.2.6 discards it: its content is not said; but how it ends the answer is legal."""
    first = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    last = b'data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\n'
    said = folded(first + last)
    assert (said.joined("text"), said.finish, said.ends) == ("a", None, {"failed", "completed"})


def test_bytes_that_are_no_utf8() -> None:
    """Broken UTF-8 is read as WHATWG decoders do, with U+FFFD."""
    assert folded(STREAM.replace(b"\xc3\xbc", b"\xc3")).joined("text") == "\ufffd"


RECORDINGS = {recording.name: recording for recording in load_all()}

SHORT = [
    "vllm/vllm-0.32.0-qwen3-hermes/stream_reasoning_text_parallel",
    "chat_completions/openai-sdk-3.54.0/stream_parallel",
    "chat_completions/llama.cpp-0.5.0-dev/stream_tool",
    "messages/anthropic-sdk-2.12.0/stream_interleaved_thinking",
    "messages/llama.cpp-0.5.0-dev/stream_reasoning_tool",
]


def prefix(recording: Recording, length: int) -> Said:
    """The fold of the first bytes of a recording, cut there."""
    dialect: Any = recording.dialect
    headers = recording.headers
    return fold(dialect, status=recording.status, headers=headers, body=recording.body[:length], ended="cut")


@pytest.mark.parametrize("name", SHORT)
def test_every_cut_is_a_prefix(name: str) -> None:
    """Cut anywhere, a stream has said a beginning of what it says whole, and never counts as completed too early."""
    recording = RECORDINGS[name]
    whole = prefix(recording, len(recording.body))
    assert whole.ends == {"completed"}
    finished = min(recording.body.find(mark) for mark in (b'_reason":"tool', b"[DONE]") if mark in recording.body)
    for length in range(0, len(recording.body), 101):
        said = prefix(recording, length)
        assert "failed" in said.ends or length >= finished
        assert "completed" not in said.ends or length >= finished
        for ours, theirs in zip(said.items, whole.items, strict=False):
            assert (ours.kind, ours.call_id) == (theirs.kind, theirs.call_id)
            assert theirs.text.startswith(ours.text)
            assert theirs.name.startswith(ours.name)
            assert ours.pieces <= theirs.pieces
        assert len(said.items) <= len(whole.items)
        assert all(item.complete for item in said.items[:-2])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    [
        "type",
        "choices",
        "delta",
        "index",
        "content",
        "tool_calls",
        "function",
        "arguments",
        "name",
        "id",
        "usage",
        "finish_reason",
        "error",
        "message",
        "detail",
        "content_block",
        "text",
        "input",
        "thinking",
        "citations",
        "citation",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "reasoning",
        "annotations",
    ]
)
WORDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "text",
        "tool_use",
        "thinking",
        "text_delta",
        "input_json_delta",
        "citations_delta",
        "url_citation",
        "stop",
    ]
)
SHAPED = st.recursive(
    VALUES | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(SHAPED, max_size=5), status=st.sampled_from([200, 400, 500]), streamed=st.booleans())
def test_nothing_breaks_the_fold(values: list[Any], status: int, streamed: bool) -> None:
    """Whatever an upstream sends, the fold understands something and leaves at least one end state."""
    stream = "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode()
    body = stream if streamed else json.dumps(values[0] if values else None).encode()
    for dialect in DIALECTS:
        said = fold(dialect, status=status, headers=(("content-type", "text/event-stream"),), body=body)
        assert said.ends
        assert said.status == status


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60), content_type=st.sampled_from(["text/event-stream", "application/json", ""]))
def test_no_bytes_break_the_fold(body: bytes, content_type: str) -> None:
    """Bytes that are nothing at all are a failure."""
    for dialect in DIALECTS:
        said = fold(dialect, status=200, headers=(("content-type", content_type),), body=body)
        assert "failed" in said.ends
