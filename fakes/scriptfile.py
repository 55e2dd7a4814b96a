"""Scripts as TOML files that people write.

    finish = "tool_calls"           # optional: how it ends ("stop"); false for no finish reason
    quirks = ["tool-id-missing"]    # optional: deviations of the wire, by name
    usage = {input = 17, output = 9}   # optional; false for no usage

    [[parts]]
    type = "reasoning"
    text = "Let me look."           # sent word by word; or pieces = ["Let me ", "look."]

    [[parts]]
    type = "tool_call"
    name = "get_weather"
    arguments = '{"city": "Paris"}' # sent in fragments; or pieces = [...]; id = "call_1" is optional

A part's `type` is the name of a class of `fakes.script` in snake case; its other keys are that class's fields.
Several answers, given in order and then the last one again, are `[[answers]]` with `[[answers.parts]]`. An
answer may be a failure instead: `failure = {status = 429, code = "rate_limit", retry_after = "2"}`.

`read_answer` reads one such table, whatever file it stands in, and `answer_table` writes it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, get_args

from pydantic import TypeAdapter, ValidationError

from fakes import script
from fakes.errors import FakeError
from fakes.reply import HttpFailure
from fakes.script import Finish, Interleaved, Part, Script, Usage

__all__ = ["PART_TYPES", "PlainAnswer", "ScriptFileError", "answer_table", "load_answers", "read_answer"]

PlainAnswer: TypeAlias = Script | HttpFailure

PART_TYPES: Mapping[str, type[Any]] = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in get_args(Part)
}
"""The words for `type`, each with its class."""

_FRAGMENT = 6  # characters of arguments a piece, as a tokeniser might cut them


class ScriptFileError(FakeError):
    """Raised when a script file is wrong: names the file, the line or the field, and what to do."""

    def __init__(self, file: Path, place: str, problem: str, fix: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        self.fix = fix
        super().__init__(f"{file}: {place}: {problem}; {fix}")


def load_answers(file: Path) -> tuple[PlainAnswer, ...]:
    """The answers of a script file, at least one. Raises ScriptFileError."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptFileError(
            file, "the file", f"it cannot be read ({error})", "give the path of a TOML file"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ScriptFileError(file, _syntax_place(error), f"this is not TOML: {error}", "correct the syntax") from error
    reader = _Reader(file)
    if "answers" not in document:
        return (reader.answer(document, ""),)
    reader.only(document, {"answers"}, "the file")
    answers = reader.tables(document, "answers", "answers")
    if not answers:
        raise reader.error("answers", "there are no answers", "write at least one [[answers]] table")
    return tuple(reader.answer(answer, f"answers[{index}].") for index, answer in enumerate(answers))


def read_answer(table: Mapping[str, Any], file: Path, place: str) -> PlainAnswer:
    """The answer that a table spells; `place` is where it stands in the file. Raises ScriptFileError."""
    return _Reader(file).answer(table, f"{place}.")


def answer_table(answer: PlainAnswer) -> dict[str, Any]:
    """An answer as a table that `read_answer` reads back as the same answer; what is as always is left out.

    Raises UnicodeDecodeError for `Raw` bytes that are no UTF-8: no text file can say them.
    """
    if isinstance(answer, HttpFailure):
        return {"failure": _told(answer)}
    table: dict[str, Any] = {"parts": [_part_table(part) for part in answer.parts]}
    table["finish"] = answer.finish or False
    table["usage"] = False if answer.usage is None else _told(answer.usage)
    return table | ({"quirks": sorted(answer.quirks)} if answer.quirks else {})


def _part_table(part: Part) -> dict[str, Any]:
    kind = next(word for word, known in PART_TYPES.items() if isinstance(part, known))
    if isinstance(part, Interleaved):
        return {"type": kind, "parts": [_part_table(inner) for inner in part.parts]}
    return {"type": kind, **_told(part)}


