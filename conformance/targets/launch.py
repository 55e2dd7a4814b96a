"""Starting a target: placeholders, scratch folder, environment, readiness, and stopping it again."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from conformance.client import Endpoint
from conformance.errors import TargetError, UsageError
from conformance.targets.install import environment_python
from conformance.targets.process import TargetProcess
from conformance.targets.target import PLACEHOLDERS, Target, Way
from fakes.script import Dialect

__all__ = ["RunningTarget", "start_target"]

FIXED_MODEL = "gpt-4o"  # where a target's model name needs none of ours, `{models}` still has to name one

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORT_TAKEN = re.compile(r"address already in use|EADDRINUSE|\[Errno 98\]", re.IGNORECASE)
_ATTEMPTS = 3  # a free port may be taken by another before the target listens there


class RunningTarget:
    """A target that is ready. Use it as a context manager, or call `stop`."""

    def __init__(
        self,
        target: Target,
        way: Way,
        endpoint: Endpoint,
        process: TargetProcess | None,
        folder: Path | None,
        probe: str | None,
    ) -> None:
        self.target = target
        self.way = way
        self.endpoint = endpoint
        self._process = process
        self._folder = folder
        self._probe = probe

    def is_ready(self) -> bool:
        """Wait until it answers its probe again, as it did at its start; False when it does not within that time."""
        try:
            _wait_ready(self.way, self._probe, self.endpoint, self._process)
        except TargetError:
            return False
        return True

    @property
    def command(self) -> str | None:
        """The command line that runs; None for a target that the suite did not start."""
        return None if self._process is None else " ".join(self._process.command)

    @property
    def log(self) -> str:
        """The end of its output; "" for a target that the suite did not start."""
        return "" if self._process is None else self._process.whole_log()

    @property
    def exit_status(self) -> int | None:
        """The status that it exited with; None while it runs, and for one that the suite did not start."""
        return None if self._process is None else self._process.exit_status

    @property
    def is_ours(self) -> bool:
        """Whether the suite started it, and so may end it."""
        return self._process is not None

    def terminate(self) -> None:
        """Ask it to end, as a supervisor does (SIGTERM). Nothing for a target that the suite did not start."""
        if self._process is not None:
            self._process.terminate()

    def wait_for_exit(self, seconds: float) -> int | None:
        """The status that it exits with in this time; None when it does not."""
        return self._process.exit_status if self._process is not None and self._process.wait(seconds) else None

    def stop(self) -> None:
        """Stop its process group and remove its scratch folder."""
        if self._process is not None:
            self._process.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> RunningTarget:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_target(target: Target, dialect: Dialect, upstream_url: str) -> RunningTarget:
    """Start a target in a dialect and wait until it is ready.

    Raises TargetError with its log when it exits, or is not ready before its deadline; UsageError for an unknown
    placeholder or dialect.
    """
    way = target.way(dialect)
    headers = {"authorization": f"Bearer {way.api_key}", **way.headers}
    if way.url is not None:
        parts = urlsplit(way.url)
        endpoint = Endpoint(f"{parts.scheme}://{parts.netloc}", way.base, headers, way.deadlines)
        _wait_ready(way, way.probe.url, endpoint, None)
        return RunningTarget(target, way, endpoint, None, None, way.probe.url)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _start(target, way, dialect, upstream_url, headers)
        except TargetError as trouble:
            if attempt == _ATTEMPTS or not _PORT_TAKEN.search(trouble.log):
                raise
    raise AssertionError("unreachable")


def _start(target: Target, way: Way, dialect: Dialect, upstream_url: str, headers: Mapping[str, str]) -> RunningTarget:
    folder = Path(tempfile.mkdtemp(prefix=f"{target.name[:20].replace('/', '-')}-"))
    process = None
    try:
        port = _free_port()
        values = {
            "port": str(port),
            "upstream": upstream_url,
            "dir": str(folder),
            "api_key": way.api_key,
            "dialect": dialect,
            "python": str(environment_python(target)),
            "models": json.dumps([way.model.replace("{case}", FIXED_MODEL)]),
        }
        command = [_filled(word, values) for word in way.command or ()]
        for name, content in way.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(content, values, strict=False), encoding="utf-8")
        process = TargetProcess(command, _environment(target, way, values), Path(_filled(way.cwd, values)))
        endpoint = Endpoint(f"http://127.0.0.1:{port}", way.base, headers, way.deadlines)
        probe = None if way.probe.url is None else _filled(way.probe.url, values)
        _wait_ready(way, probe, endpoint, process)
    except BaseException:
        if process is not None:
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return RunningTarget(target, way, endpoint, process, folder, probe)


def _filled(text: str, values: Mapping[str, str], *, strict: bool = True) -> str:
    """A text with its placeholders filled. Not `strict`: braces that are none are the file's own."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            if not strict:
                return match.group()
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise UsageError(f"unknown placeholder {{{name}}} in {text!r}: there are {known}")
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def _environment(target: Target, way: Way, values: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, with proxies off for loopback and the target's own interpreter first."""
    env = dict(os.environ)
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join([*filter(None, [env.get(name)]), *_LOOPBACK])
    env["PYTHONUNBUFFERED"] = "1"  # else the log of one that hangs is empty
    python = Path(values["python"])
    if target.install is not None:
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            env.pop(name, None)
        env["VIRTUAL_ENV"] = str(python.parent.parent)
        env["PATH"] = os.pathsep.join([str(python.parent), env.get("PATH", os.defpath)])
    elif (checkout := _checkout()) is not None:
        env["PYTHONPATH"] = os.pathsep.join([str(checkout), *filter(None, [env.get("PYTHONPATH")])])
    return env | {name: _filled(value, values) for name, value in way.env.items()}


def _checkout() -> Path | None:
    """The folder that the suite is imported from, when it is not installed: its targets must find it too."""
    home = Path(__file__).resolve().parents[2]
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    return None if home in installed else home


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _wait_ready(way: Way, probe: str | None, endpoint: Endpoint, process: TargetProcess | None) -> None:
    """Poll until the target answers. Raises TargetError when it exits or takes too long."""
    started, pause, tick = time.monotonic(), 0.01, threading.Event()
    while True:
        if process is not None and process.exit_status is not None:
            status = process.exit_status
            raise TargetError(f"the target exited with status {status} before it was ready", process.whole_log())
        trouble = _not_ready(probe, endpoint)
        if trouble is None:
            return
        waited = time.monotonic() - started
        if waited > way.probe.deadline:
            what = probe or endpoint.url
            raise TargetError(
                f"the target was not ready after {waited:.0f} s: {what} {trouble}{_hint(way, process)}",
                "" if process is None else process.whole_log(),
            )
        tick.wait(pause)
        pause = min(pause * 1.5, 0.2)


def _not_ready(probe: str | None, endpoint: Endpoint) -> str | None:
    """What is missing to readiness; None when nothing is."""
    url = urlsplit(probe or endpoint.url)
    if url.scheme == "https":
        return None  # a live service, which the suite did not start
    connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=2)
    try:
        connection.connect()
        if probe is None:
            return None
        connection.request("GET", url.path or "/", headers={"connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as trouble:
        return _what_came(trouble)
    finally:
        connection.close()
    return None if status < 500 else f"answered {status}"


def _what_came(trouble: Exception) -> str:
    if isinstance(trouble, ConnectionRefusedError):
        return "refuses connections: nothing listens there"
    if isinstance(trouble, TimeoutError):
        return "does not answer"
    if isinstance(trouble, socket.gaierror):
        return "has a host name that leads nowhere"
    return f"said {type(trouble).__name__}: {trouble}"


def _hint(way: Way, process: TargetProcess | None) -> str:
    """What to do about a target that was never ready."""
    if process is None:
        return "; start it first, or let the suite start it (--target-command)"
    if not any("{port}" in text for text in (*(way.command or ()), *way.env.values(), *way.files.values())):
        return "; nothing in its command, environment or files names {port}, the port that it must listen on"
    return ""


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("targets are started in process groups, which Windows has not: run the suite on Linux or macOS")
