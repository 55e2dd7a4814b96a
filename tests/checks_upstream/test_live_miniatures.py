from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

import conformance.drive as drive_module
from conformance.cases.build import answers, asks, says, user
from conformance.cases.case import Case, Turn
from conformance.drive import drive_case
from conformance.miniatures.live import LIVE_MINIATURES, LiveMiniature, Relay
from conformance.rules import REGISTRY, Violation
from conformance.targets import load_target, start_target
from conformance.transcript import DriveKind, Transcript
from fakes.reply import HttpFailure
from fakes.script import Dies, Text
from fakes.upstream import FakeUpstream

DriveThrough = Callable[[LiveMiniature | None, Case], Transcript]


def _case(name: str, *turns: Turn, drives: tuple[DriveKind, ...] = ("stream",)) -> Case:
    return Case(id=f"live.{name}", summary=name, source="RFC 9110", turns=turns, drives=frozenset(drives))


_SLOWLY = says(Text(tuple(f"word {number} " for number in range(8))))
_CASES = {
    "holds-back": _case("slow", *answers(_SLOWLY), drives=("gated",)),
    "resets": _case("long", *answers(_SLOWLY), drives=("gated",)),
    "retries": _case("refused", *answers(HttpFailure(503, "overloaded"), HttpFailure(503, "overloaded"))),
    "reads-on": _case(
        "left",
        Turn(request=asks(), answers=(says(Text(("some ", "text ")), Dies("stall"), finish=None),), leave_after=3),
    ),
    "forgets": _case(
        "continued",
        Turn(request={"input": [user("My name is Ada.")], "store": True}, answers=(says("Hello Ada."),)),
        Turn(
            request={"input": [user("My name?")], "store": True, "previous_response_id": "{previous}"},
            answers=(says("Ada."),),
        ),
    ),
    "crosses": _case("twice", *answers(says("First.")), *answers(says("Second."))),
    "queues": _case("beside", Turn(request=asks(), answers=(says("Soon."),), copies=2, first_waits=True)),
    "drops-system": _case("instructed", *answers(says("Yes."), instructions="Answer in one word.")),
}


@pytest.fixture
def through() -> Iterator[DriveThrough]:
    """Drives a case through the reference, with a wrong relay before or behind it."""
    with ExitStack() as stack:

        def drive(live: LiveMiniature | None, case: Case) -> Transcript:
            upstream = stack.enter_context(FakeUpstream("chat_completions"))
            back = live is not None and live.place == "back"
            behind = stack.enter_context(Relay(live, upstream.url)).url if live is not None and back else upstream.url
            running = stack.enter_context(start_target(load_target("reference"), "chat_completions", behind))
            endpoint = running.endpoint
            if live is not None and not back:
                endpoint = replace(endpoint, url=stack.enter_context(Relay(live, endpoint.url)).url)
            return drive_case(case, "chat_completions", endpoint, upstream)

        yield drive


def _broken(transcript: Transcript, rules: tuple[str, ...]) -> set[str]:
    return {rule for rule in rules if any(isinstance(one, Violation) for one in REGISTRY[rule].check(transcript))}


@pytest.mark.parametrize("name", sorted(LIVE_MINIATURES))
def test_every_mechanism_sees_its_wrong_relay(
    through: DriveThrough, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay that spoils what passes is found, over real connections, by the rules that it is for."""
    monkeypatch.setattr(drive_module, "HELD_WAIT", 0.5)
    monkeypatch.setattr(drive_module, "_IDLE_WAIT", 1.5)  # far from the time after which the reference gives up
    live = LIVE_MINIATURES[name]
    transcript = through(live, _CASES[name])
    assert [drive.problem for drive in transcript.drives] == [None]
    assert _broken(transcript, live.for_rules) == set(live.for_rules)


@pytest.mark.parametrize("name", sorted(LIVE_MINIATURES))
def test_no_mechanism_accuses_the_right_target(through: DriveThrough, name: str) -> None:
    """Without the relay the same case breaks none of those rules, and each of them has something to judge."""
    rules = LIVE_MINIATURES[name].for_rules
    transcript = through(None, _CASES[name])
    assert _broken(transcript, rules) == set()
    assert all(list(REGISTRY[rule].check(transcript)) for rule in rules)
