from __future__ import annotations

from collections.abc import Iterator

import pytest

import conformance.checks as checks
import conformance.miniatures as miniatures
from conformance.miniatures import Miniature, all_miniatures
from conformance.miniatures.crossing_samples import crossing_transcripts
from conformance.miniatures.deviation_samples import deviation_transcripts
from conformance.miniatures.request_samples import request_transcripts
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.miniatures.samples import SAMPLES
from conformance.rules import REGISTRY, Rule
from conformance.transcript import Transcript

_ELSEWHERE = (
    # Samples of their own: test_deviations, test_logprobs, test_verbatim, tests/requirements/test_bugs, tests/engine.
    checks.acceptance,
    checks.answers,
    checks.concurrency,
    checks.finishes,
    checks.item_shapes,
    checks.keeping_alive,
    checks.logprobs,
    checks.narrow_upstreams,
    checks.odd_items,
    checks.orphans,
    checks.other_form,
    checks.passed_settings,
    checks.verbatim,
)
_MINIATURES = (
    miniatures.burdens,
    miniatures.delivery,
    miniatures.deviations,
    miniatures.endings,
    miniatures.endpoints,
    miniatures.failures,
    miniatures.history,
    miniatures.non_streaming,
    miniatures.requests,
    miniatures.state,
    miniatures.tools,
    miniatures.upstream_repeats,
    miniatures.upstream_request,
    miniatures.upstream_settings,
    miniatures.upstream_texts,
    miniatures.upstream_turns,
    miniatures.whole_objects,
)

Right = list[tuple[str, Transcript]]


class _Rules(list[Rule]):
    """A list that shows itself by its length: hypothesis writes out what a test was given."""

    def __repr__(self) -> str:
        return f"<{len(self)} rules>"


@pytest.fixture(scope="session")
def crossing_rules(stream_rooms: frozenset[str]) -> list[Rule]:
    """The rules about what crosses a target: those of every room of which nothing else is said."""
    elsewhere = stream_rooms.union(module.__name__ for module in _ELSEWHERE)
    return _Rules(rule for rule in REGISTRY.values() if rule.check.__module__ not in elsewhere)


@pytest.fixture(scope="session")
def crossing_miniatures() -> list[Miniature]:
    """The miniatures of those rules."""
    names = {module.__name__ for module in _MINIATURES}
    return [wrong for wrong in all_miniatures() if wrong.edit.__module__ in names or _registers_for(wrong, names)]


def _registers_for(wrong: Miniature, names: set[str]) -> bool:
    """Whether a miniature was wrapped (by `request_miniature`, `stream_miniature`) in one of the modules."""
    return any(hasattr(module, wrong.edit.__name__) for module in _MINIATURES if module.__name__ in names)


@pytest.fixture(scope="session")
def right() -> Right:
    """Every sample in its dialects through every right target, with the target's name."""
    return [*crossing_transcripts(), *request_transcripts(), *deviation_transcripts(), *_two_calls()]


def _two_calls() -> Iterator[tuple[str, Transcript]]:
    """Two calls in one answer, which no sample of what crosses a target has."""
    case = next(case for case in SAMPLES if case.id == "sample.two-calls")
    for name, target in RIGHT_TARGETS.items():
        yield from ((name, right_case(case, dialect, target)) for dialect in case.dialects)
