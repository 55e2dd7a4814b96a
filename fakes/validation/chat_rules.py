"""Rules of OpenAI's chat completions that its types cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from fakes.validation.findings import Finding, as_dict, as_list, dicts, named_tools, text_of

__all__ = ["RULES", "SOURCES"]

SOURCES: Final[dict[str, str]] = {
    "chat.empty-messages": "developers.openai.com/api/reference, chat: messages has at least one item",
    "chat.empty-tools": "continuedev/continue#3370",
    "chat.empty-tool-calls": "home-assistant/core#118577",
    "chat.tool-choice-without-tools": "writer/writer-framework#1013",
    "chat.parallel-without-tools": "Upsonic/Upsonic#323",
    "chat.tool-choice-unknown": "developers.openai.com/api/docs/guides/function-calling, tool choice",
    "chat.stream-options-without-stream": "BerriAI/litellm#5803",
    "chat.two-limits": "langchain-ai/langgraph#5943",
    "chat.metadata-without-store": "QwenLM/qwen-code#243",
    "chat.top-logprobs-without-logprobs": "openai.types.chat.completion_create_params, top_logprobs",
    "chat.out-of-range": "openai.types.chat.completion_create_params, ranges of the sampling parameters",
    "chat.json-word": "mem0ai/mem0#3008",
    "chat.name": "openai.types.shared_params.FunctionDefinition.name; apify/tester-mcp-client#11",
    "chat.name-length": "home-assistant/core#121325",
    "chat.strict-schema": "lastmile-ai/openai-agents-mcp#2; developers.openai.com structured outputs",
    "chat.parameters-not-object": "openai.types.shared_params.FunctionParameters",
    "chat.tool-call-id-empty": "openai.types.chat.ChatCompletionMessageFunctionToolCallParam.id",
    "chat.tool-call-id-repeated": "ducks/claux#40; openai.types.chat, one answer a call",
    "chat.tool-unanswered": "Abraxas-365/langchain-rust#250",
    "chat.tool-without-call": "openai/openai-agents-python#873",
    "chat.tool-unknown-call": "openai/openai-agents-python#873",
    "chat.tool-answered-twice": "spring-ai-community/spring-ai-session#44",
    "chat.content-null": "run-llama/llama_index#17555",
    "chat.image-role": "OpenHands/OpenHands#7700; openai/openai-node#1030",
}
"""Where each rule comes from."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+\Z")
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "n": (1, 128),
    "max_tokens": (1, float("inf")),
    "max_completion_tokens": (1, float("inf")),
}


def _empty(rule: str, where: str) -> Finding:
    said = f"Invalid '{where}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return Finding(rule, where, said, "empty_array", where)


def _empty_arrays(body: dict[str, Any]) -> Iterator[Finding]:
    for key in ("messages", "tools"):
        if body.get(key) == []:
            yield _empty(f"chat.empty-{key}", key)
    for n, message in dicts(body.get("messages")):
        if message.get("tool_calls") == []:
            yield _empty("chat.empty-tool-calls", f"messages[{n}].tool_calls")


def _tools_together(body: dict[str, Any]) -> Iterator[Finding]:
    """`tool_choice` and `parallel_tool_calls` need tools, and a named tool must be among them."""
    rules = {
        "tool_choice": "chat.tool-choice-without-tools",
        "parallel_tool_calls": "chat.parallel-without-tools",
    }
    for key, rule in rules.items():
        if key in body and "tools" not in body:
            said = f"Invalid value for '{key}': '{key}' is only allowed when 'tools' are specified."
            yield Finding(rule, key, said, None, key)
    choice = as_dict(body.get("tool_choice"))
    kind = choice.get("type")
    chosen = [as_dict(choice.get(kind)).get("name")] if kind in ("function", "custom") else []
    if kind == "allowed_tools":
        allowed = as_dict(choice.get("allowed_tools")).get("tools")
        chosen = [as_dict(tool.get(tool.get("type", ""))).get("name") for _, tool in dicts(allowed)]
    for name in chosen:
        if isinstance(name, str) and "tools" in body and name not in named_tools(body):
            said = f"Tool choice '{name}' not found in 'tools' parameter."
            yield Finding("chat.tool-choice-unknown", "tool_choice", said, None, "tool_choice")


