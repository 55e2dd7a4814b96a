"""Every check can fail: rules and miniatures as a whole, across all areas."""

from __future__ import annotations

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.miniatures import all_miniatures
from conformance.miniatures.lock import read_lock
from conformance.rules import REGISTRY


def test_every_rule_has_a_miniature() -> None:
    """There is a wrong proxy for each rule."""
    assert set(REGISTRY) - {rule for miniature in all_miniatures() for rule in miniature.for_rules} == set()


def test_every_miniature_is_for_rules_that_exist() -> None:
    """No miniature is for a rule that was renamed or taken out."""
    assert {rule for miniature in all_miniatures() for rule in miniature.for_rules} <= set(REGISTRY)


def test_the_lock_holds_every_miniature() -> None:
    """The lock is complete, and names none that is gone."""
    assert set(read_lock()) == {miniature.name for miniature in all_miniatures()}


def test_every_miniature_fails_what_it_is_for() -> None:
    """By the lock, each miniature breaks at least one of the rules that it is for."""
    locked = read_lock()
    idle = [one.name for one in all_miniatures() if not set(one.for_rules) & set(locked[one.name])]
    assert idle == []


def test_every_rule_is_broken_by_a_miniature_that_is_for_it() -> None:
    """By the lock, each rule is seen to fail in a miniature made for it."""
    locked = read_lock()
    seen = {rule for one in all_miniatures() for rule in one.for_rules if rule in locked[one.name]}
    assert set(REGISTRY) - seen == set()
