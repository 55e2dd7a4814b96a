"""Chat completions: turns -> request, events -> parts. vLLM's dialect differs by a small table.

Sources: the openai SDK's ``ChatCompletionChunk`` and ``CompletionCreateParams``; vllm/entrypoints; and the
deviations of compatible servers, each where it is handled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from .config import Config
from .errors import invalid
from .history import Assistant, Audio, Call, File, History, Image, Part, Text, Thought, Turn
from .reader import Reader, Unreadable
from .request import Request
from .response import Usage, count
from .stream import End, Item
from .tools import Choice, Tool, Toolbox


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


FLAVOURS = {
    "chat_completions": Flavour(
        "max_completion_tokens", "", ("user", "safety_identifier", "service_tier", "verbosity"), files=True
    ),
    # vLLM reads history reasoning as `reasoning` (vllm-project/vllm PR#42664) and has no file parts.
    "vllm": Flavour("max_tokens", "reasoning", ("user",), files=False),
}
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


# --- request


def build(request: Request, history: History, tools: Toolbox, config: Config) -> dict[str, Any]:
    """The body of ``POST /v1/chat/completions``.

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
    return body | _tools(tools, request)


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
        if isinstance(part, Audio):
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        return self._file(part)

    def _file(self, part: File) -> dict[str, Any]:
        if not self._flavour.files:
            raise invalid("Files are not supported by this server's upstream.", "input", "unsupported_parameter")
        if part.data is None:
            raise invalid("Files by 'file_url' are not supported by this server's upstream.", "input")
        return {"type": "file", "file": {"file_data": part.data, "filename": part.name or "file"}}


def _text(parts: list[Part]) -> str:
    return "\n\n".join(part.text for part in parts if isinstance(part, Text))


# --- answer


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | int | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | list[Any] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    annotations: list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    index: int | None = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    object: str | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)

_FINISH: dict[str, End] = {
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "error": "error",
    "abort": "error",
}


class ChatReader(Reader):
    """Reads ``chat.completion.chunk`` events, or one ``chat.completion``."""

    _thought: Item | None = None
    _loose: Item | None = None

    def _event(self, name: bytes, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            self.stream.end(explicit=True)
            return
        try:
            chunk = self._decode(_CHUNK, data)
        except Unreadable:
            if name in (b"", b"message"):
                raise
            return  # a server's private event between the chunks (anomalyco/opencode#38106)
        if chunk.error is not None or chunk.object == "error":
            self._fail(msgspec.json.decode(data))
            return
        self._chunk(chunk)

    def _whole(self, body: bytes) -> None:
        chunk = self._decode(_CHUNK, body)
        if not chunk.choices:
            raise Unreadable("a document without an answer")
        self._chunk(chunk)

    def _chunk(self, chunk: _Chunk) -> None:
        if chunk.usage:
            # Some servers report on every chunk: the last one counts, never the sum.
            self.stream.usage = _usage(chunk.usage)
        for choice in chunk.choices or ():
            if choice.index:
                continue
            delta = choice.delta or choice.message
            if delta is not None:
                self._delta(delta, choice.logprobs)
            if choice.finish_reason:  # "" is a null on some servers (ollama/ollama#4357)
                self.stream.reason = _FINISH.get(choice.finish_reason, "stop")

    def _delta(self, delta: _Delta, logprobs: dict[str, Any] | None) -> None:
        stream = self.stream
        if delta.reasoning or delta.reasoning_content:
            self._reason(delta)
        if delta.content:
            if isinstance(delta.content, str):
                stream.text(delta.content, _logprobs(logprobs) if logprobs else None)
            else:
                self._pieces(delta.content)
        if delta.refusal:
            stream.refuse(delta.refusal)
        for annotation in delta.annotations or ():
            citation = annotation.get("url_citation")
            if isinstance(citation, dict):
                stream.annotate(_citation(citation))
        for position, call in enumerate(delta.tool_calls or ()):
            self._call(position, call)
        if delta.function_call is not None:
            self._call(0, _ToolCall(-1, None, delta.function_call))

    def _reason(self, delta: _Delta) -> None:
        # vLLM says `reasoning`, DeepSeek and llama.cpp `reasoning_content`; with both, they are the same text.
        field = "reasoning" if delta.reasoning else "reasoning_content"
        text = delta.reasoning or delta.reasoning_content or ""
        self._thought = self.stream.think(self._thought, text, field)

    def _pieces(self, content: list[Any]) -> None:
        """Content as a list of parts, as Mistral sends it."""
        for piece in content:
            if not isinstance(piece, dict):
                continue
            if isinstance(piece.get("text"), str) and piece["text"]:
                self.stream.text(piece["text"])
            thinking = piece.get("thinking")
            for inner in thinking if isinstance(thinking, list) else ():
                if isinstance(inner, dict) and inner.get("text"):
                    self._thought = self.stream.think(self._thought, str(inner["text"]), "")

    # --- tool calls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._calls: dict[int | str, Item] = {}

    def _call(self, position: int, delta: _ToolCall) -> None:
        function = delta.function or _Function()
        name, upstream_id = function.name or "", str(delta.id or "")
        call = self._find(position, delta, name, upstream_id)
        if name and (not call.name or (not call.pieces and name != call.name)):
            # Before the first argument byte another name is a further fragment, the same one a repetition.
            call.name += name
            if call.pieces:
                self.stream.arguments(call, "")
        if function.arguments:
            text = function.arguments
            self.stream.arguments(call, text if isinstance(text, str) else msgspec.json.encode(text).decode())

    def _find(self, position: int, delta: _ToolCall, name: str, upstream_id: str) -> Item:
        """The call a fragment belongs to: by index, else by id, else the last one."""
        key: int | str | None = delta.index if delta.index is not None else upstream_id or None
        call = self._calls.get(key) if key is not None else self._loose
        if key is None and name and call is not None and (position or call.pieces):
            call = None
        if call is None or (name and upstream_id and call.upstream_id and call.upstream_id != upstream_id):
            # A new id with a name on a used index is a new call (earendil-works/pi#8861).
            call = self.stream.open_call(upstream_id)
        elif upstream_id and not call.upstream_id:
            call.upstream_id = upstream_id
        if key is not None:
            self._calls[key] = call
        if delta.index is None:
            self._loose = call
        return call


def _usage(usage: dict[str, Any]) -> Usage:
    """Token counts; here ``prompt_tokens`` includes what was cached."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        input=count(usage.get("prompt_tokens")),
        output=count(usage.get("completion_tokens")),
        cached=count(prompt.get("cached_tokens")),
        cache_write=count(prompt.get("cache_write_tokens")),
        reasoning=count(completion.get("reasoning_tokens")),
    )


def _citation(citation: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url": str(citation.get("url") or ""),
        "title": str(citation.get("title") or ""),
        "start_index": int(citation.get("start_index") or 0),
        "end_index": int(citation.get("end_index") or 0),
    }


def _logprobs(logprobs: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**_token(entry), "top_logprobs": [_token(top) for top in entry.get("top_logprobs") or ()]}
        for entry in logprobs.get("content") or ()
        if isinstance(entry, dict)
    ]


def _token(entry: dict[str, Any]) -> dict[str, Any]:
    return {"token": entry.get("token", ""), "logprob": entry.get("logprob", 0), "bytes": entry.get("bytes") or []}
