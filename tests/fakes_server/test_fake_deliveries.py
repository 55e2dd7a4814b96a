"""What two readers see of each delivery: boundaries, order, pauses, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.sse import read_events
from fakes import AsFramed, ByteByByte, FakeUpstream, Frame, Hostile, Reply, Script, Verbatim, Whole, new_token
from fakes.script import Text

PIECES = ("Grüße", " an", " 🦜", " und", ' "Welt"', "\n", "!", " Ende", ".", " Schluss")
SCRIPT = Script(parts=(Text(PIECES),))
STREAM = (("content-type", "text/event-stream"),)

Ask = Callable[..., Any]


def texts(body: bytes) -> list[str]:
    """The non-empty content of each chunk, as a reader of event streams gets it."""
    chunks = [json.loads(event.data) for event in read_events(body) if event.data != "[DONE]"]
    contents = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    return [content for content in contents if content]


def test_as_framed_is_one_http_chunk_a_frame(upstream: FakeUpstream, ask: Ask) -> None:
    """Each frame arrives as one HTTP chunk, in order, and the log has the same writes."""
    token = new_token()
    expectation = upstream.expect(token, [SCRIPT], delivery=AsFramed())
    reading = ask(token)
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert [sent.data for sent in call.sent] == reading.pieces
    assert len(reading.pieces) == len(PIECES) + 2
    assert texts(reading.body) == list(PIECES)
    assert (reading.ended, call.ended) == ("complete", "complete")


def test_whole_is_one_http_chunk(upstream: FakeUpstream, ask: Ask) -> None:
    """A whole delivery arrives as a single chunk with every frame in it."""
    token = new_token()
    upstream.expect(token, [SCRIPT], delivery=Whole())
    reading = ask(token)
    assert len(reading.pieces) == 1
    assert texts(reading.body) == list(PIECES)


def test_byte_by_byte_arrives_byte_by_byte(upstream: FakeUpstream, ask: Ask) -> None:
    """Every byte is an HTTP chunk of its own, and the readers see them one after another."""
    token = new_token()
    body = 'data: {"x": "Ü"}\r\n\r\ndata: [DONE]\r\n\r\n'.encode()
    script = Verbatim(Reply(200, STREAM, (Frame(body),)))
    expectation = upstream.expect(token, [script], delivery=ByteByByte(pause=0.01))
    arrived: list[int] = []
    reading = ask(token, on_chunk=lambda seen: arrived.append(len(expectation.calls[0].sent)))
    assert reading.pieces == [bytes([byte]) for byte in body]
    assert arrived[0] < len(body)


@pytest.mark.parametrize("pause", [0.02])
def test_a_paced_piece_arrives_alone(upstream: FakeUpstream, ask: Ask, pause: float) -> None:
    """Pieces of a hostile delivery are not merged on the way: each is read before the next is sent."""
    token = new_token()
    arrived: list[int] = []
    expectation = upstream.expect(token, [SCRIPT], delivery=Hostile(pause=pause))
    reading = ask(token, on_chunk=lambda body: arrived.append(len(expectation.calls[0].sent)))
    ahead = [sent - seen for seen, sent in enumerate(arrived, 1)]
    assert sum(lead <= 1 for lead in ahead) > len(ahead) // 2
    assert 10 < len(reading.pieces) <= 41
    assert texts(reading.body) == list(PIECES)


def test_hostile_noise_is_on_the_wire(upstream: FakeUpstream, ask: Ask) -> None:
    """A hostile stream has CRLF line ends, comments and empty deltas, and still says the same."""
    token = new_token()
    upstream.expect(token, [SCRIPT], delivery=Hostile())
    body = ask(token).body
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert b"\r\n:\r\n\r\n" in body
    assert body.count(b'"delta":{}') == 2
    assert texts(body) == list(PIECES)


def test_a_json_body_is_cut_and_otherwise_untouched(upstream: FakeUpstream, ask: Ask) -> None:
    """A hostile delivery of a JSON body keeps its bytes and its Content-Length, in several writes."""
    token = new_token()
    expectation = upstream.expect(token, [SCRIPT], delivery=Hostile())
    reading = ask(token, stream=False)
    assert json.loads(reading.body) == {"text": "".join(PIECES)}
    assert reading.headers["content-length" if "content-length" in reading.headers else "Content-Length"] == str(
        len(reading.body)
    )
    assert expectation.wait_idle(5)
    assert 3 < len(expectation.calls[0].sent) <= 41


def test_the_same_delivery_is_the_same_bytes(upstream: FakeUpstream, ask: Ask) -> None:
    """A hostile delivery is deterministic: the same reply is cut at the same places each time."""
    readings = []
    for _ in range(2):
        token = new_token()
        upstream.expect(token, [SCRIPT], delivery=Hostile(pause=0.0005))
        readings.append(ask(token).pieces)
    assert readings[0] == readings[1]
