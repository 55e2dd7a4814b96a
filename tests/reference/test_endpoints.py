"""What else is served: models, counting, compaction; keys, encodings and paths of requests."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import zstandard


def test_keys(serve: Callable[..., None], wire: Any) -> None:
    """The upstream gets the configured key, or the client's own, in the headers its kind wants."""

    async def configured(served: Any) -> None:
        served.answering(wire.messages(*wire.text_block(0, "Hi")))
        await served.post({}, headers={"Authorization": "Bearer client"})
        sent = served.upstream.requests[0][1]
        assert (sent["x-api-key"], sent["anthropic-version"]) == ("up", "2023-06-01")

    async def forwarded(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}))
        await served.post({}, headers={"Authorization": "Bearer client"})
        assert served.upstream.requests[0][1]["Authorization"] == "Bearer client"

    async def guarded(served: Any) -> None:
        status, _, body = await served.post({}, headers={"Authorization": "Bearer wrong"})
        assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
        assert served.upstream.requests == []

    serve(configured, dialect="messages", upstream_api_key="up")
    serve(forwarded, forward_client_key=True)
    serve(guarded, api_key="right")


def test_compressed_requests(serve: Callable[..., None], wire: Any) -> None:
    """zstd and gzip are read, bounded after decompression; other encodings are a 415, broken ones a 400."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Hi"}))
        good = json.dumps({"model": "m", "input": "Hi"}).encode()
        bomb = b'{"model":"' + b"m" * 3_000_000 + b'"}'
        table = [
            (zstandard.compress(good), "zstd", 200),
            (gzip.compress(good), "gzip", 200),
            (good, "identity", 200),
            (zstandard.compress(bomb), "zstd", 413),
            (gzip.compress(bomb), "gzip", 413),
            (bomb, "identity", 413),
            (good, "zstd", 400),
            (good, "gzip", 400),
            (good, "br", 415),
        ]
        for data, encoding, expected in table:
            headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
            sent = io.BytesIO(data)
            async with served.session.post(served.url + "/v1/responses", data=sent, headers=headers) as response:
                assert response.status == expected, (encoding, expected)
                if expected != 200:
                    assert set((await response.json())["error"]) == {"message", "type", "param", "code"}

    serve(scenario, max_body_bytes=1 << 20)


def test_other_paths_answer_in_openais_form(serve: Callable[..., None]) -> None:
    """Unknown paths, wrong methods and a websocket upgrade are JSON errors; health is there."""

    async def scenario(served: Any) -> None:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        table = [
            ("GET", "/v1/responses", upgrade, 426), ("GET", "/v1/responses", {}, 405), ("GET", "/v1/nothing", {}, 404),
            ("PUT", "/v1/responses", {}, 405), ("GET", "/v1/responses/resp_x", {}, 404),
            ("POST", "/v1/responses/resp_x/cancel", {}, 404),
        ]  # fmt: skip
        for method, path, headers, expected in table:
            async with served.session.request(method, served.url + path, headers=headers) as response:
                assert response.status == expected
                assert "message" in (await response.json())["error"]

    serve(scenario)


def test_models(serve: Callable[..., None]) -> None:
    """The upstream's models are listed in OpenAI's form; an upstream without a list has none."""

    async def scenario(served: Any) -> None:
        served.replying(200, b'{"data":[{"type":"model","id":"claude","display_name":"C","created_at":"2026"}]}')
        expected = {"id": "claude", "object": "model", "created": 0, "owned_by": "upstream"}
        async with served.session.get(served.url + "/v1/models") as response:
            assert await response.json() == {"object": "list", "data": [expected]}
        for name, status in (("claude", 200), ("other", 404)):
            async with served.session.get(f"{served.url}/v1/models/{name}") as response:
                assert response.status == status
        served.replying(404, b'{"detail":"Not Found"}')
        async with served.session.get(served.url + "/v1/models") as response:
            assert await response.json() == {"object": "list", "data": []}

    serve(scenario)


@pytest.mark.parametrize(
    ("dialect", "path", "answer", "expected"),
    [
        ("messages", "/v1/messages/count_tokens", b'{"input_tokens": 7}', (200, 7)),
        ("vllm", "/tokenize", b'{"count": 7, "tokens": []}', (200, 7)),
        ("vllm", "/tokenize", b'{"tokens": []}', (502, None)),
        ("chat_completions", "", b"{}", (501, None)),
    ],
)
def test_counting_tokens(serve: Callable[..., None], dialect: str, path: str, answer: bytes, expected: Any) -> None:
    """The upstream counts where it can; a count is never invented."""

    async def scenario(served: Any) -> None:
        served.replying(200, answer)
        status, _, body = await served.post({}, "/v1/responses/input_tokens")
        assert (status, json.loads(body).get("input_tokens")) == expected
        if path:
            assert served.upstream.requests[0][0] == path

    serve(scenario, dialect=dialect)


@pytest.mark.parametrize("dialect", ["messages", "vllm"])
def test_an_upstream_that_cannot_count(serve: Callable[..., None], dialect: str) -> None:
    """An upstream of a kind that could count but lacks the endpoint is a 501; its other errors stay what they are."""

    async def scenario(served: Any) -> None:
        for status, expected in ((404, (501, "not_implemented")), (429, (429, None))):
            served.replying(status, b'{"detail":"x"}')
            given, _, body = await served.post({}, "/v1/responses/input_tokens")
            assert (given, json.loads(body)["error"]["code"]) == expected

    serve(scenario, dialect=dialect)


def test_compacting(serve: Callable[..., None], wire: Any) -> None:
    """The compact endpoint gives the user's messages and one blob that stands for the rest."""

    async def scenario(served: Any) -> None:
        served.answering(wire.chat({"content": "Sum."}, usage={"prompt_tokens": 1, "completion_tokens": 2}))
        status, _, body = await served.post({"input": "Long story"}, "/v1/responses/compact")
        compacted = json.loads(body)
        assert (status, compacted["object"], compacted["usage"]["total_tokens"]) == (200, "response.compaction", 3)
        assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
        await served.post({"input": [*compacted["output"], {"role": "user", "content": "Go on"}]})
        assert "Sum." in served.upstream.requests[-1][2]["messages"][1]["content"]
        status, _, body = await served.post({"model": None}, "/v1/responses/compact")
        assert (status, json.loads(body)["error"]["param"]) == (400, "model")

    serve(scenario)
