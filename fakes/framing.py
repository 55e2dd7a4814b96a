"""What a stream's framing has in every dialect alike: silences and deviations, applied to the encoded reply."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType

from fakes.reply import Frame, Reply
from fakes.script import Part, Raw, Script, Silence

__all__ = ["FRAMING_QUIRKS", "JSON_ALWAYS", "SILENCE", "STREAM_ALWAYS", "mark_silences", "reframe", "silenced"]

_MARK = b"\0silence "
SILENCE = 3.2
"""Seconds: longer than the keep-alive interval of a target under test, shorter than its idle timeout."""

JSON_ALWAYS = "json-always"
"""The upstream ignores `stream` and answers with one JSON body (diegosouzapw/OmniRoute#3089)."""


STREAM_ALWAYS = "stream-always"
"""The upstream streams although it was not asked to (headroomlabs-ai/headroom#2622; quangdang46/openproxy#306)."""


def mark_silences(script: Script) -> Script:
    """The script with its silences as raw marks, which every dialect's encoder leaves where they are."""
    if not any(isinstance(part, Silence) for part in script.parts):
        return script
    return dataclasses.replace(script, parts=tuple(_marked(part) for part in script.parts))


def _marked(part: Part) -> Part:
    return Raw(_MARK + str(part.seconds).encode()) if isinstance(part, Silence) else part


def silenced(reply: Reply) -> Reply:
    """The reply with each mark made a pause after the frame before it; a mark at the very start is dropped."""
    frames: list[Frame] = []
    for frame in reply.frames:
        if not frame.data.startswith(_MARK):
            frames.append(frame)
        elif frames:
            frames[-1] = dataclasses.replace(frames[-1], pause=float(frame.data.removeprefix(_MARK)))
    return reply if len(frames) == len(reply.frames) else dataclasses.replace(reply, frames=tuple(frames))


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


_EXTRA_FIELDS = b"id: 7\nretry: 3000\nx-trace: a:b\nbare\n"
_ODD_FIELDS = b"id: a\0b\nretry: soon\n"


def _with_extra_fields(reply: Reply) -> Reply:
    """Fields that mean nothing to the data before those of each event; in the first, ones that must be ignored."""
    first, *rest = reply.frames
    frames = [dataclasses.replace(first, data=_ODD_FIELDS + first.data)]
    frames += [dataclasses.replace(frame, data=_EXTRA_FIELDS + frame.data) for frame in rest]
    return dataclasses.replace(reply, frames=tuple(frames))


def _with_blank_lines(reply: Reply) -> Reply:
    """Blank lines more than one event needs, before the first and after each."""
    frames = [dataclasses.replace(frame, data=frame.data + b"\n\n") for frame in reply.frames]
    frames[0] = dataclasses.replace(frames[0], data=b"\n" + frames[0].data)
    return dataclasses.replace(reply, frames=tuple(frames))


def _with_comment_first(reply: Reply) -> Reply:
    first, *rest = reply.frames
    return dataclasses.replace(reply, frames=(dataclasses.replace(first, data=b": ping\n\n" + first.data), *rest))


def _comment_then_silence(reply: Reply) -> Reply:
    """Headers and a comment at once, and the first event much later."""
    return dataclasses.replace(reply, frames=(Frame(b": connected\n\n", pause=SILENCE), *reply.frames))


def _open_after_the_end(reply: Reply) -> Reply:
    """All is said and the connection stays open (wippyai/framework#105)."""
    return dataclasses.replace(reply, fault="stall")


FRAMING_QUIRKS: MappingProxyType[str, Callable[[Reply], Reply]] = MappingProxyType(
    {
        "two-data-lines": _in_two_data_lines,
        "extra-fields": _with_extra_fields,
        "blank-lines": _with_blank_lines,
        "byte-order-mark": _with_byte_order_mark,
        "comment-first": _with_comment_first,
        "comment-then-silence": _comment_then_silence,
        "open-after-end": _open_after_the_end,
    }
)


def reframe(reply: Reply, quirks: frozenset[str]) -> Reply:
    """The reply with its framing quirks, if it is an event stream."""
    if not reply.frames or not any(value.startswith("text/event-stream") for _, value in reply.headers):
        return reply
    for name, change in FRAMING_QUIRKS.items():
        if name in quirks:
            reply = change(reply)
    return reply
