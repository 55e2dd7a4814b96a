"""The suite's client: how each exchange ended, told apart, and no hang."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from conformance.client import Deadlines, Endpoint, Hooks, send
from conformance.errors import HarnessError, TargetError

FAST = Deadlines(connect=2, first_byte=0.15, idle=0.15, total=5)

Server = Callable[[socket.socket, bytes], None]


def read_request(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += peer.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")),
        0,
    )
    while len(body) < length:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(answer: Server, deadlines: Deadlines = FAST) -> Iterator[tuple[Endpoint, list[bytes]]]:
    """A server of one connection that answers by hand."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        with listener:
            peer, _ = listener.accept()
        with peer:
            requests.append(read_request(peer))
            answer(peer, requests[0])

    thread = threading.Thread(target=serve)
    thread.start()
    yield Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}", "/v1", deadlines=deadlines), requests
    thread.join(5)
    assert not thread.is_alive()


def says(*writes: bytes) -> Server:
    def answer(peer: socket.socket, _request: bytes) -> None:
        for data in writes:
            peer.sendall(data)

    return answer


def until_gone(peer: socket.socket) -> None:
    """Wait until the client closes."""
    try:
        while peer.recv(4096):
            pass
    except ConnectionError:
        pass


def then_hangs(*writes: bytes) -> Server:
    def answer(peer: socket.socket, request: bytes) -> None:
        says(*writes)(peer, request)
        until_gone(peer)

    return answer


