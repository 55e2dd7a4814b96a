"""The failure message: written for the author of the target, who has never seen this suite.

It says which requirement is broken, why that matters and who says so; shows the place in the target's own
output, what the upstream had just sent, what was expected and what came; and ends with the line that reruns it.
"""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from conformance.report.document import Evidence, VerdictEntry, ViolationEntry
from conformance.report.style import plural
from conformance.report.tally import count_places

__all__ = ["failure_message", "item_name", "rerun_line", "verdict_message"]

LABEL = 15
WIDTH = 110
COMMAND = "responses-conformance"

_MEANS = {
    "must": "a specification demands it",
    "integrity": "breaking it loses, invents, reorders or leaks content, or hangs",
    "should": "a specification recommends it; does not decide the verdict",
    "recommended": "this suite recommends it; does not decide the verdict",
}


def item_name(rule: str, dialect: str | None) -> str:
    """The name of a rule in a dialect: `stream.created-first[vllm]`."""
    return f"{rule}[{dialect or 'any'}]"


def rerun_line(rerun: Sequence[str], verdict: VerdictEntry, case: str) -> str:
    """The command that judges just this rule, where a target is driven in this dialect and case."""
    words = [COMMAND, *rerun]
    drives = rerun[:1] == ["run"]
    if drives and verdict["dialect"]:
        words += ["--dialect", verdict["dialect"]]
    words += ["--rule", verdict["rule"]]
    if drives and case:
        words += ["--case", case]
    return shlex.join(words)


MOST_CASES = 8
"""Cases that a message names; a result document names all."""


def failure_message(verdict: VerdictEntry, violation: ViolationEntry, rerun: str, also: str = "") -> str:
    """One violation, told in full. `rerun` is the last line (see `rerun_line`), `also` where else it is broken."""
    lines = [_title(verdict)]
    lines += _labelled("requirement", verdict["requirement"])
    lines += _labelled("why", verdict["why"])
    lines += _labelled("source", verdict["source"])
    lines.append("")
    lines += _labelled("case", _case(violation))
    evidence = violation["evidence"]
    lines += _labelled("drive", _drive(violation, evidence))
    if evidence is not None:
        lines += _labelled("sent", evidence["request"])
        lines += _labelled("answer", evidence["answer"])
        lines += _events(violation, evidence)
        lines += _body(evidence)
    lines.append("")
    lines += _labelled("expected", violation["expected"])
    lines += _labelled("actual", violation["actual"])
    if evidence is not None:
        lines += _chunk(violation, evidence)
        lines += _upstream_request(evidence)
    if violation["expected_reason"]:
        lines += _labelled("baseline", violation["expected_reason"])
    lines.append("")
    lines += _labelled("also", also)
    lines += _labelled("rerun", rerun, wrap=False)
    return "\n".join(line.rstrip() for line in lines)


def verdict_message(verdict: VerdictEntry, rerun: Sequence[str], *, every: bool = False) -> str:
    """A verdict with violations: the most telling one in full, and where all the others are.

    `every` tells each violation in full as far as its evidence was kept.
    """
    violations = verdict["violations"]
    if not violations:
        lines = _labelled("requirement", verdict["requirement"])
        lines += _labelled("reason", verdict["reason"] or "no reason given")
        return f"{_title(verdict)}\n{_joined(lines)}"
    told = [violation for violation in violations if every and violation["evidence"]] or violations[:1]
    also = "" if len(told) > 1 else _rest(violations)
    messages = [failure_message(verdict, one, rerun_line(rerun, verdict, one["case"]), also) for one in told]
    if len(told) > 1:
        messages.append(_joined(_labelled("in all", _everywhere(violations))))
    return "\n\n".join(messages)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(line.rstrip() for line in lines)


def _title(verdict: VerdictEntry) -> str:
    name = item_name(verdict["rule"], verdict["dialect"])
    return f"{verdict['outcome'].upper()}  {name}  ({verdict['level']}: {_MEANS[verdict['level']]})"


def _labelled(label: str, text: str, *, wrap: bool = True) -> list[str]:
    if not text:
        return []
    width = WIDTH - LABEL
    rows: list[str] = []
    for line in text.splitlines() or [""]:
        rows += textwrap.wrap(line, width, break_on_hyphens=False) if wrap and len(line) > width else [line]
    return [f"  {label if at == 0 else '':<{LABEL - 2}}{row}" for at, row in enumerate(rows)]


