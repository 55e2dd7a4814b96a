from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from conformance.miniatures import all_miniatures
from conformance.miniatures.bug_samples import right_of_miniature
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts, said_of
from conformance.rules import CLIENT_PROFILES, Rule, Seen, Violation
from conformance.transcript import Transcript


@pytest.mark.parametrize("name", sorted(FLAVOURS))
def test_every_legal_flavour_passes_what_decides_in_its_profiles(name: str, stream_rules: list[Rule]) -> None:
    """A right target passes every deciding rule of each specification profile that allows its flavour."""
    flavour = FLAVOURS[name]
    wrong = [
        f"{rule.id} in {transcript.case}[{transcript.dialect}]: expected {said.expected}, got {said.actual}"
        for transcript in right_transcripts(flavour)
        for rule in stream_rules
        if any(profile in rule.profiles and rule.level_in(profile).decides for profile in flavour.profiles)
        for said in rule.check(transcript)
        if isinstance(said, Violation)
    ]
    assert wrong == []


def test_the_plain_flavour_follows_every_rule_of_every_profile(stream_rules: list[Rule]) -> None:
    """The strictest common stream breaks no rule at all, recommendations and clients' rules included."""
    broken = {
        (rule.id, said.actual)
        for transcript in right_transcripts(FLAVOURS["plain"])
        for rule in stream_rules
        if rule.profiles & {"superset", *CLIENT_PROFILES}
        for said in rule.check(transcript)
        if isinstance(said, Violation)
    }
    assert broken == set()


def test_every_rule_is_observed_on_right_streams(stream_rules: list[Rule]) -> None:
    """No rule is silent on all right streams: each sees something it judges right, if only in its bug's cases."""
    observed: Counter[str] = Counter()
    for transcript in right_transcripts():
        for rule in stream_rules:
            observed[rule.id] += _sees(rule, transcript)
    silent = [rule for rule in stream_rules if not observed[rule.id]]
    assert [rule.id for rule in silent if not any(_sees(rule, right) for right in _right_of_bugs(rule))] == []


def _sees(rule: Rule, transcript: Transcript) -> int:
    return sum(isinstance(said, Seen) for said in rule.check(transcript))


def _right_of_bugs(rule: Rule) -> Iterator[Transcript]:
    """The right transcripts of the cases that are about a reported bug which the rule catches."""
    for wrong in all_miniatures():
        if rule.id in wrong.for_rules:
            yield from right_of_miniature(wrong.name)


def test_flavours_differ_on_the_wire() -> None:
    """No two flavours write the same bytes for the richest sample: each one is a variety of its own."""
    case = next(case for case in SAMPLES if case.id == "sample.reasoning-and-calls")
    bodies = {
        name: next(iter(right_transcripts(flavour, cases=(case,)))).drives[0].exchanges[0].body
        for name, flavour in FLAVOURS.items()
    }
    assert len(set(bodies.values())) == len(FLAVOURS)


def test_samples_say_what_their_scripts_say() -> None:
    """What is folded from a sample's bytes is what its script says, in every dialect that can say it."""
    case = next(case for case in SAMPLES if case.id == "sample.reasoning-and-calls")
    for dialect in case.dialects:
        (said,) = said_of(case, dialect)
        assert said.joined("text") == "I will look it up."
        assert said.joined("reasoning") == "First the weather, then the time."
        assert [call.name for call in said.calls] == ["get_weather", "get_time"]
        assert said.ends == {"completed"}
