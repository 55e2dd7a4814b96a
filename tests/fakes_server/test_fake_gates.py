"""Gates: what the client must have received before the next frame goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fakes import FakeUpstream, Frame, Gated, Lag, Reply, Script, UpstreamCall, Verbatim, new_token
from fakes.gates import ClientProgress, Gatekeeper, Hold
from fakes.script import Text

STREAM = (("content-type", "text/event-stream"),)
PIECES = ("one ", "two ", "three ", "four")

Ask = Callable[..., Any]


def never() -> bool:
    return False


def a_call() -> UpstreamCall:
    return UpstreamCall("POST", "/", "", (), b"", None, 0.0)


def replied(pieces: tuple[str, ...]) -> Verbatim:
    frames = [Frame(f"data: {piece}\n\n".encode(), piece) for piece in pieces]
    return Verbatim(Reply(200, STREAM, (*frames, Frame(b"data: [DONE]\n\n"))))


def test_a_gate_holds_until_the_client_has_it(upstream: FakeUpstream, ask: Ask) -> None:
    """When a frame has arrived, the next has not been sent yet; it goes when the client reports the first."""
    token = new_token()
    expectation = upstream.expect(token, [replied(PIECES)], delivery=Gated(grace=10))
    ahead: list[int] = []

    def seen(body: bytes) -> None:
        received = body.count(b"data:")
        ahead.append(len(expectation.calls[0].sent) - received)
        expectation.client_received("".join(PIECES[:received]))

    reading = ask(token, on_chunk=seen)
    assert ahead == [0] * 5
    assert len(reading.pieces) == 5
    assert expectation.wait_idle(5)
    assert expectation.calls[0].lags == []


def test_counts_open_gates_as_texts_do(upstream: FakeUpstream, ask: Ask) -> None:
    """The client may report how many characters it has instead of the text."""
    token = new_token()
    expectation = upstream.expect(token, [replied(PIECES)], delivery=Gated(grace=10))
    ask(token, on_chunk=lambda body: expectation.client_received(len("".join(PIECES[: body.count(b"data:")]))))
    assert expectation.wait_idle(5)
    assert expectation.calls[0].lags == []


def test_a_client_that_gets_nothing_is_noted_and_then_left_alone(upstream: FakeUpstream, ask: Ask) -> None:
    """A target that streams nothing costs three graces; each is noted, with how many frames were owed."""
    token = new_token()
    expectation = upstream.expect(token, [replied(tuple("abcdefgh"))], delivery=Gated(grace=0.02))
    reading = ask(token)
    assert len(reading.pieces) == 9
    assert expectation.wait_idle(5)
    (call,) = expectation.calls
    assert call.lags == [Lag(1, 1), Lag(2, 2), Lag(3, 3)]
    assert call.ended == "complete"


def test_a_client_one_frame_behind_is_noted(upstream: FakeUpstream, ask: Ask) -> None:
    """A target that holds one delta back is one frame late at each gate."""
    token = new_token()
    expectation = upstream.expect(token, [replied(("ab", "cd", "ef", "gh"))], delivery=Gated(grace=0.4))

    def seen(body: bytes) -> None:
        expectation.client_received("abcdefgh"[: 2 * (body.count(b"data:") - 1)])

    ask(token, on_chunk=seen)
    assert expectation.wait_idle(5)
    assert expectation.calls[0].lags == [Lag(1, 1), Lag(2, 1), Lag(3, 1)]


def test_json_answers_do_not_gate(upstream: FakeUpstream, ask: Ask) -> None:
    """A gated delivery of one JSON body sends it at once."""
    token = new_token()
    expectation = upstream.expect(token, [Script(parts=(Text(PIECES),))], delivery=Gated(grace=60))
    assert ask(token, stream=False).ended == "complete"
    assert expectation.calls[0].lags == []


def test_forgetting_opens_all_gates(upstream: FakeUpstream, ask: Ask) -> None:
    """When an expectation is forgotten, what waits at its gates goes on at once."""
    token = new_token()
    expectation = upstream.expect(token, [replied(PIECES)], delivery=Gated(grace=60))
    reading = ask(token, on_chunk=lambda body: upstream.forget(expectation))
    assert (len(reading.pieces), reading.ended) == (5, "complete")


def test_white_space_that_a_target_trims_is_not_held_against_it() -> None:
    """A gate opens when all but white space has arrived: trimming is no delay."""
    call, progress = a_call(), ClientProgress()
    gates = Gatekeeper(call, progress, grace=0.01)
    gates.hold(0, "\n", never)
    progress.report("Hello")
    gates.hold(1, "\nHello", never)
    progress.report("Hello world")
    gates.hold(2, " world ", never)
    assert call.lags == []


def test_a_report_never_goes_back() -> None:
    """An older report that comes later takes nothing away."""
    progress = ClientProgress()
    progress.report("abc")
    progress.report("a")
    progress.report(2)
    assert progress.characters == 3


def test_a_second_answer_counts_from_what_was_received_before() -> None:
    """The gates of a later call want its own text on top of what the client already has."""
    call, progress = a_call(), ClientProgress()
    progress.report("first answer")
    gates = Gatekeeper(call, progress, grace=0.01)
    gates.hold(0, "more", never)
    assert call.lags == [Lag(1, 1)]
    progress.report("first answer" + "more")
    gates.hold(1, "", never)
    assert call.lags == [Lag(1, 1)]


def test_waiting_ends_for_each_reason() -> None:
    """A wait says whether it was met, released, left by the target, or too late."""
    progress = ClientProgress()
    assert progress.wait(lambda: True, 5, never) == "met"
    assert progress.wait(never, 5, lambda: True) == "gone"
    assert progress.wait(never, 0.01, never) == "late"
    outcomes: list[str] = []
    waiter = threading.Thread(target=lambda: outcomes.append(progress.wait(never, 20, never)))
    waiter.start()
    progress.release()
    waiter.join(5)
    assert outcomes == ["released"]


def test_a_hold_keeps_an_answer_until_it_is_opened(upstream: FakeUpstream, ask: Ask) -> None:
    """Nothing of the answer goes while it is kept; once opened all of it goes, and the hold says what it waited for."""
    token, hold = new_token(), Hold(30.0)
    expectation = upstream.expect(token, [replied(PIECES)], hold=hold)
    kept: list[int] = []

    def open_it() -> None:
        assert hold.wait_reached(10)
        kept.append(len(expectation.calls[0].sent))
        assert hold.outcome is None
        hold.open()

    opening = threading.Thread(target=open_it)
    opening.start()
    reading = ask(token)
    opening.join()
    assert kept == [0]
    assert len(reading.pieces) == 5
    assert hold.outcome == "met"


def test_a_hold_that_nobody_opens_gives_up(upstream: FakeUpstream, ask: Ask) -> None:
    """When its time is over the answer goes all the same, and a second call is not kept again."""
    token, hold = new_token(), Hold(0.05)
    upstream.expect(token, [replied(PIECES), replied(PIECES)], hold=hold)
    assert [len(ask(token).pieces), len(ask(token).pieces)] == [5, 5]
    assert hold.outcome == "late"


def test_forgetting_ends_a_hold(upstream: FakeUpstream, ask: Ask) -> None:
    """An expectation that is forgotten keeps nobody waiting."""
    token, hold = new_token(), Hold(30.0)
    expectation = upstream.expect(token, [replied(PIECES)], hold=hold)
    forgetting = threading.Thread(target=lambda: hold.wait_reached(10) and upstream.forget(expectation))
    forgetting.start()
    ask(token)
    forgetting.join()
    assert hold.outcome == "released"
