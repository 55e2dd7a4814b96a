"""What two readers see of each fault, and what the fake's log says of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from fakes import ByteByByte, FakeUpstream, Fault, Faults, Frame, Reply, Verbatim, new_token

if TYPE_CHECKING:
    from fakes.dialects.base import WireDialect

STREAM = (("content-type", "text/event-stream"),)
FRAMES = (Frame(b"data: 1\n\n"), Frame(b"data: 2\n\n"))

Ask = Callable[..., Any]


@pytest.mark.parametrize(
    ("fault", "seen", "logged"), [("cut", "incomplete", "cut"), ("reset", "reset", "reset")], ids=["cut", "reset"]
)
def test_a_stream_that_breaks(upstream: FakeUpstream, ask: Ask, fault: Fault, seen: str, logged: str) -> None:
    """All frames arrive first; then a cut is a body without its end, and a reset is ECONNRESET."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, fault))])
    reading = ask(token)
    assert (reading.status, reading.pieces, reading.ended) == (200, [b"data: 1\n\n", b"data: 2\n\n"], seen)
    assert expectation.wait_idle(5)
    assert expectation.calls[0].ended == logged


def test_a_stream_that_breaks_with_its_last_bytes(plain: WireDialect) -> None:
    """All frames are on the wire when the connection ends, with no pause between, however long it is elsewhere."""
    token = new_token()
    upstream = FakeUpstream(plain, faults=Faults(pause=60))
    upstream.start()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "cut-at-once"))])
    with _post(upstream, token) as connection:
        read = b"".join(iter(lambda: connection.recv(65536), b""))
    assert expectation.wait_idle(5)
    upstream.stop()
    assert read.endswith(b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n")
    assert expectation.calls[0].ended == "cut"


def test_a_reset_before_the_status_line(upstream: FakeUpstream, ask: Ask) -> None:
    """The connection is reset before a byte of the answer: no status, ECONNRESET, and nothing in the log."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "reset-before-status"))])
    reading = ask(token)
    assert (reading.status, reading.body, reading.ended) == (None, b"", "reset")
    assert expectation.wait_idle(5)
    calls = expectation.calls
    assert {(call.ended, call.status, call.sent_body) for call in calls} == {("reset", None, b"")}


def test_a_cut_json_body_is_incomplete(upstream: FakeUpstream, ask: Ask) -> None:
    """A cut JSON body is an incomplete read as well, not a short but whole body."""
    token = new_token()
    headers = (("content-type", "application/json"),)
    upstream.expect(token, [Verbatim(Reply(200, headers, (Frame(b'{"half": '),), "cut"))])
    reading = ask(token, stream=False)
    assert (reading.status, reading.body, reading.ended) == (200, b'{"half": ', "incomplete")


def test_a_recorded_length_is_kept(upstream: FakeUpstream, ask: Ask) -> None:
    """A reply that promises more bytes than it has is sent with that promise."""
    token = new_token()
    headers = (("content-type", "application/json"), ("content-length", "50"))
    upstream.expect(token, [Verbatim(Reply(200, headers, (Frame(b'{"half": '),), "cut"))])
    assert ask(token, stream=False).ended == "incomplete"


def test_a_stall_lasts_until_it_is_forgotten(upstream: FakeUpstream, ask: Ask) -> None:
    """A stalled stream sends nothing and keeps its connection until its expectation is forgotten."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "stall"))])

    def seen(body: bytes) -> None:
        if body == b"data: 1\n\ndata: 2\n\n":
            assert not expectation.wait_idle(0.1)
            upstream.forget(expectation)

    reading = ask(token, on_chunk=seen)
    assert (reading.pieces, reading.ended) == ([b"data: 1\n\n", b"data: 2\n\n"], "incomplete")
    assert expectation.wait_idle(5)
    assert expectation.calls[0].ended == "stalled"


def test_a_client_that_leaves_a_stall_is_noticed(upstream: FakeUpstream) -> None:
    """When the client closes its connection during a stall, the log says so, and when."""
    token = new_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "stall"))])
    with _post(upstream, token) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert expectation.calls[0].ended is None
    assert expectation.wait_idle(2)
    (call,) = expectation.calls
    assert call.ended == "client-gone"
    assert call.ended_at is not None
    assert call.ended_at > call.sent[-1].t


def test_a_client_that_leaves_between_writes_is_noticed(upstream: FakeUpstream) -> None:
    """When the client leaves a paced stream, what follows is not written any more."""
    token = new_token()
    body = b"data: x\n\n" * 2000
    delivery = ByteByByte(pause=0.001)
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, (Frame(body),)))], delivery=delivery)
    with _post(upstream, token) as connection:
        connection.recv(100)
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert call.ended == "client-gone"
    assert len(call.sent) < len(body)


def test_stopping_releases_a_stall(plain: WireDialect) -> None:
    """`stop` ends a stall at once and does not wait for its limit."""
    token = new_token()
    upstream = FakeUpstream(plain, faults=Faults(stall_limit=60))
    upstream.start()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "stall"))])
    with _post(upstream, token) as connection:
        connection.recv(65536)
        upstream.stop()
        assert expectation.wait_idle(5), "the stall went on after the stop"
        assert expectation.calls[0].ended == "stalled"


def test_stopping_closes_idle_connections(plain: WireDialect) -> None:
    """A connection that a client keeps in its pool does not hold up `stop`, and is closed by it."""
    upstream = FakeUpstream(plain)
    upstream.start()
    token = new_token()
    upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES))])
    with _post(upstream, token) as connection:
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            answer += connection.recv(65536)
        upstream.stop()
        assert connection.recv(100) == b""


def test_a_stall_that_nobody_ends_ends_at_its_limit(plain: WireDialect) -> None:
    """A stall has a limit of its own, after which the connection is closed."""
    token = new_token()
    with FakeUpstream(plain, faults=Faults(stall_limit=0.05)) as upstream:
        expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, "stall"))])
        with _post(upstream, token) as connection:
            while connection.recv(65536):
                pass
            assert expectation.wait_idle(1)
        assert expectation.calls[0].ended == "stalled"


def _post(upstream: FakeUpstream, token: str) -> socket.socket:
    place = urlsplit(upstream.url)
    assert place.hostname
    assert place.port
    connection = socket.create_connection((place.hostname, place.port), timeout=5)
    body = b'{"model": "%b", "stream": true}' % token.encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return connection
