"""`recordings lint`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fakes.recording import default_root, find


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with one recording, as it ships."""
    source = find(default_root() / "vllm")[0]
    target = tmp_path / source.relative_to(default_root())
    shutil.copytree(source, target)
    return target


def test_a_right_recording_has_no_problems(command: Any, copy: Path, tmp_path: Path) -> None:
    """A recording as it ships exits 0."""
    done = command("recordings", "lint", tmp_path)
    assert done.code == 0, done.out
    assert done.out == "1 recordings, 0 problems\n"


def test_a_problem_names_file_and_fix(command: Any, copy: Path, tmp_path: Path) -> None:
    """Bytes that do not add up exit 1 with the file's name."""
    body = next(copy.glob("body.*"))
    body.write_bytes(body.read_bytes() + b"more")
    done = command("recordings", "lint", tmp_path)
    assert done.code == 1
    assert copy.name in done.out


def test_those_that_ship_are_the_default(
    command: Any, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder the suite's own recordings are checked."""
    monkeypatch.setattr("fakes.recording.default_root", lambda: tmp_path)
    assert command("recordings", "lint").out == "1 recordings, 0 problems\n"


def test_an_empty_folder_is_a_problem(command: Any, tmp_path: Path) -> None:
    """A folder without recordings is not a success."""
    assert command("recordings", "lint", tmp_path).code == 1
