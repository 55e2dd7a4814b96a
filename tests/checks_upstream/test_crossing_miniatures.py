from __future__ import annotations

import json

from conformance.miniatures import Miniature
from conformance.miniatures.lock import differences, failing, read_lock
from conformance.rules import REGISTRY, Rule, Violation
from conformance.transcript import Transcript

Right = list[tuple[str, Transcript]]


def _breaks(rule: Rule, transcript: Transcript) -> bool:
    return any(isinstance(found, Violation) for found in rule.check(transcript))


def _one_dialect_each(right: Right) -> Right:
    """Each situation through one right target in one dialect, all dialects in turn."""
    cases = {transcript.case: number for number, (_, transcript) in enumerate(right)}
    by_case = {case: [pair for pair in right if pair[1].case == case and pair[0] == "patient"] for case in cases}
    return [pairs[number % len(pairs)] for number, pairs in enumerate(by_case.values())]


def test_every_rule_has_a_miniature(crossing_rules: list[Rule], crossing_miniatures: list[Miniature]) -> None:
    """Each rule is named by at least one miniature of this side."""
    named = {rule for wrong in crossing_miniatures for rule in wrong.for_rules}
    assert [rule.id for rule in crossing_rules if rule.id not in named] == []


def test_every_miniature_fails_what_it_is_for_on_both_right_targets(
    crossing_miniatures: list[Miniature], right: Right
) -> None:
    """A miniature breaks the rules that it names whichever right target it is made of, and no check raises."""
    toothless = []
    for wrong in crossing_miniatures:
        changed = [(name, made) for name, transcript in right if (made := wrong(transcript)) is not transcript]
        for rule in (REGISTRY[name] for name in wrong.for_rules):
            caught = {name for name, made in changed if made.dialect in rule.dialects and _breaks(rule, made)}
            if len(caught) < 2:
                toothless.append((wrong.name, rule.id, sorted(caught)))
    assert toothless == []


def test_no_check_raises_on_any_miniature(
    crossing_rules: list[Rule], crossing_miniatures: list[Miniature], right: Right
) -> None:
    """Every check of this side ends on what every miniature makes of every situation, in one dialect each."""
    for _, transcript in _one_dialect_each(right):
        for wrong in crossing_miniatures:
            made = wrong(transcript)
            if made is not transcript:
                for rule in crossing_rules:
                    list(rule.check(made))


def test_miniatures_are_pure(crossing_miniatures: list[Miniature], right: Right) -> None:
    """The transcript that a miniature is given stays as it was, on both sides."""

    def state(transcript: Transcript) -> list[bytes]:
        exchanges = [exchange for drive in transcript.drives for exchange in drive.exchanges]
        sent = [json.dumps(call.json).encode() for exchange in exchanges for call in exchange.upstream]
        return [exchange.body for exchange in exchanges] + sent

    chosen = _one_dialect_each(right)
    before = [state(transcript) for _, transcript in chosen]
    for wrong in crossing_miniatures:
        for _, transcript in chosen:
            wrong(transcript)
    assert [state(transcript) for _, transcript in chosen] == before


def test_the_lock_of_this_side_is_true(crossing_miniatures: list[Miniature]) -> None:
    """Every miniature fails exactly the rules that the lock says, those that it is for among them."""
    now = {wrong.name: sorted(failing(wrong)) for wrong in crossing_miniatures}
    for wrong in crossing_miniatures:
        assert set(wrong.for_rules) <= set(now[wrong.name]), f"{wrong.name} does not fail what it is for"
    locked = {name: rules for name, rules in read_lock().items() if name in now}
    assert list(differences(locked, now)) == [], "run `python -m conformance.miniatures --update` and review the diff"
