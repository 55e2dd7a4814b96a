"""Chat completions, vLLM's dialect of them included: chunks and whole answers, read by the SDK's models.

Sources: `openai.types.chat.ChatCompletionChunk`, `openai.types.chat.ChatCompletion`. `reasoning` (vLLM,
OpenRouter) and `reasoning_content` (DeepSeek, llama.cpp) are no fields of the SDK's and come as its extras.

Of calls that deviate from `ChoiceDeltaToolCall`, what stands in the code has been seen on wires: an `id` that
is repeated, empty later or missing (vllm-project/vllm#18412), a `name` that is repeated (vllm-project/vllm#13078)
or comes in pieces, one `index` for two calls (BerriAI/litellm#16188), no `index` at all
(router-for-me/CLIProxyAPI#5058), `arguments` that are null or an object, the legacy `function_call`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion_chunk import ChoiceDelta

from conformance.fold.ends import CHAT_FINISHES, UNKNOWN, Doubt, Finish
from conformance.fold.items import Items, OpenItem
from conformance.fold.models import as_json, integer, listed, string, typed
from conformance.fold.wire import WireEvent
from conformance.said import SaidAnnotation, SaidToken, SaidUsage

__all__ = ["ChatFold"]


class ChatFold:
    """One answer of a chat-completions upstream, folded event by event or from one JSON value."""

    marker_due = False
    """A stream that gave its finish reason is whole without its [DONE]."""

    def __init__(self) -> None:
        self.items = Items()
        self.usage: SaidUsage | None = None
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.marker = False
        self.error: Any = None
        self.doubt: Doubt | None = None
        self.tokens: list[SaidToken] = []
        self._calls: dict[int | str, OpenItem] = {}
        self._unplaced: list[SaidAnnotation] = []

    @property
    def finish(self) -> Finish | None:
        """What the finish reason means; None when none came."""
        return CHAT_FINISHES.get(self.finish_reason, UNKNOWN) if self.finish_reason else None

    def feed(self, event: WireEvent) -> bool:
        """Take one event. False when nothing after it counts."""
        if event.data.lstrip().startswith("[DONE]"):
            self.marker = True
            return False
        try:
            data = event.json
        except ValueError:
            self._choke()
            return True
        if not isinstance(data, dict):
            self._choke()
        elif data.get("error") or event.name == "error" or data.get("object") == "error":
            self.error = data
            return False
        else:
            self._chunk(typed(ChatCompletionChunk, data))
        return True

    def whole(self, value: dict[str, Any]) -> None:
        """Take a whole answer, `stream: false`."""
        if value.get("error") or not value.get("choices"):
            self.error = value
            return
        self.marker = True
        completion = typed(ChatCompletion, value)
        self.model = string(completion.model) or None
        self._count(completion.usage)
        choice = _first_choice(completion.choices)
        message = getattr(choice, "message", None)
        self._finished(getattr(choice, "finish_reason", None))
        self._doubt_others(completion.choices)
        self.tokens += _tokens(choice)
        if message is not None:
            self._content(message)
            for call in listed(message.tool_calls):
                self._whole_call(call)
            self._legacy_call(message.function_call)

    def _choke(self) -> None:
        """Note what a target may rightly choke on."""
        self.doubt = self.doubt or ("later" if self.items.said_something else "first")

    def close(self) -> None:
        """Place what could not be placed while content was still to come."""
        texts = [item for item in self.items.all if item.kind == "text"]
        for annotation in self._unplaced:
            _place(annotation, texts)
        ids = [item.call_id for item in self.items.all if item.kind == "call" and item is not self._legacy]
        if not all(ids) or len(set(ids)) < len(ids):
            self._choke()  # nobody could say which of them a result answers

    def _chunk(self, chunk: ChatCompletionChunk) -> None:
        self.model = self.model or string(getattr(chunk, "model", None)) or None
        self._count(chunk.usage)
        choices = getattr(chunk, "choices", None)
        self._doubt_others(choices)
        choice = _first_choice(choices)
        if choice is None:
            return
        delta = getattr(choice, "delta", None)
        if isinstance(delta, ChoiceDelta):
            self._content(delta)
            self.tokens += _tokens(choice) if string(delta.content) else ()
            for position, call in enumerate(listed(delta.tool_calls)):
                self._call_fragment(call, position)
            self._legacy_call(delta.function_call)
        self._finished(choice.finish_reason)

    def _doubt_others(self, choices: Any) -> None:
        """A second answer that nobody asked for may be left alone, or refused (openai/openai-agents-python#3314)."""
        if any(getattr(choice, "index", 0) for choice in listed(choices)):
            self._choke()

    def _content(self, message: ChoiceDelta | ChatCompletionMessage) -> None:
        extra = message.model_extra or {}
        # Both fields in one delta say the same twice (OpenRouter, and vLLM of the transition).
        reasoning = string(extra.get("reasoning")) or string(extra.get("reasoning_content"))
        self.items.run("reasoning", reasoning)
        self.items.run("text", string(message.content))
        self.items.run("refusal", string(message.refusal))
        annotations = getattr(message, "annotations", None)
        self._unplaced += [found for item in listed(annotations) if (found := _citation(item)) is not None]

    @property
    def _legacy(self) -> OpenItem | None:
        """The call of a `function_call`, which has no id."""
        return self._calls.get("function_call")

    def _finished(self, reason: Any) -> None:
        self.finish_reason = string(reason) or self.finish_reason

    def _count(self, usage: Any) -> None:
        if usage is None:
            return
        counted = _usage(usage)
        self.usage = counted or self.usage

    def _call_fragment(self, call: Any, position: int) -> None:
        """A fragment of a call; `position` is its place in the chunk."""
        function = getattr(call, "function", None)
        call_id, name = string(getattr(call, "id", None)), string(getattr(function, "name", None))
        item = self._call_for(getattr(call, "index", None), call_id, name, position)
        if not item.call_id:
            item.call_id = call_id
        if _goes_on(item, name):
            item.name += name
        self.items.add(item, _arguments(getattr(function, "arguments", None)))

    def _call_for(self, index: Any, call_id: str, name: str, position: int) -> OpenItem:
        if not isinstance(index, int):
            return self._call_without_index(call_id, name, position)
        item = self._calls.get(index)
        if item is not None and call_id and name and item.call_id not in ("", call_id):
            self._choke()  # two calls of one index
            item = None
        if item is None:
            item = self._calls[index] = self.items.open("call")
        return item

    def _call_without_index(self, call_id: str, name: str, position: int) -> OpenItem:
        """By id when there is one; else a name opens a call, and what has none belongs to one that is open."""
        self._choke()
        calls = [item for item in self.items.all if item.kind == "call"]
        same = next((item for item in calls if call_id and item.call_id == call_id), None)
        if same is not None:
            return same
        if call_id or name or not calls:
            return self.items.open("call")
        return calls[position] if position else calls[-1]

    def _legacy_call(self, function: Any) -> None:
        if function is None:
            return
        item = self._legacy
        if item is None:
            item = self._calls["function_call"] = self.items.open("call")
        name = string(getattr(function, "name", None))
        if _goes_on(item, name):
            item.name += name
        self.items.add(item, _arguments(getattr(function, "arguments", None)))

    def _whole_call(self, call: Any) -> None:
        item = self.items.open("call")
        item.call_id = string(getattr(call, "id", None))
        said = getattr(call, "function", None) or getattr(call, "custom", None)
        item.name = string(getattr(said, "name", None))
        arguments = getattr(said, "arguments", None)
        self.items.add(item, _arguments(getattr(said, "input", None) if arguments is None else arguments))


def _first_choice(choices: Any) -> Any:
    """The choice of index 0: the only one where a request does not ask for several."""
    return next((choice for choice in listed(choices) if (getattr(choice, "index", 0) or 0) == 0), None)


def _tokens(choice: Any) -> list[SaidToken]:
    """The log probabilities of a choice's tokens; what is none is left out."""
    return [
        SaidToken(string(_field(entry, "token")), float(logprob), _alternatives(entry))
        for entry in listed(_field(_field(choice, "logprobs"), "content"))
        if isinstance(logprob := _field(entry, "logprob"), int | float)
    ]


def _alternatives(entry: Any) -> tuple[tuple[str, float], ...]:
    found = [(_field(other, "token"), _field(other, "logprob")) for other in listed(_field(entry, "top_logprobs"))]
    return tuple((string(token), float(logprob)) for token, logprob in found if isinstance(logprob, int | float))


def _arguments(value: Any) -> str:
    return as_json(value) if isinstance(value, (dict, list)) else string(value)


def _goes_on(item: OpenItem, name: str) -> bool:
    """Whether a fragment's name belongs to the call's, and is not told once more: it may also come late, but whole."""
    return bool(name) and name != item.name and not (item.pieces and item.name)


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _citation(annotation: Any) -> SaidAnnotation | None:
    cited = _field(annotation, "url_citation")
    url = string(_field(cited, "url"))
    if not url:
        return None
    start, end = integer(_field(cited, "start_index")), integer(_field(cited, "end_index"))
    return SaidAnnotation(url, string(_field(cited, "title")), start, end)


def _place(annotation: SaidAnnotation, texts: Iterable[OpenItem]) -> None:
    """Give an annotation to the item it is about: the wire counts characters of the whole content."""
    before = 0
    item = None
    for item in texts:
        length = len(item.text)
        if annotation.start is not None and annotation.start < before + length:
            break
        before += length
    else:
        before -= len(item.text) if item is not None else 0
    if item is not None:
        start = None if annotation.start is None else annotation.start - before
        end = None if annotation.end is None else annotation.end - before
        item.annotations.append(SaidAnnotation(annotation.url, annotation.title, start, end))


def _usage(usage: Any) -> SaidUsage | None:
    """`openai.types.CompletionUsage`: its prompt tokens include the cached ones."""
    given, generated = integer(_field(usage, "prompt_tokens")), integer(_field(usage, "completion_tokens"))
    if given is None or generated is None:
        return None
    prompt, completion = _field(usage, "prompt_tokens_details"), _field(usage, "completion_tokens_details")
    return SaidUsage(
        input=given,
        output=generated,
        cached=integer(_field(prompt, "cached_tokens")),
        cache_write=integer(_field(prompt, "cache_write_tokens")),
        reasoning=integer(_field(completion, "reasoning_tokens")),
    )
