"""The whole search: every dialect and kind gets its share of the time; what is found is told at once.

fuzz(FuzzOptions(choice=TargetChoice(target="reference"), seconds=60), stdout, stderr) -> ExitCode
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from conformance.cases.files import case_text, write_case
from conformance.errors import ExitCode
from conformance.generate import GENERATOR
from conformance.generate.search import KINDS, Budget, Counterexample, Kind, Search
from conformance.generate.stand import Chosen, Stand, chosen_target, open_stand
from conformance.report.failure import verdict_message
from conformance.report.json_result import verdict_entry
from conformance.report.style import plural
from conformance.runs import DEFAULT_PROFILE, select_rules
from conformance.targets.choice import TargetChoice
from conformance.verdict import Outcome
from fakes.script import Dialect

__all__ = ["Found", "FuzzOptions", "fuzz"]


@dataclass(frozen=True, kw_only=True)
class FuzzOptions:
    """What to search, and for how long (seconds, by `clock`).

    `profile` None is the target's own, else the default; empty `rules` are all of it. `seed` None begins somewhere
    else each time. `save_failures` is a folder that gets a case file a counterexample. `words` name the target
    again on a command line.
    """

    choice: TargetChoice
    profile: str | None = None
    rules: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = KINDS
    seconds: float = 60.0
    seed: int | None = None
    save_failures: Path | None = None
    words: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic


@dataclass
class Found:
    """What a search found, by dialect: counterexamples, and how many cases of each kind were tried."""

    counterexamples: list[tuple[Dialect, Counterexample]] = field(default_factory=list)
    tried: dict[tuple[Dialect, Kind], int] = field(default_factory=dict)
    known: dict[Dialect, list[str]] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """What the process exits with: a check that raised is trouble, and so is a search that tried nothing."""
        outcomes = {found.verdict.outcome for _, found in self.counterexamples}
        if Outcome.HARNESS_ERROR in outcomes or not any(self.tried.values()):
            return ExitCode.TROUBLE
        return ExitCode.VIOLATIONS if outcomes else ExitCode.CONFORMS


def fuzz(options: FuzzOptions, out: TextIO, progress: TextIO) -> ExitCode:
    """Search, and tell each counterexample on `out` as it is found.

    Raises UsageError for what the user gave wrong, TargetError when the target cannot be judged or is lost.
    """
    chosen = chosen_target(options.choice)
    profile = options.profile or chosen.target.profile or DEFAULT_PROFILE
    rules = select_rules(profile, options.rules)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    dialects = options.choice.dialects or chosen.target.dialects
    share = options.seconds / (len(dialects) * len(options.kinds))
    found = Found()
    for dialect in dialects:
        progress.write(f"starting {chosen.target.name} ({dialect}), seed {seed}\n")
        progress.flush()
        with open_stand(chosen, dialect) as stand:
            known = _known(chosen, dialect)
            found.known[dialect] = sorted(known)
            search = Search(stand, rules, profile, known)
            for kind in options.kinds:
                for one in search.find(kind, Budget(share, options.clock), seed):
                    found.counterexamples.append((dialect, one))
                    _tell(one, stand, options, out)
                found.tried[dialect, kind] = search.examples - sum(
                    count for (of, _), count in found.tried.items() if of == dialect
                )
    out.write("\n".join(_summary(found, seed)) + "\n")
    out.flush()
    return found.exit_code


def _known(chosen: Chosen, dialect: Dialect) -> set[str]:
    """The rules that the target is known to break, in whatever case: its baseline cannot name generated ones."""
    return {entry.rule for entry in chosen.baseline.entries if dialect in entry.dialects}


def _tell(found: Counterexample, stand: Stand, options: FuzzOptions, out: TextIO) -> None:
    made = {"generator": GENERATOR, "kind": found.kind, "seed": found.seed}
    name = f"{stand.dialect}.{found.verdict.rule.id}.json"
    file = Path(name) if options.save_failures is None else options.save_failures / name
    if options.save_failures is not None:
        write_case(found.case, file, made=made)
    rerun = ["run", *options.words, "--case-file", str(file)]
    out.write(f"\n{verdict_message(verdict_entry(found.verdict), rerun)}\n")
    if found.also:
        out.write(f"  it also breaks {', '.join(found.also)}\n")
    if options.save_failures is not None:
        out.write(f"  saved as {file}\n")
    else:
        out.write(f"  as a case: save this as {file} (--save-failures DIR does it)\n\n")
        out.write(case_text(found.case, made=made))
    out.flush()


def _summary(found: Found, seed: int) -> Sequence[str]:
    lines = [""]
    for dialect in dict.fromkeys(dialect for dialect, _ in found.tried):
        tried = ", ".join(f"{count} {kind}" for (of, kind), count in found.tried.items() if of == dialect)
        broken = [one.verdict.rule.id for of, one in found.counterexamples if of == dialect]
        what = f"{plural(len(broken), 'counterexample')} ({', '.join(broken)})" if broken else "no counterexample"
        lines.append(f"{dialect}: {tried} driven; {what}")
        if found.known[dialect]:
            lines.append(f"  left alone, as in the baseline: {', '.join(found.known[dialect])}")
    return [*lines, f"seed {seed}"]
