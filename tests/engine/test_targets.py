"""Targets: files read strictly, processes started, watched and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.cases import all_cases
from conformance.client import send
from conformance.errors import TargetError, UsageError
from conformance.features import FEATURES, LONGEST_KEEP_ALIVE
from conformance.rules import REGISTRY
from conformance.targets import (
    ad_hoc_target,
    environment_folder,
    install_target,
    is_installed,
    load_target,
    load_target_file,
    start_target,
    target_names,
)
from conformance.targets.process import LOG_SIZE, TargetProcess
from fakes.framing import SILENCE

TargetFile = Callable[..., str]

GOOD = """format = 1
name = "mine"
dialects = ["messages", "vllm"]
features = ["store"]
model = "x/{case}"
[start]
command = "serve --port {port}"
env = { A = "{dir}" }
[probe]
url = "http://127.0.0.1:{port}/up"
[timing]
idle = 3
[dialect.vllm]
features = ["images"]
path = "/responses"
[dialect.vllm.start]
env = { B = "2" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text)
    return file


def test_a_file_is_read(tmp_path: Path) -> None:
    """A dialect's own table is merged key by key into what holds for all."""
    target = load_target_file(write(tmp_path, GOOD))
    messages, vllm = target.way("messages"), target.way("vllm")
    assert target.dialects == ("messages", "vllm")
    assert messages.command == vllm.command == ("serve", "--port", "{port}")
    assert (messages.env, vllm.env) == ({"A": "{dir}"}, {"A": "{dir}", "B": "2"})
    assert (messages.features, vllm.features) == (frozenset({"store"}), frozenset({"images"}))
    assert (messages.base, vllm.base) == ("/v1", "")
    assert (messages.model, messages.timing, messages.probe.url) == (
        "x/{case}",
        {"idle": 3.0},
        "http://127.0.0.1:{port}/up",
    )


def test_features_are_those_of_rules_and_cases() -> None:
    """Every feature that a rule or a case asks for has a sentence, and none is described that nothing asks for."""
    asked = {name for rule in REGISTRY.values() for name in rule.features}
    assert asked | {name for case in all_cases() for name in case.features} == set(FEATURES)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("format = 1", "format = 2"), "1", "unknown format 2"),
        (("format = 1\n", ""), "1", "there is no `format`"),
        (('name = "mine"\n', ""), "1", "there is no 'name'"),
        (("features", "featurs"), "4", "did you mean 'features'?"),
        (('"vllm"]', '"vlm"]'), "3", "unknown name 'vlm'"),
        (('["messages", "vllm"]', "[]"), "3", "there are no `dialects`"),
        (('"serve --port {port}"', '""'), "7", "no command"),
        (('"serve --port {port}"', '"serve \'x"'), "7", "cannot be split"),
        (('env = { A = "{dir}" }', "env = { A = 3 }"), "8", "'A' is not a string"),
        (("url = ", "urls = "), "10", "did you mean 'url'?"),
        (("idle = 3", "idle = -1"), "12", "'idle' is -1"),
        (("idle = 3", "idle = 10"), "12", "the client waits 10 seconds, no longer than the target does"),
        (("idle = 3", "idle = 3\nkeep_alive = 2.5"), "13", "silences end before"),
        (("idle = 3", "idel = 3"), "12", "did you mean 'idle'?"),
        (('path = "/responses"', 'path = "/v1"'), "15", "does not end in /responses"),
        (("[dialect.vllm]\n", "[dialect.chat_completions]\n"), "13", "not supported"),
        (("[dialect.vllm.start]\nenv", "[dialect.vllm.start]\nenvs"), "17", "did you mean 'env'?"),
        (("[timing]", "[install]\nrequirements = []\n[timing]"), "12", "nothing to install"),
        (('model = "x/{case}"', 'profile = "best"'), "5", "unknown profile 'best'"),
        (('model = "x/{case}"', 'probe = "x"'), "5", "'probe' is not a table"),
    ],
)
def test_errors_name_the_line_and_the_fix(tmp_path: Path, change: tuple[str, str], place: str, words: str) -> None:
    """Whatever is wrong in a target file, the message names file, line, problem and fix."""
    text = GOOD.replace(*change)
    if words.endswith("is not a table"):
        text = text.replace('[probe]\nurl = "http://127.0.0.1:{port}/up"\n', "")
    file = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_target_file(file)
    assert str(caught.value).startswith(f"{file}:{place}: ")
    assert words in str(caught.value)


def test_times_that_can_be_judged(tmp_path: Path) -> None:
    """The longest keep-alive ends a second before the silence does; a patient client lets a target be more patient."""
    longest = GOOD.replace("idle = 3", f"idle = 20\nkeep_alive = {LONGEST_KEEP_ALIVE:g}\n[deadlines]\nidle = 21")
    assert load_target_file(write(tmp_path, longest)).way("vllm").timing["keep_alive"] == LONGEST_KEEP_ALIVE
    assert SILENCE - LONGEST_KEEP_ALIVE > 1


def test_the_suites_own_targets() -> None:
    """Every target that ships can be loaded, by the name in its file."""
    assert {"python-codex", "reference"} <= set(target_names())
    for name in target_names():
        target = load_target(name)
        assert target.name == name
        assert target.summary
        assert all(target.way(dialect).command for dialect in target.dialects)
        assert target.baseline is None or target.baseline.is_file()


def test_a_name_that_is_unknown() -> None:
    """A mistyped name gets the nearest one, a dialect that is not supported those that are."""
    with pytest.raises(UsageError, match="did you mean reference"):
        load_target("referense")
    ad_hoc = ad_hoc_target(command=("x",), dialects=("vllm",))
    with pytest.raises(UsageError, match="it supports vllm"):
        ad_hoc.way("messages")


