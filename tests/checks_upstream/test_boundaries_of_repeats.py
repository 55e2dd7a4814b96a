"""Boundaries: what is said once and goes upstream once, in its place, in its order, and whole into a summary."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_RED, _BLUE, _CAT = "data:image/png;base64,UkVE", "data:image/png;base64,QkxVRQ==", "https://example.org/cat.png"
_SAID = "The milk is in the fridge."


def _user(*parts: str) -> Body:
    """A message of the client: addresses are images, all else is text."""
    content = [
        {"type": "input_image", "image_url": part}
        if part.startswith(("data:", "https:"))
        else {"type": "input_text", "text": part}
        for part in parts
    ]
    return {"type": "message", "role": "user", "content": content}


def _chat(*parts: str, role: str = "user") -> Body:
    """The same upstream."""
    content = [
        {"type": "image_url", "image_url": {"url": part}}
        if part.startswith(("data:", "https:"))
        else {"type": "text", "text": part}
        for part in parts
    ]
    return {"role": role, "content": content}


def _made(asked: Body, *sent: Body, answer: Body | None = None, path: str = "/responses", **body: Any) -> Transcript:
    dialect: Dialect = "vllm"
    upstream = {"model": "m", "messages": list(sent), **body}
    call = UpstreamCall("POST", "/", "", (), json.dumps(upstream).encode(), upstream, 0.1, answer=0, status=200)
    request = ClientRequest("POST", f"/v1{path}", (), {"model": "m", "stream": False, **asked})
    received = (Received(0.1, json.dumps(answer or _ANSWER).encode()),)
    exchange = Exchange(request, 200, (("content-type", "application/json"),), received, upstream=(call,))
    return Transcript("a", dialect, [Drive("json", [exchange])])


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ([_SAID], [_SAID], "right"),
        ([_SAID], [_SAID, _SAID], "wrong"),
        ([_SAID], [f"{_SAID}\n\n{_SAID}"], "wrong"),
        ([_SAID, _SAID], [_SAID, _SAID], "right"),
        ([_SAID, f"Note: {_SAID}"], [f"{_SAID}\nNote: {_SAID}"], "right"),
        ([_SAID], ["Something else."], "nothing"),
        (["Yes."], ["Yes.", "Yes."], "nothing"),
    ],
)
def test_a_text_goes_upstream_as_often_as_it_was_said(
    asked: list[str], sent: list[str], told: str, tells: Tells
) -> None:
    """Texts that hold others count for them; one that is lost is another rule's, and short ones stand in many."""
    made = _made({"input": [_user(text) for text in asked]}, *(_chat(text) for text in sent))
    assert tells("upstream.nothing-said-twice", made) == told


@pytest.mark.parametrize(("field", "role"), [("instructions", "system"), ("instructions", "user")])
def test_instructions_are_said_once_too(field: str, role: str, tells: Tells) -> None:
    """In whatever role the copy stands."""
    made = _made({field: _SAID, "input": [_user("Hi.")]}, {"role": "system", "content": _SAID}, _chat(_SAID, role=role))
    assert tells("upstream.nothing-said-twice", made) == "wrong"


def test_of_a_context_that_is_not_known_nothing_is_said(tells: Tells) -> None:
    """What a response that nobody saw had in it may stand there again."""
    asked = {"input": [_user(_SAID)], "previous_response_id": "resp_unseen"}
    assert tells("upstream.nothing-said-twice", _made(asked, _chat(_SAID), _chat(_SAID))) == "nothing"


def _results(*outputs: str) -> list[Body]:
    """The input of so many calls, each with an image as its result."""
    calls = [{"type": "function_call", "call_id": f"c{n}", "name": "f", "arguments": "{}"} for n in range(len(outputs))]
    results = [
        {
            "type": "function_call_output",
            "call_id": f"c{n}",
            "output": [{"type": "input_image", "image_url": address}],
        }
        for n, address in enumerate(outputs)
    ]
    return [_user("Compare them."), *calls, *results]


def _lifted(*parts: str, contents: tuple[Any, ...] = ("", "")) -> list[Body]:
    """The same upstream, with these parts in a message after the results."""
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(2)]
    tools = [{"role": "tool", "tool_call_id": f"c{n}", "content": content} for n, content in enumerate(contents)]
    return [_chat("Compare them."), {"role": "assistant", "tool_calls": calls}, *tools, _chat(*(parts or ("So?",)))]


def _image(address: str) -> list[Body]:
    return [{"type": "image_url", "image_url": {"url": address}}]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (_lifted(_RED, _BLUE), "right"),
        (_lifted(_BLUE, _RED), "wrong"),
        (_lifted("Of c1:", _BLUE, "Of c0:", _RED), "right"),
        (_lifted("Of c1:", _RED, "Of c0:", _BLUE), "right"),  # in order: what the label says is the target's words
        (_lifted("Of c0:", _BLUE, "Of c1:", _RED), "wrong"),
        (_lifted("Pictures:", _BLUE, _RED), "wrong"),
        (_lifted(_BLUE), "nothing"),
        (_lifted(contents=(_image(_RED), _image(_BLUE))), "right"),
        (_lifted(contents=(_image(_BLUE), _image(_RED))), "wrong"),
    ],
)
def test_images_of_results_are_told_apart(sent: list[Body], told: str, tells: Tells) -> None:
    """By the result they stand in, by their order, or by the id before them; one that is lost is another rule's."""
    assert tells("upstream.result-images-told-apart", _made({"input": _results(_RED, _BLUE)}, *sent)) == told