def _told(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults, as TOML and JSON can say them."""
    told = {field.name: getattr(value, field.name) for field in fields(value) if _differs(value, field)}
    return {key: list(one) if isinstance(one, tuple) else _text(one) for key, one in told.items()}


def _differs(value: Any, field: Any) -> bool:
    return field.default is MISSING or getattr(value, field.name) != field.default


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _syntax_place(error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"line (\d+)", str(error))
    return f"line {found.group(1)}" if found else "the last line"


class _Reader:
    """Turns tables into scripts; keeps the file's name for what it has to say."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def error(self, place: str, problem: str, fix: str) -> ScriptFileError:
        return ScriptFileError(self.file, place, problem, fix)

    def only(self, table: Mapping[str, Any], known: set[str], place: str) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            names = ", ".join(map(repr, unknown))
            raise self.error(place, f"unknown key {names}", f"the keys are {', '.join(sorted(known))}")

    def tables(self, table: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.error(place, "this is no list of tables", f"write [[{key}]] before each one")
        return value

    def answer(self, table: Mapping[str, Any], prefix: str) -> PlainAnswer:
        if "failure" in table:
            self.only(table, {"failure"}, prefix.rstrip(".") or "the file")
            failure: HttpFailure = self.built(HttpFailure, table["failure"], f"{prefix}failure")
            return failure
        self.only(table, {"finish", "parts", "quirks", "usage"}, prefix.rstrip(".") or "the file")
        entries = enumerate(self.tables(table, "parts", f"{prefix}parts"))
        parts = tuple(self.part(part, f"{prefix}parts[{index}]") for index, part in entries)
        calls = any(isinstance(part, script.ToolCall) for part in parts)
        finish, usage = table.get("finish", "tool_calls" if calls else "stop"), table.get("usage", {})
        return Script(
            parts=parts,
            finish=None if finish is False else self.checked(Finish, finish, f"{prefix}finish"),
            usage=None if usage is False else self.built(Usage, usage, f"{prefix}usage"),
            quirks=frozenset(self.checked(list[str], table.get("quirks", []), f"{prefix}quirks")),
        )

    def part(self, table: Mapping[str, Any], place: str) -> Part:
        kind = table.get("type")
        known = f"the types are {', '.join(sorted(PART_TYPES))}"
        if kind is None:
            raise self.error(place, "it has no type", f"add one; {known}")
        if kind not in PART_TYPES:
            raise self.error(f"{place}.type", f"there is no part {kind!r}", known)
        rest = {key: value for key, value in table.items() if key != "type"}
        if kind == "interleaved":
            inner = enumerate(self.tables(rest, "parts", f"{place}.parts"))
            self.only(rest, {"parts"}, place)
            return Interleaved(tuple(self.part(part, f"{place}.parts[{index}]") for index, part in inner))
        part: Part = self.built(PART_TYPES[kind], _with_pieces(kind, rest), place)
        return part

    def built(self, kind: type[Any], values: Any, place: str) -> Any:
        """An instance of a dataclass from a table that has its fields' names."""
        if not isinstance(values, dict):
            raise self.error(place, "this is no table", f"write {place} = {{...}}")
        names = {field.name for field in fields(kind)}
        unknown = sorted(set(values) - names)
        if unknown:
            whole = {"arguments" if kind is script.ToolCall else "text"} if "pieces" in names else set()
            fix = f"the keys are {', '.join(sorted(names | whole))}"
            raise self.error(f"{place}.{unknown[0]}", "there is no such key", fix)
        return self.checked(kind, values, place)

    def checked(self, kind: Any, value: Any, place: str) -> Any:
        try:
            return _adapter(kind).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
            given = "" if first["type"] == "missing" else f" (it is {first['input']!r})"
            raise self.error(place + steps, f"{first['msg']}{given}", "correct the value") from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _fragments(arguments: str) -> list[str]:
    return [arguments[at : at + _FRAGMENT] for at in range(0, len(arguments), _FRAGMENT)]


_CUTTERS: Mapping[tuple[str, str], Callable[[str], list[str]]] = {
    ("text", "text"): _words,
    ("reasoning", "text"): _words,
    ("refusal", "text"): _words,
    ("tool_call", "arguments"): _fragments,
}


def _with_pieces(kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with its whole text or arguments cut into pieces."""
    result = dict(table)
    for (of, key), pieces in _CUTTERS.items():
        if of == kind and isinstance(result.get(key), str) and "pieces" not in result:
            result["pieces"] = pieces(result.pop(key))
    if kind == "tool_call":
        result.setdefault("pieces", [])
    return result
