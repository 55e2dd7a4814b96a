"""Stored responses over HTTP: continued, referenced, listed, replayed, deleted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any


def test_a_conversation_by_id(serve: Callable[..., None], wire: Any) -> None:
    """previous_response_id brings back input and output, a call included, without the old instructions."""

    async def scenario(served: Any) -> None:
        tools = [{"type": "function", "name": "f"}]
        served.answering(wire.chat(wire.call(0, "{}", id="c1", name="f"), finish="tool_calls"))
        first = json.loads((await served.post({"tools": tools, "instructions": "Old."}))[2])
        served.answering(wire.chat({"content": "Done."}))
        result = [{"type": "function_call_output", "call_id": "c1", "output": "ok"}]
        asked = {"tools": tools, "previous_response_id": first["id"], "input": result, "stream": True}
        second = served.events((await served.post(asked))[2])[-1]["response"]
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
        served.answering(wire.chat({"content": "Hi"}))
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
        served.answering(wire.chat({"content": "Hi"}))
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
        served.answering(wire.chat({"content": "Blue."}))
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
        served.answering(wire.chat({"content": "a"}, {"content": "b"}))
        body = (await served.post({"stream": True}))[2]
        url = f"{served.url}/v1/responses/{served.events(body)[0]['response']['id']}?stream=true"
        async with served.session.get(url) as response:
            assert await response.read() == body
        async with served.session.get(url + "&starting_after=3") as response:
            assert served.events(await response.read()) == served.events(body)[4:]
        async with served.session.get(url + "&starting_after=0") as response:
            assert served.events(await response.read()) == served.events(body)[1:]
        for wrong in ("-1", "x", "", "1.5"):
            async with served.session.get(f"{url}&starting_after={wrong}") as response:
                assert (response.status, (await response.json())["error"]["param"]) == (400, "starting_after")
        document = json.loads((await served.post({}))[2])
        async with served.session.get(f"{served.url}/v1/responses/{document['id']}?stream=true") as response:
            assert response.status == 400

    serve(scenario)


def test_a_store_that_fails_costs_nobody_an_answer(serve: Callable[..., None], wire: Any, monkeypatch: Any) -> None:
    """When a response cannot be stored the client still gets it whole."""

    async def scenario(served: Any) -> None:
        def full(*args: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(served.proxy._store, "put", full)
        served.answering(wire.chat({"content": "Hi"}))
        assert served.events((await served.post({"stream": True}))[2])[-1]["type"] == "response.completed"

    serve(scenario)
