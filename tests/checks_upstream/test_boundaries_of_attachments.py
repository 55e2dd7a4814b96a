"""Boundaries: what a request brings along, how a target passes it on or refuses it, and which request is judged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_HI: Body = {"type": "message", "role": "user", "content": "Hi."}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_CALL: Body = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
_TOOLS: list[Body] = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]


def _http(asked: Body | None = None, status: int | None = 200, answer: Any = None, **more: Any) -> Exchange:
    body = {"model": "m", "stream": False, "input": [_HI], **(asked or {})}
    request = ClientRequest("POST", "/v1/responses", (), body)
    received = (Received(0.1, json.dumps(_ANSWER if answer is None else answer).encode()),)
    return Exchange(request, status, (("content-type", "application/json"),), received, **more)


def _sent(*messages: Body, **body: Any) -> UpstreamCall:
    sent = {"model": "m", "messages": [{"role": "user", "content": "Hi."}, *messages], **body}
    return UpstreamCall("POST", "/", "", (), json.dumps(sent).encode(), sent, 0.1, answer=0, status=200)


def _made(*exchanges: Exchange, dialect: Dialect = "vllm", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive("json", list(exchanges))], facts=facts)


@pytest.mark.parametrize(("kind", "told"), [("function", "wrong"), ("custom", "right")])
def test_a_call_that_is_made_up_is_one_of_a_declared_function(kind: str, told: str, tells: Tells) -> None:
    """A custom tool is not called by rebuilding it from the list of functions."""
    made = {"id": "lost", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = _sent({"role": "assistant", "tool_calls": [made]}, {"role": "tool", "tool_call_id": "lost", "content": "x"})
    lost = {"type": "function_call_output", "call_id": "lost", "output": "x"}
    tool = {"type": kind, "name": "f", **({"parameters": {}} if kind == "function" else {})}
    exchange = _http({"input": [_HI, lost], "tools": [tool]}, upstream=(sent,))
    assert tells("history.no-call-invented", _made(exchange)) == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"max_completion_tokens": 5}, "right"),
        ({"max_tokens": 5}, "wrong"),
        ({"max_completion_tokens": 5, "max_tokens": 5}, "wrong"),
        ({}, "nothing"),
        ({"max_completion_tokens": None}, "nothing"),
    ],
)
def test_a_limit_has_its_new_name_where_there_is_one(body: Body, told: str, tells: Tells) -> None:
    """Under both names it is one too many; without a limit nothing is said."""
    exchange = _http(upstream=(_sent(**body),))
    assert tells("upstream.limit-field", _made(exchange, dialect="chat_completions")) == told


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        ("bomb", "body.bomb-refused"),
        ("bomb", "body.too-large-413"),
        ("over-long", "body.too-large-413"),
        ("endless-line", "flow.line-bounded"),
        ("stops-reading", "flow.backpressure"),
    ],
)
def test_only_the_case_that_is_made_for_it_is_judged(tag: str, rule: str, tells: Tells) -> None:
    """A transcript without tags, or with another, is none of the rule's."""
    call = _sent()
    call.sent = [Sent(0.1, b"x")]
    for facts in ({}, {"tags": None}, {"tags": frozenset({"other"})}):
        assert tells(rule, _made(_http(upstream=(call,)), **facts)) == "nothing"
    assert tells(rule, _made(_http(upstream=(call,)), tags=frozenset({tag}))) != "nothing"


@pytest.mark.parametrize(("first", "last", "told"), [(200, 413, "right"), (413, 200, "wrong")])
def test_the_last_request_is_the_one_that_is_too_large(first: int, last: int, told: str, tells: Tells) -> None:
    """What a case asks before it only shows that the target is there."""
    transcript = _made(_http(status=first), _http(status=last), tags=frozenset({"bomb"}))
    assert tells("body.bomb-refused", transcript) == told
    assert tells("body.too-large-413", transcript) == told


def test_log_probabilities_are_looked_for_in_each_request(tells: Tells) -> None:
    """A request that wants none does not end the search."""
    wants = _http({"include": ["message.output_text.logprobs"]}, upstream=(_sent(),))
    assert tells("upstream.logprobs-asked-for", _made(_http(upstream=(_sent(),)), wants)) == "wrong"


