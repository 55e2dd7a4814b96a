"""`run`: every option, driven against a target of this folder that is right or wrong on demand."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from conformance.cli.options import OPTIONS
from conformance.report import check_document
from conformance.rules import CLIENT_PROFILES

TINY = Path(__file__).with_name("tiny_target.py")
COMMAND = f"{{python}} {TINY} --port {{port}} --upstream {{upstream}}"
NARROW = ("--rule", "stream.created-first", "--case", "text.plain")

Run = Callable[..., Any]


@pytest.fixture
def run(command: Any) -> Run:
    """Runs the tiny target on one case and one rule, with more options; `wrong` makes it err."""

    def run(*words: str | Path, wrong: str | None = None, narrow: tuple[str, ...] = NARROW) -> Any:
        target = COMMAND + (f" --wrong {wrong}" if wrong else "")
        return command("run", "--target-command", target, "--dialect", "chat_completions", *narrow, *words)

    return run


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_option_has_a_test_that_runs_it() -> None:
    """No flag of `run` is missing from the tests of this folder, or of that of live endpoints."""
    folders = (Path(__file__).parent, Path(__file__).parents[1] / "live")
    text = "".join(file.read_text() for folder in folders for file in folder.glob("*.py"))
    assert [option.flags[0] for option in OPTIONS if f'"{option.flags[0]}"' not in text] == []


def test_a_right_target_passes(run: Run) -> None:
    """A rule that holds is observed in each drive, and the exit code is 0."""
    done = run("--json", "-")
    document = check_document(done.json)
    assert done.code == document["exit_code"] == 0
    (verdict,) = document["verdicts"]
    assert (verdict["rule"], verdict["dialect"], verdict["outcome"]) == (
        "stream.created-first",
        "chat_completions",
        "pass",
    )
    assert verdict["observed"] >= 2
    assert document["drives"] == 3
    assert document["target"]["name"] == "tiny_target.py"


def test_a_selection_is_never_the_whole_profile(run: Run) -> None:
    """`--rule` and `--case` make the verdict partial, in words."""
    done = run()
    assert "only rules that match stream.created-first" in done.out
    assert "only cases that match text.plain" in done.out


def test_a_wrong_target_fails_with_the_message(run: Run) -> None:
    """A broken rule exits 1 with the whole message: the event, both texts, the upstream's words and the rerun line."""
    done = run(wrong="no-created")
    assert done.code == 1
    assert "FAIL  stream.created-first[chat_completions]" in done.out
    assert re.search(r"^  > +0  response.in_progress ", done.out, re.MULTILINE)
    assert "the last thing it had said before event 0 came" in done.out
    assert '"object":"chat.completion"' in done.out
    rerun = next(line for line in done.out.splitlines() if line.startswith("  rerun"))
    assert shlex.split(rerun)[1:3] == ["responses-conformance", "run"]
    assert ("--dialect", "chat_completions", *NARROW) == tuple(shlex.split(rerun)[-6:])


def test_the_rerun_line_reruns_it(run: Run, command: Any) -> None:
    """The last line of a failure, given back to the shell, fails just so again."""
    first = run("--feature", "reasoning", "--strict-upstream", "--profile", "superset", wrong="no-created")
    rerun = next(line for line in first.out.splitlines() if line.startswith("  rerun"))
    words = shlex.split(rerun)[2:]
    assert {"--feature", "--strict-upstream", "--profile"} <= set(words)
    again = command(*words)
    assert again.code == first.code == 1
    assert rerun in again.out


def test_progress_goes_to_standard_error(run: Run) -> None:
    """What is driven is told on standard error; without a terminal there is no colour anywhere."""
    done = run()
    assert "[3/3] text.plain [chat_completions]" in done.err
    assert "\x1b" not in done.out + done.err


def test_reports_are_written(run: Run, tmp_path: Path) -> None:
    """`--json FILE`, `--junitxml` and `--summary` each write a file that agrees with the console."""
    files = [tmp_path / "deep" / name for name in ("r.json", "r.xml", "r.md")]
    done = run("--json", files[0], "--junitxml", files[1], "--summary", files[2], wrong="no-created")
    document = check_document(json.loads(files[0].read_text()))
    assert document["exit_code"] == done.code == 1
    root = ElementTree.parse(files[1]).getroot()
    assert root is not None
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "1", "0")
    assert files[2].read_text().startswith("# tiny\\_target.py does not conform")


