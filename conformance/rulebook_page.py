"""The generated page `docs/rulebook.md`: every row of the rule book, and what judges it or why nothing does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.requirements.rulebook import Authority, Row, exclusions, rows, rules_beside, section
from conformance.rules import PROFILES, REGISTRY

__all__ = ["rulebook_page"]

SECTIONS = {
    "SSE": "The event stream as bytes",
    "RESP-EVT": "Events and their order",
    "RESP-SEQ": "Sequence numbers",
    "RESP-OBJ": "The Response object and its items",
    "RESP-USE": "Usage",
    "RESP-ERR": "Errors",
    "RESP-STATE": "State and endpoints",
    "RESP-REQ": "What requests may hold",
    "OR": "What Open Responses adds",
    "HTTP": "HTTP",
    "CONF": "Where authorities disagree",
    "CHAT-CHK": "Chat completions: chunks",
    "CHAT-TOOL": "Chat completions: tool calls",
    "CHAT-FIN": "Chat completions: finish reasons",
    "CHAT-USE": "Chat completions: usage",
    "CHAT-REF": "Chat completions: refusals",
    "CHAT-RSN": "Chat completions: reasoning",
    "CHAT-ERR": "Chat completions: errors",
    "CHAT-REQ": "Chat completions: requests",
    "MSG-EVT": "Messages: events",
    "MSG-BLK": "Messages: content blocks",
    "MSG-STOP": "Messages: stop reasons",
    "MSG-USE": "Messages: usage",
    "MSG-ERR": "Messages: errors",
    "MSG-HDR": "Messages: headers",
    "MSG-REQ": "Messages: requests",
    "VLLM": "vLLM",
    "MAP-REQ": "Translation of request fields",
    "MAP-ITEM": "Translation of input items",
    "MAP-OUT": "Translation of the answer",
    "TOOL": "Tools that the upstream lacks",
}
INTRODUCTION = (
    "Every requirement that a specification, a schema, an SDK or a client makes of a server that speaks the Responses"
    " API over chat completions, Messages or vLLM: with the level that its authority gives it, and the rules that a"
    " target which breaks it fails. Where no rule judges a row, the reason stands in its place."
)


def rulebook_page(head: str) -> str:
    """The page's text, below the line that says where it comes from."""
    lines = [head, "", "# The rule book", "", INTRODUCTION, "", *_summary(), ""]
    for name, members in groupby(rows(), key=lambda row: section(row.id)):
        lines += [
            f"## {SECTIONS.get(name, name)}",
            "",
            "| row | level | requirement | judged by |",
            "|---|---|---|---|",
        ]
        lines += [*map(_line, members), ""]
    return "\n".join([*lines, *_beside()]) + "\n"


def _summary() -> Iterator[str]:
    judged = Counter(row.level for row in rows() if row.judged_by)
    excluded = Counter(row.level for row in rows() if not row.judged_by)
    yield "| level | rows | judged | not judged |"
    yield "|---|---|---|---|"
    for level in Authority:
        yield f"| {level} | {judged[level] + excluded[level]} | {judged[level]} | {excluded[level]} |"


def _line(row: Row) -> str:
    verdict = ", ".join(map(_link, row.judged_by)) or f"*not judged:* {_cell(exclusions().get(row.id, ''))}"
    return f"| {row.id} | {_levels(row)} | {_cell(row.requirement)} *({_cell(row.source)})* | {verdict} |"


def _levels(row: Row) -> str:
    """The row's level, and what deviates from it by profile."""
    only = [profile for profile in PROFILES if profile in row.profiles and profile not in row.levels]
    where = "" if row.profiles == frozenset(PROFILES) else f" in {', '.join(only)}"
    by_level = groupby(sorted(row.levels.items(), key=lambda item: (item[1], item[0])), key=lambda item: item[1])
    others = [f"{level} in {', '.join(name for name, _ in members)}" for level, members in by_level]
    return "; ".join([f"{row.level}{where}", *others])


def _beside() -> Iterable[str]:
    beside = rules_beside(rows(), REGISTRY)
    yield "## Rules beside the book"
    yield ""
    yield "These rest on what their own source reports, a public thread most often."
    yield ""
    yield "| rule | level | source |"
    yield "|---|---|---|"
    yield from (f"| {_link(rule.id)} | {rule.level} | {_cell(rule.source)} |" for rule in beside)


def _link(rule_id: str) -> str:
    return f"[{rule_id}](rules/{rule_id.partition('.')[0]}.md#{rule_id.replace('.', '')})"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
