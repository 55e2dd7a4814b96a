"""Waiting for work in threads, in such a way that Ctrl-C and SIGTERM are heard.

The system may give a signal to any thread, and Python handles it in the main thread, once that runs. One that sleeps
until all work is done would handle it minutes later; so it wakes now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any

__all__ = ["WAKE", "finish"]

WAKE = 0.25
"""Seconds after which a waiting thread looks up."""


def finish(futures: Iterable[Future[Any]]) -> None:
    """Wait until all futures are done, or one has failed. Raises the failed one's exception."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=WAKE, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
