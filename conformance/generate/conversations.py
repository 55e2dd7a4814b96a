"""Conversations: a state machine that talks over several turns, in all the ways in which clients continue.

    begin ── a question, perhaps with instructions, perhaps stored
    go on ── from any earlier turn (a branch, when it is not the last): by `previous_response_id`, or with the whole
             history echoed; every open call gets its result, and perhaps the user says something more

A conversation is collected first and driven as one case, so that what is found is a case at once. The rules then
demand that the upstream saw the history that was: each request's own branch, whole, in order and in pairs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conformance.cases.build import output_item, user
from conformance.cases.case import Case, Turn
from conformance.generate.turns import SOURCE, TOOLS, called_names, conversational
from conformance.generate.values import words
from conformance.transcript import DriveKind
from fakes.script import Dialect, Script

__all__ = ["MOST_TURNS", "conversation_machine"]

MOST_TURNS = 5
"""Turns of a conversation."""


@dataclass(frozen=True)
class _Told:
    """A turn that was: whether it was stored, its open calls, and the whole history that ends with its output."""

    stored: bool
    calls: int
    history: tuple[Any, ...]


def conversation_machine(
    dialect: Dialect, attempt: Callable[[Case], None], *, store: bool
) -> type[RuleBasedStateMachine]:
    """The state machine of conversations in a dialect; each one that it has made is given to `attempt`.

    `store` says whether the target keeps responses, so that a turn may continue one by its id.
    """

    class Conversation(RuleBasedStateMachine):
        """One conversation while it is made."""

        def __init__(self) -> None:
            super().__init__()
            self.turns: list[Turn] = []
            self.told: list[_Told] = []
            self.kind: DriveKind = "stream"

        @initialize(streamed=st.booleans())
        def choose(self, streamed: bool) -> None:
            self.kind = "stream" if streamed else "json"

        @precondition(lambda self: len(self.turns) < MOST_TURNS)
        @rule(
            asked=words(),
            instructions=st.one_of(st.none(), words()),
            stored=st.booleans(),
            answer=conversational(dialect),
        )
        def begin(self, asked: str, instructions: str | None, stored: bool, answer: Script) -> None:
            self._take([], [user(self._own(asked))], {}, instructions, stored and store, answer)

        @precondition(lambda self: 0 < len(self.turns) < MOST_TURNS)
        @rule(
            back=st.integers(0, MOST_TURNS - 1),
            by_id=st.booleans(),
            asked=st.one_of(st.none(), words()),
            results=st.lists(words(), min_size=2, max_size=2),
            instructions=st.one_of(st.none(), words()),
            stored=st.booleans(),
            answer=conversational(dialect),
        )
        def go_on(
            self,
            back: int,
            by_id: bool,
            asked: str | None,
            results: list[str],
            instructions: str | None,
            stored: bool,
            answer: Script,
        ) -> None:
            number = max(0, len(self.turns) - 1 - back)
            before = self.told[number]
            said = [output_item(f"{{call_id:{number}:{k}}}", self._own(results[k])) for k in range(before.calls)]
            if asked is not None or not said:
                said.append(user(self._own(asked or "Go on.")))
            continued = {"previous_response_id": f"{{answer:{number}:id}}"} if by_id and before.stored else {}
            self._take(list(before.history), said, continued, instructions, stored and store, answer)

        def teardown(self) -> None:
            if self.turns and sys.exc_info()[0] is None:
                attempt(self._case())

        def _own(self, text: str) -> str:
            """A text that names its turn: what is shown in the wrong place can be told."""
            return f"{len(self.turns) + 1}: {text}"

        def _take(
            self,
            history: list[Any],
            said: list[Any],
            continued: dict[str, str],
            instructions: str | None,
            stored: bool,
            answer: Script,
        ) -> None:
            request = {
                "input": said if continued else [*history, *said],
                "tools": list(TOOLS),
                "store": stored,
                **continued,
                **({} if instructions is None else {"instructions": self._own(instructions)}),
            }
            number = len(self.turns)
            self.turns.append(Turn(request=request, answers=(answer,)))
            whole = (*history, *said, {"$output": number})
            self.told.append(_Told(stored, len(called_names(answer)), whole))

        def _case(self) -> Case:
            continued = any("previous_response_id" in turn.request for turn in self.turns)
            return Case(
                id="generated",
                summary=f"A conversation of {len(self.turns)} turns.",
                source=SOURCE,
                turns=tuple(self.turns),
                dialects=(dialect,),
                drives=frozenset({self.kind}),
                features=frozenset({"store"}) if continued else frozenset(),
                tags=frozenset({"continued"}) if continued else frozenset(),
            )

    return Conversation
