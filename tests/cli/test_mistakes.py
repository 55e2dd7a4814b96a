"""What a stranger does wrong, and what is said to it: one line that says what to do, and the documented exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import conformance

SOURCE = str(Path(conformance.__file__).parents[1])
NARROW = ("--dialect", "vllm", "--case", "text.plain", "--rule", "stream.created-first")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some files of the wrong kind, in which everything runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-file").write_text("neither\n")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "other.json").write_text('{"name": "npm-package", "private": true}')
    (tmp_path / "result.json").write_text('{"format": 1, "verdicts": []}')
    (tmp_path / "newer.json").write_text('{"format": 2, "verdicts": []}')
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.toml").write_text('format = 1\nname = "x\n')
    (tmp_path / "no-format.toml").write_text('name = "x"\n')
    (tmp_path / "no-dialect.toml").write_text('format = 1\nname = "x"\n')
    (tmp_path / "slip.toml").write_text(
        'format = 1\nname = "x"\ndialects = ["vllm"]\nfeatures = ["imagse"]\n[start]\ncommand = "x {port}"\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("runn", "there is no command 'runn': did you mean run?"),
        ("run --target litelm", "did you mean litellm?"),
        ("run --target no-such.toml", "no-such.toml: No such file or directory; give the path of a TOML file"),
        ("run --target a-folder/x.toml", "No such file or directory"),
        ("run --target binary.toml", "binary.toml: not UTF-8"),
        ("run --target broken.toml", "broken.toml:2: not TOML"),
        ("run --target no-format.toml", "there is no `format`; begin the file with `format = 1`"),
        ("run --target no-dialect.toml", 'write dialects = ["..."], of chat_completions, messages, vllm'),
        ("run --target slip.toml", "slip.toml:4: unknown name 'imagse'"),
        ("run --target reference --feature imagse", "no feature is named 'imagse': did you mean images?"),
        ("run --target-command 'x {port}'", "say what the upstream speaks: --dialect"),
        ("run --target-url localhost:8001 --fake-port 9000 --dialect vllm", "write for example http://127.0.0.1:8001"),
        ("run --target-url http://[::1/v1 --fake-port 9000 --dialect vllm", "Invalid IPv6 URL"),
        ("run --target-url http://h:99999/v1 --fake-port 9000 --dialect vllm", "Port out of range"),
        ("run --target-command 'x {port}' --dialect vllm --fake-host 203.0.113.1", "no address of this machine"),
        ("run --target reference --json a-folder", "--json a-folder: it is a folder; give the name of a file"),
        ("run --target reference --html a-file/x.html", "a-file is a file, not a folder"),
        ("run --target reference --transcripts a-file", "--transcripts a-file: it is a file; give a folder"),
        ("run --target reference --write-baseline a-folder --reason x", "--write-baseline a-folder: it is a folder"),
        ("lint other.json", "no answer of a Responses API (its keys: name, private)"),
        ("lint list.json", "JSON, but no object"),
        ("lint result.json", "it is a result of `run --json`: `compare` and `matrix` read those"),
        ("lint a-file", "neither an event stream nor JSON"),
        ("lint a-folder", "no recording of a Responses API below this folder"),
        ("compare result.json newer.json", "result.json: no result of `run --json`"),
        ("compare newer.json newer.json", "result format 2 is not 1: read it with the suite that wrote it"),
        ("compare a-folder result.json", "a-folder: Is a directory"),
        ("compare result.json", "AFTER.json"),
        ("matrix binary.toml", "binary.toml: not UTF-8"),
        ("matrix a-file", "a-file: not JSON"),
        ("matrix list.json --html a-folder", "--html a-folder: it is a folder"),
        ("show result.json", "result.json: no transcript (its format is 1"),
        ("show other.json", "other.json: no transcript; give a file that `run --transcripts` wrote"),
        ("show a-folder", "a-folder: Is a directory"),
        ("list --features --rule x", "--rule"),
        ("fuzz --save-failures a-file", "--save-failures a-file: it is a file; give a folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_4(command: Any, line: str, said: str) -> None:
    """Each mistake is answered in one line on standard error that says what is wrong, and nothing is started."""
    done = command(*shlex.split(line))
    assert done.code == 4, done.err
    assert said in done.err
    assert done.out == ""
    assert done.err.startswith("responses-conformance: ")
    assert done.err.count("\n") == 1


def test_a_taken_port_is_named(command: Any) -> None:
    """A port on which another program listens is the user's to change: exit 4 before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = command("run", "--target-command", "x {port}", "--fake-port", str(port), *NARROW)
        assert done.code == 4
        assert f"cannot listen on 127.0.0.1:{port}: another program listens there" in done.err
        assert done.err.count("\n") == 1
        fake = command("fake", "--dialect", "vllm", "--port", str(port))
    assert fake.code == 2
    assert f"cannot listen on 127.0.0.1:{port}: another program listens there" in fake.err
    assert fake.err.count("\n") == 1


