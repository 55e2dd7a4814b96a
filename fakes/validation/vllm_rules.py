"""Rules of vLLM's own validators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fakes.validation.findings import Finding, as_dict, dicts

__all__ = ["PART_TYPES", "RULES", "SOURCES"]

_PROTOCOL: Final = "vllm/entrypoints/openai/chat_completion/protocol.py"
_SAMPLING: Final = "vllm/sampling_params.py, SamplingParams._verify_args"

SOURCES: Final[dict[str, str]] = {
    "vllm.empty-tools": f"vllm-project/vllm#39780; {_PROTOCOL}, check_tool_usage",
    "vllm.tool-choice-without-tools": f"{_PROTOCOL}, check_tool_usage",
    "vllm.tool-choice-malformed": f"{_PROTOCOL}, check_tool_usage",
    "vllm.tool-choice-unknown": f"{_PROTOCOL}, check_tool_usage",
    "vllm.stream-options-without-stream": f"{_PROTOCOL}, validate_stream_options",
    "vllm.json-schema-missing": f"{_PROTOCOL}, validate_response_format",
    "vllm.structured-outputs": f"{_PROTOCOL}, check_structured_outputs_count",
    "vllm.logprobs": f"{_PROTOCOL}, check_logprobs",
    "vllm.generation-prompt": f"{_PROTOCOL}, check_generation_prompt",
    "vllm.sampling": _SAMPLING,
    "vllm.role-missing": "vllm/entrypoints/chat_utils.py, ChatCompletionMessageParam",
    "vllm.content": "vllm/entrypoints/chat_utils.py, ChatCompletionMessageParam",
    "vllm.part-type": "vllm/entrypoints/chat_utils.py, _parse_chat_message_content_part",
}
"""Where each rule comes from."""

PART_TYPES: Final = frozenset(
    [
        "audio_embeds",
        "audio_url",
        "image_embeds",
        "image_pil",
        "image_url",
        "input_audio",
        "input_image",
        "input_text",
        "output_text",
        "prompt_embeds",
        "refusal",
        "text",
        "thinking",
        "tool_reference",
        "video_url",
    ]
)
"""Types of content parts that vLLM reads."""


def _semantic(rule: str, said: str, param: str | None) -> Finding:
    return Finding(rule, param or "", f"{said} (parameter={param})" if param else said, None, param)


def _tool_usage(body: dict[str, Any]) -> Iterator[Finding]:
    if body.get("tools") == []:
        said = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
        yield _semantic("vllm.empty-tools", said, "tools")
    choice = body.get("tool_choice")
    if choice is None or choice == "none":
        return
    if body.get("tools") is None:
        said = "When using `tool_choice`, `tools` must be set."
        yield _semantic("vllm.tool-choice-without-tools", said, "tool_choice")
    elif isinstance(choice, dict):
        yield from _named_choice(choice, body)


def _named_choice(choice: dict[str, Any], body: dict[str, Any]) -> Iterator[Finding]:
    function = choice.get("function")
    name = as_dict(function).get("name")
    if not isinstance(name, str) or not name:
        said = (
            f"Invalid value for `function`: `{function}` in `tool_choice`! Correct usage: "
            '`{"type": "function", "function": {"name": "my_function"}}`'
        )
        yield _semantic("vllm.tool-choice-malformed", said, "tool_choice.function")
    elif not any(as_dict(tool.get("function")).get("name") == name for _, tool in dicts(body.get("tools"))):
        said = "The tool specified in `tool_choice` does not match any of the specified `tools`"
        yield _semantic("vllm.tool-choice-unknown", said, "tool_choice")


def _options(body: dict[str, Any]) -> Iterator[Finding]:
    if body.get("stream_options") and not body.get("stream"):
        said = "Stream options can only be defined when `stream=True`."
        yield _semantic("vllm.stream-options-without-stream", said, "stream_options")
    wanted = as_dict(body.get("response_format"))
    if wanted.get("type") == "json_schema" and wanted.get("json_schema") is None:
        said = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
        yield _semantic("vllm.json-schema-missing", said, "response_format")
    if body.get("continue_final_message") and body.get("add_generation_prompt"):
        said = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
        yield _semantic("vllm.generation-prompt", said, None)


def _structured(body: dict[str, Any]) -> Iterator[Finding]:
    wanted = as_dict(body.get("structured_outputs"))
    count = sum(wanted.get(key) is not None for key in ("json", "regex", "choice"))
    if count > 1:
        said = "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice')."
        yield _semantic("vllm.structured-outputs", said, None)
    if count and body.get("tool_choice", "none") not in ("none", "auto", "required"):
        said = "You can only either use constraints for structured outputs or tools, not both."
        yield _semantic("vllm.structured-outputs", said, None)


def _logprobs(body: dict[str, Any]) -> Iterator[Finding]:
    top = body.get("top_logprobs")
    if isinstance(top, int) and top < 0 and top != -1:
        said = "`top_logprobs` must be a positive value or -1."
        yield _semantic("vllm.logprobs", said, "top_logprobs")
    if isinstance(top, int) and (top == -1 or top > 0) and not body.get("logprobs"):
        said = "when using `top_logprobs`, `logprobs` must be set to true."
        yield _semantic("vllm.logprobs", said, "top_logprobs")
    prompt = body.get("prompt_logprobs")
    if isinstance(prompt, int) and body.get("stream") and (prompt > 0 or prompt == -1):
        said = "`prompt_logprobs` are not available when `stream=True`."
        yield _semantic("vllm.logprobs", said, "prompt_logprobs")


_LIMITS: Final[tuple[tuple[str, Callable[[float], bool], str], ...]] = (
    ("temperature", lambda value: value >= 0, "temperature must be non-negative"),
    ("top_p", lambda value: 0 < value <= 1, "top_p must be in (0, 1]"),
    ("top_k", lambda value: value >= -1, "top_k must be 0 (disable), or at least 1"),
    ("min_p", lambda value: 0 <= value <= 1, "min_p must be in [0, 1]"),
    ("presence_penalty", lambda value: -2 <= value <= 2, "presence_penalty must be in [-2, 2]"),
    ("frequency_penalty", lambda value: -2 <= value <= 2, "frequency_penalty must be in [-2, 2]"),
    ("repetition_penalty", lambda value: value > 0, "repetition_penalty must be greater than zero"),
    ("max_tokens", lambda value: value >= 1, "max_tokens must be at least 1"),
    ("max_completion_tokens", lambda value: value >= 1, "max_tokens must be at least 1"),
    ("min_tokens", lambda value: value >= 0, "min_tokens must be greater than or equal to 0"),
    ("n", lambda value: value >= 1, "n must be at least 1"),
)


def _sampling(body: dict[str, Any]) -> Iterator[Finding]:
    for key, holds, said in _LIMITS:
        value = body.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not holds(value):
            yield Finding("vllm.sampling", key, f"{said}, got {value}. (parameter={key}, value={value})", None, key)
    n, temperature = body.get("n"), body.get("temperature")
    if isinstance(n, int) and n > 1 and isinstance(temperature, (int, float)) and 0 <= temperature < 1e-5:
        yield Finding("vllm.sampling", "n", f"n must be 1 when using greedy sampling, got {n}.")


def _messages(body: dict[str, Any]) -> Iterator[Finding]:
    for n, message in dicts(body.get("messages")):
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str):
            yield _bad_request("vllm.role-missing", f"messages[{n}].role", f"body.messages.{n}.role", "Field required")
        fine = isinstance(content, (str, list)) or (
            content is None and (role == "assistant" or "content" not in message)
        )
        if not fine:
            said = "Input should be a valid string"
            yield _bad_request("vllm.content", f"messages[{n}].content", f"body.messages.{n}.content", said)
        for m, part in dicts(content):
            kind = part.get("type")
            if kind is not None and kind not in PART_TYPES:
                said = (
                    f"Unsupported chat content part type: {kind!r}. Supported types: "
                    f"{', '.join(sorted(PART_TYPES))}. (parameter=type, value={kind})"
                )
                yield Finding("vllm.part-type", f"messages[{n}].content[{m}].type", said, None, "type")


def _bad_request(rule: str, path: str, loc: str, said: str) -> Finding:
    return Finding(rule, path, f"1 validation error:\n  {{'loc': '{loc}', 'msg': '{said}'}}", "Bad Request", loc)


RULES: Final[tuple[Callable[[dict[str, Any]], Iterator[Finding]], ...]] = (
    _tool_usage,
    _options,
    _structured,
    _logprobs,
    _messages,
    _sampling,
)
"""All rules, in the order in which the service words them."""
