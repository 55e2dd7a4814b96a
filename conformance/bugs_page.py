"""The generated page of bugs: what each looked like, where it was reported, and what of the suite catches it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from conformance.requirements.bugs import AREAS, Bug, all_bugs
from conformance.rules import REGISTRY

__all__ = ["bugs_page"]

_THREAD = re.compile(r"^([\w.-]+/[\w.-]+)#(\d+)$")
_INTRODUCTION = (
    "Bugs of real proxies, gateways and servers, from their public threads. Each one that is judged has a case that "
    "drives a target into the situation, and a miniature: a proxy with exactly that bug, which breaks the rules named "
    "here (a test measures it). `responses-conformance run --target miniature:NAME --case CASE` shows it."
)


def bugs_page(head: str) -> str:
    """The page's text; `head` is its first line."""
    bugs = all_bugs()
    lines = [head, "", "# Bugs", "", _INTRODUCTION, "", *_tally(bugs), ""]
    for area, members in groupby(bugs, key=lambda bug: bug.area):
        listed = list(members)
        judged = [bug for bug in listed if bug.not_judged is None]
        lines += [f"## {AREAS[area]}", "", "| bug | symptom | upstream | threads | cases | caught by | miniature |"]
        lines += ["|---|---|---|---|---|---|---|", *map(_row, judged), ""]
        for bug in listed:
            if bug.not_judged is not None:
                lines += [f"{bug.id} is not judged: {bug.symptom} {bug.not_judged} ({_threads(bug)})", ""]
    return "\n".join(lines).rstrip() + "\n"


def _tally(bugs: Iterable[Bug]) -> Iterator[str]:
    yield "| severity | bugs | caught | not judged |"
    yield "|---|---|---|---|"
    known = sorted(bugs, key=lambda bug: bug.severity)
    for severity, members in groupby(known, key=lambda bug: bug.severity):
        listed = list(members)
        caught = sum(bug.not_judged is None for bug in listed)
        yield f"| {severity} | {len(listed)} | {caught} | {len(listed) - caught} |"


def _row(bug: Bug) -> str:
    cells = (
        f"{bug.id} ({bug.severity})",
        bug.symptom.replace("|", "/"),
        ", ".join(bug.upstream),
        _threads(bug),
        _coded(bug.cases),
        ", ".join(map(_rule, bug.caught_by)),
        f"`{bug.miniature}`",
    )
    return f"| {' | '.join(cells)} |"


def _coded(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rule(rule_id: str) -> str:
    area = REGISTRY[rule_id].area
    return f"[{rule_id}](rules/{area}.md#{rule_id.replace('.', '')})"


def _threads(bug: Bug) -> str:
    return ", ".join(map(_linked, bug.threads))


def _linked(thread: str) -> str:
    found = _THREAD.match(thread)
    return f"[{thread}](https://github.com/{found[1]}/issues/{found[2]})" if found else thread
