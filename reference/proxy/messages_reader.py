"""Anthropic Messages: events -> parts.

Sources: the anthropic SDK's ``RawMessageStreamEvent``, Anthropic's page on streaming; and how vLLM's and
llama.cpp's own ``/v1/messages`` differ.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .items import End, Item
from .reader import Reader
from .response import Usage, count


class _Block(msgspec.Struct):
    """A content block, or the delta of one."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")
    partial_json: str | None = None
    citation: dict[str, Any] | None = None
    citations: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_details: dict[str, Any] | None = None


class _Message(msgspec.Struct):
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_details: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = -1
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Block | None = None
    usage: dict[str, Any] | None = None


_EVENT = msgspec.json.Decoder(_Event)
_MESSAGE = msgspec.json.Decoder(_Message)

_STOP: dict[str, End] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    # Only server tools pause a turn; none is offered, so the turn cannot be taken up again.
    "pause_turn": "length",
    "refusal": "refusal",
}


class _Open:
    """A block that the upstream has begun."""

    def __init__(self, kind: str, item: Item | None = None, start: int = 0) -> None:
        self.kind = kind
        self.item = item
        self.start = start
        self.input = ""
        self.citations: list[dict[str, Any]] = []


class MessagesReader(Reader):
    """Reads Messages stream events, or one whole message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._blocks: dict[int, _Open] = {}
        self._usage: dict[str, Any] = {}

    def _event(self, name: bytes, data: bytes) -> None:
        event = self._decode(_EVENT, data)
        kind = event.type
        if kind == "content_block_delta" and event.delta is not None:
            block = self._blocks.get(event.index)
            if block is not None:
                self._delta(block, event.delta)
        elif kind == "content_block_start" and event.content_block is not None:
            self._start(event.index, event.content_block)
        elif kind == "content_block_stop":
            self._stop(event.index)
        elif kind == "message_start" and event.message is not None:
            self._count(event.message.usage)
        elif kind == "message_delta":
            self._count(event.usage)
            if event.delta is not None:
                self._finish(event.delta.stop_reason, event.delta.stop_details)
        elif kind == "message_stop":
            self._flush()
            self.stream.end(explicit=True)
        elif kind in ("error", ""):
            # llama.cpp and vLLM send errors in OpenAI's shape, without a type of their own.
            document = msgspec.json.decode(data)
            if kind or document.get("error"):
                self._fail(document)

    def _whole(self, body: bytes) -> None:
        message = self._decode(_MESSAGE, body)
        for index, block in enumerate(message.content or ()):
            self._start(index, block)
            for citation in block.citations or ():
                self._blocks[index].citations.append(citation)
            self._stop(index)
        self._count(message.usage)
        self._finish(message.stop_reason, message.stop_details)

    def _flush(self) -> None:
        """Servers other than Anthropic's may give the whole input at the start, and no delta."""
        for block in self._blocks.values():
            if block.item is not None and block.input not in ("", "{}", "null") and not block.item.pieces:
                self.stream.arguments(block.item, block.input)

    def _start(self, index: int, block: _Block) -> None:
        kind = block.type
        self._flush()
        opened = self._blocks[index] = _Open(kind, start=self.stream.offset())
        if kind == "text" and block.text:
            self.stream.text(block.text)
        elif kind == "thinking":
            self._delta(opened, block)
        elif kind == "redacted_thinking" and block.data:
            opened.item = self.stream.think(None, "", "thinking")
            opened.item.redacted = block.data
        elif kind == "tool_use":
            opened.item = self.stream.open_call(block.id or "", block.name or "")
            opened.input = bytes(block.input).decode()

    def _delta(self, block: _Open, delta: _Block) -> None:
        if block.kind == "text":
            if delta.text:
                self.stream.text(delta.text)
            if delta.citation is not None:
                block.citations.append(delta.citation)
        elif block.kind == "tool_use" and block.item is not None:
            if delta.partial_json:
                self.stream.arguments(block.item, delta.partial_json)
        elif block.kind == "thinking":
            if delta.thinking:
                block.item = self.stream.think(block.item, delta.thinking, "thinking")
            if delta.signature:
                # A signature replaces; alone it is thinking that is not shown.
                block.item = block.item or self.stream.think(None, "", "thinking")
                block.item.signature = delta.signature

    def _stop(self, index: int) -> None:
        block = self._blocks.get(index)
        if block is None:
            return
        self._flush()
        if block.item is not None:
            # Not the end of a call yet: Anthropic also stops a block that max_tokens cut.
            block.item.stopped = True
        for citation in block.citations:
            if citation.get("type") == "web_search_result_location":
                self.stream.annotate(_citation(citation, block.start, self.stream.offset()))
        block.citations.clear()

    def _count(self, usage: dict[str, Any] | None) -> None:
        """Figures are cumulative: a later one replaces an earlier one, a missing or zero one does not."""
        self._usage |= {key: value for key, value in (usage or {}).items() if value}
        if not self._usage:
            return  # zeros at the start are no figures yet
        cached = count(self._usage.get("cache_read_input_tokens"))
        written = count(self._usage.get("cache_creation_input_tokens"))
        details = self._usage.get("output_tokens_details") or {}
        self.stream.usage = Usage(
            # Here, unlike elsewhere, input_tokens excludes what was cached.
            input=count(self._usage.get("input_tokens")) + cached + written,
            output=count(self._usage.get("output_tokens")),
            cached=cached,
            cache_write=written,
            reasoning=count(details.get("thinking_tokens")),
        )

    def _finish(self, reason: str | None, details: dict[str, Any] | None) -> None:
        if reason:
            self.stream.reason = _STOP.get(reason, "stop")
            self.stream.explanation = str((details or {}).get("explanation") or "")


def _citation(citation: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url": str(citation.get("url") or ""),
        "title": str(citation.get("title") or ""),
        "start_index": start,
        "end_index": end,
    }
