"""Proxies whose whole answers are no objects of the specifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.miniatures.edits import edit_json
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Transcript


def _on_bodies(edit: Callable[[dict[str, Any]], None]) -> Edit:
    """An edit, in place, of every Response that is a whole answer."""

    def one(value: Any) -> Any:
        if isinstance(value, dict) and value.get("object") == "response" and isinstance(value.get("output"), list):
            edit(value)
        return value

    return lambda transcript: edit_json(transcript, one)


def _calls(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in body["output"] if item["type"] in ("function_call", "custom_tool_call")]


@miniature("schema.openai-body")
def text_without_annotations(transcript: Transcript) -> Transcript:
    """Leaves `annotations` out of the text parts of whole answers."""

    def edit(body: dict[str, Any]) -> None:
        for item in body["output"]:
            for part in item.get("content") or () if item["type"] == "message" else ():
                part.pop("annotations", None)

    return _on_bodies(edit)(transcript)


@miniature("schema.openai-body")
def time_as_text(transcript: Transcript) -> Transcript:
    """Writes `created_at` as a string in whole answers."""
    return _on_bodies(lambda body: body.update(created_at=str(body.get("created_at"))))(transcript)


@miniature("schema.open-responses-body")
def body_without_penalties(transcript: Transcript) -> Transcript:
    """Leaves out of whole answers the fields that only Open Responses requires."""

    def edit(body: dict[str, Any]) -> None:
        for key in ("presence_penalty", "frequency_penalty", "top_logprobs", "service_tier"):
            body.pop(key, None)

    return _on_bodies(edit)(transcript)


@miniature("schema.open-responses-body")
def last_item_without_id(transcript: Transcript) -> Transcript:
    """Gives the last item of a whole answer no id."""
    return _on_bodies(lambda body: body["output"][-1].pop("id", None) if body["output"] else None)(transcript)


@miniature("json.openapi-fields")
def nulls_left_out(transcript: Transcript) -> Transcript:
    """Leaves out of whole answers whatever is null."""

    def edit(body: dict[str, Any]) -> None:
        for key in [key for key, value in body.items() if value is None]:
            del body[key]

    return _on_bodies(edit)(transcript)


@miniature("json.call-ids")
def whole_calls_share_an_id(transcript: Transcript) -> Transcript:
    """Gives all calls of a whole answer the `call_id` of the first."""

    def edit(body: dict[str, Any]) -> None:
        for call in _calls(body):
            call["call_id"] = _calls(body)[0]["call_id"]

    return _on_bodies(edit)(transcript)


@miniature("json.call-ids")
def whole_call_with_long_id(transcript: Transcript) -> Transcript:
    """Gives the last call of a whole answer an id of more than 64 characters."""

    def edit(body: dict[str, Any]) -> None:
        for call in _calls(body)[-1:]:
            call["call_id"] = "call_" + "x" * 80

    return _on_bodies(edit)(transcript)


@miniature("json.item-ids-unique")
def whole_items_share_an_id(transcript: Transcript) -> Transcript:
    """Gives every item of a whole answer one id."""

    def edit(body: dict[str, Any]) -> None:
        for item in body["output"]:
            item["id"] = "item_1"

    return _on_bodies(edit)(transcript)


@miniature("json.items-agree-with-status")
def last_item_left_incomplete(transcript: Transcript) -> Transcript:
    """Leaves the last item of a completed whole answer incomplete."""

    def edit(body: dict[str, Any]) -> None:
        if body.get("status") == "completed" and body["output"]:
            body["output"][-1]["status"] = "incomplete"

    return _on_bodies(edit)(transcript)


@miniature("json.items-agree-with-status")
def completed_with_an_error(transcript: Transcript) -> Transcript:
    """Keeps an `error` in completed whole answers."""

    def edit(body: dict[str, Any]) -> None:
        if body.get("status") == "completed":
            body["error"] = {"code": "server_error", "message": "It had to be repeated."}

    return _on_bodies(edit)(transcript)
