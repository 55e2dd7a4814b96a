"""The legal end states of every way that an upstream can end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from conformance.errors import HarnessError
from conformance.fold import TRANSPORT_ENDS, fold, fold_reply
from conformance.said import END_STATES, Said
from fakes.recording import RecordedEnd
from fakes.reply import Fault, Frame, Reply

COMPLETED = {"completed"}
TOKENS = {"incomplete:max_output_tokens"}
FILTERED = {"incomplete:content_filter"}
FAILED = {"failed"}
HTTP = {"http-error"}
UNFINISHED = {"unfinished"}
INCOMPLETE = TOKENS | FILTERED
OPEN = COMPLETED | INCOMPLETE | FAILED
DONE = "[DONE]"


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One chunk."""
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


ROLE, TEXT, THOUGHT = chunk(role="assistant", content=""), chunk(content="a"), chunk(reasoning="r")
CALL = chunk(tool_calls=[{"index": 0, "id": "i", "function": {"name": "f", "arguments": "{}"}}])
ERROR = {"error": {"message": "dead", "type": "InternalServerError", "code": 500}}
USAGE = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}

CHAT: dict[str, tuple[list[Any], str | None, set[str]]] = {
    "stop": ([TEXT, chunk("stop"), DONE], "complete", COMPLETED),
    "tool_calls": ([CALL, chunk("tool_calls"), DONE], "complete", COMPLETED),
    "calls with stop": ([CALL, chunk("stop"), DONE], "complete", COMPLETED),
    "function_call": ([CALL, chunk("function_call"), DONE], "complete", COMPLETED),
    "length": ([TEXT, chunk("length"), DONE], "complete", TOKENS),
    "length without content": ([ROLE, chunk("length"), DONE], "complete", TOKENS),
    "content_filter": ([TEXT, chunk("content_filter"), DONE], "complete", FILTERED),
    "unknown reason": ([TEXT, chunk("eos"), DONE], "complete", OPEN),
    "error as a reason": ([TEXT, chunk("error"), DONE], "complete", FAILED | INCOMPLETE),
    "abort as a reason": ([TEXT, chunk("abort"), DONE], "complete", FAILED | INCOMPLETE),
    "no content": ([ROLE, chunk("stop"), DONE], "complete", COMPLETED),
    "reason without [DONE]": ([TEXT, chunk("stop")], "complete", COMPLETED),
    "reason, usage, no [DONE]": ([TEXT, chunk("stop"), USAGE], "complete", COMPLETED),
    "length without [DONE]": ([TEXT, chunk("length")], "complete", TOKENS),
    "reason, then cut": ([TEXT, chunk("stop")], "cut", COMPLETED | FAILED),
    "reason, then reset": ([TEXT, chunk("stop")], "reset", COMPLETED | FAILED),
    "reason, then silence": ([TEXT, chunk("stop")], "stall", COMPLETED | FAILED | UNFINISHED),
    "[DONE], then cut": ([TEXT, chunk("stop"), DONE], "cut", COMPLETED),
    "[DONE], then reset": ([TEXT, chunk("stop"), DONE], "reset", COMPLETED | FAILED),
    "[DONE], then silence": ([TEXT, chunk("stop"), DONE], "stalled", COMPLETED),
    "[DONE] without reason": ([TEXT, DONE], "complete", OPEN),
    "[DONE] without reason after a call": ([CALL, DONE], "complete", OPEN),
    "[DONE] without reason after thinking": ([THOUGHT, DONE], "complete", INCOMPLETE | FAILED),
    "only [DONE]": ([DONE], "complete", INCOMPLETE | FAILED | HTTP),
    "end of body": ([TEXT], "complete", FAILED),
    "end of body in a call": ([CALL], "complete", FAILED),
    "end of body before content": ([ROLE], "complete", FAILED | HTTP),
    "empty body": ([], "complete", FAILED | HTTP),
    "cut": ([TEXT], "cut", FAILED),
    "truncated": ([TEXT], "truncated", FAILED),
    "reset": ([TEXT], "reset", FAILED),
    "reset before content": ([ROLE], "reset", FAILED | HTTP),
    "silence": ([TEXT], "stall", FAILED | UNFINISHED),
    "silence from the start": ([], "stalled", FAILED | UNFINISHED | HTTP),
    "the client left": ([TEXT], "client-left", FAILED | UNFINISHED),
    "the client left after the end": ([TEXT, chunk("stop"), DONE], "client-gone", COMPLETED),
    "hung up on in the text": ([TEXT], "hung-up", FAILED | UNFINISHED),
    "hung up on before content": ([ROLE], "hung-up", FAILED | UNFINISHED | HTTP),
    "hung up on after the reason": ([TEXT, chunk("stop")], "hung-up", COMPLETED),
    "hung up on after the end": ([TEXT, chunk("stop"), DONE], "hung-up", COMPLETED),
    "still running": ([TEXT], None, FAILED | UNFINISHED),
    "error event": ([TEXT, ERROR, DONE], "complete", FAILED),
    "error event without [DONE]": ([TEXT, ERROR], "complete", FAILED),
    "error event first": ([ERROR, DONE], "complete", FAILED | HTTP),
    "error event after the role": ([ROLE, ERROR, DONE], "complete", FAILED | HTTP),
    "error event after the reason": ([TEXT, chunk("stop"), ERROR], "complete", COMPLETED | FAILED),
    "error event, then silence": ([TEXT, ERROR], "stall", FAILED),
    "error with choices": ([TEXT, ERROR | {"choices": []}], "complete", FAILED),
    "error of another form": ([TEXT, {"object": "error", "message": "dead", "code": 500}], "complete", FAILED),
    "error named by its event": ([TEXT, b'event: error\ndata: {"message": "dead"}\n\n'], "complete", FAILED),
    "a null error is none": ([TEXT, chunk("stop") | {"error": None}, DONE], "complete", COMPLETED),
    "broken JSON": ([TEXT, b"data: {oops\n\n", chunk("stop"), DONE], "complete", COMPLETED | FAILED),
    "broken JSON first, then content": (
        [b"data: {oops\n\n", TEXT, chunk("stop"), DONE],
        "complete",
        COMPLETED | FAILED | HTTP,
    ),
    "broken JSON first": ([b"data: {oops\n\n", chunk("stop"), DONE], "complete", COMPLETED | FAILED | HTTP),
    "cut inside an event": ([TEXT, b'data: {"choices": [{"ind'], "cut", FAILED),
    "reason in the event that was cut": (
        [TEXT, b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'],
        "complete",
        FAILED | COMPLETED,
    ),
    "[DONE] without its blank line": ([TEXT, chunk("stop"), b"data: [DONE]\n"], "complete", COMPLETED),
    "[DONE] alone without its blank line": ([TEXT, b"data: [DONE]"], "complete", OPEN),
}


@pytest.mark.parametrize(("stream", "ended", "ends"), CHAT.values(), ids=CHAT)
def test_chat(chat: Callable[..., Said], stream: list[Any], ended: str | None, ends: set[str]) -> None:
    """Each ending of a chat stream leaves exactly these states open."""
    assert chat(*stream, ended=ended).ends == ends


@pytest.mark.parametrize(
    ("stream", "ended", "abandoned"),
    [
        ([TEXT], "hung-up", True),
        ([], "hung-up", True),
        ([TEXT], "client-gone", False),
        ([TEXT, chunk("stop")], "hung-up", False),
        ([TEXT, DONE], "hung-up", False),
        ([TEXT, ERROR], "hung-up", False),
        ([TEXT, b"data: {oops\n\n"], "hung-up", False),
    ],
)
def test_a_sound_answer_is_abandoned(chat: Callable[..., Said], stream: list[Any], ended: str, abandoned: bool) -> None:
    """By a target that hangs up before any end, and without a doubt to do it for."""
    assert chat(*stream, ended=ended).abandoned is abandoned


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """One event of Messages."""
    return {"type": kind} | fields


START = event("message_start", message={"model": "m", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}})
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": "a"})
THINK = event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "t", "signature": ""})
TOOL = event("content_block_start", index=0, content_block={"type": "tool_use", "id": "i", "name": "f", "input": {}})
EMPTY = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
STOP = event("message_stop")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def end(reason: str | None) -> dict[str, Any]:
    """`message_delta`."""
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 2})


