"""Boundaries: with which statuses a target may say that it does not have what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

Body = dict[str, Any]
Tells = Callable[..., str]

_HI: Body = {"type": "message", "role": "user", "content": "Hi."}


@pytest.fixture
def tells(tells: Tells) -> Tells:
    """What a rule says of exchanges: "wrong", "right", or "nothing"."""

    def judged(rule: str, *exchanges: Exchange) -> str:
        made = Transcript("a", "vllm", [Drive("stream", list(exchanges))])
        return tells(rule, made)

    return judged


def _made(identity: str, *, store: bool, status: str = "completed") -> Exchange:
    answer = {"id": identity, "object": "response", "status": status, "output": []}
    return _exchange(200, {"store": store}, answer)


def _exchange(status: int, asked: Body, answer: Any = None) -> Exchange:
    body = {"model": "m", "stream": False, "input": [_HI], **asked}
    received = (Received(0.1, json.dumps(answer).encode()),)
    return Exchange(ClientRequest("POST", "/v1/responses", (), body), status, (), received)


def _fetched(identity: str, status: int) -> Exchange:
    received = (Received(0.1, b"{}"),)
    return Exchange(ClientRequest("GET", f"/v1/responses/{identity}", (), None), status, (), received)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        *((status, "right") for status in (400, 404, 405, 410, 501)),
        *((status, "wrong") for status in (200, 204, 302, 399)),
    ],
)
def test_what_was_not_to_be_stored_is_not_there(status: int, told: str, tells: Tells) -> None:
    """Any error says so; what was stored and is fetched before says nothing of it."""
    kept, unkept = _made("resp_kept", store=True), _made("resp_unkept", store=False)
    looks = (_fetched("resp_kept", 200), _fetched("resp_unkept", status))
    assert tells("store.false-leaves-nothing", kept, unkept, *looks) == told
    assert tells("store.false-leaves-nothing", kept, looks[0]) == "nothing"


@pytest.mark.parametrize(
    ("status", "told"),
    [(400, "right"), (404, "right"), (200, "wrong"), (401, "wrong"), (405, "wrong"), (500, "wrong")],
)
def test_what_failed_cannot_be_continued(status: int, told: str, tells: Tells) -> None:
    """The refusal says that there is nothing to go on from."""
    failed = _made("resp_failed", store=True, status="failed")
    assert (
        tells("store.failed-not-continued", failed, _exchange(status, {"previous_response_id": "resp_failed"})) == told
    )
    whole = _made("resp_whole", store=True)
    continued = _exchange(status, {"previous_response_id": "resp_whole"})
    assert tells("store.failed-not-continued", whole, continued) == "nothing"


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_reference_may_be_refused(status: int, tells: Tells) -> None:
    """Whether it names something or not, with any of three statuses."""
    refers = _exchange(status, {"input": [_HI, {"type": "item_reference", "id": "msg_unknown"}]})
    assert tells("store.item-reference-resolved", refers) == "right"
    assert tells("store.unknown-item-reference", refers) == "right"
    ignored = _exchange(200, {"input": [_HI, {"type": "item_reference", "id": "msg_unknown"}]})
    assert tells("store.unknown-item-reference", _made("resp_a", store=True), ignored) == "wrong"
