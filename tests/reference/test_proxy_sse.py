"""Reading event streams by the WHATWG rules, wherever the bytes are cut."""

from __future__ import annotations

import pytest

from reference.proxy.sse import EventReader, EventTooLargeError

STREAMS = {
    "lf": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "cr": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "mixed line ends": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r\n", [b"a", b"b", b"c"]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "a mark in the middle is data": (b"data: \xef\xbb\xbfa\n\n", [b"\xef\xbb\xbfa"]),
    "comments": (b": ping\n\n:\n\ndata: a\n: x\n\n", [b"a"]),
    "no space": (b"data:a\n\n", [b"a"]),
    "one space only": (b"data:  a\n\n", [b" a"]),
    "several data lines": (b"data: a\ndata:\ndata: b\n\n", [b"a\n\nb"]),
    "no data, no event": (b"event: x\n\ndata\n\ndata: \n\ndata: a\n\n", [b"a"]),
    "unknown fields": (b"id: 1\nretry: 5\nfoo\ndata: a\n\n", [b"a"]),
    "separators of unicode are data": ("data: a\u2028\u0085\x0bb\n\n".encode(), ["a\u2028\u0085\x0bb".encode()]),
    "an unfinished event is not data": (b"data: a\n\ndata: b\n", [b"a"]),
    "an unfinished line is not data": (b"data: a\n\ndata: b", [b"a"]),
    "code points": ("data: é漢🙂\r\n\r\n".encode(), ["é漢🙂".encode()]),
}


@pytest.mark.parametrize("name", STREAMS)
def test_reads_by_the_standard_in_one_piece_and_byte_by_byte(name: str) -> None:
    """Every stream gives its events, whole and cut at every byte."""
    stream, expected = STREAMS[name]
    whole, bytewise = EventReader(1000), EventReader(1000)
    assert [data for _, data in whole.feed(stream)] == expected
    pieces = [bytewise.feed(stream[i : i + 1]) for i in range(len(stream))]
    assert [data for events in pieces for _, data in events] == expected


@pytest.mark.parametrize("name", STREAMS)
def test_one_cut_anywhere_changes_nothing(name: str) -> None:
    """Two reads, wherever the boundary falls, give the same events."""
    stream, expected = STREAMS[name]
    for cut in range(len(stream) + 1):
        reader = EventReader(1000)
        events = [*reader.feed(stream[:cut]), *reader.feed(stream[cut:])]
        assert [data for _, data in events] == expected, cut


def test_event_names_belong_to_their_event() -> None:
    """The name of an event is given with its data and forgotten after it."""
    events = EventReader(1000).feed(b"event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\n")
    assert events == [(b"a", b"1"), (b"", b"2"), (b"", b"3")]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 30, b"data: aaaaaaaaaa\n" * 3, b": " + b"x" * 30])
def test_an_event_that_outgrows_the_cap_is_refused(stream: bytes) -> None:
    """A line or an event beyond the cap raises, however it arrives."""
    with pytest.raises(EventTooLargeError):
        EventReader(20).feed(stream)
    reader = EventReader(20)
    with pytest.raises(EventTooLargeError):
        [reader.feed(stream[i : i + 1]) for i in range(len(stream))]


def test_the_cap_is_for_one_event_not_for_the_stream() -> None:
    """Any number of small events passes under a small cap."""
    reader = EventReader(20)
    assert sum(len(reader.feed(b"data: 0123456789\n\n")) for _ in range(100)) == 100
