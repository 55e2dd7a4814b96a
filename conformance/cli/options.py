"""The options that say what to judge and how: one table, read by `run` and by the pytest plugin alike."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.rules import PROFILES
from fakes.script import DIALECTS

__all__ = [
    "ALL_DIALECTS",
    "GROUPS",
    "OPTIONS",
    "Option",
    "check_target",
    "key_value",
    "port_number",
    "register_options",
    "target_words",
]

ALL_DIALECTS = "all"


@dataclass(frozen=True)
class Option:
    """One option: its flags, what argparse needs, and the group of the help that it stands in.

    `names_target` marks those that a rerun line repeats. `under_pytest` is False for what pytest has itself.
    """

    flags: tuple[str, ...]
    group: str
    help: str
    values: Mapping[str, Any] = field(default_factory=dict)
    names_target: bool = False
    under_pytest: bool = True

    @property
    def dest(self) -> str:
        """The attribute that holds its value."""
        return str(self.values.get("dest") or self.flags[0].lstrip("-").replace("-", "_"))


GROUPS: dict[str, str] = {
    "target": "what is judged (one of the first three, or a live endpoint)",
    "live": "a server with a real model and no fake behind it",
    "selection": "what is driven and judged (default: everything that the target declares)",
    "start": "how the target is reached",
    "baseline": "known failures",
    "output": "what is written",
}


def key_value(text: str) -> tuple[str, str]:
    """`K=V` as a pair. Raises ArgumentTypeError, so that argparse names the option."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return key, value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def port_number(text: str) -> int:
    """A port number. Raises ArgumentTypeError, so that argparse names the option."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _target(flag: str, metavar: str, text: str, **more: Any) -> Option:
    return Option((flag,), "target", text, {"metavar": metavar, **more}, names_target=True)


def _live(flag: str, metavar: str, text: str, **more: Any) -> Option:
    return Option((flag,), "live", text, {"metavar": metavar, **more}, names_target=True)


def _start(flag: str, metavar: str, text: str, **more: Any) -> Option:
    return Option((flag,), "start", text, {"metavar": metavar, **more}, names_target=True)


OPTIONS: tuple[Option, ...] = (
    _target("--target", "NAME", "a known target (`targets list`), a target file (*.toml), or miniature:NAME"),
    _target(
        "--target-command",
        "COMMAND",
        "the command line that starts the target; {port} {upstream} {dir} {api_key} {dialect} {python} {models} "
        "are filled in",
    ),
    _target("--target-url", "URL", "a target that already runs, e.g. http://127.0.0.1:8001/v1; needs --fake-port"),
    _live("--live-url", "URL", "its base URL, e.g. https://host/v1; needs --model, the name of a model that it has"),
    _live("--api-key-env", "NAME", "the environment variable that holds its key (default: no key is sent)"),
    _live(
        "--max-requests",
        "N",
        "ask it no more often than that; cases that do not fit are left out (default: 50)",
        type=_positive,
    ),
    _live(
        "--patience",
        "SECONDS",
        "give up on an answer that does not begin, or does not go on, for so long (default: 300)",
        type=_positive,
    ),
    Option(
        ("--dialect",),
        "selection",
        "what the upstream speaks; may be repeated (default: what the target declares)",
        {"action": "append", "choices": [*DIALECTS, ALL_DIALECTS], "metavar": "DIALECT"},
    ),
    Option(
        ("--rule",),
        "selection",
        "only rules whose id matches, e.g. 'stream.*'; may be repeated",
        {"action": "append", "metavar": "GLOB", "default": []},
    ),
    Option(
        ("--case",),
        "selection",
        "only cases whose id matches; may be repeated",
        {"action": "append", "metavar": "GLOB", "default": []},
    ),
    Option(
        ("--case-file",),
        "selection",
        "a case in a file (JSON or TOML), as `fuzz` saves them; may be repeated; without --case only these are driven",
        {"action": "append", "metavar": "FILE", "type": Path, "default": []},
        names_target=True,
    ),
    Option(
        ("--profile",),
        "selection",
        f"the set of rules that decides: {', '.join(PROFILES)} (default: the target's own, else openai)",
        {"choices": list(PROFILES), "metavar": "PROFILE"},
        names_target=True,
    ),
    Option(
        ("--requirements",),
        "selection",
        "score by a frozen set, e.g. 2026.11; rules added after it run and do not count",
        {"metavar": "SET"},
        names_target=True,
    ),
    Option(
        ("--feature",),
        "selection",
        "a feature that the target has, e.g. reasoning; may be repeated",
        {"action": "append", "metavar": "NAME", "default": []},
        names_target=True,
    ),
    Option(
        ("--strict-upstream",),
        "selection",
        "the fake upstream refuses what the real service would refuse, instead of only noting it",
        {"action": "store_true"},
        names_target=True,
    ),
    Option(
        ("--thorough",),
        "selection",
        "drive everything: each ingredient of hostile chunking apart, and byte by byte",
        {"action": "store_true"},
    ),
    Option(
        ("--maxfail",),
        "selection",
        "stop judging after so many failing rules",
        {"type": _positive, "metavar": "N"},
        under_pytest=False,
    ),
    _start(
        "--target-env",
        "NAME=VALUE",
        "a variable of the target's environment; may be repeated",
        action="append",
        type=key_value,
        default=[],
    ),
    _start("--model", "TEMPLATE", "the model name in requests, e.g. 'vllm/{case}' (default: {case})"),
    _start("--path", "PATH", "the path of the endpoint (default: /v1/responses)"),
    _start("--ready", "URL", "what answers once the target is ready; {port} is filled in"),
    _start("--fake-host", "HOST", "the address on which the fake upstream listens (default: 127.0.0.1)"),
    _start("--fake-port", "PORT", "the port on which the fake upstream listens (default: any)", type=port_number),
    Option(("--baseline",), "baseline", "failures that are expected, with reasons", {"metavar": "FILE", "type": Path}),
    Option(
        ("--write-baseline",),
        "baseline",
        "write the failures of this run as a baseline; needs --reason",
        {"metavar": "FILE", "type": Path},
    ),
    Option(("--reason",), "baseline", "why they are expected: stands in each entry written", {"metavar": "TEXT"}),
    Option(
        ("--transcripts",),
        "output",
        "keep every transcript in a folder (read them with `show`)",
        {"metavar": "DIR", "type": Path},
    ),
    Option(("--json",), "output", "the result document; - is standard output", {"metavar": "FILE"}, under_pytest=False),
    Option(
        ("--junitxml",),
        "output",
        "JUnit XML, one test case a rule and dialect",
        {"metavar": "FILE", "type": Path},
        under_pytest=False,
    ),
    Option(
        ("--summary",),
        "output",
        "a summary in Markdown",
        {"metavar": "FILE", "type": Path},
        under_pytest=False,
    ),
    Option(
        ("--html",),
        "output",
        "a page to read: every failure with both sides of its transcript",
        {"metavar": "FILE", "type": Path},
        under_pytest=False,
    ),
    Option(
        ("-v", "--verbose"),
        "output",
        "every failure in full, and the reasons of what was not judged",
        {"action": "store_true", "dest": "verbose"},
        under_pytest=False,
    ),
)


def register_options(add: Callable[..., None]) -> None:
    """Register with `parser.getgroup(...).addoption` what pytest does not have itself."""
    for option in OPTIONS:
        if option.under_pytest:
            add(*option.flags, help=option.help.replace("%", "%%"), **option.values)


def target_words(arguments: argparse.Namespace) -> list[str]:
    """The words that name the target and its profile again, for the line that reruns one rule."""
    words: list[str] = []
    for option in OPTIONS:
        value = getattr(arguments, option.dest, None)
        if not option.names_target or value in (None, False, []):
            continue
        if value is True:
            words.append(option.flags[0])
            continue
        for one in value if isinstance(value, list) else [value]:
            words += [option.flags[0], _word(one)]
    return words


_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


def _word(value: object) -> str:
    """An option's value as it was typed; of a variable that holds a secret only the name."""
    if isinstance(value, tuple):
        name, content = value
        return f"{name}={'***' if _SECRET.search(name) else content}"
    return str(value)


