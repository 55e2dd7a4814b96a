"""Baselines: the failures that a target is known to have, by rule and case, each with a reason.

    format = 1

    [[expected]]
    rule = "stream.sequence-present"
    cases = ["text.short", "recorded.*"]
    dialects = ["vllm"]              # optional: all dialects
    reason = "The target numbers no events: https://example.org/issues/7"
    link = "https://..."             # optional

An entry that passes now is stale, and the run fails until it is taken out: otherwise a baseline hides what
breaks next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.toml_file import TomlFile, quoted
from fakes.script import DIALECTS, Dialect

__all__ = ["FORMAT", "Baseline", "Expected", "load_baseline", "write_baseline"]

FORMAT = 1

_KEYS = ("rule", "cases", "dialects", "reason", "link")


@dataclass(frozen=True)
class Expected:
    """One entry: a rule that is known to fail in these cases. Cases may be globs ("recorded.*")."""

    rule: str
    cases: tuple[str, ...]
    reason: str
    dialects: tuple[Dialect, ...] = DIALECTS
    link: str | None = None

    def matches(self, rule: str, case: str, dialect: Dialect | None) -> bool:
        """Whether the entry speaks of that rule in that case and dialect."""
        return (
            self.rule == rule
            and (dialect is None or dialect in self.dialects)
            and any(fnmatchcase(case, pattern) for pattern in self.cases)
        )


@dataclass(frozen=True)
class Baseline:
    """All entries of one file. `partial`: only some cases are driven, so that what a glob names is not all there."""

    entries: tuple[Expected, ...] = ()
    partial: bool = False

    def is_whole(self, pattern: str) -> bool:
        """Whether all that a pattern of an entry names is driven, as far as it is driven at all."""
        return not self.partial or not any(sign in pattern for sign in "*?[")

    def reason(self, rule: str, case: str, dialect: Dialect | None) -> str | None:
        """Why that failure is expected; None when it is not."""
        return next((entry.reason for entry in self.entries if entry.matches(rule, case, dialect)), None)

    def of(self, rule: str, dialect: Dialect | None) -> Iterator[Expected]:
        """The entries that speak of that rule in that dialect."""
        for entry in self.entries:
            if entry.rule == rule and (dialect is None or dialect in entry.dialects):
                yield entry


def load_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises UsageError that names the file, the line and the fix."""
    file = TomlFile(path)
    if file.data.get("format") != FORMAT:
        fix = f"begin the file with `format = {FORMAT}`"
        raise file.error(("format",), f"unknown baseline format {file.data.get('format')!r}", fix)
    unknown = set(file.data) - {"format", "expected"}
    if unknown:
        key = min(unknown)
        raise file.error((key,), f"unknown key {key!r}", "a baseline has `format` and [[expected]] tables only")
    entries = file.data.get("expected", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise file.error(("expected",), "`expected` is not a list of tables", "write [[expected]] above each")
    return Baseline(tuple(_entry(file, index, table) for index, table in enumerate(entries)))


def _entry(file: TomlFile, index: int, table: Mapping[str, Any]) -> Expected:
    at = ("expected", index)
    for key in table:
        if key not in _KEYS:
            raise file.error((*at, key), f"unknown key {key!r}", f"an entry has {', '.join(_KEYS)}")
    for key in ("rule", "reason"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise file.error((*at, key), f"an entry needs a {key!r}, a string that is not empty", _HELP[key])
    cases = _strings(file, (*at, "cases"), table.get("cases"))
    dialects = _strings(file, (*at, "dialects"), table.get("dialects", list(DIALECTS)))
    for name in dialects:
        if name not in DIALECTS:
            raise file.error((*at, "dialects"), f"unknown dialect {name!r}", f"use {', '.join(DIALECTS)}")
    link = table.get("link")
    if link is not None and not isinstance(link, str):
        raise file.error((*at, "link"), "`link` is not a string", "give a URL")
    known = tuple(dialect for dialect in DIALECTS if dialect in dialects)
    return Expected(table["rule"], cases, table["reason"], known, link)


_HELP = {
    "rule": "name one rule (see `responses-conformance list`)",
    "reason": "say why the target is known to fail, for whoever reads this next year",
}


def _strings(file: TomlFile, at: tuple[str | int, ...], value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise file.error(at, f"{at[-1]!r} is not a list of names", f'write {at[-1]} = ["..."]')
    return tuple(value)


def write_baseline(path: Path, entries: Iterable[Expected]) -> None:
    """Write a baseline. Raises UsageError for an entry without a reason, before anything is written."""
    tables = [f"format = {FORMAT}\n"]
    for entry in entries:
        if not entry.reason.strip():
            raise UsageError(f"{path}: no reason for {entry.rule}; a baseline says why each failure is known")
        lines = ["[[expected]]", f"rule = {quoted(entry.rule)}", f"cases = {_list(entry.cases)}"]
        if entry.dialects != DIALECTS:
            lines.append(f"dialects = {_list(entry.dialects)}")
        lines.append(f"reason = {quoted(entry.reason)}")
        if entry.link:
            lines.append(f"link = {quoted(entry.link)}")
        tables.append("\n".join(lines) + "\n")
    path.write_text("\n".join(tables), encoding="utf-8")


def _list(names: Iterable[str]) -> str:
    items = [quoted(name) for name in names]
    one_line = f"[{', '.join(items)}]"
    return one_line if len(one_line) < 90 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
