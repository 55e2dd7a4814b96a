"""Boundaries: what of a conversation must still be there, what limits its calls, and what stays unsaid."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_HI: Body = {"type": "message", "role": "user", "content": "Hi."}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_FUNCTION: Body = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def _http(asked: Body | None = None, status: int | None = 200, answer: Any = None, **more: Any) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "input": [_HI], **(asked or {})})
    received = (Received(0.1, json.dumps(_ANSWER if answer is None else answer).encode()),)
    headers = (("content-type", "application/json"), *more.pop("headers", ()))
    return Exchange(request, status, headers, received, **more)


def _sent(*messages: Body, **more: Any) -> UpstreamCall:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}, *messages], **more.pop("body", {})}
    return UpstreamCall("POST", "/", "", (), json.dumps(body).encode(), body, 0.1, answer=0, **{"status": 200, **more})


def _made(*exchanges: Exchange, dialect: Dialect = "vllm", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive("json", list(exchanges))], facts=facts)


def _result(*texts: str, **keys: Any) -> Body:
    parts = [{"type": "input_text", "text": text} for text in texts]
    return {"type": "function_call_output", "call_id": "c1", "output": parts, **keys}


_MADE: Body = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
_CALLED: Body = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}


@pytest.mark.parametrize(
    ("heard", "told"), [("One. Two.", "right"), ("One.", "wrong"), ("Two.", "wrong"), ("", "wrong")]
)
def test_every_text_of_an_earlier_result_is_continued(heard: str, told: str, tells: Tells) -> None:
    """A result that arrived in half is lost."""
    before = _http({"input": [_HI, _MADE, _result("One.", "Two.")], "store": True}, upstream=(_sent(),))
    sent = _sent(_CALLED, {"role": "tool", "tool_call_id": "c1", "content": heard}, {"role": "user", "content": "Go."})
    after = _http(
        {"input": [{**_HI, "content": "Go."}], "previous_response_id": "resp_1"},
        answer={**_ANSWER, "id": "resp_2"},
        upstream=(sent,),
    )
    assert tells("history.previous-response-continued", _made(before, after)) == told


@pytest.mark.parametrize(
    ("query", "texts", "listed", "newest", "ordered"),
    [
        ("", ["a", "b"], ["b", "a"], "right", "nothing"),
        ("", ["a", "b"], ["a", "b"], "wrong", "nothing"),
        ("", ["a"], ["b"], "nothing", "nothing"),
        ("", ["a", "b"], [], "nothing", "nothing"),
        ("?order=asc", ["a", "b"], ["b", "a"], "nothing", "wrong"),
        ("?order=asc", ["a", "b"], ["a", "b"], "nothing", "right"),
        ("?order=desc", ["a", "b"], ["b", "a"], "nothing", "right"),
        ("?order=desc", ["a", "b"], ["a", "b"], "nothing", "wrong"),
        ("?order=asc&limit=1", ["a", "b"], ["a"], "nothing", "right"),
        ("?order=asc&limit=1", ["a", "b"], ["a", "b"], "nothing", "wrong"),
        ("?after=item_unknown", ["a", "b"], ["a"], "nothing", "nothing"),
    ],
)
def test_items_are_listed_in_an_order(
    query: str, texts: list[str], listed: list[str], newest: str, ordered: str, tells: Tells
) -> None:
    """The one asked for, or the newest first; of a single item, and of none, no order can be told."""
    kept = _http({"input": [{**_HI, "content": text} for text in texts], "store": True})
    data = [{**_HI, "id": f"item_{text}", "content": [{"type": "input_text", "text": text}]} for text in listed]
    fetched = _http(answer={"object": "list", "data": data})
    fetched.request = ClientRequest("GET", f"/v1/responses/resp_1/input_items{query}", (), None)
    assert tells("retrieval.newest-item-first", _made(kept, fetched)) == newest
    assert tells("retrieval.items-are-the-input", _made(kept, fetched)) == ordered


@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize(("got", "told"), [("7", "right"), ("8", "wrong"), (None, "wrong")])
def test_each_status_that_asks_to_wait_says_how_long(status: int, got: str | None, told: str, tells: Tells) -> None:
    """As long as the upstream said; another status promises nothing."""
    said = Said((), None, frozenset({"http-error", "failed"}), status=status)
    call = _sent(status=status, sent_headers=(("Retry-After", "7"),))
    headers = (("retry-after", got),) if got else ()
    assert (
        tells("failure.retry-after-kept", _made(_http(None, status, said=said, upstream=(call,), headers=headers)))
        == told
    )
    other = _http(None, 500, said=said, upstream=(call,), headers=headers)
    assert tells("failure.retry-after-kept", _made(other)) == "nothing"
    unasked = _http(None, status, said=said, upstream=(_sent(status=status),))
    assert tells("failure.retry-after-kept", _made(unasked)) == "nothing"


def _limited(asked: Body, *output: Body) -> Exchange:
    return _http(
        {"tools": [_FUNCTION, {**_FUNCTION, "name": "g"}], **asked}, answer={**_ANSWER, "output": list(output)}
    )


_ONLY_F: Body = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}


@pytest.mark.parametrize(
    ("rule", "asked", "output", "told"),
    [
        ("tools.allowed-enforced", {"tool_choice": _ONLY_F}, [_MADE], "right"),
        ("tools.allowed-enforced", {"tool_choice": _ONLY_F}, [{**_MADE, "name": "g"}], "wrong"),
        ("tools.allowed-enforced", {"tool_choice": _ONLY_F}, [_MADE, {**_MADE, "name": "g"}], "wrong"),
        ("tools.allowed-enforced", {"tool_choice": _ONLY_F}, [{**_MADE, "name": "g", "namespace": "n"}], "right"),
        ("tools.allowed-enforced", {"tool_choice": _ONLY_F}, [{"type": "tool_search_call", "arguments": {}}], "right"),
        ("tools.allowed-enforced", {"tool_choice": "auto"}, [{**_MADE, "name": "g"}], "nothing"),
        ("tools.none-enforced", {"tool_choice": "none"}, [], "right"),
        ("tools.none-enforced", {"tool_choice": "none"}, [_MADE], "wrong"),
        ("tools.none-enforced", {"tool_choice": "auto"}, [_MADE], "nothing"),
        ("tools.one-call-at-a-time", {"parallel_tool_calls": False}, [_MADE], "right"),
        ("tools.one-call-at-a-time", {"parallel_tool_calls": False}, [_MADE, _MADE], "wrong"),
        ("tools.one-call-at-a-time", {"parallel_tool_calls": True}, [_MADE, _MADE], "nothing"),
    ],
)
def test_a_limit_on_calls_holds_in_each_answer(
    rule: str, asked: Body, output: list[Body], told: str, tells: Tells
) -> None:
    """Whatever was asked before; what was limited otherwise is another rule's."""
    free = _limited({}, _MADE, {**_MADE, "name": "g"})
    assert tells(rule, _made(free, _limited(asked, *output))) == told


