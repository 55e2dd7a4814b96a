"""Servers that live runs are made at, and the command that makes them."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from fakes.recording import default_root, load

Answer = tuple[int, Mapping[str, str], Iterable[bytes]]
"""Status, headers, and the chunks of the body."""
Answering = Callable[["Request"], Answer]


@dataclass(frozen=True)
class Request:
    """One request that a server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Server:
    """A server that runs: where, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)


Serve = Callable[..., Server]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answering: Answering
    server: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients leave."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, self.path, headers, self.rfile.read(length))
        self.server.server.requests.append(asked)
        status, own, chunks = self.server.answering(asked)
        self.send_response(status)
        for name, value in own.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in filter(None, chunks):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers with a function; its URL is a base URL that ends in /v1."""
    running: list[_Server] = []

    def start(answering: Answering, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Server:
        server = (_Server6 if ":" in host else _Server)((host, 0), _Handler)
        server.answering = answering
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme, shown = "http" if tls is None else "https", f"[{host}]" if ":" in host else host
        server.server = Server(f"{scheme}://{shown}:{server.server_address[1]}/v1")
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server.server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The result document on standard output."""
        return json.loads(self.out)

    @property
    def failing(self) -> set[str]:
        """The rules that fail, of every level."""
        return {one["rule"] for one in self.document["verdicts"] if one["outcome"] == "fail"}

    def outcome(self, rule: str) -> str:
        """A rule's outcome."""
        return next(str(one["outcome"]) for one in self.document["verdicts"] if one["rule"] == rule)


Live = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs `responses-conformance` with these words."""

    def run(*words: str | Path) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def live(command: Callable[..., Done]) -> Live:
    """Judges a server by its URL, with more options; the result document goes to standard output."""

    def run(url: str, *words: str | Path, model: str = "m", json_to: str = "-") -> Done:
        output = ("--json", json_to) if json_to else ()
        return command("run", "--live-url", url, "--model", model, *output, *words)

    return run


_MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "nobody"}]}


@dataclass
class Native:
    """A native server of the Responses API, as far as its recordings go: they are replayed byte for byte.

    What a request asks for decides which recording answers it. What the server does before it looks at a route (a body
    that is no JSON, a path or a method that it does not know) was recorded on other routes, and is replayed from there.
    `replayed` are the recordings of the Responses API that it has given out.
    """

    folder: str
    model: str
    no_json: str
    no_route: str
    wrong_method: str
    choose: Callable[[Mapping[str, Any], str], str]
    replayed: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        method, path = request.method, request.path
        if method == "GET" and path == "/v1/models":
            return 200, {"content-type": "application/json"}, (json.dumps(_MODELS).encode(),)
        if path != "/v1/responses":
            return _replay(self.no_route)
        if method != "POST":
            return _replay(self.wrong_method)
        asked = request.json
        if asked is None:
            return _replay(self.no_json)
        wrong = not isinstance(asked.get("input"), str | list)
        name = "err_missing_input" if wrong else self.choose(asked, self.model)
        self.replayed.add(name)
        return _replay(f"responses/{self.folder}/{name}")


def _replay(name: str) -> Answer:
    reply = load(default_root() / name).reply()
    return reply.status, dict(reply.headers), tuple(frame.data for frame in reply.frames)


def _wants_call(asked: Mapping[str, Any]) -> bool:
    given = asked["input"]
    answered = isinstance(given, list) and any(item.get("type") == "function_call_output" for item in given)
    return bool(asked.get("tools")) and asked.get("tool_choice") != "none" and not answered


def _vllm(asked: Mapping[str, Any], model: str) -> str:
    if asked.get("model") != model:
        return "err_unknown_model"
    if not asked.get("stream"):
        return "nonstream_tool" if _wants_call(asked) else "nonstream_reasoning"
    if _wants_call(asked):
        return "stream_tool" if len(asked["tools"]) == 1 else "stream_reasoning_tool"
    if asked.get("reasoning"):
        return "stream_reasoning"
    return "stream_length" if asked.get("max_output_tokens") == 16 else "stream_text"


def _llama_cpp(asked: Mapping[str, Any], model: str) -> str:
    if not asked.get("stream"):
        return "nonstream_reasoning" if "phase" in json.dumps(asked["input"]) else "accepted_unknown_model"
    if _wants_call(asked):
        return "stream_tool" if len(asked["tools"]) == 1 else "stream_text_tool"
    return "stream_text"


@pytest.fixture
def vllm() -> Native:
    """vLLM 0.32, replayed."""
    of_chat = "vllm/vllm-0.32.0-qwen3-hermes"
    return Native(
        folder="vllm-0.32.0-qwen3-hermes",
        model="tiny-qwen3",
        no_json=f"{of_chat}/err_bad_json",
        no_route=f"{of_chat}/err_not_found",
        wrong_method=f"{of_chat}/err_method",
        choose=_vllm,
    )


@pytest.fixture
def llama_cpp() -> Native:
    """llama.cpp's `llama-server`, replayed."""
    of_chat = "chat_completions/llama.cpp-0.5.0-dev"
    return Native(
        folder="llama.cpp-0.5.0-dev",
        model="tiny-llama",
        no_json=f"{of_chat}/err_bad_json",
        no_route=f"{of_chat}/err_method",  # it knows no method that is wrong: the route is not there
        wrong_method=f"{of_chat}/err_method",
        choose=_llama_cpp,
    )
