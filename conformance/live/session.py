"""A whole run at a live endpoint: plan, say what it costs, greet, drive, judge.

There is no fake behind the server, so that only rules with evidence "client" can be judged; the verdict is on a part
of the profile, and says so. What the model did not say, and what was left out, stands in the result's notes.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase

from conformance.baseline import Baseline, load_baseline
from conformance.cases.live import ACCEPTANCE, CASES, HELLO, NOT_OVER_HTTP, LiveCase
from conformance.errors import UsageError
from conformance.judge import judge
from conformance.live.driver import LiveDriver
from conformance.live.endpoint import PATIENCE, live_endpoint
from conformance.live.greeting import diagnose
from conformance.live.hopes import unheard
from conformance.live.plan import MAX_REQUESTS, Budget, LivePlan, plan
from conformance.live.secrecy import Secret, read_key
from conformance.readiness import readiness
from conformance.rules import REGISTRY, Rule
from conformance.runs import (
    DEFAULT_PROFILE,
    Progress,
    RunOptions,
    RunResult,
    Trouble,
    scored,
    select_rules,
)
from conformance.targets.target import Target
from conformance.transcript import Transcript
from conformance.transcript_file import save_transcript
from conformance.verdict import Outcome
from conformance.waiting import finish

__all__ = ["run_live"]

_WORKERS = 4
_ABILITIES = frozenset({"store", "client-key", "body-limit", "event-limit"})
"""Features that a server has or has not; all others are forms, which show by themselves in what it says."""


def run_live(options: RunOptions, progress: Progress) -> RunResult:
    """Do the whole run.

    Raises UsageError for what the user gave wrong. What goes wrong with the endpoint is in the result's `trouble`.
    """
    return _LiveSession(options, progress).run()


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


class _LiveSession:
    """One run while it runs."""

    def __init__(self, options: RunOptions, progress: Progress) -> None:
        url, model = options.live_url, options.model
        if not url or not model:
            raise UsageError("a live endpoint needs a URL and a model: --live-url URL --model NAME")
        self.options, self.progress, self.url, self.model = options, progress, url, model
        self.profile = options.profile or DEFAULT_PROFILE
        self.rules = select_rules(self.profile, options.rules)
        if all(rule.evidence != "client" for rule in self.rules):
            raise UsageError(
                f"{self.rules[0].id} needs a fake upstream behind the target, and a live endpoint has none"
            )
        chosen = [case for case in CASES if _matches(case.id, options.cases)]
        if not chosen:
            raise UsageError(f"no case for live endpoints matches {', '.join(options.cases)}; see `list --cases`")
        self.declared = frozenset(options.features)
        secret = None if options.api_key_env is None else Secret(read_key(options.api_key_env))
        self.endpoint = live_endpoint(url, secret, options.patience or PATIENCE)
        self.plan = plan(chosen, self.declared, options.max_requests or MAX_REQUESTS)
        self.chosen = {case.id for case in chosen}
        budget = Budget(self.plan.limit - self.plan.requests)
        self.driver = LiveDriver(self.endpoint, model, self.declared, budget, secret)
        known = Baseline() if options.baseline is None else load_baseline(options.baseline)
        self.baseline = replace(known, partial=bool(options.cases))
        self.result = RunResult(
            target=Target(name=f"{model} at {url}", ways={}),
            profile=self.profile,
            dialects=(),
            features=self.declared,
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            partial=tuple(_partial(self.rules, self.plan)),
        )

    def run(self) -> RunResult:
        began = time.monotonic()
        for line in self.plan.announcement(self.url, self.model):
            self.progress.say(line)
        greeting = self._timed(HELLO)
        diagnosis = diagnose(greeting, self.endpoint)
        if diagnosis is not None:
            self.result.trouble.append(Trouble("target", str(diagnosis)))
        else:
            others = self.plan.cases[1:]
            transcripts = [greeting, *self._drive(others)]
            self.result.transcripts = [one for one in transcripts if one.case in self.chosen]
            self._judge()
        self.result.seconds = time.monotonic() - began
        return self.result

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.result.phases[name] = self.result.phases.get(name, 0.0) + time.monotonic() - began

    def _timed(self, case: LiveCase) -> Transcript:
        with self._phase("preflight"):
            return self.driver.drive(case)

    def _drive(self, cases: Sequence[LiveCase]) -> list[Transcript]:
        done = [len(HELLO.drives)]
        total = sum(len(case.drives) for case in self.plan.cases)
        driven: dict[str, Transcript] = {}
        lock = threading.Lock()

        def drive(case: LiveCase) -> None:
            driven[case.id] = self.driver.drive(case)
            with lock:
                done[0] += len(case.drives)
                self.progress(done[0], total, case.id)

        with self._phase("drive"):
            pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="live")
            try:
                futures = [pool.submit(drive, case) for case in cases]
                finish(futures)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return [driven[case.id] for case in cases]

    def _judge(self) -> None:
        result, options = self.result, self.options
        if options.transcripts is not None:
            for transcript in result.transcripts:
                save_transcript(transcript, options.transcripts)
        shown = frozenset().union(*(rule.features for rule in REGISTRY.values())) - _ABILITIES
        features = self.declared | shown
        with self._phase("judge"):
            verdicts = judge(
                result.transcripts, self.rules, profile=self.profile, baseline=self.baseline, features=features
            )
            selected = [rule for rule in REGISTRY.values() if _matches(rule.id, options.rules)]
            result.clients = readiness(
                result.transcripts, verdicts, selected, baseline=self.baseline, features=features
            )
        result.verdicts = verdicts if options.requirements is None else scored(verdicts, options.requirements)
        result.notes = tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield from self.plan.left_out()
        cases = {case.id: case for case in self.plan.cases}
        for transcript in self.result.transcripts:
            missed = list(transcript.facts["unobserved"].values()) or unheard(cases[transcript.case], transcript)
            for reason in missed:
                yield f"not observed in {transcript.case}: {reason}"
        yield from self._acceptance()

    def _acceptance(self) -> Iterator[str]:
        """How the server does by Open Responses' own acceptance tests, by name."""
        judged = {
            verdict.rule.id: verdict.outcome for verdict in self.result.verdicts if verdict.rule.area == "acceptance"
        }
        if not judged:
            return
        words = {Outcome.PASS: "holds", Outcome.FAIL: "fails", Outcome.EXPECTED_FAIL: "fails"}
        outcomes = {test: judged.get(f"acceptance.{test}", Outcome.NOT_APPLICABLE) for test in ACCEPTANCE}
        told = [f"{test} {words.get(outcome, 'not observed')}" for test, outcome in outcomes.items()]
        others = len(NOT_OVER_HTTP)
        yield (
            f"Open Responses' acceptance tests: {', '.join(told)}; "
            f"{others} others send no HTTP request ({others - 1} use a websocket, 1 sends nothing)"
        )


def _partial(rules: Sequence[Rule], planned: LivePlan) -> Iterator[str]:
    blind = sum(rule.evidence != "client" for rule in rules)
    if blind:
        yield f"{blind} rules need a fake upstream behind the target, and there is none"
    if planned.beyond or planned.undeclared:
        yield f"{len(planned.beyond) + len(planned.undeclared)} cases were left out"
