"""The recorder: what passes through it is kept byte for byte, and can be replayed."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from fakes import ByteByByte, FakeError, FakeUpstream, Fault, Frame, HttpFailure, Recording, Reply, Script, Verbatim
from fakes import new_token as a_token
from fakes.gates import Hold
from fakes.recorder import Provenance, Recorder, RecorderOptions, run
from fakes.recording import load
from fakes.script import Text

PATH = "/v1/chat/completions"
STREAM = (("content-type", "text/event-stream"), ("x-request-id", "r-1"), ("set-cookie", "secret=1"))
FRAMES = (Frame(b"data: 1\n\n"), Frame("data: Grüße\n\n".encode()), Frame(b"data: [DONE]\n\n"))
PROVENANCE = Provenance(
    dialect="chat_completions",
    server="plain",
    version="1.0",
    model="m",
    setup="a fake upstream on loopback, in a test",
    licence="Apache-2.0",
)

Post = Callable[..., requests.Response]


@pytest.fixture
def recorder(upstream: FakeUpstream, tmp_path: Path) -> Iterator[Recorder]:
    with Recorder(upstream.url, tmp_path, PROVENANCE, silence=4.0) as recorder:
        yield recorder


def post(recorder: Recorder, body: dict[str, Any], **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(recorder.url + PATH, json=body, headers=named, timeout=10)


def the_recording(recorder: Recorder) -> Recording:
    """The only recording; what is wrong with its files raises."""
    assert recorder.wait_idle(10)
    assert recorder.problems == []
    (folder,) = recorder.recorded
    return load(folder)


def test_a_stream_passes_and_is_kept_chunk_for_chunk(upstream: FakeUpstream, recorder: Recorder) -> None:
    """The client sees the upstream's bytes, and the recording has them with their chunks."""
    token = a_token()
    upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES))])
    response = post(recorder, {"model": token, "stream": True})
    assert response.content == b"".join(frame.data for frame in FRAMES)
    recording = the_recording(recorder)
    assert recording.body == response.content
    assert [chunk.n for chunk in recording.chunks] == [len(frame.data) for frame in FRAMES]
    assert (recording.ended, recording.status, recording.obtained) == ("complete", 200, "recorded")
    assert recording.request.body == {"model": token, "stream": True}
    assert recording.head_at is not None
    assert recording.ended_at is not None
    assert recording.head_at <= recording.chunks[0].t <= recording.ended_at


def test_a_recording_is_replayed_as_it_was_recorded(upstream: FakeUpstream, recorder: Recorder) -> None:
    """What was recorded through a fake can be served by a fake."""
    token = a_token()
    upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES))])
    first = post(recorder, {"model": token, "stream": True}).content
    again = a_token()
    expectation = upstream.expect(again, [the_recording(recorder)])
    url = upstream.url + PATH
    assert requests.post(url, json={"model": again, "stream": True}, timeout=10).content == first
    assert expectation.wait_idle(5)
    assert [sent.data for sent in expectation.calls[0].sent] == [frame.data for frame in FRAMES]


def test_headers_are_kept_by_allowlist(upstream: FakeUpstream, recorder: Recorder) -> None:
    """Keys, cookies and hosts reach the upstream and not the recording; it says what was left out."""
    token = a_token()
    expectation = upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES))])
    post(recorder, {"model": token}, Authorization="Bearer sk-very-secret", Cookie="session=1", Accept="text/*")
    recording = the_recording(recorder)
    assert dict(recording.request.headers) == {"accept": "text/*", "content-type": "application/json"}
    assert dict(recording.headers) == {"content-type": "text/event-stream", "x-request-id": "r-1"}
    assert len(recording.redactions) == 2
    assert expectation.calls[0].header("authorization") == "Bearer sk-very-secret"
    files = b"".join(file.read_bytes() for file in recorder.recorded[0].iterdir())
    assert b"secret" not in files


@pytest.mark.parametrize("where", ["request", "answer"])
def test_a_secret_in_a_body_is_never_written(upstream: FakeUpstream, recorder: Recorder, where: str) -> None:
    """When a body repeats a key of the headers, the exchange passes and nothing of it is kept."""
    token = a_token()
    answer = b'{"echo": "sk-very-secret"}' if where == "answer" else b"{}"
    upstream.expect(token, [Verbatim(Reply(200, (("content-type", "application/json"),), (Frame(answer),)))])
    body = {"model": token, "user": "sk-very-secret" if where == "request" else "u"}
    assert post(recorder, body, Authorization="Bearer sk-very-secret").content == answer
    assert recorder.wait_idle(10)
    assert recorder.recorded == []
    assert "holds a secret" in recorder.problems[0]


