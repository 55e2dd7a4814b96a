"""`python -m conformance.mutation [MODULE ...]`: whether small mistakes in the checks are noticed, by a sample of them.

A survivor is a wrong proxy that would pass, a right one that would be accused, or a mistake without a consequence;
those of the third kind that were looked at stand in explained.toml, and are counted apart.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import partial
from pathlib import Path

from conformance.errors import ExitCode, UsageError
from conformance.mutation.bench import SURVIVES, Bench, concerned, modules, passing, whole_bench
from conformance.mutation.explained import EXPLAINED, explanation, read_explained
from conformance.mutation.mutants import mutants

_NO_RULES = frozenset({"phrases", "test_rules"})  # the words of messages; what pytest collects


def _chosen(seed: int, module: str, each: int, total: int) -> list[int]:
    """The numbers of the mutants to try: the same for the same seed and source."""
    return sorted(random.Random(f"{seed}:{module}").sample(range(total), min(each, total)))  # noqa: S311


class _Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    EXPLAINED = "explained"
    SURVIVES = "survives"


def _line(name: str, fates: Sequence[_Fate]) -> str:
    explained = fates.count(_Fate.EXPLAINED)
    apart = f", {explained} explained" if explained else ""
    return f"{name:<20} {fates.count(_Fate.KILLED):>4} of {len(fates):>4} killed{apart}"


def _score(fates: Sequence[_Fate]) -> tuple[float, float]:
    """The share that was killed of what is not explained, in percent, and half its 95 % interval."""
    total = max(1, len(fates) - fates.count(_Fate.EXPLAINED))
    share = fates.count(_Fate.KILLED) / total
    return 100 * share, 196 * math.sqrt(share * (1 - share) / total)


def _fate(verdict: str, reason: str) -> tuple[_Fate, str]:
    """What became of a mutant, and how that is told, by what the bench says and by why it need not be killed."""
    if not verdict.startswith(SURVIVES):
        return _Fate.KILLED, f"{verdict} (though explained: take the entry out)" if reason else verdict
    return (_Fate.EXPLAINED, f"explained: {reason}") if reason else (_Fate.SURVIVES, verdict)


def _options(arguments: Sequence[str] | None, names: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m conformance.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="modules of conformance.checks (default: all)")
    parser.add_argument("--each", type=int, default=12, metavar="N", help="how many mutants of a module (default: 12)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which of them (default: 1)")
    parser.add_argument("--tests", nargs="+", default=[], metavar="FILE", help="test files that may kill what survives")
    parser.add_argument("--at-least", type=float, default=0, metavar="PERCENT", help="exit 1 where fewer are killed")
    parser.add_argument(
        "--explained",
        type=Path,
        default=EXPLAINED,
        metavar="FILE",
        help="survivors without a consequence, each with its reason (default: explained.toml of this package)",
    )
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.modules) - set(names)):
        parser.error(f"no module of checks is named {', '.join(unknown)}; there are {', '.join(names)}")
    if missing := [path for path in options.tests if not Path(path).exists()]:
        parser.error(f"there is no {', '.join(missing)}")
    try:
        options.entries = read_explained(options.explained)
    except UsageError as error:
        parser.error(str(error))
    return options


def main(arguments: Sequence[str] | None = None, bench: Callable[[], Bench] = whole_bench) -> int:
    """Exit 0 when enough mutants were killed, 1 when not, 2 when the tests fail anyway or for a wrong command line."""
    known = {name: module for name, module in modules().items() if name not in _NO_RULES}
    options = _options(arguments, known)
    if not passing(options.tests):
        sys.stderr.write("the tests fail without a mutant: they would kill whatever survives\n")
        return ExitCode.TROUBLE
    judging = bench()
    gc.freeze()  # what is forked is not copied by a collection
    fates: dict[str, list[_Fate]] = {}
    for name in options.modules or known:
        right = judging.evidence(concerned(known[name]))
        fates[name] = []
        for mutant in mutants(inspect.getsource(known[name]), partial(_chosen, options.seed, name, options.each)):
            verdict = judging.tried(known[name], mutant.tree, right, options.tests)
            fate, told = _fate(verdict, explanation(options.entries, name, mutant))
            fates[name].append(fate)
            sys.stdout.write(f"{name} {mutant}: {told}\n")
            sys.stdout.flush()
    every = [one for of_module in fates.values() for one in of_module]
    score, error = _score(every)
    sys.stdout.writelines(_line(name, of_module) + "\n" for name, of_module in fates.items())
    sys.stdout.write(f"{_line('all', every)}: {score:.1f} % ± {error:.1f}\n")
    return ExitCode.CONFORMS if score >= options.at_least else ExitCode.VIOLATIONS


if __name__ == "__main__":
    sys.exit(main())
