"""A whole run: start, preflight, drive, judge. The command line and the pytest plugin both use this.

run(RunOptions(target="reference", dialects=("vllm",)), progress) -> RunResult

start      all dialects' fakes and targets, at once (one after the other where the fake's port is fixed)
preflight  a dialect that fails it is left out, with a diagnosis: trouble, and exit 2
drive      the cases that the selection names and the target's features allow, in a bounded number of threads: what
           the plan says of each, and all of those that were named
judge      the rules of the profile that the selection names
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from conformance.baseline import Baseline, load_baseline
from conformance.cases import Case
from conformance.cases.plan import is_witness, planned
from conformance.drive import Driver, DriveSettings
from conformance.errors import TargetError, UsageError
from conformance.examination import Examiner
from conformance.judge import judge, partial_for
from conformance.preflight import preflight
from conformance.readiness import readiness
from conformance.rules import REGISTRY, Rule
from conformance.runs import (
    DEFAULT_PROFILE,
    Progress,
    Quiet,
    RunOptions,
    RunResult,
    Trouble,
    cases_to_choose_from,
    is_selected,
    scored,
    select_rules,
)
from conformance.second_look import second_look
from conformance.targets import RunningTarget, start_target
from conformance.targets.choice import choose_target
from conformance.transcript import DriveKind, Transcript
from conformance.transcript_file import save_transcript
from conformance.waiting import finish
from fakes.errors import FakeError
from fakes.faults import Faults
from fakes.script import Dialect
from fakes.upstream import FakeUpstream

__all__ = ["run"]

_WAITING = ("ending.", "silence.")  # families in which something is waited for
_WORTH_A_PROCESS = 200  # cases: examining fewer is done before a second process has begun
_FAULT_PAUSE = 0.15  # seconds before a connection breaks: a busy machine needs more than an idle one to read on


def run(options: RunOptions, progress: Progress | None = None) -> RunResult:
    """Do the whole run.

    Raises UsageError for what the user gave wrong. What goes wrong with the target or the suite is in the
    result's `trouble`; this never raises for it.
    """
    if options.live_url is not None:
        from conformance.live import run_live

        return run_live(options, progress or Quiet())
    return _Session(options, progress or Quiet()).run()


@dataclass
class _Stand:
    """A dialect's target, running, with its fake upstream."""

    dialect: Dialect
    upstream: FakeUpstream
    target: RunningTarget
    driver: Driver


