"""What the Response echoes of its request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.checks.phrases import listed, shown
from conformance.reading import StreamReading, as_dict, as_list, streams
from conformance.rules import MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import Transcript

ECHO = (
    "Open Responses 2026-04-24, schema ResponseResource (that was used for this response); ollama openai/responses.go"
)

_SCALARS = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "temperature",
    "top_p",
    "truncation",
)
_DEFAULTS = {"temperature": 1, "top_p": 1, "truncation": "disabled"}


def _echoes(transcript: Transcript, keys: tuple[str, ...]) -> Iterator[tuple[StreamReading, str, Any, Any]]:
    """Fields of the terminal response whose value the request states: (stream, key, asked, found)."""
    for stream in streams(transcript):
        if stream.outcome not in ("completed", "incomplete"):
            continue
        for key in keys:
            if stream.request.get(key) is not None and key in stream.response:
                yield stream, key, stream.request[key], stream.response[key]


def _applied(stream: StreamReading, key: str) -> list[Any]:
    """Other values that are true of a setting: what went upstream, or its default where nothing did."""
    sent = [as_dict(call.json) for call in stream.exchange.answered_calls]
    values = [body[key] for body in sent if key in body]
    if key == "max_output_tokens":
        values = [body[name] for body in sent for name in ("max_tokens", "max_completion_tokens") if name in body]
    if sent and not values and key in _DEFAULTS:
        values = [None, _DEFAULTS[key]]
    return values


def _within(asked: Any, found: Any) -> bool:
    """Whether a value is what was asked for, with defaults filled in."""
    if isinstance(asked, dict) and isinstance(found, dict):
        return all(value is None or _within(value, found.get(key)) for key, value in asked.items())
    return bool(asked == found)


@rule(
    "response.echoes-settings",
    level=MUST,
    levels={"openai": SHOULD},
    source=ECHO,
    why="A client that checks what was applied is told a constant.",
)
def echoes_settings(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Instructions, sampling, limits, metadata and truncation are echoed as asked for, or as applied."""
    for stream, key, asked, found in _echoes(transcript, _SCALARS):
        if _within(asked, found) or found in _applied(stream, key):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), f"{key} {shown(asked)}, as asked for", shown(found))


@rule(
    "response.echoes-format",
    level=MUST,
    levels={"openai": SHOULD},
    source=ECHO,
    why="A client cannot tell whether its schema, or its reasoning effort, was applied.",
)
def echoes_format(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`text` and `reasoning` are echoed as asked for, or as applied, with defaults filled in."""
    for stream, key, asked, found in _echoes(transcript, ("text", "reasoning")):
        loose = {k: v for k, v in asked.items() if v != "auto"} if isinstance(asked, dict) else asked
        if isinstance(asked, dict) and isinstance(found, dict):
            loose = {k: v for k, v in loose.items() if found.get(k) not in _degrees(stream, k, v)}
        if _within(loose, found):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), f"{key} {shown(asked)}, as asked for", shown(found))


# Efforts that not every service has, with those that are applied in their stead.
_NEAREST = {"minimal": ["low"], "xhigh": ["high", "max"], "max": ["high", "xhigh"]}


def _degrees(stream: StreamReading, key: str, asked: object) -> list[Any]:
    """Other efforts, summaries and verbosities that are true: what went upstream, or the default where nothing did."""
    if key == "summary":
        return ["auto", "concise", "detailed"]  # no upstream here has the choice: any of them names what there is
    sent = [as_dict(call.json) for call in stream.exchange.answered_calls]
    if not sent or key not in ("effort", "verbosity"):
        return []
    fields = {"effort": "reasoning_effort", "verbosity": "verbosity"}
    values = [body.get(fields[key]) or as_dict(body.get("output_config")).get(key) for body in sent]
    applied = [value for value in values if value is not None]
    if key == "effort":
        thinks = any(as_dict(body.get("thinking")).get("type") in ("enabled", "adaptive") for body in sent)
        nearest = _NEAREST.get(str(asked), [])
        return [*applied, *nearest, *([] if applied or thinks else [None, "none"])]
    return applied or [None, "medium"]


@rule(
    "response.echoes-tools",
    level=MUST,
    levels={"openai": SHOULD},
    source=ECHO,
    why="A client cannot tell which tools the model had.",
)
def echoes_tools(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every function that was declared is echoed in `tools` with its name and parameters.

    One that `allowed_tools` keeps from the model may be left out: the echo is of the tools that it had.
    """
    for stream, _, asked, found in _echoes(transcript, ("tools",)):
        choice = as_dict(stream.request.get("tool_choice"))
        allowed = [as_dict(tool).get("name") for tool in as_list(choice.get("tools"))]
        limited = choice.get("type") == "allowed_tools"
        echoed = {
            str(tool.get("name")): tool for tool in map(as_dict, as_list(found)) if tool.get("type") == "function"
        }
        for tool in map(as_dict, as_list(asked)):
            if tool.get("type") != "function":
                continue
            same = echoed.get(str(tool.get("name")))
            if same is None and limited and tool.get("name") not in allowed:
                continue
            if same is not None and _within(tool.get("parameters") or {}, same.get("parameters") or {}):
                yield Seen(stream.place(stream.terminal))
            else:
                yield Violation(
                    stream.place(stream.terminal),
                    f"tools with {shown(tool.get('name'))} as it was declared",
                    f"another form of it: {shown(same)}" if same else f"functions: {listed(echoed)}",
                )


@rule(
    "response.echoes-tool-choice",
    level=MUST,
    levels={"openai": SHOULD},
    source=ECHO,
    why="A client that forced a tool is told that the model chose freely.",
)
def echoes_tool_choice(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`tool_choice` is echoed as asked for."""
    for stream, _, asked, found in _echoes(transcript, ("tool_choice",)):
        if _within(asked, found):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), f"tool_choice {shown(asked)}", shown(found))


@rule(
    "response.echoes-store",
    level=MUST,
    profiles=("open-responses", "superset"),
    source="Open Responses 2026-04-24, schema ResponseResource.store (whether this response was stored)",
    why="The client tries to continue a response that nobody kept.",
)
def echoes_store(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A response that was not to be stored says `store: false`."""
    for stream, _, asked, found in _echoes(transcript, ("store",)):
        if asked is not False:
            continue
        if found is False:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), "store false, as asked for", shown(found))


@rule(
    "response.echoes-model",
    level=RECOMMENDED,
    source="openai.types.responses.Response.model",
    why="Logs and bills name a model that nobody asked for.",
)
def echoes_model(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`model` is the one asked for, or the one that the upstream reports."""
    for stream, _, asked, found in _echoes(transcript, ("model",)):
        said = stream.exchange.said
        sent = [as_dict(call.json).get("model") for call in stream.exchange.answered_calls]
        if found is not None and found in (asked, said.model if said else None, *sent):
            yield Seen(stream.place(stream.terminal))
        else:
            known = shown(asked) + (f" or {shown(said.model)}" if said and said.model else "")
            yield Violation(stream.place(stream.terminal), f"model {known}", shown(found))
