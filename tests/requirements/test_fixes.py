"""Fixes: whoever fails a rule that decides is told what to do about it."""

from __future__ import annotations

import conformance.checks  # noqa: F401 - registers the rules
from conformance.advice import fix_of, fixes
from conformance.rules import REGISTRY


def test_every_rule_that_decides_has_a_fix() -> None:
    """Every rule that decides in some profile, a client's too, says how to fix what it finds."""
    deciding = [rule for rule in REGISTRY.values() if any(rule.level_in(name).decides for name in rule.profiles)]
    assert [rule.id for rule in deciding if fix_of(rule.id) is None] == []


def test_fixes_are_for_rules_and_say_more_than_they_do() -> None:
    """A fix is a short sentence about a rule that exists, and never its requirement again."""
    for rule_id, text in fixes().items():
        assert rule_id in REGISTRY
        assert text != REGISTRY[rule_id].requirement
        assert text.endswith(".")
        assert 20 < len(text) <= 240


def test_no_fix_is_given_twice_in_one_area_without_a_reason() -> None:
    """The same words stand for at most three rules: advice that fits everything helps nobody."""
    texts = list(fixes().values())
    assert [text for text in set(texts) if texts.count(text) > 3] == []
