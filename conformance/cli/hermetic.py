"""pytest, called so that nothing of the user's can change what it does.

In this process, not in another: the result is handed over as an object, an interrupt reaches the target's clean-up,
and the interpreter that already imported the installed suite is the one that goes on (a child started with
`python -m` would look into the current folder first, and find a user's `conformance/` there).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import conformance
from conformance.cli.judging import JUDGING, Judging
from conformance.errors import HarnessError

__all__ = ["hermetic_arguments", "run_pytest"]

PACKAGE = Path(conformance.__file__).parent


def hermetic_arguments() -> list[str]:
    """pytest's command line: no configuration, conftest, cache or plugin but the suite's own."""
    return [
        *("-p", "conformance.plugin"),
        *("-c", str(PACKAGE / "run.toml")),
        *("--rootdir", str(PACKAGE)),
        "--noconftest",
        "--import-mode=importlib",
        *("-p", "no:cacheprovider"),
        *("-p", "no:terminal"),  # the console's report is made from the result document
        "--capture=no",
        str(PACKAGE / "checks"),
    ]


def run_pytest(judging: Judging, maxfail: int | None = None) -> set[str]:
    """Run the items of a judging; the names of those that ran. Raises HarnessError when pytest broke down."""
    handover = _Handover(judging)
    limit = [f"--maxfail={maxfail}"] if maxfail else []
    with _clean_environment():
        status = pytest.main([*hermetic_arguments(), *limit], plugins=[handover])
    if judging.error is not None:
        raise judging.error
    if status is pytest.ExitCode.INTERRUPTED and judging.document is None:
        raise KeyboardInterrupt
    if judging.document is None or status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise HarnessError(f"pytest ended with {pytest.ExitCode(status).name} before anything was judged")
    return handover.told


class _Handover:
    """Gives pytest the judging that is prepared, and notes which items were told."""

    def __init__(self, judging: Judging) -> None:
        self.judging = judging
        self.told: set[str] = set()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Put the judging where the plugin looks for it."""
        config.stash[JUDGING] = self.judging

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note an item."""
        self.told.add(nodeid.partition("::")[2])


@contextmanager
def _clean_environment() -> Iterator[None]:
    """The process's environment without pytest's own variables, and with plugin autoload off."""
    before = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    for name in before:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ.update(before)
