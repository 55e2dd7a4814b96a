"""The installed command does its job wherever it is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("TOX_ROOT", Path(__file__).parents[2]))
COMMAND = [str(Path(sys.executable).with_name("responses-conformance")), "run", "--target", "reference"]
NARROW = ["--profile", "superset", "--dialect", "vllm", "--rule", "stream.*", "--case", "text.*"]


def _run(folder: Path, *more: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], dict[str, object]]:
    result = folder / "result.json"
    done = subprocess.run(
        [*COMMAND, *NARROW, "--json", str(result), *more],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done, json.loads(result.read_text()) if result.exists() else {}


def _assert_whole(done: subprocess.CompletedProcess[str], result: dict[str, object]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = result["verdicts"]
    assert isinstance(verdicts, list)
    assert len(verdicts) > 5
    assert "pass" in {verdict["outcome"] for verdict in verdicts}


def test_runs_from_an_empty_folder(tmp_path: Path) -> None:
    """From an empty folder the reference is judged, and conforms."""
    _assert_whole(*_run(tmp_path))


def test_runs_from_a_folder_that_masks_everything(tmp_path: Path) -> None:
    """Packages of the same names and a pytest.ini of the user's change nothing."""
    for package in ("conformance", "fakes", "recordings", "reference"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('the wrong package was imported')\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('a conftest of the user was read')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    _assert_whole(*_run(tmp_path, PYTEST_ADDOPTS="-k nothing", PYTEST_PLUGINS="no_such_plugin"))


@pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="only tox has the wheel beside the checkout")
def test_runs_from_the_repository(tmp_path: Path) -> None:
    """From the checkout's root the installed packages are used."""
    result = tmp_path / "result.json"
    done = subprocess.run(
        [*COMMAND, *NARROW, "--json", str(result)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    _assert_whole(done, json.loads(result.read_text()))
