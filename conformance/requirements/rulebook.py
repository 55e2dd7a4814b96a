"""The rule book: every requirement that an authority makes of such a server, and what the suite does about it.

The tables in `rulebook/*.toml` hold one row a requirement, with the level that its authority gives it and a public
source, written down before there was a rule for it. Each row is either judged by rules of the registry or stands in
`excluded.toml` with the reason why nothing judges it; `problems` says where that does not hold.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from conformance.errors import HarnessError
from conformance.rules import PROFILES, SPECIFICATIONS, Level, Rule

__all__ = ["Authority", "Row", "exclusions", "parse_row", "problems", "rows", "rules_beside", "section"]

FORMAT = 1
TABLES = ("client-side", "upstream-side")
ROW_KEYS = frozenset({"id", "level", "levels", "profiles", "source", "requirement", "judged_by"})


class Authority(StrEnum):
    """The level that the authority behind a row gives it: those of rules, and what is only permitted."""

    MUST = "must"
    INTEGRITY = "integrity"
    SHOULD = "should"
    RECOMMENDED = "recommended"
    MAY = "may"

    @property
    def weight(self) -> int:
        """How much it can carry: a rule weighs no more than the weightiest row that it judges."""
        return _WEIGHTS[self.value]

    def carries(self, level: Level) -> bool:
        """Whether a rule of that level may rest on it."""
        return _WEIGHTS[level.value] <= self.weight


_WEIGHTS: Mapping[str, int] = MappingProxyType({"must": 3, "integrity": 3, "should": 2, "recommended": 1, "may": 0})


@dataclass(frozen=True)
class Row:
    """One requirement of the rule book.

    `level` holds in every profile of `profiles`, `levels` overrides it by profile; elsewhere the row is `may`.
    `judged_by` names the rules that a target which breaks the row fails.
    """

    id: str
    level: Authority
    source: str
    requirement: str
    judged_by: tuple[str, ...] = ()
    levels: Mapping[str, Authority] = field(default_factory=lambda: MappingProxyType({}))
    profiles: frozenset[str] = frozenset(PROFILES)

    def level_in(self, profile: str) -> Authority:
        """The level that the row has in a profile."""
        if profile in self.levels:
            return self.levels[profile]
        return self.level if profile in self.profiles else Authority.MAY


def section(row_id: str) -> str:
    """The section of a row: its id without the number."""
    return row_id.rpartition("-")[0]


@lru_cache
def rows() -> tuple[Row, ...]:
    """Every row, in the order of the tables. Raises HarnessError, naming file and row, when one is malformed."""
    return tuple(
        parse_row(f"rulebook/{table}.toml", entry)
        for table in TABLES
        for entry in _entries(files(__package__).joinpath("rulebook", f"{table}.toml"))
    )


@lru_cache
def exclusions() -> Mapping[str, str]:
    """Why nothing judges a row, by the row's id. Raises HarnessError when an entry is malformed or stands twice."""
    reasons: dict[str, str] = {}
    for entry in _entries(files(__package__).joinpath("excluded.toml")):
        if set(entry) != {"id", "reason"} or not all(isinstance(text, str) and text for text in entry.values()):
            raise HarnessError(f"excluded.toml: {entry.get('id', entry)!r} needs an id and a reason, and nothing else")
        if entry["id"] in reasons:
            raise HarnessError(f"excluded.toml: {entry['id']} stands there twice")
        reasons[entry["id"]] = entry["reason"]
    return MappingProxyType(reasons)


def rules_beside(book: Iterable[Row], registry: Mapping[str, Rule]) -> tuple[Rule, ...]:
    """The rules that no row names: their own sources, public bug reports above all, are their authority."""
    named = {rule_id for row in book for rule_id in row.judged_by}
    return tuple(rule for rule_id, rule in sorted(registry.items()) if rule_id not in named)


def problems(book: Iterable[Row], excluded: Mapping[str, str], registry: Mapping[str, Rule]) -> Iterator[str]:
    """What is wrong with the book: rows that stand twice, or in neither or both lists, and rules that do not fit."""
    known = tuple(book)
    ids = Counter(row.id for row in known)
    yield from (f"{row_id} stands in the tables {count} times" for row_id, count in ids.items() if count > 1)
    yield from (f"excluded.toml: there is no row {row_id}" for row_id in excluded if row_id not in ids)
    for row in known:
        if row.judged_by and row.id in excluded:
            yield f"{row.id} is judged by {', '.join(row.judged_by)} and excluded as well"
        if not row.judged_by and row.id not in excluded:
            yield f"{row.id} is neither judged by a rule nor excluded with a reason"
        yield from (
            f"{row.id} names the rule {name}, which does not exist" for name in row.judged_by if name not in registry
        )
    yield from _too_heavy(known, registry)


def _too_heavy(book: tuple[Row, ...], registry: Mapping[str, Rule]) -> Iterator[str]:
    """Rules that weigh more, in a specification's profile, than any row that they judge.

    In a client's profile the client is the authority: what breaks it was measured.
    """
    resting_on: defaultdict[str, list[Row]] = defaultdict(list)
    for row in book:
        for rule_id in row.judged_by:
            resting_on[rule_id].append(row)
    for rule_id, authorities in resting_on.items():
        if rule_id not in registry:
            continue
        rule = registry[rule_id]
        for profile in sorted(rule.profiles & set(SPECIFICATIONS)):
            level = rule.level_in(profile)
            if not any(row.level_in(profile).carries(level) for row in authorities):
                claims = ", ".join(f"{row.id} ({row.level_in(profile)})" for row in authorities)
                yield f"{rule_id} is {level} in the profile {profile}, more than what it rests on: {claims}"


def _entries(path: Traversable) -> list[dict[str, Any]]:
    document = tomllib.loads(path.read_text("utf-8"))
    if document.get("format") != FORMAT or set(document) - {"format", "row"}:
        raise HarnessError(f"{path.name}: wants `format = {FORMAT}` and [[row]] tables, and nothing else")
    return list(document.get("row", ()))


def parse_row(name: str, entry: Mapping[str, Any]) -> Row:
    """One row of the table file `name`. Raises HarnessError, naming file and row, when it is malformed."""
    strange = set(entry) - ROW_KEYS
    missing = {"id", "level", "source", "requirement", "judged_by"} - set(entry)
    if strange or missing:
        trouble = [*(f"unknown key {key}" for key in sorted(strange)), *(f"no {key}" for key in sorted(missing))]
        raise HarnessError(f"{name}: {entry.get('id', 'a row')}: {', '.join(trouble)}")
    levels = {profile: _authority(name, entry["id"], level) for profile, level in entry.get("levels", {}).items()}
    unknown = (set(levels) | set(entry.get("profiles", ()))) - set(PROFILES)
    if unknown:
        raise HarnessError(f"{name}: {entry['id']}: unknown profiles {', '.join(sorted(unknown))}")
    return Row(
        id=entry["id"],
        level=_authority(name, entry["id"], entry["level"]),
        source=entry["source"],
        requirement=entry["requirement"],
        judged_by=tuple(entry["judged_by"]),
        levels=MappingProxyType(levels),
        profiles=frozenset(entry.get("profiles", PROFILES)),
    )


def _authority(name: str, row_id: str, level: str) -> Authority:
    try:
        return Authority(level)
    except ValueError:
        raise HarnessError(f"{name}: {row_id}: level {level!r} is none of {', '.join(Authority)}") from None
