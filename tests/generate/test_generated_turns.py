"""What is generated is legal: every dialect can say it, and says what the script says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from conformance.cases.case import Case
from conformance.cases.files import case_text, load_case, write_case
from conformance.fold import fold_reply
from conformance.generate.conversations import MOST_TURNS, conversation_machine
from conformance.generate.deviations import DEVIATIONS
from conformance.generate.kept import traits
from conformance.generate.turns import single_turn
from conformance.generate.values import arguments, cut
from conformance.pieces import parsed
from fakes.dialects import QUIRKS, get
from fakes.script import DIALECTS, Dialect, Interleaved, Part, Script, Text, ToolCall

FEW = settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
ASKED = {"model": "m", "messages": [], "stream_options": {"include_usage": True}}


def _flat(script: Script) -> list[Part]:
    return [one for part in script.parts for one in (part.parts if isinstance(part, Interleaved) else (part,))]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_turn_can_be_said_in_its_dialect(dialect: Dialect) -> None:
    """A generated answer encodes, streamed and (where the case asks for it) whole; text and calls survive it."""

    @FEW
    @given(single_turn(dialect))
    def check(case: Case) -> None:
        script = case.turns[0].answers[0]
        if not isinstance(script, Script):
            return
        assert case.dialects == (dialect,)
        forms = [True, False] if "json" in case.drives else [True]
        for stream in forms:
            said = fold_reply(dialect, get(dialect).encode(script, {**ASKED, "stream": stream}))
            texts = [part for part in _flat(script) if isinstance(part, Text)]
            assert said.joined("text") == "".join("".join(part.pieces) for part in texts)
            calls = [part for part in _flat(script) if isinstance(part, ToolCall)]
            assert sorted(call.name for call in said.calls) == sorted(call.name for call in calls)
            if script.finish == "tool_calls":
                told = [parsed(call.text) for call in said.calls]
                meant = [parsed("".join(call.pieces)) for call in calls]
                assert sorted(map(repr, told)) == sorted(map(repr, meant))

    check()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_request_declares_what_its_answer_calls(dialect: Dialect) -> None:
    """No generated answer calls a tool that the request does not declare."""

    @FEW
    @given(single_turn(dialect))
    def check(case: Case) -> None:
        script = case.turns[0].answers[0]
        declared = {tool["name"] for tool in case.turns[0].request.get("tools", ())}
        called = (
            {part.name for part in _flat(script) if isinstance(part, ToolCall)} if isinstance(script, Script) else set()
        )
        assert called == declared

    check()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_generated_case_survives_its_file(dialect: Dialect, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is written to a file, in any Unicode, is loaded as the very same case."""
    file = tmp_path_factory.mktemp("case") / "case.json"

    @FEW
    @given(single_turn(dialect))
    def check(case: Case) -> None:
        write_case(case, file)
        assert load_case(file) == case
        assert all(line.isprintable() for line in case_text(case).split("\n"))

    check()


@settings(max_examples=200, deadline=None, database=None)
@given(st.data())
def test_cut_arguments_are_the_arguments(data: st.DataObject) -> None:
    """However arguments are cut, the fragments are never empty and joined they are the JSON object again."""
    text = data.draw(arguments())
    pieces = data.draw(cut(text))
    assert "".join(pieces) == text
    assert all(pieces)
    assert isinstance(parsed(text), dict)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_deviations_are_quirks_of_the_dialect(dialect: Dialect) -> None:
    """Every deviation that can be drawn is one that the dialect's encoder knows, listed once."""
    names = [one.name for one in DEVIATIONS[dialect]]
    assert set(names) <= QUIRKS[dialect]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conversations_continue_in_every_way(dialect: Dialect) -> None:
    """Conversations branch and continue, by id and by echo; results answer each open call, and only those."""
    seen: set[str] = set()

    def attempt(case: Case) -> None:
        seen.update(traits(case))
        for turn in case.turns:
            _check_references(case, turn.request)

    machine = conversation_machine(dialect, attempt, store=True)
    options = settings(FEW, max_examples=120, stateful_step_count=MOST_TURNS + 1, derandomize=True)
    run_state_machine_as_test(machine, settings=options)
    assert {"continues", "branches by id", "echoes", "branches by echo"} <= seen


def _check_references(case: Case, request: Any) -> None:
    for item in request["input"]:
        if item.get("type") == "function_call_output":
            turn, number = map(int, item["call_id"].strip("{}").split(":")[1:])
            answer = case.turns[turn].answers[0]
            assert isinstance(answer, Script)
            assert number < len([part for part in answer.parts if isinstance(part, ToolCall)])


def test_without_a_store_nothing_is_continued_by_id() -> None:
    """A target that keeps no responses is never asked to continue one."""
    requests: list[Any] = []

    def attempt(case: Case) -> None:
        requests.extend(turn.request for turn in case.turns)

    machine = conversation_machine("vllm", attempt, store=False)
    run_state_machine_as_test(machine, settings=settings(FEW, stateful_step_count=MOST_TURNS, derandomize=True))
    assert requests
    assert not any(request["store"] or "previous_response_id" in request for request in requests)
