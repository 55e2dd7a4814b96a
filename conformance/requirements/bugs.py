"""Bugs that real proxies have had: what each looked like, where it was reported, and what of the suite catches it.

The tables in `bugs/*.toml` hold one `[[bug]]` each. Its cases drive a target into the situation, its miniature is a
proxy with exactly that bug, and in those cases that proxy breaks the rules that are named: measured by a test, not
believed. A bug that nothing can catch says why in `not_judged`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

from conformance.errors import HarnessError
from fakes.script import DIALECTS, Dialect

__all__ = ["AREAS", "Bug", "Severity", "all_bugs", "parse_bug"]

Severity = Literal["S1", "S2", "S3"]
"""S1: a turn or session fails, data is lost, a tool is wrongly run. S2: degraded, or strict clients fail. S3: rare."""

AREAS: Mapping[str, str] = MappingProxyType(
    {
        "requests": "Requests",
        "tools": "Tools and media",
        "streams": "Reading the upstream's stream",
        "events": "Events and items",
        "reasoning": "Whole answers, reasoning, usage",
        "errors": "Errors",
        "state": "State",
        "transport": "Transport and speed",
        "sources": "Seen in source code",
    }
)
"""The tables, in the order in which they are shown, with their headings."""

_FORMAT = 1
_KEYS = frozenset({"id", "symptom", "threads", "upstream", "severity", "cases", "caught_by", "miniature", "not_judged"})
_THREAD = re.compile(r"^[\w.-]+/[\w.-]+(#\d+|: .+)$")
_ID = re.compile(r"^[A-Z]{2,5}-\d{2,3}$")


@dataclass(frozen=True)
class Bug:
    """One bug. `threads` are issues and pull requests ("owner/repo#7"), or code ("owner/repo: path").

    `upstream` are the dialects behind which it was or can be seen. `caught_by` are rules, any of which is enough.
    """

    id: str
    symptom: str
    threads: tuple[str, ...]
    upstream: tuple[Dialect, ...]
    severity: Severity
    area: str
    cases: tuple[str, ...] = ()
    caught_by: tuple[str, ...] = ()
    miniature: str | None = None
    not_judged: str | None = None


@lru_cache(maxsize=1)
def all_bugs() -> tuple[Bug, ...]:
    """Every bug, table by table. Raises HarnessError, naming table and bug, when one is malformed."""
    return tuple(parse_bug(area, entry) for area in AREAS for entry in _entries(area))


def _entries(area: str) -> Iterator[Mapping[str, Any]]:
    text = files(__package__).joinpath("bugs", f"{area}.toml").read_text("utf-8")
    document = tomllib.loads(text)
    if document.get("format") != _FORMAT:
        raise HarnessError(f"conformance/requirements/bugs/{area}.toml: format must be {_FORMAT}")
    yield from document.get("bug", ())


def parse_bug(area: str, entry: Mapping[str, Any]) -> Bug:
    """One entry of a table. Raises HarnessError, naming table and bug, when it is malformed."""
    where = f"conformance/requirements/bugs/{area}.toml: {entry.get('id', 'a bug without id')}"
    for problem in _problems(entry):
        raise HarnessError(f"{where}: {problem}")
    return Bug(
        id=entry["id"],
        symptom=entry["symptom"],
        threads=tuple(entry["threads"]),
        upstream=tuple(entry.get("upstream", DIALECTS)),
        severity=entry["severity"],
        area=area,
        cases=tuple(entry.get("cases", ())),
        caught_by=tuple(entry.get("caught_by", ())),
        miniature=entry.get("miniature"),
        not_judged=entry.get("not_judged"),
    )


def _problems(entry: Mapping[str, Any]) -> Iterator[str]:
    missing = {"id", "symptom", "threads", "severity"} - entry.keys()
    if missing:
        yield f"it has no {', '.join(sorted(missing))}"
        return
    if unknown := entry.keys() - _KEYS:
        yield f"unknown keys {', '.join(sorted(unknown))}; known are {', '.join(sorted(_KEYS))}"
    if not _ID.match(entry["id"]):
        yield "an id is two to five capitals, a dash and a number"
    if not entry["symptom"].endswith("."):
        yield "the symptom is one sentence, with its full stop"
    if not entry["threads"] or not all(_THREAD.match(thread) for thread in entry["threads"]):
        yield "threads are `owner/repo#number`, or `owner/repo: path` for source code; there must be one"
    if entry["severity"] not in get_args(Severity):
        yield f"severity is one of {', '.join(get_args(Severity))}"
    if not set(entry.get("upstream", DIALECTS)) <= set(DIALECTS):
        yield f"upstream lists dialects: {', '.join(DIALECTS)}"
    caught = [key for key in ("cases", "caught_by", "miniature") if entry.get(key)]
    if bool(entry.get("not_judged")) == bool(caught) or len(caught) not in (0, 3):
        yield "it has either `cases`, `caught_by` and `miniature`, or `not_judged` with the reason"
