"""`--case-file`: cases in files are driven like the suite's own, and wrong files are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

TINY = Path(__file__).with_name("tiny_target.py")
COMMAND = f"{{python}} {TINY} --port {{port}} --upstream {{upstream}}"
RUN = ("run", "--target-command", COMMAND, "--dialect", "chat_completions", "--rule", "stream.created-first")
CASE: dict[str, Any] = {
    "format": 1,
    "id": "mine.hello",
    "summary": "A greeting.",
    "dialects": ["chat_completions"],
    "drives": ["stream"],
    "turns": [
        {
            "request": {
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}]
            },
            "answers": [{"parts": [{"type": "text", "text": "Hello there."}]}],
        }
    ],
}
TOML = """\
format = 1
id = "mine.hello"
summary = "A greeting."
drives = ["stream"]
[[turns]]
request = {input = [{type = "message", role = "user", content = [{type = "input_text", text = "Hi."}]}]}
[[turns.answers]]
parts = [{type = "text", text = "Hello there."}]
"""


def _file(folder: Path, **changes: Any) -> Path:
    file = folder / "case.json"
    file.write_text(json.dumps({key: value for key, value in (CASE | changes).items() if value is not None}))
    return file


def test_a_case_file_is_driven_alone(command: Any, tmp_path: Path) -> None:
    """Without --case only the file's case is driven, and the verdict says that it was only that."""
    done = command(*RUN, "--case-file", _file(tmp_path), "--json", "-")
    assert done.code == 0
    assert done.json["drives"] == 1
    assert "only the cases of case.json" in done.json["partial"]
    assert "--case-file" in done.json["rerun"]


def test_a_case_file_joins_the_cases_that_are_named(command: Any, tmp_path: Path) -> None:
    """With --case the file's case is one more to choose from."""
    done = command(*RUN, "--case-file", _file(tmp_path), "--case", "mine.*", "--case", "text.plain", "--json", "-")
    assert done.json["drives"] == 4


def test_a_case_file_may_be_toml(command: Any, tmp_path: Path) -> None:
    """People may write cases in TOML."""
    file = tmp_path / "case.toml"
    file.write_text(TOML)
    assert command(*RUN, "--case-file", file, "--json", "-").json["drives"] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "this suite reads format 1"),
        ({"id": None}, "`id` is missing or empty"),
        ({"summary": ""}, "`summary` is missing or empty"),
        ({"drives": ["sideways"]}, "`drives`"),
        ({"dialects": []}, "`dialects` is missing or empty"),
        ({"turns": []}, "`turns` must be a list of at least one turn"),
        ({"turns": [{"request": {}, "answers": [{"parts": [{"type": "song"}]}]}]}, "there is no part 'song'"),
        ({"turns": [{"request": {}, "answer": []}]}, "turns[0] has no key 'answer'"),
        ({"spice": 1}, "the case has no key 'spice'"),
        ({"id": "text.plain"}, "this is no file's own id"),
    ],
)
def test_a_wrong_file_is_told(command: Any, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """What is wrong in a file is a usage error that names the file (an id of the suite's own: both) and the key."""
    more = ("--case", "text.plain") if changes.get("id") == "text.plain" else ()
    done = command(*RUN, "--case-file", _file(tmp_path, **changes), *more)
    assert done.code == 4
    assert (said if not more else "more than one case has the id text.plain") in done.err
    assert more or "case.json" in done.err


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_file_that_holds_no_case_is_told(command: Any, tmp_path: Path, text: str) -> None:
    """A file that is no JSON object is a usage error that names it."""
    file = tmp_path / "broken.json"
    file.write_bytes(text.encode("latin-1"))
    done = command(*RUN, "--case-file", file)
    assert done.code == 4
    assert "broken.json" in done.err
