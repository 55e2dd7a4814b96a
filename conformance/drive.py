"""Driving: a case, a target and a fake upstream in; a transcript out.

    case ── Filler ──▶ request ── client ──▶ target ──▶ fake upstream
                                    │                        │
                                    └──▶ Exchange ◀── calls, Said

A case is driven once a kind: "stream" and "json" as services send, "hostile" cut at the places that break
readers, "gated" with each upstream chunk held until the client has received what the one before it must cause,
"bytes" one byte at a time. Which of these a run makes is the plan's to say (`conformance.cases.plan`). A drive that
cannot be made is remembered with a problem and whose fault it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from conformance.asked import read_asked
from conformance.cases.case import Case, Turn
from conformance.client import Endpoint, Hooks, send
from conformance.errors import HarnessError, TargetError
from conformance.fold import fold, resumed
from conformance.listening import Interruption, Listener
from conformance.normal_form import drive_difference
from conformance.request_form import CannotContinueError, Filler
from conformance.ruled_out import tolerating
from conformance.said import Said
from conformance.transcript import DRIVE_KINDS, TERMINALS, Drive, DriveKind, Exchange, Transcript
from fakes.correlation import new_token
from fakes.errors import COMPLAINTS
from fakes.gates import Hold, Outcome
from fakes.log import UpstreamCall
from fakes.recording import Recording
from fakes.reply import AsFramed, ByteByByte, Delivery, Gated, Hostile
from fakes.script import Dialect
from fakes.upstream import FakeUpstream

__all__ = ["EXIT_WAIT", "GATE_MISSES", "HELD_WAIT", "INGREDIENTS", "DriveSettings", "Driver", "Process", "drive_case"]

GATE_MISSES = 3
"""After so many gated drives in which a gate gave up, the other gated drives of a target are left out."""

INGREDIENTS = ("cuts", "crlf", "comments", "pings")
"""What the hostile delivery is made of, in the order in which the guilty one is looked for."""

EXIT_WAIT = 10.0
"""Seconds that a target has to exit after a SIGTERM: those that `docker stop` gives before it kills."""

HELD_WAIT = 8.0
"""Seconds that one client's answer waits, in the upstream, for other clients' answers to come to an end."""

_NAMED_GUILTY = 10  # the guilty ingredient is looked for in so many cases: four more drives each
_PATIENCE = 3.0  # seconds of silence that every target bears; longer ones than it was told ([timing] idle) none must
_IDLE_WAIT = 3.5  # seconds that the upstream's side may go on after the client's side has ended: a busy machine is slow
_DELIVERIES: Mapping[DriveKind, Delivery] = {
    "stream": AsFramed(),
    "json": AsFramed(),
    "hostile": Hostile(),
    "gated": Gated(),
    "bytes": ByteByByte(),
}


@dataclass(frozen=True)
class DriveSettings:
    """How a target is driven, whatever the case.

    `model` is its model template, `timing` what it was told of times (seconds), `strict_upstream` makes the fake
    refuse what the real service would. `thorough` drives every streamed case also byte by byte and with each
    hostile ingredient alone.
    """

    model: str = "{case}"
    strict_upstream: bool = False
    thorough: bool = False
    timing: Mapping[str, float] = field(default_factory=dict)


def drive_case(
    case: Case,
    dialect: Dialect,
    endpoint: Endpoint,
    upstream: FakeUpstream,
    kinds: Collection[DriveKind] = DRIVE_KINDS,
    settings: DriveSettings = DriveSettings(),
) -> Transcript:
    """Drive one case, once each of those kinds that are the case's. Never raises for what the target does."""
    return Driver(dialect, endpoint, upstream, settings).drive(case, kinds)


