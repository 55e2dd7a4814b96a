"""Log probabilities: what may not be lost or altered, and what a right target is free to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.cases import get
from conformance.cases.case import Case
from conformance.miniatures.edits import Draft, on_streams
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.rules import REGISTRY, Seen, Violation
from conformance.transcript import Transcript
from fakes.script import Dialect, Reasoning, Script, Text

KEPT, STREAMED, TRUE = "content.logprobs-kept", "content.logprobs-streamed", "content.logprobs-not-altered"
CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
CASE = get("request.logprobs")
DELTA, DONE = "response.output_text.delta", "response.output_text.done"
Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def told(rule: str, transcript: Transcript) -> str:
    """What a rule makes of a transcript."""
    found = list(REGISTRY[rule].check(transcript))
    if any(isinstance(one, Violation) for one in found):
        return "wrong"
    return "right" if any(isinstance(one, Seen) for one in found) else "nothing"


def right(case: Case = CASE, dialect: Dialect = "vllm", target: str = "plain") -> Transcript:
    return right_case(case, dialect, RIGHT_TARGETS[target])


def changed(change: Change, *places: str) -> Transcript:
    """The right stream with other `logprobs` in its deltas, done events or final parts."""

    def edit(draft: Draft) -> None:
        for frame in draft.all(*places):
            frame.data["logprobs"] = change(frame.data["logprobs"])
        if "final" in places:
            for item in (draft.response or {})["output"]:
                for part in item.get("content") or ():
                    part["logprobs"] = change(part["logprobs"])

    return on_streams(edit)(streamed_alone(right()))


def streamed_alone(transcript: Transcript) -> Transcript:
    """Its stream alone."""
    return replace(transcript, drives=[drive for drive in transcript.drives if drive.kind == "stream"])


def asking(script: Script | None = None, **body: Any) -> Case:
    """The case with another answer or other fields; a field that is None is left out."""
    (turn,) = CASE.turns
    request = {key: value for key, value in {**turn.request, **body}.items() if value is not None}
    return replace(CASE, turns=(replace(turn, request=request, answers=(script,) if script else turn.answers),))


@pytest.mark.parametrize("case", ["request.logprobs", "wire.second-choice", "loop.thinking-twice"])
@pytest.mark.parametrize("target", sorted(RIGHT_TARGETS))
@pytest.mark.parametrize("dialect", CHAT)
def test_right_targets_are_not_accused(case: str, target: str, dialect: Dialect) -> None:
    """No rule that decides, and none of these, is broken by a right target in the cases that are about this."""
    transcript = right(get(case), dialect, target)
    about = {KEPT, STREAMED, TRUE, "history.reasoning-returned"}
    judged = [rule for rule in REGISTRY.values() if dialect in rule.dialects]
    broken = {
        rule.id for rule in judged if rule.level.decides or rule.id in about if told(rule.id, transcript) == "wrong"
    }
    assert broken - {"delivery.response-ids-unique"} == set()


@pytest.mark.parametrize("dialect", CHAT)
def test_both_forms_are_looked_at(dialect: Dialect) -> None:
    """The rules find something to judge in the stream and in the whole answer."""
    transcript = right(CASE, dialect)
    seen = {rule: {one.place.drive for one in REGISTRY[rule].check(transcript)} for rule in (KEPT, STREAMED, TRUE)}
    assert seen == {KEPT: {"stream", "json"}, STREAMED: {"stream"}, TRUE: {"stream", "json"}}


@pytest.mark.parametrize(
    ("change", "kept", "streamed", "true"),
    [
        (lambda tokens: [], "wrong", "wrong", "nothing"),
        (lambda tokens: tokens[1:], "wrong", "wrong", "right"),
        (lambda tokens: [{**t, "logprob": t["logprob"] + 0.01} for t in tokens], "right", "right", "wrong"),
        (lambda tokens: [{**t, "logprob": t["logprob"] * (1 + 5e-8)} for t in tokens], "right", "right", "right"),
        (lambda tokens: [{**t, "token": t["token"].upper()} for t in tokens], "wrong", "wrong", "wrong"),
        (lambda tokens: [{**t, "top_logprobs": t["top_logprobs"][:2]} for t in tokens], "wrong", "wrong", "right"),
        (lambda tokens: [{**t, "top_logprobs": t["top_logprobs"][::-1]} for t in tokens], "right", "right", "right"),
        (lambda tokens: [{**t, "bytes": []} for t in tokens], "right", "right", "right"),
        (lambda tokens: tokens * 2, "right", "right", "wrong"),
    ],
)
def test_what_is_lost_and_what_is_altered(change: Change, kept: str, streamed: str, true: str) -> None:
    """Each rule tells its own story: one of what is missing, one of what was never said."""
    transcript = changed(change, DELTA, DONE, "final")
    assert (told(KEPT, transcript), told(STREAMED, transcript), told(TRUE, transcript)) == (kept, streamed, true)


@pytest.mark.parametrize(
    ("place", "kept", "streamed"), [(DELTA, "right", "wrong"), (DONE, "right", "right"), ("final", "wrong", "right")]
)
def test_each_place_is_judged_by_itself(place: str, kept: str, streamed: str) -> None:
    """Deltas and the final response have to bring them; whether the done event repeats them is free."""
    transcript = changed(lambda tokens: [], place)
    assert (told(KEPT, transcript), told(STREAMED, transcript), told(TRUE, transcript)) == (kept, streamed, "right")
    altered = changed(lambda tokens: [{**token, "logprob": -9.5} for token in tokens], place)
    assert told(TRUE, altered) == "wrong"


@pytest.mark.parametrize("rule", [KEPT, STREAMED, TRUE])
@pytest.mark.parametrize(
    "case",
    [
        asking(include=None),
        asking(include=["reasoning.encrypted_content"]),
        asking(Script(parts=(Text(()),))),
    ],
)
def test_who_did_not_ask_is_promised_nothing(rule: str, case: Case) -> None:
    """Nor is anything to be judged where there are no tokens."""
    assert told(rule, right(case)) == "nothing"


def test_no_alternatives_need_come_unasked() -> None:
    """Without `top_logprobs` each token's own is enough, however many the upstream sent."""
    transcript = changed(lambda tokens: [{**token, "top_logprobs": []} for token in tokens], DELTA, "final")
    (exchange,) = transcript.drives[0].exchanges
    exchange.request = replace(exchange.request, body={**exchange.request.body, "top_logprobs": 0})
    assert (told(KEPT, transcript), told(STREAMED, transcript)) == ("right", "right")


def test_what_lies_beside_the_text_is_not_judged() -> None:
    """A whole answer of vLLM's has those of its reasoning among them: which are the text's cannot be told."""
    case = replace(asking(Script(parts=(Reasoning(("So. ",)), Text(("Yes", "."))))), drives=frozenset({"json"}))
    assert told(KEPT, right(case, "vllm")) == "nothing"
    assert told(KEPT, right(case, "chat_completions")) == "right"


def test_numbers_that_the_upstream_never_sent_are_invented() -> None:
    """A target that did not ask for them has none to give."""
    transcript = streamed_alone(right())
    (exchange,) = transcript.drives[0].exchanges
    assert exchange.said is not None
    exchange.said = replace(exchange.said, tokens=())
    assert (told(KEPT, transcript), told(TRUE, transcript)) == ("nothing", "wrong")