_WITHOUT_A_FAKE = {
    "dialect": "there is no upstream that the suite could play",
    "fake_port": "there is no upstream that the suite could play",
    "fake_host": "there is no upstream that the suite could play",
    "strict_upstream": "there is no upstream that the suite could play",
    "thorough": "there is no upstream whose chunks could be cut",
    "case_file": "what an upstream would say cannot be told to a real model",
    "target_env": "the suite does not start the server",
    "ready": "the suite does not start the server",
    "path": "write the path in the URL",
}
"""The options that mean nothing at a live endpoint, and why."""


def _check_live(arguments: argparse.Namespace) -> None:
    if not getattr(arguments, "live_url", None):
        for name in ("api_key_env", "max_requests", "patience"):
            if getattr(arguments, name, None) is not None:
                raise UsageError(f"--{name.replace('_', '-')} is for live endpoints: give it with --live-url")
        return
    for name, why in _WITHOUT_A_FAKE.items():
        if getattr(arguments, name, None) not in (None, [], False):
            raise UsageError(f"--{name.replace('_', '-')} does not go with --live-url: {why}")
    if not arguments.model:
        raise UsageError("--live-url needs --model: the name of a model that the server has")


def check_target(arguments: argparse.Namespace) -> None:
    """Raises UsageError unless exactly one target is named, and what belongs together is given together."""
    ways = ("target", "target_command", "target_url", "live_url")
    named = [way for way in ways if getattr(arguments, way, None)]
    if len(named) != 1:
        flags = "--target NAME, --target-command COMMAND, --target-url URL or --live-url URL"
        problem = "no target is named" if not named else "more than one target is named"
        raise UsageError(f"{problem}: give one of {flags}")
    _check_live(arguments)
    if arguments.target_url and arguments.fake_port is None:
        raise UsageError(
            "--target-url needs --fake-port: the port on which your target expects its upstream, "
            "so that the suite can play it there"
        )
    if (arguments.write_baseline is None) != (arguments.reason is None):
        raise UsageError("--write-baseline and --reason belong together: say why the failures are expected")
    if arguments.reason is not None and not arguments.reason.strip():
        raise UsageError("--reason is empty: say why the failures are expected")
