"""The suite's own HTTP client: one request, one connection, every read kept with its time.

It is built on `http.client` because a client that judges wants nothing done for it: no pool (a stale
connection would look like a reset), no proxy variables, no decompression (it asks for `identity`), no
retries, no redirects.

A hang is a finding, never a hang of the suite: connecting, the wait for the status line, each wait between
two reads and the whole exchange have deadlines; the last one holds even against a target that trickles
headers.

    Endpoint    where the target's API is
    Deadlines   how long to wait for what
    Hooks       what a drive does while the exchange runs
    send        one request; returns the `Exchange`, raises TargetError when nothing accepts the connection
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from conformance.errors import HarnessError, TargetError
from conformance.packing import CODINGS, pack
from conformance.transcript import ClientRequest, Exchange, Received, StreamEnd

__all__ = ["Deadlines", "Endpoint", "Hooks", "send"]

_READ_SIZE = 65536
_OWN_HEADERS = (("accept-encoding", "identity"), ("user-agent", "responses-conformance"))


@dataclass(frozen=True)
class Deadlines:
    """Seconds to wait: for a connection, for the status line, for each read after it, for everything."""

    connect: float = 5.0
    first_byte: float = 10.0
    idle: float = 10.0
    total: float = 60.0


@dataclass(frozen=True)
class Endpoint:
    """Where a target's API is: `url` is scheme, host and port, `base` the path before `/responses` ("/v1").

    `headers` are sent with every request (the API key).
    """

    url: str
    base: str = "/v1"
    headers: Mapping[str, str] = field(default_factory=dict)
    deadlines: Deadlines = Deadlines()


def _carry_on(data: bytes) -> bool:
    return bool(data)


def _wait_for_answer() -> bool:
    return True


@dataclass(frozen=True)
class Hooks:
    """What happens while an exchange runs: each returns False to make the client leave.

    `before_answer` is called once the request is sent, `on_read` with each piece of the body as it arrives.
    """

    before_answer: Callable[[], bool] = _wait_for_answer
    on_read: Callable[[bytes], bool] = _carry_on


def send(
    endpoint: Endpoint,
    method: str,
    path: str,
    body: Any,
    *,
    headers: Mapping[str, str] | None = None,
    packed: bool = False,
    spaces: int = 0,
    hooks: Hooks | None = None,
    started: float | None = None,
) -> Exchange:
    """Send one request and read all that follows.

    `path` is relative to the endpoint's base ("/responses"). A header whose value is empty is left out, of the
    endpoint's too. `body` is a JSON value, raw bytes, or None for no body; `packed` packs it in the
    `content-encoding` among the headers, else gzip; `spaces` come before it. Times count from `started` (on
    `time.monotonic()`; now if None). Raises TargetError when nothing accepts the connection, HarnessError when the
    body cannot be written as JSON, or packed.
    """
    payload, own = _payload(body), dict(headers or {})
    if payload is not None and packed:
        payload = _packed(payload, own.setdefault("content-encoding", "gzip"), spaces)
    elif payload is not None and spaces:
        payload = b" " * spaces + payload
    sent_headers = _headers(endpoint, body, payload, own)
    exchange = Exchange(ClientRequest(method, endpoint.base + path, sent_headers, body))
    _Call(endpoint, exchange, payload, hooks or Hooks(), time.monotonic() if started is None else started).run()
    return exchange


def _payload(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as trouble:
        raise HarnessError(f"a request that is no JSON ({trouble}): give the case a raw_body instead") from trouble


def _packed(payload: bytes, coding: str, spaces: int) -> bytes:
    for known in CODINGS:
        if coding == known:
            return pack(payload, known, spaces)
    raise HarnessError(f"no body can be packed as {coding!r}: use one of {', '.join(CODINGS)}")


def _headers(
    endpoint: Endpoint, body: Any, payload: bytes | None, own: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    streams = isinstance(body, dict) and body.get("stream") is True
    headers = {"host": urlsplit(endpoint.url).netloc, **dict(_OWN_HEADERS)}
    headers["accept"] = "text/event-stream" if streams else "application/json"
    if payload is not None:
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(payload))
    headers |= {name.lower(): value for name, value in endpoint.headers.items()}
    headers |= {name.lower(): value for name, value in own.items()}
    return tuple((name, value) for name, value in headers.items() if value)


class _Left(Exception):  # noqa: N818 - not an error: the case wants it
    """Raised when a hook makes the client leave."""


class _Call:
    """One exchange while it runs."""

    def __init__(
        self, endpoint: Endpoint, exchange: Exchange, payload: bytes | None, hooks: Hooks, started: float
    ) -> None:
        self.endpoint = endpoint
        self.exchange = exchange
        self.payload = payload
        self.hooks = hooks
        self.started = started
        self.received: list[Received] = []
        self.response: http.client.HTTPResponse | None = None
        self.expired = False
        self.waiting_for = "the status line"

    def run(self) -> None:
        connection = self._connect()
        watchdog = threading.Timer(self.endpoint.deadlines.total, self._expire, (connection.sock,))
        watchdog.daemon = True
        watchdog.start()
        try:
            ended, problem = self._converse(connection)
        finally:
            watchdog.cancel()
            if self.response is not None:
                self.response.close()
            connection.close()
        self.exchange.received = tuple(self.received)
        self.exchange.ended = ended
        self.exchange.problem = problem
        self.exchange.ended_at = time.monotonic() - self.started

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.endpoint.url)
        timeout = self.endpoint.deadlines.connect
        connection = (
            http.client.HTTPSConnection(
                url.hostname or "", url.port, timeout=timeout, context=ssl.create_default_context()
            )
            if url.scheme == "https"
            else http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
        )
        try:
            connection.connect()
        except ssl.SSLError as trouble:
            connection.close()
            raise TargetError(f"no TLS with {self.endpoint.url}: {trouble}") from trouble
        except (OSError, UnicodeError) as trouble:
            connection.close()
            raise TargetError(f"nothing accepts connections at {self.endpoint.url}: {trouble}") from trouble
        return connection

    def _expire(self, sock: socket.socket) -> None:
        """The total deadline: end the connection under whatever waits on it."""
        self.expired = True
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself in this very moment

    def _converse(self, connection: http.client.HTTPConnection) -> tuple[StreamEnd, str | None]:
        """Send and read. Returns how it ended, and that in words unless it is complete."""
        try:
            ended, problem = self._send_and_read(connection)
        except _Left:
            return "client-left", "the client left on purpose, as the case says"
        except TimeoutError:
            return "deadline", self._waited()
        except http.client.IncompleteRead:
            ended, problem = "truncated", "the connection closed before the chunked body had ended"
        except ConnectionError as trouble:
            ended, problem = self._broken(trouble)
        except (http.client.HTTPException, OSError) as trouble:
            words = f"{type(trouble).__name__}: {trouble}"
            ended, problem = (
                ("no-answer" if self.exchange.status is None else "truncated"),
                f"no HTTP came: {words}",
            )
        if self.expired:
            return "deadline", f"the exchange had not ended after {self.endpoint.deadlines.total:g} s"
        return ended, problem

    def _broken(self, trouble: ConnectionError) -> tuple[StreamEnd, str]:
        if self.exchange.status is None:
            return "no-answer", f"the connection closed without a status ({type(trouble).__name__})"
        return (
            "reset",
            f"the connection was reset after {sum(len(r.data) for r in self.received)} bytes of the body",
        )

    def _waited(self) -> str:
        deadlines = self.endpoint.deadlines
        waited = deadlines.first_byte if self.exchange.status is None else deadlines.idle
        return f"nothing came for {waited:g} s while waiting for {self.waiting_for}"

    def _send_and_read(self, connection: http.client.HTTPConnection) -> tuple[StreamEnd, str | None]:
        self._send(connection)
        sock = connection.sock
        if not self.hooks.before_answer():
            raise _Left
        sock.settimeout(self.endpoint.deadlines.first_byte)
        self.response = response = connection.getresponse()
        self.exchange.status = response.status
        self.exchange.headers = tuple(response.getheaders())
        self.waiting_for = "the body"
        # Through `sock`: under `Connection: close` the connection has already given the socket away.
        sock.settimeout(self.endpoint.deadlines.idle)
        while data := response.read1(_READ_SIZE):
            self.received.append(Received(time.monotonic() - self.started, data))
            self.waiting_for = "more of the body"
            if not self.hooks.on_read(data):
                raise _Left
        if response.length:
            return "truncated", f"the body ended {response.length} bytes before its content-length"
        return "complete", None

    def _send(self, connection: http.client.HTTPConnection) -> None:
        request = self.exchange.request
        connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        try:
            connection.endheaders(self.payload)
        except (BrokenPipeError, ConnectionResetError):
            # A target may refuse a large body before it has read all of it: its answer still counts.
            return
