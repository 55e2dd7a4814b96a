"""What a target is: how it is installed, configured, started and probed, and what it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from conformance.client import Deadlines
from conformance.errors import UsageError
from fakes.script import DIALECTS, Dialect

__all__ = ["PLACEHOLDERS", "Install", "Probe", "Target", "Way", "ad_hoc_target"]

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "port": "a free port of the loopback interface, where the target must listen",
        "upstream": "scheme, host and port of the fake upstream, without a path",
        "dir": "a scratch folder of this start",
        "api_key": "the key that the suite's client sends as bearer token",
        "dialect": "what the upstream speaks: " + ", ".join(DIALECTS),
        "python": "the Python of the target's environment, else the one that runs the suite",
        "models": "the models that clients will ask for, as a JSON list (one, when the model name is fixed)",
    }
)
"""What a command, an environment value, a file or a URL of a target may hold, and what it stands for."""


@dataclass(frozen=True)
class Install:
    """What `targets install` puts into an environment of the target's own; `python` is "3.12" or None for any."""

    requirements: tuple[str, ...]
    python: str | None = None


@dataclass(frozen=True)
class Probe:
    """When a target is ready: `url` answers with a status below 500 (None: the port accepts a connection).

    `deadline` is in seconds from the start.
    """

    url: str | None = None
    deadline: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a target is run and spoken to in one dialect.

    `command` is None for a target that runs already, at `url`. `files` are written into the scratch folder before
    the start. `timing` states, in seconds, what the target is told of times, so that rules about time can be
    judged.
    """

    command: tuple[str, ...] | None = None
    url: str | None = None
    path: str = "/v1/responses"
    model: str = "{case}"
    features: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "{dir}"
    files: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: str = "sk-conformance"
    probe: Probe = Probe()
    timing: Mapping[str, float] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def base(self) -> str:
        """The path of the API before `/responses`."""
        return self.path.removesuffix("/responses")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One implementation under test. `ways` holds how it is run, by dialect.

    `profile` is the one it is judged by when the user names none. `file` is None for a target of the command line.
    `fake_host` and `fake_port` are where the fake upstream must listen (0: any port).
    """

    name: str
    ways: Mapping[Dialect, Way]
    summary: str = ""
    homepage: str | None = None
    version: str | None = None
    profile: str | None = None
    baseline: Path | None = None
    install: Install | None = None
    file: Path | None = None
    fake_host: str = "127.0.0.1"
    fake_port: int = 0

    @property
    def dialects(self) -> tuple[Dialect, ...]:
        """The dialects that it supports, in the usual order."""
        return tuple(dialect for dialect in DIALECTS if dialect in self.ways)

    def way(self, dialect: Dialect) -> Way:
        """How it is run in a dialect. Raises UsageError when it does not support it."""
        if dialect not in self.ways:
            supported = ", ".join(self.dialects)
            raise UsageError(f"{self.name} does not support the dialect {dialect}; it supports {supported}")
        return self.ways[dialect]


def ad_hoc_target(
    *,
    command: tuple[str, ...] | None = None,
    url: str | None = None,
    dialects: tuple[Dialect, ...],
    fake_host: str = "127.0.0.1",
    fake_port: int = 0,
    **way: Any,
) -> Target:
    """A target given on the command line: a command to start, or the URL of one that runs ("http://h:1/v1").

    `way` holds further fields of `Way`. Raises UsageError when both or neither are given, no dialect is, or a
    running target has no port to find the fake at.
    """
    if (command is None) == (url is None):
        raise UsageError("give either a command that starts the target or the URL of one that runs")
    if not dialects:
        raise UsageError(f"say what the upstream speaks: --dialect {', '.join(DIALECTS)}")
    if url is not None:
        if not fake_port:
            raise UsageError("a target that runs already needs --fake-port: the port where it finds its upstream")
        if len(dialects) > 1:
            raise UsageError("a target that runs already has one upstream: give one --dialect")
        way = {"path": _path_of(url), **way, "url": url}
    if command is not None:
        way = {"cwd": ".", **way, "command": command}
    name = url or " ".join(command or ())
    ways = {dialect: Way(**way) for dialect in dialects}
    return Target(name=name, ways=ways, fake_host=fake_host, fake_port=fake_port)


def _path_of(url: str) -> str:
    """The path of the responses route for a base URL such as `http://127.0.0.1:8001/v1`."""
    example = "write for example http://127.0.0.1:8001/v1"
    try:
        parts = urlsplit(url)
        port = parts.port  # raises where it is no number, or none that a port can have
    except ValueError as trouble:
        raise UsageError(f"{url!r} is no URL ({trouble}); {example}") from trouble
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"{url!r} is no URL of a server; {example}")
    path = "/" + parts.path.strip("/")
    return path if path.endswith("/responses") else f"{path.rstrip('/')}/responses"
