"""`list` and `explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import conformance.checks  # noqa: F401
from conformance.cases import all_cases
from conformance.rules import PROFILES, REGISTRY


def test_list_names_every_rule_with_its_requirement(command: Any) -> None:
    """Without options each rule has a line: id, level, requirement."""
    lines = command("list").out.splitlines()
    assert len(lines) == len(REGISTRY)
    for line, rule in zip(lines, sorted(REGISTRY.values(), key=lambda rule: rule.id), strict=True):
        assert line.split()[:2] == [rule.id, rule.level]
        assert line.endswith(rule.requirement)


def test_list_json_holds_all_that_is_known_of_a_rule(command: Any) -> None:
    """`--json` gives id, level, area, requirement, source, profiles and miniatures of each rule."""
    entries = {entry["id"]: entry for entry in command("list", "--json").json}
    assert entries.keys() == REGISTRY.keys()
    for rule_id, rule in REGISTRY.items():
        entry = entries[rule_id]
        assert (entry["level"], entry["area"], entry["requirement"], entry["source"]) == (
            rule.level,
            rule.area,
            rule.requirement,
            rule.source,
        )
        assert entry["profiles"] == {name: rule.level_in(name) for name in PROFILES if name in rule.profiles}
        assert isinstance(entry["miniatures"], list)


def test_list_rule_and_profile_select(command: Any) -> None:
    """`--rule` and `--profile` narrow the list, and the level is the profile's."""
    entries = command("list", "--json", "--rule", "stream.*", "--profile", "codex").json
    assert entries
    for entry in entries:
        assert entry["area"] == "stream"
        assert entry["level"] == entry["profiles"]["codex"]


def test_list_cases(command: Any) -> None:
    """`--cases` lists the cases, `--json` with their sources."""
    assert len(command("list", "--cases").out.splitlines()) == len(all_cases())
    entries = command("list", "--cases", "--json", "--rule", "text.*").json
    assert entries
    assert all(entry["id"].startswith("text.") and entry["source"] for entry in entries)


def test_list_profiles(command: Any) -> None:
    """`--profiles` lists each profile with how many rules it holds and how many decide."""
    entries = {entry["profile"]: entry for entry in command("list", "--profiles", "--json").json}
    assert tuple(entries) == PROFILES
    for name, entry in entries.items():
        assert entry["rules"] == sum(name in rule.profiles for rule in REGISTRY.values())
        assert 0 < entry["deciding"] <= entry["rules"]


def test_list_observed_shows_counts_and_what_was_never_seen(command: Any, stream: str, tmp_path: Path) -> None:
    """`--observed` makes a table of a result: a count for each rule, and the rules that saw nothing."""
    (tmp_path / "a.sse").write_text(stream)
    result = tmp_path / "result.json"
    command("lint", tmp_path / "a.sse", "--json", result)
    done = command("list", "--observed", result)
    assert done.code == 0
    row = next(line for line in done.out.splitlines() if line.startswith("stream.created-first "))
    assert row.split() == ["stream.created-first", "1"]
    assert any(line.endswith("observed nowhere") for line in done.out.splitlines())
    value = {entry["rule"]: entry["observed"] for entry in command("list", "--observed", result, "--json").json}
    assert value["stream.created-first"] == {"any": 1}


@pytest.mark.parametrize("rule_id", ["stream.created-first", "sse.content-type"])
def test_explain_says_what_why_and_who(command: Any, rule_id: str) -> None:
    """`explain` shows requirement, level, why, source and profiles of a rule."""
    done = command("explain", rule_id)
    assert done.code == 0
    text = " ".join(done.out.split())
    rule = REGISTRY[rule_id]
    for wanted in (rule.id, rule.requirement, f"{rule.level}:", rule.why, rule.source, "openai"):
        assert wanted in text


def test_explain_shows_whom_it_breaks_how_to_fix_it_and_both_sides(command: Any) -> None:
    """`explain` names each client with how it breaks, says what to do, and shows a right and a wrong answer."""
    out = command("explain", "item.done-before-completed").out
    assert "codex 0.169.0: loses content." in out
    assert "  fix          Close every open item" in out
    right, wrong = out.partition("Right, given to the client:")[2].split("Wrong (")
    assert "> response.output_item.done" in right
    assert "> response.output_item.done" not in wrong
