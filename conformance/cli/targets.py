"""`targets list` and `targets install`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from conformance.errors import ExitCode

__all__ = ["add_parser"]

EPILOG = """\
examples:
  responses-conformance targets list
  responses-conformance targets install python-codex
  responses-conformance run --target python-codex --dialect messages"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    listing = actions.add_parser(
        "list", help="list the targets that ship with the suite", description=list_them.__doc__
    )
    listing.add_argument("--json", action="store_true", help="JSON on standard output")
    listing.set_defaults(run=list_them)
    install = actions.add_parser(
        "install",
        help="install a target in an environment of its own, so that it shares no package with the suite",
        description="Install targets, each in an environment of its own below the user's cache folder.",
    )
    install.add_argument("target", nargs="+", metavar="NAME", help="a name of the list, or a target file (*.toml)")
    install.set_defaults(run=install_them)


def list_them(arguments: argparse.Namespace) -> int:
    """List the targets that ship with the suite: dialects, features, and whether each is installed."""
    from conformance.targets import is_installed, load_target, target_names

    targets = [load_target(name) for name in target_names()]
    if arguments.json:
        value = [
            {
                "name": target.name,
                "version": target.version,
                "summary": target.summary,
                "homepage": target.homepage,
                "profile": target.profile,
                "dialects": list(target.dialects),
                "installed": is_installed(target),
            }
            for target in targets
        ]
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        return ExitCode.CONFORMS
    for target in targets:
        state = (
            "" if is_installed(target) else f"  (not installed: responses-conformance targets install {target.name})"
        )
        name = " ".join(filter(None, (target.name, target.version)))
        sys.stdout.write(f"{name}{state}\n    {target.summary}\n    {', '.join(target.dialects)}\n")
    return ExitCode.CONFORMS


def install_them(arguments: argparse.Namespace) -> int:
    """Install each target; raises UsageError for an unknown one and TargetError when pip fails."""
    from conformance.targets import install_target, load_target

    for target in [load_target(name) for name in arguments.target]:
        install_target(target, lambda line: print(line, file=sys.stderr))  # noqa: T201
    return ExitCode.CONFORMS
