"""Pruning: a conversation without the turns that its fault does without.

hypothesis shrinks what was drawn, and finds it hard to take out a turn that later ones count by. Here turns that no
other one speaks of are taken out one at a time, and the numbers in the rest are written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.cases.case import Case, Turn

__all__ = ["pruned"]

_NAMED = re.compile(r'(\{(?:call_id|answer):(?=\d+:)|\{"\$output": )(\d+)')
"""How a request speaks of an earlier turn, in its JSON: the number is the second group."""


def pruned(case: Case, still_fails: Callable[[Case], bool]) -> Case:
    """The smallest case that `still_fails` and is left when turns that no other turn speaks of are taken out.

    Later turns are tried first. A case from which nothing can be taken out is given back as it is.
    """
    smaller = next((one for one in _without_a_turn(case) if still_fails(one)), None)
    return case if smaller is None else pruned(smaller, still_fails)


def _without_a_turn(case: Case) -> Iterator[Case]:
    for number in reversed(range(len(case.turns))):
        others = (*case.turns[:number], *case.turns[number + 1 :])
        if others and not any(number in _spoken_of(turn) for turn in others):
            yield replace(
                case,
                summary=f"A conversation of {len(others)} turns." if len(others) > 1 else "A single turn.",
                turns=tuple(_renumbered(turn, number) for turn in others),
            )


def _spoken_of(turn: Turn) -> set[int]:
    return {int(found.group(2)) for found in _NAMED.finditer(json.dumps(turn.request))}


def _renumbered(turn: Turn, gone: int) -> Turn:
    """The turn, where each number above that of the turn that is gone is one less."""

    def less(found: re.Match[str]) -> str:
        number = int(found.group(2))
        return f"{found.group(1)}{number - (number > gone)}"

    return replace(turn, request=json.loads(_NAMED.sub(less, json.dumps(turn.request))))
