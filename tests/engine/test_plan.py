"""Which drives a run makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from conformance.cases import all_cases
from conformance.cases import get as case_named
from conformance.cases.build import answers, call, says
from conformance.cases.case import Case
from conformance.cases.plan import TWIN, about, is_witness, planned
from conformance.cases.recorded import form
from conformance.requirements.bugs import all_bugs
from conformance.transcript import DriveKind
from fakes.reply import HttpFailure
from fakes.script import DIALECTS, Dialect

MOST = 1500
BUGS = [bug for bug in all_bugs() if bug.not_judged is None]
PLAIN, CALLS = says("Hello."), says(call("get_time", {}), finish="tool_calls")


def case(*said: Any, drives: Iterable[DriveKind] = ("stream", "json"), **more: Any) -> Case:
    return Case(id="a", summary="s", source="here", turns=answers(*said), drives=frozenset(drives), **more)


def whole_run(case: Case, dialects: tuple[Dialect, ...] = DIALECTS) -> dict[Dialect, frozenset[DriveKind]]:
    """What a run in these dialects makes of a case, where it makes anything."""
    own = [dialect for dialect in dialects if dialect in case.dialects]
    return {dialect: kinds for dialect in own if (kinds := planned(case, dialect, own))}


def test_a_case_about_the_request_is_streamed_once() -> None:
    """What is asked is seen in one form, and in one of two dialects that take the same requests."""
    assert about(case(PLAIN)) == "request"
    assert whole_run(case(PLAIN)) == {"chat_completions": {"stream"}, "messages": {"stream"}}
    assert whole_run(case(PLAIN), ("vllm",)) == {"vllm": {"stream"}}
    assert whole_run(case(PLAIN, drives=("json",)))["messages"] == {"json"}


def test_a_case_about_the_target_runs_in_the_first_dialect() -> None:
    """What never reaches the upstream does not depend on what it speaks."""
    assert about(case()) == "target"
    assert whole_run(case()) == {"chat_completions": {"stream"}}
    assert whole_run(case(), ("vllm", "messages")) == {"vllm": {"stream"}}
    assert whole_run(case(PLAIN, about="target")) == {"chat_completions": {"stream"}}


def test_a_case_about_the_answer_is_driven_in_all_dialects() -> None:
    """Another answer than plain text is read in every dialect, whole where no twin shows the same."""
    assert whole_run(case(CALLS)) == {
        "chat_completions": {"stream", "json"},
        "messages": {"stream", "json"},
        "vllm": {"stream"},
    }
    assert whole_run(case(HttpFailure(500))) == {key: {"stream"} for key in DIALECTS}


def test_exceptions_are_driven_in_full() -> None:
    """`each_form` and `each_dialect` override the plan."""
    assert set(whole_run(case(PLAIN, each_dialect=True))) == set(DIALECTS)
    assert whole_run(case(CALLS, each_form=True)) == {key: {"stream", "json"} for key in DIALECTS}


def test_a_stream_is_driven_once_until_a_witness_differs() -> None:
    """Hostile alone is enough for a target that reads it as it reads any stream; for another both are needed."""
    streamed = case(CALLS, drives=("stream", "hostile"))
    assert planned(streamed, "vllm", DIALECTS) == {"hostile"}
    assert planned(streamed, "vllm", DIALECTS, hostile_differs=True) == {"stream", "hostile"}
    witness = case(CALLS, drives=("stream", "hostile"), each_form=True)
    assert is_witness(witness)
    assert planned(witness, "vllm", DIALECTS) == {"stream", "hostile"}


def test_recordings_are_streamed_once() -> None:
    """A recording is driven under the hostile partition, or plainly at a target that cannot stand that."""
    recorded = next(one for one in all_cases() if one.is_recorded and "hostile" in one.drives and not one.resembles)
    (dialect,) = recorded.dialects
    assert planned(recorded, dialect, [dialect]) == {"hostile"}
    assert planned(recorded, dialect, [dialect], hostile_differs=True) == {"stream"}


def test_a_recording_of_another_ones_form_is_left_to_it() -> None:
    """Texts and numbers and how often an event repeats make no form; keys, kinds and reasons do."""
    said = b'data: {"delta": "one", "n": 1}\n\ndata: {"delta": "\\"two\\"", "n": 22}\n\ndata: {"type": "end"}\n\n'
    assert form(said) == form(b'data: {"delta": "x", "n": 1.5e3}\n\ndata: {"type": "end"}\n\n')
    assert form(said) != form(said.replace(b'"end"', b'"stop"'))
    assert form(said) != form(said.replace(b'"n": 22', b'"m": 22'))
    assert form(said) != form(said.replace(b"one", "é".encode()))
    assert form(said) != form(said.replace(b"one", b""))
    resembling = [one for one in all_cases() if one.resembles is not None]
    assert resembling
    assert all(not whole_run(one) for one in resembling)
    assert all(whole_run(case_named(one.resembles or "")) for one in resembling)


def test_the_default_run_stays_small() -> None:
    """A run in all dialects makes at most so many drives, at a target that streams from its upstream.

    Recordings of whole answers cannot be replayed to it.
    """
    driven = [one for one in all_cases() if not (one.is_recorded and one.drives == {"json"})]
    drives = [kinds for one in driven for kinds in whole_run(one).values()]
    assert sum(map(len, drives)) <= MOST


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_alone_leaves_no_case_out(dialect: Dialect) -> None:
    """In a run of one dialect each of its cases is driven, but for recordings of another one's form."""
    own = [one for one in all_cases() if dialect in one.dialects and one.resembles is None]
    assert [one.id for one in own if dialect not in whole_run(one, (dialect,))] == []


def test_every_bug_keeps_its_cases() -> None:
    """In a run of all dialects each case of a known bug is driven in the dialects that the bug concerns."""
    lost = [
        (bug.id, name, dialect)
        for bug in BUGS
        for name in bug.cases
        for dialect in set(bug.upstream) & set(case_named(name).dialects)
        if dialect not in whole_run(case_named(name))
    ]
    assert lost == []


def test_bugs_of_awkward_pieces_have_a_witness() -> None:
    """What only the comparison of two deliveries shows is shown by a case that is driven under both."""
    compared = [bug for bug in BUGS if set(bug.caught_by) == {"delivery.hostile-equals-plain"}]
    assert compared
    assert [bug.id for bug in compared if not any(is_witness(case_named(name)) for name in bug.cases)] == []


def test_witnesses_are_there_in_every_dialect() -> None:
    """Each dialect has witnesses of text, of reasoning and of calls."""
    for dialect in DIALECTS:
        areas = {one.id.partition(".")[0] for one in all_cases() if is_witness(one) and dialect in one.dialects}
        assert {"text", "reasoning", "calls"} <= areas


def test_a_twin_is_no_twins_twin() -> None:
    """A dialect that others are left out for is never left out itself."""
    assert set(TWIN) & set(TWIN.values()) == set()
