"""Proxies that refuse what they should answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import miniature
from conformance.transcript import Exchange, Received, Transcript


def _refusing(transcript: Transcript, status: int, when: Callable[[Exchange, Any], bool]) -> Transcript:
    """The transcript with an error of that status where the request's body is such."""
    error = {"error": {"message": "Not supported.", "type": "invalid_request_error", "param": None, "code": None}}
    body = (Received(0.01, json.dumps(error).encode()),)

    def one(exchange: Exchange) -> Exchange:
        asked = exchange.request.body
        answered = exchange.status is not None and exchange.status < 300
        if not answered or not isinstance(asked, dict) or not when(exchange, asked):
            return exchange
        headers = (("content-type", "application/json"),)
        return replace(
            exchange, status=status, headers=headers, received=body, ended="complete", upstream=(), said=None
        )

    return edit_exchanges(transcript, one)


def _items(asked: Any) -> list[Any]:
    items = asked.get("input")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


@miniature("answer.whole")
def streams_only(transcript: Transcript) -> Transcript:
    """Answers 501 to every request that does not ask for a stream."""
    return _refusing(transcript, 501, lambda exchange, asked: asked.get("stream") is not True)


@miniature("answer.stream")
def string_input_refused(transcript: Transcript) -> Transcript:
    """Answers 400 to a string as `input`."""
    return _refusing(transcript, 400, lambda exchange, asked: isinstance(asked.get("input"), str))


@miniature("answer.stream")
def upstream_answer_not_understood(transcript: Transcript) -> Transcript:
    """Answers 502 where the upstream's answer holds tool calls, although the upstream is fine."""
    return _refusing(transcript, 502, lambda exchange, asked: exchange.said is not None and bool(exchange.said.calls))


@miniature("answer.sdk-request")
def easy_messages_refused(transcript: Transcript) -> Transcript:
    """Answers 400 to messages without `type`, the form in which SDKs send them."""
    return _refusing(transcript, 400, lambda exchange, asked: any("type" not in item for item in _items(asked)))


@miniature("answer.codex-request")
def hosted_tools_refused(transcript: Transcript) -> Transcript:
    """Answers 400 to a request that declares a hosted tool, whatever else it declares."""
    return _refusing(
        transcript,
        400,
        lambda exchange, asked: any(tool.get("type") == "web_search" for tool in asked.get("tools") or ()),
    )
