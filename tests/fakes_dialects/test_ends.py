"""How answers end: finish reasons, deaths, errors in mid-stream, and what a dialect has no words for."""

from __future__ import annotations

import json

import pytest

from fakes.errors import EncodingError
from fakes.script import (
    DIALECTS,
    Annotation,
    Dies,
    Error,
    Interleaved,
    RedactedReasoning,
    Refusal,
    Script,
    Text,
    ToolCall,
)

WORDS = {
    "chat_completions": {
        "stop": "stop",
        "stop_sequence": "stop",
        "tool_calls": "tool_calls",
        "length": "length",
        "context_window": "length",
        "content_filter": "content_filter",
    },
    "vllm": {
        "stop": "stop",
        "stop_sequence": "stop",
        "tool_calls": "tool_calls",
        "length": "length",
        "context_window": "length",
    },
    "messages": {
        "stop": "end_turn",
        "stop_sequence": "stop_sequence",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        "context_window": "model_context_window_exceeded",
        "content_filter": "refusal",
        "refusal": "refusal",
        "pause_turn": "pause_turn",
    },
}
FINISHES = sorted(WORDS["messages"])


def finish_of(dialect, body):
    """The finish word of a JSON answer."""
    return body["stop_reason"] if dialect == "messages" else body["choices"][0]["finish_reason"]


@pytest.mark.parametrize("finish", FINISHES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_finish_has_the_dialects_word_or_none(encode, dialect, finish):
    """A neutral finish becomes the dialect's own word, streamed and whole; one without a word is an EncodingError."""
    script = Script(parts=(Text(("a",)),), finish=finish)
    word = WORDS[dialect].get(finish)
    if word is None:
        for stream in (True, False):
            with pytest.raises(EncodingError, match=finish):
                encode(dialect, script, stream=stream)
        return
    assert finish_of(dialect, json.loads(encode(dialect, script, stream=False).body)) == word
    assert f'"{word}"' in encode(dialect, script).body.decode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_finish_none_sends_no_reason_but_ends(encode, events, dialect):
    """Without a finish no reason is given, and the stream still has its end marker."""
    found = events(encode(dialect, Script(parts=(Text(("a",)),), finish=None)))
    if dialect == "messages":
        assert found[-2]["delta"]["stop_reason"] is None
        assert found[-1]["type"] == "message_stop"
    else:
        reasons = {choice["finish_reason"] for e in found[:-1] for choice in e["choices"]}
        assert reasons == {None}
        assert found[-1] == "[DONE]"


def test_matched_stop_string_is_named(encode, events):
    """vLLM and Messages name the stop string that the request asked for."""
    script = Script(parts=(Text(("a",)),), finish="stop_sequence")
    assert events(encode("vllm", script, stop=["END"]))[1]["choices"][0]["stop_reason"] == "END"
    assert events(encode("messages", script, stop_sequences=["END"]))[-2]["delta"]["stop_sequence"] == "END"


@pytest.mark.parametrize(("how", "fault"), [("eof", "cut"), ("reset", "reset"), ("stall", "stall")])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_death_leaves_everything_open(encode, dialect, how, fault):
    """After a death nothing follows: no closed block, no finish, no usage, no end marker."""
    reply = encode(dialect, Script(parts=(Text(("a", "b")), Dies(how), Text(("never",)))))
    assert reply.fault == fault
    assert reply.frames[-1].gate == "b"
    assert b"never" not in reply.body


@pytest.mark.parametrize("dialect", DIALECTS)
def test_death_at_once_sends_headers_only(encode, dialect):
    """A death as the first part is a 200 without a byte of body."""
    reply = encode(dialect, Script(parts=(Dies(),)))
    assert reply.status == 200
    assert reply.frames == ()
    assert reply.fault == "cut"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_death_of_a_whole_answer_cuts_its_body(encode, dialect):
    """A JSON answer that dies ends in the middle of its body."""
    reply = encode(dialect, Script(parts=(Text(("some text",)), Dies("reset"))), stream=False)
    assert reply.fault == "reset"
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


ERRORS = {
    "chat_completions": {"error": {"message": "No.", "type": "server_error", "param": None, "code": None}},
    "vllm": {"error": {"message": "No.", "type": "InternalServerError", "param": None, "code": 500}},
    "messages": {"type": "error", "error": {"type": "api_error", "message": "No."}},
}


@pytest.mark.parametrize("before", [(), (Text(("a",)),)])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_error_in_mid_stream(encode, events, dialect, before):
    """An error event has the service's body and ends the answer; first of all, it is the first event of a 200."""
    reply = encode(dialect, Script(parts=(*before, Error(500, "No."), Text(("never",)))))
    assert reply.status == 200
    assert reply.fault is None
    assert b"never" not in reply.body
    found = [event for event in events(reply) if event != "[DONE]"]
    assert {key: value for key, value in found[-1].items() if key != "request_id"} == ERRORS[dialect]
    assert (len(found) == 1) is (before == ())
    assert reply.body.endswith(b"data: [DONE]\n\n") is (dialect == "vllm")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_error_of_a_whole_answer_is_its_status(encode, dialect):
    """Asked for JSON, an error is the HTTP status that it would have been, with the same body."""
    reply = encode(dialect, Script(parts=(Text(("a",)), Error(529, "Overloaded", "overloaded_error"))), stream=False)
    assert reply.status == 529
    assert json.loads(reply.body)["error"]["type"] == "overloaded_error"
    assert json.loads(reply.body)["error"]["message"] == "Overloaded"


@pytest.mark.parametrize(
    ("dialect", "part"),
    [
        ("chat_completions", RedactedReasoning("x")),
        ("vllm", RedactedReasoning("x")),
        ("vllm", Refusal(("no",))),
        ("vllm", Annotation("u", "t", 0, 1)),
        ("messages", Refusal(("no",))),
        ("messages", Interleaved((Text(("a",)), ToolCall("f", ())))),
        ("messages", Annotation("u", "t", 0, 1)),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_parts_without_words(encode, dialect, part, stream):
    """A part that the service cannot say is an EncodingError, streamed and whole."""
    with pytest.raises(EncodingError):
        encode(dialect, Script(parts=(part,)), stream=stream)
