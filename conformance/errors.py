"""Whose fault it is, in the exception's type, and what the process then exits with.

    ConformanceError
    ├── ProxyViolation      the target answered, and wrongly
    ├── TargetError         the target did not start, cannot be reached, or stopped
    ├── HarnessError        the suite is wrong
    └── UsageError          the command line or a file given to it is wrong

The fakes have their own: `fakes.FakeError` and `fakes.RecordingError`.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ConformanceError", "ExitCode", "HarnessError", "ProxyViolation", "TargetError", "UsageError"]


class ExitCode(IntEnum):
    """What `responses-conformance` exits with; where several apply, `TROUBLE` wins over `VIOLATIONS`."""

    CONFORMS = 0  # every rule that decides was observed to hold
    VIOLATIONS = 1  # a deciding rule fails, or a baseline entry is stale
    TROUBLE = 2  # the job could not be done, or nothing was judged
    USAGE = 4  # the command line, a target file, a baseline or a recording is wrong


class ConformanceError(Exception):
    """The root of what the suite raises on purpose."""


class ProxyViolation(ConformanceError):
    """Raised when a target's answer breaks a rule, where an exception serves better than a verdict."""


class TargetError(ConformanceError):
    """Raised when the target cannot be started, reached or driven; `log` is the end of its output."""

    def __init__(self, problem: str, log: str = "") -> None:
        self.log = log
        super().__init__(problem)


class HarnessError(ConformanceError):
    """Raised when the suite itself is wrong: never the target's fault."""


class UsageError(ConformanceError):
    """Raised when what the user gave is wrong; the message is one line that says what to do."""
