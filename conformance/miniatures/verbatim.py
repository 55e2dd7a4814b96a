"""Proxies that tidy up what passes: composed characters, trimmed texts, arguments written anew, words for nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from conformance.miniatures.request_edits import Outgoing, request_miniature


def _every_text(request: Outgoing, change: Callable[[str], str], *roles: str) -> None:
    for role in roles:
        for slot in request.texts(role):
            slot.text = change(slot.text)


@request_miniature("upstream.user-text-arrives")
def composes_characters(request: Outgoing) -> None:
    """Brings the user's texts into Unicode's normal form C."""
    _every_text(request, lambda text: unicodedata.normalize("NFC", text), "user")


@request_miniature("upstream.system-text-arrives")
def white_space_collapsed(request: Outgoing) -> None:
    """Makes one blank of all white space in system texts."""
    _every_text(request, lambda text: " ".join(text.split()), "system")


@request_miniature("upstream.texts-unaltered")
def earlier_answers_trimmed(request: Outgoing) -> None:
    """Trims what the assistant has said before, and nothing else."""
    _every_text(request, str.rstrip, "assistant")


@request_miniature("upstream.arguments-verbatim")
def arguments_written_anew(request: Outgoing) -> None:
    """Reads the arguments of earlier calls and writes them in another way."""
    if request.is_messages:
        return
    for _, call in request.calls():
        value = request.arguments(call)
        if isinstance(value, dict):
            request.set_arguments(call, dict(sorted(value.items(), reverse=True)))


@request_miniature("upstream.properties-order-kept")
def properties_backwards(request: Outgoing) -> None:
    """Keeps schemas in maps without an order, and writes their properties backwards."""
    for tool in request.tools:
        _reversed(tool.get(request.schema_key))
    for key in ("response_format", "output_config"):
        _reversed(request.body.get(key))


def _reversed(value: Any) -> None:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key == "properties" and isinstance(inner, dict):
            value[key] = dict(reversed(inner.items()))
        _reversed(value[key])


@request_miniature("upstream.empty-result-stays-empty")
def words_for_nothing(request: Outgoing) -> None:
    """Puts words into results that are empty."""
    for _, result in request.results():
        if not result.get("content"):
            result["content"] = "(no output)"