def _options_together(body: dict[str, Any]) -> Iterator[Finding]:
    """Parameters that are only allowed with, or without, another."""
    if body.get("stream_options") is not None and body.get("stream") is not True:
        said = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Finding("chat.stream-options-without-stream", "stream_options", said, None, "stream_options")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        said = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        yield Finding("chat.two-limits", "max_tokens", said, "invalid_parameter_combination", "max_tokens")
    if body.get("metadata") and body.get("store") is not True:
        said = "The 'metadata' parameter is only allowed when 'store' is enabled."
        yield Finding("chat.metadata-without-store", "metadata", said, None, "metadata")
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        said = "The 'logprobs' parameter must be enabled when 'top_logprobs' is used."
        yield Finding("chat.top-logprobs-without-logprobs", "top_logprobs", said, None, "top_logprobs")


def _ranges(body: dict[str, Any]) -> Iterator[Finding]:
    for key, (low, high) in _RANGES.items():
        value = body.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or low <= value <= high:
            continue
        kind = "integer" if isinstance(value, int) else "decimal"
        bound, word, sign = (low, "below minimum", ">=") if value < low else (high, "above maximum", "<=")
        said = f"Invalid '{key}': {kind} {word} value. Expected a value {sign} {bound:g}, but got {value} instead."
        code = f"{kind}_{'below_min' if value < low else 'above_max'}_value"
        yield Finding("chat.out-of-range", key, said, code, key)


def _json_word(body: dict[str, Any]) -> Iterator[Finding]:
    if as_dict(body.get("response_format")).get("type") != "json_object":
        return
    if not any("json" in text_of(message.get("content")).lower() for _, message in dicts(body.get("messages"))):
        said = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        yield Finding("chat.json-word", "messages", said, None, "messages")


def _names(body: dict[str, Any]) -> Iterator[Finding]:
    """Names of tools, of called tools and of the schema: letters, digits, `_` and `-`, at most 64."""
    for where, name in _all_names(body):
        if not isinstance(name, str):
            continue
        if not _NAME.match(name):
            said = (
                f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
                f"'^[a-zA-Z0-9_-]+$'."
            )
            yield Finding("chat.name", where, said, "invalid_value", where)
        elif len(name) > 64:
            said = (
                f"Invalid '{where}': string too long. Expected a string with maximum length 64, but got a string "
                f"with length {len(name)} instead."
            )
            yield Finding("chat.name-length", where, said, "string_above_max_length", where)


