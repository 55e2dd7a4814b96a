"""Cases as files: one case each, in JSON or TOML, which `run --case-file` drives like any other.

    {"format": 1, "id": "found.3f9a", "summary": "...", "source": "...", "dialects": ["vllm"],
     "drives": ["stream", "hostile"],
     "turns": [{"request": {"input": [...]}, "answers": [{"parts": [{"type": "text", "text": "Hello."}]}]}]}

The keys of the file and of a turn are the fields of `Case` and `Turn`; `id`, `summary` and `turns` are needed.
An answer has the form of script files (`fakes.scriptfile`). What generated the case, if anything did, stands
under `made`, for readers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from conformance.cases.case import About, Case, Turn
from conformance.errors import UsageError
from conformance.toml_file import TomlFile
from conformance.transcript import DriveKind
from fakes.reply import HttpFailure
from fakes.script import Dialect, Script
from fakes.scriptfile import ScriptFileError, answer_table, read_answer

__all__ = ["FORMAT", "case_document", "case_text", "load_case", "write_case"]

FORMAT = 1
"""The version of the form of case files that this module reads and writes."""

_WIDTH = 110  # columns within which a JSON value stands on one line
_ALWAYS = ("id", "summary", "source", "dialects")
_MADE = "made"
_CASE_FIELDS: Mapping[str, Any] = {
    "id": str,
    "summary": str,
    "source": str,
    "dialects": tuple[Dialect, ...],
    "drives": frozenset[DriveKind],
    "features": frozenset[str],
    "refusal_statuses": frozenset[int],
    "may_refuse": bool,
    "strict_upstream": bool,
    "tags": frozenset[str],
    "expected_calls": tuple[dict[str, Any], ...],
    "about": About | None,
    "each_form": bool,
    "each_dialect": bool,
    "resembles": str | None,
}
_TURN_FIELDS: Mapping[str, Any] = {
    "request": dict[str, Any],
    "method": str,
    "path": str,
    "headers": dict[str, str],
    "packed": bool,
    "spaces": int,
    "leave_after": int | None,
    "stop_reading_after": int | None,
    "terminate_after": int | None,
    "upstream_closed": bool,
    "copies": int,
    "first_waits": bool,
}


def load_case(file: Path) -> Case:
    """The case of a file. Raises UsageError, naming the file and the key that is wrong."""
    document = TomlFile(file).data if file.suffix == ".toml" else _json(file)
    if document.get("format") != FORMAT:
        raise UsageError(f"{file}: `format` is {document.get('format')!r}; this suite reads format {FORMAT}")
    values = {key: value for key, value in document.items() if key not in ("format", _MADE)}
    turns = values.pop("turns", None)
    if not isinstance(turns, list) or not turns:
        raise UsageError(f"{file}: `turns` must be a list of at least one turn")
    told = _fields(file, "the case", _CASE_FIELDS, {"source": f"the case file {file.name}"} | values)
    for key in ("id", "summary", "source", "dialects", "drives"):
        if not told.get(key, True) or (key in ("id", "summary") and key not in told):
            raise UsageError(f"{file}: `{key}` is missing or empty")
    return Case(**told, turns=tuple(_turn(file, number, turn) for number, turn in enumerate(turns)))


def write_case(case: Case, file: Path, *, made: Mapping[str, Any] | None = None) -> None:
    """Write a case as JSON that `load_case` reads back as the same case."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(case_text(case, made=made), encoding="utf-8")


def case_text(case: Case, *, made: Mapping[str, Any] | None = None) -> str:
    """The text of a case's file. Raises ValueError as `case_document` does."""
    return _written(case_document(case, made=made)) + "\n"


def case_document(case: Case, *, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a case's file holds. Raises ValueError for what a file cannot say (recordings, raw bodies)."""
    document: dict[str, Any] = {"format": FORMAT}
    document |= {key: value for key, value in _said(case, _ALWAYS).items() if key != "turns"}
    if made is not None:
        document[_MADE] = dict(made)
    return document | {"turns": [_turn_document(turn) for turn in case.turns]}


def _json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as trouble:
        raise UsageError(f"{file}: cannot be read ({trouble}); give the path of a case file") from trouble
    except ValueError as trouble:
        raise UsageError(f"{file}: not JSON ({trouble}); a TOML file needs the suffix .toml") from trouble
    if not isinstance(document, dict):
        raise UsageError(f"{file}: a case is a JSON object, and this is none")
    return document


def _turn(file: Path, number: int, table: Any) -> Turn:
    place = f"turns[{number}]"
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {place} must be a table")
    answers = table.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise UsageError(f"{file}: `{place}.answers` must be a list of tables")
    try:
        read = tuple(read_answer(answer, file, f"{place}.answers[{n}]") for n, answer in enumerate(answers))
    except ScriptFileError as trouble:
        raise UsageError(str(trouble)) from trouble
    rest = {key: value for key, value in table.items() if key != "answers"}
    return Turn(**_fields(file, place, _TURN_FIELDS, rest), answers=read)


def _fields(file: Path, place: str, kinds: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a table, each checked against its type."""
    unknown = sorted(set(table) - set(kinds))
    if unknown:
        names = ", ".join(map(repr, unknown))
        raise UsageError(f"{file}: {place} has no key {names}; the keys are {', '.join(sorted(kinds))}")
    return {key: _checked(f"{file}: {place}: `{key}`", kinds[key], value) for key, value in table.items()}


def _checked(place: str, kind: Any, value: Any) -> Any:
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{place}: {first['msg']} (it is {first['input']!r})") from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _turn_document(turn: Turn) -> dict[str, Any]:
    if turn.raw_body is not None:
        raise ValueError("a turn with a raw body cannot be said in a case file")
    told = _said(turn, ()) | {"request": dict(turn.request)}
    if any(not isinstance(answer, Script | HttpFailure) for answer in turn.answers):
        raise ValueError("only scripts and failures can be said in a case file")
    answers = [answer_table(answer) for answer in turn.answers if isinstance(answer, Script | HttpFailure)]
    return {key: value for key, value in told.items() if key != "answers"} | {"answers": answers}


def _said(value: Case | Turn, always: Collection[str]) -> dict[str, Any]:
    """The fields that differ from their defaults, and those that are always told."""
    told = {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.name in always or getattr(value, field.name) != _default(field)
    }
    return {key: _plain(one) for key, one in told.items()}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _written(value: Any, depth: int = 0) -> str:
    """JSON for readers: what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + 2 * depth <= _WIDTH or not isinstance(value, dict | list) or not value:
        return _escaped(line)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    inner = ",\n".join("  " * (depth + 1) + entry for entry in _entries(value, depth + 1))
    return f"{opening}\n{inner}\n{'  ' * depth}{closing}"


def _entries(value: dict[str, Any] | list[Any], depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (
            f"{_escaped(json.dumps(key, ensure_ascii=False))}: {_written(one, depth)}" for key, one in value.items()
        )
    else:
        yield from (_written(one, depth) for one in value)


def _escaped(line: str) -> str:
    """With every character escaped that an editor may hide or take for a line end."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)
