"""The matrix: results side by side, as Markdown and as a page."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.errors import UsageError
from conformance.report.document import ResultDocument
from conformance.report.html import matrix_page
from conformance.report.matrix import Cell, Column, brief_markdown, matrix_markdown, matrix_of

Golden = Callable[[str, str], None]


@pytest.fixture
def other(document: ResultDocument) -> ResultDocument:
    """A second implementation, of which nothing but one rule was judged, and which breaks none."""
    changed: Any = copy.deepcopy(document)
    changed["target"] |= {"name": "other <proxy>", "version": None}
    changed["verdicts"] = [verdict for verdict in changed["verdicts"] if verdict["outcome"] == "pass"]
    changed["clients"], changed["conformance"] = [], "conforms"
    return changed  # type: ignore[no-any-return]


def test_markdown(document: ResultDocument, other: ResultDocument, golden: Golden) -> None:
    """Two results by one profile are two columns."""
    golden("matrix.md", matrix_markdown(matrix_of([document, other])))


def test_page(document: ResultDocument, other: ResultDocument, golden: Golden) -> None:
    """The same as a page; a hostile name stays text."""
    page = matrix_page(matrix_of([document, other]))
    assert "<proxy>" not in page
    golden("matrix.html", page)


def test_brief(document: ResultDocument, other: ResultDocument, golden: Golden) -> None:
    """A line an implementation."""
    golden("matrix-brief.md", brief_markdown(matrix_of([document, other])))


def test_a_rule_counts_once(document: ResultDocument) -> None:
    """A rule that fails in two dialects, expected in one, is one broken rule; what does not decide is not counted."""
    verdict: Any = next(one for one in document["verdicts"] if one["outcome"] == "fail" and one["decides"])
    document["verdicts"] = [
        verdict,
        verdict | {"dialect": "vllm", "outcome": "expected-fail"},
        verdict | {"rule": "stream.other", "outcome": "not-applicable"},
        verdict | {"rule": "stream.advice", "decides": False},
    ]
    assert Column(document).cell(verdict["area"]) == Cell(1, 1)
    assert Column(document).cell(None) == Cell(1, 1)
    assert str(Column(document).cell("nowhere")) == "–"


def test_profiles_have_a_table_each(document: ResultDocument) -> None:
    """Results by two profiles are not put into one table, and two of one target and profile are refused."""
    portable: Any = document | {"profile": "open-responses"}
    assert [table.profile for table in matrix_of([document, portable]).tables] == ["openai", "open-responses"]
    with pytest.raises(UsageError, match=r"two results of my-proxy 1\.2 by the openai profile"):
        matrix_of([document, document])


def test_command(document: ResultDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints Markdown, or writes the files that are asked for."""
    result = tmp_path / "a.json"
    result.write_text(json.dumps(document))
    assert main(["matrix", str(result)]) == 0
    printed = capsys.readouterr().out
    files = tmp_path / "deep" / "m.html", tmp_path / "m.md"
    assert main(["matrix", str(result), "--html", str(files[0]), "--markdown", str(files[1])]) == 0
    assert capsys.readouterr().out == ""
    assert files[1].read_text() == printed
    assert files[0].read_text().startswith("<!doctype html>")
