"""A process that is killed: no response whose end a client has seen is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

STREAMS = 60
AT_ONCE = 8
"""How many streams the upstream ends at the same time; the kill meets these in whatever state they are."""


class Upstream:
    """Begins every stream, and ends them a few at a time once all have begun."""

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._begun = 0
        self.all_begun = asyncio.Event()
        self.ends = asyncio.Semaphore(0)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        text = (await request.json())["messages"][-1]["content"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_chunk({"content": text}))
        self._begun += 1
        if self._begun == self._streams:
            self.all_begun.set()
        await self.ends.acquire()
        await response.write(_chunk({"content": f"{text}!"}) + _chunk({}, "stop") + b"data: [DONE]\n\n")
        return response


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: %b\n\n" % json.dumps(chunk).encode()


@asynccontextmanager
async def _listening(upstream: Upstream) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/v1/chat/completions", upstream.answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _proxy(upstream: str, store: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    options = ["--upstream", upstream, "--dialect", "vllm", "--port", "0", "--store", str(store), "--quiet"]
    command = [sys.executable, "-m", "reference.proxy", *options]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        said = (await process.stderr.readline()).decode()
        yield process, said.split()[1].removesuffix("/v1")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _ask(session: ClientSession, url: str, number: int, ended: asyncio.Queue[dict[str, Any]]) -> None:
    """Read one stream until its end or the end of the process; report the response of a terminal event."""
    asked = {"model": "m", "input": f"<{number}>", "stream": True}
    with suppress(ClientError, OSError):
        async with session.post(f"{url}/v1/responses", json=asked) as response:
            while frame := await response.content.readuntil(b"\n\n"):
                if frame.startswith(b"event: response.completed\n"):
                    ended.put_nowait(json.loads(frame.partition(b"data: ")[2])["response"])


async def _kill_in_the_middle(url: str, upstream: Upstream, process: Any, after: int) -> list[dict[str, Any]]:
    """The responses whose end a client saw, when the process is killed right after ``after`` of them."""
    ended: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    seen: list[dict[str, Any]] = []
    async with ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None)) as session:
        asking = [asyncio.ensure_future(_ask(session, url, number, ended)) for number in range(STREAMS)]
        await upstream.all_begun.wait()
        for _ in range(AT_ONCE):
            upstream.ends.release()
        while len(seen) < after:
            seen.append(await ended.get())
            upstream.ends.release()
        process.send_signal(signal.SIGKILL)
        await asyncio.gather(*asking)  # what was on its way to a client when the process died was received too
    while not ended.empty():
        seen.append(ended.get_nowait())
    return seen


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("after", [1, STREAMS // 2])
def test_no_ended_response_is_lost_by_a_kill(tmp_path: Path, after: int) -> None:
    """After kill -9 among concurrent stored streams, every response that a client saw end is there, whole."""

    async def scenario() -> None:
        upstream, store = Upstream(STREAMS), tmp_path / "store.db"
        async with asyncio.timeout(120), _listening(upstream) as address:
            async with _proxy(address, store) as (process, url):
                seen = await _kill_in_the_middle(url, upstream, process, after)
                assert await process.wait() == -signal.SIGKILL
            assert after <= len(seen) < STREAMS, "the kill must come in the middle"
            async with _proxy(address, store) as (_, url), ClientSession() as session:
                for response in seen:
                    async with session.get(f"{url}/v1/responses/{response['id']}") as kept:
                        assert (kept.status, await kept.json()) == (200, response)
                    async with session.get(f"{url}/v1/responses/{response['id']}/input_items") as items:
                        said = (await items.json())["data"][0]["content"][0]["text"]
                    assert response["output"][0]["content"][0]["text"] == f"{said}{said}!"
            with sqlite3.connect(store) as database:
                assert database.execute("pragma integrity_check").fetchone() == ("ok",)
            database.close()

    asyncio.run(scenario())
