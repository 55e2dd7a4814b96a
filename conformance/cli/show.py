"""`show`: a saved transcript, for reading."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.errors import ExitCode
from conformance.transcript import DRIVE_KINDS

__all__ = ["add_parser"]

EPILOG = """\
examples:
  responses-conformance run --target my-proxy.toml --case text.plain --transcripts seen
  responses-conformance show seen/vllm.text.plain.json --drive stream"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument("transcript", nargs="+", type=Path, metavar="FILE", help="what `run --transcripts` wrote")
    parser.add_argument("--drive", choices=DRIVE_KINDS, metavar="KIND", help=f"one of {', '.join(DRIVE_KINDS)} only")
    parser.add_argument("--full", action="store_true", help="shorten nothing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print each transcript; raises UsageError for a file that is none."""
    from conformance.report.timeline import timeline
    from conformance.transcript_file import load_transcript

    texts = [
        timeline(load_transcript(file), full=arguments.full, drive=arguments.drive) for file in arguments.transcript
    ]
    sys.stdout.write("\n".join(texts))
    return ExitCode.CONFORMS
