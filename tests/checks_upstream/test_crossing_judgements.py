from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.miniatures.right_upstream import UPSTREAM_FLAVOURS, right_request
from conformance.rules import Violation
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

Judge = Callable[[str, Transcript], list[Violation]]
Body = dict[str, Any]

_OK = (Received(0.2, b'{"id": "resp_1", "object": "response", "status": "completed", "output": []}'),)


def _user(text: str) -> Body:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def _crossed(body: Body, dialect: Dialect, change: Callable[[Body], None] | None = None) -> Transcript:
    """One request, sent upstream rightly except for a change."""
    client = {"model": "m", "stream": False, **body}
    sent = copy.deepcopy(right_request(client, dialect, UPSTREAM_FLAVOURS["hoisted"]))
    if change is not None:
        change(sent)
    call = UpstreamCall("POST", "/", "", (), json.dumps(sent).encode(), sent, 0.1, answer=0, status=200)
    request = ClientRequest("POST", "/v1/responses", (), client)
    exchange = Exchange(request, 200, (("content-type", "application/json"),), _OK, upstream=(call,))
    return Transcript("a", dialect, [Drive("json", [exchange])])


def test_two_texts_may_be_joined_but_not_lost_when_they_are_equal(violations: Judge) -> None:
    """A text that the client says twice must arrive twice."""
    body = {"input": [_user("Go on."), _user("Go on.")]}
    assert violations("upstream.user-text-arrives", _crossed(body, "vllm")) == []
    lost = _crossed(body, "vllm", lambda sent: sent["messages"].pop())
    assert violations("upstream.user-text-arrives", lost)


def test_a_message_says_where_a_text_went(violations: Judge) -> None:
    """A text in the wrong role is reported with the place where it stands."""

    def as_system(sent: Body) -> None:
        sent["messages"][0]["role"] = "system"

    (found,) = violations("upstream.user-text-arrives", _crossed({"input": "Say hello."}, "vllm", as_system))
    assert "'Say hello.'" in found.expected
    assert "messages[0].content as system text" in found.actual


def test_a_late_system_text_may_become_a_user_text(violations: Judge) -> None:
    """Services without system messages in mid-conversation get it as a reminder."""
    late = {"type": "message", "role": "developer", "content": "Use digits."}

    def reminds(sent: Body) -> None:
        sent["messages"] = [m for m in sent["messages"] if m["role"] != "system"]
        sent["messages"].insert(1, {"role": "user", "content": "<system-reminder>Use digits.</system-reminder>"})

    transcript = _crossed({"input": [_user("Two and two?"), late, _user("Well?")]}, "vllm", reminds)
    assert violations("upstream.system-text-arrives", transcript) == []
    assert violations("upstream.nothing-invented", transcript) == []


def test_an_early_system_text_may_not_become_a_user_text(violations: Judge) -> None:
    """Instructions that stand in a user message rank below what they should govern."""

    def demoted(sent: Body) -> None:
        sent["messages"][0]["role"] = "user"

    transcript = _crossed({"instructions": "Be brief.", "input": "Hi."}, "vllm", demoted)
    assert violations("upstream.system-text-arrives", transcript)


def test_results_may_change_their_order(violations: Judge) -> None:
    """Results stand behind their calls in any order, as long as each has its own."""
    calls = [
        {"type": "function_call", "call_id": name, "name": name, "arguments": "{}"} for name in ("first", "second")
    ]
    results = [
        {"type": "function_call_output", "call_id": name, "output": f"of {name}"} for name in ("second", "first")
    ]
    transcript = _crossed({"input": [_user("Do."), *calls, *results]}, "chat_completions")
    for rule in ("upstream.results-arrive", "upstream.results-follow-calls", "upstream.parallel-calls-together"):
        assert violations(rule, transcript) == [], rule


@pytest.mark.parametrize(("limit", "broken"), [(1000, False), (3048, False), (999, True)])
def test_a_limit_may_be_raised_by_a_thinking_budget_only(violations: Judge, limit: int, *, broken: bool) -> None:
    """On Messages the budget may be added to the limit; nothing may be taken off."""

    def thinks(sent: Body) -> None:
        sent |= {"max_tokens": limit, "thinking": {"type": "enabled", "budget_tokens": 2048}}

    transcript = _crossed({"input": "Hi.", "max_output_tokens": 1000}, "messages", thinks)
    assert bool(violations("upstream.limit-mapped", transcript)) is broken


@pytest.mark.parametrize(
    ("said", "sent", "broken"),
    [(True, True, False), (True, None, True), (False, None, False), (False, True, True), (None, None, False)],
)
def test_strict_is_kept_where_it_was_stated(violations: Judge, said: Any, sent: Any, *, broken: bool) -> None:
    """Absent means false on chat: a stated false may be left out, a stated true may not."""
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": said}

    def states(body: Body) -> None:
        body["tools"][0]["function"]["strict"] = sent

    transcript = _crossed({"input": "Hi.", "tools": [tool]}, "chat_completions", states)
    assert bool(violations("tools.strict-kept", transcript)) is broken


def test_a_route_may_be_taken_off_the_model(violations: Judge) -> None:
    """`vllm/llama` may go upstream as `llama`, another model may not."""

    def short(sent: Body) -> None:
        sent["model"] = "llama"

    assert violations("upstream.model-passed", _crossed({"model": "vllm/llama", "input": "Hi."}, "vllm", short)) == []
    assert violations("upstream.model-passed", _crossed({"model": "vllm/qwen", "input": "Hi."}, "vllm", short))


def test_nothing_is_claimed_of_a_context_that_was_not_seen(violations: Judge) -> None:
    """With an unknown `previous_response_id` the target may know more than the suite does."""

    def remembers(sent: Body) -> None:
        sent["messages"].insert(0, {"role": "assistant", "content": "What was said before."})

    transcript = _crossed({"input": "Hi.", "previous_response_id": "resp_of_yesterday"}, "vllm", remembers)
    assert violations("upstream.nothing-invented", transcript) == []


def test_a_retry_is_judged_by_what_the_client_had_seen(violations: Judge) -> None:
    """Before the first delta a retry is only not recommended, after it it breaks integrity."""
    frames = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"Hi"}\n\n'
    transcript = _crossed({"input": "Hi."}, "vllm")
    exchange = transcript.drives[0].exchanges[0]
    exchange.headers, exchange.received = (("content-type", "text/event-stream"),), (Received(1.0, frames),)
    first = exchange.upstream[0]
    for at, broken in ((0.5, False), (1.5, True)):
        exchange.upstream = (first, replace(first, retry_of=0, received_at=at))
        assert bool(violations("retry.not-after-visible-output", transcript)) is broken
