"""`matrix`: several results side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.errors import ExitCode

__all__ = ["add_parser"]

EPILOG = """\
examples:
  responses-conformance run --target reference --json reference.json
  responses-conformance run --target python-codex --json python-codex.json
  responses-conformance matrix reference.json python-codex.json
  responses-conformance matrix *.json --html matrix.html --markdown matrix.md"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULT.json", help="what `run --json` wrote")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown (default: print it)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page")
    parser.add_argument("--brief", action="store_true", help="a line an implementation, in Markdown")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the matrix; raises UsageError for a file that is no result."""
    from conformance.cli.output import check_outputs
    from conformance.report.document import load_document
    from conformance.report.matrix import brief_markdown, matrix_markdown, matrix_of

    check_outputs(arguments)
    matrix = matrix_of([load_document(file) for file in arguments.results])
    text = brief_markdown(matrix) if arguments.brief else matrix_markdown(matrix)
    if arguments.html:
        from conformance.report.html import matrix_page

        _write(arguments.html, matrix_page(matrix))
    if arguments.markdown:
        _write(arguments.markdown, text)
    elif not arguments.html:
        sys.stdout.write(text)
    return ExitCode.CONFORMS


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
