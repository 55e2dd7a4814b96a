"""What several files of these tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SMALL_TARGET = Path(__file__).with_name("small_target.py")

TargetFile = Callable[..., str]


@pytest.fixture
def target_file(tmp_path: Path) -> TargetFile:
    """Writes a target file for the small target with a lie, and gives its path.

    `patience` is for how many seconds the target may be silent: what is no test of that waits out a busy machine.
    """

    def write(lie: str, more: str = "", start: str = "", patience: float = 10) -> str:
        file = tmp_path / f"{lie}.toml"
        file.write_text(
            f"""format = 1
name = "{lie}"
dialects = ["chat_completions"]
{more}
[deadlines]
first_byte = {patience}
idle = {patience}
[start]
command = ["{{python}}", "{SMALL_TARGET}", "{{port}}", "{{upstream}}", "{lie}"]
{start}
"""
        )
        return str(file)

    return write
