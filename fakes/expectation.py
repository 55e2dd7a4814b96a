"""Expectations: the upstream's side of one exchange, its answers in order and the calls that came for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fakes.errors import COMPLAINTS
from fakes.gates import ClientProgress, Hold
from fakes.log import UpstreamCall
from fakes.reply import Answer, Delivery

__all__ = ["Expectation"]

_SETTLING = 0.05  # seconds for which a repeated request waits for the end of the call that it repeats


class Expectation:
    """What one exchange may ask of the upstream. Made by `FakeUpstream.expect`."""

    def __init__(
        self, token: str, answers: Sequence[Answer], delivery: Delivery, strict: bool, hold: Hold | None = None
    ) -> None:
        self.token = token
        self.answers = tuple(answers)
        self.delivery = delivery
        self.strict = strict
        self.hold = hold
        self.progress = ClientProgress()
        self._changed = threading.Condition()
        self._calls: list[UpstreamCall] = []
        self._reached: dict[int, int] = {}  # by call: what the client had received when the call came
        self._given = 0
        self._running = 0

    @property
    def calls(self) -> tuple[UpstreamCall, ...]:
        """All calls so far, probes and unknown routes included, in order of arrival; the last may be running."""
        with self._changed:
            return tuple(self._calls)

    def client_received(self, total: str | int) -> None:
        """Report the text and reasoning that the driving client has received so far, or its length.

        Cumulative: all text and reasoning deltas joined in order of arrival, or the number of their characters.
        Opens gates, and closes the time in which a repeated request counts as a retry.
        """
        self.progress.report(total)

    def wait_idle(self, deadline: float) -> bool:
        """Wait at most `deadline` seconds until no call is being answered; whether that came true."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, deadline)

    def release(self) -> None:
        """End all waiting in its gates and stalls."""
        self.progress.release()

    def enter(self, call: UpstreamCall) -> None:
        """Note a call's arrival."""
        with self._changed:
            self._reached[len(self._calls)] = self.progress.characters
            self._calls.append(call)
            self._running += 1

    def leave(self) -> None:
        """Note that a call has been answered, however it ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def choose(self, call: UpstreamCall) -> Answer | None:
        """The answer for a completion: that of the call it repeats, else the next, else none."""
        with self._changed:
            repeated = self._repeated(call)
            if repeated is not None:
                call.retry_of = repeated
                call.answer = self._calls[repeated].answer
                return None if call.answer is None else self.answers[call.answer]
            if self._given >= len(self.answers):
                call.problem = self._surplus(call)
                return None
            call.answer = self._given
            self._given += 1
            return self.answers[call.answer]

    def _repeated(self, call: UpstreamCall) -> int | None:
        """The first call that this one repeats as a retry.

        A retry has the same body, the earlier answer failed or had not begun, and nothing of it has reached
        the client: a repeat after that would say the same content twice.
        """
        for index, earlier in enumerate(self._calls):
            if earlier is call:
                break
            if earlier.kind != "completion" or not _is_same(earlier, call):
                continue
            self._settle(earlier)
            if _has_failed(earlier) and self.progress.characters <= self._reached[index]:
                return index
        return None

    def _settle(self, earlier: UpstreamCall) -> None:
        """Let a call end that is about to: a fast client asks again before the thread that answered it is done."""
        self._changed.wait_for(lambda: earlier.ended_at is not None, _SETTLING)

    def _surplus(self, call: UpstreamCall) -> str:
        completions = [earlier for earlier in self._calls if earlier.kind == "completion"]
        twin = next((n for n, earlier in enumerate(completions, 1) if _is_same(earlier, call)), len(completions))
        likeness = f"the same body as call {twin}" if twin < len(completions) else "a body of its own"
        return (
            f"{COMPLAINTS[0]}{self.token} gives {len(self.answers)} answer(s) and this is call "
            f"{len(completions)}, with {likeness}; the earlier ones were answered and were not failures, so it "
            "is no retry"
        )


def _is_same(earlier: UpstreamCall, call: UpstreamCall) -> bool:
    return earlier.body == call.body or (call.json is not None and earlier.json == call.json)


def _has_failed(call: UpstreamCall) -> bool:
    """Whether an answer failed or has not ended: an error status, no byte, a page, a fault, or still running."""
    ended = call.status is not None and call.status < 400 and call.sent and call.ended == "complete"
    return not ended or _is_page(call)


def _is_page(call: UpstreamCall) -> bool:
    """Whether a web page was sent, as a gateway in between does that has failed, whatever status it gave."""
    kinds = [value for name, value in call.sent_headers if name.lower() == "content-type"]
    return any(kind.partition(";")[0].strip().lower() == "text/html" for kind in kinds)
