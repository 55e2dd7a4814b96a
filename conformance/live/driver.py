"""Driving a case at a live endpoint: a case in, a transcript of the client's side out."""

from __future__ import annotations

import threading
import time
from typing import Any

from conformance.cases.case import Turn
from conformance.cases.live import LiveCase
from conformance.client import Endpoint, send
from conformance.errors import HarnessError, TargetError
from conformance.live.hopes import unobserved
from conformance.live.plan import Budget
from conformance.live.secrecy import Secret
from conformance.request_form import CannotContinueError, Filler
from conformance.transcript import DRIVE_KINDS, Drive, DriveKind, Exchange, Transcript

__all__ = ["LiveDriver"]

_BUSY = (429, 503, 529)  # the answers of a server that has too much to do: they say nothing of its conformance
_MOST_PATIENCE = 30.0  # seconds waited at most before a busy server is asked again
_PATIENCE = 2.0  # where it does not say how long to wait


class LiveDriver:
    """Drives cases at one endpoint; safe to use from several threads.

    `features` are those that the server is said to have. A busy server is asked once more while `budget` lasts.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        features: frozenset[str],
        budget: Budget,
        secret: Secret | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.features = features
        self.budget = budget
        self.secret = secret

    def drive(self, case: LiveCase) -> Transcript:
        """Drive one case, once each of its kinds."""
        drives = [self._drive(case, kind) for kind in DRIVE_KINDS if kind in case.drives]
        facts = case.facts(self.features)
        transcript = Transcript(case.id, None, drives, case.summary, case.source, case.features, facts)
        facts["unobserved"] = unobserved(transcript)
        return transcript

    def _drive(self, case: LiveCase, kind: DriveKind) -> Drive:
        drive = Drive(kind)
        filler = Filler("{case}", self.model, kind != "json", marked=False)
        started = time.monotonic()
        try:
            for turn in case.turns:
                path, body = filler.path(turn, drive.exchanges), filler.body(turn, drive.exchanges)
                exchange = self._ask(turn, path, body, started)
                drive.exchanges.append(exchange)
                if exchange.status in _BUSY:
                    words = exchange.body[:160].decode("utf-8", "replace").strip()
                    drive.problem = f"the server is too busy, or limits the rate: status {exchange.status} {words}"
                    drive.blame = "target"
                    break
        except CannotContinueError:
            pass  # the answer that leaves nothing to go on from is judged as it is
        except TargetError as trouble:
            drive.problem, drive.blame = self._words(str(trouble)), "target"
        except HarnessError as trouble:
            drive.problem, drive.blame = self._words(str(trouble)), "harness"
        return drive

    def _ask(self, turn: Turn, path: str, body: Any, started: float) -> Exchange:
        exchange = self._send(turn, path, body, started)
        if exchange.status in _BUSY and self.budget.take():
            threading.Event().wait(_patience(exchange))
            exchange = self._send(turn, path, body, started)
        return exchange

    def _send(self, turn: Turn, path: str, body: Any, started: float) -> Exchange:
        exchange = send(self.endpoint, turn.method, path, body, headers=turn.headers, started=started)
        return exchange if self.secret is None else self.secret.cleaned(exchange)

    def _words(self, text: str) -> str:
        return text if self.secret is None else self.secret.words(text)


def _patience(exchange: Exchange) -> float:
    """The seconds to wait that a busy server asks for, within bounds."""
    try:
        asked = float(exchange.header("retry-after") or _PATIENCE)
    except ValueError:
        return _PATIENCE
    return min(max(asked, 0.0), _MOST_PATIENCE) if asked == asked else _PATIENCE
