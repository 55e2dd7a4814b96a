"""Target files: TOML, one a target.

    format = 1
    name = "my-proxy"                        # as --target names it
    summary = "..."                          # optional, like homepage, version, profile
    dialects = ["chat_completions"]          # what its upstream may speak
    features = ["reasoning", "store"]        # optional capabilities that it has; default none
    path = "/v1/responses"                   # default
    model = "{case}"                         # template: {case} is where the token of a case goes; default
    api_key = "sk-conformance"               # default; sent as bearer token
    baseline = "my-proxy.baseline.toml"      # beside this file; optional

    [install]                                # without it, the target runs in the suite's own environment
    requirements = ["my-proxy==1.0"]
    python = "3.12"                          # optional

    [configure]                              # files written into {dir} before the start
    "config.yaml" = '''upstream: {upstream}'''

    [start]
    command = ["{python}", "-m", "my_proxy", "--port", "{port}", "--upstream", "{upstream}"]
    env = { HOME = "{dir}" }
    cwd = "{dir}"                            # default

    [probe]
    url = "http://127.0.0.1:{port}/health"   # ready when it answers below 500; default: the port accepts
    deadline = 20                            # seconds, default

    [headers]                                # sent with every request
    [timing]                                 # seconds it was told: keep_alive (2 at most), idle, connect
    [deadlines]                              # how long the client waits: connect, first_byte, idle, total

    [dialect.messages]                       # anything above from `features` on, for that dialect alone
    [dialect.messages.start]                 # tables are merged key by key

Features that say how the target was configured, so that what depends on it can be judged: `client-key` (it asks its
clients for {api_key}), `body-limit` and `event-limit` (it takes request bodies, and events of its upstream, of 16 MiB
at most).

Placeholders ({port}, {upstream}, {dir}, {api_key}, {dialect}, {python}, {models}) stand in commands, env, cwd,
files and the probe's URL. Every unknown key is an error that names the file, the line and what to do.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from conformance.client import Deadlines
from conformance.errors import UsageError
from conformance.features import FEATURES, LONGEST_KEEP_ALIVE
from conformance.rules import PROFILES
from conformance.targets.target import Install, Probe, Target, Way
from conformance.toml_file import TomlFile
from fakes.script import DIALECTS, Dialect

__all__ = ["FORMAT", "load_target", "load_target_file", "target_names"]

FORMAT = 1

_OF_A_TARGET = ("format", "name", "summary", "homepage", "version", "profile", "dialects", "baseline", "install")
_OF_A_WAY = ("features", "path", "model", "api_key", "configure", "start", "probe", "headers", "timing", "deadlines")
_TABLES: Mapping[str, tuple[str, ...] | None] = {
    "install": ("requirements", "python"),
    "start": ("command", "env", "cwd"),
    "probe": ("url", "deadline"),
    "timing": ("keep_alive", "idle", "connect"),
    "deadlines": ("connect", "first_byte", "idle", "total"),
    "configure": None,  # any key: a file name
    "headers": None,
}


def target_names() -> tuple[str, ...]:
    """The names of the targets that ship with the suite."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _own_files()))


def load_target(name: str) -> Target:
    """A target of the suite by name, or a target file by path ("my-proxy.toml").

    Raises UsageError for an unknown name and for anything wrong in the file.
    """
    if name.endswith(".toml") or "/" in name:
        return load_target_file(Path(name))
    own = {file.name.removesuffix(".toml"): file for file in _own_files()}
    if name not in own:
        near = difflib.get_close_matches(name, own, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(own))}."
        raise UsageError(f"no target is named {name!r}: {hint} Of a target file, give the path: ./{name}.toml")
    return load_target_file(own[name])


def _own_files() -> Iterable[Path]:
    folder = Path(str(files("conformance.targets")))
    return (file for file in folder.glob("*.toml") if not file.name.endswith(".baseline.toml"))


