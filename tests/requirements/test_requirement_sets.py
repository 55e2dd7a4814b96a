"""Frozen sets of rules: complete when made, and never changed by what comes later."""

from __future__ import annotations

import pytest

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.errors import UsageError
from conformance.requirements import latest, load, names, render
from conformance.rules import REGISTRY


def test_the_newest_set_knows_only_rules_that_exist() -> None:
    """No rule of the newest set has been renamed or taken out."""
    assert set(latest().levels) <= set(REGISTRY)


def test_the_newest_set_has_the_levels_of_its_rules() -> None:
    """A rule weighs in the set what it weighs in the suite, or the set is older than the change."""
    assert {rule: REGISTRY[rule].level for rule in latest().levels} == dict(latest().levels)


def test_every_set_is_as_it_is_written() -> None:
    """The file of the newest set is what the rules it names render to, sorted and without doubles."""
    frozen = latest()
    text = render(frozen.name, [rule for rule in REGISTRY.values() if rule.id in frozen])
    assert text.count('",') == len(frozen.levels)


def test_the_first_set_is_large() -> None:
    """The first set holds three hundred rules or more."""
    assert len(load("2026.11").levels) >= 300


def test_an_unknown_set_names_those_that_exist() -> None:
    """Asking for a set that does not exist is a usage error that names the others."""
    with pytest.raises(UsageError, match=names()[0]):
        load("1999.01")
