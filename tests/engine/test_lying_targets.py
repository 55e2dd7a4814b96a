"""A whole run against small targets that lie: each lie is told for what it is, and none hangs the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.errors import ExitCode, UsageError
from conformance.runs import RunOptions, RunResult
from conformance.session import run
from conformance.verdict import Outcome, Verdict

TargetFile = Callable[..., str]

LIFECYCLE = (
    "stream.created-first",
    "stream.terminal-event",
    "content.text-equals-upstream",
    "json.text-equals-upstream",
)


def judged(file: str, *, cases: tuple[str, ...] = ("text.plain",), rules: tuple[str, ...] = LIFECYCLE) -> RunResult:
    return run(RunOptions(target=file, cases=cases, rules=rules))


def verdict(result: RunResult, rule: str) -> Verdict:
    return next(one for one in result.verdicts if one.rule.id == rule)


def outcomes(result: RunResult) -> dict[str, Outcome]:
    return {one.rule.id: one.outcome for one in result.verdicts}


@pytest.mark.parametrize("lie", ["right", "slow"])
def test_right_answers_pass(target_file: TargetFile, lie: str) -> None:
    """A right target passes, slow or not, and the run says what it looked at and where its time went."""
    result = judged(target_file(lie))
    assert outcomes(result) == dict.fromkeys(LIFECYCLE, Outcome.PASS)
    assert result.exit_code is ExitCode.CONFORMS
    assert result.drives == 3
    assert all(one.observed for one in result.verdicts)
    assert set(result.phases) == {"start", "preflight", "drive", "stop", "judge"}
    assert result.preflights["chat_completions"].correlation == "model"
    assert not result.trouble
    assert not result.strays["chat_completions"]


def test_only_created_and_completed(target_file: TargetFile) -> None:
    """A target that sends nothing between its first and last event fails the rule of the text, and only that."""
    result = judged(target_file("bare"))
    assert outcomes(result)["content.text-equals-upstream"] is Outcome.FAIL
    assert outcomes(result)["stream.created-first"] is Outcome.PASS
    assert result.exit_code is ExitCode.VIOLATIONS
    finding = verdict(result, "content.text-equals-upstream").findings[0]
    assert finding.transcript.case == "text.plain"


def test_one_call_too_many(target_file: TargetFile) -> None:
    """A target that asks upstream twice is told so; what it makes of the fake's complaint is held against nobody."""
    rules = ("upstream.called-once", "content.text-equals-upstream", "content.end-state-equals-upstream")
    result = judged(target_file("asks-twice"), rules=rules)
    assert outcomes(result) == {
        "upstream.called-once": Outcome.FAIL,
        "content.text-equals-upstream": Outcome.NOT_APPLICABLE,
        "content.end-state-equals-upstream": Outcome.NOT_APPLICABLE,
    }


def test_no_answer_at_all(target_file: TargetFile) -> None:
    """A target that never answers costs one deadline, and the diagnosis says that nothing came."""
    result = judged(target_file("silent", patience=2))
    assert [preflight.transcript.case for preflight in result.preflights.values()] == ["preflight"]
    assert result.transcripts == []
    assert result.exit_code is ExitCode.TROUBLE
    assert result.verdicts == []
    (trouble,) = result.trouble
    assert trouble.blame == "target"
    assert "never called its upstream, and gave no answer: nothing came for 2 s" in trouble.message


def test_501_to_everything(target_file: TargetFile) -> None:
    """A target that refuses everything is not judged: one diagnosis shows what was sent and what came."""
    result = judged(target_file("not-implemented"))
    assert result.exit_code is ExitCode.TROUBLE
    message = result.trouble[0].message
    assert "never called its upstream, and answered 501" in message
    assert "sent:     POST /v1/responses" in message
    assert "Not Implemented" in message
    assert "the fake waits on POST http://127.0.0.1:" in message
    assert "arrived there: nothing" in message


def test_a_client_error(target_file: TargetFile) -> None:
    """A 400 that comes without a call upstream asks for the model name, which is the usual cause."""
    result = judged(target_file("never-asks"))
    assert "model_not_found" in result.trouble[0].message
    assert "--model" in result.trouble[0].message