def _all_names(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for n, tool in dicts(body.get("tools")):
        for kind in ("function", "custom"):
            if kind in tool:
                yield f"tools[{n}].{kind}.name", as_dict(tool[kind]).get("name")
    for n, message in dicts(body.get("messages")):
        for m, call in dicts(message.get("tool_calls")):
            where = f"messages[{n}].tool_calls[{m}].function.name"
            yield where, as_dict(call.get("function")).get("name")
    schema = as_dict(as_dict(body.get("response_format")).get("json_schema"))
    yield "response_format.json_schema.name", schema.get("name")


def _schemas(body: dict[str, Any]) -> Iterator[Finding]:
    for n, tool in dicts(body.get("tools")):
        function = as_dict(tool.get("function"))
        schema = as_dict(function.get("parameters"))
        where = f"tools[{n}].function.parameters"
        if "type" in schema and schema["type"] != "object":
            said = (
                f"Invalid schema for function '{function.get('name')}': schema must be a JSON Schema of "
                f"'type: \"object\"', got 'type: \"{schema['type']}\"'."
            )
            yield Finding("chat.parameters-not-object", where, said, "invalid_function_parameters", where)
        elif function.get("strict") is True:
            name = f"function '{function.get('name')}'"
            for said in _loose(schema, name):
                yield Finding("chat.strict-schema", where, said, "invalid_function_parameters", where)
    wanted = as_dict(as_dict(body.get("response_format")).get("json_schema"))
    if wanted.get("strict") is True:
        for said in _loose(as_dict(wanted.get("schema")), f"response_format '{wanted.get('name')}'"):
            yield Finding("chat.strict-schema", "response_format.json_schema.schema", said, None, "response_format")


def _loose(schema: dict[str, Any], name: str, context: tuple[str, ...] = ()) -> Iterator[str]:
    """Why a schema is not one that strict mode takes, object by object."""
    kind = schema.get("type")
    properties = as_dict(schema.get("properties"))
    if kind == "object" or (isinstance(kind, list) and "object" in kind):
        head = f"Invalid schema for {name}: In context={context!r}, "
        if schema.get("additionalProperties") is not False:
            yield f"{head}'additionalProperties' is required to be supplied and to be false."
        lacking = [key for key in properties if key not in as_list(schema.get("required"))]
        if lacking:
            yield (
                f"{head}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{lacking[0]}'."
            )
    for key, child in properties.items():
        yield from _loose(as_dict(child), name, (*context, "properties", key))
    yield from _loose(as_dict(schema["items"]), name, (*context, "items")) if "items" in schema else ()
    for n, choice in dicts(schema.get("anyOf")):
        yield from _loose(choice, name, (*context, "anyOf", str(n)))
    for holder in ("$defs", "definitions"):
        for key, child in as_dict(schema.get(holder)).items():
            yield from _loose(as_dict(child), name, (*context, holder, key))


def _pairing(body: dict[str, Any]) -> Iterator[Finding]:
    """Every call is answered by tool messages directly after it, every tool message answers a call."""
    waiting: dict[str, None] = {}
    answered: set[str] = set()
    caller: int | None = None
    messages = as_list(body.get("messages"))
    for n, each in enumerate(messages):
        message = as_dict(each)
        if message.get("role") == "tool":
            yield from _answer(n, message.get("tool_call_id"), waiting, answered, follows_calls=caller is not None)
            continue
        yield from _unanswered(n, caller, waiting)
        waiting, answered, caller = {}, set(), None
        for m, call in dicts(message.get("tool_calls")):
            caller = n
            yield from _call_id(f"messages[{n}].tool_calls[{m}].id", call.get("id"), waiting)
    yield from _unanswered(len(messages), caller, waiting)


def _call_id(where: str, identifier: Any, waiting: dict[str, None]) -> Iterator[Finding]:
    if identifier == "":
        said = (
            f"Invalid '{where}': empty string. Expected a string with minimum length 1, but got an empty string "
            f"instead."
        )
        yield Finding("chat.tool-call-id-empty", where, said, "empty_string", where)
    elif identifier in waiting:
        said = f"Invalid parameter: Duplicate value for 'tool_call_id' of '{identifier}' in '{where}'."
        yield Finding("chat.tool-call-id-repeated", where, said, None, where)
    elif isinstance(identifier, str):
        waiting[identifier] = None


def _answer(
    n: int, identifier: Any, waiting: dict[str, None], answered: set[str], *, follows_calls: bool
) -> Iterator[Finding]:
    where, param = f"messages[{n}].tool_call_id", f"messages.[{n}].role"
    if not follows_calls:
        said = (
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        )
        yield Finding("chat.tool-without-call", f"messages[{n}]", said, None, param)
    elif identifier in waiting:
        del waiting[identifier]
        answered.add(identifier)
    elif identifier in answered:
        said = f"Invalid parameter: Duplicate value for 'tool_call_id' of '{identifier}' in message[{n}]."
        yield Finding("chat.tool-answered-twice", where, said, None, param)
    elif isinstance(identifier, str):
        said = f"Invalid parameter: 'tool_call_id' of '{identifier}' not found in 'tool_calls' of previous message."
        yield Finding("chat.tool-unknown-call", where, said, None, f"messages.[{n}].tool_call_id")


def _unanswered(n: int, caller: int | None, waiting: dict[str, None]) -> Iterator[Finding]:
    if waiting:
        said = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        )
        yield Finding("chat.tool-unanswered", f"messages[{caller}]", said, None, f"messages.[{n}].role")


def _content(body: dict[str, Any]) -> Iterator[Finding]:
    instead = ("tool_calls", "function_call", "refusal", "audio")
    for n, message in dicts(body.get("messages")):
        role, content = message.get("role"), message.get("content")
        if role == "assistant" and content is None and not any(message.get(key) for key in instead):
            said = "Invalid value for 'content': expected a string, got null."
            yield Finding("chat.content-null", f"messages[{n}].content", said, None, f"messages.[{n}].content")
        if role == "user":
            continue
        for m, part in dicts(content):
            if part.get("type") in ("image_url", "input_audio", "file"):
                said = (
                    f"Invalid 'messages[{n}]'. Image URLs are only allowed for messages with role 'user', but this "
                    f"message with role '{role}' contains an image URL."
                )
                yield Finding("chat.image-role", f"messages[{n}].content[{m}]", said, "invalid_value", f"messages[{n}]")


RULES: Final[tuple[Callable[[dict[str, Any]], Iterator[Finding]], ...]] = (
    _empty_arrays,
    _tools_together,
    _options_together,
    _ranges,
    _names,
    _schemas,
    _json_word,
    _content,
    _pairing,
)
"""All rules, in the order in which the service words them."""
