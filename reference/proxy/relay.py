"""One exchange under way: upstream bytes in, events out, with everything that has to do with time.

Commit: at the upstream's first event or when the keep-alive interval passes, whichever is first; until then a
failure is an HTTP status. One coroutine writes, so frames never interleave; when the client goes, the task is
cancelled and the upstream connection closed with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from typing import Any

import aiohttp
import msgspec
from starlette.types import Receive, Scope, Send

from .config import Config
from .errors import ApiError, raised
from .store import Frames
from .translation import Translation
from .upstream import LOST, Upstream, read

log = logging.getLogger("reference.proxy")
_GRACE = 5.0  # seconds for the usage chunk and [DONE] once the upstream has said why it stopped


@dataclass(eq=False)
class Relay:
    """An ASGI response, which logs itself in one line when it is over."""

    upstream: Upstream
    config: Config
    translation: Translation
    running: set[Relay]
    """Where it stands while it runs."""
    label: str
    headers: dict[str, str]
    _: KW_ONLY
    client_key: str | None
    streaming: bool
    started: float
    """When the request came, in seconds of the monotonic clock."""
    finished: Callable[[bytes | None], None] | None
    """Called with the packed frames of a stream before the last of them is written."""

    def __post_init__(self) -> None:
        self._kept = Frames() if self.streaming and self.finished is not None else None
        self._response: aiohttp.ClientResponse | None = None
        self._timer: asyncio.Timeout | None = None
        self._stopping = False
        self._first_byte: float | None = None
        self._outcome = "cancelled"

    def stop(self) -> None:
        """End with ``response.failed`` at once: the server is shutting down."""
        self._stopping = True
        if self._timer is not None:
            with suppress(RuntimeError):
                self._timer.reschedule(asyncio.get_running_loop().time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the exchange until it is over or the client has gone."""
        self.running.add(self)
        try:
            await self._run(receive, send)
        finally:
            self.running.discard(self)
            if log.isEnabledFor(logging.INFO):
                self._log()

    async def _run(self, receive: Receive, send: Send) -> None:
        work = asyncio.ensure_future(self._serve(send))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error

    def _log(self) -> None:
        stream, warnings = self.translation.stream, "; ".join(self.translation.warnings)
        log.info(
            "%s %s first=%s total=%.3fs in=%s out=%s%s%s%s",
            self.label,
            self._outcome,
            f"{self._first_byte - self.started:.3f}s" if self._first_byte else "-",
            time.monotonic() - self.started,
            stream.usage.input if stream.usage else "-",
            stream.usage.output if stream.usage else "-",
            f" failure={stream.failure.message!r}" if stream.failure else "",
            f" warnings={warnings!r}" if warnings else "",
            f" calls_dropped={stream.dropped}" if stream.dropped else "",
        )

    async def _serve(self, send: Send) -> None:
        posting = asyncio.ensure_future(self._open())
        try:
            await (self._stream(send, posting) if self.streaming else self._whole(send, posting))
            if self.translation.stream.failure is None:
                await self._drain()
        except ApiError as error:
            self._outcome = f"error {error.status}"
            await answer(send, error, self.headers)
        except Exception as error:  # noqa: BLE001 - the last resort
            log.error("internal error: %s", raised(error))
            if self._first_byte is None:
                await answer(send, ApiError(500, "The proxy failed on this answer."), self.headers)
        finally:
            posting.cancel()
            if self._response is not None:
                self._response.close()

    async def _open(self) -> aiohttp.ClientResponse:
        translation = self.translation
        response = await self.upstream.open(
            "POST", translation.path, translation.body, self.client_key, "text/event-stream"
        )
        self._response = response
        return response

    async def _drain(self) -> None:
        """Let the last bytes of a finished answer arrive, so that its connection can be used again."""
        with suppress(*LOST, TimeoutError):
            async with asyncio.timeout(0.2):
                while self._response is not None and await self._response.content.readany():
                    pass

    async def _stream(self, send: Send, posting: asyncio.Future[aiohttp.ClientResponse]) -> None:
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",
            **self.headers,
        }
        async for frames in self._frames(posting):
            if self._first_byte is None:
                self._first_byte = time.monotonic()
                await send(_start(200, headers))
            await send({"type": "http.response.body", "body": frames, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _whole(self, send: Send, posting: asyncio.Future[aiohttp.ClientResponse]) -> None:
        async for _ in self._frames(posting):
            pass
        stream = self.translation.stream
        if stream.failure is not None:
            raise stream.failure
        self._first_byte = time.monotonic()
        await send(_start(200, {"Content-Type": "application/json", **self.headers}))
        await send({"type": "http.response.body", "body": msgspec.json.encode(stream.result)})

    async def _frames(self, posting: asyncio.Future[aiohttp.ClientResponse]) -> AsyncIterator[bytes]:
        """Drive the translation to its end.

        Raises ApiError when it fails before anything was committed.
        """
        stream, reader = self.translation.stream, self.translation.reader
        clock = asyncio.get_running_loop().time
        committed, heard, sent = False, clock(), clock()
        while stream.result is None:
            limit = min(_GRACE, self.config.idle_timeout) if stream.reason else self.config.idle_timeout
            fresh = False
            due = sent + self.config.keep_alive if self.streaming else heard + limit
            try:
                chunk = await self._read(posting, min(due, heard + limit))
            except TimeoutError:
                self._late(clock() >= heard + limit, committed)
                committed = committed or stream.result is None
            except ApiError as error:
                stream.fail(error)
            except LOST:
                self._lost()
            else:
                fresh, heard = True, clock()
                reader.feed(chunk, time.time()) if chunk else reader.eof(time.time())
                if self.streaming and committed and stream.result is None and heard >= due:
                    stream.keep_alive()  # the upstream talks, but not about the answer
            if stream.failure is not None and not committed and not reader.started:
                raise stream.failure
            committed = committed or reader.started
            frames = stream.take() if committed or stream.result is not None else b""
            if frames:
                self._keep(frames)
                yield frames
                sent = clock()
                heard = sent if fresh else heard  # a client that reads slowly is not a silent upstream

    def _keep(self, frames: bytes) -> None:
        stream = self.translation.stream
        if self._kept is not None:
            self._kept.add(frames)
        if stream.result is not None:
            self._outcome = stream.result["status"]
            if self.finished is not None:
                self.finished(self._kept.pack() if self._kept is not None else None)

    async def _read(self, posting: asyncio.Future[aiohttp.ClientResponse], deadline: float) -> bytes:
        """The next bytes of the answer, b"" at its end; TimeoutError when the deadline passes."""
        async with asyncio.timeout_at(0 if self._stopping else deadline) as self._timer:
            if self._response is None:
                await asyncio.shield(posting)
            response = await posting
            return await read(response.content)

    def _late(self, silent: bool, committed: bool) -> None:
        """The time is up: for the server, for the upstream, or only for the client's patience."""
        stream = self.translation.stream
        stream.now = time.time()
        if self._stopping:
            stream.fail(ApiError(503, "The server is shutting down.", code="server_shutdown"))
        elif silent and stream.reason is not None:
            stream.end(explicit=False)
        elif silent:
            stream.fail(ApiError(504, "The upstream was silent for too long.", code="upstream_timeout"))
        elif committed:
            stream.keep_alive()

    def _lost(self) -> None:
        stream = self.translation.stream
        stream.now = time.time()
        if stream.reason is not None:
            stream.end(explicit=False)
        else:
            stream.fail(ApiError(502, "The connection to the upstream was lost.", code="upstream_error"))


async def answer(send: Send, error: ApiError, headers: dict[str, str]) -> None:
    """Send an error as an HTTP answer."""
    await send(_start(error.status, {"Content-Type": "application/json", **error.headers(), **headers}))
    await send({"type": "http.response.body", "body": error.body()})


def _start(status: int, headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
