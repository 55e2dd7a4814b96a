"""The page about live endpoints says what the suite does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.cases.live import ACCEPTANCE, CASES
from conformance.cli.main import Parser
from conformance.cli.options import check_target
from conformance.cli.run import add_parser
from conformance.live.endpoint import PATIENCE
from conformance.live.plan import MAX_REQUESTS, plan
from conformance.rules import REGISTRY

PAGE = Path(__file__).parents[2].joinpath("docs", "how-to", "judge-a-live-endpoint.md").read_text("utf-8")
_RUNS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("responses-conformance run")
]


@pytest.mark.parametrize("words", _RUNS, ids=" ".join)
def test_every_command_is_one(words: list[str]) -> None:
    """Each command of the page can be given as it stands there."""
    parser = Parser()
    add_parser(parser.add_subparsers(), "run", "")
    check_target(parser.parse_args(words[1:]))


def test_it_tells_the_cost() -> None:
    """The numbers of cases, requests and tokens are those that a run announces, and the bounds are the defaults."""
    (announced,) = plan(CASES, frozenset(), MAX_REQUESTS).announcement("https://host/v1", "MODEL")[:1]
    assert announced in PAGE
    everything = plan(CASES, frozenset().union(*(case.features for case in CASES)), MAX_REQUESTS)
    assert f"these are {len(everything.cases)} cases and {everything.requests} requests" in PAGE
    assert f"`--max-requests N` (default: {MAX_REQUESTS})" in PAGE
    assert f"`--patience SECONDS` (default: {PATIENCE:g})" in PAGE


def test_it_names_every_acceptance_test() -> None:
    """Each acceptance test that goes over HTTP stands in its table."""
    assert all(f"| `acceptance.{test}` |" in PAGE for test in ACCEPTANCE)


def test_every_rule_that_it_names_exists() -> None:
    """No rule of the page is renamed or gone."""
    rows = re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
    areas = {rule.area for rule in REGISTRY.values()}
    named = {name for row in rows for name in re.findall(r"`(\w+\.[\w-]+)`", row)}
    events = {"response.completed"}
    rules = {name for name in named if name.partition(".")[0] in areas} - events
    assert len(rules) > 15
    assert rules <= set(REGISTRY)


def test_more_than_half_of_the_rules_can_be_judged() -> None:
    """In every specification's profile the rules that need no known upstream are more than half."""
    for profile in ("openai", "open-responses", "superset"):
        rules = [rule for rule in REGISTRY.values() if profile in rule.profiles]
        assert 2 * sum(rule.evidence == "client" for rule in rules) > len(rules)
