"""Driving cases: gates, hostile deliveries, clients that leave, turns that build on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conformance.cases.case import Case, Turn
from conformance.drive import GATE_MISSES, INGREDIENTS, Driver, DriveSettings, drive_case
from conformance.targets import load_target, start_target
from conformance.transcript import DriveKind, Transcript
from fakes.recording import load_all
from fakes.script import Comment, Dies, Script, Silence, Text
from fakes.upstream import FakeUpstream

TargetFile = Callable[..., str]
Driving = Callable[..., Driver]


@pytest.fixture
def driving(target_file: TargetFile) -> Iterator[Driving]:
    """Starts the small target with a lie, and gives a driver for it."""
    with ExitStack() as stack:

        def start(lie: str, **settings: Any) -> Driver:
            upstream = stack.enter_context(FakeUpstream("chat_completions"))
            target = load_target(target_file(lie))
            running = stack.enter_context(start_target(target, "chat_completions", upstream.url))
            return Driver("chat_completions", running.endpoint, upstream, DriveSettings(**settings))

        yield start


def turn(*answers: Any, **more: Any) -> Turn:
    content = [{"type": "input_text", "text": "Say hello."}]
    request = {"input": [{"type": "message", "role": "user", "content": content}]}
    return Turn(request=request, answers=answers, **more)


HELLO = Script(parts=(Text(("Hel", "lo ", "there", ", you.")),))


def case(*turns: Turn, drives: tuple[DriveKind, ...] = ("stream",), name: str = "test.case", **more: Any) -> Case:
    return Case(id=name, summary="s", source="here", turns=turns, drives=frozenset(drives), **more)


def text_of(transcript: Transcript, kind: DriveKind) -> str:
    drive = transcript.drive(kind)
    assert drive is not None, transcript.drives
    return "".join(event.get("delta") or "" for event in drive.exchanges[-1].events)


def test_a_transcript_holds_both_sides(driving: Driving) -> None:
    """One exchange a turn and drive, with what the upstream received, sent and said, in one time."""
    transcript = driving("relays").drive(case(turn(HELLO), drives=("stream", "json"), tags=frozenset({"t"})))
    assert [drive.kind for drive in transcript.drives] == ["stream", "json"]
    assert transcript.facts["tags"] == {"t"}
    for drive in transcript.drives:
        (exchange,) = drive.exchanges
        (call,) = exchange.upstream
        assert exchange.said is not None
        assert exchange.said.joined("text") == "Hello there, you."
        assert (exchange.ended, call.ended) == ("complete", "complete")
        assert call.ended_at is not None
        assert 0 < call.received_at <= call.sent[0].t <= call.ended_at <= exchange.ended_at + 1
        assert call.json["model"] == exchange.request.body["model"]
        assert exchange.request.body["model"] in call.json["messages"][0]["content"]
    assert text_of(transcript, "stream") == "Hello there, you."


def test_what_a_target_hung_up_on_was_said(driving: Driving) -> None:
    """A target that leaves an answer after its finish reason is not excused by the rest, which it did not hear."""
    long = Script(parts=(Text(("Hello ", "x" * 8_000_000)),))
    (drive,) = driving("hangs-up").drive(case(turn(long))).drives
    (call,) = drive.exchanges[0].upstream
    assert (call.ended, call.faultless) == ("client-gone", True)
    assert drive.exchanges[0].said is not None
    assert drive.exchanges[0].said.ends == {"completed"}


SLOW = Script(parts=(Text(("Hello ",)), Silence(0.6), Text(("there, ",)), Silence(0.6), Text(("you.",))))


@pytest.mark.parametrize(
    ("lie", "timing", "abandoned"),
    [
        ("hangs-up", {}, True),
        ("hangs-up", {"idle": 5.0}, True),
        ("hangs-up", {"idle": 0.01}, False),
        ("relays", {}, False),
    ],
)
def test_a_slow_upstream_is_abandoned(driving: Driving, lie: str, timing: dict[str, float], abandoned: bool) -> None:
    """A target that leaves within a pause that it must bear has abandoned a sound answer."""
    (drive,) = driving(lie, timing=timing).drive(case(turn(SLOW))).drives
    assert drive.exchanges[0].said is not None
    assert drive.exchanges[0].said.abandoned is abandoned


def test_gates_open_for_a_target_that_passes_on(driving: Driving) -> None:
    """A target that passes each delta on at once never lags."""
    transcript = driving("relays").drive(case(turn(HELLO), drives=("gated",)))
    (drive,) = transcript.drives
    (call,) = drive.exchanges[0].upstream
    assert call.lags == []
    assert text_of(transcript, "gated") == "Hello there, you."


def test_gated_drives_end_after_three_misses(driving: Driving) -> None:
    """A target that holds everything back has lags noted, and after three such cases no more gates are tried."""
    driver = driving("holds-back")
    gated = case(turn(HELLO), drives=("stream", "gated"))
    transcripts = [driver.drive(gated) for _ in range(GATE_MISSES + 1)]
    assert all(one.drives[1].exchanges[0].upstream[0].lags for one in transcripts[:GATE_MISSES])
    assert [drive.kind for drive in transcripts[-1].drives] == ["stream"]


def test_the_guilty_ingredient_is_named(driving: Driving) -> None:
    """A target that cannot read CRLF differs under the hostile delivery, and CRLF alone is named."""
    transcript = driving("breaks-on-crlf").drive(case(turn(HELLO), drives=("stream", "hostile")))
    assert text_of(transcript, "stream") == "Hello there, you."
    found = transcript.facts["hostile"]
    assert found["guilty"] == ["crlf"]
    assert found["steady"] is True
    assert found["path"].startswith("events["), found
    assert [drive.ingredients for drive in transcript.drives] == [(), (), *((one,) for one in INGREDIENTS)]


def test_no_difference_costs_no_more_drives(driving: Driving) -> None:
    """A target that stands the hostile delivery is driven once under it."""
    transcript = driving("relays").drive(case(turn(HELLO), drives=("stream", "hostile")))
    assert [drive.kind for drive in transcript.drives] == ["stream", "hostile"]
    assert "hostile" not in transcript.facts


def test_thorough(driving: Driving) -> None:
    """`thorough` adds each ingredient alone and the bytes one by one."""
    driver = driving("relays", thorough=True)
    script = Script(parts=(Text(("a",)), Comment()))
    transcript = driver.drive(case(turn(script), drives=("stream", "hostile")))
    kinds = [(drive.kind, drive.ingredients) for drive in transcript.drives]
    assert kinds == [("stream", ()), ("hostile", ()), ("bytes", ()), *(("hostile", (one,)) for one in INGREDIENTS)]
    assert all(drive.problem is None for drive in transcript.drives)


@pytest.mark.parametrize("leave_after", [0, 2])
def test_a_client_that_leaves(driving: Driving, leave_after: int) -> None:
    """The client leaves before the status line or after so many events, once the upstream was called."""
    waiting = Script(parts=(Text(("Hello ",)), Dies("stall")))
    transcript = driving("relays").drive(case(turn(waiting, leave_after=leave_after)))
    (exchange,) = transcript.drives[0].exchanges
    assert exchange.ended == "client-left"
    assert len(exchange.answered_calls) == 1
    assert len(exchange.events) >= leave_after
    assert (exchange.status is None) == (leave_after == 0)


def test_a_turn_that_cannot_be_sent(driving: Driving) -> None:
    """After an answer that leaves nothing to go on from, the drive ends, and the answer is judged as it is."""
    second = Turn(request={"input": [{"$output": 0}]}, answers=(HELLO,))
    transcript = driving("bare").drive(case(turn(HELLO), second))
    (drive,) = transcript.drives
    assert drive.problem is None
    assert len(drive.exchanges) == 1
    assert transcript.drive("stream") is drive


def test_turns_build_on_each_other(driving: Driving) -> None:
    """A second turn gets its own answers, and sends what the first one gave."""
    content = [{"type": "input_text", "text": "And now?"}]
    question = {"type": "message", "role": "user", "content": content}
    second = Turn(request={"input": [{"$output": 0}, question]}, answers=(Script(parts=(Text(("Bye.",)),)),))
    transcript = driving("relays").drive(case(turn(HELLO), second))
    first, last = transcript.drives[0].exchanges
    assert last.request.body["input"][0]["content"][0]["text"] == "Hello there, you."
    assert last.said is not None
    assert last.said.joined("text") == "Bye."
    assert len(first.upstream) == len(last.upstream) == 1


def test_a_script_that_cannot_be_said_is_the_suites_fault(driving: Driving) -> None:
    """Where the fake cannot answer, the drive is blamed on the suite, not on the target."""
    unknown = Script(parts=(Text(("a",)),), quirks=frozenset({"no-such-quirk"}))
    (drive,) = driving("relays").drive(case(turn(unknown))).drives
    assert drive.blame == "harness"
    assert "no-such-quirk" in (drive.problem or "")


def test_recordings_are_replayed_in_their_form_only(driving: Driving) -> None:
    """A streamed recording answers streamed drives; a target that asks for the other form is not judged by it."""
    recordings = [one for one in load_all() if one.dialect == "chat_completions" and one.status == 200]
    streamed = next(one for one in recordings if one.streamed and one.ended == "complete")
    whole = next(one for one in recordings if not one.streamed and one.request.path.endswith("/chat/completions"))
    driver = driving("relays")
    kinds: tuple[DriveKind, ...] = ("stream", "json")
    assert [drive.kind for drive in driver.drive(case(turn(streamed), drives=kinds)).drives] == ["stream"]
    assert [drive.kind for drive in driver.drive(case(turn(whole), drives=kinds)).drives] == ["json"]
    asks_whole = driving("right")
    assert asks_whole.drive(case(turn(streamed), drives=kinds)).drives == []


def test_nothing_listens(driving: Driving) -> None:
    """A target that is gone is a problem of the drive, not an exception."""
    driver = driving("relays")
    gone = type(driver.endpoint)("http://127.0.0.1:9", "/v1")
    transcript = drive_case(case(turn(HELLO)), "chat_completions", gone, driver.upstream)
    (drive,) = transcript.drives
    assert drive.blame == "target"
    assert "nothing accepts connections" in (drive.problem or "")