def test_the_wrong_path(target_file: TargetFile) -> None:
    """A target that calls another route is told which one answers, and what arrived."""
    result = judged(target_file("wrong-path"))
    assert result.exit_code is ExitCode.TROUBLE
    message = result.trouble[0].message
    assert "not on the route that answers: POST http://127.0.0.1:" in message
    assert "/v1/chat/completions" in message
    assert "arrived there: POST /v2/chat" in message


def test_exits_at_once(target_file: TargetFile) -> None:
    """A target that exits before it is ready is reported with its status and its last words."""
    result = judged(target_file("exits"))
    assert result.exit_code is ExitCode.TROUBLE
    (trouble,) = result.trouble
    assert "exited with status 1 before it was ready" in trouble.message
    assert "no licence key" in trouble.log


def test_dies_while_it_is_driven(target_file: TargetFile) -> None:
    """What a dead target could not be asked is no violation: it is told once, with the target's last words."""
    result = judged(target_file("dies"), cases=("text.plain", "text.unicode"))
    assert result.exit_code is ExitCode.TROUBLE
    (trouble,) = result.trouble
    assert "exited with status 7 while it was driven" in trouble.message
    assert "out of luck" in trouble.log
    driven = verdict(result, "case.driven")
    assert driven.outcome is Outcome.SETUP_ERROR
    assert "nothing accepts connections" in driven.reason


def test_a_command_that_does_not_exist(target_file: TargetFile) -> None:
    """A target whose command cannot be run is trouble, not a crash of the suite."""
    result = run(
        RunOptions(target_command="/no/such/proxy --port {port}", dialects=("chat_completions",), cases=("text.plain",))
    )
    assert "cannot be started" in result.trouble[0].message
    assert result.exit_code is ExitCode.TROUBLE


@pytest.mark.parametrize(("lie", "correlation"), [("forgets-model", "text"), ("forgets-all", "serial")])
def test_requests_are_told_apart(target_file: TargetFile, lie: str, correlation: str) -> None:
    """Where the model name does not come through, the user's text tells requests apart, else they come one by one."""
    result = judged(target_file(lie), cases=("text.plain", "text.unicode", "text.one-fragment"))
    assert result.preflights["chat_completions"].correlation == correlation
    assert outcomes(result) == dict.fromkeys(LIFECYCLE, Outcome.PASS)
    assert all(
        exchange.said is not None
        for transcript in result.transcripts
        for drive in transcript.drives
        for exchange in drive.exchanges
    )


def test_a_command_line_target(target_file: TargetFile, tmp_path: object) -> None:
    """A command given on the command line is started like one of a file, with its placeholders filled."""
    from conformance.targets import load_target

    command = load_target(target_file("right")).way("chat_completions").command
    assert command is not None
    result = run(
        RunOptions(
            target_command=" ".join(command), dialects=("chat_completions",), cases=("text.plain",), rules=LIFECYCLE
        )
    )
    assert outcomes(result) == dict.fromkeys(LIFECYCLE, Outcome.PASS)
    assert result.command is not None
    assert "{port}" not in result.command


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (RunOptions(), "name one target"),
        (RunOptions(target="reference", target_url="http://127.0.0.1:1/v1"), "name one target"),
        (RunOptions(target="refrence"), "did you mean reference"),
        (RunOptions(target="reference", rules=("no.such-rule",)), "no rule"),
        (RunOptions(target="reference", cases=("no.such-case",)), "no case"),
        (RunOptions(target="miniature:no-such"), "no miniature"),
        (RunOptions(target_command="x"), "--dialect"),
        (RunOptions(target_url="http://127.0.0.1:1/v1", dialects=("vllm",)), "--fake-port"),
        (RunOptions(target_url="127.0.0.1", dialects=("vllm",), fake_port=9), "is no URL"),
        (RunOptions(target="reference", path="/v1"), "/responses"),
    ],
)
def test_wrong_usage(options: RunOptions, words: str) -> None:
    """What the user gave wrong is an error of usage in one sentence, before anything is started."""
    with pytest.raises(UsageError, match=words):
        run(options)
