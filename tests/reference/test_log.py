"""The log: one line a person can use for each request, and nothing in it that must not leave the process."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

DONE = r"(?P<id>\w{16}) m vllm completed first=\d+\.\d{3}s total=\d+\.\d{3}s in=3 out=4"


def test_an_answer_is_one_line(serve: Callable[..., None], wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Request id, model, dialect, status, both times and the tokens stand in one line, streamed or not."""

    async def scenario(served: Any) -> None:
        whole = wire.chat({"content": "Hi"}, usage={"prompt_tokens": 3, "completion_tokens": 4})
        served.upstream.answer = lambda request: served.upstream.stream(request, whole)
        for stream in (True, False):
            caplog.clear()
            _, headers, _ = await served.post({"stream": stream})
            (line,) = caplog.messages
            match = re.fullmatch(DONE, line)
            assert match, line
            assert match["id"] == headers["x-request-id"]

    with caplog.at_level(logging.INFO, "reference.proxy"):
        serve(scenario, dialect="vllm")


def test_what_was_refused_is_one_line_too(serve: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """A refusal by the proxy or by the upstream says its status and reason, without line breaks or keys."""

    async def scenario(served: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.json_response({"error": {"message": "no\nluck with sk-secret123456"}}, status=400)

        served.upstream.answer = answer
        assert (await served.post({"model": "a\nb", "tool_choice": "requ\nired"}))[0] == 400
        assert (await served.post({"model": "a\nb"}))[0] == 400
        refused, failed = caplog.messages
        assert refused == r"POST /v1/responses error 400: Tool choice 'requ\nired' cannot be honoured by this server."
        assert re.fullmatch(
            r"\w{16} a\?b chat_completions error 400 first=- .* failure='no\\nluck with \[removed\]'", failed
        )

    with caplog.at_level(logging.INFO, "reference.proxy"):
        serve(scenario)


def test_a_call_that_was_not_allowed_is_counted(
    serve: Callable[..., None], wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The line says when calls of the model were kept from the client, for its answer may be empty then."""

    async def scenario(served: Any) -> None:
        whole = wire.chat(wire.call(0, "{}", id="a", name="f"), finish="tool_calls")
        served.upstream.answer = lambda request: served.upstream.stream(request, whole)
        tools = [{"type": "function", "name": "f"}]
        body = (await served.post({"tools": tools, "tool_choice": "none"}))[2]
        assert json.loads(body)["output"] == []

    with caplog.at_level(logging.INFO, "reference.proxy"):
        serve(scenario)
    assert caplog.messages[0].endswith(" calls_dropped=1")


@pytest.mark.parametrize("place", ["_translate", "open"])
def test_an_internal_error_is_named_but_not_quoted(
    serve: Callable[..., None], caplog: pytest.LogCaptureFixture, monkeypatch: Any, place: str
) -> None:
    """A fault of the proxy leaves its class and place in the log, not its words and no traceback."""

    async def scenario(served: Any) -> None:
        def broken(*args: Any) -> Any:
            raise RuntimeError("sk-secret123456")

        owner = served.proxy if place == "_translate" else served.proxy._upstream
        monkeypatch.setattr(owner, place, broken)
        status, _, body = await served.post({})
        assert (status, set(json.loads(body)["error"])) == (500, {"message", "type", "param", "code"})

    with caplog.at_level(logging.WARNING, "reference.proxy"):
        serve(scenario)
    (line,) = caplog.text.splitlines()
    assert re.search(r"internal error: RuntimeError at test_log\.py:\d+ in broken$", line)
