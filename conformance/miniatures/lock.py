"""The lock: every rule that each miniature fails, kept in `miniatures.lock` and reviewed as a diff."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import conformance.checks  # noqa: F401 - registers the rules
from conformance.miniatures.bug_samples import right_of_miniature
from conformance.miniatures.crossing_samples import locked_crossings
from conformance.miniatures.deviation_samples import locked_deviations
from conformance.miniatures.live_samples import locked_live
from conformance.miniatures.miniature import Miniature, all_miniatures
from conformance.miniatures.request_samples import locked_requests
from conformance.miniatures.samples import locked_samples
from conformance.rules import REGISTRY, Rule, Violation
from conformance.transcript import Transcript

__all__ = [
    "LOCK",
    "RIGHT",
    "broken",
    "differences",
    "failing",
    "first_showing",
    "measured",
    "read_lock",
    "showing",
    "write_lock",
]

LOCK = Path(__file__).with_name("miniatures.lock")

_MOST = 4  # situations judged by all rules, a miniature

Lock = Mapping[str, Sequence[str]]


RIGHT: tuple[Callable[[], Iterable[Transcript]], ...] = (
    locked_samples,
    locked_crossings,
    locked_requests,
    locked_deviations,
    locked_live,
)
"""What the miniatures are applied to: right transcripts. A miniature is locked by the first in which it shows."""


@cache
def _right(source: Callable[[], Iterable[Transcript]]) -> tuple[Transcript, ...]:
    return tuple(source())


def broken(rules: Iterable[Rule], transcript: Transcript) -> Iterator[str]:
    """The ids of the rules that a transcript breaks."""
    for rule in rules:
        if any(isinstance(said, Violation) for said in rule.check(transcript)):
            yield rule.id


_BROKEN: dict[int, tuple[Transcript, frozenset[str]]] = {}


def _right_breaks(transcript: Transcript) -> frozenset[str]:
    """What a right transcript breaks: recommendations that its flavour does not follow, other profiles' rules."""
    known = _BROKEN.get(id(transcript))
    if known is None or known[0] is not transcript:
        known = _BROKEN[id(transcript)] = (transcript, frozenset(broken(REGISTRY.values(), transcript)))
    return known[1]


def _all_showing(miniature: Miniature, transcripts: Iterable[Transcript]) -> Iterator[tuple[Transcript, Transcript]]:
    rules = [REGISTRY[rule] for rule in miniature.for_rules if rule in REGISTRY]
    changed = ((right, wrong) for right in transcripts if (wrong := miniature(right)) is not right)
    return (pair for pair in changed if set(broken(rules, pair[1])) - set(broken(rules, pair[0])))


def _showing(miniature: Miniature, transcripts: Sequence[Transcript]) -> list[tuple[Transcript, Transcript]]:
    """Right and wrong transcripts in which the miniature breaks what it is for; `_MOST` of them, spread evenly."""
    showing = list(_all_showing(miniature, transcripts))
    step = max(1, -(-len(showing) // _MOST))
    return showing[::step]


def _given(miniature: Miniature) -> Iterator[Sequence[Transcript]]:
    """The right transcripts in which a miniature may show: the samples, then the cases of the bug that it has."""
    yield from (_right(source) for source in RIGHT)
    yield tuple(right_of_miniature(miniature.name))


def showing(miniature: Miniature) -> list[tuple[Transcript, Transcript]]:
    """The right and wrong transcripts by which a miniature is locked."""
    return next((pairs for right in _given(miniature) if (pairs := _showing(miniature, right))), [])


def first_showing(miniature: Miniature) -> tuple[Transcript, Transcript] | None:
    """The first right and wrong transcript by which a miniature is locked; None where it shows in none."""
    return next((pair for right in _given(miniature) for pair in _all_showing(miniature, right)), None)


def failing(miniature: Miniature, transcripts: Sequence[Transcript] | None = None) -> set[str]:
    """The rules that a miniature fails where it shows what it is for, and that were not broken before.

    `transcripts` are the right ones to apply it to: those of `RIGHT`, unless given, else those of its bug's cases.
    """
    found: set[str] = set()
    for right, wrong in showing(miniature) if transcripts is None else _showing(miniature, transcripts):
        already = _right_breaks(right) | found
        found.update(broken([rule for rule in REGISTRY.values() if rule.id not in already], wrong))
    return found


def measured(miniatures: Iterable[Miniature] | None = None) -> dict[str, list[str]]:
    """The lock as it is now."""
    chosen = all_miniatures() if miniatures is None else miniatures
    return {miniature.name: sorted(failing(miniature)) for miniature in chosen}


def read_lock(path: Path = LOCK) -> dict[str, list[str]]:
    """The lock as it stands in the file; empty when there is none."""
    if not path.exists():
        return {}
    content: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_lock(lock: Lock, path: Path = LOCK) -> None:
    """Write the lock: sorted, one rule a line, so that a diff shows which rules a miniature fails."""
    path.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def differences(locked: Lock, now: Lock) -> Iterator[str]:
    """What changed, in words, one line a miniature."""
    for name in sorted({*locked, *now}):
        before, after = set(locked.get(name, ())), set(now.get(name, ()))
        if name not in locked:
            yield f"{name}: new, fails {', '.join(sorted(after)) or 'nothing'}"
        elif name not in now:
            yield f"{name}: is gone"
        elif before != after:
            more = "".join(f" +{rule}" for rule in sorted(after - before))
            less = "".join(f" -{rule}" for rule in sorted(before - after))
            yield f"{name}:{more}{less}"
