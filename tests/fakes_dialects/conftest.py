"""What the tests of the dialects share: asking for an answer, and reading what was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fakes.dialects import get
from fakes.reply import Reply
from fakes.script import Dialect, Script

Encode = Callable[..., Reply]


@pytest.fixture
def encode() -> Encode:
    """Encode a script: `encode("vllm", script, stream=True, usage=True, **more keys of the request)`."""

    def answer(dialect: Dialect, script: Script, *, stream: bool = True, usage: bool = True, **more: Any) -> Reply:
        request: dict[str, Any] = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        if dialect != "messages" and stream and usage:
            request["stream_options"] = {"include_usage": True}
        return get(dialect).encode(script, {**request, **more})

    return answer


@pytest.fixture
def events() -> Callable[[Reply], list[Any]]:
    """The data of a streamed reply's events, parsed; `[DONE]` as that string."""

    def read(reply: Reply) -> list[Any]:
        found = []
        for block in reply.body.decode().split("\n\n"):
            for line in block.split("\n"):
                if line.startswith("data:"):
                    data = line.removeprefix("data:").removeprefix(" ")
                    found.append("[DONE]" if data.rstrip() == "[DONE]" else json.loads(data))
        return found

    return read
