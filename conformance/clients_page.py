"""The generated page of clients: what was measured, and which rules each of them needs."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.client_profiles import Client, clients

__all__ = ["clients_page"]


def clients_page(head: str) -> str:
    """The page, in Markdown."""
    return "\n".join(_lines(head)).rstrip() + "\n"


def _lines(head: str) -> Iterator[str]:
    yield from (head, "", "# Clients", "")
    yield "A rule is in a client's profile (`--profile codex`) when breaking it changes what the client's user gets."
    yield "Streams were played to each client in the version named: the right one, and the same one with that rule"
    yield "broken; for requests it was captured what the client sends. What a client does not mind is not listed,"
    yield "however wrong it is: the specifications' profiles judge that."
    yield from ("", "| client | version | measured | rules | what was played to |", "|---|---|---|--:|---|")
    for client in clients().values():
        yield (
            f"| [{client.title}](#{client.name}) | {client.version} | {client.measured} | {len(client.breaches)} "
            f"| {client.package} |"
        )
    for client in clients().values():
        yield from _client(client)


def _client(client: Client) -> Iterator[str]:
    yield from ("", f"## {client.name}", "", f"{client.title} {client.version}", "")
    yield from ("| rule | when it is broken | |", "|---|---|---|")
    for breach in sorted(client.breaches.values(), key=lambda breach: (breach.effect.rank, breach.rule)):
        area, _, name = breach.rule.partition(".")
        only = f" (cases `{breach.cases}`)" if breach.cases else ""
        how = breach.how.replace("|", "\\|")
        yield f"| [{breach.rule}](rules/{area}.md#{area}{name}){only} | {breach.effect} | {how} |"
