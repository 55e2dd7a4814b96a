"""Boundaries: which statuses each of the other routes may answer with, and to which requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_ASKED: Body = {"model": "m", "store": True, "input": [{"type": "message", "role": "user", "content": "Hi."}]}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}


def _http(
    status: int | None, answer: Any = None, method: str = "POST", path: str = "/responses", **headers: str
) -> Exchange:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = ClientRequest(method, f"/v1{path}", sent, _ASKED if method == "POST" else None)
    kind = (("content-type", "application/json"),)
    return Exchange(request, status, kind, (Received(0.1, json.dumps(answer).encode()),))


def _made(*exchanges: Exchange, **facts: Any) -> Transcript:
    return Transcript("a", "vllm", [Drive("json", list(exchanges))], facts=facts)


@pytest.mark.parametrize("coding", ["gzip", "ZSTD"])
@pytest.mark.parametrize(
    ("status", "told"),
    [(200, "right"), (413, "right"), (415, "right"), (400, "wrong"), (414, "wrong"), (300, "wrong"), (None, "wrong")],
)
def test_a_packed_body_is_read_or_refused_as_packed(coding: str, status: int | None, told: str, tells: Tells) -> None:
    """With the status for codings, or the one for what is too large; of a bomb another rule tells."""
    packed = _http(status, _ANSWER, Content_Encoding=coding)
    assert tells("endpoint.packed-body", _made(_http(200, _ANSWER), packed)) == told
    assert tells("endpoint.packed-body", _made(packed, tags=frozenset({"bomb"}))) == "nothing"
    assert tells("endpoint.packed-body", _made(_http(status, _ANSWER, Content_Encoding="br"))) == "nothing"


@pytest.mark.parametrize(
    ("status", "told"), [(101, "right"), (426, "right"), (404, "wrong"), (400, "wrong"), (405, "wrong")]
)
def test_an_upgrade_is_accepted_or_told_as_required(status: int, told: str, tells: Tells) -> None:
    """Of the route for responses; another route may know nothing of websockets."""
    asked = _http(status, None, "GET", Upgrade="websocket")
    assert tells("endpoint.upgrade-answered", _made(asked)) == told
    elsewhere = _http(status, None, "GET", "/realtime", Upgrade="websocket")
    assert tells("endpoint.upgrade-answered", _made(elsewhere)) == "nothing"
    assert tells("endpoint.upgrade-answered", _made(_http(status, None, "GET"))) == "nothing"


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"object": "list", "data": [{"id": "m"}]}, "right"),
        (200, {"object": "list", "data": []}, "right"),
        (200, {"object": "list", "data": [{"id": "m"}, {"id": ""}]}, "wrong"),
        (200, {"object": "list", "data": {"id": "m"}}, "wrong"),
        (200, {"data": [{"id": "m"}]}, "wrong"),
        (200, [{"id": "m"}], "wrong"),
        (404, None, "right"),
        (405, None, "right"),
        (501, None, "right"),
        (500, None, "wrong"),
    ],
)
def test_models_are_listed_or_not_offered(status: int, answer: Any, told: str, tells: Tells) -> None:
    """Each with an id, in an object that says that it is a list."""
    for path in ("/models", "/models?limit=5"):
        assert tells("endpoint.models-list", _made(_http(status, answer, "GET", path))) == told
    assert tells("endpoint.models-list", _made(_http(status, answer, "POST", "/models"))) == "nothing"


@pytest.mark.parametrize(
    ("kept", "status", "told"),
    [
        ("completed", 200, "right"),
        ("incomplete", 200, "right"),
        ("failed", 200, "right"),
        ("failed", 404, "right"),
        ("completed", 404, "wrong"),
        ("incomplete", 404, "wrong"),
        ("failed", 500, "wrong"),
    ],
)
def test_an_answer_is_kept_and_a_failure_may_be(kept: str, status: int, told: str, tells: Tells) -> None:
    """Whole or cut it can be fetched; whether a failure is kept is left open."""
    stored = {**_ANSWER, "status": kept}
    fetched = _http(status, stored, "GET", "/responses/resp_1")
    assert tells("endpoint.stored-response-fetched", _made(_http(200, stored), fetched)) == told


@pytest.mark.parametrize("key", ["id", "status", "output", "incomplete_details", "previous_response_id"])
def test_what_is_fetched_is_what_was_answered(key: str, tells: Tells) -> None:
    """Each of the keys is compared; that of the response before it where there was one."""
    stored = {**_ANSWER, "incomplete_details": None, "previous_response_id": "resp_0"}
    other = {**stored, key: "other"}
    fetched = _http(200, other, "GET", "/responses/resp_1")
    assert tells("endpoint.stored-response-fetched", _made(_http(200, stored), fetched)) == "wrong"
