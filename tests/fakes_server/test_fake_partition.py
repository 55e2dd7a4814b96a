"""The hostile partition as a pure function: where it cuts, what it mixes in, and that it changes no meaning."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.sse import read_events
from fakes.partition import cut, events_of, noised, ping_for

ALL = frozenset({"cuts", "crlf", "comments", "pings"})
ESCAPES = rb'data: {"x": "\u00e9 \ud83e\udd9c \n \" ' + 'Grüße € 🦜"}'.encode()
CHAT = "".join(
    f'data: {{"id":"c","model":"m","choices":[{{"index":0,"delta":{{"content":"ä{n}"}}}}]}}\n\n' for n in range(8)
).encode()
STREAM = ESCAPES + b"\n\n" + CHAT + b"event: x\ndata: y\n\ndata: [DONE]\n\n"


def edges(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    """What stands before and after each cut."""
    whole = b"".join(pieces)
    places, at = [], 0
    for piece in pieces[:-1]:
        at += len(piece)
        places.append((whole[:at], whole[at:]))
    return places


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\n\r", b"\n"),
        (b"\r\n", b"\r\n"),
        (b"}\r", b"\n\r\n"),
        (b"\nda", b"ta:"),
        (b"\ndata:", b" "),
        (b"\neve", b"nt:"),
        (b"\xc3", b"\xa4"),
        (b"\xe2\x82", b"\xac"),
        (b"\xf0\x9f", b"\xa6\x9c"),
        (b"\\u0", b"0e9"),
        (b"\\ud83e", b"\\udd9c"),
        (b"\\", b"n "),
        (b"[DO", b"NE]"),
        (b"\r\n\r\n", b"data:"),
    ],
    ids=repr,
)
def test_each_breaking_place_is_cut(before: bytes, after: bytes) -> None:
    """Every kind of place that breaks readers is cut at least once."""
    pieces = cut(noised(STREAM, frozenset({"crlf"}), b""), 40)
    assert any(left.endswith(before) and right.startswith(after) for left, right in edges(pieces))


def test_between_two_line_ends_of_one_byte() -> None:
    """Without CRLF the cut between the two line ends is between two LF."""
    assert any(left.endswith(b"\n") and right.startswith(b"\n") for left, right in edges(cut(STREAM, 40)))


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 60))
def test_cuts_lose_nothing_and_are_bounded(body: bytes, most: int) -> None:
    """Whatever the bytes, the joined pieces are the body, none is empty, and the cuts are at most as many."""
    pieces = cut(body, most)
    assert b"".join(pieces) == body
    assert all(pieces)
    assert len(pieces) <= most + 1


def test_the_default_bound_is_used_up_on_a_long_stream() -> None:
    """A long stream gets the forty cuts, spread from its beginning to its end."""
    body = CHAT * 30
    pieces = cut(body, 40)
    assert len(pieces) == 41
    assert len(pieces[0]) < len(body) * 0.1
    assert len(pieces[-1]) < len(body) * 0.1


@pytest.mark.parametrize("ingredients", [{"comments"}, {"crlf"}, {"comments", "crlf"}, {"cuts"}], ids=sorted)
def test_noise_says_nothing(ingredients: set[str]) -> None:
    """Comments and line ends change no event."""
    before = [(event.event, event.data) for event in read_events(STREAM)]
    after = [(event.event, event.data) for event in read_events(noised(STREAM, frozenset(ingredients), b""))]
    assert after == before


@settings(deadline=None)
@given(st.integers(1, 30))
def test_pings_are_the_only_events_added(events: int) -> None:
    """Pings come after the first event, away from the end, and nothing else is added."""
    stream = CHAT * events
    ping = ping_for("vllm", stream)
    after = [event.data for event in read_events(noised(stream, ALL, ping))]
    extra = ping[6:-2].decode()
    assert [data for data in after if data != extra] == [event.data for event in read_events(stream)]
    assert after[0] != extra
    assert 0 < after.count(extra) <= 2
    assert extra not in after[-2:]


def test_a_short_stream_gets_no_ping_near_its_end() -> None:
    """A stream of three events has no place where a ping is surely harmless, and gets none."""
    stream = b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
    assert noised(stream, frozenset({"pings"}), b"data: ping\n\n") == stream


def test_an_event_that_was_cut_stays_cut() -> None:
    """The rest of a broken stream stays its last bytes: no noise completes it."""
    broken = CHAT + b'data: {"half": '
    assert noised(broken, ALL, ping_for("vllm", CHAT)).endswith(b'data: {"half": ')


def test_a_byte_order_mark_stays_first() -> None:
    """A stream that begins with a byte order mark begins with it after the noise as well."""
    marked = b"\xef\xbb\xbf" + STREAM
    after = noised(marked, ALL - {"pings"}, b"")
    assert after.startswith(b"\xef\xbb\xbf:")
    assert [event.data for event in read_events(after)] == [event.data for event in read_events(STREAM)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_events_are_found_with_any_line_end(end: bytes) -> None:
    """The events of a stream are split at blank lines, whichever line end it has."""
    stream = b"".join(b"data: %d" % n + end + end for n in range(3)) + b"data"
    assert events_of(stream) == [b"data: %d" % n + end + end for n in range(3)] + [b"data"]


def test_the_ping_of_messages_is_its_ping_event() -> None:
    """On Messages a ping is `event: ping`."""
    assert ping_for("messages", b"") == b'event: ping\ndata: {"type": "ping"}\n\n'


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_the_ping_of_chat_belongs_to_its_completion(dialect: str) -> None:
    """On chat completions a ping is an empty delta with the id and model of the stream that it is mixed into."""
    (event,) = read_events(ping_for(dialect, CHAT))  # type: ignore[arg-type]
    choice = {"index": 0, "delta": {}, "finish_reason": None}
    assert json.loads(event.data) == {"id": "c", "model": "m", "choices": [choice]}


def test_no_ping_where_nothing_tells_its_form() -> None:
    """A stream without a chunk to resemble gets no ping."""
    assert ping_for("vllm", b"data: [DONE]\n\n: x\n\n") == b""
