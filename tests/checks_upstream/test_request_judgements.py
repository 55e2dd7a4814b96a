"""What the rules of clients' requests accept, and what they do not: limits, names, attachments, impossible wishes."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.asked import read_asked
from conformance.cases.clients import CASES as CAPTURED
from conformance.miniatures.right_upstream import UPSTREAM_FLAVOURS, right_request
from conformance.ruled_out import tolerating
from conformance.rules import Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Judge = Callable[[str, Transcript], list[Violation]]
Counter = Callable[[str, Transcript], int]
Body = dict[str, Any]

JSON = (("content-type", "application/json"),)
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TIME = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
ONLY_WEATHER = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}
PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"
LIST = "data:text/plain;base64," + base64.b64encode(b"Tea: 3 kg").decode()


def _asks(*parts: Body, **keys: Any) -> Body:
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Look:"}, *parts]}
    return {"model": "m", "stream": False, "input": [message], **keys}


def _call(name: str, **keys: Any) -> Body:
    return {"type": "function_call", "call_id": f"call_{name}", "name": name, "arguments": "{}", **keys}


def _answer(*output: Body) -> Body:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}


def _exchange(body: Body, answer: Body, status: int = 200, *said: str) -> Exchange:
    received = (Received(0.2, json.dumps(answer).encode()),)
    exchange = Exchange(ClientRequest("POST", "/v1/responses", (), body), status, JSON, received)
    items = tuple(SaidItem("call", "{}", 1, name=name, call_id=f"call_{name}") for name in said)
    exchange.said = Said(items, None, frozenset({"completed"}))
    return exchange


def _seen_through(exchange: Exchange, dialect: Dialect = "vllm", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive("json", [exchange])], facts=facts)


def _crossed(body: Body, dialect: Dialect, change: Callable[[Body], None] | None = None) -> Transcript:
    """One request that was sent upstream rightly, except for a change, and answered."""
    sent = copy.deepcopy(right_request(body, dialect, UPSTREAM_FLAVOURS["hoisted"]))
    if change is not None:
        change(sent)
    call = UpstreamCall("POST", "/", "", (), json.dumps(sent).encode(), sent, 0.1, answer=0, status=200)
    return _seen_through(replace(_exchange(body, _answer()), upstream=(call,)), dialect)


def _refused(body: Body, message: str, param: str | None = None) -> Transcript:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}
    return _seen_through(_exchange(body, error, 400))


@pytest.mark.parametrize(
    ("rule", "wish"),
    [
        ("tools.allowed-enforced", {"tool_choice": ONLY_WEATHER}),
        ("tools.none-enforced", {"tool_choice": "none"}),
        ("tools.one-call-at-a-time", {"parallel_tool_calls": False}),
    ],
)
def test_a_call_that_was_ruled_out_may_be_dropped_but_not_passed_on(rule: str, wish: Body, violations: Judge) -> None:
    """An answer without the call is right, one with it is wrong, one that cut it is right."""
    body = _asks(tools=[WEATHER, TIME], **wish)
    both = ("get_weather", "get_time")
    assert violations(rule, _seen_through(_exchange(body, _answer(), 200, *both))) == []
    passed_on = _answer(_call("get_weather"), _call("get_time"))
    assert len(violations(rule, _seen_through(_exchange(body, passed_on, 200, *both)))) == 1
    cut = _answer(*(_call(name, status="incomplete") for name in both))
    assert violations(rule, _seen_through(_exchange(body, cut, 200, *both))) == []


def test_an_answer_without_calls_upstream_says_nothing_of_limits(seen: Counter) -> None:
    """A rule that saw no call made does not count as observed."""
    body = _asks(tools=[WEATHER], tool_choice="none")
    assert seen("tools.none-enforced", _seen_through(_exchange(body, _answer()))) == 0


def test_a_target_may_keep_back_what_was_ruled_out(violations: Judge) -> None:
    """Fewer calls than the upstream made are no loss where the client wanted fewer."""
    body = _asks(tools=[WEATHER, TIME], parallel_tool_calls=False)
    one = _exchange(body, _answer(_call("get_weather")), 200, "get_weather", "get_time")
    assert violations("json.calls-equal-upstream", _seen_through(one)) == []
    free = replace(one, request=replace(one.request, body=_asks(tools=[WEATHER, TIME])))
    assert violations("json.calls-equal-upstream", _seen_through(free))


@pytest.mark.parametrize(
    ("shown", "status", "wrong"),
    [
        (["get_weather"], "incomplete", False),
        (["get_weather", "get_time"], "incomplete", False),
        ([], "incomplete", True),
        (["get_time"], "incomplete", False),  # of the same arguments: which tool is told by the rules of names
        (["get_weather"], "completed", True),
    ],
)
def test_a_cut_call_may_be_left_out_of_a_whole_answer(
    shown: list[str], status: str, wrong: bool, violations: Judge
) -> None:
    """Where the answer says that it is incomplete; the call before it may not."""
    answer = {**_answer(*map(_call, shown)), "status": status, "incomplete_details": {"reason": "max_output_tokens"}}
    exchange = _exchange(_asks(tools=[WEATHER, TIME]), answer, 200, "get_weather", "get_time")
    assert exchange.said is not None
    whole, cut = exchange.said.items
    said = replace(exchange.said, items=(whole, replace(cut, complete=False)))
    assert bool(violations("json.calls-equal-upstream", _seen_through(replace(exchange, said=said)))) is wrong


@pytest.mark.parametrize(
    ("wish", "tolerated"),
    [
        ({"tool_choice": "none"}, True),
        ({"tool_choice": {"type": "function", "name": "get_time"}}, True),
        ({"tool_choice": {"type": "function", "name": "get_weather"}}, False),
        ({"tool_choice": {**ONLY_WEATHER, "tools": [{"type": "function", "name": "get_time"}]}}, True),
        ({"tool_choice": ONLY_WEATHER}, False),
        ({"tool_choice": "auto"}, False),
        ({}, False),
    ],
)
def test_a_call_that_was_ruled_out_may_be_told_as_a_failure(wish: Body, tolerated: bool) -> None:
    """An upstream that breaks a hard constraint has failed; one that keeps to it has not."""
    exchange = _exchange(_asks(tools=[WEATHER, TIME], **wish), _answer(), 200, "get_weather")
    assert exchange.said is not None
    said = tolerating(replace(exchange.said, ends=frozenset({"completed"}), abandoned=True), read_asked(exchange))
    assert (said.ends == {"completed", "failed", "http-error"}) is tolerated
    assert said.abandoned is not tolerated


@pytest.mark.parametrize(
    ("asked", "sent", "echoed", "wrong"),
    [
        ("xhigh", {"output_config": {"effort": "high"}}, "high", False),
        ("xhigh", {"output_config": {"effort": "high"}}, "xhigh", False),
        ("xhigh", {"output_config": {"effort": "high"}}, "low", True),
        ("minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low", False),
        ("low", {"reasoning_effort": "medium"}, "medium", False),
        ("low", {"reasoning_effort": "low"}, "medium", True),
        ("low", {}, None, False),
        ("low", {"thinking": {"type": "adaptive"}}, None, True),
    ],
)
def test_the_effort_that_was_applied_may_be_echoed(
    asked: str, sent: Body, echoed: str | None, wrong: bool, violations: Judge
) -> None:
    """What went upstream is true, as is what was asked for; nothing else is."""
    body = {**_asks(reasoning={"effort": asked}), "stream": True}
    response = {**_answer(), "object": "response", "status": "completed", "reasoning": {"effort": echoed}}
    event = {"type": "response.completed", "sequence_number": 0, "response": response}
    call = UpstreamCall("POST", "/", "", (), b"", {"model": "m", "messages": [], **sent}, 0.1, answer=0, status=200)
    received = (Received(0.1, f"data: {json.dumps(event)}\n\n".encode()),)
    headers = (("content-type", "text/event-stream"),)
    stream = Exchange(ClientRequest("POST", "/v1/responses", (), body), 200, headers, received, upstream=(call,))
    assert bool(violations("response.echoes-format", _seen_through(stream))) is wrong


def test_the_name_of_the_upstream_is_not_the_client_s(violations: Judge) -> None:
    """A call comes back by its declared name, and in its group, or is wrong."""
    grouped = {"type": "function_call", "name": "find", "namespace": "wiki"}
    body = _asks(tools=[{"type": "namespace", "name": "wiki", "tools": [{**TIME, "name": "find"}]}])

    def judged(*output: Body) -> list[Violation]:
        transcript = _seen_through(_exchange(body, _answer(*output), 200, "wiki__find"), expected_calls=[grouped])
        return violations("tools.namespace-restored", transcript)

    assert judged(_call("find", namespace="wiki")) == []
    assert judged(_call("wiki__find"))
    assert judged(_call("find"))
    assert judged() == []  # that the call is lost is told by another rule


@pytest.mark.parametrize("dialect", ["chat_completions", "messages"])
def test_a_text_file_may_arrive_as_a_file_or_as_its_text(dialect: Dialect, violations: Judge) -> None:
    """What matters is that the model can read it."""
    body = _asks({"type": "input_file", "filename": "list.txt", "file_data": LIST})
    assert violations("upstream.files-arrive", _crossed(body, dialect)) == []

    def as_text(sent: Body) -> None:
        sent["messages"][-1]["content"] = [{"type": "text", "text": "list.txt:\nTea: 3 kg"}]

    assert violations("upstream.files-arrive", _crossed(body, dialect, as_text)) == []

    def dropped(sent: Body) -> None:
        sent["messages"][-1]["content"] = [{"type": "text", "text": "[a file]"}]

    assert violations("upstream.files-arrive", _crossed(body, dialect, dropped))


def test_a_file_by_address_may_be_fetched_or_passed_on(violations: Judge) -> None:
    """An address reaches the upstream as such, as the file behind it, or not at all: then it was dropped."""
    body = _asks({"type": "input_file", "file_url": "https://files.invalid/a.pdf"})
    plain = {"type": "text", "text": "Look:"}

    def holding(*parts: Body) -> Callable[[Body], None]:
        def change(sent: Body) -> None:
            sent["messages"] = [{"role": "user", "content": [plain, *parts]}]

        return change

    def judged(*parts: Body) -> list[Violation]:
        transcript = _crossed(_asks(), "messages", holding(*parts))
        exchange = transcript.drives[0].exchanges[0]
        return violations(
            "upstream.files-arrive",
            _seen_through(replace(exchange, request=replace(exchange.request, body=body)), "messages"),
        )

    passed_on = {"type": "document", "source": {"type": "url", "url": "https://files.invalid/a.pdf"}}
    fetched = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    assert judged(passed_on) == []
    assert judged(fetched) == []
    assert judged()


def test_a_refusal_is_no_loss_and_names_the_part(violations: Judge, seen: Counter) -> None:
    """A recording without a place upstream is refused; the words or `param` say what it was for."""
    body = _asks({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}})
    named = _refused(body, "input_audio is not supported by this upstream.")
    assert violations("upstream.files-arrive", named) == []
    assert seen("upstream.files-arrive", named) == 1
    assert violations("refusal.names-part", named) == []
    assert violations("refusal.names-part", _refused(body, "Bad request.", "input[0].content[1]")) == []
    assert violations("refusal.names-part", _refused(body, "Bad request."))


@pytest.mark.parametrize(
    "wish",
    [
        {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_tides"}},
        {"tools": [WEATHER], "tool_choice": "sometimes"},
        {"tool_choice": "required"},
        {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
    ],
)
def test_an_impossible_choice_is_refused(wish: Body, violations: Judge) -> None:
    """An answer to it is wrong, a refusal is right."""
    assert violations("refusal.impossible-choice", _seen_through(_exchange(_asks(**wish), _answer())))
    assert violations("refusal.impossible-choice", _refused(_asks(**wish), "No.", "tool_choice")) == []


def test_a_target_that_runs_the_search_may_be_made_to(violations: Judge) -> None:
    """A forced hosted tool is possible where the answer holds its receipt."""
    body = _asks(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    receipt = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    assert violations("refusal.impossible-choice", _seen_through(_exchange(body, _answer(receipt)))) == []


@pytest.mark.parametrize("choice", ["auto", "none", {"type": "function", "name": "get_weather"}, ONLY_WEATHER])
def test_a_possible_choice_is_not_judged(choice: Any, seen: Counter, violations: Judge) -> None:
    """Choices among declared tools are none of this rule's business."""
    transcript = _seen_through(_exchange(_asks(tools=[WEATHER], tool_choice=choice), _answer()))
    assert violations("refusal.impossible-choice", transcript) == []
    assert seen("refusal.impossible-choice", transcript) == 0


