"""Rules of log probabilities: what a chat upstream gave of them is what the client gets, where it asked for them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from conformance.asked import final_response
from conformance.checks.phrases import count
from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, items_of
from conformance.rules import INTEGRITY, SHOULD, rule
from conformance.said import SaidToken
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
ASKED = "message.output_text.logprobs"
_TOLERANCE = 1e-6  # a number that was a float of four bytes in between is still the same
_DELTA, _DONE = "response.output_text.delta", "response.output_text.done"

Tokens = tuple[SaidToken, ...]


def _read(entries: Any) -> Tokens:
    """The log probabilities in a `logprobs` array; what is none is left to the schema's rules."""
    return tuple(
        SaidToken(str(at(entry, "token")), float(logprob), _alternatives(entry))
        for entry in items_of(entries)
        if _is_number(logprob := at(entry, "logprob"))
    )


def _alternatives(entry: Any) -> tuple[tuple[str, float], ...]:
    found = [(at(other, "token"), at(other, "logprob")) for other in items_of(at(entry, "top_logprobs"))]
    return tuple((str(token), float(logprob)) for token, logprob in found if _is_number(logprob))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _heard(transcript: Transcript) -> Iterator[tuple[Visit, Tokens]]:
    """Answers to requests for log probabilities, with those of the upstream.

    Those that cannot be laid along the text are left out: of halves of characters, and, in a whole answer, of
    reasoning before it.
    """
    for visit in visits(transcript):
        said = visit.exchange.said
        if said is None or not visit.asks_for_a_response:
            continue
        if ASKED not in items_of(at(visit.exchange.request.body, "include")):
            continue
        if not said.tokens or "".join(token.token for token in said.tokens) == said.joined("text"):
            yield visit, said.tokens


def _final(visit: Visit) -> Tokens | None:
    """The log probabilities in the text parts of a response that says all of its text; None where there is none."""
    response = final_response(visit.exchange)
    if at(response, "status") not in ("completed", "incomplete"):
        return None
    parts = [part for item in items_of(at(response, "output")) for part in items_of(at(item, "content"))]
    return tuple(token for part in parts for token in _read(at(part, "logprobs")))


def _streamed(visit: Visit) -> Tokens:
    """Those of all text deltas of a stream."""
    deltas = [event for event in visit.exchange.events if event.type == _DELTA]
    return tuple(token for event in deltas for token in _read(event.get("logprobs")))


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _same(wanted: SaidToken, found: SaidToken) -> bool:
    """Whether what is told of a token is what the upstream told of it; alternatives may be fewer."""
    given = all(any(a[0] == b[0] and _near(a[1], b[1]) for b in wanted.top) for a in found.top)
    return wanted.token == found.token and _near(wanted.logprob, found.logprob) and given


def _lost(wanted: Tokens, found: Tokens, most: int) -> str | None:
    """What is missing of the upstream's, in words; None when nothing is. Other numbers are altered, not lost."""
    rest = iter(found)
    for number, token in enumerate(wanted):
        match = next((other for other in rest if token.token == other.token), None)
        if match is None:
            return f"those of {count(len(found), 'token')}: that of {quote(token.token)} (token {number}) is not there"
        if len(match.top) < min(len(token.top), most):
            return f"{quote(token.token)} (token {number}) with {count(len(match.top), 'alternative')}"
    return None


def _most(visit: Visit) -> int:
    """How many alternatives of each token the client asked for."""
    most = at(visit.exchange.request.body, "top_logprobs")
    return most if isinstance(most, int) else 0


def _kept(visit: Visit, wanted: Tokens, found: Tokens, place: str) -> Judged:
    """Whether one place has what the upstream sent; nothing is judged where it sent none."""
    if not wanted:
        return
    most = _most(visit)
    lost = _lost(wanted, found, most)
    if lost is None:
        yield visit.seen()
    else:
        alternatives = f", with up to {count(most, 'alternative')} each" if most else ""
        tokens = f"the log probabilities of {count(len(wanted), 'token')} that the upstream sent"
        yield visit.broken(f"{tokens}{alternatives}, in {place}", lost)


@rule(
    "content.logprobs-kept",
    level=SHOULD,
    source="openai.types.responses.ResponseIncludable (message.output_text.logprobs); "
    "openai.types.responses.ResponseOutputText.logprobs; UKGovernmentBEIS/inspect_ai#5211",
    why="A program that weighs answers finds an empty list, and falls back to something else without a word.",
    dialects=CHAT,
    evidence="both",
)
def logprobs_kept(transcript: Transcript) -> Judged:
    """Log probabilities that the client asked for and the upstream sent stand in the text of the final response."""
    for visit, wanted in _heard(transcript):
        found = _final(visit)
        if found is not None:
            yield from _kept(visit, wanted, found, "`output`")


@rule(
    "content.logprobs-streamed",
    level=SHOULD,
    source="openai.types.responses.ResponseTextDeltaEvent.logprobs; "
    "vercel/ai, @ai-sdk/openai: openai-responses-language-model",
    why="A client that gathers them from the deltas, as ai-sdk does, gets none.",
    dialects=CHAT,
    evidence="both",
)
def logprobs_streamed(transcript: Transcript) -> Judged:
    """The text deltas of a stream bring the log probabilities that the client asked for and the upstream sent."""
    for visit, wanted in _heard(transcript):
        if visit.exchange.is_stream and _final(visit) is not None:
            yield from _kept(visit, wanted, _streamed(visit), "the text deltas")


@rule(
    "content.logprobs-not-altered",
    level=INTEGRITY,
    source="openai.types.responses.ResponseOutputText.logprobs; openai.types.chat.ChatCompletionTokenLogprob",
    why="A decision that rests on how sure the model was rests on a number that was never the model's.",
    dialects=CHAT,
    evidence="both",
)
def logprobs_not_altered(transcript: Transcript) -> Judged:
    """Every log probability that the client gets is the upstream's: of that token, in the upstream's order."""
    for visit, said in _heard(transcript):
        for place, index, found in _told(visit):
            alien = _alien(said, found)
            if alien is None:
                yield visit.seen(index)
            else:
                there = next((token for token in said if token.token == alien.token), None)
                wanted = "nothing of such a token" if there is None else f"{_told_of(there)}, in its place"
                yield visit.broken(f"what the upstream sent: {wanted}", f"{_told_of(alien)} in {place}", event=index)


def _told(visit: Visit) -> Iterator[tuple[str, int | None, Tokens]]:
    """Every place that tells log probabilities: its words, its event, and those that stand there, if any do."""
    kinds = [event for event in visit.exchange.events if event.type in (_DELTA, _DONE)]
    deltas = [event for event in kinds if event.type == _DELTA]
    places = [("the text deltas", deltas[-1].index if deltas else None, _streamed(visit))]
    places += [(f"`{_DONE}`", event.index, _read(event.get("logprobs"))) for event in kinds if event.type == _DONE]
    places.append(("the final response", None, _final(visit) or ()))
    yield from (place for place in places if place[2])


def _told_of(token: SaidToken) -> str:
    others = f" and the alternatives {quote(list(token.top))}" if token.top else ""
    return f"{quote(token.token)} with {token.logprob}{others}"


def _alien(said: Tokens, found: Tokens) -> SaidToken | None:
    """The first that is not the upstream's, or not in its order."""
    rest = iter(said)
    return next((token for token in found if not any(_same(other, token) for other in rest)), None)
