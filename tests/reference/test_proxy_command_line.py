"""The command line: what it prints, with which status it ends."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from reference.proxy.__main__ import main, parser

GOOD = ["--upstream", "http://127.0.0.1:9", "--dialect", "vllm", "--port", "0"]
BAD = {
    "required: --upstream": [],
    "invalid choice": [*GOOD, "--dialect", "smtp"],
    "not an http(s) address": [*GOOD, "--upstream", "localhost:8000"],
    "must be empty or end in /v1": [*GOOD, "--upstream", "http://h/v2"],
    "must not hold credentials": [*GOOD, "--upstream", "http://user:sekret@h/v2"],
    "out of range": [*GOOD, "--upstream", "http://h:99999"],
    "--store /nowhere/x.db": [*GOOD, "--store", "/nowhere/x.db"],
    "invalid int value": [*GOOD, "--port", "x"],
    "between 0 and 65535": [*GOOD, "--port", "70000"],
    "UNSET_NAME is not set": [*GOOD, "--upstream-api-key-env", "UNSET_NAME"],
    "not allowed with": [*GOOD, "--upstream-api-key-env", "HOME", "--forward-client-key"],
    "--keep-alive must be positive": [*GOOD, "--keep-alive", "0"],
    "unrecognized arguments": [*GOOD, "--frobnicate"],
}


@pytest.mark.parametrize("message", BAD)
def test_a_wrong_command_line_is_one_line_and_status_4(message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors say what is wrong in one line."""
    with pytest.raises(SystemExit) as caught:
        main(BAD[message])
    said = capsys.readouterr().err
    assert (caught.value.code, said.count("\n")) == (4, 1)
    assert message in said
    assert "sekret" not in said


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """--help explains all options and ends with status 0."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    for action in parser()._actions:
        assert action.option_strings[-1] in said
        assert action.help
        if action.default not in (None, False, ":memory:", argparse.SUPPRESS):
            assert f"({action.default})" in " ".join(said.split())


def test_the_examples_of_help_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that --help shows is a right command line."""
    shown = (parser().epilog or "").replace("\\\n", "")
    commands = [shlex.split(line)[1:] for line in shown.splitlines() if line.startswith("    responses-proxy ")]
    assert len(commands) == 3
    for command in commands:
        assert parser().parse_args(command).port == 8080


def test_without_the_extra_there_is_one_line(tmp_path: Path) -> None:
    """When the server's libraries are missing the program says how to get them."""
    hide = "import sys; sys.modules.update(dict.fromkeys(['uvicorn', 'starlette', 'msgspec', 'aiohttp']));"
    code = f"{hide} from reference.proxy.__main__ import main; raise SystemExit(main({GOOD!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "pip install 'responses-conformance[reference]'" in done.stderr


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_on_a_signal(tmp_path: Path, ended_by: signal.Signals) -> None:
    """One line tells the address; a signal ends the process with status 0; every option can be given."""
    options = [
        "--host",
        "127.0.0.1",
        "--forward-client-key",
        "--api-key-env",
        "KEY",
        "--reasoning",
        "raw",
        "--refusals",
        "text",
        "--system-position",
        "in-place",
        "--developer-role",
        "developer",
        "--default-max-tokens",
        "9",
        "--keep-alive",
        "1",
        "--connect-timeout",
        "1",
        "--idle-timeout",
        "1",
        "--shutdown-timeout",
        "1",
        "--max-event-bytes",
        "9",
        "--max-body-bytes",
        "9",
        "--store",
        str(tmp_path / "s.db"),
        "--store-limit",
        "9",
        "--secret-env",
        "KEY",
        "--quiet",
    ]
    command = [sys.executable, "-m", "reference.proxy", *GOOD, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "KEY": "k"}) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert re.fullmatch(r"responses-proxy: http://127\.0\.0\.1:\d+/v1 in front of a vllm upstream\n", line)
        process.send_signal(ended_by)
        rest = process.stderr.read()
        assert process.wait(timeout=20) == 0
    assert rest == ""
    assert (tmp_path / "s.db").exists()


HELD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
)


ASKED = b'{"model":"m","input":"Hi","stream":true}'
POST = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(ASKED), ASKED)


def test_sigterm_ends_a_running_stream_with_an_event() -> None:
    """A client in mid-stream is told so with response.failed before the process ends."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = f"http://127.0.0.1:{upstream.getsockname()[1]}"
        command = [sys.executable, "-m", "reference.proxy", *GOOD, "--upstream", address, "--quiet"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            port = int(process.stderr.readline().split("/v1")[0].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(POST)
                connection, _ = upstream.accept()
                connection.sendall(HELD)
                with client.makefile("rb") as answer, connection:
                    for line in answer:
                        if b"output_text.delta" in line:
                            break
                    process.send_signal(signal.SIGTERM)
                    rest = answer.read()
            assert process.wait(timeout=20) == 0
    assert b"event: response.failed" in rest
    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_sigterm_does_not_wait_for_a_client_that_does_not_read() -> None:
    """A stream that nobody takes in is given up after the shutdown timeout, and the process still ends well."""
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * (64 << 10))
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = f"http://127.0.0.1:{upstream.getsockname()[1]}"
        options = ["--upstream", address, "--quiet", "--shutdown-timeout", "1"]
        command = [sys.executable, "-m", "reference.proxy", *GOOD, *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            port = int(process.stderr.readline().split("/v1")[0].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(POST)
                connection, _ = upstream.accept()
                with connection:
                    connection.sendall(HELD)
                    connection.settimeout(1)
                    with suppress(TimeoutError):  # until all buffers on the way are full
                        while True:
                            connection.sendall(chunk)
                    process.send_signal(signal.SIGTERM)
                    assert (process.wait(timeout=20), process.stderr.read()) == (0, "")


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    """A port that is taken is said in one line, with status 1."""
    command = [sys.executable, "-m", "reference.proxy", *GOOD, "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        port = first.stderr.readline().split("/v1")[0].rpartition(":")[2]
        again = [*command[:3], *GOOD[:-1], port]
        second = subprocess.run(again, capture_output=True, text=True, check=False)
        first.send_signal(signal.SIGTERM)
        first.wait(timeout=20)
    assert (second.returncode, second.stderr) == (1, f"responses-proxy: cannot listen on 127.0.0.1:{port}\n")
