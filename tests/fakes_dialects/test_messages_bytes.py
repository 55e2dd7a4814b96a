"""Messages as api.anthropic.com writes it."""

from __future__ import annotations

import json

import pytest

from fakes.errors import EncodingError
from fakes.script import Annotation, Comment, Ping, Raw, Reasoning, RedactedReasoning, Script, Text, ToolCall, Usage


def kinds(found):
    """The types of events, deltas by theirs."""
    return [event.get("delta", {}).get("type", event["type"]) for event in found]


def test_text_byte_for_byte(encode):
    """Text is message_start, a block with a ping behind its start, its deltas, message_delta and message_stop."""
    reply = encode("messages", Script(parts=(Text(("Hé", "llo")),), usage=Usage(10, 4)))
    text = reply.body.decode()
    identifier = json.loads(text.split("data: ")[1].split("\n")[0])["message"]["id"]
    assert identifier.startswith("msg_01")
    assert len(identifier) == 28
    assert text.replace(identifier, "ID") == (
        'event: message_start\ndata: {"type":"message_start","message":{"model":"m","id":"ID","type":"message",'
        '"role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,'
        '"usage":{"input_tokens":10,"output_tokens":1}}}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        '"content_block":{"type":"text","text":""}}\n\n'
        'event: ping\ndata: {"type":"ping"}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"Hé"}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"llo"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        '"usage":{"input_tokens":10,"output_tokens":4}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert [frame.gate for frame in reply.frames] == ["", "", "", "Hé", "llo", "", "", ""]


def test_thinking_is_signed_just_before_its_stop(encode, events):
    """A thinking block ends with its signature and its stop; without one in the script the service still signs."""
    found = events(encode("messages", Script(parts=(Reasoning(("a", "b"), "sig"), Reasoning((), None), Text(("c",))))))
    assert kinds(found)[:8] == [
        "message_start",
        "content_block_start",
        "ping",
        "thinking_delta",
        "thinking_delta",
        "signature_delta",
        "content_block_stop",
        "content_block_start",
    ]
    signatures = [e["delta"]["signature"] for e in found if e.get("delta", {}).get("type") == "signature_delta"]
    assert signatures[0] == "sig"
    assert len(signatures[1]) > 20


def test_tool_use(encode, events):
    """A call starts with an empty input and an empty first fragment; a call without fragments has no delta."""
    parts = (ToolCall("f", ("{", "}")), ToolCall("g", (), id="toolu_own"))
    found = events(encode("messages", Script(parts=parts, finish="tool_calls")))
    starts = [e["content_block"] for e in found if e["type"] == "content_block_start"]
    assert starts[0] | {"id": ""} == {"type": "tool_use", "id": "", "name": "f", "input": {}}
    assert starts[0]["id"].startswith("toolu_01")
    assert starts[1]["id"] == "toolu_own"
    pieces = [(e["index"], e["delta"]["partial_json"]) for e in found if e["type"] == "content_block_delta"]
    assert pieces == [(0, ""), (0, "{"), (0, "}")]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


def test_other_blocks(encode, events):
    """Redacted thinking is its own block without deltas, a citation a delta inside the text that it is on."""
    parts = (RedactedReasoning("opaque"), Text(("See this",)), Annotation("https://e.org", "E", 4, 8))
    found = events(encode("messages", Script(parts=parts)))
    assert found[1]["content_block"] == {"type": "redacted_thinking", "data": "opaque"}
    citation = next(e for e in found if e.get("delta", {}).get("type") == "citations_delta")
    assert citation["index"] == 1
    assert citation["delta"]["citation"] | {"encrypted_index": ""} == {
        "type": "web_search_result_location",
        "cited_text": "this",
        "url": "https://e.org",
        "title": "E",
        "encrypted_index": "",
    }


def test_adjacent_texts_are_one_block_unless_asked(encode, events):
    """Text goes on in the same block until another kind stands between, or the quirk parts it."""
    parts = (Text(("a",)), Text(("b",)), Reasoning(("c",)), Text(("d",)))

    def starts(script):
        return [
            e["content_block"]["type"] for e in events(encode("messages", script)) if e["type"] == "content_block_start"
        ]

    assert starts(Script(parts=parts)) == ["text", "thinking", "text"]
    assert starts(Script(parts=parts, quirks=frozenset({"adjacent-text-blocks"}))) == [
        "text",
        "text",
        "thinking",
        "text",
    ]


def test_usage_excludes_what_the_cache_gave(encode, events):
    """input_tokens leaves out cached and cache-written tokens; message_delta counts cumulatively."""
    found = events(encode("messages", Script(usage=Usage(100, 9, cached=60, cache_write=30, reasoning=4))))
    assert found[0]["message"]["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 1,
    }
    assert found[-2]["usage"]["output_tokens"] == 9
    assert found[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 4}


def test_empty_answer_has_no_block_and_no_ping(encode, events):
    """An answer that says nothing is message_start, message_delta and message_stop."""
    assert kinds(events(encode("messages", Script()))) == ["message_start", "message_delta", "message_stop"]


def test_whole_message(encode):
    """A JSON answer has whole blocks; arguments keep the spelling of their numbers."""
    parts = (Reasoning(("a",), "sig"), Text(("b", "c")), ToolCall("f", ('{"n": 12345678901234567890.10', "}")))
    body = encode("messages", Script(parts=parts, finish="tool_calls", usage=Usage(5, 2)), stream=False).body.decode()
    assert '"input":{"n": 12345678901234567890.10}' in body
    message = json.loads(body)
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use"]
    assert message["content"][0] == {"type": "thinking", "thinking": "a", "signature": "sig"}
    assert message["content"][1]["text"] == "bc"
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == {"input_tokens": 5, "output_tokens": 2}


def test_whole_cut_and_broken_arguments(encode):
    """Whole, a cut call has an empty input; other arguments that are no object cannot be said."""
    broken = (ToolCall("f", ('{"a',)),)
    cut = json.loads(encode("messages", Script(parts=broken, finish="length"), stream=False).body)
    assert cut["content"][0]["input"] == {}
    with pytest.raises(EncodingError, match="no JSON object"):
        encode("messages", Script(parts=broken, finish="tool_calls"), stream=False)


def test_noise_keeps_its_place(encode):
    """Comments and raw bytes may precede the message; pings belong to it, inside a block too."""
    parts = (Comment(" a"), Ping(), Text(("b",)), Comment(" c"), Text(("d",)), Raw(b"data: x\n\n"))
    frames = [frame.data.split(b"\n")[0] for frame in encode("messages", Script(parts=parts)).frames]
    assert frames == [
        b": a",
        b"event: message_start",
        b"event: ping",
        b"event: content_block_start",
        b"event: ping",
        b"event: content_block_delta",
        b": c",
        b"event: content_block_delta",
        b"data: x",
        b"event: content_block_stop",
        b"event: message_delta",
        b"event: message_stop",
    ]


def test_refusal_explains_itself(encode, events):
    """finish="refusal" ends with its stop reason and stop_details."""
    delta = events(encode("messages", Script(finish="refusal")))[-2]["delta"]
    assert delta["stop_reason"] == "refusal"
    assert delta["stop_details"]["type"] == "refusal"
