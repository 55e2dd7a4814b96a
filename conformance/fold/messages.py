"""Anthropic Messages: raw events and whole messages, read by the SDK's models.

Sources: `anthropic.types.RawMessageStreamEvent`, `anthropic.types.Message`. Blocks are told apart by `index`,
not by order: llama.cpp closes them all at the end. Events, deltas and blocks of unknown type are ignored, as
Anthropic asks of clients; what Anthropic's own servers execute (`server_tool_use` and its results) is nothing
that a client is told to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anthropic.types import (
    Message,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
)

from conformance.fold.ends import MESSAGES_STOPS, UNKNOWN, Doubt, Finish
from conformance.fold.items import ItemKind, Items, OpenItem
from conformance.fold.models import as_json, integer, listed, string, typed
from conformance.fold.wire import WireEvent
from conformance.said import SaidAnnotation, SaidToken, SaidUsage

__all__ = ["MessagesFold"]

_KINDS: dict[str, ItemKind] = {
    "text": "text",
    "thinking": "reasoning",
    "redacted_thinking": "reasoning",
    "tool_use": "call",
}
"""The blocks that a client is told, by type."""

_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class MessagesFold:
    """One answer of a Messages upstream, folded event by event or from one JSON value."""

    marker_due = True
    """Every stream that is whole ends with `message_stop`."""

    tokens: tuple[SaidToken, ...] = ()
    """It has no log probabilities."""

    def __init__(self) -> None:
        self.items = Items()
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.marker = False
        self.error: Any = None
        self.doubt: Doubt | None = None
        self._blocks: dict[int, OpenItem | None] = {}
        self._given: list[tuple[OpenItem, str]] = []
        self._counts: dict[str, int] = {}
        self._counted = False
        self._thinking: int | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._delta,
        }

    @property
    def finish(self) -> Finish | None:
        """What the stop reason means; None when none came."""
        if not self.finish_reason:
            return None
        finish = MESSAGES_STOPS.get(self.finish_reason, UNKNOWN)
        shown = any(item.kind != "reasoning" and item.says_something for item in self.items.all)
        if self.finish_reason == "refusal" and not shown:
            # Nothing was shown: a refusal part is an answer too.
            return Finish(finish.ends | {"completed"}, finish.cut)
        return finish

    @property
    def usage(self) -> SaidUsage | None:
        """Counts as Responses means them: Anthropic's `input_tokens` exclude what a cache gave or took.

        None until the counts are those of the answer: `message_start` brings a placeholder for the output.
        """
        if not self._counted or not {"input_tokens", "output_tokens"} <= self._counts.keys():
            return None
        read, written = (self._counts.get(f"cache_{what}_input_tokens") for what in ("read", "creation"))
        return SaidUsage(
            input=self._counts["input_tokens"] + (read or 0) + (written or 0),
            output=self._counts["output_tokens"],
            cached=read,
            cache_write=written,
            reasoning=self._thinking,
        )

    def feed(self, event: WireEvent) -> bool:
        """Take one event. False when nothing after it counts."""
        try:
            data = event.json
        except ValueError:
            if event.name != "ping":
                self._choke()
            return True
        if not isinstance(data, dict):
            self._choke()
            return True
        kind = string(data.get("type")) or event.name
        if kind == "error" or event.name == "error":
            self.error = data
            return False
        if kind == "message_stop":
            self.marker = True
            return False
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(data)
        return True

    def whole(self, value: dict[str, Any]) -> None:
        """Take a whole message, `stream: false`."""
        if value.get("type") == "error" or "content" not in value:
            self.error = value
            return
        self.marker = self._counted = True
        self._message(typed(Message, value))

    def _choke(self) -> None:
        """Note what a target may rightly choke on."""
        self.doubt = self.doubt or ("later" if self.items.said_something else "first")

    def close(self) -> None:
        """Say the arguments that came with a block and not in deltas: none at all are an empty object.

        Not those of a call that a limit cut: what it was going to say is unknown.
        """
        cut = self.items.latest if self.finish is not None and self.finish.cut else None
        for item, given in self._given:
            if item.closed and not item.pieces and item is not cut:
                item.pieces.append(given)

    def _start(self, data: dict[str, Any]) -> None:
        message: Any = getattr(typed(RawMessageStartEvent, data), "message", None)
        if isinstance(message, Message):
            self._message(message)
        else:
            self._choke()

    def _message(self, message: Message) -> None:
        self.model = string(getattr(message, "model", None)) or None
        self._count(getattr(message, "usage", None))
        for index, block in enumerate(listed(getattr(message, "content", None))):
            self._open(index, block)
            item = self._blocks[index]
            if item is not None:
                item.closed = True
        self.finish_reason = string(getattr(message, "stop_reason", None)) or None

    def _block_start(self, data: dict[str, Any]) -> None:
        event = typed(RawContentBlockStartEvent, data)
        self._open(_index(event), getattr(event, "content_block", None))

    def _open(self, index: int, block: Any) -> None:
        kind = _KINDS.get(string(getattr(block, "type", None)))
        if kind is None:
            self._blocks[index] = None
            return
        item = self._blocks[index] = self.items.open(kind)
        item.name = string(getattr(block, "name", None))
        item.call_id = string(getattr(block, "id", None))
        item.signature = string(getattr(block, "signature", None)) or None
        item.redacted = string(getattr(block, "data", None)) or None
        item.annotations += [
            found for one in listed(getattr(block, "citations", None)) if (found := _citation(one)) is not None
        ]
        self.items.add(item, string(getattr(block, "text", None)) or string(getattr(block, "thinking", None)))
        if kind == "call":
            self._given.append((item, as_json(getattr(block, "input", None) or {})))

    def _block_delta(self, data: dict[str, Any]) -> None:
        event = typed(RawContentBlockDeltaEvent, data)
        index, delta = _index(event), getattr(event, "delta", None)
        if index not in self._blocks:
            # The SDK raises on a delta without a block; so may a target.
            self._choke()
            return
        item = self._blocks[index]
        if item is not None and delta is not None:
            self._content(item, delta)

    def _content(self, item: OpenItem, delta: Any) -> None:
        kind = (item.kind, string(getattr(delta, "type", None)))
        if kind == ("text", "text_delta"):
            self.items.add(item, string(delta.text))
        elif kind == ("reasoning", "thinking_delta"):
            self.items.add(item, string(delta.thinking))
        elif kind == ("call", "input_json_delta"):
            self.items.add(item, string(delta.partial_json))
        elif kind == ("reasoning", "signature_delta"):
            item.signature = string(delta.signature) or item.signature
        elif kind == ("text", "citations_delta"):
            cited = _citation(delta.citation)
            item.annotations += [cited] if cited is not None else []

    def _block_stop(self, data: dict[str, Any]) -> None:
        item = self._blocks.get(_index(typed(RawContentBlockStopEvent, data)))
        if item is not None:
            item.closed = True

    def _delta(self, data: dict[str, Any]) -> None:
        event = typed(RawMessageDeltaEvent, data)
        reason = getattr(getattr(event, "delta", None), "stop_reason", None)
        self.finish_reason = string(reason) or self.finish_reason
        self._count(getattr(event, "usage", None))
        self._counted = True

    def _count(self, usage: Any) -> None:
        """Counts are cumulative: the last one of each kind holds, and what is absent changes nothing."""
        for name in _COUNTS:
            value = getattr(usage, name, None)
            if isinstance(value, int):
                self._counts[name] = value
        thinking = getattr(getattr(usage, "output_tokens_details", None), "thinking_tokens", None)
        self._thinking = thinking if isinstance(thinking, int) else self._thinking


def _index(event: Any) -> int:
    """The block that an event is about; -1 where the event does not say."""
    index = integer(getattr(event, "index", None))
    return -1 if index is None else index


def _citation(citation: Any) -> SaidAnnotation | None:
    """Only a web result has an address to cite; documents are cited by place."""
    if string(getattr(citation, "type", None)) != "web_search_result_location":
        return None
    return SaidAnnotation(string(citation.url), string(citation.title), None, None)