@pytest.mark.parametrize(
    ("given", "sent", "told"),
    [
        ([_result("")], "", "right"),
        ([_result(" ")], "", "right"),
        ([_result()], "", "right"),
        ([_result("")], "(no output)", "wrong"),
        ([_result("x")], "", "nothing"),
        ([_result("", output=[{"type": "input_image", "image_url": "https://example.org/a.png"}])], "x", "nothing"),
    ],
)
def test_a_result_is_empty_without_text_and_media(given: list[Body], sent: str, told: str, tells: Tells) -> None:
    """An image alone is something; white space alone is not."""
    call = _sent(_CALLED, {"role": "tool", "tool_call_id": "c1", "content": sent})
    exchange = _http({"input": [_HI, _MADE, *given], "tools": [_FUNCTION]}, upstream=(call,))
    assert tells("upstream.empty-result-stays-empty", _made(exchange)) == told


@pytest.mark.parametrize(
    ("status", "upstream", "choice", "told"),
    [
        (200, 200, "auto", "right"),
        (299, 200, "auto", "right"),
        (300, 200, "auto", "wrong"),
        (400, None, "auto", "wrong"),
        (None, None, "auto", "wrong"),
        (400, 400, "auto", "nothing"),
        (400, 399, "auto", "wrong"),
        (400, None, {"type": "web_search"}, "nothing"),
    ],
)
def test_a_request_with_a_hosted_tool_is_answered(
    status: int | None, upstream: int | None, choice: Any, told: str, tells: Tells
) -> None:
    """Unless the upstream refused it, or the tool is forced."""
    asked = {"tools": [_FUNCTION, {"type": "web_search"}], "tool_choice": choice}
    exchange = _http(asked, status, upstream=() if upstream is None else (_sent(status=upstream),))
    assert tells("tools.hosted-accepted", _made(exchange)) == told
    assert tells("tools.hosted-accepted", _made(exchange, refusal_statuses=frozenset({400}))) == "nothing"
    assert tells("tools.hosted-accepted", _made(_http({"tools": [_FUNCTION]}, status))) == "nothing"


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ([{"type": "function", "function": {"name": "f", "parameters": {}}}], "right"),
        ([{"type": "web_search"}], "wrong"),
        ([{"type": "function", "function": {"name": "", "parameters": {}}}], "wrong"),
        ([], "right"),
    ],
)
def test_a_hosted_tool_stays_behind(tools: list[Body], told: str, tells: Tells) -> None:
    """It goes to a chat upstream neither as it is nor as a function without a name."""
    call = _sent(body={"tools": tools} if tools else {})
    exchange = _http({"tools": [_FUNCTION, {"type": "web_search"}]}, upstream=(call,))
    assert tells("tools.hosted-not-forwarded", _made(exchange)) == told
    plain = _http({"tools": [_FUNCTION]}, upstream=(call,))
    assert tells("tools.hosted-not-forwarded", _made(plain)) == "nothing"