MESSAGES: dict[str, tuple[list[Any], str | None, set[str]]] = {
    "end_turn": ([START, BLOCK, end("end_turn"), STOP], "complete", COMPLETED),
    "stop_sequence": ([START, BLOCK, end("stop_sequence"), STOP], "complete", COMPLETED),
    "tool_use": ([START, TOOL, end("tool_use"), STOP], "complete", COMPLETED),
    "max_tokens": ([START, BLOCK, end("max_tokens"), STOP], "complete", TOKENS),
    "context window": ([START, BLOCK, end("model_context_window_exceeded"), STOP], "complete", TOKENS),
    "refusal": ([START, end("refusal"), STOP], "complete", FILTERED | COMPLETED),
    "refusal after thinking": ([START, THINK, end("refusal"), STOP], "complete", FILTERED | COMPLETED),
    "refusal after an empty text": ([START, EMPTY, end("refusal"), STOP], "complete", FILTERED | COMPLETED),
    "refusal after text": ([START, BLOCK, end("refusal"), STOP], "complete", FILTERED),
    "refusal after a call": ([START, TOOL, end("refusal"), STOP], "complete", FILTERED),
    "pause_turn": ([START, BLOCK, end("pause_turn"), STOP], "complete", OPEN),
    "unknown reason": ([START, BLOCK, end("novel"), STOP], "complete", OPEN),
    "message_stop without reason": ([START, BLOCK, STOP], "complete", OPEN),
    "message_stop without anything": ([START, STOP], "complete", INCOMPLETE | FAILED | HTTP),
    "reason without message_stop": ([START, BLOCK, end("end_turn")], "complete", COMPLETED | FAILED),
    "limit without message_stop": ([START, BLOCK, end("max_tokens")], "complete", TOKENS | FAILED),
    "reason, then cut": ([START, BLOCK, end("end_turn")], "cut", COMPLETED | FAILED),
    "reason, then silence": ([START, BLOCK, end("end_turn")], "stall", COMPLETED | FAILED | UNFINISHED),
    "hung up on after the reason": ([START, BLOCK, end("end_turn")], "hung-up", COMPLETED | FAILED),
    "hung up on in the text": ([START, BLOCK], "hung-up", FAILED | UNFINISHED),
    "message_stop, then silence": ([START, BLOCK, end("end_turn"), STOP], "stall", COMPLETED),
    "message_stop, then cut": ([START, BLOCK, end("end_turn"), STOP], "cut", COMPLETED),
    "end of body": ([START, BLOCK], "complete", FAILED),
    "end of body before content": ([START], "complete", FAILED | HTTP),
    "silence": ([START, BLOCK], "stall", FAILED | UNFINISHED),
    "error event": ([START, BLOCK, OVERLOADED], "complete", FAILED),
    "error event first": ([OVERLOADED], "complete", FAILED | HTTP),
    "error event before content": ([START, event("ping"), OVERLOADED], "complete", FAILED | HTTP),
    "error event after the reason": ([START, BLOCK, end("end_turn"), OVERLOADED], "complete", COMPLETED | FAILED),
    "a delta without its block": (
        [
            START,
            BLOCK,
            event("content_block_delta", index=3, delta={"type": "text_delta", "text": "x"}),
            end("end_turn"),
            STOP,
        ],
        "complete",
        COMPLETED | FAILED,
    ),
    "[DONE] is not the end here": ([START, BLOCK, DONE], "complete", FAILED),
}


