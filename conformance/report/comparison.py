"""Comparison of two results of one target: what got better, what got worse, and what is new, by rule and case.

A baseline's word does not count here: a failure that it expects is a failure on both sides. So a comparison tells
what the target does, and not what was expected of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.report.document import ResultDocument, VerdictEntry
from conformance.report.failure import item_name
from conformance.report.style import PLAIN, Style, clean, plural
from conformance.report.tally import headline
from conformance.verdict import Outcome

__all__ = ["Change", "Comparison", "Difference", "compare", "comparison_text"]

_FAILS = {Outcome.FAIL.value, Outcome.EXPECTED_FAIL.value}
_HOLDS = {Outcome.PASS.value, Outcome.STALE.value}
_SHOWN = 6  # cases that a line names


class Change(StrEnum):
    """What became of a rule in a dialect from the first result to the second."""

    WORSE = "worse"  # it held, or was not judged, and fails; or it fails in more cases
    BETTER = "better"  # it failed, and holds; or it fails in fewer cases
    NEW = "new"  # only the second result has it
    GONE = "gone"  # only the first result has it
    UNJUDGED = "no longer judged"  # it held or failed, and the second result says nothing
    JUDGED = "judged now"  # the first result said nothing, and it holds


@dataclass(frozen=True)
class Difference:
    """One rule in one dialect that changed. `broke` and `mended` are cases, by name."""

    name: str
    level: str
    decides: bool
    change: Change
    before: str | None
    after: str | None
    broke: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    @property
    def is_regression(self) -> bool:
        """Whether it got worse, or is new and fails."""
        return self.change is Change.WORSE or (self.change is Change.NEW and self.after in _FAILS)


@dataclass(frozen=True)
class Comparison:
    """All that changed, the heaviest first. `caveats` say in sentences why the two may not be alike."""

    before: ResultDocument
    after: ResultDocument
    differences: tuple[Difference, ...]
    clients: tuple[tuple[str, str, str], ...]
    caveats: tuple[str, ...]

    def regressions(self, *, deciding: bool) -> tuple[Difference, ...]:
        """What got worse; only the rules that decide, or all."""
        return tuple(one for one in self.differences if one.is_regression and (one.decides or not deciding))


def compare(before: ResultDocument, after: ResultDocument) -> Comparison:
    """Compare two results, of the same target or of two."""
    old, new = _by_name(before["verdicts"]), _by_name(after["verdicts"])
    found = [_difference(name, old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old])]
    order = list(Change)
    ordered = sorted(
        (one for one in found if one is not None), key=lambda one: (order.index(one.change), not one.decides, one.name)
    )
    return Comparison(before, after, tuple(ordered), tuple(_clients(before, after)), tuple(_caveats(before, after)))


def _by_name(verdicts: Iterable[VerdictEntry]) -> dict[str, VerdictEntry]:
    return {item_name(verdict["rule"], verdict["dialect"]): verdict for verdict in verdicts}


def _difference(name: str, old: VerdictEntry | None, new: VerdictEntry | None) -> Difference | None:
    one = new or old
    assert one is not None
    broken, breaks = _cases(old), _cases(new)
    change = _change(old, new, broken, breaks)
    if change is None:
        return None
    return Difference(
        name,
        one["level"],
        one["decides"],
        change,
        None if old is None else old["outcome"],
        None if new is None else new["outcome"],
        tuple(sorted(breaks - broken)),
        tuple(sorted(broken - breaks)) if new is not None else (),
    )


def _cases(verdict: VerdictEntry | None) -> set[str]:
    return set() if verdict is None else {violation["case"] for violation in verdict["violations"]}


def _change(old: VerdictEntry | None, new: VerdictEntry | None, broken: set[str], breaks: set[str]) -> Change | None:
    if old is None:
        return Change.NEW
    if new is None:
        return Change.GONE
    before, after = old["outcome"], new["outcome"]
    if after in _FAILS:
        if before in _FAILS:
            return Change.WORSE if breaks - broken else Change.BETTER if broken - breaks else None
        return Change.WORSE
    if after in _HOLDS:
        return None if before in _HOLDS else Change.BETTER if before in _FAILS else Change.JUDGED
    return Change.UNJUDGED if before in _FAILS | _HOLDS else None


def _clients(before: ResultDocument, after: ResultDocument) -> Iterator[tuple[str, str, str]]:
    states = {client["client"]: client["state"] for client in before["clients"]}
    for client in after["clients"]:
        known = states.get(client["client"])
        if known is not None and known != client["state"]:
            yield f"{client['client']} {client['version']}", known, client["state"]


def _caveats(before: ResultDocument, after: ResultDocument) -> Iterator[str]:
    if before["profile"] != after["profile"]:
        yield f"the profiles differ: {before['profile']} and {after['profile']}"
    if before["target"]["name"] != after["target"]["name"]:
        yield f"the targets differ: {before['target']['name']} and {after['target']['name']}"
    old, new = before["suite"], after["suite"]
    if old["version"] != new["version"]:
        yield f"the suites differ: {old['version']} and {new['version']}; a new case may be what shows an old fault"
    elif old["recordings"] != new["recordings"]:
        yield "the recordings differ; a new one may be what shows an old fault"
    if set(before["dialects"]) != set(after["dialects"]):
        yield f"the dialects differ: {', '.join(before['dialects'])} and {', '.join(after['dialects'])}"
    for name, document in (("first", before), ("second", after)):
        for trouble in document["trouble"]:
            yield f"the {name} run could not do its whole job: {trouble['message'].partition(chr(10))[0]}"


_LOOKS = {Change.WORSE: ("red", "bold"), Change.BETTER: ("green",)}


def comparison_text(comparison: Comparison, style: Style = PLAIN) -> str:
    """The comparison for a terminal: a paragraph a kind of change, the verdicts, and the sum in the last line."""
    return "".join(line + "\n" for line in _lines(comparison, style))


def _lines(comparison: Comparison, style: Style) -> Iterator[str]:
    yield f"before  {clean(headline(comparison.before))}"
    yield f"after   {clean(headline(comparison.after))}"
    for caveat in comparison.caveats:
        yield style(f"note: {clean(caveat)}", "yellow")
    for change in Change:
        chosen = [one for one in comparison.differences if one.change is change]
        if not chosen:
            continue
        yield ""
        yield style(f"{change} ({len(chosen)})", *_LOOKS.get(change, ("bold",)))
        told = [one for one in chosen if change is not Change.NEW or one.is_regression]
        yield from (f"  {_line(one)}" for one in told)
        if quiet := len(chosen) - len(told):
            yield f"  {plural(quiet, 'verdict')} of new rules, none of which fails"
    if comparison.clients:
        yield ""
        yield style("clients", "bold")
        yield from (f"  {name}: {before} → {after}" for name, before, after in comparison.clients)
    yield ""
    yield _sum(comparison)


def _line(one: Difference) -> str:
    outcomes = " → ".join(dict.fromkeys(word for word in (one.before, one.after) if word is not None))
    cases = [f"breaks {_named(one.broke)}"] if one.broke else []
    cases += [f"mended {_named(one.mended)}"] if one.mended else []
    return clean(f"{one.name} ({one.level}): {outcomes}" + "".join(f"; {text}" for text in cases))


def _named(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
    return ", ".join(cases[:_SHOWN]) + more


def _sum(comparison: Comparison) -> str:
    deciding, every = comparison.regressions(deciding=True), comparison.regressions(deciding=False)
    better = sum(one.change is Change.BETTER for one in comparison.differences)
    if not comparison.differences:
        return "nothing changed"
    return (
        f"{plural(len(every), 'regression')}, {len(deciding)} of them in rules that decide; "
        f"{plural(better, 'improvement')}; {plural(len(comparison.differences), 'difference')} in all"
    )
