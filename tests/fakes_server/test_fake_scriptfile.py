"""Scripts as TOML: every part can be written, and what is wrong is named with its place and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import HttpFailure, Script, Usage
from fakes.script import (
    Annotation,
    Comment,
    DeclaredCall,
    Dies,
    Error,
    Interleaved,
    Ping,
    Raw,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Silence,
    Text,
    ToolCall,
)
from fakes.scriptfile import PART_TYPES, ScriptFileError, load_answers

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "script.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


PARTS: dict[str, tuple[str, Any]] = {
    "text": ('text = "Hello wide world "', Text(("Hello", " wide", " world", " "))),
    "reasoning": ('pieces = ["a", "b"]\nsignature = "s"', Reasoning(("a", "b"), "s")),
    "redacted_reasoning": ('data = "x"', RedactedReasoning("x")),
    "refusal": ('text = "No."', Refusal(("No.",))),
    "annotation": ('url = "u"\ntitle = "t"\nstart = 0\nend = 2', Annotation("u", "t", 0, 2)),
    "tool_call": ("name = 'f'\narguments = '{\"city\": 1}'\nid = 'c'", ToolCall("f", ('{"city', '": 1}'), "c")),
    "declared_call": ('described = "d"\nnamed = ["a"]\ninput = "x"', DeclaredCall("d", ("a",), "x")),
    "ping": ("", Ping()),
    "comment": ('text = " hi"', Comment(" hi")),
    "silence": ("seconds = 1.5", Silence(1.5)),
    "raw": ('data = "data: x\\n\\n"', Raw(b"data: x\n\n")),
    "error": ('status = 529\nmessage = "m"', Error(529, "m")),
    "dies": ('how = "stall"', Dies("stall")),
    "interleaved": (
        '[[parts.parts]]\ntype = "tool_call"\nname = "f"\n[[parts.parts]]\ntype = "text"\ntext = "x"',
        Interleaved((ToolCall("f", ()), Text(("x",)))),
    ),
}


def test_every_part_of_a_script_has_a_word() -> None:
    """The types that a file may name are all the parts that there are."""
    assert set(PART_TYPES) == set(PARTS)


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_a_part_is_read(write: Write, kind: str) -> None:
    """Each part is read with its fields."""
    fields, part = PARTS[kind]
    (answer,) = load_answers(write(f'[[parts]]\ntype = "{kind}"\n{fields}\n'))
    assert isinstance(answer, Script)
    assert answer.parts == (part,)


def test_the_ending_is_read(write: Write) -> None:
    """Finish, usage and quirks are read; `false` leaves finish and usage out."""
    (answer,) = load_answers(write('finish = "length"\nusage = {input = 3, cached = 1}\nquirks = ["no-done"]\n'))
    assert answer == Script(finish="length", usage=Usage(input=3, cached=1), quirks=frozenset({"no-done"}))
    (answer,) = load_answers(write("finish = false\nusage = false\n"))
    assert answer == Script(finish=None, usage=None)


def test_a_call_finishes_with_tool_calls(write: Write) -> None:
    """Without a `finish` an answer with a call ends with `tool_calls`, any other with `stop`."""
    (answer,) = load_answers(write('[[parts]]\ntype = "tool_call"\nname = "f"\n'))
    assert isinstance(answer, Script)
    assert answer.finish == "tool_calls"
    (answer,) = load_answers(write(""))
    assert answer == Script()


def test_several_answers_and_failures(write: Write) -> None:
    """Several answers are tables of `answers`; one may be a failure."""
    failure = 'failure = {status = 429, code = "rate_limit", retry_after = "2"}'
    answers = load_answers(write(f'[[answers]]\n{failure}\n[[answers]]\nfinish = "stop"\n'))
    assert answers == (HttpFailure(429, "rate_limit", retry_after="2"), Script())


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("finish = 'stop'\nparts = [\n", "the last line", "correct the syntax"),
        ("finish = 'stop'\nx y\n", "line 2", "correct the syntax"),
        ("finsh = 'stop'", "the file", "the keys are finish, parts, quirks, usage"),
        ("finish = 'end'", "finish", "correct the value"),
        ("quirks = 'x'", "quirks", "correct the value"),
        ("usage = 3", "usage", "write usage = {...}"),
        ("usage = {inputs = 3}", "usage.inputs", "the keys are cache_write, cached, input, output, reasoning"),
        ("usage = {input = 'x'}", "usage.input", "correct the value"),
        ("parts = 3", "parts", "write [[parts]] before each one"),
        ("[[parts]]\ntext = 'x'", "parts[0]", "add one; the types are annotation, comment"),
        ("[[parts]]\ntype = 'ping'\n[[parts]]\ntype = 'txt'", "parts[1].type", "the types are annotation"),
        ("[[parts]]\ntype = 'text'\ntxt = 'x'", "parts[0].txt", "the keys are pieces, text"),
        ("[[parts]]\ntype = 'tool_call'\nargs = 'x'", "parts[0].args", "the keys are arguments, id, name, pieces"),
        ("[[parts]]\ntype = 'tool_call'", "parts[0].name", "correct the value"),
        ("[[parts]]\ntype = 'dies'\nhow = 'slowly'", "parts[0].how", "correct the value"),
        ("[[parts]]\ntype = 'interleaved'\n[[parts.parts]]\ntype = 'x'", "parts[0].parts[0].type", "the types are"),
        ("answers = []", "answers", "write at least one [[answers]] table"),
        ("finish = 'stop'\n[[answers]]", "the file", "the keys are answers"),
        ("[[answers]]\nx = 1", "answers[0]", "the keys are finish"),
        ("[[answers]]\nfailure = {code = 'auth'}", "answers[0].failure.status", "correct the value"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_wrong_is_named(write: Write, text: str, place: str, fix: str) -> None:
    """An error names the file, the line or field, and what to write instead."""
    file = write(text)
    with pytest.raises(ScriptFileError) as caught:
        load_answers(file)
    assert (caught.value.file, caught.value.place) == (file, place)
    assert fix in caught.value.fix
    assert str(caught.value).startswith(f"{file}: {place}: ")
