"""Rules of counting: how many tokens a request would take, as the upstream counts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, parsed
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__: list[str] = []

_COUNTERS: tuple[Dialect, ...] = ("messages", "vllm")
_COUNTED_AT = {"/v1/messages/count_tokens": "input_tokens", "/tokenize": "count"}
_NOT_OFFERED = (404, 405, 501)


def _counts(transcript: Transcript) -> Iterator[Visit]:
    for visit in visits(transcript):
        request = visit.exchange.request
        path = request.path.partition("?")[0].rstrip("/")
        if request.method.upper() == "POST" and path.endswith("/responses/input_tokens"):
            yield visit


@rule(
    "counting.object",
    level=MUST,
    source="openai.types.responses.InputTokenCountResponse; openai-openapi POST /responses/input_tokens",
    why="The SDK returns an object without a number, and the program that budgets by it fails later.",
)
def count_object(transcript: Transcript) -> Judged:
    """`POST /responses/input_tokens` is answered by a `response.input_tokens` object, or is not offered (404, 501)."""
    for visit in _counts(transcript):
        status, body = visit.exchange.status, visit.exchange.json
        counted = at(body, "input_tokens")
        whole = isinstance(counted, int) and not isinstance(counted, bool) and counted > 0
        if status in _NOT_OFFERED or (status == 200 and whole and at(body, "object") == "response.input_tokens"):
            yield visit.seen()
        else:
            yield visit.broken(
                '`{"object": "response.input_tokens", "input_tokens": a number above 0}`, or 404, 405, 501',
                f"status {status}: {quote(body)}",
            )


def _of_the_upstream(visit: Visit) -> list[tuple[int, UpstreamCall, Any]]:
    """The calls that asked the upstream for a count, with their numbers and what it said."""
    return [
        (number, call, at(parsed(call.sent_body.decode("utf-8", "replace")), _COUNTED_AT[call.path]))
        for number, call in enumerate(visit.exchange.upstream)
        if call.path in _COUNTED_AT and call.status == 200
    ]


@rule(
    "counting.as-the-upstream",
    level=MUST,
    source="Anthropic documentation, Token counting; vLLM, POST /tokenize; openai.types.responses."
    "InputTokenCountResponse",
    why="A request that the count said would fit is refused as too long.",
    dialects=_COUNTERS,
    evidence="both",
)
def as_the_upstream(transcript: Transcript) -> Judged:
    """Where the upstream was asked to count, the client is given the number that it said."""
    for visit in _counts(transcript):
        asked = _of_the_upstream(visit)
        if not asked or visit.exchange.status != 200:
            continue
        number, _, said = asked[-1]
        got = at(visit.exchange.json, "input_tokens")
        if got == said:
            yield visit.seen(call=number)
        else:
            yield visit.broken(f"the {said} tokens that the upstream counted", f"{quote(got)}", call=number)


@rule(
    "counting.generates-nothing",
    level=RECOMMENDED,
    source="openai-openapi POST /responses/input_tokens; BerriAI/litellm (token counter endpoints)",
    why="A question for the price is itself paid for.",
    evidence="both",
)
def generates_nothing(transcript: Transcript) -> Judged:
    """Counting asks the upstream for no completion."""
    for visit in _counts(transcript):
        calls = visit.exchange.answered_calls
        if calls:
            yield visit.broken("no completion asked for", f"{len(calls)} were")
        else:
            yield visit.seen()
