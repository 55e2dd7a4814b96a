"""`fake`: a fake upstream on its own, for anybody's development."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.options import port_number
from fakes.script import DIALECTS

__all__ = ["add_parser"]

DELIVERIES = ("as-framed", "whole", "bytes", "hostile")

EPILOG = """\
examples:
  # an upstream that answers anything, for your proxy under development
  responses-conformance fake --dialect vllm --port 9000

  # replay what a real server sent, cut at the places that break readers
  responses-conformance fake --dialect messages --recording FOLDER --delivery hostile

Without --recording or --script it makes small talk: it answers what it is told, and calls the tools it is given
when a message names one. Each request is logged, with what the real service would have objected to."""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument("--dialect", required=True, choices=DIALECTS, metavar="DIALECT", help=", ".join(DIALECTS))
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=9000, help="the port; 0 takes a free one (default: 9000)")
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument(
        "--recording", type=Path, metavar="FOLDER", help="replay a recording, or the first that fits below a folder"
    )
    answers.add_argument("--script", type=Path, metavar="FILE", help="answer from a TOML file of scripted answers")
    parser.add_argument(
        "--strict", action="store_true", help="refuse what the real service would refuse, instead of noting it"
    )
    parser.add_argument(
        "--delivery",
        choices=DELIVERIES,
        default="as-framed",
        metavar="HOW",
        help=f"how bytes are cut into writes: {', '.join(DELIVERIES)} (default: as-framed)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted or terminated."""
    from fakes.standalone import StandaloneOptions
    from fakes.standalone import run as serve

    names = ("dialect", "host", "port", "recording", "script", "strict", "delivery")
    return serve(StandaloneOptions(**{name: getattr(arguments, name) for name in names}))
