"""Serving from a command line: until a signal comes, with a log that several threads write."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import TextIO

__all__ = ["LineLog", "interruptible"]


class LineLog:
    """Writes whole lines, at once, from any thread."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lock = threading.Lock()

    def write(self, *lines: str) -> None:
        """Write these lines together."""
        with self._lock:
            self._output.write("".join(f"{line}\n" for line in lines))
            self._output.flush()


@contextlib.contextmanager
def interruptible(until: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM set the event, where signals can be handled (the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: until.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
