"""Servers that fail one of Open Responses' acceptance tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, edit_json, on_streams
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.right_answers import refusal
from conformance.transcript import Exchange, Received, Transcript

_DELTA = "response.output_text.delta"


def _in(*tests: str) -> Callable[[Edit], Edit]:
    """An edit of the transcripts of some acceptance tests alone."""

    def limited(edit: Edit) -> Edit:
        return lambda transcript: edit(transcript) if transcript.facts.get("acceptance") in tests else transcript

    return limited


def _answering(edit: Callable[[Exchange], Exchange]) -> Edit:
    return lambda transcript: edit_exchanges(transcript, edit)


def _refusing(param: str, message: str, status: int = 400) -> Edit:
    """Every request of a test is refused."""
    return _answering(lambda exchange: refusal(exchange.request, status, param, message))


def _on_responses(edit: Callable[[dict[str, Any]], None]) -> Edit:
    """An edit, in place, of every whole Response."""

    def one(value: Any) -> Any:
        if isinstance(value, dict) and value.get("object") == "response":
            edit(value)
        return value

    return lambda transcript: edit_json(transcript, one)


def _body(exchange: Exchange, value: Any, status: int = 200) -> Exchange:
    headers = (("content-type", "application/json"),)
    return replace(exchange, status=status, headers=headers, received=(Received(0.01, json.dumps(value).encode()),))


@miniature("acceptance.basic-response")
def answers_before_it_has_one(transcript: Transcript) -> Transcript:
    """Answers at once with a Response that is still in progress, though nobody asked for the background."""
    edit = _on_responses(lambda response: response.update(status="in_progress", completed_at=None))
    return _in("basic-response")(edit)(transcript)


@miniature("acceptance.basic-response")
def passes_chat_completions_through(transcript: Transcript) -> Transcript:
    """Gives the client the chat completion that its upstream gave it."""

    def one(exchange: Exchange) -> Exchange:
        said = {"role": "assistant", "content": "Hello to you."}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return _body(exchange, {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]})

    return _in("basic-response")(_answering(one))(transcript)


@miniature("acceptance.assistant-phase")
def knows_no_phase(transcript: Transcript) -> Transcript:
    """Refuses messages with a `phase`, as an unknown field."""
    return _in("assistant-phase")(_refusing("input[0].phase", "Unknown parameter: 'phase'."))(transcript)


def _old_names(draft: Draft) -> None:
    frame = draft.nth(2, _DELTA)
    if frame is not None:
        frame.data["type"] = "response.text.delta"


@miniature("acceptance.streaming-response")
def third_delta_of_the_realtime_api(transcript: Transcript) -> Transcript:
    """Names the third delta of a text as the Realtime API did."""
    return _in("streaming-response")(on_streams(_old_names))(transcript)


def _placeless(draft: Draft) -> None:
    frame = draft.nth(1, _DELTA)
    if frame is not None:
        del frame.data["content_index"]


@miniature("acceptance.streaming-response")
def second_delta_without_place(transcript: Transcript) -> Transcript:
    """Leaves `content_index` out of the second delta of a text."""
    return _in("streaming-response")(on_streams(_placeless))(transcript)


@miniature("acceptance.streaming-response")
def streams_nothing(transcript: Transcript) -> Transcript:
    """Answers a request for a stream with the whole Response as JSON."""

    def one(exchange: Exchange) -> Exchange:
        return _body(exchange, exchange.events[-1 - exchange.events[-1].is_done].get("response"))

    return _in("streaming-response")(_answering(one))(transcript)


@miniature("acceptance.system-prompt")
def two_roles_only(transcript: Transcript) -> Transcript:
    """Refuses every role but user and assistant."""
    edit = _refusing("input[0].role", "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.")
    return _in("system-prompt")(edit)(transcript)


def _without_call_id(response: dict[str, Any]) -> None:
    for item in response["output"]:
        item.pop("call_id", None)


@miniature("acceptance.tool-calling")
def call_without_call_id(transcript: Transcript) -> Transcript:
    """Gives calls an `id` and no `call_id`."""
    return _in("tool-calling")(_on_responses(_without_call_id))(transcript)


@miniature("acceptance.tool-calling")
def falls_over_tools(transcript: Transcript) -> Transcript:
    """Answers 500 as soon as a tool is declared."""
    return _in("tool-calling")(_refusing("tools", "Internal error", 500))(transcript)


@miniature("acceptance.image-input")
def texts_only(transcript: Transcript) -> Transcript:
    """Says that it takes images, and refuses a content part that is none of text."""
    edit = _refusing("input[0].content[1]", "Invalid value: 'input_image'. Supported values are: 'input_text'.")
    return _in("image-input")(edit)(transcript)


@miniature("acceptance.multi-turn")
def fails_on_a_history(transcript: Transcript) -> Transcript:
    """Ends every answer to a history as failed: the upstream refuses what it makes of the assistant's message."""
    error = {"code": "server_error", "message": "400 Bad Request"}
    edit = _on_responses(lambda response: response.update(status="failed", error=error, completed_at=None))
    return _in("multi-turn")(edit)(transcript)


@miniature("acceptance.multi-turn")
def content_in_parts_only(transcript: Transcript) -> Transcript:
    """Refuses messages whose content is a string, behind the first."""
    edit = _refusing("input[1].content", "Input should be a valid list.", 422)
    return _in("multi-turn")(edit)(transcript)


@miniature("acceptance.compact-response")
def compacts_into_a_message(transcript: Transcript) -> Transcript:
    """Gives the summary as a message of the assistant, with no compaction item."""

    def one(value: Any) -> Any:
        part = {"type": "output_text", "text": "The launch is on Tuesday.", "annotations": [], "logprobs": []}
        said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        return {**value, "output": [said]}

    return _in("compact-response")(lambda transcript: edit_json(transcript, one))(transcript)


@miniature("acceptance.compact-response")
def compaction_as_a_response(transcript: Transcript) -> Transcript:
    """Gives a compaction the object type of a Response."""
    return _in("compact-response")(lambda transcript: edit_json(transcript, _as_a_response))(transcript)


def _as_a_response(value: Any) -> Any:
    return {**value, "object": "response", "status": "completed"}


@miniature("acceptance.compact-missing-model")
def compacts_with_any_model(transcript: Transcript) -> Transcript:
    """Compacts with a model of its own choice where none is named."""
    compacted = {"id": "comp_1", "object": "response.compaction", "created_at": 1, "output": []}
    return _in("compact-missing-model")(_answering(lambda exchange: _body(exchange, compacted)))(transcript)


@miniature("acceptance.compact-missing-model")
def falls_over_a_missing_model(transcript: Transcript) -> Transcript:
    """Answers 500 where no model is named."""
    edit = _answering(lambda exchange: _body(exchange, {"error": {"message": "KeyError: 'model'"}}, 500))
    return _in("compact-missing-model")(edit)(transcript)