def _case(violation: ViolationEntry) -> str:
    text = violation["case"]
    if violation["summary"]:
        text += f": {violation['summary']}"
    if violation["case_source"]:
        text += f" (from {_few(violation['case_source'])})"
    return text


_MOST_SOURCES = 3


def _few(source: str) -> str:
    """The first sources of a case: one that many bugs asked for has dozens, which `list --cases --json` names."""
    sources = source.split("; ")
    if len(sources) <= _MOST_SOURCES + 1:
        return source
    return f"{'; '.join(sources[:_MOST_SOURCES])}; and {len(sources) - _MOST_SOURCES} more"


_DRIVES = {
    "stream": "stream (the client asked for a stream)",
    "json": "json (the client asked for one JSON body)",
    "hostile": "hostile (streamed; the upstream's bytes came in awkward pieces, with comments between)",
    "gated": "gated (streamed; the upstream waited for each piece to reach the client)",
    "bytes": "bytes (streamed; the upstream sent byte by byte)",
}


def _drive(violation: ViolationEntry, evidence: Evidence | None) -> str:
    text = _DRIVES.get(violation["drive"], violation["drive"])
    if evidence is not None and evidence["exchanges"] > 1:
        text += f"; request {violation['exchange'] + 1} of {evidence['exchanges']}"
    return text


def _events(violation: ViolationEntry, evidence: Evidence) -> list[str]:
    events = evidence["events"]
    if not events:
        return []
    index = violation["event_index"]
    total = evidence["events_total"]
    place = f"around event {index} of {total} (counted from 0)" if index is not None else f"the end of {total} events"
    lines = [*_labelled("events", f"what the target sent, {place}:")]
    kind = max(len(event["type"]) for event in events)
    for event in events:
        mark = ">" if event["marked"] else " "
        lead = f"  {mark} {event['index']:>4}  {event['type']:<{kind}}  "
        lines.append(lead + event["data"])
    if index is None or events[-1]["index"] == total - 1:
        lines.append("          (end of the stream)")
    return lines


def _body(evidence: Evidence) -> list[str]:
    if evidence["body"] is None:
        return []
    return _labelled("body", evidence["body"] or "(empty)", wrap=False)


def _chunk(violation: ViolationEntry, evidence: Evidence) -> list[str]:
    chunk = evidence["upstream_chunk"]
    if chunk is None:
        return []
    event = violation["event_index"]
    write = f"write {chunk['write'] + 1} of {chunk['writes']}"
    if chunk["word"] is None:
        head = f"the last thing it had said before event {event} came ({write}):"
    else:
        head = f"where it says {chunk['word']!r} ({write}):"
    return [*_labelled("upstream", head), *(f"    {line}" for line in chunk["text"].splitlines())]


def _upstream_request(evidence: Evidence) -> list[str]:
    request = evidence["upstream_request"]
    if request is None:
        return []
    lines = _labelled("upstream", "the request that it received from the target:")
    lines.append(f"    {request['line']}")
    lines += [f"    {header}" for header in request["headers"]]
    lines.append(f"    {request['body']}")
    lines += [f"    ! {objection}" for objection in request["objections"]]
    return lines


def _rest(violations: Sequence[ViolationEntry]) -> str:
    """Where the requirement is broken besides the first place: cases with counts, the first of many."""
    counts = _counts(violations)
    counts[violations[0]["case"]] -= 1
    return _worded(+counts, "more place")


def _everywhere(violations: Sequence[ViolationEntry]) -> str:
    return _worded(_counts(violations), "place")


def _counts(violations: Sequence[ViolationEntry]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for violation in violations:
        counts[violation["case"]] += count_places(violation)
    return counts


def _worded(counts: Counter[str], noun: str) -> str:
    if not counts:
        return ""
    places = [f"{case} ({count})" if count > 1 else case for case, count in counts.items()]
    more = len(places) - MOST_CASES
    if more > 1:
        places[MOST_CASES:] = [f"and {more} cases more (--json FILE names them all)"]
    return f"{plural(counts.total(), noun)} in {plural(len(counts), 'case')}: {', '.join(places)}"
