"""The page of the rule book: every row, with what judges it or why nothing does."""

from __future__ import annotations

import re

from conformance.requirements.rulebook import exclusions, rows
from conformance.rulebook_page import rulebook_page
from conformance.rules import REGISTRY

PAGE = rulebook_page("<!-- generated -->")
LINES = {line.split(" | ")[0].removeprefix("| "): line for line in PAGE.splitlines() if line.startswith("| ")}


def test_every_row_has_a_line_with_its_judges_or_the_reason() -> None:
    """A row shows its rules as links, or its reason where there are none."""
    for row in rows():
        line = LINES[row.id]
        assert all(f"[{rule}](rules/" in line for rule in row.judged_by)
        assert row.judged_by or exclusions().get(row.id, "").split(" ")[0] in line


def test_every_link_leads_to_a_rule() -> None:
    """A link names a rule of the registry, the page of its area, and its heading there."""
    links = re.findall(r"\[([a-z0-9.-]+)\]\(rules/([a-z0-9-]+)\.md#([a-z0-9-]+)\)", PAGE)
    assert links
    for rule, area, anchor in links:
        assert REGISTRY[rule].area == area
        assert anchor == rule.replace(".", "")


def test_every_line_of_a_table_has_its_columns() -> None:
    """No cell holds a bare vertical line that would end it."""
    for line in PAGE.splitlines():
        if line.startswith("| ") and line.split(" | ")[0].removeprefix("| ") in {row.id for row in rows()}:
            assert len(re.findall(r"(?<!\\)\|", line)) == 5
