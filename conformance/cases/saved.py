"""Cases that were generated once and saved: combinations of content, endings and deviations of the wire.

They do not change with the version of hypothesis; `python -m conformance.generate` draws them anew.
"""

from __future__ import annotations

from pathlib import Path

from conformance.cases.case import Case
from conformance.cases.files import load_case

__all__ = ["SAVED", "saved_cases"]

SAVED = Path(__file__).with_name("generated")
"""The folder of their files."""


def saved_cases() -> tuple[Case, ...]:
    """The saved cases, in the order of their numbers. Raises UsageError for a file that is broken."""
    return tuple(load_case(file) for file in sorted(SAVED.glob("*.json")))