def test_verbose_tells_the_reasons(run: Run) -> None:
    """`-v` shows why rules were not judged."""
    narrow = ("--rule", "stream.error-then-failed", "--rule", "stream.created-first", "--case", "text.plain")
    assert "nothing to judge" not in run(narrow=narrow).out
    assert "stream.error-then-failed[chat_completions]: nothing to judge" in run("-v", narrow=narrow).out


def test_profile_and_requirements_are_taken(run: Run) -> None:
    """`--profile` decides and is named; an unknown profile or requirement set is a usage error."""
    assert "the openai-python profile" in run("--profile", "openai-python").out
    assert run("--profile", "gemini").code == 4
    done = run("--requirements", "1999.01")
    assert done.code == 4
    assert "1999.01" in done.err


def test_each_client_has_a_line(run: Run) -> None:
    """After the verdict each client has a line: what breaks it, and how much of what it needs had no evidence."""
    narrow = ("--rule", "stream.created-first", "--rule", "stream.terminal-event", "--case", "text.plain")
    out = run(wrong="no-created", narrow=narrow).out
    lines = {line.split()[0]: line for line in out.partition("does not conform")[2].splitlines() if line.strip()}
    assert "not ready: stream.created-first (raises); not judged: " in lines["openai-python"]
    assert "ready as far as judged: 1 rule holds; not judged: " in lines["codex"]
    assert set(CLIENT_PROFILES) <= set(lines)


def test_nothing_judged_is_not_success(run: Run) -> None:
    """When no selected rule finds anything to look at, the exit code is 2."""
    done = run(narrow=("--rule", "stream.error-then-failed", "--case", "text.plain"))
    assert done.code == 2
    assert "nothing was judged" in done.out


@pytest.mark.parametrize("narrow", [("--rule", "no.such"), ("--case", "no.such")])
def test_a_selection_of_nothing_is_a_usage_error(run: Run, narrow: tuple[str, str]) -> None:
    """A glob that matches nothing exits 4 and names the glob."""
    done = run(narrow=narrow)
    assert done.code == 4
    assert "no.such" in done.err


def test_a_baseline_makes_a_failure_expected(run: Run, tmp_path: Path) -> None:
    """`--write-baseline` with `--reason` writes failures; `--baseline` makes them expected, and stale once mended."""
    file = tmp_path / "known.toml"
    written = run("--write-baseline", file, "--reason", "the author knows", wrong="no-created")
    assert written.code == 1
    (entry,) = tomllib.loads(file.read_text())["expected"]
    assert (entry["rule"], entry["cases"], entry["reason"]) == (
        "stream.created-first",
        ["text.plain"],
        "the author knows",
    )
    expected = run("--baseline", file, wrong="no-created")
    assert expected.code == 0
    assert "does not conform" in expected.out
    assert "as its baseline expects" in expected.out
    stale = run("--baseline", file)
    assert stale.code == 1
    assert "stream.created-first[chat_completions]: the baseline expects" in stale.out


@pytest.mark.parametrize(
    "words",
    [
        ("--write-baseline", "known.toml"),
        ("--reason", "why"),
        ("--write-baseline", "known.toml", "--reason", "  "),
        ("--baseline", "/no/such/baseline.toml"),
        ("--maxfail", "0"),
        ("--fake-port", "70000"),
        ("--target-env", "NOVALUE"),
        ("--path", "/v1/chat"),
        ("--target", "reference"),
        ("--dialect", "gemini"),
    ],
)
def test_wrong_options_are_usage_errors(run: Run, words: tuple[str, ...]) -> None:
    """What is given wrongly is one line on standard error and exit 4, before anything is started."""
    done = run(*words)
    assert done.code == 4
    assert done.err.splitlines()[-1].startswith("responses-conformance: ")
    assert "starting" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--target-url", "http://127.0.0.1:1/v1"),
        ("--target", "no-such-target"),
        ("--target", "miniature:no-such"),
        ("--target-command", "  ", "--dialect", "vllm"),
        ("--target-command", "true"),
    ],
)
def test_a_target_must_be_named_rightly(command: Any, words: tuple[str, ...]) -> None:
    """No target, half a target and unknown targets are usage errors that say what to give."""
    done = command("run", *words)
    assert done.code == 4, done.err
    assert done.err.count("\n") == 1


def test_maxfail_stops_early_and_says_so(run: Run) -> None:
    """`--maxfail` tells no more verdicts than it takes, and the result says that it is not whole."""
    narrow = ("--rule", "stream.created-*", "--rule", "sequence.*", "--case", "text.plain")
    whole = run("--json", "-", wrong="no-created", narrow=narrow).json
    cut = run("--json", "-", "--maxfail", "1", wrong="no-created", narrow=narrow).json
    assert [verdict["outcome"] for verdict in cut["verdicts"]].count("fail") == 1
    assert len(cut["verdicts"]) < len(whole["verdicts"])
    assert any("stopped early" in reason for reason in cut["partial"])


