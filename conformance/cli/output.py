"""Writing the reports that the options ask for; all are made from the result document."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from conformance.errors import UsageError
from conformance.report.console import console_report
from conformance.report.document import ResultDocument
from conformance.report.json_result import write_json
from conformance.report.junit import write_junit
from conformance.report.markdown import write_markdown
from conformance.report.style import Style, wants_colour

__all__ = ["check_outputs", "write_reports"]


def write_reports(document: ResultDocument, arguments: argparse.Namespace) -> None:
    """Write JSON, JUnit XML, Markdown and HTML where they are asked for, and the console's report.

    With `--json -` standard output is the document alone, and the console's report goes to standard error.
    """
    console = sys.stderr if arguments.json == "-" else sys.stdout
    try:
        _write_files(document, arguments)
    finally:  # a file that cannot be written takes nobody's verdict away
        style = Style(wants_colour(console))
        console.write(console_report(document, style=style, verbose=arguments.verbose))
        console.flush()


def _write_files(document: ResultDocument, arguments: argparse.Namespace) -> None:
    if arguments.json:
        write_json(document, sys.stdout if arguments.json == "-" else Path(arguments.json))
    if arguments.junitxml:
        write_junit(document, arguments.junitxml)
    if arguments.summary:
        write_markdown(document, arguments.summary)
    if arguments.html:
        from conformance.report.html import write_html  # the template engine is slow to import

        write_html(document, arguments.html)


_FILES = ("json", "junitxml", "summary", "html", "write_baseline", "markdown")
_FOLDERS = ("transcripts", "save_failures")


def check_outputs(arguments: argparse.Namespace) -> None:
    """Raises UsageError for a place where nothing can be written: before a run, and not after its minutes."""
    for name in (*_FILES, *_FOLDERS):
        value = getattr(arguments, name, None)
        if value is None or (name == "json" and value == "-"):
            continue
        flag, place = f"--{name.replace('_', '-')}", Path(value)
        if name in _FILES and place.is_dir():
            raise UsageError(f"{flag} {place}: it is a folder; give the name of a file in it")
        if name in _FOLDERS and place.exists() and not place.is_dir():
            raise UsageError(f"{flag} {place}: it is a file; give a folder")
        above = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
        if above != place and not above.is_dir():
            raise UsageError(f"{flag} {place}: {above} is a file, not a folder")
        if not os.access(above, os.W_OK):
            raise UsageError(f"{flag} {place}: no right to write to {above}")
