"""The HTML report: one page that needs no network, made for reading.

    html_page(document)           a result as a page
    write_html(document, file)
    matrix_page(matrix)           several results side by side

All that comes from a target or an upstream goes through the template's autoescape; links are made only of sources,
which are the suite's own words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from conformance.report.client_lines import client_words, reason_lines, told
from conformance.report.document import ResultDocument, VerdictEntry
from conformance.report.failure import COMMAND, item_name, rerun_line
from conformance.report.matrix import Matrix
from conformance.report.style import clean, plural
from conformance.report.tally import LEVELS, OUTCOMES, count_outcomes, headline

__all__ = ["html_page", "matrix_page", "write_html"]

_TOLD = ("fail", "stale", "expected-fail", "setup-error", "harness-error")  # outcomes that a reader has to act on
_THREAD = re.compile(r"\b([\w.-]+/[\w.-]+?)(?: (PR))? ?(?:PR)?#(\d+)\b")
_MEANS = {
    "must": "a specification demands it",
    "integrity": "breaking it loses, invents, reorders or leaks content, or hangs",
    "should": "a specification recommends it; does not decide",
    "recommended": "this suite recommends it; does not decide",
}


@dataclass
class _Rule:
    """A rule with its verdicts, one a dialect."""

    entry: VerdictEntry
    verdicts: list[VerdictEntry] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return self.entry["rule"]

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of its verdicts, the worst first."""
        met = {verdict["outcome"] for verdict in self.verdicts}
        return [outcome for outcome in (*_TOLD, *OUTCOMES) if outcome in met]

    @property
    def words(self) -> str:
        """What the text filter looks at."""
        entry = self.entry
        cases = {violation["case"] for verdict in self.verdicts for violation in verdict["violations"]}
        return " ".join([entry["rule"], entry["requirement"], entry["why"], entry["source"], *sorted(cases)]).lower()


@dataclass
class _Area:
    """The rules of an area."""

    name: str
    rules: list[_Rule]

    @property
    def failing(self) -> int:
        return sum(rule.outcomes[0] in _TOLD for rule in self.rules)


def html_page(document: ResultDocument) -> str:
    """The report of a result as one HTML document."""
    verdicts = document["verdicts"]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            document=document,
            headline=headline(document),
            command=shlex.join([COMMAND, *document["rerun"]]),
            areas=list(_areas(verdicts)),
            counts=[(outcome, count) for outcome in OUTCOMES if (count := count_outcomes(verdicts)[outcome])],
            dialects=list(dict.fromkeys(verdict["dialect"] or "any" for verdict in verdicts)),
            levels=[level for level in LEVELS if any(verdict["level"] == level for verdict in verdicts)],
            clients=document["clients"] if told(document["clients"]) else [],
            client_words=client_words,
            reason_lines=reason_lines,
            anchor=_anchor,
            item_name=item_name,
            rerun=lambda verdict, case: rerun_line(document["rerun"], verdict, case),
            told=_TOLD,
            style=_part("page.css"),
            script=_part("page.js"),
        )
    )


def write_html(document: ResultDocument, file: Path) -> None:
    """Write the page, in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(html_page(document), encoding="utf-8")


def matrix_page(matrix: Matrix) -> str:
    """The matrix as one HTML document."""
    return _environment().get_template("matrix.html.jinja").render(matrix=matrix, style=_part("page.css"))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clean": clean, "linked": _linked, "plural": plural, "means": _MEANS.__getitem__}
    return environment


def _areas(verdicts: Iterable[VerdictEntry]) -> Iterator[_Area]:
    rules: dict[str, _Rule] = {}
    for verdict in verdicts:
        rules.setdefault(verdict["rule"], _Rule(verdict)).verdicts.append(verdict)
    by_area: dict[str, list[_Rule]] = {}
    for rule in rules.values():
        by_area.setdefault(rule.entry["area"], []).append(rule)
    for name in sorted(by_area):
        worst_first = sorted(by_area[name], key=lambda rule: (rule.outcomes[0] not in _TOLD, not rule.entry["decides"]))
        yield _Area(name, worst_first)


def _anchor(verdict: VerdictEntry) -> str:
    return f"{verdict['rule']}.{verdict['dialect'] or 'any'}"


def _linked(source: str) -> Markup:
    """A source with its issue threads as links."""
    pieces, at = [], 0
    for found in _THREAD.finditer(source):
        kind = "pull" if "PR" in found.group() else "issues"
        url = f"https://github.com/{found.group(1)}/{kind}/{found.group(3)}"
        pieces += [escape(source[at : found.start()]), Markup('<a href="{}">{}</a>').format(url, found.group())]
        at = found.end()
    return Markup("").join([*pieces, escape(source[at:])])


def _part(name: str) -> Markup:
    """A part of the page that is the suite's own: it is not escaped, and holds nothing that ends its element."""
    return Markup(files(__name__).joinpath(name).read_text("utf-8"))  # noqa: S704 - shipped with the package
