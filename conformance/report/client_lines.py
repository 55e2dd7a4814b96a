"""A line a client: whether it can be used with the target, and if not the first reasons."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.report.document import ClientEntry, ReasonEntry
from conformance.report.style import plural

__all__ = ["client_name", "client_words", "reason_lines", "told"]

_SHOWN = 3


def told(clients: list[ClientEntry]) -> bool:
    """Whether there is anything to say: some rule of some client was judged."""
    return any(client["reasons"] or client["held"] for client in clients)


def client_name(client: ClientEntry) -> str:
    """The client and the version that was measured."""
    return f"{client['client']} {client['version']}"


def client_words(client: ClientEntry) -> str:
    """What a run says about a client, in one line."""
    silent = len(client["unjudged"])
    unjudged = f"not judged: {silent} of {plural(client['rules'], 'rule')} had no evidence"
    match client["state"]:
        case "not ready":
            shown = [f"{reason['rule']} ({reason['effect']})" for reason in client["reasons"][:_SHOWN]]
            more = len(client["reasons"]) - len(shown)
            words = ", ".join(shown) + (f" and {more} more" if more else "")
            return f"not ready: {words}" + (f"; {unjudged}" if silent else "")
        case "ready":
            return f"ready: {plural(client['rules'], 'rule holds', 'rules hold')}, and it needs no other"
        case "not judged":
            return f"not judged: none of its {plural(client['rules'], 'rule')} had evidence"
    return f"ready as far as judged: {plural(client['held'], 'rule holds', 'rules hold')}; {unjudged}"


def reason_lines(client: ClientEntry) -> Iterator[str]:
    """Every reason in full, one line each, and the rules that had no evidence."""
    for reason in client["reasons"]:
        yield f"{reason['rule']}{_where(reason)}: {reason['effect']}. {reason['how']} In {reason['case']}."
    if client["unjudged"]:
        yield f"no evidence: {', '.join(client['unjudged'])}"


def _where(reason: ReasonEntry) -> str:
    named = [dialect for dialect in reason["dialects"] if dialect]
    return f" [{', '.join(named)}]" if named else ""
