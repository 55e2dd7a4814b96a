"""`run`: judges a target."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from conformance.cli.options import GROUPS, OPTIONS, check_target

__all__ = ["add_parser"]

EPILOG = """\
examples:
  # the suite starts your proxy and plays its upstream
  responses-conformance run --dialect chat_completions \\
      --target-command "my-proxy --port {port} --upstream {upstream}"

  # your proxy already runs on 8001 and expects its upstream on 9000
  responses-conformance run --target-url http://127.0.0.1:8001/v1 --fake-port 9000 --dialect messages

  # any server of /v1/responses with a real model behind it; what it may cost is said first
  responses-conformance run --live-url https://host/v1 --model MODEL --api-key-env HOST_API_KEY

  # see a failure before you have one
  responses-conformance run --target miniature:no-created --dialect vllm --rule 'stream.*'

  # in CI: a report for the job, and known failures that do not break it
  responses-conformance run --target my-proxy.toml --junitxml report.xml --summary summary.md \\
      --baseline known-failures.toml

What your proxy sends to its client and what it sends to its upstream is judged, by rules that each have a source.
`must` and `integrity` decide; `should` and `recommended` are told. A failure shows where, why and how to rerun it.

exit codes: 0 conforms, 1 violations or stale baseline entries, 2 could not do its job or nothing was judged,
4 wrong usage"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description="Judge a server that speaks the Responses API.",
        epilog=EPILOG,
        usage=(
            f"responses-conformance {name} "
            "(--target NAME | --target-command COMMAND | --target-url URL | --live-url URL) [options]"
        ),
    )
    groups = {key: parser.add_argument_group(title) for key, title in GROUPS.items()}
    for option in OPTIONS:
        groups[option.group].add_argument(*option.flags, help=option.help.replace("%", "%%"), **option.values)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Drive, judge and report; the exit code is the result document's."""
    check_target(arguments)

    from conformance.cli.hermetic import run_pytest
    from conformance.cli.judging import Judging
    from conformance.cli.output import check_outputs, write_reports
    from conformance.report.console import LineProgress

    check_outputs(arguments)
    judging = Judging(arguments, LineProgress(sys.stderr))
    document = judging.narrowed(run_pytest(judging, arguments.maxfail))
    write_reports(document, arguments)
    return document["exit_code"]