@pytest.mark.parametrize(("name", "told"), [("f", "right"), ("mcp__f", "wrong")])
def test_the_calls_of_the_last_answer_are_the_expected_ones(name: str, told: str, tells: Tells) -> None:
    """Those of an answer before it are another turn's."""
    last = _http(answer={**_ANSWER, "output": [{**_CALL, "name": name}]})
    expected = ({"type": "function_call", "name": "f"},)
    assert tells("tools.names-restored", _made(_http(answer={**_ANSWER, "output": [_CALL]}), last,
                                               expected_calls=expected)) == told  # fmt: skip
    other = _http(answer={**_ANSWER, "output": [{**_CALL, "name": "of another turn"}]})
    assert tells("tools.names-restored", _made(other, last, expected_calls=expected)) == told
    assert tells("tools.names-restored", _made(last, _http(), expected_calls=expected)) == "nothing"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, "right"),
        ({"output_config": {"effort": "low"}}, "wrong"),
        ({"tools": [{"name": "answer", "input_schema": {}}]}, "right"),
        ({"system": "Answer in JSON."}, "right"),
        ({}, "wrong"),
    ],
)
def test_messages_is_told_of_json_in_some_way(body: Body, told: str, tells: Tells) -> None:
    """By a format, by a tool, or in words that are not the client's."""
    asked = {"text": {"format": {"type": "json_object"}}}
    assert tells("upstream.json-mode-told", _made(_http(asked, upstream=(_sent(**body),)), dialect="messages")) == told


@pytest.mark.parametrize("summary", ["auto", "concise", "detailed"])
@pytest.mark.parametrize(
    ("thinking", "told"),
    [
        ({"type": "adaptive", "display": "summarized"}, "right"),
        ({"type": "adaptive"}, "wrong"),
        ({"type": "adaptive", "display": "omitted"}, "wrong"),
        ({"type": "enabled", "budget_tokens": 1024}, "right"),
        ({"type": "enabled", "display": "omitted"}, "wrong"),
        ({"type": "disabled"}, "nothing"),
    ],
)
def test_each_kind_of_summary_is_asked_for(summary: str, thinking: Body, told: str, tells: Tells) -> None:
    """Whichever kind the client wants; a model that does not think shows nothing."""
    exchange = _http({"reasoning": {"summary": summary}}, upstream=(_sent(thinking=thinking),))
    assert tells("upstream.summary-asked-for", _made(exchange, dialect="messages")) == told
    unasked = _http({"reasoning": {"effort": "low"}}, upstream=(_sent(thinking=thinking),))
    assert tells("upstream.summary-asked-for", _made(unasked, dialect="messages")) == "nothing"


_PAPER = "data:text/plain;base64," + base64.b64encode(b"Read me.").decode()


@pytest.mark.parametrize(
    ("part", "text", "told"),
    [
        ({"type": "input_file", "file_data": _PAPER}, _PAPER, "right"),
        ({"type": "input_file", "file_data": _PAPER}, _PAPER.partition(",")[2], "right"),
        ({"type": "input_file", "file_data": _PAPER}, "Read me.", "right"),
        ({"type": "input_file", "file_data": _PAPER}, "Nothing.", "wrong"),
        ({"type": "input_file", "file_data": _PAPER.replace("text/plain", "image/png")}, "Read me.", "wrong"),
        ({"type": "input_file", "file_url": "https://example.org/a"}, "https://example.org/a", "right"),
        ({"type": "input_file", "file_url": "https://example.org/a"}, "Nothing.", "wrong"),
        ({"type": "input_file", "file_id": "file-1"}, "Nothing.", "wrong"),
        ({"type": "input_file", "file_id": "file-1"}, "[file-1]", "right"),
        ({"type": "input_file", "file_id": "file-1"}, "[file-12]", "wrong"),
        ({"type": "input_file"}, "Nothing.", "nothing"),
        ({"type": "input_text", "text": "a", "file_url": "https://example.org/a"}, "a", "nothing"),
    ],
)
def test_a_file_that_a_tool_gave_out_arrives(part: Body, text: str, told: str, tells: Tells) -> None:
    """As it is, without its header, or, where it is text, as its text; a part without content has none to lose."""
    result = {"type": "function_call_output", "call_id": "c1", "output": [part]}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = _sent({"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": text})
    exchange = _http({"input": [_HI, _CALL, result], "tools": _TOOLS}, upstream=(sent,))
    assert tells("upstream.files-arrive", _made(exchange)) == told


_PICTURE = "data:image/png;base64,iVBORw0KGgo="
_CAT, _DOG = "https://example.org/cat.png", "https://example.org/dog.png"


def _shown(*addresses: str) -> Body:
    parts = [{"type": "input_image", "image_url": address} for address in addresses]
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Look:"}, *parts]}


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ((_PICTURE,), (_PICTURE,), "right"),
        ((_PICTURE,), (), "wrong"),
        ((_PICTURE,), (_PICTURE[:-1] + "A",), "wrong"),
        ((_PICTURE,), (_PICTURE + "AA",), "wrong"),
        ((_PICTURE[:-1],), (_PICTURE,), "right"),
        ((_CAT,), (_CAT,), "right"),
        ((_CAT,), (_PICTURE,), "right"),
        ((_CAT,), (_DOG + "/2",), "right"),
        ((_CAT,), (), "wrong"),
        ((_CAT,), ("",), "wrong"),
        ((_CAT, _DOG), (_CAT, _DOG), "right"),
        ((_CAT, _DOG), (_CAT,), "wrong"),
        ((_CAT, _PICTURE), (_PICTURE,), "wrong"),
        ((), (), "nothing"),
    ],
)
def test_each_image_arrives(asked: tuple[str, ...], sent: tuple[str, ...], told: str, tells: Tells) -> None:
    """Data as it is; what an address stands for may be fetched, and another image of the client's is not that."""
    parts = [{"type": "image_url", "image_url": {"url": address}} for address in sent]
    upstream = _sent({"role": "user", "content": [{"type": "text", "text": "Look:"}, *parts]})
    exchange = _http({"input": [_HI, _shown(*asked)]}, upstream=(upstream,))
    assert tells("upstream.images-not-dropped", _made(exchange)) == told


