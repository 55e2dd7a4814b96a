"""The failure message: all that a proxy author needs, and nothing that is not so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.report.evidence import evidence_of
from conformance.report.failure import verdict_message
from conformance.report.json_result import EVIDENCE_PER_VERDICT, PLACES_PER_VIOLATION, verdict_entry
from conformance.report.tally import count_places
from conformance.rules import Place
from conformance.transcript import Exchange, Received, Transcript
from conformance.verdict import Finding, Outcome
from fakes.log import Sent

TARGET = ["run", "--target", "my-proxy"]


def _message(samples: Any, transcript: Transcript, place: Place, **rule: Any) -> str:
    finding = samples.make_finding(transcript, place, "`response.created`", "`response.in_progress`")
    entry = verdict_entry(
        samples.make_verdict(samples.make_rule("stream.created-first", **rule), Outcome.FAIL, finding)
    )
    return verdict_message(entry, TARGET)


def _exchange(transcript: Transcript) -> Exchange:
    return transcript.drives[0].exchanges[0]


def test_everything_that_the_design_demands_is_there(samples: Any) -> None:
    """Rule, level, requirement, reason, source, case, drive, both texts, upstream chunk and rerun line are shown."""
    message = _message(samples, samples.make_transcript(), Place("stream", 0, 1))
    for wanted in (
        "FAIL  stream.created-first[chat_completions]",
        "(must:",
        "The requirement of stream.created-first.",
        "openai-python's stream() raises",
        "openai.types.responses.ResponseCreatedEvent",
        "text.short: a short answer of one piece (from vllm-project/vllm#1)",
        "stream (the client asked for a stream)",
        'POST /v1/responses {"model": "m", "stream": true, "input": "Hi"}',
        "200, text/event-stream, 4 events, complete",
        "`response.created`",
        "`response.in_progress`",
    ):
        assert wanted in message
    assert message.splitlines()[-1].split() == [
        *("rerun", "responses-conformance", *TARGET, "--dialect", "chat_completions"),
        *("--rule", "stream.created-first", "--case", "text.short"),
    ]


def test_two_events_on_either_side_of_the_marked_one(samples: Any) -> None:
    """The offending event is marked, and two stand on either side of it."""
    events = [{"type": "response.in_progress", "sequence_number": at} for at in range(9)]
    finding = samples.make_finding(samples.make_transcript("c.c", *events), Place("stream", 0, 4), "a", "b")
    evidence = evidence_of(finding, "client")
    assert evidence is not None
    assert [(event["index"], event["marked"]) for event in evidence["events"]] == [
        (2, False),
        (3, False),
        (4, True),
        (5, False),
        (6, False),
    ]


def test_without_an_event_the_end_of_the_stream_is_shown(samples: Any) -> None:
    """What is missing has no index: the last events and the end of the stream are shown."""
    message = _message(samples, samples.make_transcript(), Place("stream"))
    assert "the end of 4 events" in message
    assert "(end of the stream)" in message
    assert "  >" not in message


def test_the_chunk_is_the_last_one_sent_before_the_event(samples: Any) -> None:
    """By time: a chunk that was sent after the event arrived cannot have caused it."""
    transcript = samples.make_transcript()
    found = []
    for index in range(4):  # events at 0.01, 0.02, 0.03 and 0.04; chunks at 0.004, 0.012 and 0.035
        evidence = evidence_of(samples.make_finding(transcript, Place("stream", 0, index), "a", "b"), "client")
        assert evidence is not None
        assert evidence["upstream_chunk"] is not None
        found.append(evidence["upstream_chunk"]["write"])
    assert found == [0, 1, 1, 2]


def test_a_chunk_in_pieces_is_shown_as_the_frame_that_it_belongs_to(samples: Any) -> None:
    """Under hostile chunking a write may be half a code point: the frame so far is decoded, not the write."""
    transcript = samples.make_transcript()
    call = _exchange(transcript).upstream[0]
    whole = samples.chat_chunk({"content": "vor"}) + samples.chat_chunk({"content": "Grüße"})
    cut = whole.index("ü".encode()) + 1
    call.sent = [Sent(0.001, whole[:cut]), Sent(0.002, whole[cut:])]
    evidence = evidence_of(samples.make_finding(transcript, Place("stream", 0, 0), "a", "b"), "client")
    assert evidence is not None
    assert evidence["upstream_chunk"] is not None
    text = evidence["upstream_chunk"]["text"]
    assert "Grüße" in text
    assert "vor" not in text


def test_when_everything_was_said_before_words_find_the_chunk(samples: Any) -> None:
    """A fast upstream has said all before the event: what it says of the event or of the violation counts."""
    transcript = samples.make_transcript()
    call = _exchange(transcript).upstream[0]
    chunks = [samples.chat_chunk({"content": text}) for text in ("eins", "Grüße", "dreizehn", "vier_fünf")]
    call.sent = [Sent(0.001, chunk) for chunk in (*chunks, b"data: [DONE]\n\n")]

    def chunk(event: int | None, actual: str) -> Any:
        evidence = evidence_of(samples.make_finding(transcript, Place("stream", 0, event), "x", actual), "client")
        assert evidence is not None
        return evidence["upstream_chunk"]

    assert (chunk(1, "nothing")["word"], chunk(1, "nothing")["write"]) == ("Grüße", 1)
    assert (chunk(3, "no `vier_fünf`")["word"], chunk(3, "no `vier_fünf`")["write"]) == ("vier_fünf", 3)
    assert (chunk(None, "no `dreizehn`")["word"], chunk(None, "no `dreizehn`")["write"]) == ("dreizehn", 2)
    assert (chunk(3, "nothing")["word"], chunk(3, "nothing")["write"]) == (None, 3)
    assert chunk(None, "nothing") is None


def test_an_upstream_rule_shows_the_request_and_no_key(samples: Any) -> None:
    """A rule about the upstream's request shows it as received, with what the service objects to, never a key."""
    message = _message(samples, samples.make_transcript(), Place("stream", 0, None, 0), evidence="upstream")
    assert "POST /v1/chat/completions" in message
    assert '"role": "developer"' in message
    assert "messages[0].role: Unexpected role 'developer'. (the real service answers 400)" in message
    assert "sk-secret" not in message