class Process(Protocol):
    """The target's process, where the suite may end it."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""

    def wait_for_exit(self, seconds: float) -> int | None:
        """The status that it exits with in this time; None when it does not."""


class Driver:
    """Drives cases through one target in one dialect; safe to use from several threads.

    `hostile_differs`: some case has shown that this target reads the hostile delivery otherwise than the plain one.
    """

    def __init__(
        self,
        dialect: Dialect,
        endpoint: Endpoint,
        upstream: FakeUpstream,
        settings: DriveSettings = DriveSettings(),
        process: Process | None = None,
    ) -> None:
        self.process = process
        self.dialect = dialect
        self.endpoint = endpoint
        self.upstream = upstream
        self.settings = settings
        self._lock = threading.Lock()
        self._gate_misses = 0
        self.hostile_differs = False
        self._named = 0
        self._owners: dict[str, tuple[Exchange, float]] = {}

    def drive(self, case: Case, kinds: Collection[DriveKind] = DRIVE_KINDS) -> Transcript:
        """Drive one case, once each of those kinds that are the case's."""
        runs = [_Run(self, case, kind, _DELIVERIES[kind]) for kind in self._kinds(case, kinds)]
        drives = [drive for run in runs if (drive := run.drive()) is not None]
        facts = {
            "turns": len(case.turns),
            "refusal_statuses": case.refusal_statuses,
            "expected_calls": [dict(call) for call in case.expected_calls],
            "may_refuse": case.may_refuse,
            "tags": case.tags,
            "timing": dict(self.settings.timing),
        }
        if held := {run.result.kind: run.held for run in runs if run.held is not None}:
            facts["held"] = held
        if case.ends_target and self.process is not None and drives:
            facts["exit"] = self._exit(drives[-1], self.process)
        transcript = Transcript(case.id, self.dialect, drives, case.summary, case.source, case.features, facts)
        self._compare_hostile(case, transcript)
        return transcript

    def _exit(self, drive: Drive, process: Process) -> dict[str, Any]:
        """How a target that was asked to end did it. Its stream, cut with it, is not held against it twice."""
        began = time.monotonic()
        status = process.wait_for_exit(EXIT_WAIT)
        last = drive.exchanges[-1] if drive.exchanges else None
        told = {"status": status, "seconds": time.monotonic() - began, "stream": last.ended if last else "no-answer"}
        ends = [event.type for event in last.events if event.type in TERMINALS] if last else []
        if last is not None and not (ends and last.ended == "complete"):
            last.ended, last.problem = "client-left", "the suite ended the target, as the case says"
        return told | {"terminal": ends[-1] if ends else None}

    def attach_strays(self) -> list[Exchange]:
        """Give calls that came after their exchange was over to that exchange, as surplus ones; which those are."""
        grown = []
        for call in self.upstream.strays:
            if call.token in self._owners:
                exchange, started = self._owners[call.token]
                exchange.upstream = (*exchange.upstream, _relative(call, started))
                grown.append(exchange)
        return grown

    def owns(self, call: UpstreamCall) -> bool:
        """Whether a call carries the token of one of this driver's exchanges."""
        return call.token in self._owners

    def own(self, token: str, exchange: Exchange, started: float) -> None:
        """Note whose the calls with a token are."""
        with self._lock:
            self._owners[token] = exchange, started

    def _kinds(self, case: Case, kinds: Collection[DriveKind]) -> Iterator[DriveKind]:
        if self.upstream.correlate_by == "serial" and any(turn.copies > 1 for turn in case.turns):
            return  # one at a time is all that such a target can be told apart by
        if case.ends_target and self.process is None:
            return  # it is not the suite's to end
        wanted = set(case.drives) & set(kinds)
        if self.settings.thorough and "stream" in case.drives:
            wanted.add("bytes")
        for kind in DRIVE_KINDS:
            if kind in wanted and _can_replay(case, kind) and not (kind == "gated" and self._gates_given_up()):
                yield kind

    def _gates_given_up(self) -> bool:
        with self._lock:
            return self._gate_misses >= GATE_MISSES

    def retry_gates(self) -> None:
        """Forget the misses at gates: what came late beside other cases may come in time alone."""
        with self._lock:
            self._gate_misses = 0

    def note_gates(self, drive: Drive) -> None:
        """Count a gated drive in which a gate gave up."""
        if any(call.late for exchange in drive.exchanges for call in exchange.upstream):
            with self._lock:
                self._gate_misses += 1

    def _compare_hostile(self, case: Case, transcript: Transcript) -> None:
        """Where the hostile drive differs from the stream drive, name the ingredient that makes it differ."""
        plain, hostile = transcript.drive("stream"), transcript.drive("hostile")
        if plain is None or hostile is None:
            return
        found = drive_difference(plain, hostile)
        self.hostile_differs |= found is not None
        alone: list[Drive] = []
        if self.settings.thorough or (found is not None and self._may_name()):
            runs = [_Run(self, case, "hostile", Hostile(frozenset({one})), (one,)).drive() for one in INGREDIENTS]
            alone = [run for run in runs if run is not None]
            transcript.drives += alone
        if found is not None:
            again = _Run(self, case, "stream", _DELIVERIES["stream"]).drive()
            transcript.facts["hostile"] = {
                "path": found.path,
                "left": found.left,
                "right": found.right,
                "guilty": [one.ingredients[0] for one in alone if one.problem is None and drive_difference(plain, one)],
                "steady": again is not None and drive_difference(plain, again) is None,
            }

    def _may_name(self) -> bool:
        with self._lock:
            self._named += 1
            return self._named <= _NAMED_GUILTY


