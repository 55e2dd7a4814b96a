"""`targets list` and `targets install`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import TargetError
from conformance.targets import Target, load_target, target_names

TARGET = """\
format = 1
name = "mine"
summary = "A target that needs a package of this folder."
dialects = ["vllm"]
[start]
command = ["{python}", "-m", "mine", "--port", "{port}"]
[install]
requirements = ["mine"]
"""


def test_list_names_every_target(command: Any) -> None:
    """Each target that ships is listed with its dialects."""
    done = command("targets", "list")
    assert done.code == 0
    for name in target_names():
        assert name in done.out
    assert "chat_completions, messages, vllm" in done.out


def test_list_json(command: Any) -> None:
    """`--json` gives name, dialects and whether it is installed."""
    entries = {entry["name"]: entry for entry in command("targets", "list", "--json").json}
    assert set(entries) == {load_target(name).name for name in target_names()}
    assert entries["reference"]["installed"] is True
    assert entries["reference"]["dialects"] == ["chat_completions", "messages", "vllm"]


def test_install_of_an_unknown_target_is_a_usage_error(command: Any) -> None:
    """A name that nobody knows exits 4 and names what there is."""
    done = command("targets", "install", "no-such-proxy")
    assert done.code == 4
    assert "reference" in done.err


def test_install_makes_each_named_target(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and target files are installed in turn, with progress on standard error."""
    file = tmp_path / "mine.toml"
    file.write_text(TARGET)
    installed: list[str] = []

    def install(target: Target, progress: Callable[[str], None]) -> Path:
        installed.append(target.name)
        progress(f"made {target.name}")
        return tmp_path

    monkeypatch.setattr("conformance.targets.install_target", install)
    done = command("targets", "install", "python-codex", file)
    assert done.code == 0
    assert installed == ["python-codex", "mine"]
    assert done.err == "made python-codex\nmade mine\n"


def test_what_pip_refuses_is_the_targets_trouble(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that cannot be installed exits 2 with pip's words."""

    def install(target: Target, _: Callable[[str], None]) -> Path:
        raise TargetError(f"pip could not install {target.name}", log="no such package\n")

    monkeypatch.setattr("conformance.targets.install_target", install)
    done = command("targets", "install", "python-codex")
    assert done.code == 2
    assert "pip could not install python-codex" in done.err
    assert "| no such package" in done.err
