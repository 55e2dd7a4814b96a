"""The matrix: several results side by side, implementations × areas, a table a profile.

A cell counts the rules of an area that decide: how many the implementation breaks, of how many that could be judged.
A rule is broken when it fails in any dialect, whether or not a baseline expects that. Counts are never added over
areas into one percentage.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.report.document import ClientEntry, ResultDocument
from conformance.report.failure import COMMAND
from conformance.report.markdown import escape
from conformance.report.style import plural

__all__ = ["Cell", "Column", "Matrix", "Table", "brief_markdown", "matrix_markdown", "matrix_of"]

_FAILS = {"fail", "expected-fail"}
_JUDGED = {*_FAILS, "pass", "stale"}


@dataclass(frozen=True)
class Cell:
    """Rules that decide: how many are broken, of how many that were judged."""

    broken: int
    judged: int

    def __str__(self) -> str:
        return f"{self.broken} / {self.judged}" if self.judged else "–"


@dataclass(frozen=True)
class Column:
    """One result: what was judged, by what, and the command that repeats it."""

    document: ResultDocument

    @property
    def name(self) -> str:
        """The target and its version."""
        target = self.document["target"]
        return " ".join(filter(None, (target["name"], target["version"])))

    @property
    def command(self) -> str:
        """What repeats the run."""
        return shlex.join([COMMAND, *self.document["rerun"]])

    @property
    def date(self) -> str:
        """The day of the run; "" when unknown."""
        return (self.document["started"] or "").partition("T")[0]

    def cell(self, area: str | None) -> Cell:
        """The count of an area, or of all (None)."""
        broken, judged = set(), set()
        for verdict in self.document["verdicts"]:
            if verdict["decides"] and verdict["outcome"] in _JUDGED and area in (None, verdict["area"]):
                judged.add(verdict["rule"])
                if verdict["outcome"] in _FAILS:
                    broken.add(verdict["rule"])
        return Cell(len(broken), len(judged))

    def client(self, name: str) -> ClientEntry | None:
        """What the result says about a client."""
        return next((client for client in self.document["clients"] if client["client"] == name), None)


@dataclass(frozen=True)
class Table:
    """The results that were judged by one profile."""

    profile: str
    columns: tuple[Column, ...]

    @property
    def areas(self) -> list[str]:
        """The areas in which anything that decides was judged, by name."""
        found = {verdict["area"] for column in self.columns for verdict in column.document["verdicts"]}
        return [area for area in sorted(found) if any(column.cell(area).judged for column in self.columns)]

    @property
    def clients(self) -> list[str]:
        """The clients that any of the results speaks of."""
        return list(dict.fromkeys(client["client"] for column in self.columns for client in column.document["clients"]))


@dataclass(frozen=True)
class Matrix:
    """All tables, and what the results have in common."""

    tables: tuple[Table, ...]

    @property
    def suites(self) -> list[str]:
        """With what the results were made: one line where all were made alike."""
        lines = []
        for table in self.tables:
            for column in table.columns:
                suite = column.document["suite"]
                lines.append(
                    f"responses-conformance {suite['version']}, requirements {suite['requirements'] or 'newest'}"
                    + (f", recordings {suite['recordings']}" if suite["recordings"] else "")
                )
        return list(dict.fromkeys(lines))


def matrix_of(documents: Sequence[ResultDocument]) -> Matrix:
    """The matrix of results, in their order. Raises UsageError when two results are of one target and profile."""
    by_profile: dict[str, list[Column]] = {}
    for document in documents:
        column = Column(document)
        columns = by_profile.setdefault(document["profile"], [])
        if any(other.name == column.name for other in columns):
            raise UsageError(f"two results of {column.name} by the {document['profile']} profile: give one of them")
        columns.append(column)
    return Matrix(tuple(Table(profile, tuple(columns)) for profile, columns in by_profile.items()))


def matrix_markdown(matrix: Matrix) -> str:
    """The whole matrix as Markdown, with what it takes to repeat it."""
    return "\n".join(_whole(matrix)) + "\n"


def brief_markdown(matrix: Matrix) -> str:
    """A line an implementation: what it breaks in all, and which clients it is ready for."""
    return "\n".join(_brief(matrix)) + "\n"


def _whole(matrix: Matrix) -> Iterator[str]:
    yield "Cells count the rules that decide (`must` and `integrity`): broken / judged. A rule counts as broken when"
    yield "any dialect or case breaks it; – means that nothing of the area could be judged."
    for table in matrix.tables:
        yield from ("", f"## Profile `{table.profile}`", "")
        yield _row("", *(f"**{escape(column.name)}**" for column in table.columns))
        yield "|---|" + "---|" * len(table.columns)
        yield _row("judged on", *(column.date or "–" for column in table.columns))
        yield _row("dialects", *(_dialects(column.document) for column in table.columns))
        yield _row("verdict", *(column.document["conformance"] for column in table.columns))
        for area in table.areas:
            yield _row(area, *(str(column.cell(area)) for column in table.columns))
        yield _row("**all**", *(f"**{column.cell(None)}**" for column in table.columns))
        for client in table.clients:
            yield _row(f"client {client}", *(_state(column.client(client)) for column in table.columns))
    yield from ("", "## How to repeat it", "")
    yield from (f"- {line}" for line in matrix.suites)
    for table in matrix.tables:
        yield from (f"- {escape(column.name)}: `{column.command}`" for column in table.columns)


def _brief(matrix: Matrix) -> Iterator[str]:
    yield _row("implementation", "profile", "dialects", "rules that decide: broken / judged", "ready for")
    yield "|---|---|---|--:|---|"
    for table in matrix.tables:
        for column in table.columns:
            yield _row(
                escape(column.name),
                table.profile,
                _dialects(column.document),
                str(column.cell(None)),
                ", ".join(_ready(column.document["clients"])) or "no client",
            )


def _ready(clients: Iterable[ClientEntry]) -> Iterator[str]:
    for client in clients:
        if client["state"].startswith("ready"):
            yield client["client"] + (" (as far as judged)" if client["state"] != "ready" else "")


def _dialects(document: ResultDocument) -> str:
    return ", ".join(document["dialects"]) or "– (a live endpoint)"


def _state(client: ClientEntry | None) -> str:
    if client is None:
        return "–"
    if client["state"] == "not ready":
        return f"not ready ({plural(len(client['reasons']), 'reason')})"
    return client["state"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
