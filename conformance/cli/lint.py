"""`lint`: judges what was saved: a stream as it came (`curl -N ... > capture.sse`), a JSON answer, a transcript."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.rules import PROFILES, Rule
from conformance.transcript import Drive, Transcript

if TYPE_CHECKING:
    from conformance.cli.captures import Capture
    from conformance.verdict import Verdict

__all__ = ["add_parser"]

EPILOG = """\
examples:
  curl -isN http://127.0.0.1:8001/v1/responses -d '{"model": "m", "input": "Hi", "stream": true}' \\
      -H 'content-type: application/json' > capture.sse
  responses-conformance lint capture.sse
  responses-conformance lint --profile codex --rule 'stream.*' capture.sse other.sse

A saved stream is judged by the rules that need no known upstream; a transcript (`run --transcripts`) by all."""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="an event stream, a JSON body, a transcript, or a folder of recordings",
    )
    parser.add_argument("--rule", action="append", metavar="GLOB", default=[], help="only rules whose id matches")
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="openai",
        metavar="PROFILE",
        help="the rules that decide (default: openai)",
    )
    parser.add_argument("--json", metavar="FILE", help="the result document; - is standard output")
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="JUnit XML")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="a summary in Markdown")
    parser.add_argument("--html", type=Path, metavar="FILE", help="a page to read")
    parser.add_argument("-v", "--verbose", action="store_true", help="every failure in full, and all reasons")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge the files together; the exit code is that of a run."""
    from conformance.cli.captures import read_captures
    from conformance.cli.catalogue import load_rules
    from conformance.cli.output import check_outputs, write_reports
    from conformance.report.json_result import build_document
    from conformance.report.suite import describe_suite

    check_outputs(arguments)
    globs = arguments.rule
    rules = [rule for rule in load_rules() if not globs or any(fnmatchcase(rule.id, glob) for glob in globs)]
    if not rules:
        raise UsageError(f"no rule matches {' '.join(globs)!r}; `list` names them all")
    captures = read_captures(arguments.file)
    transcripts = [capture.transcript for capture in captures]
    document = build_document(
        _judge(captures, rules, arguments.profile),
        suite=describe_suite(None),
        target={
            "name": ", ".join(file.name for file in arguments.file),
            "version": None,
            "command": None,
            "features": [],
        },
        profile=arguments.profile,
        dialects=sorted({transcript.dialect for transcript in transcripts if transcript.dialect}),
        drives=sum(len(transcript.drives) for transcript in transcripts),
        partial=["a saved capture shows only what it holds"],
        rerun=["lint", *map(str, arguments.file), "--profile", arguments.profile],
    )
    write_reports(document, arguments)
    return document["exit_code"]


def _judge(captures: Sequence[Capture], rules: Sequence[Rule], profile: str) -> list[Verdict]:
    """The verdicts on all captures together.

    Where headers were not saved, a rule that judges otherwise by perfect headers than by none is about headers:
    it is not applicable, whatever it said.
    """
    from conformance.judge import judge
    from conformance.verdict import Outcome

    verdicts = judge([capture.transcript for capture in captures], rules, profile=profile)
    if all(capture.headers_known for capture in captures):
        return verdicts
    with_none = judge([_with_headers(capture, ()) for capture in captures], rules, profile=profile)
    with_all = judge([_with_headers(capture, _PERFECT) for capture in captures], rules, profile=profile)
    for verdict, none, perfect in zip(verdicts, with_none, with_all, strict=True):
        if (none.outcome, len(none.findings)) != (perfect.outcome, len(perfect.findings)):
            verdict.outcome, verdict.findings, verdict.observed = Outcome.NOT_APPLICABLE, [], 0
            verdict.reason = "the headers of the answer were not saved: save them with `curl -isN`"
    return verdicts


_PERFECT = (("cache-control", "no-cache, no-store"), ("x-accel-buffering", "no"), ("connection", "keep-alive"))


def _with_headers(capture: Capture, headers: tuple[tuple[str, str], ...]) -> Transcript:
    if capture.headers_known:
        return capture.transcript
    (exchange,) = capture.transcript.drives[0].exchanges
    kind = ("content-type", "text/event-stream" if exchange.is_stream else "application/json")
    drive = Drive(capture.transcript.drives[0].kind, [replace(exchange, headers=(*headers, kind) if headers else ())])
    return replace(capture.transcript, drives=[drive])
