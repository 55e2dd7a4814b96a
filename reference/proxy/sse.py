"""Server-sent events: a byte-wise reader and one frame writer, after the WHATWG event-stream rules.

Source: html.spec.whatwg.org/multipage/server-sent-events.html, sections 9.2.5 and 9.2.6.
"""

from __future__ import annotations

DONE = b"data: [DONE]\n\n"
_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """Raised when one upstream event, or one unfinished line, outgrows the configured cap."""


class EventReader:
    """Turns bytes, cut anywhere, into events.

    Only CR, LF and CRLF end a line (U+2028 and friends are data, so ``str.splitlines`` is out), and only a
    blank line dispatches an event: what is unfinished at end of file is not data.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._held = 0  # bytes of the unfinished event
        self._rest = 0  # bytes of the unfinished line
        self._first = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """Return the ``(event name, data)`` pairs that this chunk completes.

        Raises EventTooLargeError when an event grows past the cap.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == 10:
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        events: list[tuple[bytes, bytes]] = []
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._line:
            # Pieces are joined once, when the line ends: a line in a thousand reads stays linear.
            lines[0] = b"".join((*self._line, lines[0]))
            self._line.clear()
            self._rest = 0
        for line in lines:
            self._take(line, events)
        if rest:
            self._line.append(rest)
            self._rest += len(rest)
            self._check()
        return events

    def _take(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            if data:
                events.append((self._name, data))
            self._name, self._data, self._held = b"", [], 0
            return
        if line.startswith(b"data: "):
            field, value = b"data", line[6:]
        else:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._held += len(value)
            self._check()
        elif field == b"event":
            self._name = value

    def _check(self) -> None:
        if self._held + self._rest > self._limit:
            raise EventTooLargeError(f"an event of more than {self._limit} bytes")


def frame(kind: str, payload: bytes) -> bytes:
    """One event as it goes to the client: LF only, one ``data`` line."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), payload)
