"""Events about items and their parts, as the bytes a client gets.

The common event, a delta, is three constant byte strings around a number and a JSON string, so that what it costs does
not depend on how much was said before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import sse
from .items import FAMILY, Item, Part, call_body
from .sealed import Carried, Sealer

_encode = msgspec.json.encode
_DELTAS = {"function": "response.function_call_arguments", "custom": "response.custom_tool_call_input"}


class Writer:
    """Frames of one response, numbered; ``raw`` shows reasoning as ``content`` instead of ``summary``."""

    def __init__(self, sealer: Sealer, raw: bool) -> None:
        self._sealer = sealer
        self._raw = raw
        self._frames: list[bytes] = []
        self._sequence = 0

    def take(self) -> bytes:
        """The frames made since the last call."""
        frames = b"".join(self._frames)
        self._frames.clear()
        return frames

    def emit(self, event: str, **fields: Any) -> None:
        """An event that comes once in a while."""
        payload = _encode({"type": event, "sequence_number": self._sequence, **fields})
        self._frames.append(sse.frame(event, payload))
        self._sequence += 1

    def end(self) -> None:
        """``[DONE]``, which has no number."""
        self._frames.append(sse.DONE)

    # --- items

    def announce(self, item: Item) -> None:
        """``output_item.added``, and for a call what is known of its arguments."""
        self.emit("response.output_item.added", output_index=item.index, item=self.body(item, "in_progress", True))
        if item.tool is not None and item.tool.kind in _DELTAS:
            item.parts = [Part("arguments")]
            self._template(item, item.parts[0], f"{_DELTAS[item.tool.kind]}.delta", "", b"}\n\n")
            self.arguments(item, "".join(item.pieces))

    def arguments(self, call: Item, text: str) -> None:
        """A delta of an open call: the arguments of a function as they are, of a custom tool the text in them."""
        if call.tool is not None and call.tool.kind == "custom":
            text = call.free.feed(text)
        if text:
            self.delta(call.parts[0], text)

    def close(self, item: Item, status: str) -> None:
        """``output_item.done``, after the end of what is still open in the item."""
        if item.kind == "call":
            self._close_call(item)
        elif item.parts:
            self.close_part(item, item.parts[-1])
        item.ended = True
        item.done = self.body(item, status)
        self.emit("response.output_item.done", output_index=item.index, item=item.done)

    def _close_call(self, item: Item) -> None:
        where = {"item_id": item.id, "output_index": item.index}
        kind = item.tool.kind if item.tool else ""
        if not item.pieces:
            item.pieces.append("{}")
            if kind == "function":
                self.delta(item.parts[0], "{}")
        arguments = "".join(item.pieces)
        if kind == "function":
            name = item.tool.name if item.tool else ""
            self.emit("response.function_call_arguments.done", **where, name=name, arguments=arguments)
        elif kind == "custom":
            if rest := item.free.finish(arguments):
                self.delta(item.parts[0], rest)
            self.emit("response.custom_tool_call_input.done", **where, input=item.free.text)

    def body(self, item: Item, status: str, empty: bool = False) -> dict[str, Any]:
        """The item as an object; ``empty`` as it is announced, before its deltas."""
        if item.kind == "compaction":
            # Neither the openai SDK nor Open Responses gives this item a status; its blob is known at once.
            blob = self._sealer.seal(Carried(summary="".join(item.pieces)))
            item.done = item.done or {"id": item.id, "type": "compaction", "encrypted_content": blob}
            return item.done
        body: dict[str, Any] = {"id": item.id, "type": item.kind, "status": status}
        if item.tool is not None:
            return {**body, **call_body(item, item.tool, "" if empty else "".join(item.pieces))}
        parts = [] if empty else [part.body() for part in item.parts if part.frame[0]]
        if item.kind == "message":
            return {**body, "role": "assistant", "content": parts}
        body |= {"summary": [], "content": parts} if self._raw and parts else {"summary": [] if self._raw else parts}
        blob = "" if status == "in_progress" else self._reasoning(item)
        return {**body, "encrypted_content": blob} if blob else body

    def _reasoning(self, item: Item) -> str:
        """What the upstream needs back of its reasoning, sealed; empty when there is nothing to carry."""
        text = "".join(piece for part in item.parts for piece in part.pieces)
        carried = Carried(text=text, field=item.origin)
        if item.redacted:
            carried = Carried(blocks=[{"type": "redacted_thinking", "data": item.redacted}])
        elif item.origin == "thinking":
            carried = Carried(blocks=[{"type": "thinking", "thinking": text, "signature": item.signature}])
        return self._sealer.seal(carried) if text or carried.blocks else ""

    # --- parts

    def _where(self, item: Item, part: Part) -> dict[str, Any]:
        return {"item_id": item.id, "output_index": item.index, FAMILY[part.kind].place: item.parts.index(part)}

    def open_part(self, item: Item, part: Part) -> None:
        """Announce a part; what it holds already goes out as one delta."""
        family = FAMILY[part.kind]
        place = f',"{family.place}":{item.parts.index(part)}'
        tail = b',"logprobs":[]}\n\n' if part.kind == "output_text" else b"}\n\n"
        self._template(item, part, f"{family.text}.delta", place, tail)
        self.emit(f"{family.part}.added", **self._where(item, part), part=Part(part.kind).body())
        if part.pieces:
            self.delta(part, "".join(part.pieces))
        for number in range(len(part.annotations)):
            self.annotation(item, part, number)

    def close_part(self, item: Item, part: Part) -> None:
        """The text's end and the part's; a second time nothing."""
        if part.closed:
            return
        part.closed = True
        family, where, body = FAMILY[part.kind], self._where(item, part), part.body()
        more = {"logprobs": part.logprobs} if part.kind == "output_text" else {}
        self.emit(f"{family.text}.done", **where, **{family.key: body[family.key]}, **more)
        self.emit(f"{family.part}.done", **where, part=body)

    def annotation(self, item: Item, part: Part, number: int) -> None:
        """One annotation of a part that is announced."""
        where, annotation = self._where(item, part), part.annotations[number]
        self.emit("response.output_text.annotation.added", **where, annotation_index=number, annotation=annotation)

    def likely(self, item: Item, part: Part, text: str, logprobs: list[dict[str, Any]]) -> None:
        """A delta that carries log probabilities."""
        self.emit("response.output_text.delta", **self._where(item, part), delta=text, logprobs=logprobs)

    def delta(self, part: Part, text: str) -> None:
        """A piece of an announced part."""
        head, middle, tail = part.frame
        self._frames.append(b"%b%d%b%b%b" % (head, self._sequence, middle, _encode(text), tail))
        self._sequence += 1

    def _template(self, item: Item, part: Part, event: str, place: str, tail: bytes) -> None:
        head = f'event: {event}\ndata: {{"type":"{event}","sequence_number":'
        middle = f',"item_id":"{item.id}","output_index":{item.index}{place},"delta":'
        part.frame = head.encode(), middle.encode(), tail
