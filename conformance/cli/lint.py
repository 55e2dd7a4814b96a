"""`lint`: judges what was saved: a stream as it came (`curl -N ... > capture.sse`), a JSON answer, a transcript."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.rules import PROFILES
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

__all__ = ["add_parser", "read_capture"]

EPILOG = """\
examples:
  curl -sN http://127.0.0.1:8001/v1/responses -d '{"model": "m", "input": "Hi", "stream": true}' \\
      -H 'content-type: application/json' > capture.sse
  responses-conformance lint capture.sse
  responses-conformance lint --profile codex --rule 'stream.*' capture.sse other.sse

A saved stream is judged by the rules that need no known upstream; a transcript (`run --transcripts`) by all."""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    parser.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="an event stream, a JSON body or a transcript"
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
    parser.add_argument("-v", "--verbose", action="store_true", help="every failure in full, and all reasons")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge the files together; the exit code is that of a run."""
    from conformance.cli.catalogue import load_rules
    from conformance.cli.output import write_reports
    from conformance.judge import judge
    from conformance.report.json_result import build_document
    from conformance.report.suite import describe_suite

    globs = arguments.rule
    rules = [rule for rule in load_rules() if not globs or any(fnmatchcase(rule.id, glob) for glob in globs)]
    if not rules:
        raise UsageError(f"no rule matches {' '.join(globs)!r}; `list` names them all")
    transcripts = list(_unique(read_capture(file) for file in arguments.file))
    document = build_document(
        judge(transcripts, rules, profile=arguments.profile),
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


def read_capture(file: Path) -> Transcript:
    """A saved file as a transcript. Raises UsageError for a file that cannot be read or is none of the three."""
    from conformance.transcript_file import FORMAT, load_transcript

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    if not data.strip():
        raise UsageError(f"{file}: the file is empty")
    value = _json(data)
    if isinstance(value, dict) and value.get("format") == FORMAT:
        return load_transcript(file)
    if value is None and not _looks_like_events(data):
        raise UsageError(f"{file}: neither an event stream nor JSON; save the body of the answer, without headers")
    return _capture(file.stem, data, "application/json" if value is not None else "text/event-stream")


def _capture(name: str, data: bytes, kind: str) -> Transcript:
    """One answer whose request nobody kept: it is taken to be 200 and complete."""
    body = {"stream": True} if kind == "text/event-stream" else {}
    exchange = Exchange(
        request=ClientRequest("POST", "/v1/responses", (), body),
        status=200,
        headers=(("content-type", kind),),
        received=(Received(0.0, data),),
    )
    drive = Drive("stream" if body else "json", [exchange])
    return Transcript(case=name, dialect=None, drives=[drive], summary="a saved answer")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _looks_like_events(data: bytes) -> bool:
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    return any(line.startswith((b"data:", b"event:", b":")) for line in lines[:50])


def _unique(transcripts: Iterable[Transcript]) -> Iterable[Transcript]:
    """Two files of one name are two cases."""
    seen: dict[str, int] = {}
    for transcript in transcripts:
        count = seen[transcript.case] = seen.get(transcript.case, 0) + 1
        if count > 1:
            transcript.case = f"{transcript.case}-{count}"
        yield transcript