def test_an_unknown_word_may_be_passed_on_but_not_dropped(violations: Judge) -> None:
    """The upstream may know an effort that the API does not list yet."""
    body = _asks(reasoning={"effort": "ultra"})

    def passed_on(sent: Body) -> None:
        sent["reasoning_effort"] = "ultra"

    def replaced(sent: Body) -> None:
        sent["reasoning_effort"] = "high"

    assert violations("refusal.unlisted-value", _crossed(body, "vllm", passed_on)) == []
    (found,) = violations("refusal.unlisted-value", _crossed(body, "vllm", replaced))
    assert "reasoning.effort: ultra" in found.expected


def test_json_mode_may_be_told_in_words_or_by_a_format(violations: Judge) -> None:
    """Messages has no JSON mode: a sentence of the target's own will do, and silence will not."""
    body = _asks(instructions="Be exact.", text={"format": {"type": "json_object"}})
    assert violations("upstream.json-mode-told", _crossed(body, "messages")) == []

    def silent(sent: Body) -> None:
        sent["system"] = "Be exact."

    assert violations("upstream.json-mode-told", _crossed(body, "messages", silent))


def test_an_effort_that_a_limit_leaves_no_room_for_may_be_left_out(violations: Judge) -> None:
    """The least thinking budget is 1024 tokens: below a limit of that many there is none."""

    def thoughtless(sent: Body) -> None:
        sent.pop("thinking", None)
        sent.pop("output_config", None)

    for limit, wrong in ((900, 0), (9000, 1)):
        body = _asks(reasoning={"effort": "high"}, max_output_tokens=limit)
        assert len(violations("upstream.effort-mapped", _crossed(body, "messages", thoughtless))) == wrong


