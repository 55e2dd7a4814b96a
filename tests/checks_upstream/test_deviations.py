from __future__ import annotations

from collections import Counter

import pytest

import conformance.checks as checks
from conformance.fold import fold, resumed
from conformance.miniatures import deviations, get, logprobs
from conformance.miniatures.deviation_samples import deviation_transcripts
from conformance.rules import REGISTRY, Rule, Seen, Violation
from conformance.transcript import Transcript
from fakes.answering import reply_to
from fakes.dialects import get as dialect_of
from fakes.script import DIALECTS, Dialect, Script, Text

_MODULES = (checks.finishes, checks.item_shapes, checks.logprobs, checks.other_form, checks.passed_settings)
_ELSEWHERE = frozenset({"history.reasoning-in-its-field", "history.no-call-invented"})  # in the crossing samples
_WRONG = sorted(
    edit.__name__.replace("_", "-")
    for module in (deviations, logprobs)
    for edit in vars(module).values()
    if getattr(edit, "__module__", "") == module.__name__ and not edit.__name__.startswith("_")
)

Right = list[tuple[str, Transcript]]


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    names = {module.__name__ for module in _MODULES}
    return [rule for rule in REGISTRY.values() if rule.check.__module__ in names]


@pytest.fixture(scope="module")
def deviating() -> Right:
    return list(deviation_transcripts())


def _broken(rule: Rule, transcript: Transcript) -> list[Violation]:
    return [found for found in rule.check(transcript) if isinstance(found, Violation)]


def test_right_targets_follow_the_rules_of_deviations(rules: list[Rule], deviating: Right) -> None:
    """No right target breaks one of these rules, in any dialect."""
    broken = [
        (name, transcript.case, transcript.dialect, rule.id, found.expected, found.actual)
        for name, transcript in deviating
        for rule in rules
        for found in _broken(rule, transcript)
        if transcript.dialect in rule.dialects
    ]
    assert broken == []


def test_each_rule_of_deviations_is_observed_in_its_dialects(rules: list[Rule], deviating: Right) -> None:
    """Each of these rules finds something to judge in each dialect that it names."""
    observed: Counter[tuple[str, str | None]] = Counter()
    for _, transcript in deviating:
        for rule in rules:
            observed[rule.id, transcript.dialect] += sum(isinstance(one, Seen) for one in rule.check(transcript))
    thoughtful = {"item.no-empty-reasoning-part"}  # only Messages keeps thoughts to itself
    missing = [
        (rule.id, dialect)
        for rule in rules
        for dialect in rule.dialects
        if not observed[rule.id, dialect] and not (rule.id in thoughtful and dialect != "messages")
    ]
    assert missing == []


@pytest.mark.parametrize("name", _WRONG)
def test_each_wrong_proxy_breaks_what_it_is_for(name: str, deviating: Right) -> None:
    """Each of these miniatures breaks the rule that it is for, and no rule raises on it."""
    miniature = get(name)
    if set(miniature.for_rules) <= _ELSEWHERE:
        pytest.skip("shown by the crossing samples")
    changed = [(right, wrong) for _, right in deviating if (wrong := miniature(right)) is not right]
    assert changed
    for rule_id in miniature.for_rules:
        rule = REGISTRY[rule_id]
        assert any(_broken(rule, wrong) and not _broken(rule, right) for right, wrong in changed)
    for _, wrong in changed:
        for rule in REGISTRY.values():
            list(rule.check(wrong))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("quirk", ["json-always", "stream-always"])
def test_the_other_form_may_be_understood_or_fail(dialect: Dialect, quirk: str) -> None:
    """An upstream that answers in the other form has said what it said, and a target may fail over it."""
    asked = quirk == "json-always"
    script = Script(parts=(Text(("Read ", "me.")),), quirks=frozenset({quirk}))
    reply = reply_to(script, {"model": "m", "stream": asked, "messages": []}, dialect_of(dialect))
    said = fold(dialect, status=200, headers=reply.headers, body=reply.body, asked_stream=asked)
    assert said.streamed is not asked
    assert said.joined("text") == "Read me."
    assert said.ends == {"completed", "failed", "http-error"}
    plain = fold(dialect, status=200, headers=reply.headers, body=reply.body, asked_stream=not asked)
    assert plain.ends == {"completed"}


def test_a_paused_turn_and_its_continuation_are_one_answer() -> None:
    """What came before a pause and after it are told together; how the counts add up is nobody's rule."""
    halves = []
    for text, finish in (("One and ", "pause_turn"), ("two.", "stop")):
        script = Script(parts=(Text((text,)),), finish=finish)
        reply = reply_to(script, {"model": "m", "stream": True, "messages": []}, dialect_of("messages"))
        halves.append(fold("messages", status=200, headers=reply.headers, body=reply.body))
    whole = resumed(*halves)
    assert (whole.joined("text"), whole.ends, whole.usage) == ("One and two.", {"completed"}, None)
