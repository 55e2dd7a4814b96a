"""HTTP/1.1 as a fake writes it: every byte, chunk boundary and way of ending a connection is decided here.

`WireServer` is pytest-httpserver's threaded server; only the writing of answers is taken over. Werkzeug would
write each chunk in four system calls, add headers of its own, close every connection, and end a failed
generator's answer as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from pytest_httpserver import HTTPServer
from werkzeug.serving import WSGIRequestHandler

from fakes.errors import FakeError

if TYPE_CHECKING:
    from werkzeug import Request

__all__ = ["ClientGoneError", "Incoming", "Wire", "WireServer", "listening_trouble"]

_CONNECTION = "fakes.connection"
_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_LINGER_NONE = struct.pack("ii", 1, 0)
_BACKLOG = 1024  # werkzeug's 128 refuses connections when hundreds of cases start at once
_STOP_POLL = 0.02  # seconds; the default of half a second is what `stop()` would cost


class ClientGoneError(ConnectionError):
    """Raised when the client of this connection has closed it."""


class _AnsweredError(ConnectionResetError):
    """Raised to tell Werkzeug that the answer is on the wire already (it drops such connections silently)."""

    def __init__(self, reusable: bool) -> None:
        self.reusable = reusable
        super().__init__()


@dataclass(frozen=True)
class Incoming:
    """One HTTP request as it arrived; header names keep their case. `at` is `time.monotonic()`."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float


class _Connection(WSGIRequestHandler):
    """One client connection, in a thread of its own."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    live: ClassVar[set[_Connection]]

    def setup(self) -> None:
        super().setup()
        self.live.add(self)

    def finish(self) -> None:
        self.live.discard(self)
        super().finish()

    def make_environ(self) -> dict[str, Any]:
        return {**super().make_environ(), _CONNECTION: self}

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        if not (isinstance(error, _AnsweredError) and error.reusable):
            self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the fake keeps its own log."""


class Wire:
    """Writes one answer to a connection. What is put is sent by the next `flush`, in one system call."""

    def __init__(self, connection: _Connection) -> None:
        self._socket: socket.socket = connection.connection
        self._http11 = connection.request_version >= "HTTP/1.1"
        self._head_only = connection.command == "HEAD"
        self._chunked = False
        self._buffer: list[bytes] = []
        self.reusable = not connection.close_connection

    def head(self, status: int, headers: Iterable[tuple[str, str]], length: int | None) -> tuple[tuple[str, str], ...]:
        """Put the status line and headers; return the headers as sent.

        With a `length` in bytes the body is framed by it, else by chunks (by the end of the connection for a
        client of HTTP/1.0). Framing headers among `headers` are dropped.
        """
        kept = [(name, value) for name, value in headers if name.lower() not in _FRAMING_HEADERS]
        if length is not None:
            kept.append(("content-length", str(length)))
        elif self._http11:
            self._chunked = not self._head_only
            kept.append(("transfer-encoding", "chunked"))
        else:
            self.reusable = False
        if not self.reusable:
            kept.append(("connection", "close"))
        lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in kept)]
        self._buffer.append("\r\n".join((*lines, "\r\n")).encode("latin-1"))
        return tuple(kept)

    def put(self, data: bytes) -> None:
        """Put one piece of the body, a chunk of its own."""
        if not data or self._head_only:
            return
        self._buffer.append(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """Put the end of the body and send everything."""
        if self._chunked:
            self._buffer.append(b"0\r\n\r\n")
        self.flush()

    def flush(self) -> None:
        """Send what was put. Raises ClientGoneError."""
        data, self._buffer = b"".join(self._buffer), []
        if not data:
            return
        try:
            self._socket.sendall(data)
        except OSError as error:
            self.reusable = False
            raise ClientGoneError(str(error)) from error

    def is_gone(self) -> bool:
        """Whether the client has closed its connection; never waits."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Close the connection as it is: a body that has not ended is then incomplete."""
        self.reusable = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Reset the connection: the client sees ECONNRESET.

        `close()` would only drop a reference (the handler's files hold others) and end in an orderly FIN.
        """
        self.reusable = False
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
            os.close(self._socket.detach())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def listening_trouble(host: str, port: int) -> str | None:
    """Why nothing can listen on an address, and what to do about it; None when something can."""
    place = f"cannot listen on {host}:{port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as trouble:
        return f"{place}: {trouble.strerror}; give an address of this machine, or 0.0.0.0 for all"
    except OSError as trouble:
        if trouble.errno == errno.EADDRINUSE:
            return f"{place}: another program listens there; end it or choose another port"
        if trouble.errno == errno.EADDRNOTAVAIL:
            return f"{place}: it is no address of this machine; give one that is, or 0.0.0.0 for all"
        return f"{place}: {trouble.strerror}; choose another port"
    return None


class WireServer(HTTPServer):
    """A threaded HTTP server that hands each request and its `Wire` to one function.

    Connections are kept alive as real services keep them. Nothing is kept in pytest-httpserver's own log.
    """

    def __init__(self, serve: Callable[[Incoming, Wire], None], host: str, port: int) -> None:
        super().__init__(host=host, port=port, threaded=True)
        self._serve = serve
        self._live: set[_Connection] = set()

    def start(self) -> None:
        """Listen. Raises FakeError when the address cannot be had."""
        trouble = listening_trouble(self.host, self.port)
        if trouble is not None:
            raise FakeError(trouble)
        try:
            super().start()
        except SystemExit as error:  # werkzeug's way of reporting a failed bind: another was quicker
            raise FakeError(f"cannot listen on {self.host}:{self.port}; choose another port") from error

    def thread_target(self) -> None:
        """Accept connections until stopped."""
        assert self.server is not None
        self.server.RequestHandlerClass = type("Connection", (_Connection,), {"live": self._live})
        self.server.socket.listen(_BACKLOG)
        self.server.serve_forever(poll_interval=_STOP_POLL)

    def application(self, request: Request) -> NoReturn:
        """Serve one request, then tell Werkzeug that nothing is left to write."""
        connection: _Connection = request.environ[_CONNECTION]
        environ = request.environ
        wire = Wire(connection)
        incoming = Incoming(
            method=environ["REQUEST_METHOD"],
            path=request.path,
            query=environ["QUERY_STRING"],
            headers=tuple(connection.headers.items()),
            body=request.get_data(cache=False),
            at=time.monotonic(),
        )
        self._serve(incoming, wire)
        raise _AnsweredError(wire.reusable)

    def stop(self, patience: float = 2.0) -> None:
        """Stop listening, close every connection, and wait at most `patience` seconds for their threads."""
        super().stop()
        for connection in tuple(self._live):
            with contextlib.suppress(OSError):
                connection.connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + patience
        waiter = threading.Event()
        while self._live and time.monotonic() < deadline:
            waiter.wait(0.002)
