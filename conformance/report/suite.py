"""Which suite judged."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from conformance.report.document import SuiteEntry

__all__ = ["describe_suite", "suite_version"]


def suite_version() -> str:
    """The version of the installed distribution; "unknown" in a checkout that is not installed."""
    try:
        return version("responses-conformance")
    except PackageNotFoundError:
        return "unknown"


def describe_suite(requirements: str | None) -> SuiteEntry:
    """The suite as the result document names it; the digest is of the recordings that ship with it."""
    from fakes.recording import digest

    return SuiteEntry(version=suite_version(), requirements=requirements, recordings=f"sha256:{digest()}")
