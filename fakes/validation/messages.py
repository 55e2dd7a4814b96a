"""Why api.anthropic.com would refuse a Messages request.

The types are those of the official SDK (`anthropic.types.message_create_params`) and the sampling parameters that
its 2.12 no longer has; every rule beyond them names its source in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from fakes.log import Objection
from fakes.validation.findings import Finding
from fakes.validation.messages_history import HISTORY_RULES
from fakes.validation.messages_history import SOURCES as HISTORY_SOURCES
from fakes.validation.messages_params import PARAM_RULES
from fakes.validation.messages_params import SOURCES as PARAM_SOURCES
from fakes.validation.profile import MessagesProfile, profile_of
from fakes.validation.refusals import ANTHROPIC_TYPES, anthropic_error
from fakes.validation.schema import Fault, faults, path_text, strict_adapter

__all__ = ["SOURCES", "messages_objections"]

_TYPES: Final = "anthropic.types.message_create_params"

SOURCES: Final[dict[str, str]] = {
    **PARAM_SOURCES,
    **HISTORY_SOURCES,
    "messages.no-version": "platform.claude.com/docs/en/api/versioning",
    "messages.no-key": "platform.claude.com/docs/en/api/overview, authentication",
    "messages.json": "platform.claude.com/docs/en/api/errors",
    "messages.missing-key": _TYPES,
    "messages.unknown-key": f"{_TYPES}; anthropics/claude-code#4378",
    "messages.wrong-type": _TYPES,
    "messages.wrong-value": _TYPES,
}
"""Where each rule comes from."""

_EXTRA_KEYS: Final[dict[str, dict[str, Any]]] = {
    "MessageCreateParamsNonStreaming": {
        "stream": bool,
        "temperature": float,
        "top_p": float,
        "top_k": int,
    },
}


@cache
def _adapter() -> TypeAdapter[Any]:
    # The SDK takes seconds to import: only who validates pays.
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

    return strict_adapter(MessageCreateParamsNonStreaming, _EXTRA_KEYS)


def messages_objections(
    headers: Mapping[str, str], body: Any, profile: MessagesProfile | None = None, *, needs_key: bool = False
) -> tuple[Objection, ...]:
    """Why Anthropic would refuse this request, first the reason that it would word.

    `profile` is the model to judge by; None takes the one that the request names. `needs_key` also demands an API
    key, in either header; without it the service is one that gave nobody a key.
    """
    return tuple(_objection(finding) for finding in _findings(headers, body, profile, needs_key))


def _findings(
    headers: Mapping[str, str], body: Any, profile: MessagesProfile | None, needs_key: bool
) -> Iterator[Finding]:
    bearer = headers.get("authorization", "").lower().startswith("bearer ")
    if needs_key and not headers.get("x-api-key") and not bearer:
        yield Finding("messages.no-key", "x-api-key", "x-api-key header is required", status=401)
    if not headers.get("anthropic-version"):
        yield Finding("messages.no-version", "anthropic-version", "anthropic-version: header is required")
    if not isinstance(body, dict):
        yield Finding("messages.json", "", "The request body is not valid JSON")
        return
    beta = bool(headers.get("anthropic-beta"))
    for fault in faults(_adapter(), body):
        if not (beta and fault.kind == "unknown" and len(fault.path) == 1):  # a beta may add parameters
            yield _worded(fault)
    model = profile or profile_of(body.get("model"))
    for param_rule in PARAM_RULES:
        yield from param_rule(body, headers, model)
    for history_rule in HISTORY_RULES:
        yield from history_rule(body, model)


_RULES: Final[dict[str, str]] = {
    "missing": "messages.missing-key",
    "unknown": "messages.unknown-key",
    "type": "messages.wrong-type",
    "value": "messages.wrong-value",
    "other": "messages.wrong-value",
}
_TYPE_NAMES: Final[dict[str, str]] = {"object": "dictionary", "array": "list"}


def _worded(fault: Fault) -> Finding:
    said = {
        "missing": "Field required",
        "unknown": "Extra inputs are not permitted",
        "other": fault.message,
        "type": f"Input should be a valid {' or '.join(_TYPE_NAMES.get(n, n) for n in fault.expected) or 'value'}",
        "value": f"Input should be {' or '.join(repr(value) for value in fault.expected)}",
    }[fault.kind]
    dotted = ".".join(str(step) for step in fault.path)
    return Finding(_RULES[fault.kind], path_text(fault.path), f"{dotted}: {said}")


def _objection(finding: Finding) -> Objection:
    body = anthropic_error(finding.message, ANTHROPIC_TYPES[finding.status])
    return Objection(finding.rule, finding.path, finding.message, SOURCES[finding.rule], finding.status, body)
