"""The items of an answer while it arrives, and which of them were whole when it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

from conformance.said import SaidAnnotation, SaidItem

__all__ = ["Cut", "ItemKind", "Items", "OpenItem"]

ItemKind = Literal["text", "reasoning", "refusal", "call"]

Cut = Literal["limit", "end"]
"""Why an answer is not whole: the model was stopped ("limit"), or the stream ended before it did ("end")."""


@dataclass(eq=False)
class OpenItem:
    """One stretch of one kind of content, growing. `closed`: the upstream said that it is whole."""

    kind: ItemKind
    pieces: list[str] = field(default_factory=list)
    name: str = ""
    call_id: str = ""
    signature: str | None = None
    redacted: str | None = None
    annotations: list[SaidAnnotation] = field(default_factory=list)
    closed: bool = False

    @property
    def text(self) -> str:
        """What came so far."""
        return "".join(self.pieces)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to give back: an empty block of text is none, a signature alone is."""
        return self.kind == "call" or bool(self.pieces or self.signature or self.redacted)

    @property
    def breaks_off(self) -> bool:
        """Whether this is a call whose arguments cannot be all."""
        return self.kind == "call" and bool(self.pieces) and not _parses(self.text)


@dataclass
class Items:
    """All items in order of first appearance. `latest` is the one that content was last added to."""

    all: list[OpenItem] = field(default_factory=list)
    latest: OpenItem | None = None

    @property
    def said_something(self) -> bool:
        """Whether there is an item yet that a client would be told of."""
        return any(item.says_something for item in self.all)

    def open(self, kind: ItemKind) -> OpenItem:
        """A new item."""
        item = OpenItem(kind)
        self.all.append(item)
        self.latest = item
        return item

    def add(self, item: OpenItem, piece: str) -> None:
        """A fragment for an item; an empty one says nothing."""
        if piece:
            item.pieces.append(piece)
            self.latest = item

    def run(self, kind: ItemKind, piece: str) -> None:
        """A fragment for the item of that kind that is being told, or for a new one."""
        if piece:
            current = self.latest
            self.add(current if current is not None and current.kind == kind else self.open(kind), piece)

    def said(self, cut: Cut | None) -> tuple[SaidItem, ...]:
        """The items as they stood at the end."""
        return tuple(
            SaidItem(
                kind=item.kind,
                text=item.text,
                pieces=len(item.pieces),
                complete=self._complete(item, cut),
                name=item.name,
                call_id=item.call_id,
                signature=item.signature,
                redacted=item.redacted,
                annotations=tuple(item.annotations),
            )
            for item in self.all
            if item.says_something
        )

    def _complete(self, item: OpenItem, cut: Cut | None) -> bool:
        # A block that was cut by a limit is closed like any other, and vLLM closes the JSON of a cut call: only
        # what was being told when the limit came tells which one was cut. Where the fragments of calls alternate
        # it does not: there a call that is JSON is taken for whole if another one began after it.
        if cut is None or (cut == "end" and item.closed):
            return True
        if item is self.latest and item is not self.all[-1]:
            return item.kind == "call" and _parses(item.text)
        return item is not self.latest and not item.breaks_off


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
