"""Chat completions: turns -> request. vLLM's dialect differs by a small table.

Sources: the openai SDK's ``CompletionCreateParams``; vllm/entrypoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .config import Config
from .errors import invalid
from .request import Request
from .tools import Choice, Tool, Toolbox
from .turns import Assistant, Call, File, History, Image, Part, Text, Thought, Turn


@dataclass(frozen=True, slots=True)
class Flavour:
    """What differs between servers of this API."""

    limit: str
    """The parameter that bounds the answer."""
    reasoning: str
    """Where reasoning goes that came without an own blob; empty: nowhere."""
    params: tuple[str, ...]
    """Further parameters of the request that the server knows under the same name."""
    files: bool
    """Whether file parts are understood."""


_OPENAI = ("user", "safety_identifier", "service_tier", "prompt_cache_key", "verbosity")
FLAVOURS = {
    "chat_completions": Flavour("max_completion_tokens", "", _OPENAI, files=True),
    # vLLM reads history reasoning as `reasoning` (vllm-project/vllm PR#42664) and has no file parts.
    "vllm": Flavour("max_tokens", "reasoning", ("user",), files=False),
}
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


def build(request: Request, history: History, tools: Toolbox, config: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of ``POST /v1/chat/completions``, and no setting that differs from what the client asked.

    Raises ApiError for content this API has no form for.
    """
    flavour = FLAVOURS[config.dialect]
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _Messages(flavour, config).build(request, history.turns),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= {key: value for key in _SAMPLING if (value := getattr(request, key)) is not None}
    if request.max_output_tokens is not None:
        body[flavour.limit] = request.max_output_tokens
    if request.logprobs or request.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs or 0}
    if request.reasoning and request.reasoning.effort:
        body["reasoning_effort"] = request.reasoning.effort
    verbosity = (request.text or {}).get("verbosity")
    for name in flavour.params:
        value = verbosity if name == "verbosity" else getattr(request, name)
        if value is not None:
            body[name] = value
    if verbosity and "verbosity" not in flavour.params:
        history.warnings.append("text.verbosity has no effect")
    form = request.format
    if form["type"] == "json_schema":
        schema = {key: form[key] for key in ("name", "description", "schema", "strict") if form.get(key) is not None}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form["type"] == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body | _tools(tools, request), {}


def _tools(tools: Toolbox, request: Request) -> dict[str, Any]:
    """Tools and what goes with them; nothing at all without tools (vLLM answers 400 to an empty list)."""
    offered = tools.offered()
    if not offered:
        return {}
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in offered]}
    if request.tool_choice is not None or tools.choice != Choice("auto"):
        chosen = tools.choice.tool
        fields["tool_choice"] = {"type": "function", "function": {"name": chosen.flat}} if chosen else tools.choice.mode
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.flat, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


class _Messages:
    def __init__(self, flavour: Flavour, config: Config) -> None:
        self._flavour = flavour
        self._in_place = config.system_position == "in-place"
        self._roles = {"system": "system", "developer": config.developer_role}
        self._messages: list[dict[str, Any]] = []

    def build(self, request: Request, turns: list[Turn]) -> list[dict[str, Any]]:
        leading = [request.instructions] if request.instructions else []
        role = "system"
        for turn in turns:
            if isinstance(turn, Assistant):
                self._assistant(turn)
            elif turn.role == "user":
                self._messages.append({"role": "user", "content": self._content(turn.parts)})
            elif self._in_place:
                self._messages.append({"role": self._roles[turn.role], "content": _text(turn.parts)})
            else:
                role = self._roles["developer"] if turn.role == "developer" else role
                leading.append(_text(turn.parts))
        if leading:
            # One message, and first: many templates refuse a second one or a later one (ai-dynamo/dynamo#10206).
            self._messages.insert(0, {"role": role, "content": "\n\n".join(leading)})
        return self._messages

    def _assistant(self, turn: Assistant) -> None:
        message: dict[str, Any] = {"role": "assistant"}
        texts = [block for block in turn.blocks if isinstance(block, Text)]
        calls = turn.calls()
        if len(texts) == 1 and not texts[0].refusal:
            message["content"] = texts[0].text
        elif texts:
            message["content"] = [self._spoken(text) for text in texts]
        elif calls:
            message["content"] = None
        for thought in turn.blocks:
            if isinstance(thought, Thought):
                self._thought(message, thought)
        if calls:
            message["tool_calls"] = [
                {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ]
        if "content" in message:
            self._messages.append(message)
        elif len(message) > 1:
            self._messages.append({**message, "content": ""})
        self._results(calls)

    def _spoken(self, text: Text) -> dict[str, str]:
        if text.refusal and self._flavour.files:
            return {"type": "refusal", "refusal": text.text}
        return {"type": "text", "text": text.text}

    def _thought(self, message: dict[str, Any], thought: Thought) -> None:
        """Reasoning goes back in the field it came in, never as text the model would take for its answer."""
        carried = thought.carried
        field = (carried.field if carried else "") or self._flavour.reasoning
        text = (carried.text if carried else "") or thought.text
        if field and text:
            message[field] = f"{message[field]}\n\n{text}" if field in message else text

    def _results(self, calls: list[Call]) -> None:
        lifted: list[dict[str, Any]] = []
        for call in calls:
            result = call.result or []
            texts: list[Part] = [part for part in result if isinstance(part, Text)]
            others = [part for part in result if not isinstance(part, Text)]
            self._messages.append({"role": "tool", "tool_call_id": call.call_id, "content": self._content(texts)})
            if others:
                # A tool message takes text only (the SDK's ChatCompletionToolMessageParam).
                lifted.append({"type": "text", "text": f"Output of tool call {call.call_id}:"})
                lifted += [self._part(part) for part in others]
        if lifted:
            self._messages.append({"role": "user", "content": lifted})

    def _content(self, parts: list[Part]) -> str | list[dict[str, Any]]:
        if not parts:
            return ""
        if len(parts) == 1 and isinstance(parts[0], Text):
            return parts[0].text
        return [self._part(part) for part in parts]

    def _part(self, part: Part) -> dict[str, Any]:
        if isinstance(part, Text):
            return {"type": "text", "text": part.text}
        if isinstance(part, Image):
            # `original` is the Responses API's own; chat completions knows auto, low and high.
            detail = {"detail": part.detail} if part.detail in ("auto", "low", "high") else {}
            return {"type": "image_url", "image_url": {"url": part.url, **detail}}
        return self._file(part)

    def _file(self, part: File) -> dict[str, Any]:
        if not self._flavour.files or part.data is None:
            what = "Files by 'file_url'" if self._flavour.files else "Files"
            raise invalid(f"{what} are not supported by this server's upstream.", part.where, "unsupported_parameter")
        return {"type": "file", "file": {"file_data": part.data, "filename": part.name or "file"}}


def _text(parts: list[Part]) -> str:
    return "\n\n".join(part.text for part in parts if isinstance(part, Text))