class _Session:
    """One run while it runs."""

    def __init__(self, options: RunOptions, progress: Progress) -> None:
        self.options = options
        self.progress = progress
        self.target, self.edit = choose_target(options)
        self.profile = options.profile or self.target.profile or DEFAULT_PROFILE
        self.rules = select_rules(self.profile, options.rules)
        wanted = options.dialects or self.target.dialects
        self.dialects = tuple(one for one in wanted if any(one in rule.dialects for rule in self.rules))
        features = [self.target.way(dialect).features for dialect in wanted]
        self.features = frozenset().union(*features)
        known = cases_to_choose_from(options)
        self.cases = {dialect: self._cases_of(dialect, known) for dialect in self.dialects}
        if not any(rule.dialects for rule in self.rules):
            raise UsageError(f"{self.rules[0].id} is judged at live endpoints only: --live-url URL --model NAME")
        if not any(self.cases.values()):
            named = ", ".join(options.cases) or "the selection"
            raise UsageError(f"no case matches {named} in {', '.join(wanted)}; see `list --cases`")
        self.baseline = self._baseline()
        self.result = RunResult(
            target=self.target,
            profile=self.profile,
            dialects=tuple(wanted),
            features=self.features,
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            partial=tuple(
                f"the target does not declare {feature}, which is core to {self.profile}"
                for feature in partial_for(self.profile, self.features)
            ),
        )
        self._lock = threading.Lock()
        self._done = 0
        self._examiner: Examiner | None = None
        self._changed: set[tuple[Dialect | None, str]] = set()  # transcripts that grew after they were examined

    @property
    def selected(self) -> list[Rule]:
        """The rules that may be judged, of whatever profile: clients need some that the run's profile has not."""
        return [rule for rule in REGISTRY.values() if is_selected(rule.id, self.options.rules)]

    def run(self) -> RunResult:
        began = time.monotonic()
        with ExitStack() as stack:
            if sum(map(len, self.cases.values())) >= _WORTH_A_PROCESS and self.edit is None and Examiner.available():
                self._examiner = stack.enter_context(Examiner(self.selected))
            if self.target.fake_port:
                for dialect in self.dialects:
                    self._run_stands((dialect,))
            else:
                self._run_stands(self.dialects)
            with self._phase("judge"):
                self._judge()
        self.result.seconds = time.monotonic() - began
        return self.result

    def _cases_of(self, dialect: Dialect, known: Sequence[Case]) -> tuple[Case, ...]:
        features = self.target.way(dialect).features
        return tuple(
            case
            for case in known
            if dialect in case.dialects and case.features <= features and is_selected(case.id, self.options.cases)
        )

    def _baseline(self) -> Baseline:
        if self.options.baseline is not None:
            file: Path | None = self.options.baseline
        else:
            file = self.target.baseline if self.options.use_baseline else None
        found = Baseline() if file is None else load_baseline(file)
        return replace(found, partial=bool(self.options.cases or self.options.case_files))

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.result.phases[name] = self.result.phases.get(name, 0.0) + time.monotonic() - began

    def _run_stands(self, dialects: Sequence[Dialect]) -> None:
        with ExitStack() as stack:
            with self._phase("start"):
                stands = self._start(dialects, stack)
            for stand in stands:
                self._run_stand(stand)
            with self._phase("stop"):
                stack.close()

    def _start(self, dialects: Sequence[Dialect], stack: ExitStack) -> list[_Stand]:
        names = ", ".join(dialects)
        self.progress.say(f"starting {self.target.name} ({names})")
        with ThreadPoolExecutor(max(1, len(dialects))) as pool:
            started = list(pool.map(lambda dialect: self._start_one(dialect, stack), dialects))
        return [stand for stand in started if stand is not None]

    def _start_one(self, dialect: Dialect, stack: ExitStack) -> _Stand | None:
        try:
            upstream = FakeUpstream(
                dialect, host=self.target.fake_host, port=self.target.fake_port, faults=Faults(pause=_FAULT_PAUSE)
            )
            upstream.start()
            with self._lock:
                stack.callback(upstream.stop)
            target = start_target(self.target, dialect, upstream.url)
        except TargetError as trouble:
            self._trouble("target", str(trouble), trouble.log, dialect)
            return None
        except FakeError as trouble:
            self._trouble("harness", str(trouble), "", dialect)
            return None
        with self._lock:
            stack.callback(target.stop)
        settings = DriveSettings(
            model=target.way.model,
            strict_upstream=self.options.strict_upstream,
            thorough=self.options.thorough,
            timing=target.way.timing,
        )
        self.result.command = self.result.command or target.command
        return _Stand(dialect, upstream, target, _driver(dialect, target, upstream, settings))

    def _run_stand(self, stand: _Stand) -> None:
        with self._phase("preflight"):
            found = preflight(stand.driver)
        self.result.preflights[stand.dialect] = found
        if found.diagnosis is not None:
            self._trouble("target", str(found.diagnosis), self._last_log(stand), stand.dialect)
            return
        with self._phase("drive"):
            status = self._drive_all(stand, workers=1 if found.correlation == "serial" else self.options.workers)
        grown = {id(exchange) for exchange in stand.driver.attach_strays()}
        self._changed |= {
            (transcript.dialect, transcript.case)
            for transcript in self.result.transcripts
            if any(id(exchange) in grown for drive in transcript.drives for exchange in drive.exchanges)
        }
        self.result.strays[stand.dialect] = tuple(
            stray for stray in stand.upstream.strays if not stand.driver.owns(stray)
        )
        log = self._last_log(stand)
        if status is not None:
            self._trouble("target", f"the target exited with status {status} while it was driven", log, stand.dialect)

    def _last_log(self, stand: _Stand) -> str:
        """The target's log with what it wrote last, which is there for certain only once it has stopped."""
        with self._phase("stop"):
            stand.target.stop()
        self.result.logs[stand.dialect] = log = stand.target.log
        return log

    def _drive_all(self, stand: _Stand, workers: int) -> int | None:
        """Drive every case, last and alone those that take away what others need.

        Returns the status of a target that exited without being asked to; None for one that did not.
        """
        cases = self.cases[stand.dialect]
        shared = [case for case in cases if not case.is_alone]
        for first in (True, False):  # how the others are driven depends on what the witnesses have shown
            self._drive(stand, [case for case in shared if is_witness(case) is first], workers)
        if workers > 1:
            self._look_again(stand, shared)
        for case in cases:
            if case.is_alone and not case.ends_target:
                stand.target.is_ready()  # it may still be busy with the costly one before
                self._drive(stand, [case], 1)
        status = stand.target.exit_status
        self._drive(stand, [case for case in cases if case.ends_target and status is None], 1)
        return status

    def _look_again(self, stand: _Stand, cases: Sequence[Case]) -> None:
        """Drive those alone that were kept waiting beside others: only what they show alone is their own."""
        first = {one.case: n for n, one in enumerate(self.result.transcripts) if one.dialect == stand.dialect}
        found = {case: self.result.transcripts[n] for case, n in first.items()}

        def drive(case: Case) -> Transcript:
            return stand.driver.drive(case, {drive.kind for drive in found[case.id].drives})

        stand.driver.retry_gates()
        for again in second_look(cases, found, drive, stand.target.is_ready):
            self.progress.say(f"{again.case} [{stand.dialect}] was kept waiting beside others: driven again, alone")
            self.result.transcripts[first[again.case]] = again
            if self._examiner is not None:
                self._examiner.submit(again)

    def _drive(self, stand: _Stand, cases: Sequence[Case], workers: int) -> None:
        total = sum(len(self._kinds(case, dialect)) for dialect, some in self.cases.items() for case in some)
        driven: dict[str, Transcript] = {}
        kinds = {case.id: self._kinds(case, stand.dialect, stand.driver.hostile_differs) for case in cases}
        cases = [case for case in cases if kinds[case.id]]

        def drive(case: Case) -> None:
            driven[case.id] = transcript = stand.driver.drive(case, kinds[case.id])
            if self._examiner is not None and transcript.drives:
                self._examiner.submit(transcript)
            with self._lock:
                self._done += len(kinds[case.id])
                self.progress(self._done, total, f"{case.id} [{stand.dialect}]")

        pool = ThreadPoolExecutor(workers, thread_name_prefix=f"drive-{stand.dialect}")
        try:
            futures = [pool.submit(drive, case) for case in _slow_first(cases)]
            finish(futures)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        self.result.transcripts += [driven[case.id] for case in cases if driven[case.id].drives]

    def _kinds(self, case: Case, dialect: Dialect, hostile_differs: bool = False) -> frozenset[DriveKind]:
        """The drives that this run makes of a case: those of the plan, or all of them."""
        if self.options.thorough or self.options.cases or self.options.case_files:
            return case.drives
        ways = [one for one in self.dialects if one in case.dialects and case.features <= self.target.way(one).features]
        return planned(case, dialect, ways, hostile_differs=hostile_differs)

    def _judge(self) -> None:
        result = self.result
        if self.edit is not None:
            result.transcripts = [self.edit(transcript) for transcript in result.transcripts]
        if self.options.transcripts is not None:
            for transcript in result.transcripts:
                save_transcript(transcript, self.options.transcripts)
        features = {dialect: self.target.way(dialect).features for dialect in self.dialects}
        examined = {} if self._examiner is None else self._examiner.examinations()
        examined = {key: said for key, said in examined.items() if key not in self._changed}
        verdicts = judge(
            result.transcripts,
            self.rules,
            profile=self.profile,
            baseline=self.baseline,
            features=features,
            examined=examined,
        )
        result.clients = readiness(
            result.transcripts,
            verdicts,
            self.selected,
            baseline=self.baseline,
            features=features,
            examined=examined,
        )
        frozen = self.options.requirements
        result.verdicts = verdicts if frozen is None else scored(verdicts, frozen)

    def _trouble(self, blame: Literal["target", "harness"], message: str, log: str, dialect: Dialect) -> None:
        with self._lock:
            self.result.trouble.append(Trouble(blame, message, log, dialect))


def _driver(dialect: Dialect, target: RunningTarget, upstream: FakeUpstream, settings: DriveSettings) -> Driver:
    return Driver(dialect, target.endpoint, upstream, settings, target if target.is_ours else None)


def _slow_first(cases: Sequence[Case]) -> list[Case]:
    """Cases that wait (gates, faults) first: started last, one of them would keep all other threads idle."""
    return sorted(cases, key=lambda case: not ({"gated", "bytes"} & case.drives or case.id.startswith(_WAITING)))
