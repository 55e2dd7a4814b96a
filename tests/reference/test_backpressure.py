"""A client that does not read stops the proxy from reading, so that nothing piles up in between."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

PIECE = "x" * (64 << 10)
PIECES = 384
WHOLE = PIECES * len(PIECE)
STALL = 0.5
"""Seconds after which a write of the upstream counts as held up."""
BUFFER = 256 << 10


def _bound(held: Any, option: int) -> None:
    """Give a socket a small buffer, so that the kernel does not take in what the proxy must hold back."""
    held.setsockopt(socket.SOL_SOCKET, option, BUFFER)


class Flood:
    """An upstream that writes as fast as it may, counts, and notices when it is held up."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self.written = 0
        self.held_up: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """How many bytes it could write until then."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        _bound(request.transport.get_extra_info("socket"), socket.SO_SNDBUF)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        chunk = self._wire.chat({"content": PIECE}, finish=None, done=False)
        for _ in range(PIECES):
            writing = asyncio.ensure_future(response.write(chunk))
            done, _ = await asyncio.wait((writing,), timeout=STALL)
            if not done and not self.held_up.done():
                self.held_up.set_result(self.written)
            await writing
            self.written += len(chunk)
        if not self.held_up.done():
            self.held_up.set_result(self.written)
        await response.write(self._wire.chat())
        return response


def _socket(address: Any) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    _bound(made, socket.SO_RCVBUF)
    return made


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    client = socket.socket()
    _bound(client, socket.SO_RCVBUF)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (host, int(port)))
    return await asyncio.open_connection(sock=client, limit=BUFFER)


def test_a_slow_reader_holds_the_upstream_back(
    serve: Callable[..., None], wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upstream is stopped early while the client does not read, and nothing is lost or given up for it."""

    async def scenario(served: Any) -> None:
        flood = Flood(wire)
        served.upstream.answer = flood.answer
        asked = json.dumps({"model": "m", "input": "Hi", "stream": True, "store": False}).encode()
        reader, writer = await _connect(served.url)
        with closing(writer):
            head = (
                f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(asked)}\r\n\r\n"
            )
            writer.write(head.encode() + asked)
            written = await flood.held_up
            assert written < WHOLE // 2, f"{written} of {WHOLE} bytes: the proxy took in what its client did not read"
            length, tail = 0, b""
            while piece := await reader.read(BUFFER):
                length, tail = length + len(piece), (tail + piece)[-100:]
        assert flood.written > WHOLE
        # The text goes out once as deltas, then in text.done, part.done, item.done and in the terminal event.
        assert length > 5 * WHOLE
        assert tail.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")

    monkeypatch.setattr(aiohttp, "TCPConnector", partial(aiohttp.TCPConnector, socket_factory=_socket))
    serve(scenario, idle_timeout=STALL / 2)
