"""Writing the reports that the options ask for; all are made from the result document."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance.report.console import console_report
from conformance.report.document import ResultDocument
from conformance.report.json_result import write_json
from conformance.report.junit import write_junit
from conformance.report.markdown import write_markdown
from conformance.report.style import Style, wants_colour

__all__ = ["write_reports"]


def write_reports(document: ResultDocument, arguments: argparse.Namespace) -> None:
    """Write JSON, JUnit XML, Markdown and HTML where they are asked for, and the console's report.

    With `--json -` standard output is the document alone, and the console's report goes to standard error.
    """
    console = sys.stdout
    if arguments.json == "-":
        write_json(document, sys.stdout)
        console = sys.stderr
    elif arguments.json:
        write_json(document, Path(arguments.json))
    if arguments.junitxml:
        write_junit(document, arguments.junitxml)
    if arguments.summary:
        write_markdown(document, arguments.summary)
    if arguments.html:
        from conformance.report.html import write_html  # the template engine is slow to import

        write_html(document, arguments.html)
    style = Style(wants_colour(console))
    console.write(console_report(document, style=style, verbose=arguments.verbose))
    console.flush()
