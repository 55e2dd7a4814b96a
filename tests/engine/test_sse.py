"""The reader of event streams follows the WHATWG rules, whatever the partition."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.sse import SseReader, StreamLines, read_events, read_stream


def pairs(stream: bytes) -> list[tuple[str, str]]:
    return [(event.event, event.data) for event in read_events(stream)]


def in_pieces(stream: bytes, cuts: list[int]) -> StreamLines:
    reader = SseReader()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    fed = [event for a, b in pairwise(edges) for event in reader.feed(stream[a:b])]
    fed += reader.close()
    assert tuple(fed) == reader.stream.events
    return reader.stream


VALUES = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]) | st.sampled_from(": \0é漢🙂\ufeff"),
    max_size=8,
)
LINES = st.one_of(
    st.builds("data: {}".format, VALUES),
    st.builds("data:{}".format, VALUES),
    st.builds("event: {}".format, VALUES),
    st.builds("id: {}".format, VALUES),
    st.builds("retry: {}".format, VALUES),
    st.builds(":{}".format, VALUES),
    st.just("data"),
    st.just(""),
    VALUES,
)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [("", "a")]),
        (b"data:a\n\n", [("", "a")]),
        (b"data:  a\n\n", [("", " a")]),
        (b"event: x\ndata: a\n\n", [("x", "a")]),
        (b"data: a\nevent: x\nevent: y\n\n", [("y", "a")]),
        (b"data: a\ndata: b\n\n", [("", "a\nb")]),
        (b"data\n\ndata\ndata\n\ndata:", [("", ""), ("", "\n")]),
        (b"event: x\n\ndata: a\n\n", [("", "a")]),
        (b": comment\n\ndata: a\n: inside\n\n", [("", "a")]),
        (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
        (b"data: a\r\n\r\ndata: b\n\rdata: c\r\n\n", [("", "a"), ("", "b"), ("", "c")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: \xff\n\n", [("", "\ufffd")]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
    ],
)
def test_examples(stream: bytes, events: list[tuple[str, str]]) -> None:
    """The standard's own examples, and the corners that readers get wrong, give what the standard says."""
    assert pairs(stream) == events


def test_an_id_with_nul_is_ignored() -> None:
    """An id stays until the next one, and one with NUL is no id."""
    stream = b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid\ndata: c\n\n"
    assert [event.last_event_id for event in read_events(stream)] == ["1", "1", ""]


def test_positions_are_byte_exact() -> None:
    """`start` and `end` cut the stream's own bytes, BOM, comments and multi-byte text notwithstanding."""
    first, second = ": hi\r\ndata: é漢\r\n\r\n".encode(), b"event: x\ndata: b\n\n"
    stream = b"\xef\xbb\xbf\n" + first + b"\n\n" + second
    assert [stream[event.start : event.end] for event in read_events(stream)] == [first, second]


def test_what_readers_throw_away_is_kept() -> None:
    """Lines, comments, line ends, silent blocks and the leftover stand beside the events."""
    seen = read_stream(b":c\r\ndata: a\nodd: 1\n\nevent: x\n\n: only\n\nretry: 9\ndata: b\ndata: cu")
    assert [event.data for event in seen.events] == ["a"]
    assert [line.value for line in seen.comments] == ["c", "only"]
    assert seen.endings == {b"\n", b"\r\n"}
    assert [[line.name for line in block] for block in seen.silent] == [["event", ""]]
    assert seen.leftover == b"retry: 9\ndata: b\ndata: cu"
    assert not seen.bom
    assert seen.events[0].has("data")
    assert not seen.events[0].has("event")
    assert [line.name for line in seen.lines if line.kind == "field"][1] == "odd"


def test_the_leftover_of_an_open_reader_holds_the_unfinished_line() -> None:
    """Before the end, the leftover is what would be lost if the stream ended now."""
    reader = SseReader()
    reader.feed(b"data: a\n\ndata: b\nda")
    assert reader.stream.leftover == b"data: b\nda"


def test_a_closed_reader_takes_no_more() -> None:
    """Feeding after the end is a mistake of the caller, closing twice is none."""
    reader = SseReader()
    assert reader.close() == reader.close() == []
    with pytest.raises(ValueError, match="closed"):
        reader.feed(b"x")


def test_bytes_that_are_no_utf8_are_marked() -> None:
    """A line that is no UTF-8 says so, for the check that wants it."""
    lines = read_stream(b"data: \xe9\ndata: \xc3\xa9\n\n").lines
    assert [line.is_utf8 for line in lines] == [False, True, True]


@given(st.lists(LINES, max_size=12), st.data())
@settings(deadline=None, max_examples=300)
def test_every_partition_gives_the_same_events(lines: list[str], data: st.DataObject) -> None:
    """Line ends of any kind, a BOM, comments and split code points: any partition reads as one piece does."""
    endings = data.draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(lines), max_size=len(lines)))
    text = "".join(line + end for line, end in zip(lines, endings, strict=True))
    stream = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    whole = read_stream(stream)
    assert in_pieces(stream, cuts) == whole
    assert in_pieces(stream, list(range(len(stream)))) == whole
    rest = b"".join(line.raw + line.ending for line in whole.lines)
    assert (b"\xef\xbb\xbf" if whole.bom else b"") + rest == stream


@given(
    st.lists(st.sampled_from(["data: é", "data: 漢🙂", ": x", "event: e", "", "data"]), max_size=10),
    st.data(),
)
@settings(deadline=None)
def test_line_ends_do_not_matter(lines: list[str], data: st.DataObject) -> None:
    """The same lines under LF, CRLF or CR give the same events, and comments or a BOM change nothing."""
    plain = "".join(f"{line}\n" for line in lines)
    wanted = pairs(plain.encode())
    for ending in ("\r\n", "\r"):
        assert pairs("".join(f"{line}{ending}" for line in lines).encode()) == wanted
    assert pairs(b"\xef\xbb\xbf" + plain.encode()) == wanted
    assert pairs("".join(f":noise\n{line}\n" for line in lines).encode()) == wanted


@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=8))
@settings(deadline=None)
def test_arbitrary_bytes_read_alike(stream: bytes, cuts: list[int]) -> None:
    """Bytes that are no UTF-8 neither raise nor depend on the partition."""
    assert in_pieces(stream, cuts) == read_stream(stream)
