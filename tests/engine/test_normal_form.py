"""Normal forms keep what a target says and drop what two right runs may differ in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.normal_form import (
    Difference,
    difference,
    drive_difference,
    final_response,
    normal_form,
    response_form,
)
from conformance.transcript import ClientRequest, Drive, Exchange, Received, StreamEnd

Json = dict[str, Any]


def stream(*events: Json, ended: StreamEnd = "complete") -> Exchange:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    headers = (("content-type", "text/event-stream"),)
    request = ClientRequest("POST", "/v1/responses", (), {"stream": True})
    return Exchange(request, 200, headers, (Received(0.1, body.encode()),), ended)


def whole(body: Json, status: int = 200) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {"stream": False})
    return Exchange(request, status, (), (Received(0.1, json.dumps(body).encode()),))


def delta(text: str, index: int = 0, part: int = 0, item: str = "msg_1", **keys: Any) -> Json:
    kind = "response.output_text.delta"
    return {"type": kind, "item_id": item, "output_index": index, "content_index": part, "delta": text, **keys}


def drive(*exchanges: Exchange) -> Drive:
    return Drive("stream", list(exchanges))


def differ(left: Exchange, right: Exchange) -> Difference | None:
    return drive_difference(drive(left), drive(right))


CREATED = {"type": "response.created", "response": {"id": "resp_1", "created_at": 5, "output": []}}
PROGRESS = {"type": "response.in_progress", "response": {"id": "resp_1"}}
DONE = {"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": "ab"}

SAME = [
    pytest.param(stream(delta("a"), delta("b")), stream(delta("ab")), id="cuts of deltas"),
    pytest.param(stream(delta("a", sequence_number=3)), stream(delta("a", sequence_number=9)), id="numbers"),
    pytest.param(stream(delta("a", obfuscation="xyz")), stream(delta("a")), id="obfuscation"),
    pytest.param(stream(delta("a", item="msg_1")), stream(delta("a", item="msg_2")), id="ids"),
    pytest.param(
        whole({"created_at": 1, "completed_at": 2}), whole({"created_at": 3, "completed_at": 4.5}), id="times"
    ),
    pytest.param(whole({"encrypted_content": "A"}), whole({"encrypted_content": "B"}), id="blobs"),
    pytest.param(stream(PROGRESS, PROGRESS, delta("a")), stream(PROGRESS, delta("a")), id="progress once more"),
    pytest.param(stream({"type": "ping"}, delta("a")), stream(delta("a")), id="pings"),
    pytest.param(stream(delta("a"), {"type": "keepalive"}, delta("b")), stream(delta("ab")), id="a ping in a run"),
    pytest.param(whole({"model": "cfxabcdefghij"}), whole({"model": "cfx2345672345"}), id="tokens"),
    pytest.param(
        stream(delta("a", 0), delta("x", 1), delta("b", 0), delta("y", 1)),
        stream(delta("ab", 0), delta("xy", 1)),
        id="how alternating items are grouped",
    ),
]

OTHER = [
    pytest.param(stream(delta("a")), stream(delta("b")), "events[0].delta", id="text"),
    pytest.param(stream(delta("a")), stream(delta("a"), DONE), "events[1]", id="an event more"),
    pytest.param(stream(delta("a", 0)), stream(delta("a", 1)), "events[0].output_index", id="an index"),
    pytest.param(stream(delta("a"), DONE, delta("b")), stream(delta("ab"), DONE), "events[0].delta", id="after done"),
    pytest.param(
        stream(CREATED, delta("a", item="resp_1")),
        stream(CREATED, delta("a", item="msg_1")),
        "events[1].item_id",
        id="one id for two things",
    ),
    pytest.param(whole({}, 200), whole({}, 500), "status", id="the status"),
    pytest.param(stream(delta("a")), stream(delta("a"), ended="reset"), "ended", id="the end"),
    pytest.param(whole({"metadata": {"id": "a"}}), whole({"metadata": {"id": "b"}}), "body.metadata.id", id="metadata"),
    pytest.param(whole({"completed_at": None}), whole({"completed_at": 5}), "body.completed_at", id="no time at all"),
    pytest.param(whole({"strict": True}), whole({"strict": 1}), "body.strict", id="true is not 1"),
    pytest.param(whole({"a": 1}), whole({"b": 1}), "body.a", id="another key"),
    pytest.param(stream(PROGRESS, delta("a")), stream(delta("a")), "events[0].type", id="progress missing"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_what_may_differ_is_taken_away(left: Exchange, right: Exchange) -> None:
    """What two right runs may differ in leaves no trace."""
    assert differ(left, right) is None
    assert differ(right, left) is None


@pytest.mark.parametrize(("left", "right", "path"), OTHER)
def test_what_must_not_differ_stays(left: Exchange, right: Exchange, path: str) -> None:
    """What a client could notice is found, and the path leads to it."""
    found = differ(left, right)
    assert found is not None
    assert found.path == path
    assert differ(right, left) is not None


def test_ids_are_named_throughout_a_drive() -> None:
    """An id of the first turn that the second one uses again is the same id."""
    left = drive(whole({"id": "r1"}), whole({"id": "r2", "previous_response_id": "r1"}))
    same = drive(whole({"id": "x"}), whole({"id": "y", "previous_response_id": "x"}))
    other = drive(whole({"id": "x"}), whole({"id": "y", "previous_response_id": "z"}))
    assert drive_difference(left, same) is None
    assert (found := drive_difference(left, other)) is not None
    assert found.path == "turn 2.body.previous_response_id"


def test_a_missing_turn_is_a_difference() -> None:
    """A drive that stopped early differs from one that went on."""
    found = drive_difference(drive(whole({}), whole({})), drive(whole({})))
    assert found is not None
    assert (found.path, found.right) == ("turn 2", Difference.MISSING)


def test_a_stream_and_a_json_answer_share_their_final_response() -> None:
    """The Response object of the terminal event and the JSON body have one normal form."""
    response = {"id": "resp_1", "created_at": 1, "output": [{"id": "msg_1", "type": "message"}]}
    streamed = stream(CREATED, {"type": "response.completed", "response": response})
    assert final_response(streamed) == response
    other = whole({"id": "resp_9", "created_at": 2, "output": [{"id": "msg_7", "type": "message"}]})
    assert response_form(streamed) == response_form(other)
    assert response_form(stream(CREATED)) is None


def test_the_order_of_keys_says_nothing() -> None:
    """An object written from its last key to its first has the same form, its ids the same names."""
    response = {"id": "resp_1", "output": [{"id": "msg_1", "type": "message"}], "previous_response_id": "resp_0"}
    turned = {key: response[key] for key in reversed(response)}
    assert json.dumps(response_form(whole(response))) == json.dumps(response_form(whole(turned)))


def test_the_form_is_made_of_plain_values() -> None:
    """A normal form can be written as JSON and shown."""
    form = normal_form(stream(CREATED, delta("a"), DONE))
    assert json.loads(json.dumps(form)) == form
    assert form["events"][0]["response"] == {"id": "<id 1>", "created_at": "<time>", "output": []}


def test_a_difference_reads_well() -> None:
    """A difference names the path and both values."""
    assert str(difference({"a": [1, 2]}, {"a": [1, 3]})) == "at a[1]: 2 against 3"
    assert difference({"a": [1]}, {"a": [1]}) is None
    assert str(difference(1, 2)) == "at the whole: 1 against 2"
