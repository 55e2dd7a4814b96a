"""Rules of requests that cannot be met: the client is told so, before it takes another answer for its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.asked import Asked
from conformance.crossings import Judged, Visit, asked_in, quote, visits
from conformance.given import given_items
from conformance.pieces import at, strings, text_of
from conformance.rules import RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_LISTED: Mapping[tuple[str, ...], frozenset[str]] = {
    ("reasoning", "effort"): frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"}),
    ("reasoning", "summary"): frozenset({"auto", "concise", "detailed"}),
    ("text", "verbosity"): frozenset({"low", "medium", "high"}),
    ("text", "format", "type"): frozenset({"text", "json_object", "json_schema"}),
    ("truncation",): frozenset({"auto", "disabled"}),
}
"""The values of `openai.types.responses.ResponseCreateParams`, where they are words."""

_WORDS = frozenset({"none", "auto", "required"})


def _requests(transcript: Transcript) -> Iterator[tuple[Visit, Asked]]:
    """Requests for a response, where it was the target that decided what became of them."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        failed = any(call.status is not None and call.status >= 400 for call in visit.exchange.upstream)
        if asked is not None and not failed and visit.exchange.status is not None:
            yield visit, asked


def _impossible(asked: Asked) -> str | None:
    """What a tool choice demands that is not there, in words."""
    choice, names = asked.choice, {tool.name for tool in asked.tools if tool.kind != "hosted"}
    if choice.kind == "named" and choice.name not in names:
        return f"the tool {quote(choice.name)}, which is not declared"
    if choice.kind == "required" and not asked.tools:
        return "a call, and there are no tools"
    if choice.kind == "allowed" and not any(name in names for name in choice.names) and choice.names:
        return f"the tools {list(choice.names)}, none of which is declared"
    value = asked.body.get("tool_choice")
    if isinstance(value, str) and value not in _WORDS:
        return f"{quote(value)}, which is no choice"
    if choice.kind == "other" and isinstance(value, dict) and choice.name:
        return f"a tool of type {choice.name}, which the service runs itself"
    return None


def _ran_it(visit: Visit, asked: Asked) -> bool:
    """Whether the target ran a hosted tool of its own: its receipt is in the answer."""
    kind = asked.choice.name.partition("_preview")[0]
    return bool(kind) and any(text_of(item.json.get("type")).startswith(kind) for item in given_items(visit))


@rule(
    "refusal.impossible-choice",
    level=RECOMMENDED,
    source="vLLM ChatCompletionRequest.check_tool_usage; openai.types.responses.ToolChoiceTypesParam; "
    "ggml-org/llama.cpp#20156",
    why="A program that relies on the tool goes on with an answer that was made without it.",
)
def impossible_choice(transcript: Transcript) -> Judged:
    """A tool choice that cannot be met, of a tool that is not declared or not run here, is refused with 400 or 422."""
    for visit, asked in _requests(transcript):
        demanded = _impossible(asked)
        if demanded is None:
            continue
        if visit.exchange.status in (400, 422) or _ran_it(visit, asked):
            yield visit.seen()
        else:
            yield visit.broken(
                f"a refusal: `tool_choice` demands {demanded}", f"it is answered with status {visit.exchange.status}"
            )


def _unlisted(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, listed in _LISTED.items():
        value = at(body, *path)
        if isinstance(value, str) and value not in listed:
            yield ".".join(path), value


@rule(
    "refusal.unlisted-value",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCreateParams (literal types); openai.types.shared.ReasoningEffort; "
    "ollama/ollama openai/responses.go refuses an unknown effort",
    why="A misspelt effort or format goes unnoticed, and every answer is made with another.",
    evidence="both",
)
def unlisted_value(transcript: Transcript) -> Judged:
    """A word that the API does not list is refused, or sent on for the upstream to judge; never dropped or replaced."""
    for visit, asked in _requests(transcript):
        for path, value in _unlisted(asked.body):
            sent = [text for call in visit.exchange.answered_calls for _, text in strings(call.json)]
            if visit.exchange.status in (400, 422) or value in sent:
                yield visit.seen()
            else:
                yield visit.broken(
                    f"a refusal of `{path}: {value}`, or the same word upstream",
                    f"it is answered with status {visit.exchange.status}",
                )
