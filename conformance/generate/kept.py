"""The saved set: generated cases that the default run drives, chosen once and checked in.

    python -m conformance.generate              # draw, choose, and write conformance/cases/generated/*.json anew

Of many cases drawn by a seed those are kept that together show the most pairs of traits (a part after another, an
ending with a deviation, ...), small ones first. The files say which seed, generator and hypothesis they came from:
another version of hypothesis draws others, so that the set changes only when somebody runs the command.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from conformance.cases.case import Case
from conformance.cases.files import case_text, write_case
from conformance.cases.saved import SAVED
from conformance.generate import GENERATOR
from conformance.generate.conversations import MOST_TURNS, conversation_machine
from conformance.generate.turns import single_turn
from conformance.transcript import DriveKind
from fakes.script import DIALECTS, Dialect, Interleaved, Part, Script, ToolCall

__all__ = ["SEED", "chosen", "drawn_conversations", "drawn_turns", "save", "traits"]

SEED = 20261122
"""The seed of the saved set."""

_WHOLE, _BROKEN, _CONVERSATIONS = 10, 4, 4  # kept of each dialect: answers that end, that break off, several
_DRAWN_TURNS, _DRAWN_CONVERSATIONS = 600, 80
_SINGLE: frozenset[DriveKind] = frozenset({"stream", "hostile"})
_LARGEST = 6000  # characters of a case file; of a conversation's three times as many
_COST = 1500  # characters that weigh as much as one pair of traits


def _drawing(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=MOST_TURNS + 1,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def drawn_turns(dialect: Dialect, seed: int, examples: int) -> list[Case]:
    """Cases of one turn with a scripted answer, as a seed draws them."""
    drawn: list[Case] = []

    def keep(case: Case) -> None:
        drawn.append(case)

    hypothesis.seed(seed)(_drawing(examples)(given(single_turn(dialect))(keep)))()
    return [case for case in drawn if isinstance(case.turns[0].answers[0], Script)]


def drawn_conversations(dialect: Dialect, seed: int, examples: int) -> list[Case]:
    """Conversations of two turns and more, as a seed draws them."""
    drawn: list[Case] = []
    machine = conversation_machine(dialect, drawn.append, store=True)
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=_drawing(examples))
    return [case for case in drawn if len(case.turns) > 1]


def traits(case: Case) -> frozenset[str]:
    """What is special in a case, in words that another case may share."""
    return frozenset(
        itertools.chain(
            *(_answer_traits(answer) for turn in case.turns for answer in turn.answers if isinstance(answer, Script)),
            _request_traits(case),
        )
    )


def _answer_traits(script: Script) -> Iterator[str]:
    kinds = [type(part).__name__ for part in script.parts]
    yield from (f"part {kind}" for kind in kinds)
    yield from (f"{one} then {two}" for one, two in itertools.pairwise(kinds))
    yield f"ends by {script.finish or (kinds[-1] if kinds else 'nothing')}"
    yield from (f"quirk {quirk}" for quirk in script.quirks)
    calls = list(_calls(script.parts))
    yield f"{min(len(calls), 3)} calls"
    if any("\n" in piece for call in calls for piece in call.pieces):
        yield "arguments on several lines"
    for name in ("cached", "cache_write", "reasoning"):
        if getattr(script.usage, name, None) is not None:
            yield f"counts {name}"


def _calls(parts: Sequence[Part]) -> Iterator[ToolCall]:
    for part in parts:
        if isinstance(part, Interleaved):
            yield from _calls(part.parts)
        elif isinstance(part, ToolCall):
            yield part


def _request_traits(case: Case) -> Iterator[str]:
    for number, turn in enumerate(case.turns):
        previous = turn.request.get("previous_response_id")
        if previous is not None:
            yield "continues" if previous == f"{{answer:{number - 1}:id}}" else "branches by id"
        elif len(turn.request["input"]) > 1:
            yield "echoes" if {"$output": number - 1} in turn.request["input"] else "branches by echo"
        if "instructions" in turn.request:
            yield f"instructions in turn {min(number, 1)}"
    yield from (f"driven as {kind}" for kind in case.drives)


def chosen(cases: Sequence[Case], count: int, largest: int) -> list[Case]:
    """So many of the cases, each the one that adds most pairs of traits for its size."""
    pool = {n: (set(_pairs(case)), len(case_text(case))) for n, case in enumerate(cases)}
    pool = {n: one for n, one in pool.items() if one[1] <= largest}
    seen: set[tuple[str, str]] = set()
    kept: list[Case] = []
    while pool and len(kept) < count:
        best = max(pool, key=lambda n: (len(pool[n][0] - seen) - pool[n][1] / _COST, -n))
        seen |= pool.pop(best)[0]
        kept.append(cases[best])
    return kept


def _pairs(case: Case) -> Iterator[tuple[str, str]]:
    own = sorted(traits(case))
    yield from itertools.combinations(own, 2)
    yield from ((one, one) for one in own)


def _finish(case: Case) -> str | None:
    answer = case.turns[0].answers[0]
    return answer.finish if isinstance(answer, Script) else None


def save(folder: Path = SAVED) -> int:
    """Write the saved set anew; the number of files."""
    for old in folder.glob("*.json"):
        old.unlink()
    number = 0
    for dialect in DIALECTS:
        turns = drawn_turns(dialect, SEED, _DRAWN_TURNS)
        talks = drawn_conversations(dialect, SEED, _DRAWN_CONVERSATIONS)
        whole = [case for case in turns if _finish(case) is not None]
        broken = [case for case in turns if _finish(case) is None]
        for case in (
            *chosen(whole, _WHOLE, _LARGEST),
            *chosen(broken, _BROKEN, _LARGEST),
            *chosen(talks, _CONVERSATIONS, 3 * _LARGEST),
        ):
            number += 1
            made = {"generator": GENERATOR, "hypothesis": hypothesis.__version__, "seed": SEED}
            drives = case.drives if len(case.turns) > 1 else _SINGLE
            write_case(
                replace(case, id=f"generated.{number:03}", drives=drives), folder / f"{number:03}.json", made=made
            )
    return number
