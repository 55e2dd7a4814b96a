"""Short ways to write upstream bytes and to fold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.fold import fold
from conformance.said import Said

SSE = (("Content-Type", "text/event-stream; charset=utf-8"),)
JSON = (("content-type", "application/json"),)


def events(*values: Any) -> bytes:
    """A stream of these JSON values; a string is put as data as it is, and bytes are put as they are."""
    out = b""
    for value in values:
        if isinstance(value, bytes):
            out += value
            continue
        name = f"event: {value['type']}\n" if isinstance(value, dict) and "type" in value else ""
        data = value if isinstance(value, str) else json.dumps(value)
        out += f"{name}data: {data}\n\n".encode()
    return out


@pytest.fixture
def chat() -> Callable[..., Said]:
    """Fold a chat stream of these values."""

    def folded(*values: Any, ended: str | None = "complete") -> Said:
        return fold("chat_completions", status=200, headers=SSE, body=events(*values), ended=ended)

    return folded


@pytest.fixture
def messages() -> Callable[..., Said]:
    """Fold a Messages stream of these values."""

    def folded(*values: Any, ended: str | None = "complete") -> Said:
        return fold("messages", status=200, headers=SSE, body=events(*values), ended=ended)

    return folded


@pytest.fixture
def whole() -> Callable[..., Said]:
    """Fold a JSON answer."""

    def folded(dialect: Any, value: Any, status: int = 200) -> Said:
        return fold(dialect, status=status, headers=JSON, body=json.dumps(value).encode())

    return folded
