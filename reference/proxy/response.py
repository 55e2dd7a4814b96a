"""The Response object: every field Open Responses requires and the openai SDK reads.

Source: ``ResponseResource`` of Open Responses (31 fields), ``Response`` of the openai SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .request import Reasoning, Request


@dataclass(slots=True)
class Usage:
    """Token counts as the upstream reported them; details it did not give are 0."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def body(self) -> dict[str, Any]:
        """``usage``; the total is the sum, so that it never contradicts its parts."""
        return {
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": self.cache_write},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.input + self.output,
        }


def count(value: Any) -> int:
    """A token count as servers send it: an integer, null, or now and then a float."""
    return max(0, int(value)) if isinstance(value, int | float) else 0


def resource(request: Request, response_id: str, now: float, applied: dict[str, Any]) -> dict[str, Any]:
    """A Response that has just begun; ``applied`` holds settings that differ from what was asked."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(now),
        "completed_at": None,
        "status": "in_progress",
        "incomplete_details": None,
        "error": None,
        "model": request.model,
        "previous_response_id": request.previous_response_id,
        "instructions": request.instructions,
        "output": [],
        "tools": [_tool(tool) for tool in request.tools or () if tool.get("type") in _KEPT],
        "tool_choice": _choice(request.tool_choice),
        "truncation": "disabled",
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "text": _text(request),
        "top_p": _or(request.top_p, 1),
        "presence_penalty": _or(request.presence_penalty, 0),
        "frequency_penalty": _or(request.frequency_penalty, 0),
        "top_logprobs": _or(request.top_logprobs, 0),
        "temperature": _or(request.temperature, 1),
        "reasoning": _reasoning(request.reasoning),
        "usage": None,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "store": request.store is not False,
        "background": False,
        "service_tier": "default",
        "metadata": request.metadata or {},
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        **applied,
    }


# Hosted tools are not echoed: they were not available to the model.
_KEPT = ("function", "custom", "namespace", "tool_search")


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool["type"] != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}


def _choice(choice: str | dict[str, Any] | None) -> str | dict[str, Any]:
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return {"mode": "auto", **choice}
    return choice or "auto"


def _reasoning(asked: Reasoning | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    echoed = {"effort": asked.effort, "summary": asked.summary}
    return echoed | {name: value for name in ("context", "mode") if (value := getattr(asked, name)) is not None}


def _text(request: Request) -> dict[str, Any]:
    form = request.format
    if form["type"] == "json_schema":
        form = {"description": None, **form, "strict": bool(form.get("strict"))}
    verbosity = (request.text or {}).get("verbosity")
    return {"format": form, "verbosity": verbosity} if verbosity else {"format": form}
