"""The console: progress while it drives, then failures by first cause, counts, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TextIO

from conformance.report.client_lines import client_name, client_words, reason_lines, told
from conformance.report.document import CauseEntry, ResultDocument, VerdictEntry
from conformance.report.failure import item_name, verdict_message
from conformance.report.style import PLAIN, Style, plural
from conformance.report.tally import OUTCOMES, count_outcomes, count_places, headline, rows_by_area
from conformance.verdict import Outcome

__all__ = ["LineProgress", "console_report"]

_LOOKS = {
    "pass": ("green",),
    "fail": ("red",),
    "stale": ("red",),
    "expected-fail": ("yellow",),
    "setup-error": ("red",),
    "harness-error": ("red",),
}
_VERDICT_LOOKS = {"conforms": ("bold", "green"), "partial": ("bold", "yellow")}
_CLIENT_LOOKS = {"ready": ("green",), "not ready": ("red",), "ready as far as judged": ("yellow",)}


class LineProgress:
    """Progress on standard error: one line that rewrites itself on a terminal, else a line every tenth."""

    def __init__(self, stream: TextIO, *, terminal: bool | None = None) -> None:
        self.stream = stream
        self.terminal = stream.isatty() if terminal is None else terminal
        self.last = -1
        self.dirty = False

    def __call__(self, done: int, total: int, what: str) -> None:
        """Say that `done` of `total` drives are over and what was driven last."""
        if self.terminal:
            self._put(f"\r\x1b[K[{done}/{total}] {what[:70]}")
            self.dirty = True
            return
        tenth = 10 * done // total if total else 10
        if tenth != self.last:
            self.last = tenth
            self._put(f"[{done}/{total}] {what}\n")

    def say(self, text: str) -> None:
        """A line of its own."""
        self.finish()
        self._put(text + "\n")

    def finish(self) -> None:
        """Take the rewritten line away."""
        if self.dirty:
            self._put("\r\x1b[K")
            self.dirty = False

    def _put(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def console_report(document: ResultDocument, *, style: Style = PLAIN, verbose: bool = False) -> str:
    """The whole report as text, with a line end."""
    return "\n".join(_lines(document, style, verbose)) + "\n"


def _lines(document: ResultDocument, style: Style, verbose: bool) -> Iterator[str]:
    verdicts = document["verdicts"]
    named = {item_name(verdict["rule"], verdict["dialect"]): verdict for verdict in verdicts}
    for cause in document["causes"]:
        yield from _cause(cause, named, document["rerun"], style, verbose)
    yield from _others(document, style, verbose)
    if verdicts:
        yield from _table(verdicts, style, verbose)
    for trouble in document["trouble"]:
        where = ", ".join(filter(None, (trouble["blame"], trouble["dialect"])))
        yield from ("", style(f"Could not do the job ({where}):", "bold", "red"), trouble["message"])
        if trouble["log"]:
            yield "The end of the target's output:"
            yield from (f"  | {line}" for line in trouble["log"].splitlines())
    if document.get("notes"):
        yield from ("", *(f"note: {note}" for note in document["notes"]))
    yield ""
    looks = _VERDICT_LOOKS.get(document["conformance"], ("bold", "red"))
    yield style(headline(document), *looks)
    yield from _clients(document, style, verbose)
    yield _footer(document)


def _cause(
    cause: CauseEntry, named: dict[str, VerdictEntry], rerun: Sequence[str], style: Style, verbose: bool
) -> Iterator[str]:
    in_dialects = [[named[item_name(rule, dialect)] for rule in cause["rules"]] for dialect in cause["dialects"]]
    verdicts = in_dialects[0]
    if len(verdicts) > 1:
        where = ", ".join(dialect or "any" for dialect in cause["dialects"])
        yield style(f"{plural(len(verdicts), 'rule')}, one cause [{where}]: {cause['cause']}", "bold")
        width = max(len(verdict["rule"]) for verdict in verdicts)
        for same in zip(*in_dialects, strict=True):
            yield f"  {same[0]['rule']:<{width}}  {same[0]['level']:<11}  {_places(same)}"
        yield ""
    for same in zip(*in_dialects, strict=True):
        for verdict in same if verbose else same[:1]:
            title, _, rest = verdict_message(verdict, rerun, every=verbose).partition("\n")
            yield style(title, "bold", "red")
            yield rest
        if len(same) > 1 and not verbose:
            yield f"  so too in     {', '.join(item_name(one['rule'], one['dialect']) for one in same[1:])}"
        yield ""
        if not verbose:
            break


def _places(verdicts: Sequence[VerdictEntry]) -> str:
    violations = [violation for verdict in verdicts for violation in verdict["violations"]]
    places = sum(count_places(violation) for violation in violations)
    cases = len({violation["case"] for violation in violations})
    return f"{plural(places, 'place')} in {plural(cases, 'case')}"


def _others(document: ResultDocument, style: Style, verbose: bool) -> Iterator[str]:
    """What is neither pass nor failure, each with its reason; the expected and the silent only when asked."""
    always = (Outcome.HARNESS_ERROR, Outcome.SETUP_ERROR, Outcome.STALE)
    asked = (Outcome.EXPECTED_FAIL, Outcome.NOT_APPLICABLE) if verbose else ()
    for outcome in (*always, *asked):
        chosen = [verdict for verdict in document["verdicts"] if verdict["outcome"] == outcome]
        if not chosen:
            continue
        yield style(f"{plural(len(chosen), 'rule')}: {outcome}", "bold", *_LOOKS.get(outcome, ()))
        for verdict in chosen:
            yield f"  {item_name(verdict['rule'], verdict['dialect'])}: {_reason(verdict)}"
        yield ""


def _reason(verdict: VerdictEntry) -> str:
    reasons = {violation["expected_reason"] for violation in verdict["violations"]} - {None, ""}
    return verdict["reason"] or "; ".join(sorted(filter(None, reasons))) or "no reason given"


def _table(verdicts: list[VerdictEntry], style: Style, verbose: bool) -> Iterator[str]:
    totals = count_outcomes(verdicts)
    columns = [outcome for outcome in OUTCOMES if totals[outcome] or outcome in (Outcome.PASS, Outcome.FAIL)]
    every = rows_by_area(verdicts)
    rows = every if verbose else [row for row in every if set(row[2]) != {Outcome.NOT_APPLICABLE}]
    area = max(len("area"), *(len(row[0]) for row in every))
    yield style(f"{'area':<{area}}  {'level':<11}  " + "  ".join(columns), "bold")
    for name, level, counts in rows:
        yield f"{name:<{area}}  {level:<11}  " + _cells(columns, counts, style)
    yield style(f"{'all':<{area}}  {'':<11}  ", "bold") + _cells(columns, totals, style)
    if len(rows) < len(every):
        left_out = plural(len(every) - len(rows), "row")
        yield style(f"({left_out} with nothing judged left out: --verbose shows them, and why)", "dim")


def _cells(columns: Sequence[str], counts: Counter[str], style: Style) -> str:
    cells = []
    for column in columns:
        cell = f"{counts[column] or '·':>{len(column)}}"
        cells.append(style(cell, *_LOOKS.get(column, ())) if counts[column] else style(cell, "dim"))
    return "  ".join(cells)


def _clients(document: ResultDocument, style: Style, verbose: bool) -> Iterator[str]:
    clients = document["clients"]
    if not told(clients):
        return
    width = max(len(client_name(client)) for client in clients)
    for client in clients:
        looks = _CLIENT_LOOKS.get(client["state"], ("dim",))
        yield f"  {client_name(client):<{width}}  " + style(client_words(client), *looks)
        if verbose:
            yield from (f"    {line}" for line in reason_lines(client))
    if not verbose and any(client["reasons"] for client in clients):
        yield "  (a client's rules alone: --profile CLIENT; every reason: --verbose)"


def _footer(document: ResultDocument) -> str:
    suite = document["suite"]
    parts = [
        f"responses-conformance {suite['version']}",
        f"requirements {suite['requirements']}" if suite["requirements"] else "requirements: newest",
        f"dialects {', '.join(document['dialects'])}" if document["dialects"] else "",
        plural(document["drives"], "drive"),
        f"{document['seconds']:.1f} s",
        f"exit {document['exit_code']}",
    ]
    return " · ".join(part for part in parts if part)