def _can_replay(case: Case, kind: DriveKind) -> bool:
    """Whether the recordings among the answers have the form that this kind of drive asks for."""
    streams = kind != "json"
    recordings = [answer for turn in case.turns for answer in turn.answers if isinstance(answer, Recording)]
    return all(recording.status >= 400 or recording.streamed == streams for recording in recordings)


class _Run:
    """One drive while it runs."""

    def __init__(
        self, driver: Driver, case: Case, kind: DriveKind, delivery: Delivery, ingredients: tuple[str, ...] = ()
    ) -> None:
        self.driver = driver
        self.case = case
        self.delivery = delivery
        self.result = Drive(kind, ingredients=ingredients)
        self.filler = Filler(driver.settings.model, new_token(), kind != "json")
        self.started = time.monotonic()
        self.held: Outcome | None = None

    def drive(self) -> Drive | None:
        """The drive; None when a recording cannot be replayed to this target (see `_misfits`)."""
        try:
            for turn in self.case.turns:
                taken = self._take_all(turn)
                self.result.exchanges += [exchange for exchange, _ in taken]
                calls = [call for _, called in taken for call in called]
                if _misfits(calls, turn):
                    return None
                self._blame_harness(calls)
                if self.result.problem:
                    break
        except CannotContinueError:
            pass  # the answer that leaves nothing to go on from is judged as it is; there is no next turn to judge
        except TargetError as trouble:
            self._give_up(str(trouble), "target")
        except HarnessError as trouble:
            self._give_up(str(trouble), "harness")
        if self.result.kind == "gated":
            self.driver.note_gates(self.result)
        return self.result

    def _give_up(self, problem: str, blame: Any) -> None:
        self.result.problem, self.result.blame = problem, blame

    def _blame_harness(self, calls: Sequence[UpstreamCall]) -> None:
        broken = next((call for call in calls if call.ended == "broken"), None)
        if broken is not None:
            self._give_up(broken.problem or "the fake upstream broke without a word", "harness")

    def _take_all(self, turn: Turn) -> list[tuple[Exchange, tuple[UpstreamCall, ...]]]:
        """One turn: its exchange, or those of all its copies at once."""
        if turn.upstream_closed:
            with self.driver.upstream.closed():
                return [self._take(turn)]
        if turn.copies == 1:
            return [self._take(turn)]
        runs = [_Run(self.driver, self.case, self.result.kind, self.delivery) for _ in range(turn.copies)]
        for run in runs:
            run.started = self.started
        with ThreadPoolExecutor(turn.copies, thread_name_prefix="copy") as pool:
            if turn.first_waits:
                return self._take_beside(turn, runs, pool)
            return list(pool.map(lambda run: run._take(turn), runs))

    def _take_beside(
        self, turn: Turn, runs: Sequence[_Run], pool: ThreadPoolExecutor
    ) -> list[tuple[Exchange, tuple[UpstreamCall, ...]]]:
        """The copies of a turn whose first one waits, in the upstream, for the end of the others."""
        hold = Hold(HELD_WAIT)
        first = pool.submit(runs[0]._take, turn, hold)
        try:
            hold.wait_reached(HELD_WAIT)
            others = list(pool.map(lambda run: run._take(turn), runs[1:]))
        finally:
            hold.open()
        taken = [first.result(), *others]
        self.held = hold.outcome
        return taken

    def _interruption(self, turn: Turn) -> Interruption | None:
        process = self.driver.process
        if turn.terminate_after is None or process is None:
            return None
        return Interruption(turn.terminate_after, process.terminate)

    def _take(self, turn: Turn, hold: Hold | None = None) -> tuple[Exchange, tuple[UpstreamCall, ...]]:
        """One request: its exchange, with what the upstream saw and said."""
        driver, earlier = self.driver, self.result.exchanges
        path, body = self.filler.path(turn, earlier), self.filler.body(turn, earlier)
        strict = self.case.strict_upstream or driver.settings.strict_upstream
        upstream = driver.upstream
        answers = self.filler.answers(turn)
        expectation = upstream.expect(self.filler.token, answers, delivery=self.delivery, strict=strict, hold=hold)
        try:
            listener = Listener(
                expectation,
                turn.leave_after,
                self.filler.stream,
                driver.endpoint.deadlines,
                turn.stop_reading_after,
                self._interruption(turn),
            )
            hooks = Hooks(listener.before_answer, listener.on_read)
            exchange = send(
                driver.endpoint,
                turn.method,
                path,
                body,
                headers=turn.headers,
                packed=turn.packed,
                spaces=turn.spaces,
                hooks=hooks,
                started=self.started,
            )
            listener.finish(exchange)
            expectation.wait_idle(_IDLE_WAIT)
        finally:
            upstream.forget(expectation)
        expectation.wait_idle(_IDLE_WAIT)  # what waited has been released: its log is complete now
        calls = expectation.calls
        exchange.upstream = tuple(_relative(call, self.started) for call in calls)
        said = _said(driver.dialect, calls, driver.settings.timing.get("idle", _PATIENCE))
        exchange.said = None if said is None else tolerating(said, read_asked(exchange))
        driver.own(self.filler.token, exchange, self.started)
        return exchange, calls


