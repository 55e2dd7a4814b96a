"""Which suite a result says it comes from."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from conformance.report import suite

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def _absent(name: str) -> str:
    raise PackageNotFoundError(name)


def test_an_installed_suite_says_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution's own."""
    monkeypatch.setattr(suite, "version", {"responses-conformance": "3.2.1"}.__getitem__)
    assert suite.suite_version() == "3.2.1"


def test_a_checkout_says_which_version_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project file's, and that it is no release."""
    monkeypatch.setattr(suite, "version", _absent)
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    monkeypatch.setattr(suite, "_PYPROJECT", PYPROJECT)
    assert suite.suite_version() == f"{project['version']} (checkout)"


def test_a_copied_package_does_not_guess(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is nothing to read it from."""
    monkeypatch.setattr(suite, "version", _absent)
    monkeypatch.setattr(suite, "_PYPROJECT", tmp_path / "pyproject.toml")
    assert suite.suite_version() == "unknown"