def test_a_json_answer_shows_its_body(samples: Any) -> None:
    """Where the target answered with JSON, the body stands where the events would."""
    transcript = samples.make_transcript()
    exchange = _exchange(transcript)
    body = {"id": "resp_1", "object": "answer", "output": [{"text": "y" * 4000}]}
    exchange.headers = (("Content-Type", "application/json"),)
    exchange.received = (Received(0.01, json.dumps(body).encode()),)
    message = _message(samples, transcript, Place("stream"))
    assert '"object": "answer"' in message
    assert "(4,000 characters)" in message
    assert "events" not in message.partition("expected")[0].partition("answer ")[2].partition("body")[0]


def test_no_answer_says_so(samples: Any) -> None:
    """A connection that closed before its status line is described in words."""
    transcript = samples.make_transcript()
    exchange = _exchange(transcript)
    exchange.status, exchange.received, exchange.problem = None, (), "the connection was closed before a status line"
    assert "the connection was closed before a status line" in _message(samples, transcript, Place("stream"))


def test_other_places_are_counted_and_the_first_are_named(samples: Any) -> None:
    """One message is told in full; other cases with a violation are counted, and the first eight named."""
    cases = [samples.make_transcript(f"text.c{number:02}") for number in range(12)]
    findings = [
        samples.make_finding(transcript, Place("stream", 0, event), "a", f"b{event}")
        for transcript in cases
        for event in (0, 1)
    ]
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, *findings))
    message = " ".join(verdict_message(entry, TARGET).split())
    assert "23 more places in 12 cases: " in message
    assert sum(case.case in message for case in cases) in (8, 9)  # the one told in full may be among them
    assert "and 4 cases more" in message


def test_evidence_is_kept_for_the_simplest_violations_of_different_cases(samples: Any) -> None:
    """Evidence is bounded a verdict; each piece of it comes from another case while there are others."""
    findings = [
        samples.make_finding(samples.make_transcript(f"text.c{number}"), Place("stream", 0, event), "a", f"b{event}")
        for number in range(8)
        for event in (0, 1)
    ]
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, *findings))
    kept = [violation["case"] for violation in entry["violations"] if violation["evidence"]]
    assert len(kept) == len(set(kept)) == EVIDENCE_PER_VERDICT
    assert len(entry["violations"]) == len(findings)


def test_the_same_words_in_one_case_are_one_violation(samples: Any) -> None:
    """Several drives of one case that break a rule in the same words are one violation at several places."""
    transcript = samples.make_transcript(drives=("stream", "hostile"))
    findings = [samples.make_finding(transcript, Place(drive, 0, 0), "a", "b") for drive in ("hostile", "stream")]
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, *findings))
    (violation,) = entry["violations"]
    assert violation["drive"] == "stream"
    assert [place["drive"] for place in violation["also_at"]] == ["hostile"]


@pytest.mark.parametrize("places", [20, 21, 22, 500])
def test_many_places_are_counted(samples: Any, places: int) -> None:
    """One answer in very many pieces breaks a rule at each: the first places are listed, the rest is a number."""
    transcript = samples.make_transcript(drives=("stream",))
    findings = [samples.make_finding(transcript, Place("stream", 0, event), "a", "b") for event in range(places)]
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, *findings))
    (violation,) = entry["violations"]
    listed = [place["event_index"] for place in violation["also_at"]]
    assert listed == list(range(1, min(places, PLACES_PER_VIOLATION + 1)))
    assert count_places(violation) == 1 + len(listed) + violation["more_places"] == places
    assert f"{places - 1} more places" in verdict_message(entry, TARGET)


def test_a_place_outside_the_transcript_costs_only_the_evidence(samples: Any) -> None:
    """A check that names an exchange that does not exist still gets its message out."""
    finding: Finding = samples.make_finding(samples.make_transcript(), Place("json", 7), "a", "b")
    assert evidence_of(finding, "client") is None
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, finding))
    assert "expected     a" in verdict_message(entry, TARGET)


def test_nothing_in_the_data_reaches_a_terminal_as_a_command(samples: Any) -> None:
    """Escape sequences and lone surrogates in a target's words are shown, not obeyed."""
    event = {"type": "response.created", "text": "\x1b[31m\ud800\u202e"}
    finding = samples.make_finding(samples.make_transcript("c.c", event), Place("stream", 0, 0), "\x1b[2J", "\ud800")
    entry = verdict_entry(samples.make_verdict(samples.make_rule("stream.created-first"), Outcome.FAIL, finding))
    message = verdict_message(entry, TARGET)
    assert "\x1b" not in message
    message.encode("utf-8")
