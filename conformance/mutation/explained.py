"""Survivors that were looked at and change nothing, each with its reason: `explained.toml`.

An entry is found again by its module, its function and the mistake itself, so that it holds when lines move, and falls
when what it speaks of is rewritten. Where a function has the same mistake on several lines, `code` says which line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.mutation.mutants import Mutant
from conformance.toml_file import TomlFile

__all__ = ["EXPLAINED", "Explained", "explanation", "read_explained"]

EXPLAINED = Path(__file__).with_name("explained.toml")

_KEYS = ("module", "function", "mistake", "reason", "code")


@dataclass(frozen=True)
class Explained:
    """Why a mistake in a function of a module has no consequence; on the line `code`, if that is not ""."""

    module: str
    function: str
    mistake: str
    reason: str
    code: str = ""

    def fits(self, module: str, mutant: Mutant) -> bool:
        """Whether this speaks of a mutant of a module."""
        return (
            (module, mutant.function, mutant.mistake) == (self.module, self.function, self.mistake)
            and self.code in ("", mutant.code)
        )  # fmt: skip


def read_explained(path: Path = EXPLAINED) -> Sequence[Explained]:
    """The entries of a file. Raises UsageError, naming file and line, when one cannot be understood."""
    file = TomlFile(path)
    entries = file.data.get("explained", [])
    if sorted(file.data) not in ([], ["explained"]) or not isinstance(entries, list):
        raise file.error((), "not a list of [[explained]]", "write each survivor as a table [[explained]]")
    return [_entry(file, number, entry) for number, entry in enumerate(entries)]


def _entry(file: TomlFile, number: int, entry: Mapping[str, object]) -> Explained:
    for key in (*entry, *_KEYS[:-1]):
        value = entry.get(key)
        if key not in _KEYS or not isinstance(value, str) or not (value or key == "function"):
            problem = f"`{key}` is not one of the keys {', '.join(_KEYS)} with a string"
            raise file.error(("explained", number, key), problem, "see docs/how-to/test-the-checks.md")
    return Explained(**{key: str(value) for key, value in entry.items()})


def explanation(entries: Sequence[Explained], module: str, mutant: Mutant) -> str:
    """Why a mutant of a module need not be killed; "" where nobody said."""
    return next((entry.reason for entry in entries if entry.fits(module, mutant)), "")
