"""Framing quirks change how a stream is written and nothing of its events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import anthropic
import pytest

from fakes.dialects import get
from fakes.framing import FRAMING_QUIRKS, reframe
from fakes.reply import Reply
from fakes.script import DIALECTS, Dialect, Script, Text

ASKED = {"model": "m", "stream": True, "messages": [], "stream_options": {"include_usage": True}}
HARMLESS = sorted(set(FRAMING_QUIRKS) - {"byte-order-mark"})


class _Bytes:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def iter_bytes(self) -> Iterator[bytes]:
        yield self._body


def _events(reply: Reply) -> list[tuple[str | None, str]]:
    """What a public client's reader of event streams sees, data joined as one line."""
    body = b"".join(frame.data for frame in reply.frames)
    read = anthropic.Stream.raw_events(cast(Any, _Bytes(body)))
    return [(event.event, event.data.replace("\n", "")) for event in read if event.data]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("quirk", HARMLESS)
def test_the_events_stay_the_same(quirk: str, dialect: Dialect) -> None:
    """A reader that keeps to the standard sees the same names and data with the quirk and without."""
    plain = get(dialect).encode(Script(parts=(Text(("Just ", "text.")),)), ASKED)
    odd = reframe(plain, frozenset({quirk}))
    assert odd != plain
    assert _events(odd) == _events(plain)


def test_a_whole_body_is_not_reframed() -> None:
    """What is no event stream keeps its bytes."""
    whole = get("chat_completions").encode(Script(parts=(Text(("Text.",)),)), {**ASKED, "stream": False})
    assert reframe(whole, frozenset(FRAMING_QUIRKS)) is whole
