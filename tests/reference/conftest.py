"""What the tests of the reference proxy share: the core as one function, and a small real upstream."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import uvicorn
from aiohttp import ClientSession, web

from reference.proxy import request as requests
from reference.proxy.app import Proxy
from reference.proxy.call_ids import CallIds
from reference.proxy.config import Config
from reference.proxy.sealed import Sealer
from reference.proxy.translation import Core, Translation, translate

TOOLS = [
    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},
    {"type": "function", "name": "g"},
]


def read_events(body: bytes) -> list[dict[str, Any]]:
    """The events of a Responses stream, with the framing checked on the way."""
    *frames, end = body.split(b"\n\n")
    assert end == b""
    events = []
    for frame in frames:
        if frame == b"data: [DONE]":
            events.append({"type": "[DONE]"})
            continue
        name, data = frame.split(b"\n")
        event = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + event["type"].encode()
        events.append(event)
    return events


@dataclass
class Outcome:
    """What one exchange through the core gave."""

    translation: Translation
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return read_events(self.body)

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("response.") for event in self.events]

    @property
    def result(self) -> dict[str, Any]:
        assert self.translation.stream.result is not None
        return self.translation.stream.result

    @property
    def sent(self) -> dict[str, Any]:
        """The upstream's request."""
        body: dict[str, Any] = json.loads(self.translation.body)
        return body

    @property
    def items(self) -> list[tuple[str, str | None, str]]:
        """Type, status and text of each item."""
        found = []
        for item in self.result["output"]:
            parts = [*item.get("content", ()), *item.get("summary", ())]
            text = item.get("arguments", item.get("input"))
            if text is None:
                text = "".join(part.get("text", part.get("refusal", "")) for part in parts)
            found.append((item["type"], item.get("status"), text))
        return found

    def joined(self, family: str) -> str:
        """The deltas of a family, joined."""
        return "".join(event["delta"] for event in self.events if event["type"] == f"response.{family}.delta")


class Exchange:
    """Runs requests through the core; one instance remembers the key and the call ids, as one proxy does."""

    def __init__(self) -> None:
        self._sealer = Sealer(b"secret")
        self._ids = CallIds()

    def prepare(
        self, request: dict[str, Any] | None = None, dialect: Any = "chat_completions", **config: Any
    ) -> Translation:
        asked = {"model": "m", "input": "Hi", "tools": TOOLS, **(request or {})}
        raw = json.dumps(asked).encode()
        parsed = requests.parse(raw)
        items = [{"role": "user", "content": parsed.input}] if isinstance(parsed.input, str) else parsed.input or []
        core = Core(Config(upstream="http://upstream", dialect=dialect, **config), self._sealer, self._ids)
        return translate(core, parsed, items, seed="5eed" * 12, now=100.0, secret="sk-top-secret")

    def __call__(
        self,
        upstream: bytes | Iterable[bytes],
        request: dict[str, Any] | None = None,
        dialect: Any = "chat_completions",
        *,
        close: bool = True,
        **config: Any,
    ) -> Outcome:
        translation = self.prepare(request, dialect, **config)
        for chunk in [upstream] if isinstance(upstream, bytes) else upstream:
            translation.reader.feed(chunk, 101.0)
        if close:
            translation.reader.eof(102.0)
        return Outcome(translation, translation.stream.take())


@pytest.fixture
def exchange() -> Exchange:
    """The core as a function of the upstream's bytes."""
    return Exchange()


