"""Environments of targets: a virtual environment each, in the user's cache, never the suite's own.

    $XDG_CACHE_HOME/responses-conformance/targets/<name>-<digest>/

The digest is that of what is to be installed, so that a changed target file makes a new environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conformance.errors import TargetError, UsageError
from conformance.targets.target import Install, Target

__all__ = ["cache_folder", "environment_folder", "environment_python", "install_target", "is_installed"]

_MARKER = "installed.json"
_PIP_DEADLINE = 1800.0  # seconds


def cache_folder() -> Path:
    """Where environments are kept: below `$XDG_CACHE_HOME`, else `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME") or ""
    base = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return base / "responses-conformance" / "targets"


def environment_folder(target: Target) -> Path:
    """The folder of a target's environment, made or not. Raises UsageError when it needs none."""
    install = _needs(target)
    recipe = json.dumps([sorted(install.requirements), install.python or f"{sys.version_info[:2]}"])
    return cache_folder() / f"{target.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def is_installed(target: Target) -> bool:
    """Whether the target can be started: it needs no environment, or has it."""
    return target.install is None or (environment_folder(target) / _MARKER).is_file()


def environment_python(target: Target) -> Path:
    """The Python that `{python}` stands for. Raises TargetError when the target is not installed."""
    if target.install is None:
        return Path(sys.executable)
    if not is_installed(target):
        raise TargetError(
            f"{target.name} is not installed: run `responses-conformance targets install {_named(target)}` first"
        )
    return environment_folder(target) / "bin" / "python"


def install_target(target: Target, progress: Callable[[str], None] = lambda _line: None) -> Path:
    """Make the environment of a target, unless it stands already; returns its folder.

    Raises UsageError when the target needs none or the Python it asks for is absent, TargetError with pip's
    output when pip fails.
    """
    install = _needs(target)
    folder = environment_folder(target)
    if is_installed(target):
        progress(f"{target.name} is installed already in {folder}")
        return folder
    python = _interpreter(install)
    progress(f"making an environment with {python} in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run([python, "-m", "venv", str(folder)], f"{python} cannot make a virtual environment")
    progress(f"installing {', '.join(install.requirements)}")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    _run([*pip, *install.requirements], f"pip could not install {target.name}")
    (folder / _MARKER).write_text(json.dumps({"requirements": install.requirements}) + "\n", encoding="utf-8")
    progress(f"installed {target.name}")
    return folder


def _needs(target: Target) -> Install:
    if target.install is None:
        raise UsageError(f"{target.name} needs no environment: its file has no [install]")
    return target.install


def _named(target: Target) -> str:
    own = target.file is None or target.file.parent == Path(__file__).parent
    return target.name if own else str(target.file)


def _interpreter(install: Install) -> str:
    if install.python in (None, f"{sys.version_info.major}.{sys.version_info.minor}"):
        return sys.executable
    found = shutil.which(f"python{install.python}")
    if found is None:
        raise UsageError(f"this target needs python{install.python}, which is not on PATH: install it first")
    return found


def _run(command: list[str], problem: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(  # noqa: S603
            command, env=env, capture_output=True, text=True, timeout=_PIP_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired as trouble:
        raise TargetError(f"{problem}: not done after {_PIP_DEADLINE:.0f} s") from trouble
    if done.returncode:
        raise TargetError(f"{problem} (status {done.returncode})", done.stdout + done.stderr)
