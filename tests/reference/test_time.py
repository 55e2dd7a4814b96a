"""Time: silence, signs of life, deadlines, clients that go and servers that stop."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, web


@pytest.mark.skipif(sys.platform != "linux", reason="needs a listener whose queue can be filled")
@pytest.mark.parametrize("stream", [True, False])
def test_an_upstream_that_does_not_accept(serve: Callable[..., None], stream: bool) -> None:
    """A connection that is not made in time is a 504 in OpenAI's form, streamed or not."""

    async def scenario(served: Any) -> None:
        with socket.socket() as deaf, ExitStack() as waiting:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for _ in range(8):  # more than the queue holds: who comes now is not answered at all
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(deaf.getsockname())
            object.__setattr__(served.proxy.config, "upstream", f"http://127.0.0.1:{deaf.getsockname()[1]}")
            status, _, body = await served.post({"stream": stream})
            assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_timeout")

    serve(scenario, connect_timeout=0.2)


@pytest.mark.parametrize("dialect", ["chat_completions", "messages"])
def test_signs_of_life_while_the_upstream_is_silent(serve: Callable[..., None], wire: Any, dialect: str) -> None:
    """in_progress is repeated with the items so far, before the first event and in the middle."""

    async def scenario(served: Any) -> None:
        proceed = asyncio.Event()
        whole = wire.chat({"content": "Hi"}) if dialect != "messages" else wire.messages(*wire.text_block(0, "Hi"))
        cut = whole.index(b"Hi") + 12
        cut = whole.index(b"\n\n", cut) + 2

        async def answer(request: web.Request) -> web.StreamResponse:
            await proceed.wait()
            proceed.clear()
            response = await served.upstream.stream(request, whole[:cut])
            await proceed.wait()
            await response.write(whole[cut:])
            return response

        served.upstream.answer = answer
        seen = []
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            assert response.status == 200
            while True:
                frame = await response.content.readuntil(b"\n\n")
                if frame.startswith(b"data"):
                    break
                event = served.events(frame)[0]
                seen.append(event)
                if event["type"] == "response.in_progress" and (event["response"]["output"] or len(seen) == 3):
                    proceed.set()
        silent = [event for event in seen if event["type"] == "response.in_progress"]
        assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
        assert silent[1]["response"]["output"] == []
        item = silent[-1]["response"]["output"][0]
        assert (item["status"], item["content"][0]["text"]) == ("in_progress", "Hi")
        assert seen[-1]["type"] == "response.completed"

    serve(scenario, dialect=dialect, keep_alive=0.05)


def test_an_upstream_that_only_pings_is_alive_and_says_nothing(serve: Callable[..., None], wire: Any) -> None:
    """Pings keep the upstream from being given up, and the client still gets its own signs of life."""

    async def scenario(served: Any) -> None:
        done = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = await served.upstream.stream(request, wire.messages(stop=None))
            while not done.is_set():
                await response.write(b'event: ping\ndata: {"type":"ping"}\n\n')
                await asyncio.sleep(0.02)
            await response.write(wire.messages(*wire.text_block(0, "Hi")))
            return response

        served.upstream.answer = answer
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            for _ in range(4):
                assert b"response.failed" not in await response.content.readuntil(b"\n\n")
            done.set()
            assert b"event: response.completed" in await response.read()

    serve(scenario, dialect="messages", keep_alive=0.3, idle_timeout=2)


def test_an_early_failure_after_a_sign_of_life(serve: Callable[..., None]) -> None:
    """With 200 already sent, an upstream's error status is delivered as response.failed."""

    async def scenario(served: Any) -> None:
        proceed = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            await proceed.wait()
            return web.json_response({"error": {"message": "slow"}}, status=429)

        served.upstream.answer = answer
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            await response.content.readuntil(b"\n\n")
            proceed.set()
            last = served.events(await response.read())[-1]
        assert last["type"] == "response.failed"
        assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow Please try again in 5s."}

    serve(scenario, keep_alive=0.05)


@pytest.mark.parametrize("stream", [True, False])
def test_a_silent_upstream_is_given_up(serve: Callable[..., None], wire: Any, stream: bool) -> None:
    """Silence beyond the idle time fails: a status where nothing was sent, an event in mid-stream."""

    async def scenario(served: Any) -> None:
        async def never(request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        served.upstream.answer = never
        assert (await served.post({"stream": stream}))[0] == 504
        served.answering(wire.chat({"content": "Hi"}, finish=None, done=False), hold=True)
        status, _, body = await served.post({"stream": stream})
        if stream:
            assert served.events(body)[-1]["response"]["error"]["code"] == "server_error"
        else:
            assert status == 504
        await served.upstream.gone.wait()

    serve(scenario, idle_timeout=0.5)


def test_a_finished_answer_does_not_wait_for_a_silent_socket(serve: Callable[..., None], wire: Any) -> None:
    """After a finish reason silence completes the response; after [DONE] nobody waits at all."""

    async def scenario(served: Any) -> None:
        for done in (True, False):
            served.answering(wire.chat({"content": "Hi"}, done=done), hold=True)
            assert served.events((await served.post({"stream": True}))[2])[-1]["type"] == "response.completed"

    serve(scenario, idle_timeout=0.5)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_the_upstream_is_closed_when_the_client_goes(
    serve: Callable[..., None], wire: Any, stream: bool, first: bool
) -> None:
    """A client that leaves, before the first byte or after it, ends the upstream's work, and nothing is stored."""

    async def scenario(served: Any) -> None:
        arrived = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            arrived.set()
            if not first:
                await asyncio.Event().wait()
            return await served.upstream.stream(
                request, wire.chat({"content": "Hi"}, finish=None, done=False), hold=True
            )

        served.upstream.answer = answer
        async with ClientSession() as client:
            asked = {"model": "m", "input": "Hi", "stream": stream}
            posting = asyncio.ensure_future(client.post(served.url + "/v1/responses", json=asked))
            await arrived.wait()
            if stream and first:
                await (await posting).content.readuntil(b"output_text.delta")
            posting.cancel()
        await served.upstream.gone.wait()
        assert served.proxy._store._count == 0

    serve(scenario)


def test_shutting_down_ends_streams_well(serve: Callable[..., None], wire: Any) -> None:
    """A running stream ends with response.failed when the server is told to stop."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}, finish=None, done=False), hold=True)
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            await response.content.readuntil(b"output_text.delta")
            served.proxy.stop()
            assert b"event: response.failed" in await response.read()

    serve(scenario)
