"""Nothing that stands before a wrong answer hides it: a check that leaves at the first thing it skips is no check."""

from __future__ import annotations

import pytest

from conformance.miniatures import Miniature, all_miniatures
from conformance.miniatures.lock import broken, first_showing, read_lock
from conformance.miniatures.neighbours import after_another
from conformance.rules import REGISTRY
from conformance.transcript import Transcript

SLICES = 4
LOCKED = read_lock()


def _hidden(wrong: Miniature) -> set[str]:
    """The rules that a miniature breaks, by the lock, and breaks no more when another answer stands before it."""
    rules = [REGISTRY[name] for name in LOCKED.get(wrong.name, ()) if name in REGISTRY]
    shown = first_showing(wrong)
    assert shown is not None, f"{wrong.name} shows nowhere"
    right, made = shown
    alone = set(broken(rules, made)) - set(broken(rules, right))
    return alone - set(broken(rules, after_another(made)))


@pytest.mark.parametrize("part", range(SLICES))
def test_what_a_miniature_breaks_it_breaks_after_another_answer(part: int) -> None:
    """Every rule that a miniature fails is failed too when a right answer to something else comes first."""
    hidden = {one.name: rules for one in all_miniatures()[part::SLICES] if (rules := _hidden(one))}
    assert hidden == {}


def test_what_stands_before_is_right_and_another() -> None:
    """The drive before has answers of its own; nothing is added where no upstream is known."""
    for dialect in ("chat_completions", "messages", "vllm"):
        made = after_another(Transcript("case", dialect, []))
        (first,) = made.drives
        assert len(first.exchanges) >= 2
        assert {exchange.status for exchange in first.exchanges} == {200}
    nothing = Transcript("case", None, [])
    assert after_another(nothing) is nothing
