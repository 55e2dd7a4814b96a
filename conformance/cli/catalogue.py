"""What the suite holds, loaded once a command needs it: rules, cases and miniatures."""

from __future__ import annotations

import difflib
from collections import defaultdict

from conformance.errors import UsageError
from conformance.rules import REGISTRY, Rule

__all__ = ["find_rule", "load_rules", "miniatures_by_rule"]


def load_rules() -> list[Rule]:
    """Every rule, by id."""
    import conformance.checks  # noqa: F401  (registers the rules)

    return sorted(REGISTRY.values(), key=lambda rule: rule.id)


def find_rule(rule_id: str) -> Rule:
    """The rule of that id. Raises UsageError that names the nearest ones when there is none."""
    rules = {rule.id: rule for rule in load_rules()}
    if rule_id in rules:
        return rules[rule_id]
    near = difflib.get_close_matches(rule_id, rules, n=3, cutoff=0.5)
    near = near or [known for known in rules if rule_id.partition(".")[0] in known][:3]
    hint = f"did you mean {', '.join(near)}?" if near else "`list` names them all"
    raise UsageError(f"there is no rule {rule_id!r}: {hint}")


def miniatures_by_rule() -> dict[str, list[str]]:
    """The names of the miniatures that are for each rule."""
    from conformance.miniatures import all_miniatures

    names: dict[str, list[str]] = defaultdict(list)
    for miniature in all_miniatures():
        for rule_id in miniature.for_rules:
            names[rule_id].append(miniature.name)
    return names
