"""A target of a hundred lines, for tests: it knows text answers only, and errs on demand.

python tiny_target.py --port N --upstream URL [--wrong HOW]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WRONG = ("no-created", "silent", "exits", "wrong-path", "nothing")
OPTIONS = argparse.Namespace()
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask_upstream(request: dict[str, Any]) -> str:
    """The text that the upstream answers."""
    texts = [
        {"role": item["role"], "content": "".join(part["text"] for part in item["content"])}
        for item in request["input"]
    ]
    path = "/v1/chat/nowhere" if OPTIONS.wrong == "wrong-path" else "/v1/chat/completions"
    call = urllib.request.Request(
        OPTIONS.upstream + path,
        json.dumps({"model": request["model"], "messages": texts}).encode(),
        {"content-type": "application/json", "authorization": "Bearer sk-tiny"},
    )
    with OPENER.open(call) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def events(request: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """The stream of an answer."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": request["model"], "output": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    started = {"response": response | {"status": "in_progress"}}
    told = [
        {"type": "response.created", **started},
        {"type": "response.in_progress", **started},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": item | {"status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **at, "part": part | {"text": ""}},
        {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []},
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response | {"status": "completed", "output": [item]}},
    ]
    if OPTIONS.wrong == "no-created":
        del told[0]
    return [event | {"sequence_number": number} for number, event in enumerate(told)]


class Handler(BaseHTTPRequestHandler):
    """Answers `/ready`, and POST everywhere else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Ready."""
        self._send(200, "application/json", b"{}")

    def do_POST(self) -> None:
        """One answer."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if OPTIONS.wrong == "exits":
            os._exit(3)
        if OPTIONS.wrong == "nothing":
            self._send(501, "application/json", b'{"error": {"message": "not implemented"}}')
            return
        request = json.loads(body)
        try:
            text = ask_upstream(request)
        except urllib.error.HTTPError as error:
            self._send(502, "application/json", json.dumps({"error": {"message": str(error)}}).encode())
            return
        told = events(request, text)
        if request.get("stream"):
            frames = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in told)
            self._send(200, "text/event-stream", frames.encode())
        else:
            self._send(200, "application/json", json.dumps(told[-1]["response"]).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log what was asked, on standard error: the suite keeps it."""
        sys.stderr.write(f"{self.path} {os.environ.get('TINY', '')}\n")


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--wrong", choices=WRONG)
    parser.parse_args(namespace=OPTIONS)
    if OPTIONS.wrong == "silent":
        sys.exit("no licence file found")
    ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
