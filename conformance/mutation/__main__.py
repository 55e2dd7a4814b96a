"""`python -m conformance.mutation [MODULE ...]`: whether small mistakes in the checks are noticed, by a sample of them.

A survivor is a wrong proxy that would pass, a right one that would be accused, or a mistake without a consequence.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from conformance.errors import ExitCode
from conformance.mutation.bench import SURVIVES, Bench, concerned, modules, whole_bench
from conformance.mutation.mutants import mutants

_NO_RULES = frozenset({"phrases", "test_rules"})  # the words of messages; what pytest collects


def _chosen(seed: int, module: str, each: int, total: int) -> list[int]:
    """The numbers of the mutants to try: the same for the same seed and source."""
    return sorted(random.Random(f"{seed}:{module}").sample(range(total), min(each, total)))  # noqa: S311


def _line(name: str, killed: Sequence[bool]) -> str:
    return f"{name:<20} {sum(killed):>4} of {len(killed):>4} killed"


def _score(killed: Sequence[bool]) -> tuple[float, float]:
    """The share of mutants that were killed, in percent, and half its 95 % interval."""
    share = sum(killed) / max(1, len(killed))
    return 100 * share, 196 * math.sqrt(share * (1 - share) / max(1, len(killed)))


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
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.modules) - set(names)):
        parser.error(f"no module of checks is named {', '.join(unknown)}; there are {', '.join(names)}")
    if missing := [path for path in options.tests if not Path(path).exists()]:
        parser.error(f"there is no {', '.join(missing)}")
    return options


def main(arguments: Sequence[str] | None = None, bench: Callable[[], Bench] = whole_bench) -> int:
    """Exit 0 when enough mutants were killed, 1 when not, 2 for a wrong command line."""
    known = {name: module for name, module in modules().items() if name not in _NO_RULES}
    options = _options(arguments, known)
    judging = bench()
    gc.freeze()  # what is forked is not copied by a collection
    killed: dict[str, list[bool]] = {}
    for name in options.modules or known:
        right = judging.evidence(concerned(known[name]))
        killed[name] = []
        for mutant in mutants(inspect.getsource(known[name]), partial(_chosen, options.seed, name, options.each)):
            verdict = judging.tried(known[name], mutant.tree, right, options.tests)
            killed[name].append(not verdict.startswith(SURVIVES))
            sys.stdout.write(f"{name} {mutant}: {verdict}\n")
            sys.stdout.flush()
    every = [one for of_module in killed.values() for one in of_module]
    score, error = _score(every)
    sys.stdout.writelines(_line(name, of_module) + "\n" for name, of_module in killed.items())
    sys.stdout.write(f"{_line('all', every)}: {score:.1f} % ± {error:.1f}\n")
    return ExitCode.CONFORMS if score >= options.at_least else ExitCode.VIOLATIONS


if __name__ == "__main__":
    sys.exit(main())
