"""Rules: one requirement each, with a stable id, a level and a source, and the check that judges it.

A check is a plain generator `(Transcript) -> Iterator[Seen | Violation]`: no pytest, no I/O. Its one-sentence
docstring is the requirement. It yields `Seen` for each thing it looked at and found right; a check that yields
nothing had nothing to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias

from conformance.client_profiles import Breach, breaches_of, clients
from conformance.transcript import DriveKind, Transcript
from fakes.script import DIALECTS, Dialect

__all__ = [
    "CLIENT_PROFILES",
    "INTEGRITY",
    "MUST",
    "PROFILES",
    "RECOMMENDED",
    "REGISTRY",
    "SHOULD",
    "SPECIFICATIONS",
    "Check",
    "Level",
    "Place",
    "Rule",
    "Seen",
    "Violation",
    "rule",
]


class Level(StrEnum):
    """How much a rule weighs; `must` and `integrity` decide the exit code.

    `must`: a specification's MUST or its schema. `integrity`: no sentence of a specification, but breaking it
    loses, invents, reorders, misattributes or prematurely executes content, hangs or leaks.
    """

    MUST = "must"
    INTEGRITY = "integrity"
    SHOULD = "should"
    RECOMMENDED = "recommended"

    @property
    def decides(self) -> bool:
        """Whether a failure makes the target non-conformant."""
        return self in (Level.MUST, Level.INTEGRITY)


MUST, INTEGRITY, SHOULD, RECOMMENDED = Level.MUST, Level.INTEGRITY, Level.SHOULD, Level.RECOMMENDED

SPECIFICATIONS: tuple[str, ...] = ("openai", "open-responses", "superset")
CLIENT_PROFILES: tuple[str, ...] = tuple(clients())
PROFILES: tuple[str, ...] = SPECIFICATIONS + CLIENT_PROFILES


@dataclass(frozen=True)
class Place:
    """Where in a transcript: drive, exchange in it, event of the client's stream or call to the upstream."""

    drive: DriveKind
    exchange: int = 0
    event: int | None = None
    call: int | None = None


@dataclass(frozen=True)
class Seen:
    """A check looked at something and found it right."""

    place: Place


@dataclass(frozen=True)
class Violation:
    """A check found a requirement broken: what it demands here, what came instead, and where.

    Both texts are shown to people who have never seen this suite: whole phrases, with the values.
    """

    place: Place
    expected: str
    actual: str


Check: TypeAlias = Callable[[Transcript], Iterator[Seen | Violation]]


@dataclass(frozen=True)
class Rule:
    """One requirement.

    `level` holds in the specification profiles; `levels` overrides it by profile. `specifications` are those of
    them that contain the rule, `breaks` the clients that need it, by name. `dialects` are those in which it can be
    judged. `why` says in a sentence what breaks, and for whom, when the rule is broken. `source` is public: a
    specification section, an SDK type, an issue thread.
    """

    id: str
    level: Level
    source: str
    requirement: str
    why: str
    check: Check
    specifications: frozenset[str] = frozenset(SPECIFICATIONS)
    breaks: Mapping[str, Breach] = field(default_factory=lambda: MappingProxyType({}))
    levels: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    dialects: tuple[Dialect, ...] = DIALECTS
    features: frozenset[str] = frozenset()
    evidence: Literal["client", "upstream", "both"] = "client"

    @property
    def area(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def profiles(self) -> frozenset[str]:
        """The specifications and the clients whose profiles contain the rule."""
        return self.specifications | frozenset(self.breaks)

    def level_in(self, profile: str) -> Level:
        """The level that the rule has in a profile: whatever breaks a client decides in that client's."""
        if profile in self.breaks:
            return self.level if self.level.decides else Level.INTEGRITY
        return self.levels.get(profile, self.level)

    def concerns(self, profile: str, case: str) -> bool:
        """Whether what a case shows of the rule counts in a profile."""
        return profile not in self.breaks or self.breaks[profile].concerns(case)


REGISTRY: dict[str, Rule] = {}


def rule(
    rule_id: str,
    *,
    level: Level,
    source: str,
    why: str,
    profiles: tuple[str, ...] = SPECIFICATIONS,
    levels: Mapping[str, Level] | None = None,
    dialects: tuple[Dialect, ...] = DIALECTS,
    features: tuple[str, ...] = (),
    evidence: Literal["client", "upstream", "both"] = "client",
) -> Callable[[Check], Check]:
    """Register a check as the judge of a rule.

    `profiles` and `levels` speak of the specifications alone; which clients need the rule stands in their table
    (`conformance.client_profiles`). `evidence` says which side a check reads: "upstream" and "both" cannot be judged
    where no fake stands behind the target. Raises ValueError for an id used twice, a profile that is no
    specification, or a missing requirement (docstring).
    """

    def register(check: Check) -> Check:
        requirement = " ".join((check.__doc__ or "").split())
        if not requirement:
            raise ValueError(f"rule {rule_id}: the check needs a one-sentence docstring, which is the requirement")
        if rule_id in REGISTRY:
            raise ValueError(f"rule {rule_id} is registered twice")
        unknown = (set(profiles) | set(levels or {})) - set(SPECIFICATIONS)
        if unknown:
            raise ValueError(
                f"rule {rule_id}: {', '.join(sorted(unknown))} is no specification; clients stand in clients.toml"
            )
        REGISTRY[rule_id] = Rule(
            id=rule_id,
            level=level,
            source=source,
            requirement=requirement,
            why=why,
            check=check,
            specifications=frozenset(profiles),
            breaks=breaches_of(rule_id),
            levels=MappingProxyType(dict(levels or {})),
            dialects=dialects,
            features=frozenset(features),
            evidence=evidence,
        )
        return check

    return register