@pytest.mark.parametrize(("stream", "ended", "ends"), MESSAGES.values(), ids=MESSAGES)
def test_messages(messages: Callable[..., Said], stream: list[Any], ended: str | None, ends: set[str]) -> None:
    """Each ending of a Messages stream leaves exactly these states open."""
    assert messages(*stream, ended=ended).ends == ends


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 529])
def test_statuses(whole: Callable[..., Said], status: int) -> None:
    """Any status outside 2xx is a failure, told by status or by a failed response."""
    said = whole("messages", {"type": "error", "error": {"type": "api_error", "message": "no"}}, status=status)
    assert (said.ends, said.status, said.items, said.error) == (FAILED | HTTP, status, (), "no")


@pytest.mark.parametrize("ended", ["reset-before-status", "refused"])
def test_no_answer(ended: str) -> None:
    """Without a status line there is nothing but a failure."""
    said = fold("vllm", status=None, headers=(), body=b"", ended=ended)
    assert (said.ends, said.status, said.items) == (FAILED | HTTP, 0, ())


JSON_ENDS: dict[str, tuple[Any, set[str]]] = {
    "stop": (
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]},
        COMPLETED,
    ),
    "length": (
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "length"}]},
        TOKENS,
    ),
    "no reason": (
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": None}]},
        OPEN,
    ),
    "no choices": ({"choices": []}, FAILED | HTTP),
    "an error": (ERROR, FAILED | HTTP),
    "a list": ([1], FAILED | HTTP),
    "null": (None, FAILED | HTTP),
}


@pytest.mark.parametrize(("value", "ends"), JSON_ENDS.values(), ids=JSON_ENDS)
def test_json(whole: Callable[..., Said], value: Any, ends: set[str]) -> None:
    """A JSON answer of status 200 ends by its finish reason, or has failed."""
    assert whole("chat_completions", value).ends == ends


def test_every_word_for_an_ending_is_known() -> None:
    """Recordings, faults and the fake's log use no word that the fold does not know."""
    logged = {"complete", "cut", "reset", "stalled", "client-gone", "refused", "broken", None}
    assert set(get_args(RecordedEnd)) | set(get_args(Fault)) | logged <= set(TRANSPORT_ENDS)


def test_unknown_words() -> None:
    """A word that nobody uses is the suite's own fault, and so is a dialect without a fold."""
    with pytest.raises(HarnessError, match=r"'exploded'.*stalled"):
        fold("vllm", status=200, headers=(), body=b"", ended="exploded")
    with pytest.raises(HarnessError, match="'responses'"):
        fold("responses", status=200, headers=(), body=b"")  # type: ignore[arg-type]


def test_only_known_states(chat: Callable[..., Said], messages: Callable[..., Said]) -> None:
    """No stream of the tables gets an end state that nobody defined, and none gets no state."""
    for folded, table in ((chat, CHAT), (messages, MESSAGES)):
        for stream, ended, _ in table.values():
            ends = folded(*stream, ended=ended).ends
            assert ends
            assert ends <= set(END_STATES)


def test_replies() -> None:
    """A fake's reply is folded with its fault."""
    frames = (Frame(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'),)
    headers = (("content-type", "text/event-stream"),)
    assert fold_reply("vllm", Reply(200, headers, frames, "stall")).ends == FAILED | UNFINISHED
    assert fold_reply("vllm", Reply(200, headers, frames)).ends == FAILED
    assert fold_reply("vllm", Reply(200, headers, frames, "reset-before-status")).items == ()
