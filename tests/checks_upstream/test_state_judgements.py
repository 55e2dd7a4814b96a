"""What the rules of state and of burdens accept, and what they do not: legal servers of several kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.rules import Violation
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript

Judge = Callable[[str, Transcript], list[Violation]]
Count = Callable[[str, Transcript], int]

_JSON = (("content-type", "application/json"),)
_SSE = (("content-type", "text/event-stream"),)
_ASKED = {"model": "m", "input": [{"role": "user", "content": "Hi."}]}


def _answered(path: str, body: Any, *, asked: Any = None, method: str = "POST", status: int = 200) -> Exchange:
    request = ClientRequest(method, f"/v1{path}", (), asked)
    return Exchange(request, status, _JSON, (Received(0.1, json.dumps(body).encode()),))


def _streamed(path: str, *numbers: int, method: str = "POST", asked: Any = None, **more: Any) -> Exchange:
    types = {0: "response.created", 9: "response.completed"}
    events: list[dict[str, Any]] = [
        {"type": types.get(number, "response.output_text.delta"), "sequence_number": number, **more}
        for number in numbers
    ]
    for event in events:
        if event["type"] == "response.completed":
            event["response"] = {"id": "resp_a", "object": "response", "status": "completed", "output": []}
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Exchange(ClientRequest(method, f"/v1{path}", (), asked), 200, _SSE, (Received(0.1, body.encode()),))


def _made(*exchanges: Exchange, **facts: Any) -> Transcript:
    return Transcript("a", "vllm", [Drive("stream", list(exchanges))], facts=facts)


def _again(query: str, *numbers: int, **more: Any) -> Transcript:
    told = _streamed("/responses", 0, 1, 2, 3, 9, asked={**_ASKED, "stream": True})
    return _made(told, _streamed(f"/responses/resp_a?stream=true{query}", *numbers, method="GET", **more))


@pytest.mark.parametrize(
    ("query", "numbers", "broken"),
    [
        ("", (0, 1, 2, 3, 9), False),
        ("&starting_after=1", (2, 3, 9), False),
        ("&starting_after=9", (), False),
        ("&starting_after=1", (2, 9), True),
        ("&starting_after=1", (2, 3), True),
    ],
)
def test_a_replay_has_the_events_that_follow(
    violations: Judge, query: str, numbers: tuple[int, ...], *, broken: bool
) -> None:
    """Every event above the number is told again, and the last of them too."""
    assert bool(violations("retrieval.replay-same-events", _again(query, *numbers))) is broken


def test_a_replay_may_be_padded_anew(violations: Judge) -> None:
    """Obfuscation is random: it need not be what it was."""
    assert violations("retrieval.replay-same-events", _again("", 0, 1, 2, 3, 9, obfuscation="x7")) == []


@pytest.mark.parametrize(("number", "broken"), [(2, False), (1, True)])
def test_a_replay_begins_behind_the_number(violations: Judge, number: int, *, broken: bool) -> None:
    """The event that `starting_after` names has been received already."""
    found = violations("retrieval.replay-only-what-follows", _again("&starting_after=1", number, 3, 9))
    assert bool(found) is broken


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_replay_may_be_refused(violations: Judge, seen: Count, status: int) -> None:
    """A server that streams only what runs in the background says so."""
    told = _streamed("/responses", 0, 9, asked=_ASKED)
    refused = _answered("/responses/resp_a?stream=true", {"error": {}}, method="GET", status=status)
    assert violations("retrieval.stream-not-ignored", _made(told, refused)) == []
    assert seen("retrieval.stream-not-ignored", _made(told, refused)) == 1


def _listed(query: str, texts: list[str], *, more: bool = False) -> Transcript:
    given = [{"type": "message", "role": "user", "content": text} for text in ("one", "two", "three")]
    first = {"id": "resp_a", "object": "response", "status": "completed", "output": []}
    ids = {"one": "i1", "two": "i2", "three": "i3"}
    data = [{"type": "message", "role": "user", "content": text, "id": ids[text]} for text in texts]
    everything = [{**item, "id": ids[item["content"]]} for item in given]
    whole = {"object": "list", "data": everything, "first_id": "i1", "last_id": "i3", "has_more": False}
    page = {"object": "list", "data": data, "first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": more}
    return _made(
        _answered("/responses", first, asked={"input": given}),
        _answered("/responses/resp_a/input_items?order=asc", whole, method="GET"),
        _answered(f"/responses/resp_a/input_items?{query}", page, method="GET"),
    )


@pytest.mark.parametrize(
    ("query", "texts", "broken"),
    [
        ("order=asc&limit=2", ["one", "two"], False),
        ("order=desc&limit=2", ["three", "two"], False),
        ("order=asc&after=i2", ["three"], False),
        ("order=desc&after=i2", ["one"], False),
        ("order=asc&limit=2", ["two", "three"], True),
        ("order=desc&after=i2", ["three"], True),
        ("order=asc&limit=1", ["one", "two"], True),
    ],
)
def test_a_page_is_its_part_of_the_input(violations: Judge, query: str, texts: list[str], *, broken: bool) -> None:
    """`order`, `after` and `limit` say together which items a page holds."""
    assert bool(violations("retrieval.items-are-the-input", _listed(query, texts))) is broken


@pytest.mark.parametrize(("more", "broken"), [(True, False), (False, True)])
def test_a_page_says_whether_others_follow(violations: Judge, *, more: bool, broken: bool) -> None:
    """`has_more` is true exactly while items remain."""
    found = violations("retrieval.page-keys", _listed("order=asc&limit=2", ["one", "two"], more=more))
    assert bool(found) is broken


@pytest.mark.parametrize(
    ("field", "asked", "echoed", "broken"),
    [
        ("background", True, {"background": True, "status": "queued"}, False),
        ("background", True, {"background": False}, True),
        ("background", True, {}, True),
        ("background", False, {}, False),
        ("conversation", "conv_1", {"conversation": {"id": "conv_1"}}, False),
        ("conversation", {"id": "conv_1"}, {"conversation": {"id": "conv_2"}}, True),
        ("conversation", {"id": "conv_1"}, {"conversation": None}, True),
        ("conversation", None, {}, False),
        ("prompt", {"id": "pmpt_1"}, {"prompt": {"id": "pmpt_1", "version": "2"}}, False),
        ("prompt", {"id": "pmpt_1"}, {}, True),
    ],
)
def test_a_field_is_honoured_when_the_response_says_so(
    violations: Judge, field: str, asked: Any, echoed: dict[str, Any], *, broken: bool
) -> None:
    """A server may have background, conversations and prompts: then its response shows them."""
    response = {"id": "resp_a", "object": "response", "status": "completed", "output": [], **echoed}
    transcript = _made(_answered("/responses", response, asked={**_ASKED, field: asked}))
    assert bool(violations("unsupported.never-ignored", transcript)) is broken


@pytest.mark.parametrize(
    ("left", "right", "broken"),
    [
        ("resp_000000000000000000000001", "resp_000000000000000000000002", True),
        ("resp_1764000000123_000001", "resp_1764000000981_000002", True),
        ("resp_01hf3k8a9bcdef0123456789ab", "resp_01hf3k8a9zyxwvu9876543210q", False),
        ("resp_68d0c1e2a4b5968778695a4b3c2d1e0f", "resp_12af34cd56be789012ab34cd56ef7890", False),
    ],
)
def test_ids_are_told_from_counters(violations: Judge, left: str, right: str, *, broken: bool) -> None:
    """A counter, and a time with a counter, differ in few places; a ULID and a UUID in many."""
    exchanges = [_answered("/responses", {"id": one, "object": "response"}, asked=_ASKED) for one in (left, right)]
    assert bool(violations("store.ids-unguessable", _made(*exchanges))) is broken


def test_a_bomb_may_end_in_a_closed_connection(violations: Judge, seen: Count) -> None:
    """RFC 9110 allows a server to close instead of reading on; a server that hangs is another matter."""
    request = ClientRequest("POST", "/v1/responses", (), _ASKED)
    closed = _made(Exchange(request, ended="no-answer"), tags=frozenset({"bomb"}))
    hangs = _made(Exchange(request, ended="deadline"), tags=frozenset({"bomb"}))
    assert seen("body.bomb-refused", closed) == 1
    assert violations("body.bomb-refused", hangs)


def test_what_was_compacted_may_come_whole(violations: Judge) -> None:
    """A target that keeps the whole conversation behind its blob loses nothing."""
    output = {"id": "c", "object": "response", "status": "completed", "output": [
        {"type": "compaction", "encrypted_content": "blob"}]}  # fmt: skip
    triggered = {"model": "m", "input": [*_ASKED["input"], {"type": "compaction_trigger"}]}
    transcript = _made(_answered("/responses", output, asked=triggered))
    assert violations("compaction.trigger", transcript) == []
    output["output"] = [{"type": "message"}, *output["output"]]
    assert violations("compaction.trigger", _made(_answered("/responses", output, asked=triggered)))
