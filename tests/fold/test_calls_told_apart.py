"""Calls of an upstream that cannot be told apart: a target may go on with them, or say that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.said import Said

DONE = "[DONE]"


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def call(index: int | None, call_id: str | None) -> dict[str, Any]:
    fragment: dict[str, Any] = {"type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    fragment |= {} if index is None else {"index": index}
    return chunk(tool_calls=[fragment if call_id is None else {**fragment, "id": call_id}])


@pytest.mark.parametrize(
    ("calls", "may_fail"),
    [
        ([call(0, "a"), call(1, "b")], False),
        ([call(0, None)], True),
        ([call(0, ""), call(1, "b")], True),
        ([call(0, "a"), call(1, "a")], True),
        ([call(0, "a"), call(0, "b")], True),
        ([call(None, "a"), call(None, "b")], True),
    ],
    ids=["right", "no-id", "empty-id", "one-id-twice", "one-index-twice", "no-index"],
)
def test_a_target_may_fail_what_it_cannot_tell_apart(
    chat: Callable[..., Said], calls: list[dict[str, Any]], may_fail: bool
) -> None:
    """A result can be given back to a call only by its id: without that `response.failed` is no wrong end."""
    said = chat(*calls, chunk("tool_calls"), DONE)
    assert said.ends - {"http-error"} == ({"completed", "failed"} if may_fail else {"completed"})
    assert len(said.calls) == len(calls)


def test_the_legacy_call_has_no_id_and_is_told(chat: Callable[..., Said]) -> None:
    """`function_call` of old never had an id: that is no reason to fail."""
    said = chat(chunk(function_call={"name": "get_weather", "arguments": "{}"}), chunk("function_call"), DONE)
    assert said.ends == {"completed"}