@pytest.mark.parametrize(
    ("target", "said", "name"),
    [
        ("no-such-program --port {port}", "there is no program 'no-such-program' on PATH", "no-such-program"),
        ("./a-file --port {port}", "'./a-file' may not be executed", "a-file"),
        ("sh -c 'echo my config is missing; exit 3'", "| my config is missing", "sh"),
    ],
)
def test_a_target_that_does_not_start_is_explained(command: Any, target: str, said: str, name: str) -> None:
    """A target that cannot be started, or dies, is exit 2, with the reason or its last words."""
    done = command("run", "--target-command", target, *NARROW)
    assert done.code == 2
    assert said in done.out
    assert f"\n{name} could not be judged by the openai profile" in done.out
    assert "Traceback" not in done.out + done.err


def test_a_baseline_that_cannot_be_read_costs_no_run(command: Any) -> None:
    """A wrong baseline is found before the target is started."""
    done = command("run", "--target-command", "x {port}", "--baseline", "broken.toml", *NARROW)
    assert done.code == 4
    assert "broken.toml:2: not TOML" in done.err


def test_features_are_listed(command: Any) -> None:
    """`list --features` says of each feature what it means, how much depends on it, and which profile's core it is."""
    entries = {entry["feature"]: entry for entry in command("list", "--features", "--json").json}
    assert entries["store"]["rules"] > 0
    assert entries["store"]["cases"] > 0
    assert entries["reasoning"]["core"] == ["openai", "open-responses", "superset", "codex"]
    (line,) = [line for line in command("list", "--features").out.splitlines() if line.startswith("images ")]
    assert "the target passes `input_image` parts on (core to open-responses, superset)" in line


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": SOURCE}


@contextmanager
def _heard(number: signal.Signals) -> Iterator[None]:
    """Processes started meanwhile hear the signal, even if a shell ignores it for what it runs with `&`."""
    before = signal.getsignal(number)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupt_ends_the_target_too(folder: Path, number: signal.Signals) -> None:
    """Ctrl-C, and the SIGTERM of a CI job that is cancelled, exit 2 in one line and leave no target behind."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    target = f"sh -c 'echo $$ > {fifo}; exec sleep 600' {{port}}"
    words = ("run", "--target-command", target, *NARROW)
    with _heard(number):
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance", *words],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    pid = int(fifo.read_text())  # waits for the target
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert err.splitlines()[-1] == "responses-conformance: interrupted: nothing was decided"
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _shell(line: str) -> subprocess.CompletedProcess[str]:
    command = f"{shlex.quote(sys.executable)} -m conformance {line}"
    return subprocess.run(command, shell=True, env=_environment(), capture_output=True, text=True, timeout=60)


def test_a_closed_standard_output_is_no_fault() -> None:
    """Where nobody takes the output (`>&-`), the exit code still tells."""
    done = _shell("list --profiles >&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", ["list", "list --profiles"])
def test_a_full_disk_is_not_called_a_fault_of_the_suite(words: str) -> None:
    """Output that cannot be written is exit 2 and one line, however much it was."""
    done = _shell(f"{words} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "responses-conformance: the output could not be written: No space left on device\n"


def test_a_verdict_survives_a_report_that_cannot_be_written(
    command: Any, folder: Path, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a file cannot be written after all, the console has the verdict all the same, and the exit code is 4."""
    (folder / "a.sse").write_text(stream)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "r.xml")

    monkeypatch.setattr("conformance.cli.output.write_junit", full)
    done = command("lint", "a.sse", "--junitxml", "r.xml")
    assert done.code == 4
    assert re.search(r"^a\.sse (conforms|does not conform)", done.out, re.MULTILINE)
    assert done.err == "responses-conformance: r.xml: No space left on device\n"


def test_rows_with_nothing_judged_are_left_out(command: Any, folder: Path, stream: str) -> None:
    """The console's table shows the areas that were judged; --verbose shows the others, too."""
    (folder / "a.sse").write_text(stream)
    brief, whole = command("lint", "a.sse").out, command("lint", "a.sse", "--verbose").out
    assert not re.search(r"^shutdown ", brief, re.MULTILINE)
    assert re.search(r"^shutdown ", whole, re.MULTILINE)
    assert "with nothing judged left out: --verbose shows them, and why" in brief
    assert re.search(r"^all +\d+ ", brief, re.MULTILINE)


def test_a_case_with_many_sources_names_three(command: Any, folder: Path) -> None:
    """A failure names the first sources of its case and how many more there are; the result document has them all."""
    words = ("run", "--target-command", _tiny("no-created"), "--dialect", "chat_completions", *NARROW[2:])
    done = command(*words, "--json", "r.json")
    assert done.code == 1
    (verdict,) = json.loads((folder / "r.json").read_text())["verdicts"]
    sources = verdict["violations"][0]["case_source"].split("; ")
    assert len(sources) > 4
    told = " ".join(done.out.split())
    assert f"(from {'; '.join(sources[:3])}; and {len(sources) - 3} more)" in told


def _tiny(wrong: str) -> str:
    tiny = Path(__file__).with_name("tiny_target.py")
    return f"{{python}} {tiny} --port {{port}} --upstream {{upstream}} --wrong {wrong}"
