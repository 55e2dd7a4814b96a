"""How answers end: finish reasons, cuts, errors in the stream."""

from __future__ import annotations

from typing import Any

import pytest

ENDINGS = {
    "stop": ("completed", None),
    "tool_calls": ("completed", None),
    "function_call": ("completed", None),
    "eos": ("completed", None),
    "length": ("incomplete", "max_output_tokens"),
    "model_context_window_exceeded": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
    "error": ("failed", None),
    "abort": ("failed", None),
    "insufficient_system_resource": ("failed", None),
    "": ("failed", None),
}


@pytest.mark.parametrize("finish", ENDINGS)
def test_the_end_state_follows_the_finish_reason(exchange: Any, wire: Any, finish: str) -> None:
    """Every finish reason has its status, reason and terminal event; none and "" are no end at all."""
    out = exchange(wire.chat({"content": "Hi"}, finish=finish, usage=wire.USAGE, done=False))
    status, reason = ENDINGS[finish]
    assert out.result["status"] == status
    assert out.types[-2:] == [status, "[DONE]"]
    assert out.result["incomplete_details"] == ({"reason": reason} if reason else None)
    assert (out.result["completed_at"] is not None) == (status == "completed")
    assert out.result["usage"]["total_tokens"] == 15
    assert out.items == ([] if status == "failed" else [("message", status, "Hi")])


def test_a_cut_call_is_never_given_out_for_execution(exchange: Any, wire: Any) -> None:
    """A call open at the limit, even one that parses, has no done events and stands incomplete at the end."""
    for arguments in ('{"x":1}', '{"x":', ""):
        out = exchange(wire.chat({"content": "a"}, wire.call(0, arguments, id="c", name="f"), finish="length"))
        assert out.items[-1] == ("function_call", "incomplete", arguments)
        assert "function_call_arguments.done" not in out.types
        assert out.types.count("output_item.added") == 2
        assert out.types.count("output_item.done") == 1


def test_calls_before_the_cut_one_are_complete(exchange: Any, wire: Any) -> None:
    """Of two calls at the limit the first is whole, the second cut."""
    deltas = [wire.call(0, "{}", id="a", name="f"), wire.call(1, '{"x"', id="b", name="g")]
    out = exchange(wire.chat(*deltas, finish="length"))
    assert [item[1] for item in out.items] == ["completed", "incomplete"]


def test_a_broken_answer_fails_and_closes_nothing(exchange: Any, wire: Any) -> None:
    """End of file without a finish goes straight to response.failed; finished items stay."""
    out = exchange(wire.chat({"reasoning": "r"}, {"content": "Par"}, {"content": "tial"}, finish=None, done=False))
    assert out.types[-3:] == ["output_text.delta", "failed", "[DONE]"]
    assert out.result["error"]["code"] == "server_error"
    assert [item[0] for item in out.items] == ["reasoning"]


@pytest.mark.parametrize(
    ("deltas", "status"),
    [([{"content": "a"}], "completed"), ([{"reasoning": "a"}], "failed"), ([], "failed")],
)
def test_done_without_a_finish_completes_only_an_answer(exchange: Any, wire: Any, deltas: Any, status: str) -> None:
    """``[DONE]`` alone is an end where there is a message or a call, and only there."""
    assert exchange(wire.chat(*deltas, finish=None)).result["status"] == status


def test_done_without_a_finish_does_not_complete_half_a_call(exchange: Any, wire: Any) -> None:
    """A call whose arguments do not parse is not given out on ``[DONE]`` alone."""
    out = exchange(wire.chat(wire.call(0, '{"x', id="a", name="f"), finish=None))
    assert (out.result["status"], out.types.count("output_item.done")) == ("failed", 0)


def test_an_empty_answer_is_completed_and_empty(exchange: Any, wire: Any) -> None:
    """Role and empty content open no item."""
    out = exchange(wire.chat({"role": "assistant", "content": ""}, {"content": None, "tool_calls": []}))
    assert (out.result["status"], out.result["output"]) == ("completed", [])


@pytest.mark.parametrize(
    "error",
    [{"message": "boom", "type": "InternalServerError", "param": None, "code": 500}, "boom", {"detail": "boom"}],
)
def test_an_error_frame_fails_the_stream_once(exchange: Any, wire: Any, error: Any) -> None:
    """An error inside the stream, in any shape, ends it; what follows changes nothing."""
    body = wire.chat({"content": "a"}, finish=None, done=False) + wire.data({"error": error}, "[DONE]") + wire.chat()
    out = exchange(body)
    assert (out.types[-2:], out.types.count("[DONE]")) == (["failed", "[DONE]"], 1)
    assert out.result["error"] == {"code": "server_error", "message": "boom"}


def test_content_after_the_finish_is_kept(exchange: Any, wire: Any) -> None:
    """Some servers give the reason too early: what follows still belongs to the answer."""
    out = exchange(wire.chat({"content": "a"}, done=False) + wire.chat({"content": "b"}))
    assert out.items == [("message", "completed", "ab")]
