"""Chat completions: events -> parts.

Sources: the openai SDK's ``ChatCompletionChunk``, and the deviations of compatible servers, each where it is
handled.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .items import End, Item
from .reader import Reader, Unreadable
from .response import Usage, count


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
    "insufficient_system_resource": "error",  # DeepSeek
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
