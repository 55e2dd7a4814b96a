"""Deviations of a stream's framing that are the same in every dialect: applied to the encoded reply."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType

from fakes.reply import Frame, Reply

__all__ = ["FRAMING_QUIRKS", "JSON_ALWAYS", "reframe"]

JSON_ALWAYS = "json-always"
"""The upstream ignores `stream` and answers with one JSON body (diegosouzapw/OmniRoute#3089)."""


def _in_two_data_lines(reply: Reply) -> Reply:
    """Each event's JSON broken after its first comma that stands outside strings: two `data:` lines."""
    return dataclasses.replace(reply, frames=tuple(_broken(frame) for frame in reply.frames))


def _broken(frame: Frame) -> Frame:
    head, colon, payload = frame.data.partition(b'data: {"')
    comma = payload.find(b',"')
    if not colon or comma < 0 or b'"' not in payload[:comma]:
        return frame
    split = payload[: comma + 1] + b"\ndata: " + payload[comma + 1 :]
    return dataclasses.replace(frame, data=head + colon + split)


def _with_byte_order_mark(reply: Reply) -> Reply:
    first, *rest = reply.frames
    return dataclasses.replace(reply, frames=(dataclasses.replace(first, data=b"\xef\xbb\xbf" + first.data), *rest))


FRAMING_QUIRKS: MappingProxyType[str, Callable[[Reply], Reply]] = MappingProxyType(
    {"two-data-lines": _in_two_data_lines, "byte-order-mark": _with_byte_order_mark}
)


def reframe(reply: Reply, quirks: frozenset[str]) -> Reply:
    """The reply with its framing quirks, if it is an event stream."""
    if not reply.frames or not any(value.startswith("text/event-stream") for _, value in reply.headers):
        return reply
    for name, change in FRAMING_QUIRKS.items():
        if name in quirks:
            reply = change(reply)
    return reply
