"""The suite's reader of event streams: sans-I/O, by the WHATWG rules, with byte-exact positions.

    read_events(body)   the events of a whole stream
    read_stream(body)   the events and all that readers throw away: lines, comments, silent blocks, leftover
    SseReader           the same in pieces: `feed(bytes)` returns the events now complete, `close()` ends

What a check of the wire can ask:

    event.has("event")         was there an `event:` field (or "id", "retry", "data")
    event.lines                its `Line`s, comments included, the blank line last
    line.name, line.value      a field's name ("data", "event", "id", "retry", or one that no reader knows)
    line.kind                  "field", "comment" or "blank"
    line.ending, line.raw      the line's end as it came (LF, CRLF, CR; b"" at the end of the stream)
    line.is_utf8               False when the bytes are no UTF-8
    stream.lines               every line
    stream.comments            the comment lines
    stream.endings             the set of line ends in use
    stream.silent              blocks of fields closed by a blank line that dispatch nothing: no `data`
    stream.leftover            undispatched bytes at the end: a block that no blank line closes
    stream.bom                 whether the stream begins with a byte order mark

The rules (WHATWG HTML 9.2.6): UTF-8 with one leading BOM ignored; a line ends with CRLF, LF or CR; a line
that begins with a colon is a comment; one space after a field's colon is dropped; `data` lines are joined by
LF; an `id` with NUL is ignored; a blank line dispatches if there was a `data` line, even an empty one; what
no blank line closes is never dispatched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

__all__ = ["Line", "ServerSentEvent", "SseReader", "StreamLines", "read_events", "read_stream"]

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Line:
    """One line. `start` is its byte offset in the stream, `raw` its bytes without the line end."""

    start: int
    raw: bytes
    ending: bytes

    @property
    def end(self) -> int:
        """The byte offset after the line end."""
        return self.start + len(self.raw) + len(self.ending)

    @property
    def kind(self) -> Literal["field", "comment", "blank"]:
        """What the line is to a reader."""
        if not self.raw:
            return "blank"
        return "comment" if self.raw.startswith(b":") else "field"

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8 (a reader shows U+FFFD for those that are not)."""
        try:
            self.raw.decode()
        except UnicodeDecodeError:
            return False
        return True

    @property
    def name(self) -> str:
        """The field's name; "" for comments and blank lines."""
        return self.raw.partition(b":")[0].decode(errors="replace")

    @property
    def value(self) -> str:
        """The field's value, or the comment's text, without the one space after the colon."""
        return _text(self.raw.partition(b":")[2])


@dataclass(frozen=True)
class ServerSentEvent:
    """One dispatched event.

    `start` and `end` are byte offsets of its lines in the stream, blank line included.
    `event` is the last `event:` field's value, "" when there was none (a browser then says "message").
    `last_event_id` is what a reader would send back as `Last-Event-ID`.
    """

    event: str
    data: str
    start: int
    end: int
    lines: tuple[Line, ...] = ()
    last_event_id: str = ""

    def has(self, name: str) -> bool:
        """Whether one of its lines is a field of that name."""
        return any(line.kind == "field" and line.name == name for line in self.lines)


@dataclass(frozen=True)
class StreamLines:
    """A whole stream with what readers throw away. `leftover` is what stands after the last blank line."""

    events: tuple[ServerSentEvent, ...]
    lines: tuple[Line, ...]
    silent: tuple[tuple[Line, ...], ...]
    leftover: bytes
    bom: bool

    @cached_property
    def comments(self) -> tuple[Line, ...]:
        """The comment lines, in order."""
        return tuple(line for line in self.lines if line.kind == "comment")

    @cached_property
    def endings(self) -> frozenset[bytes]:
        """The line ends in use."""
        return frozenset(line.ending for line in self.lines if line.ending)


class SseReader:
    """An event stream, read in pieces: every partition of the bytes gives the same events.

    A CR at the end of a piece may be half a CRLF: what it ends is decided by the next byte, or by `close()`.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._offset = 0  # where the buffer begins in the stream
        self._scanned = 0  # bytes of the buffer that are known to hold no line end
        self._block: list[Line] = []
        self._lines: list[Line] = []
        self._events: list[ServerSentEvent] = []
        self._silent: list[tuple[Line, ...]] = []
        self._bom = False
        self._last_id = ""
        self._closed = False

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """The events that this piece completes. Raises ValueError after `close()`."""
        if self._closed:
            raise ValueError("this reader is closed: a stream has one end")
        self._buffer += piece
        return self._read(final=False)

    def close(self) -> list[ServerSentEvent]:
        """End the stream: the event that a CR at its very end completes. A second call gives nothing."""
        if self._closed:
            return []
        self._closed = True
        return self._read(final=True)

    @property
    def stream(self) -> StreamLines:
        """All that was read so far. An unfinished last line is among the lines once the reader is closed."""
        leftover = b"".join(line.raw + line.ending for line in self._block)
        if not self._closed:
            leftover += self._buffer
        return StreamLines(tuple(self._events), tuple(self._lines), tuple(self._silent), leftover, self._bom)

    def _read(self, *, final: bool) -> list[ServerSentEvent]:
        if self._offset == 0 and not self._skip_bom(final=final):
            return []
        before = len(self._events)
        position = 0
        for match in _LINE_END.finditer(self._buffer, self._scanned):
            if match.group() == b"\r" and match.end() == len(self._buffer) and not final:
                break
            self._take(Line(self._offset + position, self._buffer[position : match.start()], match.group()))
            position = match.end()
        self._buffer = self._buffer[position:]
        self._offset += position
        self._scanned = len(self._buffer) - self._buffer.endswith(b"\r")
        if final and self._buffer:
            unfinished = Line(self._offset, self._buffer, b"")
            self._lines.append(unfinished)
            self._block.append(unfinished)
        return self._events[before:]

    def _skip_bom(self, *, final: bool) -> bool:
        """Drop a leading BOM; False while it cannot be told yet whether there is one."""
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer) and not final:
            return False
        if self._buffer.startswith(_BOM) and not self._bom:
            self._bom = True
            self._buffer = self._buffer[len(_BOM) :]
            self._offset = len(_BOM)
        return True

    def _take(self, line: Line) -> None:
        self._lines.append(line)
        if line.raw:
            self._block.append(line)
            return
        if self._block:
            self._dispatch((*self._block, line))
            self._block = []

    def _dispatch(self, block: tuple[Line, ...]) -> None:
        event, data, has_fields = "", [], False
        for line in block[:-1]:
            name, _, value = line.raw.partition(b":")  # a comment has no name
            has_fields = has_fields or bool(name)
            if name == b"data":
                data.append(_text(value))
            elif name == b"event":
                event = _text(value)
            elif name == b"id" and b"\0" not in value:
                self._last_id = _text(value)
        # One empty `data` line dispatches too: the buffer then holds its LF, which is taken off.
        if data:
            self._events.append(
                ServerSentEvent(event, "\n".join(data), block[0].start, block[-1].end, block, self._last_id)
            )
        elif has_fields:
            self._silent.append(block)


def _text(value: bytes) -> str:
    return value.removeprefix(b" ").decode(errors="replace")


def read_stream(stream: bytes) -> StreamLines:
    """Read a whole stream, with its lines and leftover."""
    reader = SseReader()
    reader.feed(stream)
    reader.close()
    return reader.stream


def read_events(stream: bytes) -> Iterator[ServerSentEvent]:
    """The events of a whole stream."""
    return iter(read_stream(stream).events)
