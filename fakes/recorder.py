"""A recording proxy: forwards to a real upstream, and keeps each exchange byte for byte as a recording.

    with Recorder("http://127.0.0.1:8000", Path("recordings"), provenance) as recorder:
        ...  # a client of recorder.url, which may name its recordings by the header `x-recording-name`
    recorder.recorded, recorder.problems

Headers are kept by the format's allowlist, a query is left out, and an exchange whose bodies hold a secret of
its request's headers is not written. What the upstream cut, reset or fell silent in is passed on as such.
"""

from __future__ import annotations

import datetime
import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from fakes.errors import FakeError, RecordingError
from fakes.recording import Chunk, RecordedEnd, RecordedRequest, Recording, RecordingDialect, write
from fakes.recording_format import REQUEST_HEADERS, RESPONSE_HEADERS
from fakes.serving import LineLog, interruptible
from fakes.wire import ClientGoneError, Incoming, Wire, WireServer

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["NAME_HEADER", "Provenance", "Recorder", "RecorderOptions", "run"]

NAME_HEADER = "x-recording-name"
"""The request header by which a client names its recording; it is not forwarded."""

_RECORDER = "fakes.recorder, which keeps HTTP chunks apart"
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", NAME_HEADER})
_SECRETS = frozenset({"authorization", "x-api-key", "api-key", "cookie", "openai-organization", "openai-project"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_READ = 65536
_SHORTEST_SECRET = 8  # characters; anything shorter would be found in every body


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the recordings come from, as `recording.toml` says it.

    `setup` says how the server is run, with which model and where; `licence` is the SPDX identifier under which
    the recordings are given away.
    """

    dialect: RecordingDialect
    server: str
    version: str
    model: str
    setup: str
    licence: str
    configuration: str | None = None
    server_licence: str | None = None
    note: str | None = None

    @property
    def folder(self) -> Path:
        """`<dialect>/<server>-<version>[-<configuration>]`."""
        words = [self.server, self.version, *([self.configuration] if self.configuration else [])]
        return Path(self.dialect, "-".join(words))


@dataclass
class _Exchange:
    """One exchange while it goes on; times are seconds since the request was sent."""

    incoming: Incoming
    path: str
    number: int
    folder: Path
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    head_at: float = 0.0
    ended: RecordedEnd = "complete"
    ended_at: float = 0.0
    body: list[bytes] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() - self.began

    def header(self, wanted: str) -> str | None:
        return next((value for name, value in self.headers if name.lower() == wanted), None)


class Recorder:
    """The proxy. `silence` is after how many seconds without a byte the upstream counts as stalled."""

    def __init__(
        self,
        upstream: str,
        folder: Path,
        provenance: Provenance,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        silence: float = 60.0,
        on_exchange: Callable[[str], None] | None = None,
    ) -> None:
        place = urlsplit(upstream)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise FakeError(f"{upstream!r} is no URL of an upstream; give one like http://127.0.0.1:8000")
        self._place = place
        self._folder = folder / provenance.folder
        self._provenance = provenance
        self._silence = silence
        self._on_exchange = on_exchange
        self._changed = threading.Condition()
        self._count = 0
        self._running: dict[int, Path] = {}
        self._written: dict[int, Path] = {}
        self._server = WireServer(self._serve, host, port)
        self.problems: list[str] = []

    @property
    def url(self) -> str:
        """Scheme, host and port for the client."""
        return f"http://{self._server.format_host(self._server.host)}:{self._server.port}"

    @property
    def recorded(self) -> list[Path]:
        """The folders of the recordings written so far, in the order in which their requests came."""
        with self._changed:
            return [folder for _, folder in sorted(self._written.items())]

    def __enter__(self) -> Recorder:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def wait_idle(self, deadline: float) -> bool:
        """Wait at most `deadline` seconds until all exchanges so far are written; whether that came true."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, deadline)

    def _serve(self, incoming: Incoming, wire: Wire) -> None:
        exchange = self._begun(incoming)
        try:
            self._record(exchange, wire)
        finally:
            with self._changed:
                del self._running[exchange.number]
                self._changed.notify_all()

    def _begun(self, incoming: Incoming) -> _Exchange:
        """A new exchange, whose folder no other has: by the client's name, else by number and path.

        The folder is settled here and not when the exchange is written: two that end together would swap names.
        """
        path = self._place.path.rstrip("/") + incoming.path
        asked = next((value for name, value in incoming.headers if name.lower() == NAME_HEADER), "")
        words = re.sub(r"[^A-Za-z0-9]+", "_", path.removeprefix("/v1")).strip("_")
        with self._changed:
            self._count += 1
            name = asked if _WORD.fullmatch(asked) else f"{self._count:04}_{words or 'root'}"
            folder = self._running[self._count] = self._free(self._folder / name)
            return _Exchange(incoming, path, self._count, folder)

    def _free(self, wanted: Path) -> Path:
        """The wanted folder, or the first of its name and a number that neither exists nor is another exchange's."""
        folder, again = wanted, 2
        while folder in self._running.values() or folder.exists():
            folder, again = wanted.with_name(f"{wanted.name}_{again}"), again + 1
        return folder

    def _record(self, exchange: _Exchange, wire: Wire) -> None:
        try:
            with closing(self._connection()) as connection:
                self._forward(exchange, connection, wire)
        except (OSError, http.client.HTTPException) as error:
            method = exchange.incoming.method
            self._tell(f"{method} {exchange.path}: no answer from {self._place.netloc} ({error!r})", problem=True)
            _fail(wire, f"no answer from the upstream ({error!r})")
            return
        self._keep(exchange)

    def _connection(self) -> http.client.HTTPConnection:
        secure = self._place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._place.hostname or "", self._place.port, timeout=self._silence)

    def _forward(self, exchange: _Exchange, connection: http.client.HTTPConnection, wire: Wire) -> None:
        """Send the request on and the answer back. Raises OSError or HTTPException before the status line only."""
        incoming = exchange.incoming
        headers = {name: value for name, value in incoming.headers if name.lower() not in _OURS}
        target = exchange.path + (f"?{incoming.query}" if incoming.query else "")
        body = incoming.body or (b"" if incoming.method == "POST" else None)
        connection.request(incoming.method, target, body, {**headers, "Accept-Encoding": "identity"})
        exchange.began = time.monotonic()
        response = connection.getresponse()
        exchange.head_at = exchange.now()
        exchange.status, exchange.headers = response.status, tuple(response.getheaders())
        exchange.ended = self._pass_on(exchange, response, wire)
        exchange.ended_at = exchange.now()

    def _pass_on(self, exchange: _Exchange, response: http.client.HTTPResponse, wire: Wire) -> RecordedEnd:
        """Pass the body on as it comes; how it ended."""
        try:
            promised = exchange.header("content-length")
            wire.head(exchange.status, exchange.headers, int(promised) if promised else None)
            wire.flush()
            for data in _received(response):
                exchange.chunks.append(Chunk(exchange.now(), len(data)))
                exchange.body.append(data)
                wire.put(data)
                wire.flush()
            wire.end()
        except ClientGoneError:
            return "client-left"
        except TimeoutError:
            wire.close()
            return "stalled"
        except ConnectionResetError:
            wire.reset()
            return "reset"
        except (OSError, ValueError, http.client.HTTPException):
            wire.close()
            return "truncated"
        return "complete"

    def _keep(self, exchange: _Exchange) -> None:
        if _has_secret(exchange):
            self._tell(
                f"{exchange.path}: not written, because a body holds a secret of the request's headers; "
                "record with a key that is worth nothing",
                problem=True,
            )
            return
        try:
            with self._changed:
                if exchange.folder.exists():  # another recorder's, which writes into the same folder
                    exchange.folder = self._free(exchange.folder)
                exchange.folder.mkdir(parents=True)
            write(exchange.folder, self._recording(exchange))
        except (RecordingError, OSError) as error:
            self._tell(f"{exchange.path}: {error}", problem=True)
            return
        with self._changed:
            self._written[exchange.number] = exchange.folder
        size = sum(chunk.n for chunk in exchange.chunks)
        self._tell(f"{exchange.path}: {exchange.status}, {size} bytes, {exchange.ended}: {exchange.folder}")

    def _recording(self, exchange: _Exchange) -> Recording:
        incoming = exchange.incoming
        request = RecordedRequest(
            incoming.method, exchange.path, _kept(incoming.headers, REQUEST_HEADERS), _json(incoming.body)
        )
        redactions = [
            f"request headers other than {', '.join(sorted(REQUEST_HEADERS))}",
            f"response headers other than {', '.join(sorted(RESPONSE_HEADERS))}",
            *(["the query"] if incoming.query else []),
        ]
        return Recording(
            **asdict(self._provenance),
            name=(self._provenance.folder / exchange.folder.name).as_posix(),
            date=datetime.datetime.now(datetime.UTC).date(),
            obtained="recorded",
            recorder=_RECORDER,
            redactions=tuple(redactions),
            ended=exchange.ended,
            request=request,
            status=exchange.status,
            headers=_kept(exchange.headers, RESPONSE_HEADERS),
            body=b"".join(exchange.body),
            chunks=tuple(exchange.chunks),
            head_at=exchange.head_at,
            ended_at=exchange.ended_at,
        )

    def _tell(self, message: str, *, problem: bool = False) -> None:
        if problem:
            self.problems.append(message)
        if self._on_exchange is not None:
            self._on_exchange(message)


def _received(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes, never more than one HTTP chunk at a time. Raises IncompleteRead when it is cut."""
    while data := response.read1(_READ):
        yield data
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _fail(wire: Wire, message: str) -> None:
    body = json.dumps({"error": {"message": f"recorder: {message}", "type": "recorder_error"}}).encode()
    try:
        wire.head(502, [("content-type", "application/json")], len(body))
        wire.put(body)
        wire.end()
    except ClientGoneError:
        wire.close()


def _kept(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers if name.lower() in allowed)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _has_secret(exchange: _Exchange) -> bool:
    secrets = [
        value.split()[-1].encode()
        for name, value in exchange.incoming.headers
        if name.lower() in _SECRETS and len(value.split()[-1]) >= _SHORTEST_SECRET
    ]
    bodies = exchange.incoming.body + b"\0" + b"".join(exchange.body)
    return any(secret in bodies for secret in secrets)


@dataclass(frozen=True, kw_only=True)
class RecorderOptions:
    """What a recorder on the command line is told; `folder` is the root of the recordings."""

    upstream: str
    folder: Path
    provenance: Provenance
    host: str = "127.0.0.1"
    port: int = 9000
    silence: float = 60.0


def run(options: RecorderOptions, output: TextIO | None = None, until: threading.Event | None = None) -> int:
    """Record until interrupted, terminated or `until` is set; return the exit status.

    0 when all exchanges were written, 1 when one was not, 2 when it cannot listen or the upstream is no URL.
    """
    log, until = LineLog(output or sys.stdout), until or threading.Event()
    with interruptible(until):
        try:
            recorder = Recorder(
                options.upstream,
                options.folder,
                options.provenance,
                host=options.host,
                port=options.port,
                silence=options.silence,
                on_exchange=log.write,
            )
            with recorder:
                log.write(f"recording {options.upstream} on {recorder.url} into {options.folder}; Ctrl-C stops it")
                until.wait()
        except FakeError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return 1 if recorder.problems else 0
