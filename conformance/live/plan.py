"""What a live run costs, fixed before it starts: requests are bounded, and what does not fit is left out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.cases.live import HELLO, LiveCase
from conformance.errors import UsageError
from conformance.report.style import plural

__all__ = ["MAX_REQUESTS", "Budget", "LivePlan", "plan"]

MAX_REQUESTS = 50
"""The bound on the requests of a run, unless `--max-requests` sets another. All cases together need about as many."""


@dataclass(frozen=True)
class LivePlan:
    """The cases that are driven, in order, `HELLO` first; those that did not fit; and those of undeclared features."""

    cases: tuple[LiveCase, ...]
    beyond: tuple[LiveCase, ...]
    undeclared: tuple[LiveCase, ...]
    limit: int

    @property
    def requests(self) -> int:
        """How many requests the cases make, at most."""
        return sum(case.requests for case in self.cases)

    def announcement(self, url: str, model: str) -> list[str]:
        """What is said before the first request: what will be asked, and about what it costs."""
        expected = sum(case.expected_tokens for case in self.cases)
        most = sum(case.most_tokens for case in self.cases)
        lines = [
            f"asking {model} at {url}: {plural(len(self.cases), 'case')}, at most {self.requests} requests, "
            f"about {_rounded(expected):,} output tokens (the limits in the requests allow {most:,})"
        ]
        return lines + list(self.left_out())

    def left_out(self) -> list[str]:
        """Which cases are not driven, and why, in sentences."""
        lines = []
        if self.beyond:
            all_of_them = self.requests + sum(case.requests for case in self.beyond)
            names = ", ".join(case.id for case in self.beyond)
            lines.append(f"beyond --max-requests {self.limit}, and left out: {names} (all: {all_of_them} requests)")
        if self.undeclared:
            features = sorted(frozenset().union(*(case.features for case in self.undeclared)))
            options = " ".join(f"--feature {feature}" for feature in features)
            names = ", ".join(case.id for case in self.undeclared)
            lines.append(f"left out, for the server is not said to have the feature ({options}): {names}")
        return lines


def _rounded(tokens: int) -> int:
    return -(-tokens // 50) * 50


def plan(cases: Sequence[LiveCase], features: frozenset[str], limit: int) -> LivePlan:
    """Which of the cases fit into so many requests, in their order; `HELLO` comes first, whether it is among them.

    Raises UsageError when not even that fits.
    """
    if limit < HELLO.requests:
        raise UsageError(
            f"--max-requests {limit} is too few: {HELLO.requests} are needed to see that the server answers"
        )
    chosen, beyond, left = [HELLO], [], limit - HELLO.requests
    declared = [case for case in cases if case.features <= features]
    for case in declared:
        if case.id == HELLO.id:
            continue
        if case.requests <= left:
            chosen.append(case)
            left -= case.requests
        else:
            beyond.append(case)
    return LivePlan(tuple(chosen), tuple(beyond), tuple(case for case in cases if not case.features <= features), limit)


class Budget:
    """The requests that may still be made beyond those planned: an answer "too many requests" is asked for again."""

    def __init__(self, spare: int) -> None:
        self._spare = spare
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one more request; whether there was one left."""
        with self._lock:
            self._spare -= 1
            return self._spare >= 0
