"""Every report of one run that has every outcome, compared with golden files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from conformance.report import (
    ResultDocument,
    Style,
    console_report,
    junit_xml,
    markdown_summary,
    write_json,
)
from conformance.verdict import Outcome

Golden = Callable[[str, str], None]


def test_the_sample_has_every_outcome(document: ResultDocument) -> None:
    """The goldens cover each outcome there is."""
    assert {verdict["outcome"] for verdict in document["verdicts"]} == set(Outcome)


def test_json(document: ResultDocument, golden: Golden) -> None:
    """The JSON result."""
    stream = io.StringIO()
    write_json(document, stream)
    assert json.loads(stream.getvalue()) == document
    golden("result.json", stream.getvalue())


def test_console(document: ResultDocument, golden: Golden) -> None:
    """The console's report, brief."""
    golden("console.txt", console_report(document))


def test_console_verbose(document: ResultDocument, golden: Golden) -> None:
    """The console's report with every failure in full and every reason."""
    golden("console-verbose.txt", console_report(document, verbose=True))


def test_console_in_colour_has_the_same_words(document: ResultDocument) -> None:
    """Colour adds escape sequences and nothing else."""
    import re

    coloured = console_report(document, style=Style(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == console_report(document)


def test_junit(document: ResultDocument, golden: Golden) -> None:
    """JUnit XML."""
    golden("junit.xml", junit_xml(document))


def test_markdown(document: ResultDocument, golden: Golden) -> None:
    """The Markdown summary."""
    golden("summary.md", markdown_summary(document))