class Wire:
    """Bytes as upstreams frame them."""

    USAGE: ClassVar[dict[str, Any]] = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    """Token counts as chat completions reports them."""

    @staticmethod
    def data(*events: Any) -> bytes:
        """Chat-completions events; a string is sent as it is."""
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return b"".join(b"data: " + line.encode() + b"\n\n" for line in lines)

    @classmethod
    def chat(cls, *deltas: dict[str, Any], finish: str | None = "stop", usage: Any = None, done: bool = True) -> bytes:
        """One answer: a chunk for each delta, the finish, the usage, ``[DONE]``."""
        chunks: list[Any] = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        if finish is not None:
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage is not None:
            chunks.append({"choices": [], "usage": usage})
        return cls.data(*chunks, *(["[DONE]"] if done else []))

    @staticmethod
    def call(index: int | None, text: str | None = None, **more: Any) -> dict[str, Any]:
        """A delta with one fragment of a tool call."""
        function = {"name": more.pop("name", None), "arguments": text}
        call = {"index": index, **more, "function": {k: v for k, v in function.items() if v is not None}}
        return {"tool_calls": [{key: value for key, value in call.items() if value is not None}]}

    @staticmethod
    def messages(*events: dict[str, Any], stop: str | None = "end_turn", details: Any = None) -> bytes:
        """One Messages stream around the given block events."""
        start = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}}
        end: list[dict[str, Any]] = []
        if stop is not None:
            delta = {"stop_reason": stop, "stop_details": details}
            end = [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}, {"type": "message_stop"}]
        return b"".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in [start, *events, *end]
        )

    @staticmethod
    def block(index: int, block: dict[str, Any], *deltas: dict[str, Any], stop: bool = True) -> list[dict[str, Any]]:
        """A content block: start, deltas, stop."""
        events = [{"type": "content_block_start", "index": index, "content_block": block}]
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        return [*events, {"type": "content_block_stop", "index": index}] if stop else events

    @classmethod
    def text_block(cls, index: int, *texts: str) -> list[dict[str, Any]]:
        deltas = [{"type": "text_delta", "text": text} for text in texts]
        return cls.block(index, {"type": "text", "text": ""}, *deltas)

    @classmethod
    def tool_block(cls, index: int, name: str, *pieces: str, **more: Any) -> list[dict[str, Any]]:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        return cls.block(
            index, {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}, **more}, *deltas
        )

    @classmethod
    def thinking_block(cls, index: int, *texts: str, signature: str = "sig") -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": text} for text in texts]
        deltas.append({"type": "signature_delta", "signature": signature})
        return cls.block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)


@pytest.fixture
def wire() -> type[Wire]:
    """Bytes as upstreams frame them."""
    return Wire


def stable(body: bytes) -> bytes:
    """The stream without what is random in it."""
    return re.sub(rb'"encrypted_content":"[^"]*"', b'"encrypted_content":""', body)


@pytest.fixture
def same() -> Callable[[bytes], bytes]:
    """Drops what is random in a stream."""
    return stable


@dataclass
class Upstream:
    """A real server on loopback whose answer is a coroutine of the test."""

    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.path, dict(request.headers), body))
        assert self.answer is not None
        try:
            return await self.answer(request)
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise

    async def stream(self, request: web.Request, *pieces: bytes, hold: bool = False) -> web.StreamResponse:
        """Answer with an event stream; ``hold`` leaves it open until the client goes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if hold:
            await asyncio.Event().wait()
        return response


class Served:
    """A proxy and its upstream, both really listening."""

    def __init__(self, url: str, session: ClientSession, upstream: Upstream, proxy: Proxy) -> None:
        self.url = url
        self.session = session
        self.upstream = upstream
        self.proxy = proxy

    async def post(self, body: dict[str, Any], path: str = "/v1/responses", **more: Any) -> tuple[int, Any, bytes]:
        """Status, headers and body of one POST."""
        asked = {"model": "m", "input": "Hi", **body}
        async with self.session.post(self.url + path, json=asked, **more) as response:
            return response.status, response.headers, await response.read()

    def answering(self, *pieces: bytes, hold: bool = False) -> None:
        """Let the upstream answer with an event stream."""
        self.upstream.answer = lambda request: self.upstream.stream(request, *pieces, hold=hold)

    def replying(self, status: int, body: bytes, **headers: str) -> None:
        """Let the upstream answer with a plain body."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, headers=headers, content_type="application/json")

        self.upstream.answer = answer

    @staticmethod
    def events(body: bytes) -> list[dict[str, Any]]:
        """The events of a stream, or of a piece of one, without ``[DONE]``."""
        return [event for event in read_events(body) if event["type"] != "[DONE]"]


@asynccontextmanager
async def _served(dialect: Any = "chat_completions", path: str = "", **config: Any) -> AsyncIterator[Served]:
    upstream = Upstream()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", upstream.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    proxy = Proxy(Config(upstream=f"http://127.0.0.1:{port}{path}", dialect=dialect, **config))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(proxy.app, access_log=False, log_level="critical", ws="none"))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with ClientSession() as session:
        async with session.get(url + "/health") as healthy:  # the socket listens: this waits for the start
            assert healthy.status == 200
        try:
            yield Served(url, session, upstream, proxy)
        finally:
            proxy.stop()
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await serving
            await runner.cleanup()


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Runs ``scenario(served)`` against a proxy on loopback, with a deadline."""

    def run(scenario: Callable[[Served], Awaitable[None]], *, deadline: float = 60, **config: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(deadline), _served(**config) as served:
                await scenario(served)

        asyncio.run(bounded())

    return run


@pytest.fixture
def sent(exchange: Any) -> Any:
    """The upstream's request for some input items."""

    def prepare(items: Any, dialect: str = "chat_completions", *, request: Any = None, **config: Any) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(exchange.prepare({"input": items, **(request or {})}, dialect, **config).body)
        return body

    return prepare
