"""A small target with a choice of lies, run as a process by the tests: text only, chat completions upstream.

    python small_target.py PORT UPSTREAM LIE

Without a lie ("right", "slow", "stalls-once", "late-at-first") it tells plain text rightly.
It shares no code with the suite.
"stalls-once" keeps all its clients waiting for three seconds, the first time that two come at once.
"late-at-first" passes some pieces of an answer that counts its words on late, but only the second time it is told.
"hangs-up" leaves its upstream after the first piece.
"asks-twice" asks its upstream once more than it should, and breaks off where that fails.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

PORT, UPSTREAM, LIE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
TOKEN_FREE = "fixed-model"
served = iter(range(1_000_000))
turnstile, beside = threading.Lock(), iter([3.0])
pauses = iter([0.0, 0.5])


def text_of(request: dict[str, Any]) -> str:
    return "\n".join(part["text"] for item in request["input"] for part in item["content"])


RELAYS = ("relays", "breaks-on-crlf", "holds-back", "deaf", "queues", "late-at-first", "hangs-up")


def ask(request: dict[str, Any]) -> str:
    """The upstream's text, asked for whole."""
    with call(request) as answer:
        said: str = json.load(answer)["choices"][0]["message"]["content"]
    return said


def relay(request: dict[str, Any]) -> Iterator[str]:
    """The upstream's text, as it comes."""
    with call(request, stream=True) as answer:
        for line in answer:
            if LIE == "breaks-on-crlf" and line.endswith(b"\r\n"):
                continue
            data = line.strip().removeprefix(b"data: ")
            if line.startswith(b"data: ") and data != b"[DONE]":
                for choice in json.loads(data)["choices"]:
                    if choice["delta"].get("content"):
                        yield choice["delta"]["content"]
                        if LIE == "hangs-up":
                            return


def call(request: dict[str, Any], stream: bool = False) -> Any:
    text, model = text_of(request), request["model"]
    if LIE in ("forgets-model", "forgets-all"):
        model = TOKEN_FREE
    if LIE == "forgets-all":
        text = "Something else."
    path = "/v2/chat" if LIE == "wrong-path" else "/v1/chat/completions"
    asked = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
    body = json.dumps(asked).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer k"}
    sent = urllib.request.Request(UPSTREAM + path, body, headers)
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent)


def pieces_of(request: dict[str, Any]) -> Iterable[str]:
    if LIE == "holds-back":
        return list(relay(request))
    if LIE == "late-at-first":
        return held_at_first(relay(request))
    return relay(request) if LIE in RELAYS else re.findall(r"\S*\s*", ask(request))[:-1]


def held_at_first(pieces: Iterable[str]) -> Iterator[str]:
    pause = 0.0
    for number, piece in enumerate(pieces):
        if piece.startswith("word0"):
            pause = next(pauses, 0.0)
        if number < 4:
            time.sleep(pause)
        yield piece


def response(request: dict[str, Any], status: str, output: list[Any]) -> dict[str, Any]:
    number = text_of(request).rpartition("[")[2]
    return {
        "id": f"resp_{number.strip('[] ')}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": request["model"],
        "output": output,
    }


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    text = ask(request) if LIE == "bare" else ""
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    yield {"type": "response.created", "response": response(request, "in_progress", [])}
    if LIE != "bare":
        yield {"type": "response.in_progress", "response": response(request, "in_progress", [])}
        opened = {**message(""), "status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        yield {"type": "response.content_part.added", **where, "part": part}
        for piece in pieces_of(request):
            text += piece
            yield {"type": "response.output_text.delta", **where, "delta": piece}
        if LIE == "asks-twice":
            ask(request)
        yield {"type": "response.output_text.done", **where, "text": text}
        yield {"type": "response.content_part.done", **where, "part": {**part, "text": text}}
        yield {"type": "response.output_item.done", "output_index": 0, "item": message(text)}
    output = [] if LIE == "bare" else [message(text)]
    yield {"type": "response.completed", "response": response(request, "completed", output)}


def stall_in_company() -> None:
    alone = turnstile.acquire(blocking=False)
    if not alone:
        turnstile.acquire()
    threading.Event().wait(0.05 if alone else next(beside, 0))  # company has a moment to come
    turnstile.release()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if LIE == "stalls-once":
            stall_in_company()
        if LIE == "silent":
            threading.Event().wait(60)
        if LIE == "dies" and next(served) >= 2:
            sys.stderr.write("fatal: out of luck\n")
            os._exit(7)
        if LIE == "not-implemented":
            return self.whole(501, {"detail": "Not Implemented"})
        if LIE == "never-asks":
            return self.whole(400, {"error": {"message": "unknown model", "code": "model_not_found"}})
        if not request.get("stream"):
            return self.whole(200, response(request, "completed", [message(ask(request))]))
        return self.stream(request)

    def do_GET(self) -> None:
        self.whole(200, {"ok": True})

    def whole(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, request: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("cache-control", "no-cache")
        self.send_header("connection", "close")
        self.end_headers()
        for number, event in enumerate(events(request)):
            if LIE == "slow":
                time.sleep(0.02)
            data = json.dumps({**event, "sequence_number": number})
            self.wfile.write(f"event: {event['type']}\ndata: {data}\n\n".encode())

    def log_message(self, *args: Any) -> None:
        pass


if LIE == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if LIE == "exits":
    sys.exit("small_target: no licence key")
Server = HTTPServer if LIE == "queues" else ThreadingHTTPServer
Server(("127.0.0.1", PORT), Handler).serve_forever()