def _relative(call: UpstreamCall, started: float) -> UpstreamCall:
    """A copy of a call whose times count from the start of the drive."""
    return replace(
        call,
        received_at=call.received_at - started,
        sent=[replace(sent, t=sent.t - started) for sent in call.sent],
        ended_at=None if call.ended_at is None else call.ended_at - started,
    )


def _said(dialect: Dialect, calls: Sequence[UpstreamCall], patience: float) -> Said | None:
    """What the last completion call was told. `patience` is how many seconds of silence the target must bear.

    None when nothing was asked for or told, and when the fake complained of a call too many: what the target says
    after that is no translation of what a service said.
    """
    asked = [call for call in calls if call.kind == "completion"]
    told = [call for call in asked if call.answer is not None or call.ended == "refused"]
    if not told or any(_is_surplus(call) for call in asked):
        return None
    said = _folded(dialect, told[-1], patience)
    for call in reversed(told[:-1]):  # a target may have sent a paused turn back to have it continued
        earlier = _folded(dialect, call, patience)
        if earlier.finish != "pause_turn":
            break
        said = resumed(earlier, said)
    return said


def _is_surplus(call: UpstreamCall) -> bool:
    return call.status == 500 and (call.problem or "").startswith(COMPLAINTS)


def _folded(dialect: Dialect, call: UpstreamCall, patience: float) -> Said:
    """What an upstream's answer says, with the reason why it ended: for the target's own reasons, or not."""
    return fold(
        dialect,
        status=call.status,
        headers=call.sent_headers,
        body=call.sent_body,
        ended="hung-up" if _is_hung_up_on(call, patience) else call.ended,
        asked_stream=call.json.get("stream") is True if isinstance(call.json, dict) else None,
    )


def _is_hung_up_on(call: UpstreamCall, patience: float) -> bool:
    """Whether the target left an upstream that was well; not one that was silent, or could not write, for so long."""
    if call.ended != "client-gone" or not call.faultless or not call.sent or call.ended_at is None:
        return False
    return call.ended_at - call.sent[-1].t < patience


def _misfits(calls: Sequence[UpstreamCall], turn: Turn) -> bool:
    """Whether the target asked for the other form than a recording has.

    A target may ask its upstream for a stream where its client wants none, and the other way round; a recording
    has one form, so that it says nothing then.
    """
    for call in calls:
        answer = None if call.answer is None else turn.answers[call.answer]
        if call.ended == "broken" and isinstance(answer, Recording) and answer.status < 400:
            wants_stream = isinstance(call.json, dict) and call.json.get("stream") is True
            return wants_stream != answer.streamed
    return False
