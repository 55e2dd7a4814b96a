"""A dialect of two routes and no subtleties, and the upstream that speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fakes.faults import Faults
from fakes.log import Objection
from fakes.reply import Frame, HttpFailure, Reply
from fakes.script import Dialect, Reasoning, Script, Text
from fakes.upstream import FakeUpstream

STREAM = (("content-type", "text/event-stream; charset=utf-8"),)
JSON = (("content-type", "application/json"),)


class PlainDialect:
    """Chat-shaped events of one piece each; refuses a `temperature` that is not a number."""

    name: Dialect = "chat_completions"
    completion_path = "/v1/chat/completions"
    quirks = frozenset({"explode"})

    def encode(self, script: Script, request: Mapping[str, Any]) -> Reply:
        if "explode" in script.quirks:
            raise ZeroDivisionError("boom in the encoder")
        pieces = [piece for part in script.parts if isinstance(part, Text | Reasoning) for piece in part.pieces]
        if request.get("stream") is not True:
            return Reply(200, JSON, (Frame(json.dumps({"text": "".join(pieces)}).encode()),))
        frames = [Frame(event(piece), piece) for piece in pieces]
        return Reply(200, STREAM, (Frame(event("")), *frames, Frame(b"data: [DONE]\n\n")))

    def failure(self, failure: HttpFailure) -> Reply:
        body = failure.body or json.dumps({"error": {"message": failure.message, "code": failure.code}}).encode()
        headers = JSON if failure.retry_after is None else (*JSON, ("retry-after", failure.retry_after))
        return Reply(failure.status, headers, (Frame(body),))

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        return Reply(200, JSON, (Frame(b'{"data": []}'),)) if path == "/v1/models" else None

    def unknown_route(self, method: str, path: str) -> Reply:
        return Reply(404, JSON, (Frame(b'{"detail": "Not Found"}'),))

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        if isinstance(body, dict) and not isinstance(body.get("temperature", 1), int | float):
            refusal = {"error": {"message": "temperature must be a number"}}
            return (Objection("plain.temperature", "temperature", "not a number", "tests", 422, refusal),)
        return ()


def event(piece: str) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [{"index": 0, "delta": {"content": piece}}]}).encode() + b"\n\n"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream(PlainDialect(), faults=Faults(pause=0.05, stall_limit=5.0)) as fake:
        yield fake
