"""Pruning: conversations lose the turns that no other one speaks of, and what is left still makes sense."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.cases.build import output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.generate.pruning import pruned


def _conversation(*requests: dict[str, object]) -> Case:
    turns = tuple(Turn(request=request, answers=(says(f"Answer {n}."),)) for n, request in enumerate(requests))
    return Case(id="c", summary="A conversation.", source="here", turns=turns)


FIVE = _conversation(
    {"input": [user("first")]},
    {"input": [user("second")]},
    {"input": [user("second"), {"$output": 1}, output_item("{call_id:1:0}", "{answer:0 is only a text}")]},
    {"input": [user("fourth")], "previous_response_id": "{answer:1:id}"},
    {"input": [user("second"), {"$output": 1}, {"$output": 2}, user("fifth")]},
)


def _asked(case: Case) -> list[str]:
    return [str(turn.request["input"]) for turn in case.turns]


def _holds(text: str) -> Callable[[Case], bool]:
    return lambda case: any(text in asked for asked in _asked(case))


def test_turns_that_the_fault_does_without_are_taken_out() -> None:
    """Of five turns the two remain that the fault needs, and the later one speaks of the earlier by its new number."""
    fault = pruned(FIVE, lambda case: any("previous_response_id" in turn.request for turn in case.turns))
    assert len(fault.turns) == 2
    assert fault.turns[1].request["previous_response_id"] == "{answer:0:id}"
    assert [turn.answers for turn in fault.turns] == [FIVE.turns[1].answers, FIVE.turns[3].answers]
    assert fault.summary == "A conversation of 2 turns."


def test_what_later_turns_speak_of_stays() -> None:
    """A turn whose output is echoed is not taken out, and every number in the echo follows."""
    fault = pruned(FIVE, _holds("fifth"))
    assert len(fault.turns) == 3
    items = fault.turns[2].request["input"]
    assert items[1:3] == [{"$output": 0}, {"$output": 1}]
    assert fault.turns[1].request["input"][2] == output_item("{call_id:0:0}", "{answer:0 is only a text}")


@pytest.mark.parametrize("case", [FIVE, _conversation({"input": [user("alone")]})])
def test_what_fails_only_as_a_whole_stays_whole(case: Case) -> None:
    """When each smaller case is right, the case is given back as it is."""
    assert pruned(case, lambda _: False) is case


def test_a_turn_that_fails_by_itself_is_left_alone() -> None:
    """A fault of the last turn alone, which speaks of none, is a case of one turn."""
    fault = pruned(_conversation({"input": [user("a")]}, {"input": [user("b")]}), _holds("'b'"))
    assert [turn.answers for turn in fault.turns] == [(says("Answer 1."),)]
    assert fault.summary == "A single turn."
