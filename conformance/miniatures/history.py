"""Proxies that cannot take back what they gave out, or forget what they were told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.miniatures.right_answers import refusal
from conformance.reading import as_list
from conformance.transcript import Exchange, Transcript


def _refusing(when: Callable[[dict[str, Any], list[dict[str, Any]]], bool]) -> Edit:
    """A proxy that answers 400 when a request's body and items are such."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        given = body.get("input") if isinstance(body, dict) else None
        items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        return refusal(exchange.request, 400) if isinstance(body, dict) and when(body, items) else exchange

    return lambda transcript: edit_exchanges(transcript, one)


@miniature("history.own-items-accepted")
def refuses_echoes(transcript: Transcript) -> Transcript:
    """Refuses calls that have an id."""
    return _refusing(lambda _, items: any(i.get("type") == "function_call" and i.get("id") for i in items))(transcript)


@miniature("history.reasoning-accepted")
def refuses_reasoning(transcript: Transcript) -> Transcript:
    """Refuses reasoning items."""
    return _refusing(lambda _, items: any(i.get("type") == "reasoning" for i in items))(transcript)


@miniature("history.unknown-keys-accepted")
def refuses_unknown_keys(transcript: Transcript) -> Transcript:
    """Refuses fields that it does not know."""
    return _refusing(lambda body, _: "client_metadata" in body)(transcript)


@miniature("history.nulls-are-absent")
def refuses_nulls(transcript: Transcript) -> Transcript:
    """Refuses fields that are null."""
    return _refusing(lambda body, _: None in body.values())(transcript)


@miniature("history.garbled-arguments-accepted")
def refuses_garbled_arguments(transcript: Transcript) -> Transcript:
    """Refuses calls whose arguments do not end as JSON does."""
    return _refusing(lambda _, items: any(not str(i.get("arguments", "}")).endswith("}") for i in items))(transcript)


@miniature("history.ending-with-assistant-accepted")
def refuses_prefill(transcript: Transcript) -> Transcript:
    """Refuses a history that ends with an assistant message."""
    return _refusing(lambda _, items: bool(items) and items[-1].get("role") == "assistant")(transcript)


@request_miniature("history.messages-end-with-user")
def sends_prefill(request: Outgoing) -> None:
    """Lets a request to Messages end with the assistant's text."""
    items = request.asked.get("input")
    if request.is_messages and isinstance(items, list) and items[-1].get("role") == "assistant":
        del request.messages[-1]


@miniature("history.receipts-accepted")
def refuses_receipts(transcript: Transcript) -> Transcript:
    """Refuses receipts of hosted tools."""
    return _refusing(lambda _, items: any(i.get("type") == "web_search_call" for i in items))(transcript)


@miniature("history.foreign-compaction-accepted")
def refuses_compaction(transcript: Transcript) -> Transcript:
    """Refuses compaction items of other servers."""
    return _refusing(lambda _, items: any(i.get("type") == "compaction" for i in items))(transcript)


def _is_loop(request: Outgoing) -> bool:
    return len(request.exchange.request.body.get("input") or ()) > 1 and "4 degrees, rain" in str(request.asked)


@request_miniature("history.call-ids-round-trip")
def ids_of_its_own_upstream(request: Outgoing) -> None:
    """Sends a call back under an id of its own."""
    for _, call in request.calls() if _is_loop(request) else ():
        old, call["id"] = call["id"], f"proxy_{call['id']}"
        for _, result in request.results():
            if result[request.result_key] == old:
                result[request.result_key] = call["id"]


@request_miniature("history.calls-round-trip")
def arguments_forgotten(request: Outgoing) -> None:
    """Sends a call back without its arguments."""
    for _, call in request.calls() if _is_loop(request) else ():
        request.set_arguments(call, {})


@request_miniature("history.calls-round-trip")
def argument_altered(request: Outgoing) -> None:
    """Sends a call back with another value in its arguments."""
    for _, call in request.calls() if _is_loop(request) else ():
        request.set_arguments(call, {"city": "oslo"})


def _thoughts(request: Outgoing) -> list[dict[str, Any]]:
    """The thinking blocks of a request to Messages."""
    kinds = ("thinking", "redacted_thinking")
    contents = [m["content"] for m in request.messages if isinstance(m.get("content"), list)]
    return [b for content in contents for b in content if isinstance(b, dict) and b.get("type") in kinds]


@request_miniature("history.reasoning-returned")
def reasoning_forgotten(request: Outgoing) -> None:
    """Sends no reasoning back."""
    for block in _thoughts(request):
        request.drop(block)
    for message in request.messages:
        for key in ("reasoning", "reasoning_content"):
            message.pop(key, None)


@request_miniature("history.reasoning-returned")
def last_thought_only(request: Outgoing) -> None:
    """Has one field for the reasoning of a turn, and writes each thought over the one before."""
    items = [item for item in as_list(request.asked.get("input")) if isinstance(item, dict)]
    given = [item for item in items if item.get("type") == "reasoning"]
    texts = [part.get("text") for item in given for key in ("summary", "content") for part in as_list(item.get(key))]
    for message in request.messages:
        told = [text for text in texts if text and text in str(message.get("reasoning") or "")]
        if len(told) > 1:
            message["reasoning"] = told[-1]


@request_miniature("history.thinking-unaltered")
def thinking_trimmed(request: Outgoing) -> None:
    """Cuts the last character off thinking, and off redacted data."""
    for block in _thoughts(request):
        key = "thinking" if block["type"] == "thinking" else "data"
        block[key] = block[key][:-1]


@request_miniature("history.thinking-unaltered")
def signature_replaced(request: Outgoing) -> None:
    """Signs thinking itself."""
    for block in _thoughts(request):
        if "signature" in block:
            block["signature"] = "c2lnbmVkLWJ5LXRoZS1wcm94eQ=="


@request_miniature("history.thinking-before-its-call")
def thinking_after_call(request: Outgoing) -> None:
    """Puts thinking behind the call that it led to."""
    for message in request.messages if _thoughts(request) else ():
        if message["role"] == "assistant" and isinstance(message["content"], list):
            message["content"].reverse()


@request_miniature("history.prefix-stable")
def clock_in_prompt(request: Outgoing) -> None:
    """Writes how long the conversation is into the first message."""
    count = len(request.exchange.request.body.get("input") or ())
    slots = request.texts("user")
    if slots:
        slots[0].text = f"{slots[0].text} [{count} items]"


@request_miniature("history.previous-response-continued")
def previous_ignored(request: Outgoing) -> None:
    """Ignores previous_response_id."""
    if request.asked.get("previous_response_id"):
        del request.messages[:-1]


@request_miniature("history.previous-response-continued")
def previous_output_forgotten(request: Outgoing) -> None:
    """Continues with the earlier input, without the earlier answer."""
    if request.asked.get("previous_response_id"):
        for slot in request.texts("assistant"):
            slot.text = "."


@request_miniature("history.instructions-not-inherited")
def instructions_inherited(request: Outgoing) -> None:
    """Repeats the instructions of the previous response."""
    if not request.asked.get("previous_response_id"):
        return
    if request.is_messages:
        request.body["system"] = "Speak like a pirate."
    else:
        request.say("system", "Speak like a pirate.", place=0)


@request_miniature("history.orphan-result-not-misattributed")
def orphan_given_to_another(request: Outgoing) -> None:
    """Gives a result without a call to the call that there is."""
    if "the lost result" in str(request.asked):
        for _, result in request.results():
            result["content"] = [{"type": "text", "text": "the lost result"}]
