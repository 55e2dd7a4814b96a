"""Why `vllm serve` would refuse a chat completions request.

vLLM ignores unknown keys, takes any role and never pairs calls with results; what it does refuse stands in its
validators. Sources: vllm/entrypoints/openai/chat_completion/protocol.py, vllm/entrypoints/chat_utils.py and
vllm/sampling_params.py, and answers recorded from 0.32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from fakes.log import Objection
from fakes.validation.findings import Finding
from fakes.validation.refusals import vllm_error
from fakes.validation.schema import faults, path_text, strict_adapter
from fakes.validation.vllm_request import VllmRequest
from fakes.validation.vllm_rules import RULES
from fakes.validation.vllm_rules import SOURCES as RULE_SOURCES

__all__ = ["SOURCES", "vllm_objections"]

_PROTOCOL: Final = "vllm/entrypoints/openai/chat_completion/protocol.py"

SOURCES: Final[dict[str, str]] = {
    **RULE_SOURCES,
    "vllm.json": "FastAPI: request body is no JSON; recorded from vLLM 0.32",
    "vllm.type": f"{_PROTOCOL}, ChatCompletionRequest",
    "vllm.tool-call": f"{_PROTOCOL}, _materialize_tool_calls_after",
}
"""Where each rule comes from."""


@cache
def _calls_adapter() -> TypeAdapter[Any]:
    # The SDK takes seconds to import: only who validates pays.
    from openai.types.chat import ChatCompletionMessageToolCallUnionParam

    return strict_adapter(list[ChatCompletionMessageToolCallUnionParam], closed=False)


def vllm_objections(headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
    """Why vLLM would refuse this request, first the reason that it would word.

    No header is needed: a server without `--api-key` takes every request.
    """
    if not isinstance(body, dict):
        said = "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.0', 'msg': 'JSON decode error'}"
        return (_objection(Finding("vllm.json", "", said, "Bad Request", "body.0")),)
    found = [*_typed(body), *_calls(body)]
    found.extend(finding for rule in RULES for finding in rule(body))
    return tuple(_objection(finding) for finding in found)


def _typed(body: dict[str, Any]) -> list[Finding]:
    try:
        VllmRequest.model_validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
    else:
        return []
    lines = "".join(
        f"\n  {{'type': '{each['type']}', 'loc': '{_location(each['loc'])}', 'msg': '{each['msg']}'}}"
        for each in details
    )
    said = f"{len(details)} validation error{'s' if len(details) > 1 else ''}:{lines}"
    return [
        Finding("vllm.type", path_text(each["loc"]), said, "Bad Request", _location(each["loc"])) for each in details
    ]


def _location(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in ("body", *loc))


def _calls(body: dict[str, Any]) -> list[Finding]:
    """Calls in history must be the SDK's: vLLM materialises them by its types."""
    adapter = _calls_adapter()  # built for the first request, whatever it holds: a later one should not wait
    found = []
    messages = body.get("messages")
    for n, message in enumerate(messages if isinstance(messages, list) else []):
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        if not calls:
            continue
        for fault in faults(adapter, calls):
            path = ("messages", n, "tool_calls", *fault.path)
            said = f"1 validation error:\n  {{'loc': '{_location(path)}', 'msg': '{fault.message}'}}"
            found.append(Finding("vllm.tool-call", path_text(path), said, "Bad Request", _location(path)))
    return found


def _objection(finding: Finding) -> Objection:
    body = vllm_error(finding.message, finding.code or "BadRequestError", finding.param, finding.status)
    return Objection(finding.rule, finding.path, finding.message, SOURCES[finding.rule], finding.status, body)