def _looped(issued: list[str], sent: list[str]) -> Transcript:
    said = Said(
        tuple(SaidItem("call", "{}", 1, name="f", call_id=one) for one in issued), None, frozenset({"completed"})
    )
    output = [{**_MADE, "id": f"fc_{n}", "call_id": f"c{n}"} for n, _ in enumerate(issued)]
    results = [_result("ok", call_id=f"c{n}") for n, _ in enumerate(issued)]
    first = _http({"tools": [_FUNCTION]}, answer={**_ANSWER, "output": output}, said=said, upstream=(_sent(),))
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in sent]
    told = [{"role": "tool", "tool_call_id": one, "content": "ok"} for one in sent]
    after = _sent({"role": "assistant", "tool_calls": calls}, *told) if sent else _sent()
    again = _http({"input": [_HI, *output, *results], "tools": [_FUNCTION]}, upstream=(after,))
    return _made(first, again)


@pytest.mark.parametrize(
    ("issued", "sent", "told"),
    [
        (["call_a"], ["call_a"], "right"),
        (["call_a"], ["c0"], "wrong"),
        (["call_a", "call_b"], ["call_a", "c1"], "wrong"),
        (["call_a", "call_b"], ["call_b", "call_a"], "right"),
        (["", "call_b"], ["c0", "c1"], "nothing"),
        ([""], ["c0"], "nothing"),
        (["call_a", "call_a"], ["c0", "c1"], "nothing"),
        (["c" * 64], ["c0"], "wrong"),
        (["c" * 65], ["c0"], "nothing"),
        (["call_a"], [], "nothing"),
    ],
)
def test_a_call_goes_back_under_the_id_that_it_had(issued: list[str], sent: list[str], told: str, tells: Tells) -> None:
    """Where the upstream gave each call an id of its own that a client takes; otherwise a target finds its own."""
    assert tells("history.call-ids-round-trip", _looped(issued, sent)) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("Authorization", "Bearer sk-secret-1", "wrong"),
        ("X-Api-Key", "sk-secret-1", "wrong"),
        ("X-Api-Key", "sk-12345", "wrong"),
        ("authorization", "Bearer sk-1234", "nothing"),
        ("X-Trace", "sk-secret-1", "nothing"),
    ],
)
@pytest.mark.parametrize("place", ["path", "query", "body"])
def test_a_key_stands_in_its_header_alone(name: str, value: str, told: str, place: str, tells: Tells) -> None:
    """Whether the client's or the target's own; other headers hold no keys, and short words stand by chance."""
    secret = value.rpartition(" ")[2]

    def judged(text: str, rule: str = "upstream.credentials-in-headers") -> str:
        body = {"model": "m", "messages": [], "user": text if place == "body" else "x"}
        path, query = f"/{text if place == 'path' else 'x'}", f"k={text if place == 'query' else 'x'}"
        headers = ((name, value),)
        call = UpstreamCall("POST", path, query, headers, json.dumps(body).encode(), body, 0.1, answer=0, status=200)
        return tells(rule, _made(_http(upstream=(call,))))

    assert judged(secret) == told
    assert judged("nothing") == ("right" if told == "wrong" else "nothing")
