"""Why api.openai.com would refuse a chat completions request.

The types are those of the official SDK (`openai.types.chat.completion_create_params`), every rule beyond them
names its source in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Optional

from pydantic import TypeAdapter

from fakes.log import Objection
from fakes.validation.chat_rules import RULES
from fakes.validation.chat_rules import SOURCES as RULE_SOURCES
from fakes.validation.findings import Finding
from fakes.validation.refusals import openai_error
from fakes.validation.schema import Fault, faults, path_text, strict_adapter

__all__ = ["RESPONSES_KEYS", "SOURCES", "chat_objections"]

RESPONSES_KEYS: Final = frozenset(
    [
        "background",
        "client_metadata",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "previous_response_id",
        "prompt",
        "reasoning",
        "text",
        "truncation",
    ]
)
"""Keys of the Responses API that chat completions does not have."""

SOURCES: Final[dict[str, str]] = {
    **RULE_SOURCES,
    "chat.no-key": "developers.openai.com/api/reference, authentication",
    "chat.json": "developers.openai.com/api/docs/guides/error-codes",
    "chat.responses-key": "openai.types.chat.completion_create_params; developers.openai.com migrate-to-responses",
    "chat.unknown-key": "coroot/coroot#698; openai.types.chat.completion_create_params",
    "chat.missing-key": "openai.types.chat.completion_create_params",
    "chat.wrong-type": "openai.types.chat.completion_create_params",
    "chat.wrong-value": "openai.types.chat.completion_create_params",
}
"""Where each rule comes from."""

_EXTRA_KEYS: Final[dict[str, dict[str, Any]]] = {
    "CompletionCreateParamsNonStreaming": {"stream": Optional[bool]},  # noqa: UP045
    # Reasoning of services that give it (DeepSeek, Kimi, OpenRouter) goes back in the field in which it came.
    "ChatCompletionAssistantMessageParam": {
        "reasoning": Optional[str],  # noqa: UP045
        "reasoning_content": Optional[str],  # noqa: UP045
        "reasoning_details": list[dict[str, Any]],
    },
    # A call may go back with the `index` that it had in its stream: the service refused that for some days of April
    # 2024 and has let it pass ever since (RageAgainstThePixel/OpenAI-DotNet#278, songquanpeng/one-api#1319).
    "ChatCompletionMessageFunctionToolCallParam": {"index": int},
    "ChatCompletionMessageCustomToolCallParam": {"index": int},
}


@cache
def _adapter() -> TypeAdapter[Any]:
    # The SDK takes seconds to import: only who validates pays.
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

    return strict_adapter(CompletionCreateParamsNonStreaming, _EXTRA_KEYS)


def chat_objections(headers: Mapping[str, str], body: Any, *, needs_key: bool = False) -> tuple[Objection, ...]:
    """Why OpenAI would refuse this request, first the reason that it would word.

    `needs_key` also demands an API key; without it the service is one that gave nobody a key.
    """
    return tuple(_objection(finding) for finding in _findings(headers, body, needs_key))


def _findings(headers: Mapping[str, str], body: Any, needs_key: bool) -> Iterator[Finding]:
    if needs_key and not headers.get("authorization", "").lower().startswith("bearer "):
        yield Finding(
            "chat.no-key",
            "authorization",
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    if not isinstance(body, dict):
        yield Finding(
            "chat.json",
            "",
            "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, but what was "
            "sent was not valid JSON.",
        )
        return
    ruled = [finding for rule in RULES for finding in rule(body)]
    covered = tuple(finding.path for finding in ruled if finding.rule in _COVERING)
    for fault in faults(_adapter(), body):
        where = path_text(fault.path)
        if not any(where == path or where.startswith((f"{path}.", f"{path}[")) for path in covered):
            yield _WORDED[fault.kind](fault)
    yield from ruled


_COVERING: Final = frozenset({"chat.image-role"})
"""Rules that say better what the types would say several times."""


# The types' faults in OpenAI's words ------------------------------------------------------------------------


def _missing(fault: Fault) -> Finding:
    where = path_text(fault.path)
    said = f"Missing required parameter: '{where}'."
    return Finding("chat.missing-key", where, said, "missing_required_parameter", where)


def _unknown(fault: Fault) -> Finding:
    where = path_text(fault.path)
    if len(fault.path) > 1:
        return Finding("chat.unknown-key", where, f"Unknown parameter: '{where}'.", "unknown_parameter", where)
    rule = "chat.responses-key" if where in RESPONSES_KEYS else "chat.unknown-key"
    return Finding(rule, where, f"Unrecognized request argument supplied: {where}")


def _wrong_type(fault: Fault) -> Finding:
    where = path_text(fault.path)
    expected = _listed([_articled(name) for name in fault.expected]) or "another type"
    one_of = "one of " if len(fault.expected) > 1 else ""
    said = f"Invalid type for '{where}': expected {one_of}{expected}, but got {_articled(_given(fault.given))} instead."
    return Finding("chat.wrong-type", where, said, "invalid_type", where)


def _wrong_value(fault: Fault) -> Finding:
    where = path_text(fault.path)
    values = _listed([f"'{value}'" for value in fault.expected], "and")
    said = f"Invalid value: '{fault.given}'. Supported values are: {values}."
    return Finding("chat.wrong-value", where, said, "invalid_value", where)


def _other(fault: Fault) -> Finding:
    where = path_text(fault.path)
    return Finding("chat.wrong-value", where, f"Invalid '{where}': {fault.message}.", "invalid_value", where)


_WORDED: Final[dict[str, Callable[[Fault], Finding]]] = {
    "missing": _missing,
    "unknown": _unknown,
    "type": _wrong_type,
    "value": _wrong_value,
    "other": _other,
}


def _given(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "decimal"}
    return names.get(type(value), "null")


def _articled(name: str) -> str:
    if name == "null":
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _listed(names: list[str], word: str = "or") -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])}{',' if len(names) > 2 else ''} {word} {names[-1]}"


def _objection(finding: Finding) -> Objection:
    body = openai_error(finding.message, "invalid_request_error", finding.param, finding.code)
    return Objection(finding.rule, finding.path, finding.message, SOURCES[finding.rule], finding.status, body)
