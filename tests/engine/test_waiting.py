"""Waiting for work in threads: what is raised, and that signals are heard."""

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from conformance.waiting import finish


class _HeardError(Exception):
    """Raised by the signal handler of the test."""


def test_it_ends_when_all_are_done() -> None:
    """Every future is done afterwards, also when there is none."""
    finish([])
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(pow, 2, n) for n in range(20)]
        finish(futures)
        assert all(future.done() for future in futures)


def test_the_first_failure_is_raised_while_others_still_run() -> None:
    """A failure is raised at once, not when the last of the others has ended."""
    never: Future[None] = Future()
    failed: Future[None] = Future()
    failed.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        finish([never, failed])


def test_a_signal_that_another_thread_gets_is_heard() -> None:
    """A signal that the system gives to a working thread interrupts the waiting, although the work goes on."""

    def hear(*_: object) -> None:
        raise _HeardError

    go, over = threading.Event(), threading.Event()

    main = threading.get_ident()

    def work() -> bool:
        go.wait(20)
        while sys._current_frames()[main].f_code is not threading.Condition.wait.__code__:
            pass  # until the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return over.wait(20)

    before = signal.signal(signal.SIGUSR1, hear)
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            go.set()
            with pytest.raises(_HeardError):
                finish([future])
            over.set()
            assert future.result(), "the work had ended by itself"
    finally:
        signal.signal(signal.SIGUSR1, before)