def test_images_alike_need_not_be_told_apart(tells: Tells) -> None:
    """Neither the same image twice, nor images of one result."""
    twice = _made({"input": _results(_RED, _RED)}, *_lifted(_RED, _RED))
    assert tells("upstream.result-images-told-apart", twice) == "nothing"
    single = _made({"input": _results(_RED)}, *_lifted(_RED))
    assert tells("upstream.result-images-told-apart", single) == "nothing"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ([_chat("One?", _RED), _chat("Red.", role="assistant"), _chat("Two?", _BLUE)], "right"),
        ([_chat("One?"), _chat("Red.", role="assistant"), _chat("Two?", _RED, _BLUE)], "wrong"),
        ([_chat("One?", _RED, _BLUE), _chat("Red.", role="assistant"), _chat("Two?")], "wrong"),
        ([_chat(_RED, "One?"), _chat("Red.", role="assistant"), _chat("Two?", _BLUE)], "wrong"),
        ([_chat("One?", _RED), _chat("Red.", role="assistant"), _chat("Two?")], "right"),
        ([_chat("One?"), _chat("Red.", role="assistant"), _chat("Two?")], "nothing"),
    ],
)
def test_an_image_stays_in_its_turn(sent: list[Body], told: str, tells: Tells) -> None:
    """Between the same texts; one that is lost is another rule's."""
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Red."}]}
    asked = {"input": [_user("One?", _RED), answer, _user("Two?", _BLUE)]}
    assert tells("upstream.parts-order", _made(asked, *sent)) == told


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ((_RED,), (_RED,), "right"),
        ((_RED,), (_RED, _RED), "wrong"),
        ((_RED, _RED), (_RED, _RED), "right"),
        ((_RED,), (_BLUE,), "nothing"),
    ],
)
def test_an_image_goes_upstream_once(asked: tuple[str, ...], sent: tuple[str, ...], told: str, tells: Tells) -> None:
    """Or as often as it was sent; one that is lost is another rule's."""
    made = _made({"input": [_user("Look:", *asked)]}, _chat("Look:", *sent))
    assert tells("upstream.nothing-said-twice", made) == told


def test_an_image_of_a_result_goes_upstream_once(tells: Tells) -> None:
    """Not into the result, and behind it as well."""
    made = _made({"input": _results(_RED)}, *_lifted(_RED, contents=(_image(_RED), "")))
    assert tells("upstream.nothing-said-twice", made) == "wrong"


@pytest.mark.parametrize(
    ("sent", "told"), [(_CAT, "right"), (_RED, "right"), (_BLUE, "wrong"), ("https://example.org/dog.png", "right")]
)
def test_what_is_at_an_address_may_be_fetched(sent: str, told: str, tells: Tells) -> None:
    """The upstream gets data then, or an address of the target's own; another image of the client's is not that."""
    made = _made({"input": [_user("These:", _BLUE, _CAT)]}, _chat("These:", _BLUE, sent))
    assert tells("upstream.images-arrive", made) == told
    result = _made({"input": _results(_CAT, _BLUE)}, *_lifted(_BLUE, sent))
    assert tells("upstream.result-images-arrive", result) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("Tea: 3 kg", "right"),
        ('<file name="list.txt">\nTea: 3 kg\n</file>', "right"),
        ('<file name="other.txt">\nTea: 3 kg\n</file>', "wrong"),
        ("Attached file list.txt:\nTea: 3 kg", "right"),
        ("File name: list.txt, content: Tea: 3 kg", "right"),
        ("Attached shopping list.txt:\nTea: 3 kg", "wrong"),
        ("Tea: 3 kg, and be quick", "wrong"),
    ],
)
def test_the_text_of_a_file_is_not_invented(sent: str, told: str, tells: Tells) -> None:
    """A service without files may be given its text, in a tag or under a label with its name."""
    data = "data:text/plain;base64," + base64.b64encode(b"Tea: 3 kg\n").decode()
    part = {"type": "input_file", "filename": "list.txt", "file_data": data}
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Sum it up."}, part]}
    assert tells("upstream.nothing-invented", _made({"input": [message]}, _chat("Sum it up.", sent))) == told


