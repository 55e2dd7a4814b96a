"""`fake`: a stand-alone upstream."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

import conformance
from fakes.recording import default_root, find, load

SOURCE = str(Path(conformance.__file__).parents[1])
ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello there"}]}


@contextmanager
def _serving(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance", "fake", "--port", "0", *words],
        env=os.environ | {"PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line + (process.stderr.read() if process.stderr and process.poll() is not None else "")
        yield found.group(), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _post(url: str, path: str = "/v1/chat/completions", **body: Any) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.post(url + path, json=ASK | body, headers={"authorization": "Bearer sk-test"}, timeout=20)


def test_it_answers_and_ends_on_a_signal() -> None:
    """It says where it listens, answers a request in the dialect, and a signal ends it with exit 0."""
    with _serving("--dialect", "vllm") as (url, process):
        answer = _post(url).json()
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["message"]["content"]
    assert process.returncode == 0


def test_host_and_delivery() -> None:
    """`--host` and `--delivery` are taken."""
    with _serving("--dialect", "chat_completions", "--host", "127.0.0.1", "--delivery", "hostile") as (url, _):
        answer = _post(url, stream=True)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "[DONE]" in answer.text


def test_strict_refuses_what_the_service_would() -> None:
    """With `--strict` a request that the service would refuse is refused."""
    with _serving("--dialect", "chat_completions", "--strict") as (url, _):
        assert _post(url, messages=[{"role": "nobody", "content": "x"}]).status_code == 400
        assert _post(url).status_code == 200


def test_recording_is_replayed() -> None:
    """`--recording` answers with the recorded bytes."""
    folder = next(folder for folder in find(default_root() / "vllm") if load(folder).streamed)
    with _serving("--dialect", "vllm", "--recording", str(folder)) as (url, _):
        assert _post(url, stream=True).content == load(folder).body


def test_script_is_served(tmp_path: Path) -> None:
    """`--script` answers with what the file says."""
    script = tmp_path / "answers.toml"
    script.write_text('[[parts]]\ntype = "text"\ntext = "scripted words"\n')
    with _serving("--dialect", "chat_completions", "--script", str(script)) as (url, _):
        assert _post(url).json()["choices"][0]["message"]["content"] == "scripted words"


@pytest.mark.parametrize(
    "words",
    [
        ("--dialect", "gemini"),
        ("--dialect", "vllm", "--port", "99999"),
        ("--dialect", "vllm", "--delivery", "slow"),
        ("--dialect", "vllm", "--recording", "/no/such/folder"),
        ("--dialect", "vllm", "--script", "/no/such/file.toml"),
        ("--dialect", "vllm", "--script", "a", "--recording", "b"),
        (),
    ],
)
def test_wrong_options_exit_4(command: Any, words: tuple[str, ...]) -> None:
    """What cannot be served is a usage error, before anything listens."""
    done = command("fake", *words)
    assert done.code == 4
    assert done.err


def test_deliveries_are_those_of_the_fake() -> None:
    """The command offers what the stand-alone fake can do."""
    from conformance.cli.fake import DELIVERIES
    from fakes.standalone import DELIVERIES as KNOWN

    assert DELIVERIES == KNOWN
