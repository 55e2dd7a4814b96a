"""The key of a live endpoint: read from the environment, sent, and taken out of everything that is kept or shown."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from conformance.errors import UsageError
from conformance.transcript import Exchange, Received

__all__ = ["Secret", "read_key"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_WORTH_HIDING = 6  # characters; a shorter "key" is a word like "dummy", which an answer may hold by itself
_STRONG = 16


def read_key(name: str) -> str:
    """The key in a variable of the environment.

    Raises UsageError when there is none, or none that can stand in a header. No message holds the name: who confuses
    the two has given the key itself.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("--api-key-env takes the name of an environment variable, never the key itself")
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError("the environment variable that --api-key-env names is not set, or empty")
    if not _VISIBLE.fullmatch(key):
        raise UsageError("the key in the variable that --api-key-env names holds characters that no header can carry")
    return key


@dataclass(frozen=True)
class Secret:
    """A key, and how to take it out of an exchange. Its text never shows in a repr."""

    _key: str

    def __repr__(self) -> str:
        return "Secret(...)"

    @property
    def header(self) -> str:
        """The value of the `authorization` header."""
        return f"Bearer {self._key}"

    @property
    def mark(self) -> str:
        """What stands in the key's place.

        The mark of a key that looks like one is long enough that finding it in an answer counts as a leak: a server
        that echoes "dummy" gives nothing away.
        """
        strong = len(self._key) >= _STRONG and any(sign.isdigit() for sign in self._key)
        return "[api-key-taken-out]" if strong else "[key]"

    def cleaned(self, exchange: Exchange) -> Exchange:
        """The exchange without the key: in the request, the answer's headers and body, and the words about it."""
        request = exchange.request
        sent = tuple((name, value.replace(self._key, self.mark)) for name, value in request.headers)
        return replace(
            exchange,
            request=replace(request, headers=sent),
            headers=tuple((name, self.words(value)) for name, value in exchange.headers),
            received=self._chunks(exchange.received),
            problem=None if exchange.problem is None else self.words(exchange.problem),
        )

    def words(self, text: str) -> str:
        """A text without the key."""
        for form in self._forms():
            text = text.replace(form, self.mark)
        return text

    def _forms(self) -> tuple[str, ...]:
        """The key as it may be written: plain, in JSON, with escaped slashes, in a URL."""
        if len(self._key) < _WORTH_HIDING:
            return ()
        plain = json.dumps(self._key)[1:-1]
        forms = (self._key, plain, plain.replace("/", "\\/"), quote(self._key, safe=""))
        return tuple(sorted(set(forms), key=len, reverse=True))

    def _chunks(self, received: Sequence[Received]) -> tuple[Received, ...]:
        """The chunks without the key, also where it lies across two of them."""
        body = b"".join(chunk.data for chunk in received)
        forms = [re.escape(form.encode()) for form in self._forms()]
        spans = [found.span() for found in re.finditer(b"|".join(forms), body)] if forms else []
        return tuple(received) if not spans else tuple(self._without(received, body, spans))

    def _without(
        self, received: Sequence[Received], body: bytes, spans: Sequence[tuple[int, int]]
    ) -> Iterator[Received]:
        """Each chunk with what it holds outside of the spans, and a mark for each span that begins in it."""
        start = 0
        for chunk in received:
            end, at, kept = start + len(chunk.data), start, b""
            for first, last in spans:
                if last <= start or first >= end:
                    continue
                kept += body[at : max(at, first)] + (self.mark.encode() if first >= start else b"")
                at = min(last, end)
            yield Received(chunk.t, kept + body[at:end])
            start = end
