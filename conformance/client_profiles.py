"""Client profiles: which rules a client needs, and what its user gets when one of them is broken.

They stand in one table, `conformance/requirements/clients.toml`, and not on the rules: a rule says what is right, the
table says whom it hurts. A client's name is the name of its profile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from conformance.errors import HarnessError

__all__ = ["Breach", "Client", "Effect", "breaches_of", "clients", "parse_clients"]

FORMAT = 1
FILE = "conformance/requirements/clients.toml"

_CLIENT_KEYS = frozenset({"title", "version", "measured", "package"})
_BREACH_KEYS = frozenset({"rule", "clients", "effect", "how"})
_OPTIONAL = frozenset({"threads", "cases"})


class Effect(StrEnum):
    """What becomes of a client's turn when a rule that it needs is broken; the worst comes first."""

    RUNS_WRONG_CALL = "runs a wrong call"
    SUCCEEDS = "takes it for a success"
    LOSES = "loses content"
    RUNS_NO_CALL = "runs no call"
    SHOWS_OTHER = "shows other content"
    HANGS = "hangs"
    RAISES = "raises"
    FAILS = "fails the turn"
    REFUSED = "is refused"
    REPEATS = "repeats the turn"
    GIVES_UP = "gives up"
    RETRIES_IN_VAIN = "retries in vain"
    HIDES_ERROR = "hides the error"
    MISCOUNTS = "miscounts"
    WARNS = "warns its user"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Effect).index(self)


@dataclass(frozen=True)
class Breach:
    """A rule that a client needs: `effect` in a few words, `how` in a sentence with the client as its subject.

    `source` is public: the package and version that showed it, and threads that report it. `cases` is a glob of the
    only cases in which breaking the rule hurts this client, None for all.
    """

    rule: str
    client: str
    effect: Effect
    how: str
    source: str
    cases: str | None = None

    def concerns(self, case: str) -> bool:
        """Whether what a case shows of the rule matters to the client."""
        return self.cases is None or fnmatchcase(case, self.cases)


@dataclass(frozen=True)
class Client:
    """A client that was measured: `version` of its `package` on the day `measured`; the rules it needs, by id."""

    name: str
    title: str
    version: str
    measured: str
    package: str
    breaches: Mapping[str, Breach]


@lru_cache(maxsize=1)
def clients() -> Mapping[str, Client]:
    """Every client by name, in the order of the table. Raises HarnessError, naming the entry, when it is malformed."""
    text = files("conformance").joinpath("requirements", "clients.toml").read_text("utf-8")
    return parse_clients(tomllib.loads(text))


def breaches_of(rule_id: str) -> Mapping[str, Breach]:
    """What breaking the rule does to each client that needs it, by the client's name."""
    return _by_rule().get(rule_id, MappingProxyType({}))


@lru_cache(maxsize=1)
def _by_rule() -> Mapping[str, Mapping[str, Breach]]:
    found: dict[str, dict[str, Breach]] = {}
    for client in clients().values():
        for rule_id, breach in client.breaches.items():
            found.setdefault(rule_id, {})[client.name] = breach
    return found


def parse_clients(document: Mapping[str, Any]) -> Mapping[str, Client]:
    """The table's clients. Raises HarnessError, naming the entry, when it is malformed."""
    if document.get("format") != FORMAT or set(document) != {"format", "clients", "breach"}:
        raise HarnessError(f"{FILE}: wants `format = {FORMAT}`, [clients.NAME] and [[breach]] tables, and nothing else")
    headers: Mapping[str, Mapping[str, str]] = document["clients"]
    for name, header in headers.items():
        if set(header) != _CLIENT_KEYS:
            raise HarnessError(f"{FILE}: the client {name} wants {', '.join(sorted(_CLIENT_KEYS))}, and nothing else")
    breaches: dict[str, dict[str, Breach]] = {name: {} for name in headers}
    for entry in document["breach"]:
        for breach in _breaches(entry, headers):
            if breach.rule in breaches[breach.client]:
                raise HarnessError(f"{FILE}: {breach.rule} stands twice for {breach.client}")
            breaches[breach.client][breach.rule] = breach
    return MappingProxyType(
        {
            name: Client(name=name, breaches=MappingProxyType(breaches[name]), **header)
            for name, header in headers.items()
        }
    )


def _breaches(entry: Mapping[str, Any], headers: Mapping[str, Mapping[str, str]]) -> Iterator[Breach]:
    """An entry's breaches, one a client that it names."""
    named = entry.get("rule", "an entry without a rule")
    if not _BREACH_KEYS <= set(entry) <= _BREACH_KEYS | _OPTIONAL or not entry["clients"] or not entry["how"]:
        raise HarnessError(f"{FILE}: {named} wants {', '.join(sorted(_BREACH_KEYS))}; it may have threads and cases")
    try:
        effect = Effect(entry["effect"])
    except ValueError:
        raise HarnessError(f"{FILE}: {named}: effect {entry['effect']!r} is none of {', '.join(Effect)}") from None
    for client in entry["clients"]:
        if client not in headers:
            raise HarnessError(f"{FILE}: {named}: there is no client {client!r}")
        source = "; ".join((headers[client]["package"], *entry.get("threads", ())))
        yield Breach(entry["rule"], client, effect, entry["how"], source, entry.get("cases"))
