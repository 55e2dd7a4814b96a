"""HTTP as the fake writes it: framing, kept connections, old clients, ports that are taken."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from fakes import FakeError, FakeUpstream, Frame, Reply, Script, Verbatim, new_token
from fakes.script import Text

HELLO = Script(parts=(Text(("Hello",)),))
PATH = "/v1/chat/completions"


def connect(upstream: FakeUpstream) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(upstream.url).netloc, timeout=10)


def test_connections_are_kept(upstream: FakeUpstream) -> None:
    """A client may send its next request over the same connection, streamed answers included."""
    connection = connect(upstream)
    ports = set()
    for stream in (True, False, True):
        token = new_token()
        upstream.expect(token, [HELLO])
        connection.request("POST", PATH, json.dumps({"model": token, "stream": stream}))
        assert b"Hello" in connection.getresponse().read()
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_a_client_that_asks_to_close_is_closed(upstream: FakeUpstream) -> None:
    """`Connection: close` is obeyed, and said."""
    token = new_token()
    upstream.expect(token, [HELLO])
    connection = connect(upstream)
    connection.request("POST", PATH, json.dumps({"model": token}), {"Connection": "close"})
    response = connection.getresponse()
    assert response.getheader("connection") == "close"
    assert b"Hello" in response.read()
    connection.close()


def test_a_client_of_http_1_0_gets_no_chunks(upstream: FakeUpstream) -> None:
    """A stream for HTTP/1.0 has no chunk framing and ends with the connection."""
    token = new_token()
    upstream.expect(token, [Verbatim(Reply(200, (("content-type", "text/event-stream"),), (Frame(b"data: x\n\n"),)))])
    answer = _raw(upstream, b"POST %b HTTP/1.0\r\n" % PATH.encode(), {"model": token, "stream": True})
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body == b"data: x\n\n"


def test_head_has_no_body(upstream: FakeUpstream) -> None:
    """A HEAD request gets the headers alone, and the connection stays in step."""
    connection = connect(upstream)
    connection.request("HEAD", "/v1/models")
    response = connection.getresponse()
    assert (response.status, response.getheader("content-length"), response.read()) == (200, "12", b"")
    connection.request("GET", "/v1/models")
    assert connection.getresponse().read() == b'{"data": []}'
    connection.close()


def test_a_chunked_request_is_read(upstream: FakeUpstream) -> None:
    """A request body in chunks is read whole."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    connection = connect(upstream)
    pieces = [b'{"model": ', f'"{token}"}}'.encode()]
    connection.request("POST", PATH, iter(pieces), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert b"Hello" in connection.getresponse().read()
    connection.close()
    assert expectation.calls[0].body == b"".join(pieces)


def test_headers_are_those_of_the_reply(upstream: FakeUpstream) -> None:
    """Nothing is added to the reply's headers but the framing: no server name or date of the fake's own."""
    token = new_token()
    headers = (("content-type", "application/json"), ("x-request-id", "r"), ("x-request-id", "s"))
    expectation = upstream.expect(token, [Verbatim(Reply(599, headers, (Frame(b"{}"),)))])
    connection = connect(upstream)
    connection.request("POST", PATH, json.dumps({"model": token}))
    response = connection.getresponse()
    assert response.status == 599
    assert tuple(response.getheaders()) == (*headers, ("content-length", "2"))
    response.read()
    connection.close()
    assert expectation.wait_idle(5)
    assert expectation.calls[0].sent_headers == (*headers, ("content-length", "2"))


def test_a_port_that_is_taken_is_named(plain: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Starting on a port in use is a FakeError that names it and says what to do, not the end of the process."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FakeError, match=f"127.0.0.1:{port}.*another port"):
            FakeUpstream(plain, port=port).start()
    capfd.readouterr()


def test_the_url_has_no_path(upstream: FakeUpstream) -> None:
    """The URL is scheme, host and port, ready for a base path to be added."""
    place = urlsplit(upstream.url)
    assert (place.scheme, place.hostname, place.path) == ("http", "127.0.0.1", "")


def _raw(upstream: FakeUpstream, line: bytes, body: dict[str, Any]) -> bytes:
    place = urlsplit(upstream.url)
    data = json.dumps(body).encode()
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connection:
        connection.sendall(line + b"Content-Length: %d\r\n\r\n" % len(data) + data)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer
