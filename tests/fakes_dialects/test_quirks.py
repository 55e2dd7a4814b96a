"""Quirks: each is documented, does what its name says, and leaves the content alone."""

from __future__ import annotations

import json

import pytest

from fakes.dialects import QUIRK_DOCS, QUIRKS, get
from fakes.errors import EncodingError
from fakes.script import DIALECTS, Annotation, Error, Reasoning, Script, Text, ToolCall, Usage

FULL = Script(
    parts=(Reasoning(("th", "ink")), Text(("one ", "two")), Text((" three",)), ToolCall("get_it", ('{"a"', ":1}"))),
    finish="tool_calls",
    usage=Usage(20, 9),
)
FAILED = Script(parts=(Text(("a",)), Error(500, "No.")))
CITED = Script(parts=(Text(("One page.",)), Annotation("https://example.org/", "A page", 0, 3)))
REFUSED = Script(parts=(Text(("No",)),), finish="refusal")
SHOWN_IN = {"document-citations": CITED, "refusal-explained": REFUSED}
ON_ERRORS = {"error-string", "error-then-done", "error-with-choices"}
PAIRS = [(dialect, quirk) for dialect in DIALECTS for quirk in sorted(QUIRKS[dialect])]
CHAT_PAIRS = [pair for pair in PAIRS if pair[0] != "messages"]


def with_quirk(script, quirk):
    """The script with one quirk."""
    return Script(parts=script.parts, finish=script.finish, usage=script.usage, quirks=frozenset({quirk}))


def script_for(quirk):
    """A script in which a quirk shows."""
    return with_quirk(FAILED if quirk in ON_ERRORS else SHOWN_IN.get(quirk, FULL), quirk)


@pytest.mark.parametrize(("dialect", "quirk"), PAIRS)
def test_each_quirk_shows_on_the_wire(encode, dialect, quirk):
    """A quirk changes the streamed bytes of an answer that has everything."""
    script = script_for(quirk)
    plain = Script(parts=script.parts, finish=script.finish, usage=script.usage)
    calls = {"tool-new-id-same-index"}
    if quirk in calls:
        parts = (ToolCall("f", ("{}",)), ToolCall("g", ("{}",)))
        script, plain = (Script(parts=parts, quirks=q) for q in (script.quirks, frozenset()))
    assert encode(dialect, script).body != encode(dialect, plain).body


@pytest.mark.parametrize(("dialect", "quirk"), PAIRS)
def test_each_quirk_is_documented(dialect, quirk):
    """A quirk has a sentence and a public source."""
    doc = QUIRK_DOCS[dialect][quirk]
    assert len(doc.summary) > 15
    assert doc.source
    assert get(dialect).quirks == QUIRKS[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_quirk_lists_the_known(encode, dialect):
    """An unknown quirk is an EncodingError that names those that exist."""
    with pytest.raises(EncodingError, match="known are .*unknown-events" if dialect == "messages" else "no-done"):
        encode(dialect, Script(quirks=frozenset({"sideways"})))


@pytest.mark.parametrize(("dialect", "quirk"), [p for p in CHAT_PAIRS if p[1] not in ON_ERRORS])
def test_content_survives_every_chat_quirk(encode, events, dialect, quirk):
    """Joined, text, reasoning, name and arguments of the first choice are what the script says, whatever the quirk."""
    text = reasoning = arguments = name = ""
    for event in events(encode(dialect, script_for(quirk))):
        for choice in [] if event == "[DONE]" else event["choices"]:
            delta = choice["delta"] if choice["index"] == 0 else {}
            text += delta.get("content") or ""
            reasoning += delta.get("reasoning") or delta.get("reasoning_content") or ""
            for call in [*(delta.get("tool_calls") or ()), {"function": delta.get("function_call") or {}}]:
                function = call.get("function", {})
                arguments += function.get("arguments") or ""
                given = function.get("name", "")
                name += "" if given == name else given
    assert (text, reasoning, arguments, name) == ("one two three", "think", '{"a":1}', "get_it")


@pytest.mark.parametrize("quirk", sorted(QUIRKS["messages"] - ON_ERRORS - SHOWN_IN.keys()))
def test_content_survives_every_messages_quirk(encode, events, quirk):
    """Joined, text, thinking and input are what the script says, whatever the quirk."""
    said = {"text": "", "thinking": "", "partial_json": ""}
    started = {}
    foreign = False
    for event in events(encode("messages", script_for(quirk))):
        if event["type"] == "content_block_start":
            foreign = event["content_block"]["type"] in ("server_tool_use", "novel_block")
        for key, value in event.get("delta", {}).items():
            if key in said and not foreign:
                said[key] += value
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            started = event["content_block"].get("input", {})
    assert (said["text"], said["thinking"]) == ("one two three", "think")
    assert (json.loads(said["partial_json"] or "{}") or started) == {"a": 1}


def deltas(found):
    """The deltas of chat chunks that have a choice."""
    return [choice["delta"] for e in found if e != "[DONE]" for choice in e["choices"]]


def calls(found):
    """The entries of tool_calls, in order."""
    return [call for delta in deltas(found) for call in delta.get("tool_calls") or ()]


CHECKS = {
    "all-in-one": lambda f: len(f) == 2 and f[0]["choices"][0]["finish_reason"] == "tool_calls" and f[0]["usage"],
    "arguments-before-name": lambda f: [list(c["function"]) for c in calls(f)][:2] == [["arguments"], ["name"]],
    "content-after-finish": lambda f: f[-3]["choices"][0]["delta"] == {"content": " three"},
    "content-null-role": lambda f: deltas(f)[0]["content"] is None,
    "empty-choices-first": lambda f: f[0]["choices"] == [] and "prompt_filter_results" in f[0],
    "empty-deltas": lambda f: deltas(f)[1::2][:3] == [{}, {}, {}],
    "extra-keys": lambda f: "x_fake_extra" in deltas(f)[1] and "provider" in f[0],
    "finish-empty-string": lambda f: [e["choices"][0]["finish_reason"] for e in f[:3]] == ["", "", ""],
    "finish-missing": lambda f: all(c["finish_reason"] is None for e in f[:-1] for c in e["choices"]),
    "finish-stop-with-calls": lambda f: f[-3]["choices"][0]["finish_reason"] == "stop",
    "finish-unknown": lambda f: f[-3]["choices"][0]["finish_reason"] == "model_context_window_exceeded",
    "finish-abort": lambda f: f[-3]["choices"][0]["finish_reason"] == "abort",
    "finish-end-of-sequence": lambda f: f[-3]["choices"][0]["finish_reason"] == "eos_token",
    "finish-error": lambda f: f[-3]["choices"][0]["finish_reason"] == "error",
    "id-then-name": lambda f: "function" not in calls(f)[0] and calls(f)[1]["function"]["name"] == "get_it",
    "legacy-function-call": lambda f: not calls(f) and f[-3]["choices"][0]["finish_reason"] == "function_call",
    "name-in-fragments": lambda f: [c["function"]["name"] for c in calls(f)[:2]] == ["get", "_it"],
    "no-done": lambda f: f[-1] != "[DONE]",
    "null-keys": lambda f: deltas(f)[1]["tool_calls"] is None and [d["tool_calls"] for d in deltas(f)].count([]) == 3,
    "obfuscation": lambda f: all(e["obfuscation"] for e in f[:-1]),
    "reasoning-both-fields": lambda f: deltas(f)[1] == {"reasoning": "th", "reasoning_content": "th"},
    "reasoning-content": lambda f: deltas(f)[1] == {"reasoning_content": "th"},
    "role-missing": lambda f: all("role" not in d for d in deltas(f)),
    "role-repeated": lambda f: [d["role"] for d in deltas(f)[:4]] == ["assistant"] * 4,
    "second-choice": lambda f: (
        [c["finish_reason"] for e in f[:-1] for c in e["choices"]][-2:] == ["tool_calls", "length"]
    ),
    "text-with-tool-call": lambda f: any(d.get("content") == " three" and "tool_calls" in d for d in deltas(f)),
    "tool-arguments-null-first": lambda f: calls(f)[0]["function"]["arguments"] is None,
    "tool-call-whole": lambda f: len(calls(f)) == 1 and calls(f)[0]["function"]["arguments"] == '{"a":1}',
    "tool-id-empty-later": lambda f: [c["id"] for c in calls(f)[1:]] == ["", ""],
    "tool-id-every-fragment": lambda f: len({c["id"] for c in calls(f)}) == 1 < len(calls(f)),
    "tool-id-missing": lambda f: calls(f) and all("id" not in c for c in calls(f)),
    "tool-index-missing": lambda f: calls(f) and all("index" not in c for c in calls(f)),
    "tool-name-every-fragment": lambda f: [c["function"]["name"] for c in calls(f)] == ["get_it"] * 3,
    "usage-every-chunk": lambda f: all(e["usage"]["prompt_tokens"] == 20 for e in f[:-1]),
    "usage-on-finish-chunk": lambda f: f[-2]["choices"][0]["finish_reason"] and f[-2]["usage"]["total_tokens"] == 29,
    "usage-with-choice": lambda f: f[-2]["choices"][0]["delta"] == {} and f[-2]["usage"]["total_tokens"] == 29,
}


@pytest.mark.parametrize("quirk", sorted(CHECKS))
@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_chat_quirks_do_what_they_say(encode, events, dialect, quirk):
    """Each quirk of chat completions has the shape that its summary describes."""
    assert CHECKS[quirk](events(encode(dialect, script_for(quirk))))


def test_finish_with_last_piece(encode, events):
    """The last text and the finish reason share a chunk, in vLLM for a cut even without the quirk."""
    for dialect, quirks in (("chat_completions", {"finish-with-last-piece"}), ("vllm", set())):
        script = Script(parts=(Text(("a", "b")),), finish="length", quirks=frozenset(quirks))
        last = events(encode(dialect, script))[-3]["choices"][0]
        assert (last["delta"]["content"], last["finish_reason"]) == ("b", "length")


def test_same_index_new_id(encode, events):
    """Two calls share index 0 and differ by id."""
    parts = (ToolCall("f", ("{}",)), ToolCall("g", ("{}",)))
    found = calls(events(encode("chat_completions", Script(parts=parts, quirks=frozenset({"tool-new-id-same-index"})))))
    assert {call["index"] for call in found} == {0}
    assert len({call["id"] for call in found if "id" in call}) == 2


def test_end_markers(encode):
    """The variants of the end marker are what they say."""
    text = Script(parts=(Text(("a",)),))
    assert encode("vllm", with_quirk(text, "done-without-space")).body.endswith(b"\n\ndata:[DONE]\n\n")
    tight = encode("vllm", with_quirk(text, "data-without-space")).body
    assert tight.endswith(b"\n\ndata:[DONE]\n\n")
    assert b"data: " not in tight
    assert encode("vllm", with_quirk(text, "done-with-spaces")).body.endswith(b"\n\ndata: [DONE]  \n\n")


def test_error_quirks(encode, events):
    """Errors may be a string, have choices, and be followed by [DONE]."""
    found = {quirk: events(encode("chat_completions", with_quirk(FAILED, quirk))) for quirk in ON_ERRORS}
    assert found["error-string"][-1] == {"error": "No."}
    assert found["error-with-choices"][-1]["choices"] == []
    assert found["error-then-done"][-1] == "[DONE]"


def test_legacy_function_call_says_one_call(encode):
    """The legacy form has room for one call: two are an EncodingError; whole it is message.function_call."""
    one = with_quirk(FULL, "legacy-function-call")
    message = json.loads(encode("vllm", one, stream=False).body)["choices"][0]["message"]
    assert message["function_call"] == {"name": "get_it", "arguments": '{"a":1}'}
    two = Script(parts=(*FULL.parts, ToolCall("g", ())), quirks=one.quirks)
    for stream in (True, False):
        with pytest.raises(EncodingError, match="one call only"):
            encode("vllm", two, stream=stream)


def said_deltas(found):
    """The deltas of Messages blocks."""
    return [event["delta"] for event in found if event["type"] == "content_block_delta"]


def types(found):
    """The event types of a Messages stream."""
    return [event["type"] for event in found]


MESSAGES_CHECKS = {
    "adjacent-text-blocks": lambda f: types(f).count("content_block_start") == 4,
    "blocks-closed-at-end": lambda f: types(f)[-5:-2] == ["content_block_stop"] * 3,
    "delta-output-usage-only": lambda f: f[-2]["usage"] == {"output_tokens": 9},
    "finish-unknown": lambda f: f[-2]["delta"]["stop_reason"] == "novel_stop",
    "foreign-blocks": lambda f: (
        [e["content_block"]["type"] for e in f if "content_block" in e]
        == ["thinking", "server_tool_use", "web_search_tool_result", "novel_block", "text", "tool_use"]
    ),
    "index-last": lambda f: all(list(e)[-1] == "index" for e in f if "index" in e),
    "no-first-json-delta": lambda f: all(e["delta"].get("partial_json") != "" for e in f if "delta" in e),
    "no-message-stop": lambda f: f[-1]["type"] == "message_delta",
    "no-ping": lambda f: "ping" not in types(f),
    "ping-storm": lambda f: types(f).count("ping") == 1 + sum(t.startswith("content_block") for t in types(f)),
    "signature-repeated": lambda f: (
        len(signatures := [d for d in said_deltas(f) if "signature" in d]) == 2 and signatures[0] == signatures[1]
    ),
    "tool-start-full-input": lambda f: (
        [e["content_block"].get("input") for e in f if "content_block" in e][-1] == {"a": 1}
    ),
    "tool-start-without-input": lambda f: "input" not in [e["content_block"] for e in f if "content_block" in e][-1],
    "two-message-deltas": lambda f: (
        [(e["delta"]["stop_reason"], e["usage"]["output_tokens"]) for e in f if e["type"] == "message_delta"]
        == [(None, 4), ("tool_use", 9)]
    ),
    "unknown-events": lambda f: "message_annotated" in types(f) and any("novel" in e.get("delta", {}) for e in f),
    "usage-in-delta-only": lambda f: (
        f[0]["message"]["usage"]["input_tokens"] == 0 and f[-2]["usage"]["input_tokens"] == 20
    ),
}


@pytest.mark.parametrize("quirk", sorted(MESSAGES_CHECKS))
def test_messages_quirks_do_what_they_say(encode, events, quirk):
    """Each quirk of Messages has the shape that its summary describes."""
    assert MESSAGES_CHECKS[quirk](events(encode("messages", script_for(quirk))))


def test_document_citations(encode, events):
    """A citation of a document has characters of it and no address."""
    (citation,) = [
        d["citation"]
        for d in said_deltas(events(encode("messages", script_for("document-citations"))))
        if "citation" in d
    ]
    assert (citation["type"], citation["end_char_index"], "url" in citation) == ("char_location", 3, False)


def test_refusal_explained(encode, events):
    """A refusal tells why, streamed and whole."""
    script = script_for("refusal-explained")
    streamed = next(e["delta"] for e in events(encode("messages", script)) if e["type"] == "message_delta")
    whole = json.loads(encode("messages", script, stream=False).body)
    assert streamed["stop_details"] == whole["stop_details"]
    assert whole["stop_details"]["explanation"].startswith("The request")


def test_no_event_lines(encode):
    """Without event lines every line is data or empty."""
    body = encode("messages", with_quirk(FULL, "no-event-lines")).body
    assert all(line.startswith(b"data: ") or not line for line in body.split(b"\n"))