def resets(peer: socket.socket, _request: bytes) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
COUNTED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n"
UNCOUNTED = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "ended", "status", "body"),
    [
        (says(COUNTED, b"null"), "complete", 200, b"null"),
        (says(COUNTED, b"nu"), "truncated", 200, b"nu"),
        (says(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n"), "complete", 200, b"abc"),
        (says(CHUNKED, b"3\r\nabc\r\n"), "truncated", 200, b"abc"),
        (says(CHUNKED, b"5\r\nabc"), "truncated", 200, b"abc"),
        (says(CHUNKED, b"zz\r\nabc"), "truncated", 200, b""),
        (says(UNCOUNTED, b"abc"), "complete", 200, b"abc"),
        (says(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"), "complete", 204, b""),
        (says(b"HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), "complete", 503, b""),
        (says(), "no-answer", None, b""),
        (says(b"SSH-2.0-OpenSSH\r\n"), "no-answer", None, b""),
        (resets, "no-answer", None, b""),
        (then_hangs(), "deadline", None, b""),
        (then_hangs(CHUNKED), "deadline", 200, b""),
        (then_hangs(CHUNKED, b"3\r\nabc\r\n"), "deadline", 200, b"abc"),
        (then_hangs(COUNTED, b"nu"), "deadline", 200, b"nu"),
    ],
)
def test_endings(answer: Server, ended: str, status: int | None, body: bytes) -> None:
    """Each way in which a body can end has its own name, and what came before is kept."""
    with serving(answer) as (endpoint, _):
        exchange = send(endpoint, "POST", "/responses", {})
    assert (exchange.ended, exchange.status, exchange.body) == (ended, status, body)
    assert (exchange.problem is None) == (ended == "complete")


def test_a_reset_in_the_body_is_a_reset() -> None:
    """A connection reset after some of the body is told apart from a body that ended too early."""

    def answer(peer: socket.socket, request: bytes) -> None:
        says(CHUNKED, b"3\r\nabc\r\n")(peer, request)
        seen.wait(5)
        resets(peer, request)

    def on_read(data: bytes) -> bool:
        seen.set()
        return bool(data)

    seen = threading.Event()
    with serving(answer) as (endpoint, _):
        exchange = send(endpoint, "POST", "/responses", {}, hooks=Hooks(on_read=on_read))
    assert (exchange.ended, exchange.body) == ("reset", b"abc")
    assert "3 bytes" in (exchange.problem or "")


def test_the_total_deadline_holds_against_trickled_headers() -> None:
    """A target that sends a byte now and then, without end, is given up after the total deadline."""

    def trickle(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        tick = threading.Event()
        try:
            for _ in range(500):
                peer.sendall(b"a")
                tick.wait(0.02)
        except OSError:
            return

    with serving(trickle, Deadlines(first_byte=1, idle=1, total=0.2)) as (endpoint, _):
        exchange = send(endpoint, "POST", "/responses", {})
    assert exchange.ended == "deadline"
    assert "0.2 s" in (exchange.problem or "")
    assert exchange.ended_at < 1


def test_every_chunk_is_a_read_with_its_time() -> None:
    """Chunks come apart as the target sent them, with times that grow."""
    seen = threading.Semaphore(0)

    def answer(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(CHUNKED)
        for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n"):
            peer.sendall(piece)
            assert seen.acquire(timeout=5)
        peer.sendall(b"0\r\n\r\n")

    def on_read(data: bytes) -> bool:
        seen.release()
        return bool(data)

    with serving(answer) as (endpoint, _):
        exchange = send(endpoint, "POST", "/responses", {}, hooks=Hooks(on_read=on_read))
    assert [read.data for read in exchange.received] == [b"a", b"bc"]
    first, second = exchange.received
    assert 0 < first.t < second.t <= exchange.ended_at


@pytest.mark.parametrize("moment", ["before the answer", "in the body"])
def test_the_client_can_leave(moment: str) -> None:
    """A hook that returns False closes the connection, and the target can see it."""
    gone = threading.Event()

    def answer(peer: socket.socket, _request: bytes) -> None:
        if moment == "in the body":
            peer.sendall(CHUNKED + b"3\r\nabc\r\n")
        until_gone(peer)
        gone.set()

    hooks = Hooks(before_answer=lambda: False) if moment == "before the answer" else Hooks(on_read=lambda _: False)
    with serving(answer, Deadlines(first_byte=5, idle=5)) as (endpoint, _):
        exchange = send(endpoint, "POST", "/responses", {}, hooks=hooks)
        assert gone.wait(5)
    assert exchange.ended == "client-left"
    assert exchange.body == (b"abc" if moment == "in the body" else b"")


def test_an_answer_before_the_whole_request_was_read_counts() -> None:
    """A target may refuse a large body early: its status is the result, not a broken pipe."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
            peer.shutdown(socket.SHUT_WR)
            until_gone(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    endpoint = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}", deadlines=Deadlines(first_byte=5))
    exchange = send(endpoint, "POST", "/responses", {"input": "x" * 3_000_000})
    thread.join(5)
    assert (exchange.status, exchange.ended) == (413, "complete")


def test_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request asks for identity and names its type, no proxy variable counts, a case may add headers."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(says(COUNTED, b"null")) as (endpoint, requests):
        at = Endpoint(endpoint.url, "/api/v1", {"Authorization": "Bearer k"})
        exchange = send(at, "POST", "/responses", {"stream": True, "é": 1}, headers={"X-Case": "1"})
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/v1/responses HTTP/1.1"
    assert {
        "accept-encoding: identity",
        "accept: text/event-stream",
        "authorization: Bearer k",
        "x-case: 1",
    } <= set(lines)
    assert body == '{"stream": true, "é": 1}'.encode()
    assert exchange.json is None
    assert exchange.header("Content-Type") == "application/json"


@pytest.mark.parametrize(("body", "sent"), [(None, b""), (b"{not json", b"{not json")])
def test_bodies_that_are_no_json(body: Any, sent: bytes) -> None:
    """Raw bytes go out as they are, and no body is no body."""
    with serving(says(COUNTED, b"null")) as (endpoint, requests):
        send(endpoint, "POST", "/responses", body)
    assert requests[0].partition(b"\r\n\r\n")[2] == sent


def test_nothing_listens() -> None:
    """A refused connection is the target's trouble, and says where."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TargetError, match=f"nothing accepts connections at http://127.0.0.1:{port}"):
        send(Endpoint(f"http://127.0.0.1:{port}"), "POST", "/responses", {})


def test_a_request_that_is_no_json_is_the_suites_mistake() -> None:
    """A case that cannot be written as JSON is blamed on the suite, with the way out."""
    with pytest.raises(HarnessError, match="raw_body"):
        send(Endpoint("http://127.0.0.1:9"), "POST", "/responses", {"x": float("nan")})