@pytest.mark.parametrize(("fault", "ended"), [("cut", "truncated"), ("reset", "reset"), ("stall", "stalled")])
def test_a_broken_answer_is_kept_and_passed_on(
    upstream: FakeUpstream, recorder: Recorder, fault: Fault, ended: str
) -> None:
    """An answer that breaks off is recorded as such, with all that came, and breaks off for the client too."""
    token = a_token()
    upstream.expect(token, [Verbatim(Reply(200, STREAM, FRAMES, fault))])
    with pytest.raises(requests.RequestException):
        post(recorder, {"model": token, "stream": True})
    recording = the_recording(recorder)
    assert (recording.ended, recording.body) == (ended, b"".join(frame.data for frame in FRAMES))


def test_a_short_json_body_is_truncated(upstream: FakeUpstream, recorder: Recorder) -> None:
    """A body of fewer bytes than promised is recorded as truncated."""
    token = a_token()
    headers = (("content-type", "application/json"), ("content-length", "50"))
    upstream.expect(token, [Verbatim(Reply(200, headers, (Frame(b'{"half": '),), "cut"))])
    with pytest.raises(requests.RequestException):
        post(recorder, {"model": token})
    recording = the_recording(recorder)
    assert (recording.ended, recording.body) == ("truncated", b'{"half": ')


def test_a_client_that_leaves_is_recorded(upstream: FakeUpstream, recorder: Recorder) -> None:
    """When the client leaves in mid-stream the recording says so, and the upstream is left as well."""
    token = a_token()
    reply = Verbatim(Reply(200, STREAM, (Frame(b"data: x\n\n" * 1000),)))
    expectation = upstream.expect(token, [reply], delivery=ByteByByte(pause=0.001))
    place = urlsplit(recorder.url)
    body = json.dumps({"model": token, "stream": True}).encode()
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as client:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert client.recv(10)
    assert expectation.wait_idle(10)
    assert expectation.calls[0].ended == "client-gone"
    assert the_recording(recorder).ended == "client-left"


def test_errors_are_recorded_like_answers(upstream: FakeUpstream, recorder: Recorder) -> None:
    """A refusal is an exchange as well: status, body and Retry-After are kept."""
    token = a_token()
    upstream.expect(token, [HttpFailure(429, "rate_limit", "Slow down.", retry_after="3")])
    assert post(recorder, {"model": token, "stream": True}).status_code == 429
    recording = the_recording(recorder)
    assert (recording.status, dict(recording.headers)["retry-after"]) == (429, "3")
    assert json.loads(recording.body)["error"]["message"] == "Slow down."


def test_recordings_have_names(upstream: FakeUpstream, recorder: Recorder, tmp_path: Path) -> None:
    """A client names its recording by a header, which is not passed on; without one it is number and path."""
    token = a_token()
    expectation = upstream.expect(token, [Script(parts=(Text((text,)),)) for text in "abc"])
    for number, name in enumerate(["first", "first", "not a name/"]):
        post(recorder, {"model": token, "n": number}, x_recording_name=name)
    assert recorder.wait_idle(10)
    root = tmp_path / "chat_completions" / "plain-1.0"
    names = ["first", "first_2", "0003_chat_completions"]
    assert recorder.recorded == [root / name for name in names]
    assert [call.header("x-recording-name") for call in expectation.calls] == [None] * 3


@pytest.mark.parametrize(
    ("name", "folders"),
    [("same", ["same", "same_2"]), ("", ["0001_chat_completions", "0002_chat_completions"])],
    ids=["named", "numbered"],
)
def test_names_go_by_the_order_of_the_requests(
    upstream: FakeUpstream, recorder: Recorder, name: str, folders: list[str]
) -> None:
    """The request that came first has the first name and the first place, even if it is answered last."""
    early, late, hold = a_token(), a_token(), Hold(10.0)
    upstream.expect(early, [Script()], hold=hold)
    upstream.expect(late, [Script()])
    with ThreadPoolExecutor() as client:
        first = client.submit(post, recorder, {"model": early}, x_recording_name=name)
        assert hold.wait_reached(10)
        assert post(recorder, {"model": late}, x_recording_name=name).status_code == 200
        hold.open()
        assert first.result().status_code == 200
    assert recorder.wait_idle(10)
    assert [folder.name for folder in recorder.recorded] == folders
    models = [load(folder).request.body["model"] for folder in recorder.recorded]
    assert models == [early, late]


def test_two_recorders_share_a_folder(upstream: FakeUpstream, recorder: Recorder, tmp_path: Path) -> None:
    """Neither overwrites what the other has written since the request came."""
    early, late, hold = a_token(), a_token(), Hold(10.0)
    upstream.expect(early, [Script()], hold=hold)
    upstream.expect(late, [Script()])
    with ThreadPoolExecutor() as client, Recorder(upstream.url, tmp_path, PROVENANCE) as other:
        first = client.submit(post, recorder, {"model": early})
        assert hold.wait_reached(10)
        post(other, {"model": late})
        assert other.wait_idle(10)
        hold.open()
        first.result()
        assert recorder.wait_idle(10)
        kept = {folder.name: load(folder).request.body["model"] for folder in other.recorded + recorder.recorded}
    assert kept == {"0001_chat_completions": late, "0001_chat_completions_2": early}


def test_a_name_without_a_recording_is_free_again(upstream: FakeUpstream, recorder: Recorder) -> None:
    """What could not be recorded leaves its name to the next request."""
    token = a_token()
    with upstream.closed():
        assert post(recorder, {"model": token}, x_recording_name="first").status_code == 502
    assert recorder.wait_idle(10)
    upstream.expect(token, [Script()])
    post(recorder, {"model": token}, x_recording_name="first")
    assert recorder.wait_idle(10)
    assert [folder.name for folder in recorder.recorded] == ["first"]


def test_a_base_path_and_a_query_are_forwarded(upstream: FakeUpstream, tmp_path: Path) -> None:
    """The upstream's base path stands before the client's; a query is forwarded and not kept."""
    with Recorder(f"{upstream.url}/v1/", tmp_path, PROVENANCE) as recorder:
        token = a_token()
        expectation = upstream.expect(token, [Script()])
        url = f"{recorder.url}/chat/completions?key=hidden"
        assert requests.post(url, json={"model": token}, timeout=10).status_code == 200
        recording = the_recording(recorder)
    assert expectation.calls[0].query == "key=hidden"
    assert recording.request.path == PATH
    assert "the query" in recording.redactions


def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    """Without an upstream the client gets a 502 that says so, and nothing is recorded."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Recorder(closed, tmp_path, PROVENANCE) as recorder:
            response = post(recorder, {"model": "m"})
    assert response.status_code == 502
    assert "no answer from the upstream" in response.json()["error"]["message"]
    assert recorder.recorded == []
    assert "no answer from 127.0.0.1" in recorder.problems[0]


def test_the_upstream_must_be_a_url(tmp_path: Path) -> None:
    """Something that is no URL is refused with an example of one."""
    with pytest.raises(FakeError, match="give one like http"):
        Recorder("localhost:8000", tmp_path, PROVENANCE)


def test_recording_from_the_command_line(upstream: FakeUpstream, tmp_path: Path, output: Any) -> None:
    """`run` says where it listens, logs each exchange, and ends with 0 when all were written."""
    token, until, statuses = a_token(), threading.Event(), list[int]()
    upstream.expect(token, [Script()])
    options = RecorderOptions(upstream=upstream.url, folder=tmp_path, provenance=PROVENANCE, port=0)
    thread = threading.Thread(target=lambda: statuses.append(run(options, output, until)))
    thread.start()
    url = output.wait_for(r" on (http://\S+) ").group(1)
    requests.post(url + PATH, json={"model": token}, timeout=10)
    output.wait_for("200, ")
    until.set()
    thread.join(10)
    assert statuses == [0]
    assert f"{PATH}: 200, " in output.getvalue()
    assert list(tmp_path.rglob("recording.toml"))


def test_an_upstream_that_is_no_url_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line ends with 2 and the reason when the upstream is no URL."""
    assert run(RecorderOptions(upstream="x", folder=tmp_path, provenance=PROVENANCE), io.StringIO()) == 2
    assert "no URL of an upstream" in capsys.readouterr().err
