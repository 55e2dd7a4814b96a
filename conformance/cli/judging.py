"""One judging: parsed options in, result document out. The command and the pytest plugin both use it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

import pytest

from conformance.baseline import Expected, write_baseline
from conformance.cli.options import ALL_DIALECTS, check_target, target_words
from conformance.report.console import LineProgress
from conformance.report.document import ResultDocument, TroubleEntry
from conformance.report.json_result import build_document
from conformance.report.patterns import known_patterns
from conformance.report.style import plural
from conformance.report.suite import describe_suite
from conformance.runs import RunOptions, RunResult
from conformance.session import run
from conformance.targets.choice import TargetChoice
from conformance.verdict import Outcome, Verdict
from fakes.script import DIALECTS, Dialect

__all__ = ["JUDGING", "Judging", "baseline_entries", "run_options", "target_choice"]


class Judging:
    """Drives and judges once, when it is first asked.

    `document` is None until then. `error` is what the user gave wrong, or a fault of the suite; it is raised
    again by whoever asked for the judging.
    """

    def __init__(self, arguments: argparse.Namespace, progress: LineProgress) -> None:
        self.arguments = arguments
        self.progress = progress
        self.result: RunResult | None = None
        self.document: ResultDocument | None = None
        self.error: Exception | None = None

    def judge(self) -> ResultDocument:
        """The result document. Raises UsageError for wrong options."""
        if self.document is not None:
            return self.document
        try:
            check_target(self.arguments)
            self.result = run(run_options(self.arguments), self.progress)
        except Exception as error:
            self.error = error
            raise
        finally:
            self.progress.finish()
        self.document = self._document(self.result.verdicts)
        if self.arguments.write_baseline:
            self._write_baseline(self.arguments.write_baseline)
        return self.document

    def narrowed(self, names: Set[str]) -> ResultDocument:
        """The document of those verdicts alone that are named: the others were not told."""
        assert self.result is not None
        assert self.document is not None
        told = [verdict for verdict in self.result.verdicts if verdict.name in names]
        untold = len(self.result.verdicts) - len(told)
        if not untold:
            return self.document
        return self._document(told, [f"{untold} verdicts were not told (stopped early)"])

    def _document(self, verdicts: Iterable[Verdict], partial: Iterable[str] = ()) -> ResultDocument:
        result = self.result
        assert result is not None
        target = result.target
        told = list(verdicts)
        fails = any(verdict.outcome is Outcome.FAIL for verdict in told)
        return build_document(
            told,
            suite=describe_suite(self.arguments.requirements),
            target={
                "name": _display_name(self.arguments, target.name),
                "version": target.version,
                "command": result.command,
                "features": sorted(result.features),
            },
            profile=result.profile,
            rerun=["run", *target_words(self.arguments)],
            dialects=result.dialects,
            started=result.started,
            seconds=result.seconds,
            drives=result.drives,
            trouble=[
                TroubleEntry(blame=one.blame, message=one.message, log=one.log, dialect=one.dialect)
                for one in result.trouble
            ],
            partial=[*result.partial, *_selected(self.arguments, result), *partial],
            notes=result.notes,
            patterns=known_patterns() if fails else (),
            clients=result.clients,
        )

    def _write_baseline(self, file: Path) -> None:
        assert self.result is not None
        entries = list(baseline_entries(self.result.verdicts, self.arguments.reason))
        write_baseline(file, entries)
        self.progress.say(f"wrote {file}: {plural(len(entries), 'entry', 'entries')}")


JUDGING = pytest.StashKey[Judging]()
"""Where the plugin finds a judging that is prepared already."""


def target_choice(arguments: argparse.Namespace) -> TargetChoice:
    """The target that the options name, and what they say of it."""
    return TargetChoice(
        target=arguments.target,
        target_command=arguments.target_command,
        target_url=arguments.target_url,
        live_url=getattr(arguments, "live_url", None),
        api_key_env=getattr(arguments, "api_key_env", None),
        dialects=_dialects(arguments),
        features=tuple(arguments.feature),
        env=dict(arguments.target_env),
        model=arguments.model,
        path=arguments.path,
        ready=arguments.ready,
        fake_host=arguments.fake_host,
        fake_port=arguments.fake_port,
    )


def run_options(arguments: argparse.Namespace) -> RunOptions:
    """The options of the session."""
    return RunOptions(
        **vars(target_choice(arguments)),
        profile=arguments.profile,
        rules=tuple(arguments.rule),
        cases=tuple(arguments.case),
        case_files=tuple(arguments.case_file),
        requirements=arguments.requirements,
        strict_upstream=arguments.strict_upstream,
        thorough=arguments.thorough,
        baseline=arguments.baseline,
        transcripts=arguments.transcripts,
        max_requests=arguments.max_requests,
        patience=arguments.patience,
    )


def _dialects(arguments: argparse.Namespace) -> tuple[Dialect, ...]:
    """Those that are named, in the usual order; empty means all that a known target supports."""
    named = arguments.dialect or []
    if ALL_DIALECTS in named:
        return () if arguments.target else DIALECTS
    return tuple(dialect for dialect in DIALECTS if dialect in named)


_INTERPRETER = re.compile(r"(.*/)?(python|pypy|node|ruby|java|uv|npx|bash|sh)[\d.]*|\{python\}|run|-\w+|\w+=.*")


def _display_name(arguments: argparse.Namespace, name: str) -> str:
    """What reports call the target: of a command line the program, without interpreter and options."""
    if arguments.target_command is None:
        return name
    words = shlex.split(arguments.target_command)
    programs = (word for word in words if not _INTERPRETER.fullmatch(word) and not re.search(r"\s", word))
    program = next(programs, words[0])
    return Path(program).name


def _selected(arguments: argparse.Namespace, result: RunResult) -> Iterator[str]:
    """What a selection left out: a target conforms to a profile only as a whole."""
    if arguments.rule:
        yield f"only rules that match {' or '.join(arguments.rule)}"
    if arguments.case:
        yield f"only cases that match {' or '.join(arguments.case)}"
    elif arguments.case_file:
        yield f"only the cases of {', '.join(file.name for file in arguments.case_file)}"
    left = [dialect for dialect in result.target.dialects if dialect not in result.dialects]
    if left:
        yield f"not judged on {' and '.join(left)}, which it supports"


def baseline_entries(verdicts: Iterable[Verdict], reason: str) -> Iterator[Expected]:
    """The failures of a run as baseline entries; those that were expected already keep their reasons."""
    failing: dict[tuple[str, str], dict[Dialect | None, set[str]]] = defaultdict(lambda: defaultdict(set))
    for verdict in verdicts:
        if verdict.outcome in (Outcome.FAIL, Outcome.EXPECTED_FAIL):
            for finding in verdict.findings:
                key = (verdict.rule.id, finding.expected_reason or reason)
                failing[key][verdict.dialect].add(finding.transcript.case)
    for (rule, why), by_dialect in failing.items():
        together: dict[tuple[str, ...], list[Dialect]] = defaultdict(list)
        for dialect in DIALECTS:
            if dialect in by_dialect:
                together[tuple(sorted(by_dialect[dialect]))].append(dialect)
        if None in by_dialect:  # a live endpoint: an entry without dialects speaks of it
            together[tuple(sorted(by_dialect[None]))] = list(DIALECTS)
        for cases, dialects in together.items():
            yield Expected(rule, cases, why, tuple(dialects))
