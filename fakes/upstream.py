"""The fake upstream: one server, one dialect, many expectations at once."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from fakes.answering import Decision, decide_expected, decide_fallback, decide_route
from fakes.correlation import describe_stray, tokens_of
from fakes.delivery import Transmission
from fakes.errors import FakeError
from fakes.expectation import Expectation
from fakes.faults import Faults
from fakes.gates import ClientProgress, Hold
from fakes.log import UpstreamCall
from fakes.reply import Answer, AsFramed, Delivery, HttpFailure
from fakes.wire import Incoming, Wire, WireServer

if TYPE_CHECKING:
    from types import TracebackType

    from fakes.dialects.base import WireDialect
    from fakes.script import Dialect

__all__ = ["AnswerSource", "FakeUpstream"]

AnswerSource = Callable[[UpstreamCall], Answer]
"""Gives an answer to a request that no expectation waits for (a fake that stands alone)."""

_CLOSED = 4096  # tokens remembered after their expectation, to word late calls


class FakeUpstream:
    """A fake of one service, for any number of clients at once.

    `correlate_by` "token" finds the expectation by the token in a request; "serial" takes the single open one
    where no token helps. `strict` answers what the real service would refuse with its refusal (else the
    objections are only noted). `fallback` answers what no expectation waits for, with `fallback_delivery`.
    `on_call` is called after each answer, from the thread that gave it. `keep_log=False` forgets the calls that
    belong to no expectation once they are answered (a fake that runs for days).

        with FakeUpstream("vllm") as upstream:
            expectation = upstream.expect(new_token(), [Script(parts=(Text(("Hello",)),))])
    """

    def __init__(
        self,
        dialect: Dialect | WireDialect,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        strict: bool = False,
        correlate_by: Literal["token", "serial"] = "token",
        faults: Faults | None = None,
        fallback: AnswerSource | None = None,
        fallback_delivery: Delivery | None = None,
        on_call: Callable[[UpstreamCall], None] | None = None,
        keep_log: bool = True,
    ) -> None:
        self.dialect: WireDialect = _named(dialect) if isinstance(dialect, str) else dialect
        self.strict = strict
        self.correlate_by: Literal["token", "serial"] = correlate_by
        self.faults = faults or Faults()
        self._fallback = fallback
        self._fallback_delivery = fallback_delivery or AsFramed()
        self._on_call = on_call
        self._keep_log = keep_log
        self._server = WireServer(self._serve, host, port)
        self._lock = threading.Lock()
        self._open: dict[str, Expectation] = {}
        self._closed: deque[str] = deque(maxlen=_CLOSED)
        self._unowned: list[UpstreamCall] = []
        self._nobody = ClientProgress()  # of calls that belong to no expectation: only ever released

    @property
    def url(self) -> str:
        """Scheme, host and port, without a path."""
        return f"http://{self._server.format_host(self._server.host)}:{self._server.port}"

    @property
    def strays(self) -> tuple[UpstreamCall, ...]:
        """Requests that matched nothing; `problem` says what they differ in from the nearest candidate."""
        with self._lock:
            return tuple(call for call in self._unowned if call.problem is not None)

    @property
    def unowned(self) -> tuple[UpstreamCall, ...]:
        """All requests that belong to no expectation: probes, strays, and what the fallback answered."""
        with self._lock:
            return tuple(self._unowned)

    def start(self) -> None:
        """Listen. Raises FakeError when the address cannot be had."""
        # The first validation builds the validators, which takes seconds: not within a target's first deadline.
        self.dialect.objections({}, {})
        self._server.start()

    def stop(self) -> None:
        """Release everything that waits, close all connections and stop listening; never hangs."""
        with self._lock:
            expectations = list(self._open.values())
        for expectation in expectations:
            expectation.release()
        self._nobody.release()
        if self._server.is_running():
            self._server.stop()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing listens at its address meanwhile, and its connections are closed: new ones are refused.

        Raises FakeError when another has taken the address by the end.
        """
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    def __enter__(self) -> FakeUpstream:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def expect(
        self,
        token: str,
        answers: Sequence[Answer],
        *,
        delivery: Delivery | None = None,
        strict: bool = False,
        hold: Hold | None = None,
    ) -> Expectation:
        """Open an expectation: requests with this token get these answers, in order, once `hold` lets them go.

        Raises FakeError when one with the same token is open already.
        """
        token = token.lower()
        expectation = Expectation(token, answers, delivery or AsFramed(), strict or self.strict, hold)
        with self._lock:
            if token in self._open:
                raise FakeError(f"{token} is expected already; forget that expectation first, or take a new token")
            self._open[token] = expectation
        return expectation

    def forget(self, expectation: Expectation) -> None:
        """Close an expectation and release what waits in it. Its calls stay readable."""
        with self._lock:
            if self._open.get(expectation.token) is expectation:
                del self._open[expectation.token]
                self._closed.append(expectation.token)
        expectation.release()

    def _serve(self, incoming: Incoming, wire: Wire) -> None:
        call = _call_of(incoming)
        found = list(dict.fromkeys(tokens_of(call.json, call.path, call.body)))
        expectation = self._owner(found)
        call.token = next((token for token in found if expectation and token == expectation.token), None)
        if call.token is None and found:
            call.token = found[0]
        with self._accounted(call, expectation):
            progress = self._nobody if expectation is None else expectation.progress
            transmission = Transmission(call, wire, self.dialect.name, progress, self.faults)
            try:
                decision = self._decide(call, expectation, found)
                if expectation is not None and expectation.hold is not None and call.kind == "completion":
                    expectation.hold.keep(progress, wire.is_gone)
                transmission.send(decision.reply, decision.delivery)
                if decision.refused and call.ended == "complete":
                    call.ended = "refused"
            except Exception as error:  # noqa: BLE001 - whatever it is, the log must tell and the target must not hang
                self._broke(call, wire, transmission, error)

    def _owner(self, found: Sequence[str]) -> Expectation | None:
        with self._lock:
            for token in found:
                if token in self._open:
                    return self._open[token]
            if self.correlate_by == "serial" and len(self._open) == 1:
                return next(iter(self._open.values()))
        return None

    @contextmanager
    def _accounted(self, call: UpstreamCall, expectation: Expectation | None) -> Iterator[None]:
        """Keep the call in the log of its expectation, or among those of nobody, until it is answered."""
        if expectation is not None:
            expectation.enter(call)
        elif self._keep_log:
            with self._lock:
                self._unowned.append(call)
        try:
            yield
        finally:
            call.ended_at = time.monotonic()
            if expectation is not None:
                expectation.leave()
            if self._on_call is not None:
                self._on_call(call)

    def _decide(self, call: UpstreamCall, expectation: Expectation | None, found: Sequence[str]) -> Decision:
        """What to answer; sets the call's kind, objections and problem."""
        if call.method != "POST" or call.path != self.dialect.completion_path:
            decision = decide_route(call, self.dialect)
            if call.kind == "unknown":
                call.problem = self._wrong_route(call)
            return decision
        headers = {name.lower(): value for name, value in call.headers}
        call.objections = self.dialect.objections(headers, call.json)
        if expectation is not None:
            return decide_expected(call, expectation, self.dialect)
        if self._fallback is not None:
            return decide_fallback(call, self._fallback, self._fallback_delivery, self.strict, self.dialect)
        with self._lock:
            tokens, closed = tuple(self._open), tuple(self._closed)
        call.problem = describe_stray(
            f"{call.method} {call.path}", call.json, found, tokens, closed, self.correlate_by == "serial"
        )
        return Decision(self.dialect.failure(HttpFailure(500, "server_error", call.problem)))

    def _wrong_route(self, call: UpstreamCall) -> str:
        return (
            f"{self.dialect.name} has no route {call.method} {call.path}\n"
            f"  nearest: POST {self.dialect.completion_path}\n"
            f"    {'path' if call.path != self.dialect.completion_path else 'method'}: expected "
            f"POST {self.dialect.completion_path}, got {call.method} {call.path}\n"
            f"  what to do: look at the base URL that the target was given; the fake's is {self.url}, and targets "
            "differ in whether they add /v1 themselves"
        )

    def _broke(self, call: UpstreamCall, wire: Wire, transmission: Transmission, error: Exception) -> None:
        """Note an exception of ours, and end the exchange in a way that nobody takes for an answer."""
        told = str(error) if isinstance(error, FakeError) else "".join(traceback.format_exception(error))
        call.problem = f"the fake could not answer: {told}"
        if call.status is None:
            # A whole answer: the connection stays open, or the target's next request on it would be lost.
            failure = HttpFailure(500, "server_error", f"the fake could not answer: {error}")
            transmission.send(self.dialect.failure(failure), AsFramed())
        else:
            wire.close()
        call.ended = "broken"


def _named(dialect: Dialect) -> WireDialect:
    # Here, because the SDKs behind the dialects' validation take long to import.
    from fakes.dialects import get

    return get(dialect)


def _call_of(incoming: Incoming) -> UpstreamCall:
    return UpstreamCall(
        method=incoming.method,
        path=incoming.path,
        query=incoming.query,
        headers=incoming.headers,
        body=incoming.body,
        json=_parsed(incoming.body),
        received_at=incoming.at,
    )


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
