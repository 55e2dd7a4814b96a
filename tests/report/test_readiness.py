"""Clients: for which of them a target is ready, out of the same transcripts, and how a run says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import conformance.readiness as module
from conformance.baseline import Baseline, Expected
from conformance.client_profiles import Breach, Client, Effect
from conformance.readiness import Readiness, State, readiness
from conformance.report.client_lines import client_words, reason_lines, told
from conformance.report.document import ResultDocument, check_document
from conformance.report.json_result import client_entry
from conformance.rules import Check, Level, Place, Rule, Seen, Violation
from conformance.transcript import Drive, Transcript


def says(**by_case: bool) -> Check:
    """A check that finds each case right or wrong, and others nothing to judge."""

    def check(one: Transcript) -> Iterator[Seen | Violation]:
        if one.case in by_case:
            yield Seen(Place("stream")) if by_case[one.case] else Violation(Place("stream"), "right", "wrong")

    return check


def breach(rule_id: str, effect: Effect = Effect.RAISES, cases: str | None = None) -> Breach:
    return Breach(rule_id, "codex", effect, "It raises.", "codex 1 (npm)", cases)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judges rules (id: check) for one client that needs them all, over the cases a and b."""

    def judge(checks: dict[str, Check], breaches: list[Breach] | None = None, **more: Any) -> Readiness:
        needs = {one.rule: one for one in breaches or [breach(rule_id) for rule_id in checks]}
        client = Client("codex", "Codex", "1", "2026-11-22", "codex 1 (npm)", needs)
        dialects = more.pop("rule_dialects", ("vllm",))
        left_out = more.pop("unselected", ())
        rules = [
            Rule(rule_id, Level.SHOULD, "here", "It holds.", "Else.", check, dialects=dialects,
                 breaks={"codex": needs[rule_id]} if rule_id in needs else {})
            for rule_id, check in checks.items()
        ]  # fmt: skip
        monkeypatch.setattr(module, "clients", lambda: {"codex": client})
        monkeypatch.setattr(module, "REGISTRY", {rule.id: rule for rule in rules})
        transcripts = [Transcript(case, "vllm", [Drive("stream")]) for case in ("a", "b")]
        selected = [rule for rule in rules if rule.id not in left_out]
        (one,) = readiness(transcripts, [], selected, **more)
        return one

    return judge


def test_ready_means_every_rule_was_seen_to_hold(found: Any) -> None:
    """A client is ready when all its rules held, and only as far as judged when one had no evidence."""
    whole = found({"x.one": says(a=True), "x.two": says(b=True)})
    assert (whole.state, len(whole.held), whole.unjudged) == (State.READY, 2, ())
    part = found({"x.one": says(a=True), "x.two": says()})
    assert (part.state, part.held, part.unjudged) == (State.READY_AS_FAR_AS_JUDGED, ("x.one",), ("x.two",))
    assert found({"x.one": says()}).state is State.NOT_JUDGED


def test_one_broken_rule_is_enough_and_the_worst_comes_first(found: Any) -> None:
    """A rule that a specification only recommends breaks the client, and reasons go from the worst effect."""
    checks = {"x.one": says(a=False), "x.two": says(a=True, b=False), "x.three": says(a=True)}
    effects = [breach("x.one"), breach("x.two", Effect.RUNS_WRONG_CALL), breach("x.three")]
    one = found(checks, effects)
    assert one.state is State.NOT_READY
    assert [reason.breach.rule for reason in one.reasons] == ["x.two", "x.one"]
    assert one.held == ("x.three",)


def test_what_the_baseline_expects_breaks_the_client_all_the_same(found: Any) -> None:
    """A known failure is a failure for whoever uses the client."""
    known = Baseline((Expected("x.one", ("a",), "known"),))
    assert found({"x.one": says(a=False)}, baseline=known).state is State.NOT_READY


def test_only_the_cases_that_the_table_names_count(found: Any) -> None:
    """A violation in a case that does not concern the client does not break it."""
    one = found({"x.one": says(a=False, b=True)}, [breach("x.one", cases="b*")])
    assert one.state is State.READY


def test_a_rule_that_was_not_selected_is_unjudged(found: Any) -> None:
    """What the selection left out counts as unjudged, and a rule of another dialect does not count at all."""
    one = found({"x.one": says(a=True), "x.two": says(a=True)}, unselected=("x.two",))
    assert (one.held, one.unjudged) == (("x.one",), ("x.two",))
    elsewhere = found({"x.one": says(a=True)}, rule_dialects=("messages",))
    assert (elsewhere.state, elsewhere.unjudged) == (State.NOT_JUDGED, ())


def test_a_client_has_a_line_of_its_own(document: ResultDocument) -> None:
    """The line says ready or not, the first reasons, and how much had no evidence."""
    reader, shower, saver, sleeper = (client_words(client) for client in document["clients"])
    assert reader == (
        "not ready: usage.total (loses content), stream.created-first (raises), stream.created-once (raises) "
        "and 1 more; not judged: 1 of 6 rules had no evidence"
    )
    assert shower == "ready as far as judged: 2 rules hold; not judged: 1 of 3 rules had no evidence"
    assert saver == "ready: 1 rule holds, and it needs no other"
    assert sleeper == "not judged: none of its 2 rules had evidence"


def test_every_reason_in_full(document: ResultDocument) -> None:
    """Asked for more, a client tells each reason with its effect, how it breaks and where it was seen."""
    lines = list(reason_lines(document["clients"][0]))
    assert lines[1] == (
        "stream.created-first [chat_completions]: raises. Its reader gives up at the first event. In text.long."
    )
    assert lines[-1] == "no evidence: refusal.part"


def test_nothing_is_said_where_nothing_was_judged(document: ResultDocument) -> None:
    """A run that could not drive has no client lines, and a document of an older suite is read as having none."""
    assert told(document["clients"])
    assert not told(document["clients"][-1:])
    older = {key: value for key, value in document.items() if key != "clients"}
    assert "clients" not in older
    assert check_document(older)["clients"] == []


def test_an_entry_names_a_violation(samples: Any) -> None:
    """The document holds, for each reason, one violation in words and the case that shows it."""
    (reason, *_) = client_entry(samples.sample_clients()[0])["reasons"]
    assert (reason["rule"], reason["case"], reason["effect"]) == ("usage.total", "text.long", "loses content")
    assert reason["message"] == "expected `total_tokens` 26; got no `usage`"
