"""Live miniatures: small wrong relays, one for each mechanism of driving.

    client ──▶ front ──▶ right target ──▶ back ──▶ fake upstream

A relay stands in front of a right target, or between it and its upstream, and spoils what passes. They prove
that the mechanisms see on real connections what pure miniatures only write down: time, resets, a client that
leaves, state, mixed answers, requests upstream.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

__all__ = ["LIVE_MINIATURES", "LiveMiniature", "Relay"]

_ON_THE_WAY = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
_TIMEOUT = 20.0  # seconds that a relay waits for the server behind it


@dataclass(frozen=True)
class LiveMiniature:
    """A wrong relay: where it stands, how it spoils what passes, and the rules that must see it."""

    name: str
    description: str
    place: Literal["front", "back"]
    mechanism: str
    for_rules: tuple[str, ...]


LIVE_MINIATURES: Mapping[str, LiveMiniature] = MappingProxyType(
    {
        live.name: live
        for live in (
            LiveMiniature(
                "holds-back",
                "Collects the whole answer before it passes any of it on.",
                "front",
                "held back",
                ("stream.not-held-back", "stream.each-delta-at-once"),
            ),
            LiveMiniature(
                "resets",
                "Resets the client's connection in the middle of the answer.",
                "front",
                "reset",
                ("delivery.body-ends-cleanly",),
            ),
            LiveMiniature(
                "retries",
                "Asks the upstream a second time when it has refused.",
                "back",
                "retry",
                ("retry.none-by-the-target",),
            ),
            LiveMiniature(
                "reads-on",
                "Goes on reading the answer when the client is gone.",
                "front",
                "disconnect",
                ("delivery.cancels-when-client-leaves",),
            ),
            LiveMiniature(
                "forgets",
                "Takes previous_response_id out of requests.",
                "front",
                "state",
                ("history.previous-response-continued",),
            ),
            LiveMiniature(
                "crosses",
                "Gives every client the first client's answer.",
                "front",
                "crossing",
                ("delivery.response-ids-unique",),
            ),
            LiveMiniature(
                "queues",
                "Serves one client after the other.",
                "front",
                "concurrency",
                ("delivery.clients-independent",),
            ),
            LiveMiniature(
                "drops-system",
                "Leaves the system text out of requests upstream.",
                "back",
                "upstream request",
                ("upstream.system-text-arrives",),
            ),
        )
    }
)


class Relay:
    """One relay while it runs. Use it as a context manager; `url` is where it listens.

    `behind` is the URL of the server that it passes requests on to.
    """

    def __init__(self, miniature: LiveMiniature, behind: str) -> None:
        self.miniature = miniature
        self._behind = urlsplit(behind)
        self._first_answer: tuple[int, list[tuple[str, str]], bytes] | None = None
        self._lock = threading.Lock()
        self._turn = threading.Lock() if miniature.name == "queues" else nullcontext()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with relay._turn:
                    relay._pass_on(self)

            do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _pass_on(self, client: BaseHTTPRequestHandler) -> None:
        client.close_connection = True
        body = client.rfile.read(int(client.headers.get("content-length") or 0))
        body = self._request(body)
        connection, answer = self._ask(client, body)
        if self.miniature.name == "retries" and answer.status >= 400:
            connection.close()
            connection, answer = self._ask(client, body)
        try:
            self._answer(client, answer)
        finally:
            connection.close()

    def _ask(
        self, client: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._behind.hostname or "", self._behind.port or 80, timeout=_TIMEOUT)
        headers = {name: value for name, value in client.headers.items() if name.lower() not in _ON_THE_WAY}
        connection.request(client.command, client.path, body or None, headers)
        return connection, connection.getresponse()

    def _request(self, body: bytes) -> bytes:
        """What becomes of a request's body."""
        name = self.miniature.name
        if name not in ("forgets", "drops-system") or not body:
            return body
        value = json.loads(body)
        if name == "forgets":
            value.pop("previous_response_id", None)
        else:
            value.pop("system", None)
            said = value.get("messages") or []
            value["messages"] = [one for one in said if one.get("role") not in ("system", "developer")]
        return json.dumps(value).encode()

    def _answer(self, client: BaseHTTPRequestHandler, answer: http.client.HTTPResponse) -> None:
        name = self.miniature.name
        headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in _ON_THE_WAY]
        if name in ("holds-back", "crosses"):
            whole = (answer.status, headers, answer.read())
            if name == "crosses" and client.command == "POST":
                with self._lock:
                    self._first_answer = whole = self._first_answer or whole
            _write_whole(client, *whole)
        else:
            self._stream(client, answer, headers)

    def _stream(
        self, client: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, headers: list[tuple[str, str]]
    ) -> None:
        """Pass pieces on as they come; spoilt as the miniature does it."""
        client.send_response_only(answer.status)
        for key, value in [*headers, ("transfer-encoding", "chunked"), ("connection", "close")]:
            client.send_header(key, value)
        client.end_headers()
        passed, gone = 0, False
        while piece := _read(answer):
            if not gone:
                gone = not _send(client, b"%x\r\n%s\r\n" % (len(piece), piece))
            if gone and self.miniature.name != "reads-on":
                return
            passed += 1
            if self.miniature.name == "resets" and passed == 2:
                # Linger with a time of zero: closing the socket sends a reset.
                client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.connection.close()
                return
        _send(client, b"0\r\n\r\n")


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The next piece of an answer; nothing at its end, clean or not."""
    try:
        return answer.read1(65536)
    except (OSError, http.client.HTTPException):
        return b""


def _send(client: BaseHTTPRequestHandler, data: bytes) -> bool:
    """Whether the client was still there."""
    try:
        client.wfile.write(data)
        client.wfile.flush()
    except OSError:
        return False
    return True


def _write_whole(client: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    client.send_response_only(status)
    for key, value in [*headers, ("content-length", str(len(body))), ("connection", "close")]:
        client.send_header(key, value)
    client.end_headers()
    _send(client, body)