def load_target_file(path: Path) -> Target:
    """Read a target file. Raises UsageError that names the file, the line and what to do."""
    file = TomlFile(path)
    data = file.data
    _known_keys(file, (), data, (*_OF_A_TARGET, *_OF_A_WAY, "dialect"))
    if data.get("format") != FORMAT:
        problem = f"unknown format {data['format']!r}" if "format" in data else "there is no `format`"
        raise file.error(("format",), problem, f"begin the file with `format = {FORMAT}`")
    reader = _Reader(file, ())
    dialects = reader.names(data, "dialects", DIALECTS)
    if not dialects:
        fix = f'write dialects = ["..."], of {", ".join(DIALECTS)}'
        raise file.error(("dialects",), "there are no `dialects`: what its upstream may speak", fix)
    baseline = reader.text(data, "baseline")
    profile = reader.text(data, "profile")
    if profile is not None and profile not in PROFILES:
        raise file.error(("profile",), f"unknown profile {profile!r}", f"use one of {', '.join(PROFILES)}")
    return Target(
        name=reader.needed(data, "name", "what --target names it by"),
        ways=_ways(file, dialects),
        summary=reader.text(data, "summary") or "",
        homepage=reader.text(data, "homepage"),
        version=reader.text(data, "version"),
        profile=profile,
        baseline=path.with_name(baseline) if baseline else None,
        install=_install(file),
        file=path,
    )


def _install(file: TomlFile) -> Install | None:
    if "install" not in file.data:
        return None
    reader = _Reader(file, ("install",))
    table = reader.table(file.data, "install", "install")
    requirements = reader.strings(table, "requirements")
    if not requirements:
        raise file.error(("install", "requirements"), "nothing to install", 'write requirements = ["name==1.0"]')
    return Install(requirements, reader.text(table, "python"))


def _ways(file: TomlFile, dialects: Iterable[str]) -> dict[Dialect, Way]:
    common = {key: value for key, value in file.data.items() if key in _OF_A_WAY}
    special = _Reader(file, ()).table(file.data, "dialect", None)
    for name in special:
        if name not in dialects:
            fix = f"use one of `dialects`: {', '.join(dialects)}"
            raise file.error(("dialect", name), f"[dialect.{name}] is for a dialect that is not supported", fix)
    ways: dict[Dialect, Way] = {}
    for dialect in DIALECTS:
        if dialect in dialects:
            own = _Reader(file, ("dialect",)).table(special, dialect, None)
            _known_keys(file, ("dialect", dialect), own, _OF_A_WAY)
            _check_tables(file, (), common)
            _check_tables(file, ("dialect", dialect), own)
            ways[dialect] = _way(_Reader(file, (), ("dialect", dialect)), _merged(common, own))
    return ways


def _check_tables(file: TomlFile, at: tuple[str, ...], data: Mapping[str, Any]) -> None:
    for name in _TABLES:
        if name in data:
            _Reader(file, at).table(data, name, name)


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(common)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _way(reader: _Reader, data: Mapping[str, Any]) -> Way:
    start, probe = data.get("start", {}), data.get("probe", {})
    path = reader.text(data, "path") or "/v1/responses"
    if not path.startswith("/") or not path.endswith("/responses"):
        raise reader.error("path", f"the path {path!r} does not end in /responses", 'write path = "/v1/responses"')
    patience = Deadlines(**reader.inside("deadlines").numbers(data.get("deadlines", {})))
    ready = reader.inside("probe")
    return Way(
        command=_command(reader.inside("start"), start),
        path=path,
        model=reader.text(data, "model") or "{case}",
        features=frozenset(reader.names(data, "features", FEATURES)),
        env=reader.inside("start", "env").texts(start.get("env", {})),
        cwd=reader.inside("start").text(start, "cwd") or "{dir}",
        files=reader.inside("configure").texts(data.get("configure", {})),
        headers=reader.inside("headers").texts(data.get("headers", {})),
        api_key=reader.text(data, "api_key") or Way.api_key,
        probe=Probe(ready.text(probe, "url"), ready.number(probe, "deadline", Probe.deadline)),
        timing=_timing(reader.inside("timing"), data.get("timing", {}), patience),
        deadlines=patience,
    )


