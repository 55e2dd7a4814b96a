"""Running the command line in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `responses-conformance` with these words."""

    def run(*words: str | Path) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def _event(kind: str, number: int, **fields: Any) -> str:
    data = {"type": kind, "sequence_number": number, **fields}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


@pytest.fixture
def stream() -> str:
    """A short stream whose order is right."""
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": []}
    return (
        _event("response.created", 0, response=response | {"status": "in_progress"})
        + _event("response.in_progress", 1, response=response | {"status": "in_progress"})
        + _event("response.completed", 2, response=response | {"status": "completed"})
    )


@pytest.fixture
def wrong_stream(stream: str) -> str:
    """The same without its first event: it begins with `response.in_progress`."""
    return stream.partition("\n\n")[2]
