"""The bench: whether anything tells a module of checks with a mistake in it from the right one.

Right transcripts, and what miniatures make of them, are built and judged once. Each mutant then runs in a forked copy
of the process, where the module's rules are registered anew and judge all of it again. It is killed by a sign that a
test of the suite would notice:

    raises    a check raised, or the module could not be loaded
    hangs     it took longer than it may
    page      the page of a rule would say something else: of its dialects, say
    blind     a miniature fails a rule no more that it failed
    accuses   a right transcript breaks a rule that it did not break
    silent    a rule is observed in a dialect no more
    severe    a miniature fails a rule that it did not fail
    a test    one of the given test files fails
"""

from __future__ import annotations

import ast
import inspect
import os
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import TypeAlias

import pytest

import conformance.checks
from conformance.errors import HarnessError
from conformance.examination import examine
from conformance.miniatures import Miniature, all_miniatures
from conformance.miniatures.crossing_samples import crossing_transcripts
from conformance.miniatures.deviation_samples import deviation_transcripts
from conformance.miniatures.lock import showing
from conformance.miniatures.neighbours import after_another
from conformance.miniatures.request_samples import request_transcripts
from conformance.miniatures.samples import right_transcripts
from conformance.rules import REGISTRY, Rule
from conformance.transcript import Transcript

__all__ = ["SURVIVES", "Bench", "concerned", "install", "modules", "passing", "whole_bench"]

SURVIVES = "survives"
_TROUBLE = "trouble: "
_QUIETLY = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")

_Key: TypeAlias = tuple[str, int]
_Evidence: TypeAlias = Mapping[_Key, tuple[int, int]]
"""By rule and number of a transcript: how often the check spoke, and how often it found a violation."""


def modules() -> dict[str, types.ModuleType]:
    """The modules of checks, by their short names."""
    return {name: getattr(conformance.checks, name) for name in conformance.checks.__all__}


def _public(module: types.ModuleType) -> dict[str, object]:
    return {name: vars(module)[name] for name in getattr(module, "__all__", ())}


def concerned(module: types.ModuleType) -> list[Rule]:
    """The rules that a mistake in a module may change: its own, and those of the modules that import from it."""
    users = {module.__name__} | {
        other.__name__
        for other in modules().values()
        if any(vars(other).get(name) is value for name, value in _public(module).items())
    }
    return [rule for rule in REGISTRY.values() if rule.check.__module__ in users]


def install(module: types.ModuleType, tree: ast.Module) -> None:
    """Put a mutated module in the place of the right one, in this process, for good."""
    public = _public(module)
    for rule_id in [rule.id for rule in REGISTRY.values() if rule.check.__module__ == module.__name__]:
        del REGISTRY[rule_id]
    exec(compile(tree, str(module.__file__), "exec"), vars(module))  # noqa: S102 - a mutant is code by nature
    for other in [one for name, one in sys.modules.items() if name.startswith("conformance.")]:
        for name, value in public.items():
            if vars(other).get(name) is value:
                setattr(other, name, vars(module)[name])


@dataclass(frozen=True)
class _Pair:
    """What a miniature made of a right transcript, both by number."""

    miniature: str
    right: int
    wrong: int


