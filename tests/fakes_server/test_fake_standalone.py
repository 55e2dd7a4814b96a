"""A fake on its own: what it answers, what it logs, how it stops."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from conformance.sse import read_events
from fakes.recording import default_root, find, load
from fakes.standalone import DELIVERIES, StandaloneOptions, run

CHAT = "/v1/chat/completions"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "days": {"type": ["integer", "null"]}},
    "required": ["city", "unit", "days"],
}
CHAT_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
OTHER_TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


Serving = Callable[..., AbstractContextManager[tuple[str, Any]]]


@pytest.fixture
def serving(output: Any) -> Serving:
    """A fake in a thread; gives its URL and its output. It must end with 0."""

    @contextmanager
    def served(**options: Any) -> Iterator[tuple[str, Any]]:
        until, statuses = threading.Event(), list[int]()
        settings = StandaloneOptions(port=0, **{"dialect": "vllm", **options})
        thread = threading.Thread(target=lambda: statuses.append(run(settings, output, until)))
        thread.start()
        try:
            yield output.wait_for(r"fake on (http://\S+),").group(1), output
        finally:
            until.set()
            thread.join(10)
        assert statuses == [0]

    return served


def ask(url: str, body: dict[str, Any], path: str = CHAT) -> Any:
    response = requests.post(url + path, json={"model": "m", **body}, timeout=10)
    return response.json()


def said(body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = body["choices"][0]["message"]
    return message


def user(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def test_any_request_gets_a_text(serving: Serving) -> None:
    """Without a script every request is answered with a short text that repeats what was said."""
    with serving() as (url, _):
        assert "You said: Good day" in said(ask(url, user("Good day")))["content"]


def test_a_tool_is_called_when_its_name_is_touched_on(serving: Serving) -> None:
    """A declared tool is called when the text has a word of its name, with arguments that fit its schema."""
    with serving() as (url, _):
        message = said(ask(url, {**user("How is the weather?"), "tools": [OTHER_TOOL, CHAT_TOOL]}))
        (call,) = message["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "example", "unit": "C", "days": 1}
        assert said(ask(url, {**user("Good day"), "tools": [CHAT_TOOL]}))["content"]


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "add"}}], ids=["required", "named"]
)
def test_a_forced_tool_is_called(serving: Serving, choice: Any) -> None:
    """A tool that `tool_choice` forces is called whatever was said."""
    with serving() as (url, _):
        message = said(ask(url, {**user("Good day"), "tools": [OTHER_TOOL], "tool_choice": choice}))
        assert message["tool_calls"][0]["function"] | {"arguments": ""} == {"name": "add", "arguments": ""}


def test_a_tool_result_is_answered_with_a_text(serving: Serving) -> None:
    """After a tool's result comes a text about it, so that an agent's loop ends."""
    with serving(dialect="messages") as (url, _):
        tool = {"name": "get_weather", "input_schema": WEATHER}
        history: list[dict[str, Any]] = [{"role": "user", "content": "How is the weather?"}]
        body = {"max_tokens": 100, "tools": [tool], "messages": history}
        call = ask(url, body, "/v1/messages")["content"][0]
        assert (call["type"], call["name"]) == ("tool_use", "get_weather")
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "12 degrees"}
        history += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
        assert "The tool answered: 12 degrees" in ask(url, body, "/v1/messages")["content"][0]["text"]


def test_a_script_is_given_in_order_and_then_its_last_again(serving: Serving, tmp_path: Path) -> None:
    """The answers of a script file come one after another, the last one from then on."""
    file = tmp_path / "two.toml"
    file.write_text('[[answers]]\nfailure = {status = 429, code = "rate_limit"}\n[[answers]]\n'
                    '[[answers.parts]]\ntype = "text"\ntext = "scripted"\n')  # fmt: skip
    with serving(script=file) as (url, output):
        assert "error" in ask(url, user("x"))
        assert [said(ask(url, user("x")))["content"] for _ in range(2)] == ["scripted"] * 2
        output.wait_for(r"-> 429 \d+ bytes")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_each_delivery_says_the_same(serving: Serving, delivery: str, tmp_path: Path) -> None:
    """However a scripted stream is delivered, it has the same text."""
    file = tmp_path / "one.toml"
    file.write_text('[[parts]]\ntype = "text"\ntext = "Grüße an alle"\n', encoding="utf-8")
    with serving(script=file, delivery=delivery) as (url, _):
        response = requests.post(url + CHAT, json={"model": "m", "stream": True, **user("x")}, timeout=20)
        events = [json.loads(event.data) for event in read_events(response.content) if event.data != "[DONE]"]
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        assert "".join(delta.get("content") or "" for delta in deltas) == "Grüße an alle"


def test_a_recording_is_replayed_byte_for_byte(serving: Serving) -> None:
    """A recording is served as it was recorded; of a folder of many, one of the form that was asked for."""
    folder = next(
        found
        for found in find(default_root() / "vllm")
        if (recording := load(found)).streamed and recording.ended == "complete"
    )
    with serving(recording=folder) as (url, output):
        response = requests.post(url + CHAT, json={"model": "m", "stream": True, **user("x")}, timeout=20)
        assert response.content == load(folder).body
        assert requests.post(url + CHAT, json={"model": "m", **user("x")}, timeout=20).status_code == 500
        output.wait_for("was recorded with streaming, and this request asks for one JSON body")


def test_requests_and_objections_are_logged(serving: Serving) -> None:
    """Each request is one line, and so is each thing for which the real service would refuse it."""
    with serving() as (url, output):
        ask(url, {"messages": [{"role": "user", "content": "x"}], "temperature": "hot"})
        output.wait_for(r"\d\d:\d\d:\d\d POST /v1/chat/completions model='m' -> 200 \d+ bytes in [\d.]+ ms, complete\n")
        output.wait_for(r"the real service would refuse it with 400: temperature: .* \[[\w.-]+\]\n")
        requests.post(f"{url}/v1/v1/chat/completions", json={}, timeout=10)
        output.wait_for(r"expected POST /v1/chat/completions, got POST /v1/v1/chat/completions")


def test_strict_refuses(serving: Serving) -> None:
    """With `strict` the refusal of the real service is the answer."""
    with serving(strict=True) as (url, output):
        response = requests.post(url + CHAT, json={"model": "m", **user("x"), "temperature": "hot"}, timeout=10)
        assert response.status_code == 400
        output.wait_for("-> 400 .* refused")


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"script": Path("missing.toml")}, 4, "missing.toml: the file: it cannot be read"),
        ({"recording": Path("missing")}, 4, "missing: there is no recording"),
        ({"recording": Path("a"), "script": Path("b")}, 4, "choose one of them"),
        ({"host": "203.0.113.1"}, 2, "cannot listen on 203.0.113.1"),
    ],
    ids=["script", "recording", "both", "address"],
)
def test_what_cannot_be_served_is_said(
    options: dict[str, Any], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong options end with 4, an address that cannot be had with 2, each with a line that says what to do."""
    assert run(StandaloneOptions(**{"dialect": "vllm", "port": 0, **options}), io.StringIO()) == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_stops_it(number: signal.Signals) -> None:
    """Ctrl-C and a termination end the process with 0 and without a traceback."""
    code = "import sys; from fakes.standalone import *; sys.exit(run(StandaloneOptions(dialect='vllm', port=0)))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("vllm fake on http://127.0.0.1:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