def test_transcripts_are_kept_and_judged_again(run: Run, command: Any, tmp_path: Path) -> None:
    """`--transcripts` keeps what was seen; `lint` judges it as the run did, and `show` shows both sides."""
    run("--transcripts", tmp_path, wrong="no-created")
    (file,) = tmp_path.glob("*.json")
    done = command("lint", file, "--rule", "stream.created-first")
    assert done.code == 1
    assert "FAIL  stream.created-first[chat_completions]" in done.out
    shown = command("show", file)
    assert shown.code == 0
    for wanted in ("text.plain", "POST /v1/responses", "response.in_progress", "POST /v1/chat/completions"):
        assert wanted in shown.out


def test_the_target_gets_its_environment_and_no_secret_is_told(run: Run, tmp_path: Path) -> None:
    """`--target-env` reaches the target; the rerun line repeats it, but not what looks like a key."""
    words = ("--target-env", "TINY=marked", "--target-env", "TINY_API_KEY=hidden")
    done = run(*words, wrong="no-created")
    assert "--target-env TINY=marked" in done.out
    assert "hidden" not in done.out + done.err
    lost = run(*words, wrong="nothing")
    assert "marked" in lost.out


def test_model_path_and_ready_are_used(run: Run) -> None:
    """`--model` fills the template, `--path` is where requests go, `--ready` is asked before anything is driven."""
    words = ("--model", "tiny/{case}", "--path", "/elsewhere/responses", "--ready", "http://127.0.0.1:{port}/ready")
    done = run(*words, wrong="no-created")
    assert done.code == 1
    assert "POST /elsewhere/responses" in done.out
    assert '"model": "tiny/' in done.out


def test_thorough_drives_more(run: Run) -> None:
    """`--thorough` makes more drives of the same case."""
    plain, thorough = (run("--json", "-", *words).json["drives"] for words in ((), ("--thorough",)))
    assert thorough > plain


def test_a_running_target_is_judged_by_its_url(command: Any) -> None:
    """`--target-url` with `--fake-port` and `--fake-host` judges a target that the suite did not start."""
    port, fake_port = _free_port(), _free_port()
    process = subprocess.Popen(
        [sys.executable, TINY, "--port", str(port), "--upstream", f"http://127.0.0.1:{fake_port}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        done = command(
            *("run", "--target-url", f"http://127.0.0.1:{port}/v1"),
            *("--fake-host", "127.0.0.1", "--fake-port", str(fake_port)),
            *("--dialect", "chat_completions", *NARROW),
        )
    finally:
        process.terminate()
        process.wait(timeout=10)
    assert done.code == 0, done.out + done.err


def test_a_target_file_may_declare_everything(command: Any, tmp_path: Path) -> None:
    """`--target FILE.toml` judges a third party's target; `--dialect all` takes what the file supports."""
    words = [word.replace("{{", "{").replace("}}", "}") for word in shlex.split(COMMAND)]
    file = tmp_path / "tiny.toml"
    file.write_text(
        f'format = 1\nname = "tiny"\nversion = "7"\nprofile = "superset"\ndialects = ["chat_completions", "vllm"]\n'
        f"[start]\ncommand = {json.dumps(words)}\n"
    )
    document = command("run", "--target", file, "--dialect", "all", *NARROW, "--json", "-").json
    assert document["dialects"] == ["chat_completions", "vllm"]
    assert (document["target"]["name"], document["target"]["version"], document["profile"]) == ("tiny", "7", "superset")
    assert {verdict["dialect"] for verdict in document["verdicts"]} == {"chat_completions", "vllm"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("silent", "no licence file found"),
        ("exits", "gave no answer"),
        ("nothing", "answered 501"),
        ("wrong-path", "/v1/chat/nowhere"),
    ],
)
def test_a_target_that_cannot_be_judged_is_diagnosed(run: Run, wrong: str, said: str) -> None:
    """A target that does not work is exit 2 with one diagnosis, not a wall of failures."""
    done = run("--json", "-", wrong=wrong)
    document = check_document(done.json)
    assert done.code == document["exit_code"] == 2
    assert document["conformance"] == "could not be judged"
    assert document["verdicts"] == []
    (trouble,) = document["trouble"]
    assert trouble["blame"] == "target"
    assert said in trouble["message"] + trouble["log"]
