"""Cases that got no answer in time beside others are driven again, alone, and that transcript counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.cases.case import Case, Turn
from conformance.runs import RunOptions
from conformance.second_look import HANGS, is_late, is_lingering, is_overdue, second_look
from conformance.session import run
from conformance.transcript import CLOSES_WITHIN, ClientRequest, Drive, Exchange, Received, StreamEnd, Transcript
from conformance.verdict import Outcome
from fakes.log import Lag, UpstreamCall


def driven(name: str, ended: StreamEnd = "complete", status: int | None = 200) -> Transcript:
    exchange = Exchange(ClientRequest("POST", "/v1/responses", (), {}), status=status, ended=ended)
    return Transcript(name, "vllm", [Drive("stream", [exchange])])


def case(name: str) -> Case:
    return Case(id=name, summary=name, source="-", turns=(Turn(),))


def looked(
    transcripts: list[Transcript], again: Callable[[str], Transcript], ready: Callable[[], bool] = lambda: True
) -> list[Transcript]:
    first = {one.case: one for one in transcripts}
    return list(second_look([case(name) for name in first], first, lambda one: again(one.id), ready))


def test_what_is_overdue() -> None:
    """A deadline is overdue, and a connection that nobody took; a cut answer and a broken fake are not."""
    unheard = Transcript("x", "vllm", [Drive("stream", [], "nothing accepts connections", "target")])
    broken = Transcript("x", "vllm", [Drive("stream", [], "the fake broke", "harness")])
    assert is_overdue(driven("x", "deadline"))
    assert is_overdue(unheard)
    assert not any(map(is_overdue, [driven("x"), driven("x", "truncated"), driven("x", "reset"), broken]))


def gated(name: str, *lags: Lag) -> Transcript:
    plain = driven(name)
    call = UpstreamCall("POST", "/v1/chat/completions", "", (), b"{}", {}, 0.0, lags=list(lags))
    exchange = replace(plain.drives[0].exchanges[0], upstream=(call,))
    return replace(plain, drives=[*plain.drives, Drive("gated", [exchange])])


def test_what_is_late() -> None:
    """A gate that gave up was waited at in vain; one at which the client stood already was not."""
    assert is_late(gated("x", Lag(3, 1)))
    assert not any(map(is_late, [gated("x"), gated("x", Lag(3, 0)), driven("x")]))


def test_the_late_are_driven_again() -> None:
    """A late case is driven again; where its gates were given up meanwhile, what it showed first stays."""
    late = [gated("late", Lag(3, 1)), driven("fine")]
    assert [one.case for one in looked(late, gated)] == ["late"]
    assert looked(late, driven) == []


def closed(name: str, after: float, ended: StreamEnd = "complete") -> Transcript:
    """A stream whose terminal event came at 3 s and whose body ended so much later."""
    plain = driven(name, ended)
    body = Received(3.0, b'data: {"type": "response.completed"}\n\n')
    headers = (("content-type", "text/event-stream"),)
    stream = replace(plain.drives[0].exchanges[0], headers=headers, received=(body,), ended_at=3.0 + after)
    return replace(plain, drives=[Drive("stream", [stream])])


def test_what_lingers() -> None:
    """A body that stays open for two seconds after its terminal event, or for ever; not one that the client left."""
    assert not any(
        map(is_lingering, [closed("x", 0.1), closed("x", 1.9), closed("x", 9.0, "client-left"), driven("x")])
    )
    assert all(map(is_lingering, [closed("x", CLOSES_WITHIN), closed("x", 9.0), closed("x", 0.5, "deadline")]))


def test_the_lingering_are_driven_again() -> None:
    """What closes at once alone counts; a target that lingers by itself is asked some times, and no more."""
    first = [closed("slow", 9.0), closed("fine", 0.1)]
    assert [one.case for one in looked(first, lambda name: closed(name, 0.1))] == ["slow"]
    many = [closed(f"c{n:02}", 9.0) for n in range(HANGS + 5)]
    assert len(looked(many, lambda name: closed(name, 9.0))) == HANGS


def test_only_the_overdue_and_the_costly_one_last() -> None:
    """Only what is overdue is driven again; a case whose answer had begun may be the costly one, and waits."""
    first = [driven("costly", "deadline"), driven("fine"), driven("waited", "deadline", None)]
    assert [one.case for one in looked(first, driven)] == ["waited", "costly"]


def test_a_target_that_hangs_by_itself() -> None:
    """After so many cases that hang alone too, the others are left as they are."""
    first = [driven(f"c{n:02}", "deadline", None) for n in range(HANGS + 5)]
    again = looked(first, lambda name: driven(name, "deadline", None))
    assert [one.case for one in again] == [one.case for one in first[:HANGS]]


def test_a_target_that_does_not_come_back() -> None:
    """Nothing is driven through a target that does not answer its probe any more."""
    assert looked([driven("waited", "deadline", None)], driven, lambda: False) == []


@pytest.mark.parametrize("lie", ["right", "stalls-once"])
def test_a_stall_accuses_nobody_else(target_file: Callable[..., str], lie: str) -> None:
    """A target that keeps everybody waiting once, and answers each case alone, has broken no rule of those cases."""
    rules = ("delivery.answers", "content.text-equals-upstream", "json.text-equals-upstream")
    cases = ("text.plain", "text.unicode", "text.one-fragment", "text.whitespace-kept")
    result = run(replace(RunOptions(target=target_file(lie, patience=2)), cases=cases, rules=rules))
    assert {one.rule.id: one.outcome for one in result.verdicts} == dict.fromkeys(rules, Outcome.PASS)
    assert sorted(one.case for one in result.transcripts) == sorted(cases)
    assert not any(map(is_overdue, result.transcripts))


@pytest.mark.parametrize(
    ("lie", "outcome"), [("late-at-first", Outcome.PASS), ("relays", Outcome.PASS), ("holds-back", Outcome.FAIL)]
)
def test_late_deltas_are_looked_at_alone(target_file: Callable[..., str], lie: str, outcome: Outcome) -> None:
    """A delta that is late once is no delta held back; one that is late when its case is driven alone too is."""
    options = replace(RunOptions(target=target_file(lie)), cases=("text.released-one-by-one",))
    result = run(replace(options, rules=("stream.each-delta-at-once",)))
    assert [one.outcome for one in result.verdicts] == [outcome]
