"""What the wheel and the sdist hold, and that the wheel is what gets tested."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("TOX_ROOT", Path(__file__).parents[2]))
PACKAGES = ("conformance", "fakes", "recordings", "reference")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a freshly built wheel and sdist."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
        text=True,
    )
    return out


@pytest.fixture(scope="module")
def wheel_names(built: Path) -> list[str]:
    """The file names in the wheel."""
    (wheel,) = built.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_wheel_ships_exactly_the_four_packages(wheel_names: list[str]) -> None:
    """The wheel's top-level folders are the four packages and its metadata."""
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize(
    "name",
    [
        "conformance/run.toml",
        "conformance/report/result.schema.json",
        "conformance/targets/reference.toml",
        "conformance/targets/python-codex.toml",
        "conformance/miniatures/miniatures.lock",
        "conformance/cases/generated/001.json",
        "conformance/py.typed",
        "fakes/py.typed",
        "reference/py.typed",
        "recordings/__init__.py",
    ],
)
def test_wheel_ships_the_data_that_runs_need(wheel_names: list[str], name: str) -> None:
    """Each file that a run reads from the package is in the wheel."""
    assert name in wheel_names


def test_wheel_ships_every_recording(wheel_names: list[str]) -> None:
    """Each recording folder of the checkout is whole in the wheel."""
    folders = [path.parent for path in (ROOT / "recordings").rglob("recording.toml")]
    assert len(folders) >= 180
    for folder in folders:
        for file in folder.iterdir():
            assert str(file.relative_to(ROOT)) in wheel_names


def test_nothing_in_the_wheel_changes_a_users_pytest_run(built: Path, wheel_names: list[str]) -> None:
    """No shipped package has a conftest.py, and there is no pytest11 entry point."""
    assert [name for name in wheel_names if name.endswith("conftest.py")] == []
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (entries,) = [name for name in wheel_names if name.endswith("entry_points.txt")]
    text = archive.read(entries).decode()
    assert "pytest11" not in text
    assert "responses-conformance = " in text
    assert "responses-proxy = " in text


def test_sdist_can_run_the_tests(built: Path) -> None:
    """The sdist holds what `tox` needs, and nothing of a machine."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tox.ini", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "docs/architecture.md"} <= names
    assert any(name.startswith("tests/packaging/") for name in names)
    assert [name for name in names if "__pycache__" in name or name.startswith((".tox", ".venv"))] == []


@pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="only tox installs the wheel that it tests")
@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_tested_is_the_installed_wheel(package: str) -> None:
    """Under tox, each package is imported from site-packages and not from the checkout."""
    module = __import__(package)
    assert module.__file__ is not None
    assert "site-packages" in Path(module.__file__).parts


def test_console_scripts_are_installed() -> None:
    """Both console scripts lead to functions that exist."""
    ours = {entry.name: entry for entry in entry_points(group="console_scripts") if entry.name.startswith("responses-")}
    assert set(ours) == {"responses-conformance", "responses-proxy"}
    assert all(callable(entry.load()) for entry in ours.values())
