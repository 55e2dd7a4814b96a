"""The proxy over real sockets: commit, time, disconnects, errors, the store's endpoints."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import zstandard
from aiohttp import ClientSession, web

from reference.proxy.errors import ApiError

OVERLOAD = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'


def events(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream, without ``[DONE]``."""
    frames = [frame for frame in body.split(b"\n\n") if frame and frame != b"data: [DONE]"]
    return [json.loads(frame.split(b"\n")[1].removeprefix(b"data: ")) for frame in frames]


def answering(served: Any, *pieces: bytes, hold: bool = False) -> None:
    """Let the upstream answer with an event stream."""
    served.upstream.answer = lambda request: served.upstream.stream(request, *pieces, hold=hold)


def replying(served: Any, status: int, body: bytes, **headers: str) -> None:
    """Let the upstream answer with a plain body."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")

    served.upstream.answer = answer


def test_a_stream_and_a_document_say_the_same(serve: Callable[..., None], wire: Any) -> None:
    """Streamed or not, the same upstream bytes give the same response, with the right headers."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}, usage={"prompt_tokens": 1, "completion_tokens": 2}))
        status, headers, body = await served.post({"stream": True})
        assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/event-stream")
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-cache", "no")
        assert body.endswith(b"\n\ndata: [DONE]\n\n")
        streamed = events(body)[-1]["response"]
        status, headers, body = await served.post({"stream": False})
        assert (status, headers["Content-Type"]) == (200, "application/json")
        whole = json.loads(body)
        for response in (streamed, whole):
            for key in ("id", "created_at", "completed_at"):
                del response[key]
            del response["output"][0]["id"]
        assert streamed == whole
        assert [request[2]["stream"] for request in served.upstream.requests] == [True, True]
        assert "Authorization" not in served.upstream.requests[0][1]

    serve(scenario)


