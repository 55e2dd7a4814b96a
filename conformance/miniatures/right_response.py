"""The Response object as a right target writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.miniatures.flavours import Flavour
from conformance.said import SaidUsage

__all__ = ["response_object"]

_FULL: dict[str, Any] = {
    "previous_response_id": None,
    "truncation": "disabled",
    "text": {"format": {"type": "text"}},
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
    "reasoning": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": False,
    "background": False,
    "service_tier": "default",
    "safety_identifier": None,
    "prompt_cache_key": None,
}
"""What Open Responses' `ResponseResource` requires beyond OpenAI's OpenAPI document, with its defaults."""

_DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "temperature": 1,
    "top_p": 1,
    "metadata": {},
}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return dict(tool)
    return {"description": None, "strict": False, "parameters": None} | dict(tool)


def _usage(usage: SaidUsage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": usage.input + usage.output,
    }


def response_object(
    flavour: Flavour,
    request: Mapping[str, Any],
    *,
    response_id: str,
    model: str,
    created_at: int,
    status: str,
    reason: str | None,
    error: str | None,
    output: list[dict[str, Any]],
    usage: SaidUsage | None,
) -> dict[str, Any]:
    """A Response in a status, echoing the request's settings."""
    settings = _DEFAULTS | (_FULL if flavour.whole_response else {})
    asked = {key: value for key, value in request.items() if key in _DEFAULTS | _FULL and value is not None}
    if "tools" in asked:
        asked["tools"] = [_tool(tool) for tool in asked["tools"]]
    if isinstance(asked.get("reasoning"), dict):
        asked["reasoning"] = {"effort": None, "summary": None} | asked["reasoning"]
    if isinstance(asked.get("text"), dict):
        asked["text"] = {"format": {"type": "text"}} | asked["text"]
    completed = status == "completed"
    response = {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "status": status,
        "incomplete_details": {"reason": reason} if status == "incomplete" else None,
        "error": {"code": "server_error", "message": error or "The upstream failed."} if status == "failed" else None,
        "model": model,
        "output": output,
        "usage": _usage(usage),
        **settings,
        **asked,
    }
    if completed or flavour.whole_response:
        response["completed_at"] = created_at + 1 if completed else None
    return response
