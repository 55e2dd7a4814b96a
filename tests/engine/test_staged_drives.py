"""Driving what takes more than one request at a time: crowds, slow readers, an upstream or a target that goes away."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
import conformance.drive as drive_module
from conformance.cases.case import Case, Turn
from conformance.drive import Driver
from conformance.rules import REGISTRY, Violation
from conformance.runs import RunOptions
from conformance.session import run
from conformance.targets import load_target, start_target
from conformance.transcript import Transcript
from fakes.script import Dies, Script, Silence, Text
from fakes.upstream import FakeUpstream

TargetFile = Callable[..., str]
Driving = Callable[[str], Driver]
ASKED = {
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}],
    "store": False,
}
HELLO = Script(parts=(Text(("Hel", "lo.")),))


@pytest.fixture
def driving(target_file: TargetFile) -> Iterator[Driving]:
    """Starts the small target with a lie, and gives a driver for it that may end it."""
    with ExitStack() as stack:

        def start(lie: str) -> Driver:
            upstream = stack.enter_context(FakeUpstream("chat_completions"))
            running = stack.enter_context(start_target(load_target(target_file(lie)), "chat_completions", upstream.url))
            return Driver("chat_completions", running.endpoint, upstream, process=running)

        yield start


def case(*turns: Turn, **more: Any) -> Case:
    return Case(id="test.case", summary="s", source="here", turns=turns, drives=frozenset({"stream"}), **more)


def broken(rule: str, transcript: Transcript) -> bool:
    return any(isinstance(found, Violation) for found in REGISTRY[rule].check(transcript))


def test_copies_are_sent_at_once_each_with_words_of_its_own(driving: Driving) -> None:
    """A turn with copies gives as many exchanges, whose answers hold their own token and no other."""
    said = Script(parts=(Text(("You are ", "{token}")), Silence(0.05), Text((".",))))
    transcript = driving("relays").drive(case(Turn(request=ASKED, answers=(said,), copies=12)))
    (drive,) = transcript.drives
    assert drive.problem is None
    tokens = [exchange.request.body["model"] for exchange in drive.exchanges]
    assert len(set(tokens)) == 12
    for token, exchange in zip(tokens, drive.exchanges, strict=True):
        assert set(re.findall(r"cfx[a-z2-7]{10}", exchange.body.decode())) == {token}
    assert not broken("delivery.not-mixed", transcript)


def test_a_copy_waits_for_the_end_of_the_others(driving: Driving, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upstream answers the first copy last; a target that serves one client at a time is found out."""
    turn = Turn(request=ASKED, answers=(HELLO,), copies=3, first_waits=True)
    apart = driving("relays").drive(case(turn))
    first, *others = apart.drives[0].exchanges
    assert apart.facts["held"] == {"stream": "met"}
    assert first.upstream[0].sent[0].t >= max(other.ended_at for other in others)
    assert all(b"Hel" in exchange.body for exchange in (first, *others))
    assert not broken("delivery.clients-independent", apart)
    monkeypatch.setattr(drive_module, "HELD_WAIT", 0.3)
    queue = driving("queues").drive(case(turn))
    assert queue.facts["held"] == {"stream": "late"}
    assert broken("delivery.clients-independent", queue)


def test_a_reader_that_stops_shows_who_reads_ahead(driving: Driving) -> None:
    """The client leaves once nothing moves; a target that had taken everything by then is found out."""
    said = Script(parts=tuple(one for n in range(24) for one in (Text((f"{n:04d} " * 200_000,)), Silence(1e-6))))
    turn = Turn(request=ASKED, answers=(said,), stop_reading_after=5)
    stopped = case(turn, tags=frozenset({"stops-reading"}))
    ahead, along = (driving(lie).drive(stopped) for lie in ("holds-back", "relays"))
    assert broken("flow.backpressure", ahead)
    assert not broken("flow.backpressure", along)
    assert [e.ended for d in (*ahead.drives, *along.drives) for e in d.exchanges] == ["client-left"] * 2


def test_an_upstream_is_down_for_one_turn(driving: Driving) -> None:
    """While a turn says so nothing listens where the upstream was, and afterwards it is there again."""
    down = Turn(request=ASKED, upstream_closed=True)
    transcript = driving("relays").drive(case(down, Turn(request=ASKED, answers=(HELLO,))))
    first, second = transcript.drives[0].exchanges
    assert first.upstream == ()
    assert len(second.upstream) == 1
    assert b"Hel" in second.body


STOPPED = case(
    Turn(request=ASKED, answers=(Script(parts=(Text(("On ", "and ")), Dies("stall"))),), terminate_after=5),
)


def test_a_target_that_is_asked_to_end_is_watched(driving: Driving) -> None:
    """How the stream and the process ended is told, and the cut stream is held against no other rule."""
    transcript = driving("relays").drive(STOPPED)
    told = transcript.facts["exit"]
    assert (told["status"], told["terminal"]) == (-signal.SIGTERM, None)
    assert transcript.drives[0].exchanges[0].ended == "client-left"
    assert broken("shutdown.stream-told", transcript)
    assert not broken("shutdown.exits", transcript)
    assert not broken("delivery.body-ends-cleanly", transcript)


def test_a_target_that_does_not_end_is_not_waited_for_for_ever(
    driving: Driving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that takes no notice of SIGTERM is found out once its time is over."""
    monkeypatch.setattr(drive_module, "EXIT_WAIT", 0.1)
    transcript = driving("deaf").drive(STOPPED)
    assert transcript.facts["exit"]["status"] is None
    assert broken("shutdown.exits", transcript)


def test_a_target_that_is_not_ours_is_not_ended(driving: Driving) -> None:
    """Without a process of the suite's a case that ends its target is left out."""
    driver = driving("relays")
    driver.process = None
    assert driver.drive(STOPPED).drives == []


def test_a_run_ends_its_target_last_and_takes_no_offence(target_file: TargetFile) -> None:
    """A case that ends the target is driven after all others, and its exit is no trouble of the run."""
    options = RunOptions(
        target=target_file("relays"),
        cases=("leaving.the-*", "text.plain"),
        rules=("shutdown.*", "failure.unreachable-*", "content.text-*"),
    )
    result = run(options)
    assert result.trouble == []
    driven = {transcript.case: transcript for transcript in result.transcripts}
    assert set(driven) == {"text.plain", "leaving.the-upstream-is-down", "leaving.the-target-is-stopped"}
    assert driven["leaving.the-target-is-stopped"].facts["exit"]["status"] == -signal.SIGTERM
    assert [drive.problem for transcript in driven.values() for drive in transcript.drives if drive.problem] == []