@pytest.mark.parametrize("case", CAPTURED, ids=lambda case: case.id)
def test_a_captured_request_names_what_anybody_can_install(case: Any) -> None:
    """The source of a captured request is a published package with its version."""
    assert "(npm" in case.source or "(PyPI)" in case.source
    assert any(character.isdigit() for character in case.source)


@pytest.mark.parametrize(("dialect", "wrong"), [("messages", False), ("chat_completions", True), ("vllm", True)])
def test_a_turn_may_be_two_messages_where_the_service_joins_them(
    dialect: Dialect, wrong: bool, violations: Judge
) -> None:
    """Messages reads assistant messages that follow each other as one; a user's between them parts them there too."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I shall look."}]}
    result = {"type": "function_call_output", "call_id": "call_get_weather", "output": "rain"}
    body = _asks(tools=[WEATHER])
    body["input"] += [said, _call("get_weather"), result]

    def parted(sent: Body, between: tuple[Body, ...] = ()) -> None:
        number = next(n for n, message in enumerate(sent["messages"]) if message["role"] == "assistant")
        whole = sent["messages"][number]
        if dialect == "messages":
            halves = [{**whole, "content": [block]} for block in whole["content"]]
        else:
            halves = [{"role": "assistant", "content": "I shall look."}, {**whole, "content": None}]
        sent["messages"][number : number + 1] = [halves[0], *between, *halves[1:]]

    rule = "upstream.text-with-its-call"
    assert violations(rule, _crossed(body, dialect)) == []
    assert bool(violations(rule, _crossed(body, dialect, parted))) is wrong
    apart = ({"role": "user", "content": "Well?"},)
    assert violations(rule, _crossed(body, dialect, lambda sent: parted(sent, apart)))
