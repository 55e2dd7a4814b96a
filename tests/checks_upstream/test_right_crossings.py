from __future__ import annotations

from collections import Counter

from conformance.miniatures.crossing_samples import CROSSING_SAMPLES
from conformance.miniatures.right_case import RIGHT_TARGETS
from conformance.rules import Rule, Seen, Violation
from conformance.transcript import Transcript

Right = list[tuple[str, Transcript]]


def test_every_right_target_follows_every_rule(crossing_rules: list[Rule], right: Right) -> None:
    """No right target, in no dialect, breaks a rule of any level."""
    broken = [
        f"{name} {transcript.case} {transcript.dialect} {rule.id}: {found.expected} / {found.actual}"
        for name, transcript in right
        for rule in crossing_rules
        for found in rule.check(transcript)
        if transcript.dialect in rule.dialects and isinstance(found, Violation)
    ]
    assert broken == []


def test_every_rule_is_observed_in_every_dialect(crossing_rules: list[Rule], right: Right) -> None:
    """Each rule finds something to judge in each dialect that it names, through both right targets."""
    observed: Counter[tuple[str, str | None, str]] = Counter()
    for name, transcript in right:
        for rule in crossing_rules:
            found = sum(isinstance(one, Seen) for one in rule.check(transcript))
            observed[rule.id, transcript.dialect, name] += found
    missing = [
        (rule.id, dialect)
        for rule in crossing_rules
        for dialect in rule.dialects
        if not any(observed[rule.id, dialect, name] for name in RIGHT_TARGETS)
    ]
    assert missing == []


def test_the_services_accept_every_right_request(right: Right) -> None:
    """Validation as strict as the real services' objects to no request of a right target."""
    objections = [
        (name, transcript.case, transcript.dialect, objection.message)
        for name, transcript in right
        for drive in transcript.drives
        for exchange in drive.exchanges
        for call in exchange.upstream
        for objection in call.objections
    ]
    assert objections == []


def test_right_targets_differ_in_what_they_send(right: Right) -> None:
    """The two right targets are two: their requests for the same client request are not the same."""
    bodies: dict[tuple[str, str | None], dict[str, bytes]] = {}
    for name, transcript in right:
        calls = [call for drive in transcript.drives for e in drive.exchanges for call in e.upstream]
        if calls:
            bodies.setdefault((transcript.case, transcript.dialect), {})[name] = calls[0].body
    different = [key for key, sent in bodies.items() if len(set(sent.values())) > 1]
    assert {dialect for _, dialect in different} == {"chat_completions", "messages", "vllm"}


def test_every_rule_says_what_breaks_and_where_it_comes_from(crossing_rules: list[Rule]) -> None:
    """A requirement is one sentence, a reason is a sentence, and the source is public."""
    for rule in crossing_rules:
        assert rule.requirement.endswith("."), rule.id
        assert rule.why.strip().endswith((".", "!", '."', '").')), rule.id
        assert rule.source, rule.id
        assert "facts/" not in rule.source, rule.id


def test_samples_have_ids_of_their_own() -> None:
    """No two samples have the same id."""
    ids = [case.id for case in CROSSING_SAMPLES]
    assert len(ids) == len(set(ids))
