"""Samples for miniatures of known bugs: the suite's own cases that are about the bug, answered rightly."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases import get
from conformance.miniatures.miniature import get as miniature_named
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.requirements.bugs import Bug, all_bugs
from conformance.rules import REGISTRY, Violation
from conformance.transcript import Transcript

__all__ = ["caught", "right_of_bug", "right_of_miniature"]


def right_of_bug(bug: Bug) -> Iterator[Transcript]:
    """The right transcripts of a bug's cases, in the dialects that it concerns."""
    for case in map(get, bug.cases):
        for dialect in case.dialects:
            if dialect in bug.upstream:
                yield right_case(case, dialect, RIGHT_TARGETS["plain"])


def right_of_miniature(name: str) -> Iterator[Transcript]:
    """The right transcripts of the cases of every bug that a miniature has; none when it has none."""
    for bug in all_bugs():
        if bug.miniature == name:
            yield from right_of_bug(bug)


def caught(bug: Bug) -> dict[str, frozenset[str]]:
    """By dialect, the rules of the bug that its miniature breaks in its cases and that were whole before."""
    found: dict[str, frozenset[str]] = {dialect: frozenset() for dialect in bug.upstream}
    if bug.miniature is None:
        return found
    wrong = miniature_named(bug.miniature)
    for right in right_of_bug(bug):
        made = wrong(right)
        if made is not right and right.dialect is not None:
            found[right.dialect] |= _broken(bug, made) - _broken(bug, right)
    return found


def _broken(bug: Bug, transcript: Transcript) -> frozenset[str]:
    rules = [REGISTRY[name] for name in bug.caught_by]
    return frozenset(
        rule.id
        for rule in rules
        if transcript.dialect in rule.dialects and any(isinstance(said, Violation) for said in rule.check(transcript))
    )
