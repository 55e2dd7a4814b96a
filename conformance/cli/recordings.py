"""`recordings lint`: whether recordings of upstream traffic are what the format demands, and fit to publish."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.errors import ExitCode, UsageError

__all__ = ["add_parser"]

EPILOG = """\
examples:
  responses-conformance recordings lint                 # those that ship with the suite
  responses-conformance recordings lint my-recordings"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    lint = actions.add_parser(
        "lint",
        help="check format, provenance, sizes, places, and that nothing private is inside",
        description="Check recordings: format, provenance, sizes, places, keys and private data.",
    )
    lint.add_argument("folder", type=Path, nargs="*", help="folders of recordings (default: those that ship)")
    lint.set_defaults(run=run_lint)


def run_lint(arguments: argparse.Namespace) -> int:
    """Print a line a problem; exits 1 when there is one."""
    from fakes.recording import default_root, find
    from fakes.recording_lint import lint

    count = problems = 0
    for folder in arguments.folder or [default_root()]:
        if not folder.is_dir():
            raise UsageError(f"{folder}: there is no such folder")
        count += len(find(folder))
        for problem in lint(folder):
            problems += 1
            sys.stdout.write(f"{problem.error()}\n")
    sys.stdout.write(f"{count} recordings, {problems} problem{'' if problems == 1 else 's'}\n")
    return ExitCode.VIOLATIONS if problems else ExitCode.CONFORMS
