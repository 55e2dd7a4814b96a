"""A dialect of two routes and no subtleties, the upstream that speaks it, and two readers to look at it with."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import pytest
import requests
import urllib3

from fakes.faults import Faults
from fakes.log import Objection
from fakes.reply import Frame, HttpFailure, Reply
from fakes.script import Dialect, Reasoning, Script, Text
from fakes.upstream import FakeUpstream

STREAM = (("content-type", "text/event-stream; charset=utf-8"),)
JSON = (("content-type", "application/json"),)


class PlainDialect:
    """Chat-shaped events of one piece each; refuses a `temperature` that is not a number."""

    name: Dialect = "chat_completions"
    completion_path = "/v1/chat/completions"
    quirks = frozenset({"explode"})

    def encode(self, script: Script, request: Mapping[str, Any]) -> Reply:
        if "explode" in script.quirks:
            raise ZeroDivisionError("boom in the encoder")
        pieces = [piece for part in script.parts if isinstance(part, Text | Reasoning) for piece in part.pieces]
        if request.get("stream") is not True:
            return Reply(200, JSON, (Frame(json.dumps({"text": "".join(pieces)}).encode()),))
        frames = [Frame(event(piece), piece) for piece in pieces]
        return Reply(200, STREAM, (Frame(event("")), *frames, Frame(b"data: [DONE]\n\n")))

    def failure(self, failure: HttpFailure) -> Reply:
        body = failure.body or json.dumps({"error": {"message": failure.message, "code": failure.code}}).encode()
        headers = JSON if failure.retry_after is None else (*JSON, ("retry-after", failure.retry_after))
        return Reply(failure.status, headers, (Frame(body),))

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        return Reply(200, JSON, (Frame(b'{"data": []}'),)) if path == "/v1/models" else None

    def unknown_route(self, method: str, path: str) -> Reply:
        return Reply(404, JSON, (Frame(b'{"detail": "Not Found"}'),))

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        if isinstance(body, dict) and not isinstance(body.get("temperature", 1), int | float):
            refusal = {"error": {"message": "temperature must be a number"}}
            return (Objection("plain.temperature", "temperature", "not a number", "tests", 422, refusal),)
        return ()


def event(piece: str) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [{"index": 0, "delta": {"content": piece}}]}).encode() + b"\n\n"


@pytest.fixture
def plain() -> PlainDialect:
    return PlainDialect()


@pytest.fixture
def upstream(plain: PlainDialect) -> Iterator[FakeUpstream]:
    with FakeUpstream(plain, faults=Faults(pause=0.05, stall_limit=5.0)) as fake:
        yield fake


@dataclass
class Reading:
    """What a client saw: `ended` is "complete", "incomplete" or "reset"; chunks are HTTP's, with their times."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    ended: str = "complete"

    @property
    def pieces(self) -> list[bytes]:
        return [data for _, data in self.chunks]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


class Reader(Protocol):
    """Posts a body and reads the answer chunk by chunk, telling `on_chunk` the body so far."""

    def __call__(
        self, url: str, body: Mapping[str, Any], on_chunk: Callable[[bytes], None] | None = None
    ) -> Reading: ...


def read_with_requests(url: str, body: Mapping[str, Any], on_chunk: Callable[[bytes], None] | None = None) -> Reading:
    reading = Reading()
    try:
        with requests.post(url, json=dict(body), stream=True, timeout=20) as response:
            reading.status, reading.headers = response.status_code, dict(response.headers)
            raw = response.raw
            for data in raw.read_chunked() if raw.chunked else raw.stream(65536):
                reading.chunks.append((time.monotonic(), data))
                if on_chunk:
                    on_chunk(reading.body)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        reading.ended = "reset" if _is_reset(error) else "incomplete"
    return reading


def read_with_aiohttp(url: str, body: Mapping[str, Any], on_chunk: Callable[[bytes], None] | None = None) -> Reading:
    async def read() -> Reading:
        reading = Reading()
        try:
            async with aiohttp.ClientSession() as session, session.post(url, json=dict(body)) as response:
                reading.status, reading.headers = response.status, dict(response.headers)
                held = b""
                async for data, ends in response.content.iter_chunks():
                    held += data
                    if held and (ends or "Content-Length" in response.headers):
                        reading.chunks.append((time.monotonic(), held))
                        held = b""
                        if on_chunk:
                            on_chunk(reading.body)
        except aiohttp.ClientError as error:
            reading.ended = "reset" if _is_reset(error) else "incomplete"
        return reading

    return asyncio.run(read())


def _is_reset(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionResetError) and error.errno == errno.ECONNRESET:
            return True
        if f"ConnectionResetError({errno.ECONNRESET}" in str(error):  # aiohttp only words what broke a body
            return True
        nested = next((part for part in error.args if isinstance(part, BaseException)), None)
        error = nested or error.__cause__ or error.__context__
    return False


@pytest.fixture(params=[read_with_requests, read_with_aiohttp], ids=["requests", "aiohttp"])
def read(request: pytest.FixtureRequest) -> Reader:
    reader: Reader = request.param
    return reader


@pytest.fixture
def ask(upstream: FakeUpstream, read: Reader) -> Callable[..., Reading]:
    """Ask the fake for a completion of the model `token`, streamed unless said otherwise."""

    def completion(
        token: str, on_chunk: Callable[[bytes], None] | None = None, stream: bool = True, **more: Any
    ) -> Reading:
        url = upstream.url + PlainDialect.completion_path
        return read(url, {"model": token, "stream": stream, **more}, on_chunk)

    return completion


class Output(io.StringIO):
    """A stream whose lines can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text: str) -> int:
        with self._changed:
            written = super().write(text)
            self._changed.notify_all()
        return written

    def wait_for(self, pattern: str) -> re.Match[str]:
        with self._changed:
            found = self._changed.wait_for(lambda: re.search(pattern, self.getvalue()), 60)
        assert found, f"{pattern!r} is not in {self.getvalue()!r}"
        return found


@pytest.fixture
def output() -> Output:
    return Output()