def test_an_image_is_not_the_file_that_was_dropped(tells: Tells) -> None:
    """What was fetched for an image's address does not stand for a file beside it."""
    message = _shown(_CAT)
    message["content"].append({"type": "input_file", "file_url": "https://example.org/a.pdf"})
    fetched = _sent({"role": "user", "content": [{"type": "image_url", "image_url": {"url": _PICTURE}}]})
    made = _made(_http({"input": [_HI, message]}, upstream=(fetched,)))
    assert (tells("upstream.images-not-dropped", made), tells("upstream.files-arrive", made)) == ("right", "wrong")


@pytest.mark.parametrize(
    ("text", "told"), [(_PICTURE, "right"), (f'[{{"image_url": "{_PICTURE}"}}]', "right"), ("[image]", "wrong")]
)
def test_an_image_that_a_tool_gave_out_arrives(text: str, told: str, tells: Tells) -> None:
    """Somewhere: in which form it is of use is another rule's."""
    part: Body = {"type": "input_image", "image_url": _PICTURE}
    result = {"type": "function_call_output", "call_id": "c1", "output": [part]}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = _sent({"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": text})
    exchange = _http({"input": [_HI, _CALL, result], "tools": _TOOLS}, upstream=(sent,))
    assert tells("upstream.images-not-dropped", _made(exchange)) == told
    part |= {"image_url": None, "file_id": "file-1"}
    assert tells("upstream.images-not-dropped", _made(exchange)) == "wrong"


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 501])
@pytest.mark.parametrize("address", [_PICTURE, "file"])
def test_an_image_may_be_refused(status: int, address: str, tells: Tells) -> None:
    """With any of the statuses that say so; an id that is passed over is dropped."""
    message = _shown(address)
    if address == "file":
        message["content"][1] = {"type": "input_image", "file_id": "file-1"}
    refused = _http({"input": [message]}, status, {"error": {"message": "No images."}})
    assert tells("upstream.images-not-dropped", _made(refused)) == "right"
    silent = _http({"input": [message]}, upstream=(_sent(),))
    assert tells("upstream.images-not-dropped", _made(silent)) == "wrong"


@pytest.mark.parametrize(
    ("told", "by"),
    [
        ("right", "file_id is not supported."),
        ("right", "file_url is not supported."),
        ("right", "file_data is not supported."),
        ("right", "input[0].content[1] is not supported."),
        ("right", "input[0].output[1] is not supported."),
        ("right", "An input_file is not supported."),
        ("wrong", "This is not supported."),
    ],
)
def test_a_refusal_names_the_part_by_one_of_its_words(told: str, by: str, tells: Tells) -> None:
    """Its path, its type or its key, in the message or as the parameter."""
    part = {"type": "input_file", "file_id": "file-1"}
    asked = {"input": [{"type": "message", "role": "user", "content": [part]}]}
    assert tells("refusal.names-part", _made(_http(asked, 400, {"error": {"message": by}}))) == told
    refused = {"error": {"message": "No.", "param": by}}
    assert tells("refusal.names-part", _made(_http(asked, 422, refused))) == told


@pytest.mark.parametrize(
    ("wanted", "detail", "told"),
    [
        ("low", "low", "right"),
        ("high", "high", "right"),
        ("low", "high", "wrong"),
        ("high", None, "wrong"),
        ("auto", None, "nothing"),
        (None, "auto", "nothing"),
    ],
)
def test_the_detail_of_an_image_is_kept(wanted: str | None, detail: str | None, told: str, tells: Tells) -> None:
    """Low and high; what the client leaves to the service it may decide."""
    url = "https://example.org/a.png"
    part = {"type": "input_image", "image_url": url, **({"detail": wanted} if wanted else {})}
    image = {"type": "image_url", "image_url": {"url": url, **({"detail": detail} if detail else {})}}
    asked = {"input": [{"type": "message", "role": "user", "content": [part]}]}
    exchange = _http(asked, upstream=(_sent({"role": "user", "content": [image]}),))
    assert tells("upstream.image-detail-kept", _made(exchange)) == told
    without = _http(asked, upstream=(_sent(),))
    assert tells("upstream.image-detail-kept", _made(without)) == "nothing"
