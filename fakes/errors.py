"""What can be wrong with a fake or its data, blamed in the type.

FakeError                 the fake itself, or how it was told to answer
├── EncodingError         a script says what the dialect has no words for
└── RecordingError        a recording on disk is not what the format demands
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["COMPLAINTS", "EncodingError", "FakeError", "RecordingError"]

COMPLAINTS = ("surplus call: ", "no open expectation matches ")
"""How the message begins with which a fake answers 500 to a request that it was not to get."""


class FakeError(Exception):
    """Raised when a fake upstream is wrong or was given something that it cannot serve."""


class EncodingError(FakeError):
    """Raised when a script cannot be said in a dialect, or names an unknown quirk."""


class RecordingError(FakeError):
    """Raised when a recording breaks the format: names the file, the line and what to do.

    `line` counts from 1 and is None where the trouble is not in one line.
    """

    def __init__(self, file: Path, problem: str, fix: str, line: int | None = None) -> None:
        self.file = file
        self.problem = problem
        self.fix = fix
        self.line = line
        place = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{place}: {problem}; {fix}")
