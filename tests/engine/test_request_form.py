"""Requests are filled in: model, stream and token, and what earlier turns left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.cases.case import Turn
from conformance.request_form import CannotContinueError, Filler
from conformance.transcript import ClientRequest, Exchange, Received
from fakes.reply import HttpFailure
from fakes.script import Script, Text, ToolCall

TOKEN = "cfxabcdefghij"
FILLER = Filler("{case}", TOKEN, stream=True)


def user(*texts: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}


def answered(body: Any, status: int = 200) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {})
    return Exchange(request, status, (), (Received(0.1, json.dumps(body).encode()),))


def streamed(*events: dict[str, Any]) -> Exchange:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    headers = (("content-type", "text/event-stream"),)
    return Exchange(ClientRequest("POST", "/v1/responses", (), {}), 200, headers, (Received(0.1, body.encode()),))


def texts(value: Any) -> list[str]:
    return [part["text"] for item in value for part in item["content"]]


def test_model_stream_and_token() -> None:
    """The token is the model's name and follows the first user text, and `stream` is explicit."""
    developer = {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]}
    body = FILLER.body(Turn(request={"input": [developer, user("Hi.", "More."), user("Again.")]}), [])
    assert (body["model"], body["stream"]) == (TOKEN, True)
    assert texts(body["input"]) == ["Be brief.", f"Hi. [{TOKEN}]", "More.", "Again."]


def test_the_case_stays_as_it_was() -> None:
    """Filling makes a copy: the next drive of the case starts from the same request."""
    turn = Turn(request={"input": [user("Hi.")], "metadata": {"a": ["{token}"]}})
    before = json.dumps(dict(turn.request))
    assert FILLER.body(turn, [])["metadata"] == {"a": [TOKEN]}
    assert json.dumps(dict(turn.request)) == before


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("Hi.", f"Hi. [{TOKEN}]"),
        ("", ""),
        (5, 5),
        ([{"role": "user", "content": "Hi."}], [{"role": "user", "content": f"Hi. [{TOKEN}]"}]),
        ([{"role": "user", "content": 7}], [{"role": "user", "content": 7}]),
        ([{"type": "item_reference", "id": "x"}, "?"], [{"type": "item_reference", "id": "x"}, "?"]),
    ],
)
def test_every_form_of_input_is_taken(value: Any, filled: Any) -> None:
    """Strings and easy messages carry the token too, and what is malformed stays so."""
    assert FILLER.body(Turn(request={"input": value}), [])["input"] == filled


@pytest.mark.parametrize(
    ("template", "own", "model"),
    [
        ("vllm/{case}", None, f"vllm/{TOKEN}"),
        ("fixed", None, "fixed"),
        ("a/{case}", "claude-{token}", f"a/claude-{TOKEN}"),
    ],
)
def test_model_templates(template: str, own: str | None, model: str) -> None:
    """The target's template holds the token, or the case's own model name."""
    request: dict[str, Any] = {"input": "Hi."} | ({"model": own} if own else {})
    assert Filler(template, TOKEN, stream=False).body(Turn(request=request), [])["model"] == model


def test_a_case_may_set_stream_and_a_wrong_model_itself() -> None:
    """What a case says itself is sent as it is."""
    body = FILLER.body(Turn(request={"input": "Hi.", "stream": None, "model": 5}), [])
    assert (body["stream"], body["model"]) == (None, 5)


def test_bodies_that_are_none() -> None:
    """A raw body goes out as it is with its token, and a GET has no body."""
    assert FILLER.body(Turn(raw_body=b'{"model": "{token}", '), []) == f'{{"model": "{TOKEN}", '.encode()
    assert FILLER.body(Turn(method="GET", path="/responses/x"), []) is None


def test_the_previous_response() -> None:
    """`{previous}` is the id of the last response, in a path and as a value."""
    earlier = [answered({"id": "resp_1"}), streamed({"type": "response.completed", "response": {"id": "resp_2"}})]
    turn = Turn(request={"input": "Hi.", "previous_response_id": "{previous}"}, path="/responses/{previous}/x")
    assert FILLER.path(turn, earlier) == "/responses/resp_2/x"
    assert FILLER.body(turn, earlier)["previous_response_id"] == "resp_2"


def test_the_output_of_an_earlier_turn() -> None:
    """`$output` is spliced in: from the terminal response, else from the items as they were finished."""
    item = {"type": "message", "id": "msg_1"}
    turn = Turn(request={"input": [user("Hi."), {"$output": 0}, user("And?")]})
    whole = answered({"id": "r", "output": [item]})
    coarse = streamed(
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"id": "r", "output": []}},
    )
    for earlier in (whole, coarse):
        assert FILLER.body(turn, [earlier])["input"][1:2] == [item]


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (Turn(path="/responses/{previous}"), "the id of the response to turn 1 (status 500)"),
        (Turn(request={"input": [{"$output": 0}]}), "the output of the response to turn 1 (status 500)"),
    ],
)
def test_a_turn_that_cannot_be_sent(turn: Turn, words: str) -> None:
    """Where the answer lacks what the next turn needs, the reason names the turn and its status."""
    earlier = [answered({"error": {}}, 500)]
    fill = FILLER.path if "{previous}" in turn.path else FILLER.body
    with pytest.raises(CannotContinueError) as caught:
        fill(turn, earlier)
    assert words in str(caught.value)


def test_a_value_of_an_earlier_answer() -> None:
    """A path and a string value can name any value in an earlier answer, in a list as well."""
    listed = answered({"object": "list", "data": [{"id": "msg_1"}, {"id": "msg_2"}], "last_id": "msg_2"})
    earlier = [answered({"id": "resp_1", "output": [{"id": "msg_9"}]}), listed]
    turn = Turn(
        method="GET",
        path="/responses/{answer:0:id}/input_items?after={answer:1:last_id}",
        request={"input": [{"type": "item_reference", "id": "{answer:0:output.0.id}"}, {"id": "{answer:1:data.1.id}"}]},
    )
    assert FILLER.path(turn, earlier) == "/responses/resp_1/input_items?after=msg_2"
    assert [item["id"] for item in FILLER.body(turn, earlier)["input"]] == ["msg_9", "msg_2"]


@pytest.mark.parametrize("path", ["{answer:0:output.3.id}", "{answer:0:nothing}", "{answer:7:id}"])
def test_a_value_that_no_answer_holds(path: str) -> None:
    """What an earlier answer does not hold cannot be asked for: the drive ends there."""
    with pytest.raises(CannotContinueError, match="which has none"):
        FILLER.path(Turn(method="GET", path=path), [answered({"id": "resp_1", "output": []})])


def test_the_upstream_says_the_token() -> None:
    """The token stands in the upstream's texts where they ask for it, and nothing else is changed."""
    said = Script(parts=(Text(("I am ", "{token}", ".")), ToolCall("f", ('{"a": "{token}"}',))))
    other = HttpFailure(500)
    spoken, kept = FILLER.answers(Turn(answers=(said, other)))
    assert isinstance(spoken, Script)
    assert spoken.parts == (Text(("I am ", TOKEN, ".")), ToolCall("f", (f'{{"a": "{TOKEN}"}}',)))
    assert kept is other
