"""`compare`: what changed from one result to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.errors import ExitCode

__all__ = ["add_parser"]

EPILOG = """\
examples:
  # did this change break anything?
  responses-conformance run --target my-proxy.toml --json before.json
  ... change the proxy ...
  responses-conformance run --target my-proxy.toml --json after.json
  responses-conformance compare before.json after.json

exit codes: 0 no regression of the kind that --fail-on names, 1 there is one, 4 wrong usage"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument("before", type=Path, metavar="BEFORE.json", help="what `run --json` wrote")
    parser.add_argument("after", type=Path, metavar="AFTER.json", help="what a later `run --json` wrote")
    parser.add_argument(
        "--fail-on",
        choices=("regression", "any-regression", "nothing"),
        default="regression",
        help="what makes the exit code 1: a rule that decides got worse (default), any rule did, or nothing does",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; raises UsageError for a file that is no result."""
    from conformance.report.comparison import compare, comparison_text
    from conformance.report.document import load_document
    from conformance.report.style import Style, wants_colour

    found = compare(load_document(arguments.before), load_document(arguments.after))
    sys.stdout.write(comparison_text(found, Style(wants_colour(sys.stdout))))
    failing = {
        "regression": found.regressions(deciding=True),
        "any-regression": found.regressions(deciding=False),
        "nothing": (),
    }[arguments.fail_on]
    return ExitCode.VIOLATIONS if failing else ExitCode.CONFORMS
