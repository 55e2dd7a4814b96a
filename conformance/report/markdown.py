"""A Markdown summary, for a pull request, a job summary or a README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conformance.report.client_lines import client_words, reason_lines, told
from conformance.report.document import ResultDocument, VerdictEntry
from conformance.report.failure import item_name, verdict_message
from conformance.report.style import clean, plural
from conformance.report.tally import OUTCOMES, count_outcomes, headline, rows_by_area
from conformance.verdict import Outcome

__all__ = ["escape", "markdown_summary", "write_markdown"]


def markdown_summary(document: ResultDocument) -> str:
    """The verdict, the counts by area and level, and every failure, by cause, with its message folded."""
    return "\n".join(_lines(document)) + "\n"


def write_markdown(document: ResultDocument, file: Path) -> None:
    """Write the summary, in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(markdown_summary(document), encoding="utf-8")


def _lines(document: ResultDocument) -> Iterator[str]:
    yield f"# {escape(headline(document))}"
    yield ""
    suite = document["suite"]
    requirements = suite["requirements"] or "newest"
    yield (
        f"Profile `{document['profile']}`, requirements `{requirements}`, responses-conformance {suite['version']}, "
        f"{plural(document['drives'], 'drive')}, exit code {document['exit_code']}."
    )
    yield from (f"\n{escape(note)}" for note in document.get("notes", []))
    yield from _clients(document)
    for trouble in document["trouble"]:
        where = ", ".join(filter(None, (trouble["blame"], trouble["dialect"])))
        yield from ("", f"**Could not do the job ({where}):**", "")
        yield from _fenced("\n".join(filter(None, (trouble["message"], trouble["log"]))))
    if document["verdicts"]:
        yield from _table(document["verdicts"])
    if document["causes"]:
        yield from ("", "## Failures")
        yield from _failures(document)
    yield from _reasons(document)


def _clients(document: ResultDocument) -> Iterator[str]:
    if not told(document["clients"]):
        return
    yield from ("", "| client | measured | |", "|---|---|---|")
    for client in document["clients"]:
        words = escape(client_words(client))
        yield f"| {escape(client['title'])} (`{client['client']}`) | {client['version']} | {words} |"
    for client in document["clients"]:
        if client["reasons"]:
            yield from ("", f"<details><summary>{client['client']}: every reason</summary>", "")
            yield from (f"- {escape(line)}" for line in reason_lines(client))
            yield from ("", "</details>")


def _table(verdicts: list[VerdictEntry]) -> Iterator[str]:
    totals = count_outcomes(verdicts)
    columns = [outcome for outcome in OUTCOMES if totals[outcome] or outcome in (Outcome.PASS, Outcome.FAIL)]
    yield ""
    yield f"| area | level | {' | '.join(columns)} |"
    yield "|---|---|" + "--:|" * len(columns)
    for area, level, counts in rows_by_area(verdicts):
        yield f"| {area} | {level} | " + " | ".join(str(counts[column] or "") for column in columns) + " |"
    yield "| **all** | | " + " | ".join(f"**{totals[column]}**" for column in columns) + " |"


def _failures(document: ResultDocument) -> Iterator[str]:
    named = {item_name(verdict["rule"], verdict["dialect"]): verdict for verdict in document["verdicts"]}
    for cause in document["causes"]:
        where = ", ".join(dialect or "any" for dialect in cause["dialects"])
        count = len(cause["rules"])
        title = f"{plural(count, 'rule')}, one cause" if count > 1 else f"`{cause['fix_first']}`"
        yield from ("", f"### {title} [{where}]: {escape(cause['cause'])}", "")
        for rule in cause["rules"]:
            for dialect in cause["dialects"]:
                verdict = named[item_name(rule, dialect)]
                yield f"<details><summary><code>{item_name(rule, dialect)}</code> ({verdict['level']})</summary>"
                yield ""
                yield from _fenced(verdict_message(verdict, document["rerun"]))
                yield ""
                yield "</details>"


def _reasons(document: ResultDocument) -> Iterator[str]:
    for outcome in (Outcome.HARNESS_ERROR, Outcome.SETUP_ERROR, Outcome.STALE, Outcome.EXPECTED_FAIL):
        chosen = [verdict for verdict in document["verdicts"] if verdict["outcome"] == outcome]
        if not chosen:
            continue
        yield from ("", f"## {outcome}", "")
        for verdict in chosen:
            expected = {violation["expected_reason"] or "" for violation in verdict["violations"]}
            reason = verdict["reason"] or "; ".join(sorted(expected)) or "no reason given"
            yield f"- `{item_name(verdict['rule'], verdict['dialect'])}`: {escape(reason)}"


def _fenced(text: str) -> Iterator[str]:
    """A fence longer than any in the text, so that a target's own backticks cannot end it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    yield from (f"{fence}text", clean(text), fence)


def escape(text: str) -> str:
    """One line on which nothing of a target's words is markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", clean(text).replace("\n", " "))