_ORDERED: Body = {"type": "object", "properties": {"why": {"type": "string"}, "answer": {"type": "string"}}}
_SORTED: Body = {"type": "object", "properties": {"answer": {"type": "string"}, "why": {"type": "string"}}}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (_ORDERED, "right"),
        (_SORTED, "wrong"),
        ({"type": "object", "properties": {"answer": {}}}, "nothing"),
        ({**_ORDERED, "additionalProperties": False, "$schema": "x"}, "right"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_properties_keep_their_order(sent: Body, told: str, nested: bool, tells: Tells) -> None:
    """In tools and in formats, at every depth; one that was taken away or added is another rule's."""

    def schema(inner: Body) -> Body:
        return {"type": "object", "properties": {"list": {"type": "array", "items": inner}}} if nested else inner

    tool = {"type": "function", "name": "f", "parameters": schema(_ORDERED)}
    chosen = {"type": "function", "function": {"name": "f", "parameters": schema(sent)}}
    made = _made({"input": [_user("Hi.")], "tools": [tool]}, _chat("Hi."), tools=[chosen])
    assert tells("upstream.properties-order-kept", made) == told
    asked = {
        "input": [_user("Hi.")],
        "text": {"format": {"type": "json_schema", "name": "f", "schema": schema(_ORDERED)}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema(sent)}}
    assert tells("upstream.properties-order-kept", _made(asked, _chat("Hi."), response_format=form)) == told


_BLOB: Body = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbGVk"}
_COMPACTED: Body = {"id": "comp_1", "object": "response.compaction", "created_at": 1, "output": [_BLOB]}
_TALK: list[Body] = [
    _user("My cat is Miette."),
    {"type": "function_call", "call_id": "c0", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c0", "output": "She is seven."},
]


@pytest.mark.parametrize(
    ("sent", "kept", "told"),
    [
        (["My cat is Miette.\nShe is seven.", "Sum it up."], [], "right"),
        (["Sum it up."], [], "wrong"),
        (["My cat is Miette.", "Sum it up."], [], "wrong"),
        (["She is seven.", "Sum it up."], [_user("My cat is Miette.")], "right"),
    ],
)
@pytest.mark.parametrize("path", ["/responses", "/responses/compact"])
def test_a_summary_is_one_of_all(sent: list[str], kept: list[Body], told: str, path: str, tells: Tells) -> None:
    """The model is shown all that was said, results too; what the output keeps it need not be shown."""
    items = _TALK if path.endswith("compact") else [*_TALK, {"type": "compaction_trigger"}]
    answer = {**(_COMPACTED if path.endswith("compact") else _ANSWER), "output": [*kept, _BLOB]}
    made = _made({"input": items}, *(_chat(text) for text in sent), answer=answer, path=path)
    assert tells("compaction.whole-conversation", made) == told


def test_a_conversation_that_is_no_item_is_not_compacted(tells: Tells) -> None:
    """Nothing is said of a refusal, of a sealed history that no model saw, and of what another response holds."""
    refused = _made({"input": _TALK}, _chat("Sum it up."), path="/responses/compact")
    assert tells("compaction.whole-conversation", refused) == "nothing"
    sealed = _made({"input": _TALK}, answer=_COMPACTED, path="/responses/compact")
    sealed.drives[0].exchanges[0].upstream = ()
    assert tells("compaction.whole-conversation", sealed) == "nothing"
    continued = {"input": [{"type": "compaction_trigger"}], "previous_response_id": "resp_0"}
    assert tells("compaction.whole-conversation", _made(continued, _chat("Hi."), answer=_COMPACTED)) == "nothing"


def test_an_image_without_an_address_is_not_fetched(tells: Tells) -> None:
    """An empty part stands for nothing that the client sent."""
    empty = {"role": "user", "content": [{"type": "text", "text": "These:"}, *_image("")]}
    assert tells("upstream.images-arrive", _made({"input": [_user("These:", _CAT)]}, empty)) == "wrong"
    lifted = [*_lifted()[:-1], empty]
    assert tells("upstream.result-images-arrive", _made({"input": _results(_CAT, _CAT)}, *lifted)) == "wrong"


def test_parts_without_an_address_are_no_image_said_twice(tells: Tells) -> None:
    """Two empty parts in results repeat nothing."""
    sent = _lifted(_RED, contents=(_image(""), _image("")))
    assert tells("upstream.nothing-said-twice", _made({"input": _results(_RED)}, *sent)) == "right"


def test_one_image_out_of_order_is_told_once(violations: Callable[[str, Transcript], list[Any]]) -> None:
    """Within a message by the order of its parts, between messages by its neighbours."""
    made = _made({"input": [_user("One?", _RED)]}, _chat(_RED, "One?"))
    assert len(violations("upstream.parts-order", made)) == 1


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("Speak Latin.", "right"),
        ("System: Speak Latin.", "right"),
        ("[Developer instructions]\nSpeak Latin.", "right"),
        ("Please: Speak Latin.", "wrong"),
        ("System prompt: Speak Latin.", "wrong"),
        ("System message", "wrong"),
    ],
)
def test_what_was_moved_may_be_labelled(sent: str, told: str, tells: Tells) -> None:
    """A service that takes system text at the beginning only may be shown whose it is."""
    developer = {"type": "message", "role": "developer", "content": "Speak Latin."}
    asked = {"input": [_user("Good morning."), developer]}
    assert tells("upstream.nothing-invented", _made(asked, _chat("Good morning."), _chat(sent))) == told
