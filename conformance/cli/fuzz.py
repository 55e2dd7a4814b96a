"""`fuzz`: searches for turns and conversations that a target gets wrong."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli.options import GROUPS, OPTIONS, check_target
from conformance.cli.output import check_outputs
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.generate.fuzzing import FuzzOptions

__all__ = ["add_parser"]

EPILOG = """\
examples:
  # a minute against the reference proxy, in all its dialects
  responses-conformance fuzz

  # ten minutes against yours, each counterexample kept as a case
  responses-conformance fuzz --target my-proxy.toml --dialect vllm --seconds 600 --save-failures found

  # drive one of them again
  responses-conformance run --target my-proxy.toml --case-file found/vllm.calls.arguments-equal.json

Whole answers of the upstream are generated (reasoning, text, calls with nested JSON, every legal interleaving, usage,
endings, faults), and conversations of several turns that branch and continue in every way. Each is judged by all
rules that decide. What breaks one is shrunk, shown as a failure of `run` is, and printed as a case file.
Rules that the target's baseline expects to fail are left alone. The same seed draws the same cases, as long as
hypothesis and this suite stay what they are; --seconds bounds the search, and shrinking may add 20 s to it.

exit codes: 0 nothing found, 1 a counterexample, 2 could not do its job, 4 wrong usage"""

_OWN = ("dialect", "profile", "feature")
"""The options of `run`'s selection that a search has, too."""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    groups = {key: parser.add_argument_group(title) for key, title in GROUPS.items() if key in ("target", "start")}
    groups["selection"] = parser.add_argument_group("what is searched")
    for option in OPTIONS:
        if option.group in ("target", "start") or option.dest in _OWN:
            groups[option.group].add_argument(*option.flags, help=option.help.replace("%", "%%"), **option.values)
    search = groups["selection"]
    search.add_argument(
        "--rule", action="append", metavar="GLOB", default=[], help="only rules whose id matches; may be repeated"
    )
    search.add_argument(
        "--only", choices=("turns", "conversations"), metavar="KIND", help="turns or conversations (default: both)"
    )
    search.add_argument(
        "--seconds", type=_seconds, default=60.0, metavar="N", help="the time to search, in all (default: 60)"
    )
    search.add_argument("--seed", type=int, metavar="S", help="where to begin (default: somewhere else each time)")
    search.add_argument("--save-failures", type=Path, metavar="DIR", help="keep each counterexample as a case file")
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 10**7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Search, and tell what was found. Raises UsageError without hypothesis, and for wrong options."""
    if not (arguments.target or arguments.target_command or arguments.target_url):
        arguments.target = "reference"
    arguments.write_baseline = arguments.reason = None
    check_target(arguments)
    check_outputs(arguments)
    try:
        from conformance.generate.fuzzing import fuzz
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "hypothesis":
            raise
        raise UsageError(
            "fuzz needs hypothesis, which is not installed: pip install 'responses-conformance[fuzz]'"
        ) from missing
    return fuzz(_options(arguments), sys.stdout, sys.stderr)


def _options(arguments: argparse.Namespace) -> FuzzOptions:
    from conformance.cli.judging import target_choice
    from conformance.cli.options import target_words
    from conformance.generate.fuzzing import FuzzOptions
    from conformance.generate.search import KINDS

    return FuzzOptions(
        choice=target_choice(arguments),
        profile=arguments.profile,
        rules=tuple(arguments.rule),
        kinds=KINDS if arguments.only is None else (arguments.only,),
        seconds=arguments.seconds,
        seed=arguments.seed,
        save_failures=arguments.save_failures,
        words=tuple(target_words(arguments)),
    )
