"""What an upstream said before its connection broke is read, however late the proxy comes to read it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from reference.proxy.upstream import LOST, read

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def _answered(wire: bytes, then: Callable[[aiohttp.StreamReader], Awaitable[None]]) -> None:
    """Send those bytes and close; `then` gets the body when all of it, and the end, have arrived."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + wire)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        async with asyncio.timeout(10):
            while response.content.exception() is None and not response.content.is_eof():
                await asyncio.sleep(0.01)
        await then(response.content)


def test_what_came_before_the_break_comes_first() -> None:
    """The bytes, then the exception, and the same exception again."""

    async def then(content: aiohttp.StreamReader) -> None:
        assert await read(content) == b"data: 1\n\n"
        for _ in range(2):
            with pytest.raises(LOST):
                await read(content)

    asyncio.run(_answered(b"9\r\ndata: 1\n\n\r\n", then))


def test_a_break_with_nothing_before_it() -> None:
    """There is only the exception."""

    async def then(content: aiohttp.StreamReader) -> None:
        with pytest.raises(LOST):
            await read(content)

    asyncio.run(_answered(b"", then))


def test_a_whole_body_has_an_end() -> None:
    """The bytes, then nothing."""

    async def then(content: aiohttp.StreamReader) -> None:
        assert [await read(content), await read(content)] == [b"data: 1\n\n", b""]

    asyncio.run(_answered(b"9\r\ndata: 1\n\n\r\n0\r\n\r\n", then))