SERVE = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        seen = {"env": dict(os.environ), "cwd": os.getcwd(), "auth": self.headers["authorization"]}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_target_is_started_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets its port, key and environment, proxies are off for loopback, and nothing is left of it afterwards."""
    monkeypatch.setenv("NO_PROXY", "example.org")
    target = ad_hoc_target(
        command=(sys.executable, "-c", SERVE, "{port}"),
        dialects=("vllm",),
        env={"WHERE": "{dir}", "UP": "{upstream}", "SPEAKS": "{dialect}", "NAMES": "{models}"},
        cwd="{dir}",
        api_key="sk-mine",
    )
    with start_target(target, "vllm", "http://127.0.0.1:9") as running:
        seen = send(running.endpoint, "POST", "/responses", {}).json
        assert running.exit_status is None
        assert "listening" in running.log
    assert seen["auth"] == "Bearer sk-mine"
    assert seen["env"]["NO_PROXY"].startswith("example.org,127.0.0.1")
    assert (seen["env"]["UP"], seen["env"]["SPEAKS"]) == ("http://127.0.0.1:9", "vllm")
    assert seen["env"]["WHERE"] == os.path.realpath(seen["cwd"]) == seen["cwd"]
    assert not Path(seen["cwd"]).exists()
    with pytest.raises(TargetError):
        send(running.endpoint, "POST", "/responses", {})


def test_not_ready_in_time(tmp_path: Path) -> None:
    """A target that starts and listens nowhere is given up after its deadline, with its log."""
    file = tmp_path / "deaf.toml"
    file.write_text(
        'format = 1\nname = "deaf"\ndialects = ["vllm"]\n[probe]\ndeadline = 0.3\n[start]\n'
        'command = ["{python}", "-c", "import time; print(\'waiting\', flush=True); time.sleep(60)"]\n'
    )
    with pytest.raises(TargetError, match="not ready after") as caught:
        start_target(load_target_file(file), "vllm", "http://127.0.0.1:9")
    assert "refuses connections: nothing listens there" in str(caught.value)
    assert "names {port}" in str(caught.value)


def test_an_unknown_placeholder() -> None:
    """A placeholder that does not exist is an error of usage that lists those that do."""
    target = ad_hoc_target(command=("x", "{prot}"), dialects=("vllm",))
    with pytest.raises(UsageError, match=r"unknown placeholder \{prot\}.*\{port\}"):
        start_target(target, "vllm", "http://127.0.0.1:9")


def test_the_whole_group_is_stopped(tmp_path: Path) -> None:
    """Children of the target end with it, even if they ignore SIGTERM."""
    script = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "print(child or 'child', flush=True) if child else None\n"
        "time.sleep(60)\n"
    )
    process = TargetProcess([sys.executable, "-c", script], os.environ, tmp_path)
    deadline = time.monotonic() + 10
    while not process.log.endswith("\n") and time.monotonic() < deadline:
        process.wait(0.02)
    child = int(process.log)
    process.stop()
    assert process.exit_status == -signal.SIGKILL
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline + 10
        process.wait(0.02)


def test_the_log_is_bounded(tmp_path: Path) -> None:
    """Of a talkative target the end is kept."""
    script = "import sys; sys.stdout.write('x' * 300_000 + 'the end'); sys.stdout.flush()"
    process = TargetProcess([sys.executable, "-c", script], os.environ, tmp_path)
    assert process.wait(20)
    log = process.whole_log()
    process.stop()
    assert len(log) == LOG_SIZE
    assert log.endswith("the end")


def test_a_target_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target with an environment of its own is not started without it, and the message says how to make it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    target = load_target("python-codex")
    assert not is_installed(target)
    assert environment_folder(target).is_relative_to(tmp_path / "responses-conformance" / "targets")
    with pytest.raises(TargetError, match="targets install python-codex"):
        start_target(target, "vllm", "http://127.0.0.1:9")


def test_installing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`install` makes an environment outside the suite's, puts the requirements there, and does it once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wheel = tmp_path / "tiny_target-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_target.py", "HERE = True\n")
        info = "tiny_target-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-target\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    file = tmp_path / "tiny.toml"
    file.write_text(
        'format = 1\nname = "tiny"\ndialects = ["vllm"]\n'
        f'[install]\nrequirements = ["{wheel}"]\n[start]\ncommand = ["{{python}}", "-m", "tiny_target"]\n'
    )
    target = load_target_file(file)
    said: list[str] = []
    folder = install_target(target, said.append)
    assert is_installed(target)
    assert list(folder.glob("lib/python*/site-packages/tiny_target.py"))
    assert install_target(target, said.append) == folder
    assert "installed already" in said[-1]
    shutil.rmtree(folder)


def test_an_install_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip could not install is told with pip's words, and is not taken for installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "tiny.toml"
    file.write_text(
        'format = 1\nname = "tiny"\ndialects = ["vllm"]\n'
        f'[install]\nrequirements = ["{tmp_path}/none-1.0-py3-none-any.whl"]\n[start]\ncommand = "x"\n'
    )
    target = load_target_file(file)
    with pytest.raises(TargetError, match="pip could not install tiny") as caught:
        install_target(target)
    assert "none-1.0" in caught.value.log
    assert not is_installed(target)


def test_a_python_that_is_absent(tmp_path: Path) -> None:
    """A target for a Python that is not there says which one it needs."""
    file = tmp_path / "tiny.toml"
    file.write_text(
        'format = 1\nname = "tiny"\ndialects = ["vllm"]\n'
        '[install]\nrequirements = ["x"]\npython = "2.2"\n[start]\ncommand = "x"\n'
    )
    with pytest.raises(UsageError, match=r"needs python2\.2"):
        install_target(load_target_file(file))
