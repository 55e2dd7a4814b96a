"""Parts -> Responses events: the one state machine that knows the lifecycle.

A dialect's reader calls ``text``, ``think``, ``open_call`` ... as the upstream's parts arrive; frames for the
client collect until ``take``. Items go out strictly one after the other: the first unfinished item is live, what
the upstream sends for later ones is kept until its turn comes. Nothing is ever joined twice: pieces are kept in
lists.

The shape that every measured client takes: created, in_progress, then per item added, deltas, done, and one
terminal event that repeats the items (openai/openai-python and openai-node ``responses.stream``, openai/codex).
"""

from __future__ import annotations

from typing import Any

from .call_ids import CallIds
from .config import Config
from .errors import ApiError
from .items import PREFIX, End, Item, Part
from .request import Request
from .response import Usage, resource
from .sealed import Sealer
from .tools import Toolbox
from .writer import Writer


class Stream:
    """One response being made; ``seed`` is random and unguessable, ``now`` the time in Unix seconds."""

    def __init__(
        self,
        request: Request,
        tools: Toolbox,
        sealer: Sealer,
        ids: CallIds,
        config: Config,
        *,
        seed: str,
        now: float,
        applied: dict[str, Any],
    ) -> None:
        self.now = now
        self.usage: Usage | None = None
        self.reason: End | None = None
        self.explanation = ""
        self.failure: ApiError | None = None
        self.result: dict[str, Any] | None = None
        """The finished Response; None while it is being made."""
        raw = config.reasoning == "raw" and config.dialect != "messages"
        self._thought_kind = "reasoning_text" if raw else "summary_text"
        self._refusal_kind = "output_text" if config.refusals == "text" else "refusal"
        self._serial = request.parallel_tool_calls is False
        self._tools = tools
        self._ids = ids
        self._seed = seed
        self._items: list[Item] = []
        self._head = 0
        self._announced: list[Item] = []
        self._call_ids: set[str] = set()
        self._base = resource(request, f"resp_{seed}", now, applied)
        self._writer = Writer(sealer, raw)
        self.take = self._writer.take
        self._writer.emit("response.created", response=self._base)
        self._writer.emit("response.in_progress", response=self._base)

    @property
    def dropped(self) -> int:
        """How many calls were kept from the client because the request does not allow them."""
        return sum(item.dropped for item in self._items)

    def keep_alive(self) -> None:
        """Repeat ``response.in_progress`` with the items so far.

        A comment does not reset openai/codex's idle timer, an unknown event breaks openai-node, and an empty
        ``output`` breaks its ``accumulateResponse``.
        """
        output = [item.done or self._writer.body(item, "in_progress", item.held) for item in self._announced]
        self._writer.emit("response.in_progress", response={**self._base, "output": output})

    # --- parts

    def text(self, text: str, logprobs: list[dict[str, Any]] | None = None) -> None:
        """Answer text."""
        self._say("output_text", text, logprobs)

    def refuse(self, text: str) -> None:
        """Text with which the model declines."""
        self._say(self._refusal_kind, text, None)

    def offset(self) -> int:
        """How many characters of text the open part has; where a citation begins or ends."""
        tail = self._items[-1] if self._items else None
        return tail.parts[-1].length if tail is not None and tail.kind == "message" else 0

    def annotate(self, annotation: dict[str, Any]) -> None:
        """An annotation of the text part that is open; dropped when none is."""
        item = self._items[-1] if self._items else None
        if item is None or item.kind != "message" or item.ended or item.parts[-1].kind != "output_text":
            return
        part = item.parts[-1]
        part.annotations.append(annotation)
        if item.index >= 0:
            self._writer.annotation(item, part, len(part.annotations) - 1)

    def think(self, item: Item | None, text: str, origin: str) -> Item:
        """Reasoning text, in a new item when ``item`` is None or over; ``origin`` is the upstream's field for it."""
        if item is None or item.ended:
            item = self._add(Item("reasoning", origin=origin))
        if text:
            self._append(item, self._thought_kind, text, None)
        return item

    def open_call(self, upstream_id: str = "", name: str = "") -> Item:
        """A tool call that begins; it is announced when its first argument byte shows the name is whole."""
        return self._add(Item("call", upstream_id=upstream_id, name=name))

    def arguments(self, call: Item, text: str) -> None:
        """A fragment of a call's arguments."""
        call.pieces.append(text)
        if call.index < 0:
            self._advance()
        elif call.parts and call.done is None:
            self._writer.arguments(call, text)

    # --- endings

    def end(self, explicit: bool) -> None:
        """The upstream is through; ``explicit`` when it said so (``[DONE]``, ``message_stop``)."""
        if self.result is not None:
            return
        answered = any(item.kind != "reasoning" for item in self._items)
        reason = self.reason
        if reason is None and explicit and answered:
            cut = any(item.kind == "call" and item.pieces and not item.whole() for item in self._items)
            reason = None if cut else "stop"
        if reason == "refusal" and not answered:
            self.refuse(self.explanation or "The model declined to answer.")
            reason = "stop"
        if reason == "stop":
            self._complete()
        elif reason == "length":
            self._cut("max_output_tokens")
        elif reason in ("content_filter", "refusal"):
            self._cut("content_filter")
        else:
            self.fail(ApiError(502, "The upstream ended its answer before it was complete.", code="upstream_error"))

    def fail(self, error: ApiError) -> None:
        """End at once with ``response.failed``; what is open gets no closing events.

        A half message that is closed is shown, stored and replayed by openai/codex.
        """
        if self.result is not None:
            return
        self.failure = error
        self._terminal("failed", [item.done for item in self._announced if item.done], error=error.failure())

    def _complete(self) -> None:
        for item in self._items:
            item.ended = True
        self._advance()
        self._terminal("completed", [item.done for item in self._announced if item.done])

    def _cut(self, reason: str) -> None:
        """End as incomplete: the item that was open is, too.

        A call that was open gets neither ``arguments.done`` nor ``output_item.done``, even if it parses:
        openai/codex runs a tool as soon as the latter arrives, whatever its status.
        """
        for item in self._items[self._head : -1]:
            if item.kind == "call" and not (item.stopped or item.whole()):
                break
            item.ended = True
        self._advance()
        for item in self._items[self._head :]:
            if item.index < 0 and not self._open(item):
                continue
            if item.kind != "call":
                self._writer.close(item, "incomplete")
        output = [item.done or self._writer.body(item, "incomplete") for item in self._announced]
        self._terminal("incomplete", output, incomplete_details={"reason": reason})

    def _terminal(self, status: str, output: list[dict[str, Any]], **fields: Any) -> None:
        usage = self.usage.body() if self.usage else None
        completed_at = max(int(self.now), self._base["created_at"]) if status == "completed" else None
        self.result = {
            **self._base, "status": status, "output": output, "usage": usage, "completed_at": completed_at, **fields
        }  # fmt: skip
        self._writer.emit(f"response.{status}", response=self.result)
        self._writer.end()

    # --- items

    def _add(self, item: Item) -> Item:
        """Put an item behind the others; those that are over now give way."""
        for earlier in self._items[self._head :]:
            if not earlier.ended:
                named = earlier.kind == "call" and bool(earlier.name)  # a name may follow whole arguments
                earlier.ended = earlier.kind != "call" or earlier.stopped or (named and earlier.whole())
        self._items.append(item)
        self._advance()
        return item

    def _advance(self) -> None:
        """Open the live item, close it when it has ended, go on to the next."""
        while self._head < len(self._items):
            item = self._items[self._head]
            if item.index < 0 and not item.dropped:
                self._open(item)
            if not item.ended or (item.index < 0 and not item.dropped):
                return
            if not item.dropped:
                self._writer.close(item, "completed")
            self._head += 1

    def _open(self, item: Item) -> bool:
        """Announce an item with what is known of it; False while that is too little."""
        if item.kind == "call" and not self._identify(item):
            return False
        item.index = len(self._announced)
        item.id = f"{PREFIX[item.type]}_{self._seed[:32]}{item.index:04x}"
        self._announced.append(item)
        self._writer.announce(item)
        for part in () if item.kind == "call" else item.parts:
            self._writer.open_part(item, part)
            if part is not item.parts[-1]:
                self._writer.close_part(item, part)
        return True

    def _identify(self, item: Item) -> bool:
        """Settle a call's tool and id, once its name is whole; a call that must not be seen is dropped."""
        if not (item.ended or self.reason or (item.name and item.pieces)):
            return False
        tool = self._tools.find(item.name)
        second = self._serial and bool(self._call_ids)
        item.dropped = not item.name or second or not self._tools.permits(tool)
        if item.dropped:
            return False
        item.tool, item.call_id = tool, self._call_id(item.upstream_id)
        return True

    def _call_id(self, upstream_id: str) -> str:
        """The upstream's id as a client can hold it; one of our own when it gave none, or gives it twice."""
        call_id = self._ids.outward(upstream_id)
        if not call_id or call_id in self._call_ids:
            call_id = f"call_{self._seed[-24:]}{len(self._call_ids):04x}"
        self._call_ids.add(call_id)
        return call_id

    # --- parts of items

    def _say(self, kind: str, text: str, logprobs: list[dict[str, Any]] | None) -> None:
        item = self._items[-1] if self._items else None
        if item is None or item.kind != "message" or item.ended:
            item = self._add(Item("message", [Part(kind)]))
        self._append(item, kind, text, logprobs)

    def _append(self, item: Item, kind: str, text: str, logprobs: list[dict[str, Any]] | None) -> None:
        part = item.parts[-1] if item.parts else None
        if part is None or part.kind != kind:
            if part is not None and item.index >= 0:
                self._writer.close_part(item, part)
            part = Part(kind)
            item.parts.append(part)
        if item.index >= 0 and not part.frame[0]:
            self._writer.open_part(item, part)
        part.pieces.append(text)
        part.length += len(text)
        if logprobs:
            part.logprobs += logprobs
        if item.index < 0:
            return
        if logprobs:
            self._writer.likely(item, part, text, logprobs)
        else:
            self._writer.delta(part, text)
