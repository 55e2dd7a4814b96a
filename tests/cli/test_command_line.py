"""The command line as a whole: help, usage errors, internal errors, start-up time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.cli.main import COMMANDS
from conformance.errors import HarnessError, TargetError

SOURCE = str(Path(conformance.__file__).parents[1])


def _process(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    )


def test_help_names_every_command(command: Any) -> None:
    """`--help` lists all commands, shows examples and explains the exit codes."""
    done = command("--help")
    assert done.code == 0
    for name in COMMANDS:
        assert f"    {name} " in done.out or f"    {name}\n" in done.out
    assert "--target-command" in done.out
    assert "exit codes: 0" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(command: Any, name: str) -> None:
    """`COMMAND --help` exits 0, says what the command does, and shows how it is used."""
    done = command(name, "--help")
    assert done.code == 0
    assert "example" in done.out
    assert f"responses-conformance {name}" in done.out


def test_the_miniatures_and_rules_that_help_names_exist(command: Any) -> None:
    """What the examples of the help name can be typed as it stands."""
    import re

    from conformance.miniatures import get
    from conformance.rules import REGISTRY

    text = "".join(command(name, "--help").out for name in COMMANDS)
    names = re.findall(r"miniature:([a-z-]+)", text)
    assert [get(name).name for name in names] == names != []
    rules = re.findall(r"explain ([a-z]+\.[a-z-]+)", text)
    assert rules
    assert set(rules) <= REGISTRY.keys()


def test_no_command_shows_the_help_and_is_a_usage_error(command: Any) -> None:
    """Without a command there is nothing to do: help, and exit 4."""
    done = command()
    assert done.code == 4
    assert "usage:" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("runn",),
        ("explain",),
        ("explain", "no.such-rule"),
        ("list", "--profile", "gemini"),
        ("list", "--rule", "no.such-rule"),
        ("list", "--observed", "/no/such/file.json"),
        ("lint", "/no/such/file.sse"),
        ("recordings",),
        ("recordings", "lint", "/no/such/folder"),
        ("show", "/no/such/transcript.json"),
        ("run", "--no-such-option"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_4(command: Any, words: tuple[str, ...]) -> None:
    """What the user got wrong is said in one line on standard error, without a traceback."""
    done = command(*words)
    assert done.code == 4
    assert done.out == ""
    assert done.err.startswith("responses-conformance: ")
    assert done.err.count("\n") == 1


def test_an_unknown_rule_names_its_neighbours(command: Any) -> None:
    """A misspelt rule id is answered with those that look like it."""
    assert "stream.created-first" in command("explain", "stream.create-first").err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (TargetError("it exited with 3", log="boom\n"), 2, ("the target: it exited with 3", "| boom")),
        (HarnessError("the fake is wrong"), 2, ("internal error", "the fake is wrong")),
        (ZeroDivisionError("oh"), 2, ("internal error", "ZeroDivisionError: oh", "test_command_line.py")),
        (KeyboardInterrupt(), 2, ("interrupted",)),
    ],
)
def test_trouble_has_a_line_and_exit_2(
    command: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: tuple[str, ...]
) -> None:
    """Trouble exits 2 and says whose fault it is; a traceback is shown only on request."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr("conformance.cli.explain.run", fail)
    done = command("explain", "x")
    assert done.code == code
    for word in words:
        assert word in done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With RESPONSES_CONFORMANCE_DEBUG an internal error shows where it came from."""

    def fail(*_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("conformance.cli.explain.run", fail)
    monkeypatch.setenv("RESPONSES_CONFORMANCE_DEBUG", "1")
    assert "Traceback" in command("explain", "x").err


def test_version(command: Any) -> None:
    """`--version` names the program and a version."""
    done = command("--version")
    assert done.code == 0
    assert done.out.startswith("responses-conformance ")


def test_help_starts_at_once() -> None:
    """`--help` and `run --help` answer without importing what takes long: SDKs, servers, schemas, pytest."""
    for words in (["--help"], ["run", "--help"]):
        code = (
            "import sys; from conformance.cli import main; main(sys.argv[1:]);"
            "heavy = {'openai', 'anthropic', 'pydantic', 'pytest', 'pytest_httpserver', 'jsonschema', 'requests',"
            " 'aiohttp', 'werkzeug', 'conformance.checks', 'conformance.cases'} & set(sys.modules);"
            "print(heavy or 'light', file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=os.environ | {"PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.strip() == "light"


def test_a_reader_that_leaves_is_no_error() -> None:
    """`list | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m conformance list | head -1",
        shell=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_output_that_cannot_be_encoded_is_escaped() -> None:
    """On an ASCII terminal the report is shown with escapes instead of failing."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "list", "--cases"],
        env=os.environ | {"PYTHONPATH": SOURCE, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
