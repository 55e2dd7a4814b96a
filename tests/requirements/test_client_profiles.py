"""The clients' table: every entry is a rule that exists, and a client's profile holds its entries and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.cases import all_cases
from conformance.client_profiles import Breach, Effect, breaches_of, clients, parse_clients
from conformance.errors import HarnessError
from conformance.rules import CLIENT_PROFILES, REGISTRY, SPECIFICATIONS, Level

ALL = [breach for client in clients().values() for breach in client.breaches.values()]
ENTRY = {"rule": "stream.created-first", "clients": ["codex"], "effect": "raises", "how": "Raises."}
HEADER = {"title": "Codex", "version": "1", "measured": "2026-11-22", "package": "codex 1 (npm)"}


def table(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"format": 1, "clients": {"codex": HEADER}, "breach": list(entries), **changes}


def test_the_clients_are_those_that_were_measured() -> None:
    """Each client of the table has a profile of its name, and no profile stands beside the specifications and them."""
    assert tuple(clients()) == CLIENT_PROFILES
    assert set(CLIENT_PROFILES) == {
        "codex", "openai-python", "openai-node", "agents", "ai-sdk", "langchain", "pydantic-ai",
    }  # fmt: skip


@pytest.mark.parametrize("name", CLIENT_PROFILES)
def test_a_profile_holds_what_the_table_names(name: str) -> None:
    """A client's profile is its entries: no rule is in it without saying how it breaks, and each of them decides."""
    client = clients()[name]
    profile = {rule.id for rule in REGISTRY.values() if name in rule.profiles}
    assert profile == set(client.breaches)
    assert len(profile) >= 30
    assert all(REGISTRY[rule_id].level_in(name).decides for rule_id in profile)
    assert client.version in client.package
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", client.measured)


@pytest.mark.parametrize("breach", ALL, ids=lambda breach: f"{breach.client}-{breach.rule}")
def test_an_entry_says_how_it_breaks(breach: Breach) -> None:
    """Each entry is a whole sentence in few words, with a public source, about a rule that exists."""
    assert breach.rule in REGISTRY
    assert 5 < len(breach.how) <= 170
    assert breach.how[0].isupper() or breach.how[0] == "`"
    assert breach.how.endswith((".", "`."))
    assert "(npm)" in breach.source or "(PyPI)" in breach.source


@pytest.mark.parametrize("breach", [breach for breach in ALL if breach.cases], ids=lambda breach: breach.client)
def test_cases_of_an_entry_exist(breach: Breach) -> None:
    """A glob that narrows an entry to some cases matches at least one of them."""
    assert any(breach.concerns(case.id) for case in all_cases())


def test_a_specification_is_no_business_of_the_table() -> None:
    """A rule that no client needs has no entry and is in no client's profile; its specifications are its own."""
    free = [rule for rule in REGISTRY.values() if not breaches_of(rule.id)]
    assert free
    assert not any(rule.profiles - set(SPECIFICATIONS) for rule in free)


def test_a_recommendation_decides_for_the_client_that_it_breaks() -> None:
    """What a specification only recommends is an integrity rule for a client whose turn it costs."""
    rule = REGISTRY["ending.cut-call-is-not-done"]
    assert (rule.level_in("openai"), rule.level_in("codex")) == (Level.RECOMMENDED, Level.INTEGRITY)


def test_effects_are_ranked() -> None:
    """The worst that can happen to a turn ranks before an error that its user sees."""
    assert Effect.RUNS_WRONG_CALL.rank == 0
    assert Effect.SUCCEEDS.rank < Effect.RAISES.rank < Effect.WARNS.rank


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (table(ENTRY, format=2), "wants `format = 1`"),
        (table(ENTRY, clients={"codex": {"title": "Codex"}}), "the client codex wants measured, package, title"),
        (table({**ENTRY, "effect": "smiles"}), "stream.created-first: effect 'smiles' is none of runs a wrong call"),
        (table({**ENTRY, "clients": ["nobody"]}), "stream.created-first: there is no client 'nobody'"),
        (table({**ENTRY, "how": ""}), "stream.created-first wants clients, effect, how, rule"),
        (table({**ENTRY, "why": "Because."}), "stream.created-first wants"),
        (table(ENTRY, ENTRY), "stream.created-first stands twice for codex"),
    ],
)
def test_a_malformed_table_is_named(document: dict[str, Any], complaint: str) -> None:
    """An entry that is spelt wrong is an error that names it and what is wrong."""
    with pytest.raises(HarnessError, match=re.escape(complaint)):
        parse_clients(document)
