"""Which suite judged."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conformance.report.document import SuiteEntry

__all__ = ["describe_suite", "suite_version"]


_PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def suite_version() -> str:
    """The version of the installed distribution ("0.1.0"); of a checkout that is not installed "0.1.0 (checkout)".

    "unknown" where the package was copied out of its checkout.
    """
    try:
        return version("responses-conformance")
    except PackageNotFoundError:
        if not _PYPROJECT.is_file():
            return "unknown"
        project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
        return f"{project['version']} (checkout)"


def describe_suite(requirements: str | None) -> SuiteEntry:
    """The suite as the result document names it; the digest is of the recordings that ship with it."""
    from fakes.recording import digest

    return SuiteEntry(version=suite_version(), requirements=requirements, recordings=f"sha256:{digest()}")
