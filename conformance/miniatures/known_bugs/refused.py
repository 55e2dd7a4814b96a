"""Proxies that refuse, or crash on, requests that are legal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.right_answers import refusal
from conformance.transcript import Exchange, Transcript

Body = dict[str, Any]
Items = list[dict[str, Any]]


def _refuses(*for_rules: str, status: int = 400) -> Callable[[Callable[[Body, Items], bool]], Edit]:
    """Register a condition on a request's body and items as a miniature that then answers with a status."""

    def register(when: Callable[[Body, Items], bool]) -> Edit:
        def one(exchange: Exchange) -> Exchange:
            body = exchange.request.body
            if not isinstance(body, dict) or exchange.request.method != "POST":
                return exchange
            given = body.get("input")
            items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
            return refusal(exchange.request, status) if when(body, items) else exchange

        def whole(transcript: Transcript) -> Transcript:
            return edit_exchanges(transcript, one)

        whole.__name__, whole.__doc__, whole.__module__ = when.__name__, when.__doc__, when.__module__
        return miniature(*for_rules)(whole)

    return register


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


@_refuses("answer.stream")
def custom_calls_unknown(body: Body, items: Items) -> bool:
    """Knows no input items of custom calls."""
    return any(item.get("type") in ("custom_tool_call", "custom_tool_call_output") for item in items)


@_refuses("answer.stream")
def assistant_needs_an_id(body: Body, items: Items) -> bool:
    """Validates an assistant message as its own output type: without an id it is refused."""
    return any(item.get("role") == "assistant" and "id" not in item for item in items)


@_refuses("history.nulls-are-absent")
def null_id_is_no_id(body: Body, items: Items) -> bool:
    """Fills an id in where the key is absent, and refuses one that is null."""
    return any("id" in item and item["id"] is None for item in items)


@_refuses("history.nulls-are-absent")
def null_logprobs_refused(body: Body, items: Items) -> bool:
    """Refuses the `logprobs: null` and `status: null` that SDKs echo."""
    return any("logprobs" in part and part["logprobs"] is None for item in items for part in _parts(item))


@_refuses("history.reasoning-accepted")
def reasoning_needs_content(body: Body, items: Items) -> bool:
    """Demands a `content` array of reasoning items."""
    return any(item.get("type") == "reasoning" and not isinstance(item.get("content"), list) for item in items)


@_refuses("history.garbled-arguments-accepted", status=500)
def crashes_on_empty_arguments(body: Body, items: Items) -> bool:
    """Parses the arguments of history calls, and an empty string is no JSON."""
    return any(item.get("type") == "function_call" and item.get("arguments") == "" for item in items)


@_refuses("history.agent-messages-accepted")
def agent_messages_unknown(body: Body, items: Items) -> bool:
    """Knows no input items of type agent_message."""
    return any(item.get("type") == "agent_message" for item in items)


@_refuses("answer.stream")
def refusals_unknown_in_history(body: Body, items: Items) -> bool:
    """Knows only text parts in assistant messages."""
    return any(part.get("type") == "refusal" for item in items for part in _parts(item))


@_refuses("answer.stream")
def empty_tools_refused(body: Body, items: Items) -> bool:
    """Refuses a choice where the list of tools is empty."""
    return body.get("tools") == [] and body.get("tool_choice") is not None


@_refuses("history.own-items-accepted", status=404)
def ids_are_looked_up(body: Body, items: Items) -> bool:
    """Looks every reasoning item up by its id, though nothing was stored."""
    return body.get("store") is False and any(i.get("type") == "reasoning" and i.get("id") for i in items)


@_refuses("answer.stream", status=501)
def stores_nothing_and_says_501(body: Body, items: Items) -> bool:
    """Answers 501 to every request that does not say `store: false`."""
    return body.get("store") is not False
