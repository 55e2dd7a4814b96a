"""What fails because something else has failed is told once: the other rule keeps silent."""

from __future__ import annotations

import json
from typing import Any

import pytest

import conformance.checks  # noqa: F401 - registers the rules
from conformance.rules import REGISTRY, Violation
from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from fakes.log import UpstreamCall

TEXT = SaidItem(kind="text", text="Hm.", pieces=1)
CUT = Said((TEXT,), None, frozenset({"incomplete:max_output_tokens"}), finish="length")
WHOLE = Said((TEXT,), None, frozenset({"completed"}), finish="stop")
ASKED = {"model": "m", "stream": False, "input": "Hi"}


def broken(rule: str, *exchanges: Exchange, tags: tuple[str, ...] = (), **more: Any) -> bool:
    drives = [Drive("json", list(exchanges))]
    transcript = Transcript("some.case", "chat_completions", drives, facts={"tags": tags, **more})
    return any(isinstance(found, Violation) for found in REGISTRY[rule].check(transcript))


def answered(body: Any, said: Said | None = None, asked: dict[str, Any] = ASKED, sent: Any = None) -> Exchange:
    calls = (
        (UpstreamCall("POST", "/v1/chat/completions", "", (), b"", sent, 0.1, answer=0, status=200),) if sent else ()
    )
    request = ClientRequest("POST", "/v1/responses", (), asked)
    headers = (("content-type", "application/json"),)
    return Exchange(request, 200, headers, (Received(0.2, json.dumps(body).encode()),), upstream=calls, said=said)


def response(**fields: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "output": [], **fields}


def test_a_missing_status_is_told_once() -> None:
    """A whole answer without a status is no answer in progress, and of a whole one it says nothing wrong."""
    assert broken("json.required-fields", answered(response(), WHOLE))
    assert not broken("json.status-is-final", answered(response(), WHOLE))
    assert not broken("json.end-state-equals-upstream", answered(response(), WHOLE))
    assert broken("json.status-is-final", answered(response(status="in_progress"), WHOLE))
    assert broken("json.end-state-equals-upstream", answered(response(status="failed"), WHOLE))


def test_a_cut_answer_without_a_status_passes_for_a_whole_one() -> None:
    """Where the upstream's answer was cut, an answer that does not say so is wrong however it leaves that out."""
    assert broken("json.end-state-equals-upstream", answered(response(), CUT))


@pytest.mark.parametrize(
    ("sent", "invented"), [(list("Hi"), False), (["H"], False), (["Hi", "there"], True), (["Hi", "H"], True)]
)
def test_a_torn_text_is_not_added_to(sent: list[str], invented: bool) -> None:
    """A text that was torn to pieces has not arrived; its pieces are nothing that the target made up."""
    messages = [{"role": "user", "content": text} for text in sent]
    exchange = answered(response(), WHOLE, sent={"model": "m", "messages": messages})
    assert broken("upstream.nothing-invented", exchange) is invented
    assert broken("upstream.user-text-arrives", exchange) is ("Hi" not in sent)


@pytest.mark.parametrize(("text", "empty"), [("", True), (" ", False)])
def test_a_blank_is_a_text_to_chat_completions(text: str, empty: bool) -> None:
    """Only Messages refuses a text of white space; to chat completions a message is empty when nothing is in it."""
    messages = [{"role": "user", "content": "Hi"}, {"role": "user", "content": text}]
    exchange = answered(response(), WHOLE, sent={"model": "m", "messages": messages})
    assert broken("upstream.no-empty-messages", exchange) is empty


@pytest.mark.parametrize("rule", ["history.call-ids-round-trip", "history.calls-round-trip"])
def test_calls_that_never_went_upstream_went_under_no_id(rule: str) -> None:
    """A call that was left out is told by upstream.calls-arrive; one that was altered, by the round trip's rules."""
    call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'}
    said = SaidItem(kind="call", text='{"city": "Oslo"}', pieces=1, name="get_weather", call_id="call_1")
    first = answered(response(output=[call]), Said((said,), None, frozenset({"completed"}), finish="tool_calls"))
    result = {"type": "function_call_output", "call_id": "call_1", "output": "Rain."}
    asked = {**ASKED, "input": [{"role": "user", "content": "Hi"}, call, result]}
    user = {"role": "user", "content": "Hi"}
    function = {"name": "get_weather", "arguments": "{}"}
    altered = {"role": "assistant", "tool_calls": [{"id": "other", "type": "function", "function": function}]}
    tool = {"role": "tool", "tool_call_id": "other", "content": "Rain."}

    def second(*messages: Any) -> Exchange:
        return answered(response(), WHOLE, asked, {"model": "m", "messages": list(messages)})

    assert not broken(rule, first, second(user))
    assert broken("upstream.calls-arrive", first, second(user))
    assert broken(rule, first, second(user, altered, tool))


def test_an_error_event_tells_that_the_upstream_is_down() -> None:
    """An upstream that refuses the connection may be told by an `error` event, as other failures may."""
    request = ClientRequest("POST", "/v1/responses", (), {**ASKED, "stream": True})
    headers = (("content-type", "text/event-stream"),)

    def told(event: dict[str, Any]) -> Exchange:
        return Exchange(request, 200, headers, (Received(0.1, b"data: " + json.dumps(event).encode() + b"\n\n"),))

    rule = "failure.unreachable-told"
    assert not broken(rule, told({"type": "error", "error": {"message": "No connection."}}), tags=("unreachable",))
    assert broken(rule, told({"type": "response.completed", "response": response()}), tags=("unreachable",))
    assert broken(rule, answered(response(status="completed")), tags=("unreachable",))
    assert not broken(rule, answered(None), tags=("unreachable",))
    assert broken("json.is-a-response", answered(None), tags=("unreachable",))