def _timing(reader: _Reader, data: Mapping[str, Any], patience: Deadlines) -> Mapping[str, float]:
    """What the target was told of times. What is longer than the suite waits cannot be judged, and is an error."""
    timing = reader.numbers(data)
    if timing.get("keep_alive", 0) > LONGEST_KEEP_ALIVE:
        problem = "the upstream's silences end before a keep-alive of that interval"
        fix = f"start the target with {LONGEST_KEEP_ALIVE:g} seconds or less, or leave out the feature and the time"
        raise reader.error("keep_alive", problem, fix)
    if timing.get("idle", 0) >= patience.idle:
        problem = f"the client waits {patience.idle:g} seconds, no longer than the target does"
        fix = "start the target with less, or give [deadlines] a longer idle"
        raise reader.error("idle", problem, fix)
    return timing


def _command(reader: _Reader, start: Mapping[str, Any]) -> tuple[str, ...]:
    command = start.get("command")
    if isinstance(command, str):
        try:
            command = shlex.split(command)
        except ValueError as trouble:
            raise reader.error("command", f"the command cannot be split ({trouble})", "give a list") from trouble
    if not command:
        fix = 'write command = ["my-proxy", "--port", "{port}", "--upstream", "{upstream}"] under [start]'
        raise reader.error("command", "there is no command to start the target", fix)
    return reader.strings({"command": command}, "command")


def _known_keys(file: TomlFile, at: tuple[str, ...], table: Mapping[str, Any], known: tuple[str, ...] | None) -> None:
    for key in table:
        if known is not None and key not in known:
            near = difflib.get_close_matches(key, known, 1)
            fix = f"did you mean {near[0]!r}?" if near else f"the keys here are {', '.join(known)}"
            raise file.error((*at, key), f"unknown key {key!r}", fix)


class _Reader:
    """Takes typed values out of tables, and points at the line of what is wrong.

    `overrides` is the table whose line counts, where a value may stand in either.
    """

    def __init__(self, file: TomlFile, at: tuple[str, ...], overrides: tuple[str, ...] = ()) -> None:
        self.file = file
        self.at = at
        self.overrides = overrides

    def inside(self, *names: str) -> _Reader:
        return _Reader(self.file, (*self.at, *names), (*self.overrides, *names) if self.overrides else ())

    def error(self, key: str, problem: str, fix: str) -> UsageError:
        keys = (*self.at, key)
        if self.overrides and self.file.has_line(*self.overrides, key):
            keys = (*self.overrides, key)
        return self.file.error(keys, problem, fix)

    def table(self, data: Mapping[str, Any], key: str, kind: str | None) -> Mapping[str, Any]:
        table = data.get(key, {})
        if not isinstance(table, dict):
            raise self.error(key, f"{key!r} is not a table", f"write [{'.'.join((*self.at, key))}]")
        at = self.at if self.at[-1:] == (key,) else (*self.at, key)
        _known_keys(self.file, at, table, _TABLES[kind] if kind else None)
        return table

    def text(self, data: Mapping[str, Any], key: str) -> str | None:
        value = data.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        raise self.error(key, f"{key!r} is not a string, or empty", f'write {key} = "..."')

    def needed(self, data: Mapping[str, Any], key: str, what: str) -> str:
        value = self.text(data, key)
        if value is None:
            raise self.error(key, f"there is no {key!r}", f'write {key} = "...": {what}')
        return value

    def strings(self, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.error(key, f"{key!r} is not a list of strings", f'write {key} = ["..."]')
        return tuple(value)

    def names(self, data: Mapping[str, Any], key: str, known: Iterable[str]) -> tuple[str, ...]:
        names = self.strings(data, key)
        for name in names:
            if name not in known:
                raise self.error(key, f"unknown name {name!r} in {key!r}", f"use {', '.join(known)}")
        return names

    def texts(self, table: Any) -> dict[str, str]:
        if not isinstance(table, dict):
            raise self.file.error(self.at, f"{self.at[-1]!r} is not a table", 'write NAME = "value" pairs')
        for key, value in table.items():
            if not isinstance(value, str):
                raise self.error(key, f"{key!r} is not a string", f'write {key} = "..."')
        return dict(table)

    def number(self, data: Mapping[str, Any], key: str, default: float) -> float:
        value = data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.error(key, f"{key!r} is {value!r}, not a number of seconds above 0", f"write {key} = 5")
        return float(value)

    def numbers(self, table: Mapping[str, Any]) -> dict[str, float]:
        return {key: self.number(table, key, 0) for key in table}