class Bench:
    """Right transcripts, and pairs of a right one and what the miniature of that name makes of it."""

    def __init__(self, right: Iterable[Transcript], pairs: Iterable[tuple[str, Transcript, Transcript]]) -> None:
        self._all = list(right)
        self._right = range(len(self._all))
        self._pairs: list[_Pair] = []
        for name, before, after in pairs:
            self._pairs.append(_Pair(name, len(self._all), len(self._all) + 1))
            self._all += [before, after]

    def evidence(self, rules: Sequence[Rule]) -> _Evidence:
        """What rules say of every transcript. Raises RuntimeError when a check raises."""
        return self._examined(rules, ((rule.id, number) for rule in rules for number in range(len(self._all))))

    def tried(
        self,
        module: types.ModuleType,
        tree: ast.Module,
        right: _Evidence,
        tests: Sequence[str] = (),
        seconds: int = 120,
    ) -> str:
        """What a mutant is killed by, found out in a forked process; or `SURVIVES`, and what it says otherwise.

        `right` is the evidence of the rules that are concerned. Raises HarnessError when the mutant is not to blame.
        """
        told = _in_a_fork(lambda: self._verdict(module, tree, right, tests), seconds)
        if told.startswith(_TROUBLE):
            raise HarnessError(f"a mutant of {module.__name__} could not be judged: {told.removeprefix(_TROUBLE)}")
        return told or "hangs"

    def _verdict(self, module: types.ModuleType, tree: ast.Module, right: _Evidence, tests: Sequence[str]) -> str:
        before = concerned(module)
        try:
            install(module, tree)
            rules = [REGISTRY[rule.id] for rule in before]
            found: dict[_Key, tuple[int, int]] = {}
            rewritten = [(now.id, was) for was, now in zip(before, rules, strict=True) if _page(was) != _page(now)]
            for sign in chain(_told("page", rewritten), self._signs(rules, right, found)):
                return sign
        except Exception as error:  # noqa: BLE001 - whatever a mutant raises kills it
            return f"raises {type(error).__name__}: {error}"
        told = _tested(tests)
        return "\n    ".join([told, *self._differences(right, found)[:3]]) if told == SURVIVES else told

    def _signs(self, rules: Sequence[Rule], right: _Evidence, found: dict[_Key, tuple[int, int]]) -> Iterator[str]:
        """The signs, those that are cheap to find first; `found` grows on the way."""
        caught, known = self._caught(right), {rule.id for rule in rules}
        told = [(rule, pair) for pair in self._pairs for rule in known if (rule, pair.miniature) in caught]
        found |= self._examined(rules, ((rule, number) for rule, pair in told for number in (pair.right, pair.wrong)))
        yield from _told("blind", caught - self._caught(found))
        found |= self._examined(rules, (key for key in right if key[1] in self._right))
        yield from _told("accuses", self._accused(found) - self._accused(right))
        yield from _told("silent", self._observed(right) - self._observed(found))
        found |= self.evidence(rules)
        yield from _told("accuses", self._accused(found) - self._accused(right))
        yield from _told("severe", self._caught(found) - caught)

    def _examined(self, rules: Sequence[Rule], keys: Iterable[_Key]) -> dict[_Key, tuple[int, int]]:
        found, by_id = {}, {rule.id: rule for rule in rules}
        for rule, number in keys:
            said = examine(by_id[rule], self._all[number])
            if said.error:
                raise RuntimeError(said.error)
            if said.observed:
                found[rule, number] = (said.observed, len(said.violations))
        return found

    def _accused(self, evidence: _Evidence) -> set[_Key]:
        return {
            (rule, number)
            for (rule, number), (_, broken) in evidence.items()
            if broken and number in self._right and self._all[number].dialect in REGISTRY[rule].dialects
        }

    def _observed(self, evidence: _Evidence) -> set[tuple[str, str | None]]:
        spoken = ((key, spoke - broken) for key, (spoke, broken) in evidence.items() if key[1] in self._right)
        return {(rule, self._all[number].dialect) for (rule, number), seen in spoken if seen}

    def _caught(self, evidence: _Evidence) -> set[tuple[str, str]]:
        broken = {key for key, (_, violations) in evidence.items() if violations}
        rules = {rule for rule, _ in broken}
        return {
            (rule, pair.miniature)
            for pair in self._pairs
            for rule in rules
            if (rule, pair.wrong) in broken and (rule, pair.right) not in broken
        }

    def _differences(self, right: _Evidence, found: _Evidence) -> list[str]:
        """Where a survivor's checks speak more or less often: no test looks at that, and one perhaps should."""
        made = {pair.wrong: pair.miniature for pair in self._pairs}
        return [
            f"{rule} in {self._all[number].case}[{self._all[number].dialect}] {made.get(number, '(right)')}: "
            f"speaks and accuses {right.get((rule, number), (0, 0))} → {found.get((rule, number), (0, 0))}"
            for rule, number in sorted({*right, *found})
            if right.get((rule, number)) != found.get((rule, number))
        ]


def passing(tests: Sequence[str], seconds: int = 120) -> bool:
    """Whether test files pass where every module of checks is loaded anew as mutants are, without a mistake.

    Otherwise they would kill whatever survives.
    """

    def told() -> str:
        for module in modules().values():
            if inspect.getsource(module).strip():
                install(module, ast.parse(inspect.getsource(module)))
        return _tested(tests)

    return _in_a_fork(told, seconds) == SURVIVES


def _tested(tests: Sequence[str]) -> str:
    passed = not tests or pytest.main([*_QUIETLY, *tests]) == pytest.ExitCode.OK
    return SURVIVES if passed else "a test fails"


def _in_a_fork(told: Callable[[], str], seconds: int) -> str:
    """What a function returns in a forked process that writes to nobody; "" when it took longer than it may."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            said = told()
        except BaseException as error:  # noqa: BLE001 - the process that waits must learn of it
            said = f"{_TROUBLE}{type(error).__name__}: {error}"
        os.write(writer, said.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return said


def _page(rule: Rule) -> tuple[object, ...]:
    """What a rule's page is made of, but the check."""
    return tuple(getattr(rule, field.name) for field in fields(rule) if field.name != "check")


def _told(sign: str, found: Iterable[tuple[str, object]]) -> Iterator[str]:
    rules = sorted({rule for rule, _ in found})
    if rules:
        yield f"{sign}: {', '.join(rules)}"


def whole_bench() -> Bench:
    """All right transcripts that tests judge, and all by which miniatures are locked. Making it takes minutes."""
    crossings = (*crossing_transcripts(), *request_transcripts(), *deviation_transcripts())
    right = [*(transcript for _, transcript in crossings), *right_transcripts()]
    return Bench(right, (pair for one in all_miniatures() for pair in _pairs(one)))


def _pairs(wrong: Miniature) -> Iterator[tuple[str, Transcript, Transcript]]:
    """What a miniature is locked by; and the first of it once more, after an answer to something else."""
    pairs = showing(wrong)
    yield from ((wrong.name, right, made) for right, made in pairs)
    for right, made in pairs[:1]:
        yield f"{wrong.name} (after another)", after_another(right), after_another(made)
