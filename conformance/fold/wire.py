"""The upstream's bytes as events or as one JSON value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import anthropic

__all__ = ["Body", "WireEvent", "read_body"]

_BOM = b"\xef\xbb\xbf"
_SSE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")

Form = Literal["events", "json", "neither"]


@dataclass(frozen=True)
class WireEvent:
    """One dispatched event: its name ("" when it had none) and its data."""

    name: str
    data: str

    @property
    def json(self) -> Any:
        """The data as JSON. Raises ValueError when it is none."""
        return json.loads(self.data)


@dataclass(frozen=True)
class Body:
    """A body, read.

    `tail` is an event that the end of the body cut off before its blank line: WHATWG HTML 9.2.6 discards it,
    readers that go line by line see it. `mislabelled`: the content type says something else than the bytes.
    """

    form: Form
    events: tuple[WireEvent, ...] = ()
    tail: WireEvent | None = None
    value: Any = None
    mislabelled: bool = False


class _Bytes:
    """As much of an HTTP response as the SDK's reader of event streams looks at."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def iter_bytes(self) -> Iterator[bytes]:
        yield self._body


def read_body(headers: Iterable[tuple[str, str]], body: bytes) -> Body:
    """Read a body as what its bytes are, whatever its content type says."""
    declared = next((value for key, value in headers if key.lower() == "content-type"), "")
    declared = declared.partition(";")[0].strip().lower()
    start = body.removeprefix(_BOM).lstrip()
    if start.startswith(_SSE_STARTS) or (not start and declared == "text/event-stream"):
        events, tail = _events(body.removeprefix(_BOM))
        return Body("events", events, tail, mislabelled=declared != "text/event-stream")
    try:
        value = json.loads(body)
    except ValueError:
        return Body("neither", mislabelled=True)
    return Body("json", value=value, mislabelled=declared.rpartition("/")[2].rpartition("+")[2] != "json")


def _events(body: bytes) -> tuple[tuple[WireEvent, ...], WireEvent | None]:
    events = tuple(_decoded(body))
    if body.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
        return events, None
    closed = tuple(_decoded(body + b"\n\n"))
    return events, closed[-1] if len(closed) > len(events) else None


def _decoded(body: bytes) -> Iterator[WireEvent]:
    utf8 = body.decode(errors="replace").encode()
    for event in anthropic.Stream.raw_events(cast(Any, _Bytes(utf8))):
        if event.data:
            yield WireEvent(event.event or "", event.data)
