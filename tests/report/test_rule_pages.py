"""Pages of rules: what each says, and examples that a person can read."""

from __future__ import annotations

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.client_profiles import clients
from conformance.examples import example_of
from conformance.examples.lines import Line
from conformance.examples.parting import parting
from conformance.rule_page import breach_lines, rule_section
from conformance.rules import REGISTRY

A_FEW = (
    "stream.created-first",
    "item.done-before-completed",
    "sse.no-byte-order-mark",
    "history.nulls-are-absent",
    "tools.names-legal",
    "upstream.results-first",
    "stream.not-held-back",
    "usage.whole",
)


def test_a_section_says_what_why_whom_and_how() -> None:
    """A page has the requirement, why, each client with its version, the fix, the source and both examples."""
    rule = REGISTRY["item.done-before-completed"]
    page = "\n".join(rule_section(rule))
    assert page.startswith(f"## {rule.id}\n\n**must** — {rule.requirement}\n\n- Why: {rule.why}\n")
    for name, breach in rule.breaks.items():
        assert f"`{name}` {clients()[name].version}" in page
        assert f"{breach.effect}. {breach.how}" in page
    assert "- Fix: Close every open item in order" in page
    assert f"- Source: {rule.source}" in page
    right, wrong = page.split("```text")[1:]
    assert "> response.output_item.done" in right
    assert "response.output_item.done" not in wrong.partition("```")[0]
    assert "The suite says: `expected" in page


def test_clients_that_break_alike_share_a_line() -> None:
    """Clients that break in the same way stand on one line, the worst effect first."""
    lines = list(breach_lines(REGISTRY["stream.terminal-event"]))
    assert lines[0].startswith("`openai-node`")
    assert "takes it for a success" in lines[0]
    assert "`langchain`" in lines[0]
    assert sum("`codex`" in line for line in lines) == 1


@pytest.mark.parametrize("rule_id", A_FEW)
def test_an_example_is_short_and_its_lines_differ(rule_id: str) -> None:
    """Right and wrong are a few lines each, marked where they differ, and no line is longer than a screen is wide."""
    example = example_of(REGISTRY[rule_id])
    assert example is not None
    assert example.right != example.wrong
    assert any(line.startswith("> ") for line in (*example.right, *example.wrong))
    for lines in (example.right, example.wrong):
        assert 0 < len(lines) <= 8
        assert all(len(line) <= 260 for line in lines)
    assert len("\n".join(rule_section(REGISTRY[rule_id])).splitlines()) <= 50


def test_the_hunk_nearest_to_the_violation_is_shown() -> None:
    """Of several differences the one at the violation's event is shown, with a line before and after it."""
    right = [Line(name, name) for name in ["status", "a", "b", "c", "d", "e", "f"]]
    wrong = [Line(name, name) for name in ["status", "A", "b", "c", "d", "E", "f"]]
    assert parting(right, wrong, (), at=4) == (("  d", "> e", "  f"), ("  d", "> E", "  f"))
    assert parting(right, wrong, (), at=0) == (("  status", "> a", "  b"), ("  status", "> A", "  b"))
    assert parting(right, right, (), at=0) is None


def test_a_changed_event_shows_what_changed() -> None:
    """Of two versions of one event only the keys that differ are shown, and those that name it."""
    right = [Line("1", "response.output_item.done", {"item": {"id": "fc_1", "arguments": "{}", "call_id": "c"}})]
    wrong = [Line("2", "response.output_item.done", {"item": {"id": "fc_1", "arguments": "", "call_id": "c"}})]
    assert parting(right, wrong, (), at=None) == (
        ('> response.output_item.done {"item": {"id": "fc_1", "arguments": "{}"}}',),
        ('> response.output_item.done {"item": {"id": "fc_1", "arguments": ""}}',),
    )


def test_numbers_count_only_where_nothing_else_differs() -> None:
    """A wrong sequence number is the difference when it is the only one."""
    right = [Line("a", "x", {"sequence_number": 1}), Line("b", "y", {"sequence_number": 2})]
    wrong = [Line("a", "x", {"sequence_number": 1}), Line("b", "y", {"sequence_number": 1})]
    found = parting(right, wrong, (), at=None)
    assert found is not None
    assert found[1][-1] == '> y {"sequence_number": 1}'
