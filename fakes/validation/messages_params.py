"""Rules on the parameters of a Messages request: limits, sampling, thinking, tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from fakes.validation.findings import Finding, as_dict, dicts
from fakes.validation.profile import MessagesProfile

__all__ = ["PARAM_RULES", "SOURCES"]

_THINKING_DOCS: Final = "platform.claude.com/docs/en/build-with-claude/extended-thinking"

SOURCES: Final[dict[str, str]] = {
    "messages.max-tokens": "anthropic.types.message_create_params, max_tokens",
    "messages.sampling-range": "platform.claude.com/docs/en/api/messages, temperature and top_p",
    "messages.sampling-together": "BerriAI/litellm#15097",
    "messages.sampling-unsupported": "platform.claude.com/docs/en/api/errors; NousResearch/hermes-agent#34554",
    "messages.sampling-with-thinking": "MartialBE/one-hub#529; quarkiverse/quarkus-langchain4j#1812; Kiln-AI/Kiln#1479",
    "messages.thinking-kind": "anomalyco/opencode#23007; SigmaNight/basiliskLLM#1185",
    "messages.budget": "anthropic.types.ThinkingConfigEnabledParam; themaximalist/llm.js#30",
    "messages.budget-over-max": "anthropic.types.ThinkingConfigEnabledParam; liuw1535/antigravity2api-nodejs#150",
    "messages.forced-with-thinking": f"mastra-ai/mastra#7507; {_THINKING_DOCS}",
    "messages.tool-name": "BerriAI/litellm#26788; apify/tester-mcp-client#11",
    "messages.tool-name-length": "anthropics/claude-code#96152",
    "messages.tool-names-unique": "danny-avila/LibreChat#13162",
    "messages.schema-not-object": "anthropic.types.ToolParam, InputSchemaTyped.type",
    "messages.tool-choice-without-tools": "anthropic.types.ToolChoiceParam",
    "messages.tool-choice-unknown": "anthropic.types.ToolChoiceToolParam",
}
"""Where each rule comes from."""

ParamRule: TypeAlias = Callable[[dict[str, Any], Mapping[str, str], MessagesProfile], Iterator[Finding]]

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+\Z")
_SAMPLING: Final = ("temperature", "top_p", "top_k")


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _max_tokens(body: dict[str, Any], headers: Mapping[str, str], model: MessagesProfile) -> Iterator[Finding]:
    limit = _number(body.get("max_tokens"))
    if limit is not None and limit < 0:  # 0 fills the prompt cache and generates nothing
        said = "max_tokens: Input should be greater than or equal to 0"
        yield Finding("messages.max-tokens", "max_tokens", said)


def _sampling(body: dict[str, Any], headers: Mapping[str, str], model: MessagesProfile) -> Iterator[Finding]:
    for key in ("temperature", "top_p"):
        value = _number(body.get(key))
        if value is not None and not 0 <= value <= 1:
            yield Finding("messages.sampling-range", key, f"{key}: range: 0..1")
    given = [key for key in _SAMPLING if body.get(key) is not None]
    if model.sampling == "none":
        for key in given:
            if key == "top_k" or _number(body[key]) != 1:
                said = f"`{key}` is not supported for this model."
                yield Finding("messages.sampling-unsupported", key, said)
    elif model.sampling == "one" and {"temperature", "top_p"} <= set(given):
        said = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        yield Finding("messages.sampling-together", "top_p", said)
    if _thinks(body):
        yield from _sampling_with_thinking(body)


def _thinks(body: dict[str, Any]) -> bool:
    return as_dict(body.get("thinking")).get("type") in ("enabled", "adaptive")


def _sampling_with_thinking(body: dict[str, Any]) -> Iterator[Finding]:
    docs = (
        "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        "#important-considerations-when-using-extended-thinking"
    )
    temperature, top_p = _number(body.get("temperature")), _number(body.get("top_p"))
    if temperature is not None and temperature != 1:
        said = f"`temperature` may only be set to 1 when thinking is enabled or in adaptive mode. {docs}"
        yield Finding("messages.sampling-with-thinking", "temperature", said)
    if top_p is not None and top_p < 0.95:
        said = f"`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. {docs}"
        yield Finding("messages.sampling-with-thinking", "top_p", said)
    if body.get("top_k") is not None:
        said = f"`top_k` must be unset when thinking is enabled. {docs}"
        yield Finding("messages.sampling-with-thinking", "top_k", said)


_REFUSED_THINKING: Final[dict[str, frozenset[str]]] = {
    "manual": frozenset({"adaptive", "between_tools"}),
    "either": frozenset(),
    "adaptive": frozenset({"enabled"}),
    "always": frozenset({"enabled", "disabled"}),
}
_INSTEAD: Final[dict[str, str]] = {
    "enabled": ' Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
}


def _thinking(body: dict[str, Any], headers: Mapping[str, str], model: MessagesProfile) -> Iterator[Finding]:
    thinking = as_dict(body.get("thinking"))
    kind = thinking.get("type")
    if kind in _REFUSED_THINKING[model.thinking]:
        said = f'"thinking.type.{kind}" is not supported for this model.{_INSTEAD.get(kind, "")}'
        yield Finding("messages.thinking-kind", "thinking.type", said)
    if kind != "enabled":
        return
    budget, limit = _number(thinking.get("budget_tokens")), _number(body.get("max_tokens"))
    if budget is not None and budget < 1024:
        said = "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        yield Finding("messages.budget", "thinking.budget_tokens", said)
    interleaved = "interleaved-thinking" in headers.get("anthropic-beta", "")
    if budget is not None and limit is not None and budget >= limit and not interleaved:
        said = (
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
        )
        yield Finding("messages.budget-over-max", "thinking.budget_tokens", said)
    if as_dict(body.get("tool_choice")).get("type") in ("any", "tool"):
        said = "Thinking may not be enabled when tool_choice forces tool use."
        yield Finding("messages.forced-with-thinking", "tool_choice", said)


def _tools(body: dict[str, Any], headers: Mapping[str, str], model: MessagesProfile) -> Iterator[Finding]:
    seen: set[str] = set()
    for n, tool in dicts(body.get("tools")):
        name = tool.get("name")
        if not isinstance(name, str):
            continue
        where = f"tools[{n}].name"
        if not _NAME.match(name):
            said = f"tools.{n}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            yield Finding("messages.tool-name", where, said)
        elif len(name) > 128:
            said = f"tools.{n}.custom.name: String should have at most 128 characters"
            yield Finding("messages.tool-name-length", where, said)
        if name in seen:
            yield Finding("messages.tool-names-unique", where, "tools: Tool names must be unique.")
        seen.add(name)
        schema = tool.get("input_schema")
        if isinstance(schema, dict) and schema.get("type") != "object":
            said = "Input should be 'object'" if "type" in schema else "Field required"
            yield Finding(
                "messages.schema-not-object",
                f"tools[{n}].input_schema.type",
                f"tools.{n}.custom.input_schema.type: {said}",
            )


def _tool_choice(body: dict[str, Any], headers: Mapping[str, str], model: MessagesProfile) -> Iterator[Finding]:
    choice = as_dict(body.get("tool_choice"))
    if not choice:
        return
    if not body.get("tools"):
        said = "`tool_choice` may only be specified while providing `tools`."
        yield Finding("messages.tool-choice-without-tools", "tool_choice", said)
        return
    names = {tool.get("name") for _, tool in dicts(body.get("tools"))}
    name = choice.get("name")
    if choice.get("type") == "tool" and isinstance(name, str) and name not in names:
        said = f"Tool '{name}' not found in provided tools"
        yield Finding("messages.tool-choice-unknown", "tool_choice.name", said)


PARAM_RULES: Final[tuple[ParamRule, ...]] = (_max_tokens, _sampling, _thinking, _tools, _tool_choice)
"""All rules, in the order in which the service words them."""
