"""One exchange over real sockets: the answer, failures before and after it began, faults of the proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from reference.proxy.errors import ApiError

OVERLOAD = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'


def test_a_stream_and_a_document_say_the_same(serve: Callable[..., None], wire: Any) -> None:
    """Streamed or not, the same upstream bytes give the same response, with the right headers."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}, usage={"prompt_tokens": 1, "completion_tokens": 2}))
        status, headers, body = await served.post({"stream": True})
        assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/event-stream")
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-cache", "no")
        assert body.endswith(b"\n\ndata: [DONE]\n\n")
        streamed = served.events(body)[-1]["response"]
        status, headers, body = await served.post({"stream": False})
        assert (status, headers["Content-Type"]) == (200, "application/json")
        whole = json.loads(body)
        for response in (streamed, whole):
            for key in ("id", "created_at", "completed_at"):
                del response[key]
            del response["output"][0]["id"]
        assert streamed == whole
        assert [request[2]["stream"] for request in served.upstream.requests] == [True, True]
        assert "Authorization" not in served.upstream.requests[0][1]

    serve(scenario)


@pytest.mark.parametrize("path", ["", "/v1", "/v1/", "/api/v1"])
def test_the_upstreams_address_with_and_without_v1(serve: Callable[..., None], wire: Any, path: str) -> None:
    """Both forms of --upstream reach the same place."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}))
        assert (await served.post({}))[0] == 200
        prefix = path.rstrip("/").removesuffix("/v1")
        assert served.upstream.requests[0][0] == f"{prefix}/v1/chat/completions"

    from reference.proxy.config import upstream_root

    assert upstream_root(f"http://h:1{path}") == f"http://h:1{path.rstrip('/').removesuffix('/v1')}"
    serve(scenario, path=path.rstrip("/").removesuffix("/v1"))


@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_before_the_first_event_is_a_status(serve: Callable[..., None], wire: Any, stream: bool) -> None:
    """Upstream errors, early error events and empty answers are HTTP errors, streamed or not."""

    async def scenario(served: Any) -> None:
        served.replying(429, b'{"error":{"message":"slow down"}}', **{"Retry-After": "7"})
        status, headers, body = await served.post({"stream": stream})
        assert (status, headers["Retry-After"]) == (429, "7")
        assert json.loads(body)["error"]["message"] == "slow down"
        served.answering(wire.data({"error": {"message": "bad", "code": 400}}, "[DONE]"))
        assert (await served.post({"stream": stream}))[0] == 400
        served.answering(b"")
        assert (await served.post({"stream": stream}))[0] == 502
        served.replying(200, b"<html>")
        assert (await served.post({"stream": stream}))[0] == 502

    serve(scenario)


def test_a_failure_after_the_first_event_is_an_event(serve: Callable[..., None], wire: Any) -> None:
    """Once the upstream has begun, a failure is response.failed, even if both came in one read."""

    async def scenario(served: Any) -> None:
        begun = wire.messages(stop=None)
        for pieces in ([begun, OVERLOAD], [begun + OVERLOAD]):
            served.answering(*pieces)
            status, _, body = await served.post({"stream": True})
            assert (status, served.events(body)[-1]["type"]) == (200, "response.failed")
        served.answering(begun, OVERLOAD)
        assert (await served.post({"stream": False}))[0] == 503

    serve(scenario, dialect="messages")


def test_a_reset_connection_is_a_failure(serve: Callable[..., None], wire: Any) -> None:
    """A connection that breaks off fails the response; after a finish reason the answer is whole."""

    async def scenario(served: Any) -> None:
        for finish, expected in ((None, "response.failed"), ("stop", "response.completed")):
            seen = asyncio.Event()
            body = wire.chat({"content": "Hi"}, finish=finish, done=False)

            async def cut(request: web.Request, body: bytes = body, seen: asyncio.Event = seen) -> web.StreamResponse:
                response = await served.upstream.stream(request, body)
                await seen.wait()
                assert request.transport is not None
                request.transport.abort()
                return response

            served.upstream.answer = cut
            asked = {"model": "m", "input": "Hi", "stream": True}
            async with served.session.post(served.url + "/v1/responses", json=asked) as response:
                begun = await response.content.readuntil(b'"delta":"Hi","logprobs":[]}\n\n')
                seen.set()
                assert served.events(begun + await response.read())[-1]["type"] == expected

    serve(scenario)


def test_an_upstream_that_is_not_there(serve: Callable[..., None]) -> None:
    """A refused connection is a 502 that does not name the address."""

    async def scenario(served: Any) -> None:
        object.__setattr__(served.proxy.config, "upstream", "http://127.0.0.1:9")
        status, _, body = await served.post({})
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (502, "upstream_unreachable")
        assert "127.0.0.1" not in error["message"]

    serve(scenario)


def test_two_requests_at_once_never_mix(serve: Callable[..., None], wire: Any) -> None:
    """Concurrent streams each carry their own text, ids and numbers."""

    async def scenario(served: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            name = (await request.json())["messages"][0]["content"]
            pieces = [wire.chat({"content": name}, finish=None, done=False)] * 5
            response = await served.upstream.stream(request)
            for piece in pieces:
                await response.write(piece)
                await asyncio.sleep(0)
            await response.write(wire.chat())
            return response

        served.upstream.answer = answer
        names = [f"<{number}>" for number in range(12)]
        answers = await asyncio.gather(*(served.post({"input": name, "stream": True}) for name in names))
        for name, (_, _, body) in zip(names, answers, strict=True):
            assert [event["sequence_number"] for event in served.events(body)] == list(range(len(served.events(body))))
            assert served.events(body)[-1]["response"]["output"][0]["content"][0]["text"] == name * 5
        assert len({served.events(body)[0]["response"]["id"] for _, _, body in answers}) == len(names)

    serve(scenario)


def test_warnings_are_a_header(serve: Callable[..., None], wire: Any) -> None:
    """What was dropped is named in responses-proxy-warnings."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}))
        _, headers, _ = await served.post({"tools": [{"type": "web_search"}]})
        assert headers["responses-proxy-warnings"] == "web_search tool dropped"

    serve(scenario)


def test_an_internal_error_is_a_500_without_details(serve: Callable[..., None], monkeypatch: Any) -> None:
    """A fault of the proxy itself is OpenAI's error body, not a traceback."""

    async def scenario(served: Any) -> None:
        def broken(*args: Any) -> Any:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(served.proxy, "_translate", broken)
        status, _, body = await served.post({})
        assert (status, b"secret detail" in body) == (500, False)
        monkeypatch.setattr(served.proxy, "_translate", lambda *args: (_ for _ in ()).throw(ApiError(418, "t")))
        assert (await served.post({}))[0] == 418

    serve(scenario)


def test_a_fault_in_the_relay_is_a_500(serve: Callable[..., None], wire: Any, monkeypatch: Any) -> None:
    """A fault of the proxy after the request was sent upstream is an error body too."""

    async def scenario(served: Any) -> None:
        def broken(*args: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(served.proxy._store, "put", broken)
        served.answering(wire.chat({"content": "Hi"}))
        status, _, body = await served.post({"stream": False})
        assert (status, b"secret detail" in body) == (500, False)

    serve(scenario)