@pytest.mark.parametrize("path", ["", "/v1", "/v1/", "/api/v1"])
def test_the_upstreams_address_with_and_without_v1(serve: Callable[..., None], wire: Any, path: str) -> None:
    """Both forms of --upstream reach the same place."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
        assert (await served.post({}))[0] == 200
        prefix = path.rstrip("/").removesuffix("/v1")
        assert served.upstream.requests[0][0] == f"{prefix}/v1/chat/completions"

    from reference.proxy.config import upstream_root

    assert upstream_root(f"http://h:1{path}") == f"http://h:1{path.rstrip('/').removesuffix('/v1')}"
    serve(scenario, path=path.rstrip("/").removesuffix("/v1"))


def test_keys(serve: Callable[..., None], wire: Any) -> None:
    """The upstream gets the configured key, or the client's own, in the headers its kind wants."""

    async def configured(served: Any) -> None:
        answering(served, wire.messages(*wire.text_block(0, "Hi")))
        await served.post({}, headers={"Authorization": "Bearer client"})
        sent = served.upstream.requests[0][1]
        assert (sent["x-api-key"], sent["anthropic-version"]) == ("up", "2023-06-01")

    async def forwarded(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
        await served.post({}, headers={"Authorization": "Bearer client"})
        assert served.upstream.requests[0][1]["Authorization"] == "Bearer client"

    async def guarded(served: Any) -> None:
        status, _, body = await served.post({}, headers={"Authorization": "Bearer wrong"})
        assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
        assert served.upstream.requests == []

    serve(configured, dialect="messages", upstream_api_key="up")
    serve(forwarded, forward_client_key=True)
    serve(guarded, api_key="right")


@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_before_the_first_event_is_a_status(serve: Callable[..., None], wire: Any, stream: bool) -> None:
    """Upstream errors, early error events and empty answers are HTTP errors, streamed or not."""

    async def scenario(served: Any) -> None:
        replying(served, 429, b'{"error":{"message":"slow down"}}', **{"Retry-After": "7"})
        status, headers, body = await served.post({"stream": stream})
        assert (status, headers["Retry-After"]) == (429, "7")
        assert json.loads(body)["error"]["message"] == "slow down"
        answering(served, wire.data({"error": {"message": "bad", "code": 400}}, "[DONE]"))
        assert (await served.post({"stream": stream}))[0] == 400
        answering(served, b"")
        assert (await served.post({"stream": stream}))[0] == 502
        replying(served, 200, b"<html>")
        assert (await served.post({"stream": stream}))[0] == 502

    serve(scenario)


def test_a_failure_after_the_first_event_is_an_event(serve: Callable[..., None], wire: Any) -> None:
    """Once the upstream has begun, a failure is response.failed, even if both came in one read."""

    async def scenario(served: Any) -> None:
        begun = wire.messages(stop=None)
        for pieces in ([begun, OVERLOAD], [begun + OVERLOAD]):
            answering(served, *pieces)
            status, _, body = await served.post({"stream": True})
            assert (status, events(body)[-1]["type"]) == (200, "response.failed")
        answering(served, begun, OVERLOAD)
        assert (await served.post({"stream": False}))[0] == 503

    serve(scenario, dialect="messages")


def test_a_reset_connection_is_a_failure(serve: Callable[..., None], wire: Any) -> None:
    """A connection that breaks off fails the response; after a finish reason the answer is whole."""

    async def scenario(served: Any) -> None:
        for finish, expected in ((None, "response.failed"), ("stop", "response.completed")):
            seen = asyncio.Event()
            body = wire.chat({"content": "Hi"}, finish=finish, done=False)

            async def cut(request: web.Request, body: bytes = body, seen: asyncio.Event = seen) -> web.StreamResponse:
                response = await served.upstream.stream(request, body)
                await seen.wait()
                assert request.transport is not None
                request.transport.abort()
                return response

            served.upstream.answer = cut
            asked = {"model": "m", "input": "Hi", "stream": True}
            async with served.session.post(served.url + "/v1/responses", json=asked) as response:
                begun = await response.content.readuntil(b'"delta":"Hi","logprobs":[]}\n\n')
                seen.set()
                assert events(begun + await response.read())[-1]["type"] == expected

    serve(scenario)


def test_an_upstream_that_is_not_there(serve: Callable[..., None]) -> None:
    """A refused connection is a 502 that does not name the address."""

    async def scenario(served: Any) -> None:
        object.__setattr__(served.proxy.config, "upstream", "http://127.0.0.1:9")
        status, _, body = await served.post({})
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (502, "upstream_unreachable")
        assert "127.0.0.1" not in error["message"]

    serve(scenario)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a listener whose queue can be filled")
@pytest.mark.parametrize("stream", [True, False])
def test_an_upstream_that_does_not_accept(serve: Callable[..., None], stream: bool) -> None:
    """A connection that is not made in time is a 504 in OpenAI's form, streamed or not."""

    async def scenario(served: Any) -> None:
        with socket.socket() as deaf, ExitStack() as waiting:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for _ in range(8):  # more than the queue holds: who comes now is not answered at all
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(deaf.getsockname())
            object.__setattr__(served.proxy.config, "upstream", f"http://127.0.0.1:{deaf.getsockname()[1]}")
            status, _, body = await served.post({"stream": stream})
            assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_timeout")

    serve(scenario, connect_timeout=0.2)


@pytest.mark.parametrize("dialect", ["chat_completions", "messages"])
def test_signs_of_life_while_the_upstream_is_silent(serve: Callable[..., None], wire: Any, dialect: str) -> None:
    """in_progress is repeated with the items so far, before the first event and in the middle."""

    async def scenario(served: Any) -> None:
        proceed = asyncio.Event()
        whole = wire.chat({"content": "Hi"}) if dialect != "messages" else wire.messages(*wire.text_block(0, "Hi"))
        cut = whole.index(b"Hi") + 12
        cut = whole.index(b"\n\n", cut) + 2

        async def answer(request: web.Request) -> web.StreamResponse:
            await proceed.wait()
            proceed.clear()
            response = await served.upstream.stream(request, whole[:cut])
            await proceed.wait()
            await response.write(whole[cut:])
            return response

        served.upstream.answer = answer
        seen = []
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            assert response.status == 200
            while True:
                frame = await response.content.readuntil(b"\n\n")
                if frame.startswith(b"data"):
                    break
                event = events(frame)[0]
                seen.append(event)
                if event["type"] == "response.in_progress" and (event["response"]["output"] or len(seen) == 3):
                    proceed.set()
        silent = [event for event in seen if event["type"] == "response.in_progress"]
        assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
        assert silent[1]["response"]["output"] == []
        item = silent[-1]["response"]["output"][0]
        assert (item["status"], item["content"][0]["text"]) == ("in_progress", "Hi")
        assert seen[-1]["type"] == "response.completed"

    serve(scenario, dialect=dialect, keep_alive=0.05)


def test_an_upstream_that_only_pings_is_alive_and_says_nothing(serve: Callable[..., None], wire: Any) -> None:
    """Pings keep the upstream from being given up, and the client still gets its own signs of life."""

    async def scenario(served: Any) -> None:
        done = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = await served.upstream.stream(request, wire.messages(stop=None))
            while not done.is_set():
                await response.write(b'event: ping\ndata: {"type":"ping"}\n\n')
                await asyncio.sleep(0.02)
            await response.write(wire.messages(*wire.text_block(0, "Hi")))
            return response

        served.upstream.answer = answer
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            for _ in range(4):
                assert b"response.failed" not in await response.content.readuntil(b"\n\n")
            done.set()
            assert b"event: response.completed" in await response.read()

    serve(scenario, dialect="messages", keep_alive=0.3, idle_timeout=2)


def test_an_early_failure_after_a_sign_of_life(serve: Callable[..., None]) -> None:
    """With 200 already sent, an upstream's error status is delivered as response.failed."""

    async def scenario(served: Any) -> None:
        proceed = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            await proceed.wait()
            return web.json_response({"error": {"message": "slow"}}, status=429)

        served.upstream.answer = answer
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            await response.content.readuntil(b"\n\n")
            proceed.set()
            last = events(await response.read())[-1]
        assert last["type"] == "response.failed"
        assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow Please try again in 5s."}

    serve(scenario, keep_alive=0.05)


@pytest.mark.parametrize("stream", [True, False])
def test_a_silent_upstream_is_given_up(serve: Callable[..., None], wire: Any, stream: bool) -> None:
    """Silence beyond the idle time fails: a status where nothing was sent, an event in mid-stream."""

    async def scenario(served: Any) -> None:
        async def never(request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        served.upstream.answer = never
        assert (await served.post({"stream": stream}))[0] == 504
        answering(served, wire.chat({"content": "Hi"}, finish=None, done=False), hold=True)
        status, _, body = await served.post({"stream": stream})
        if stream:
            assert events(body)[-1]["response"]["error"]["code"] == "server_error"
        else:
            assert status == 504
        await served.upstream.gone.wait()

    serve(scenario, idle_timeout=0.5)


def test_a_finished_answer_does_not_wait_for_a_silent_socket(serve: Callable[..., None], wire: Any) -> None:
    """After a finish reason silence completes the response; after [DONE] nobody waits at all."""

    async def scenario(served: Any) -> None:
        for done in (True, False):
            answering(served, wire.chat({"content": "Hi"}, done=done), hold=True)
            assert events((await served.post({"stream": True}))[2])[-1]["type"] == "response.completed"

    serve(scenario, idle_timeout=0.5)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_the_upstream_is_closed_when_the_client_goes(
    serve: Callable[..., None], wire: Any, stream: bool, first: bool
) -> None:
    """A client that leaves, before the first byte or after it, ends the upstream's work, and nothing is stored."""

    async def scenario(served: Any) -> None:
        arrived = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            arrived.set()
            if not first:
                await asyncio.Event().wait()
            return await served.upstream.stream(
                request, wire.chat({"content": "Hi"}, finish=None, done=False), hold=True
            )

        served.upstream.answer = answer
        async with ClientSession() as client:
            asked = {"model": "m", "input": "Hi", "stream": stream}
            posting = asyncio.ensure_future(client.post(served.url + "/v1/responses", json=asked))
            await arrived.wait()
            if stream and first:
                await (await posting).content.readuntil(b"output_text.delta")
            posting.cancel()
        await served.upstream.gone.wait()
        assert served.proxy._store._count == 0

    serve(scenario)


def test_shutting_down_ends_streams_well(serve: Callable[..., None], wire: Any) -> None:
    """A running stream ends with response.failed when the server is told to stop."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}, finish=None, done=False), hold=True)
        asked = {"model": "m", "input": "Hi", "stream": True}
        async with served.session.post(served.url + "/v1/responses", json=asked) as response:
            await response.content.readuntil(b"output_text.delta")
            served.proxy.stop()
            assert b"event: response.failed" in await response.read()

    serve(scenario)


def test_two_requests_at_once_never_mix(serve: Callable[..., None], wire: Any) -> None:
    """Concurrent streams each carry their own text, ids and numbers."""

    async def scenario(served: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            name = (await request.json())["messages"][0]["content"]
            pieces = [wire.chat({"content": name}, finish=None, done=False)] * 5
            response = await served.upstream.stream(request)
            for piece in pieces:
                await response.write(piece)
                await asyncio.sleep(0)
            await response.write(wire.chat())
            return response

        served.upstream.answer = answer
        names = [f"<{number}>" for number in range(12)]
        answers = await asyncio.gather(*(served.post({"input": name, "stream": True}) for name in names))
        for name, (_, _, body) in zip(names, answers, strict=True):
            assert [event["sequence_number"] for event in events(body)] == list(range(len(events(body))))
            assert events(body)[-1]["response"]["output"][0]["content"][0]["text"] == name * 5
        assert len({events(body)[0]["response"]["id"] for _, _, body in answers}) == len(names)

    serve(scenario)


def test_a_conversation_by_id(serve: Callable[..., None], wire: Any) -> None:
    """previous_response_id brings back input and output, a call included, without the old instructions."""

    async def scenario(served: Any) -> None:
        tools = [{"type": "function", "name": "f"}]
        answering(served, wire.chat(wire.call(0, "{}", id="c1", name="f"), finish="tool_calls"))
        first = json.loads((await served.post({"tools": tools, "instructions": "Old."}))[2])
        answering(served, wire.chat({"content": "Done."}))
        result = [{"type": "function_call_output", "call_id": "c1", "output": "ok"}]
        asked = {"tools": tools, "previous_response_id": first["id"], "input": result, "stream": True}
        second = events((await served.post(asked))[2])[-1]["response"]
        assert second["previous_response_id"] == first["id"]
        assert [m["role"] for m in served.upstream.requests[-1][2]["messages"]] == ["user", "assistant", "tool"]
        url = f"{served.url}/v1/responses/{second['id']}"
        async with served.session.get(url) as response:
            assert await response.json() == second
        async with served.session.get(url + "/input_items?order=asc&limit=2") as response:
            page = await response.json()
        assert [item["type"] for item in page["data"]] == ["message", "function_call"]
        assert (page["has_more"], page["last_id"]) == (True, page["data"][1]["id"])
        async with served.session.get(f"{url}/input_items?order=asc&after={page['last_id']}") as response:
            assert [item["type"] for item in (await response.json())["data"]] == ["function_call_output"]
        async with served.session.delete(url) as response:
            assert await response.json() == {"id": second["id"], "object": "response", "deleted": True}
        async with served.session.get(url) as response:
            assert response.status == 404
        status, _, body = await served.post({"previous_response_id": second["id"]})
        error = json.loads(body)["error"]
        assert (status, error["code"], error["param"]) == (400, "previous_response_not_found", "previous_response_id")

    serve(scenario)


def test_listed_messages_have_one_form(serve: Callable[..., None], wire: Any) -> None:
    """What was given as a string, or as a message without type, is listed as a message with parts."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
        given = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
        listed = []
        for asked in ("b", given):
            made = json.loads((await served.post({"input": asked}))[2])
            async with served.session.get(f"{served.url}/v1/responses/{made['id']}/input_items?order=asc") as response:
                listed.append((await response.json())["data"])
        user = {"type": "message", "status": "completed", "role": "user"}
        user["content"] = [{"type": "input_text", "text": "b"}]  # type: ignore[assignment]
        spoken = [{"type": "output_text", "text": "a", "annotations": []}]
        assert all(item.pop("id").startswith("msg_") for item in [*listed[0], *listed[1]])
        assert listed == [[user], [{**user, "role": "assistant", "content": spoken}, user]]

    serve(scenario)


def test_what_is_not_stored_cannot_be_had(serve: Callable[..., None], wire: Any) -> None:
    """store false is echoed and meant; failed responses and other clients' are not there either."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
        unstored = json.loads((await served.post({"store": False}))[2])
        private = json.loads((await served.post({}, headers={"Authorization": "Bearer a"}))[2])
        assert (unstored["store"], private["store"]) == (False, True)
        for name in (unstored["id"], private["id"], "resp_x"):
            async with served.session.get(f"{served.url}/v1/responses/{name}") as response:
                assert response.status == 404
            assert (await served.post({"previous_response_id": name}))[0] == 400

    serve(scenario)


def test_item_references_are_resolved(serve: Callable[..., None], wire: Any) -> None:
    """A reference to a stored item stands for it; to an unknown one it is a 404, in OpenAI's words."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Blue."}))
        item = json.loads((await served.post({}))[2])["output"][0]
        question = {"role": "user", "content": "Why?"}
        await served.post({"input": [{"type": "item_reference", "id": item["id"]}, question]})
        assert served.upstream.requests[-1][2]["messages"][0]["content"] == "Blue."
        status, _, body = await served.post({"input": [{"type": "item_reference", "id": "msg_x"}, question]})
        assert status == 404
        assert json.loads(body)["error"] == {
            "message": "Item with id 'msg_x' not found.", "type": "invalid_request_error", "param": "input",
            "code": "item_not_found",
        }  # fmt: skip

    serve(scenario)


def test_a_stored_stream_is_replayed_unchanged(serve: Callable[..., None], wire: Any) -> None:
    """GET with stream=true gives the same bytes, from after the event asked for."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "a"}, {"content": "b"}))
        body = (await served.post({"stream": True}))[2]
        url = f"{served.url}/v1/responses/{events(body)[0]['response']['id']}?stream=true"
        async with served.session.get(url) as response:
            assert await response.read() == body
        async with served.session.get(url + "&starting_after=3") as response:
            assert events(await response.read()) == events(body)[4:]
        async with served.session.get(url + "&starting_after=0") as response:
            assert events(await response.read()) == events(body)[1:]
        for wrong in ("-1", "x", "", "1.5"):
            async with served.session.get(f"{url}&starting_after={wrong}") as response:
                assert (response.status, (await response.json())["error"]["param"]) == (400, "starting_after")
        document = json.loads((await served.post({}))[2])
        async with served.session.get(f"{served.url}/v1/responses/{document['id']}?stream=true") as response:
            assert response.status == 400

    serve(scenario)


def test_compressed_requests(serve: Callable[..., None], wire: Any) -> None:
    """zstd and gzip are read, bounded after decompression; other encodings are a 415, broken ones a 400."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
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
        replying(served, 200, b'{"data":[{"type":"model","id":"claude","display_name":"C","created_at":"2026"}]}')
        expected = {"id": "claude", "object": "model", "created": 0, "owned_by": "upstream"}
        async with served.session.get(served.url + "/v1/models") as response:
            assert await response.json() == {"object": "list", "data": [expected]}
        for name, status in (("claude", 200), ("other", 404)):
            async with served.session.get(f"{served.url}/v1/models/{name}") as response:
                assert response.status == status
        replying(served, 404, b'{"detail":"Not Found"}')
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
        replying(served, 200, answer)
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
            replying(served, status, b'{"detail":"x"}')
            given, _, body = await served.post({}, "/v1/responses/input_tokens")
            assert (given, json.loads(body)["error"]["code"]) == expected

    serve(scenario, dialect=dialect)


def test_compacting(serve: Callable[..., None], wire: Any) -> None:
    """The compact endpoint gives the user's messages and one blob that stands for the rest."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Sum."}, usage={"prompt_tokens": 1, "completion_tokens": 2}))
        status, _, body = await served.post({"input": "Long story"}, "/v1/responses/compact")
        compacted = json.loads(body)
        assert (status, compacted["object"], compacted["usage"]["total_tokens"]) == (200, "response.compaction", 3)
        assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
        await served.post({"input": [*compacted["output"], {"role": "user", "content": "Go on"}]})
        assert "Sum." in served.upstream.requests[-1][2]["messages"][1]["content"]
        status, _, body = await served.post({"model": None}, "/v1/responses/compact")
        assert (status, json.loads(body)["error"]["param"]) == (400, "model")

    serve(scenario)


def test_warnings_are_a_header(serve: Callable[..., None], wire: Any) -> None:
    """What was dropped is named in responses-proxy-warnings."""

    async def scenario(served: Any) -> None:
        answering(served, wire.chat({"content": "Hi"}))
        _, headers, _ = await served.post({"tools": [{"type": "web_search"}]})
        assert headers["responses-proxy-warnings"] == "web_search tool dropped"

    serve(scenario)


def test_an_internal_error_is_a_500_without_details(serve: Callable[..., None], monkeypatch: Any) -> None:
    """A fault of the proxy itself is OpenAI's error body, not a traceback."""

    async def scenario(served: Any) -> None:
        def broken(*args: Any) -> Any:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(served.proxy, "_translate", broken)
        status, _, body = await served.post({})
        assert (status, b"secret detail" in body) == (500, False)
        monkeypatch.setattr(served.proxy, "_translate", lambda *args: (_ for _ in ()).throw(ApiError(418, "t")))
        assert (await served.post({}))[0] == 418

    serve(scenario)


def test_a_store_that_fails_costs_nobody_an_answer(serve: Callable[..., None], wire: Any, monkeypatch: Any) -> None:
    """When a response cannot be stored the client still gets it whole."""

    async def scenario(served: Any) -> None:
        def full(*args: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(served.proxy._store, "put", full)
        answering(served, wire.chat({"content": "Hi"}))
        assert events((await served.post({"stream": True}))[2])[-1]["type"] == "response.completed"

    serve(scenario)


def test_a_fault_in_the_relay_is_a_500(serve: Callable[..., None], wire: Any, monkeypatch: Any) -> None:
    """A fault of the proxy after the request was sent upstream is an error body too."""

    async def scenario(served: Any) -> None:
        def broken(*args: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(served.proxy._store, "put", broken)
        answering(served, wire.chat({"content": "Hi"}))
        status, _, body = await served.post({"stream": False})
        assert (status, b"secret detail" in body) == (500, False)

    serve(scenario)
