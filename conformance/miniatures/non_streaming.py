"""Proxies whose whole answers differ from what the upstream said, and from their own streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import edit_exchanges, edit_json, encode
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Exchange, Received, Transcript


def _on_responses(edit: Callable[[dict[str, Any]], None]) -> Edit:
    """An edit, in place, of every whole answer that is a Response."""

    def one(value: Any) -> Any:
        if isinstance(value, dict) and value.get("object") == "response" and "output" in value:
            edit(value)
        return value

    return lambda transcript: edit_json(transcript, one)


def _items(response: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    return [item for item in response["output"] if item["type"] in types]


@miniature("json.content-type")
def whole_answer_as_text(transcript: Transcript) -> Transcript:
    """Sends whole answers as plain text."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.is_stream or exchange.status != 200:
            return exchange
        return replace(exchange, headers=(("content-type", "text/plain"),))

    return edit_exchanges(transcript, one)


@miniature("json.is-a-response")
def streams_unasked(transcript: Transcript) -> Transcript:
    """Answers a request without `stream` by events."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.is_stream or exchange.status != 200 or not isinstance(exchange.json, dict):
            return exchange
        event = encode({"type": "response.completed", "sequence_number": 0, "response": exchange.json})
        headers = (("content-type", "text/event-stream"),)
        return replace(exchange, headers=headers, received=(Received(0.01, event),))

    return edit_exchanges(transcript, one)


@miniature("json.is-a-response")
def answers_in_chat_form(transcript: Transcript) -> Transcript:
    """Passes the upstream's own object on."""
    return _on_responses(lambda response: response.update(object="chat.completion"))(transcript)


@miniature("json.required-fields")
def created_at_missing(transcript: Transcript) -> Transcript:
    """Leaves created_at out."""
    return _on_responses(lambda response: response.pop("created_at", None))(transcript)


@miniature("json.status-is-final")
def whole_answer_in_progress(transcript: Transcript) -> Transcript:
    """Answers while the response is in progress."""
    return _on_responses(lambda response: response.update(status="in_progress"))(transcript)


@miniature("json.end-state-equals-upstream")
def whole_answer_always_completed(transcript: Transcript) -> Transcript:
    """Calls every whole answer completed."""
    return _on_responses(lambda response: response.update(status="completed", incomplete_details=None))(transcript)


@miniature("json.end-state-equals-upstream")
def whole_answer_for_another_reason(transcript: Transcript) -> Transcript:
    """Gives the other reason for an incomplete answer."""
    other = {"max_output_tokens": "content_filter", "content_filter": "max_output_tokens"}

    def edit(response: dict[str, Any]) -> None:
        if response.get("incomplete_details"):
            response["incomplete_details"]["reason"] = other[response["incomplete_details"]["reason"]]

    return _on_responses(edit)(transcript)


def _change(text: str) -> str:
    """The text with another character in its middle."""
    middle = len(text) // 2
    return f"{text[:middle]}#{text[middle + 1 :]}"


@miniature("json.text-equals-upstream", "json.equals-stream")
def whole_text_altered(transcript: Transcript) -> Transcript:
    """Changes a character in the middle of a whole answer's text."""

    def edit(response: dict[str, Any]) -> None:
        for item in _items(response, "message"):
            for part in item["content"]:
                if part["type"] == "output_text":
                    part["text"] = _change(part["text"])

    return _on_responses(edit)(transcript)


@miniature("json.reasoning-equals-upstream")
def whole_reasoning_lost(transcript: Transcript) -> Transcript:
    """Leaves the reasoning out of whole answers."""
    return _on_responses(lambda r: r.update(output=[i for i in r["output"] if i["type"] != "reasoning"]))(transcript)


@miniature("json.reasoning-equals-upstream")
def whole_reasoning_altered(transcript: Transcript) -> Transcript:
    """Changes a character in the middle of a whole answer's reasoning."""

    def edit(response: dict[str, Any]) -> None:
        for item in _items(response, "reasoning"):
            for part in (*item.get("summary", ()), *item.get("content", ())):
                part["text"] = _change(part["text"])

    return _on_responses(edit)(transcript)


@miniature("json.refusal-equals-upstream")
def whole_refusal_lost(transcript: Transcript) -> Transcript:
    """Leaves refusals out of whole answers."""

    def edit(response: dict[str, Any]) -> None:
        for item in _items(response, "message"):
            item["content"] = [part for part in item["content"] if part["type"] != "refusal"]

    return _on_responses(edit)(transcript)


@miniature("json.calls-equal-upstream")
def whole_arguments_altered(transcript: Transcript) -> Transcript:
    """Writes another value into the arguments of a whole answer's call."""

    def edit(response: dict[str, Any]) -> None:
        for item in _items(response, "function_call"):
            item["arguments"] = item["arguments"].replace("Oslo", "oslo")

    return _on_responses(edit)(transcript)


@miniature("json.calls-equal-upstream")
def whole_call_lost(transcript: Transcript) -> Transcript:
    """Leaves the last call out of a whole answer."""

    def edit(response: dict[str, Any]) -> None:
        for item in _items(response, "function_call")[-1:]:
            response["output"].remove(item)

    return _on_responses(edit)(transcript)


@miniature("json.usage-equals-upstream", "json.usage-equals-stream")
def whole_usage_doubled(transcript: Transcript) -> Transcript:
    """Counts the output of a whole answer twice."""

    def edit(response: dict[str, Any]) -> None:
        if response.get("usage"):
            response["usage"]["output_tokens"] *= 2

    return _on_responses(edit)(transcript)


@miniature("json.equals-stream")
def whole_answer_with_more(transcript: Transcript) -> Transcript:
    """Adds an item to whole answers only."""
    extra = {"type": "reasoning", "id": "rs_extra", "summary": []}
    return _on_responses(lambda response: response["output"].append(dict(extra)))(transcript)
