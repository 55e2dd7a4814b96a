"""What the readers of all dialects share: cutting an upstream's body into events, and its bad endings."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from .errors import ApiError, from_event
from .sse import EventReader, EventTooLargeError
from .stream import Stream

T = TypeVar("T")


def _anything(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode(errors="replace")


class Unreadable(ValueError):  # noqa: N818 - reads better where it is raised
    """Raised when an event of the upstream is not what its dialect says."""


class Reader:
    """Feeds one upstream answer into a Stream; subclasses know one dialect.

    The answer may be an event stream or, whatever was asked for, one JSON document: the first byte tells.
    """

    def __init__(self, stream: Stream, limit: int, secret: str | None = None) -> None:
        self.stream = stream
        self.started = False
        """Whether the upstream has sent at least one event; before that a failure can still be a status."""
        self._events = EventReader(limit)
        self._limit = limit
        self._secret = secret
        self._document: list[bytes] | None = None
        self._size = 0
        self._sniffed = False

    def feed(self, chunk: bytes, now: float) -> None:
        """Take in bytes as they come off the wire."""
        self.stream.now = now
        if not self._sniffed:
            start = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
            self._sniffed = bool(start)
            if start in (b"{", b"<", b"["):
                self._document = []
        try:
            if self._document is not None:
                self._collect(chunk)
                return
            for name, data in self._events.feed(chunk):
                if self.stream.result is not None:
                    return
                if name == b"error":
                    self._fail(_anything(data))
                else:
                    self._event(name, data)
                self.started = self.started or self.stream.failure is None
        except (ValueError, TypeError, AttributeError) as error:
            self._unreadable(error)

    def eof(self, now: float) -> None:
        """The upstream closed its side in an orderly way."""
        self.stream.now = now
        if self._document is None:
            self.stream.end(explicit=False)
            return
        try:
            body = b"".join(self._document).removeprefix(b"\xef\xbb\xbf")
            document = self._decode(msgspec.json.Decoder(), body)
            if not isinstance(document, dict) or document.get("error") or document.get("type") == "error":
                self._fail(document)
                return
            self._whole(body)
        except (ValueError, TypeError, AttributeError) as error:
            self._unreadable(error)
            return
        self.stream.end(explicit=True)

    def _collect(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise EventTooLargeError(f"an answer of more than {self._limit} bytes")
        if self._document is not None:
            self._document.append(chunk)

    def _event(self, name: bytes, data: bytes) -> None:
        raise NotImplementedError

    def _whole(self, body: bytes) -> None:
        raise NotImplementedError

    def _fail(self, document: Any) -> None:
        self.stream.fail(from_event(document, self._secret))

    def _unreadable(self, error: Exception) -> None:
        """Fail on what no reader foresaw: a value of another type somewhere deep in an event."""
        what = str(error) if isinstance(error, (Unreadable, EventTooLargeError)) else "an event of an unknown shape"
        self.stream.fail(ApiError(502, f"The upstream sent what cannot be read: {what}.", code="upstream_error"))

    def _decode(self, decoder: msgspec.json.Decoder[T], data: bytes) -> T:
        try:
            return decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        try:
            # Stray bytes that are not UTF-8 become U+FFFD, as the event-stream rules say; so do lone surrogates.
            loose = json.dumps(json.loads(data.decode(errors="replace")), ensure_ascii=False)
            return decoder.decode(loose.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        except (ValueError, msgspec.DecodeError) as error:
            raise Unreadable(f"an event that is not valid ({str(error)[:120]})") from None
