"""Rules of being answered at all: a legal request that the upstream would answer is not refused."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []

# Requests that a target may also refuse, or that rules of their own judge, by the tags of their cases.
_OTHERS = frozenset(
    {
        "client",
        "orphan",
        "ends-with-assistant",
        "hosted-tool",
        "hosted-receipt",
        "garbled",
        "endpoint",
        "bomb",
        "over-long",
        "unreachable",
    }
)
_NEVER_FAILED = ("completed", "incomplete:max_output_tokens", "incomplete:content_filter")


def _answerable(transcript: Transcript) -> Iterator[Visit]:
    """Requests for a response that must be answered: nothing in them is wrong, and the upstream did not fail.

    Where the upstream is unknown that can be said only of the cases that are made for it.
    """
    unknown = transcript.dialect is None and "live" not in (transcript.facts.get("tags") or ())
    # The Messages API takes no request without a user's message, and a target is not to make one up.
    userless = transcript.dialect == "messages" and "no-user-turn" in (transcript.facts.get("tags") or ())
    if unknown or userless or transcript.facts.get("refusal_statuses"):
        return
    for visit in visits(transcript):
        said = visit.exchange.said
        fails = said is not None and (said.status >= 300 or not said.ends <= set(_NEVER_FAILED))
        fails |= any(call.status is not None and call.status >= 500 for call in visit.exchange.answered_calls)
        left = visit.exchange.ended == "client-left" or visit.exchange.status is None
        if visit.asks_for_a_response and not fails and not left:
            yield visit


def _answered(visit: Visit, words: str, transcript: Transcript) -> Judged:
    status = visit.exchange.status
    if status is not None and 200 <= status < 300:
        yield visit.seen()
        return
    shown = quote(visit.exchange.body[:160].decode("utf-8", "replace"))
    yield visit.broken(f"an answer (2xx) to {words}", f"status {status}{_upstream(visit, transcript)}: {shown}")


def _upstream(visit: Visit, transcript: Transcript) -> str:
    if transcript.dialect is None:
        return ""
    return "; the upstream had answered it" if visit.exchange.said else "; the upstream was not asked"


@rule(
    "answer.stream",
    level=MUST,
    source="Open Responses 2026-04-24, HTTP requests; openai.types.responses.ResponseCreateParams",
    why="The request is one that SDKs send; its user gets an error instead of an answer.",
)
def stream(transcript: Transcript) -> Judged:
    """A legal request with `stream: true` is answered."""
    if not _OTHERS & set(transcript.facts.get("tags") or ()):
        for visit in _answerable(transcript):
            if visit.exchange.wants_stream:
                yield from _answered(visit, "a legal request", transcript)


@rule(
    "answer.whole",
    level=MUST,
    source="Open Responses 2026-04-24, HTTP requests; openai.types.responses.ResponseCreateParams.stream",
    why="SDKs ask for a whole answer unless told otherwise: every such program fails.",
)
def whole(transcript: Transcript) -> Judged:
    """A legal request without streaming is answered."""
    if not _OTHERS & set(transcript.facts.get("tags") or ()):
        for visit in _answerable(transcript):
            if not visit.exchange.wants_stream:
                yield from _answered(visit, "a legal request for a whole answer", transcript)


@rule(
    "answer.sdk-request",
    level=MUST,
    source="captured requests of openai for Python 3.54 and Node 7.57, openai-agents 0.24, ai 6.0 (public clients)",
    why="This client's users get an error on their first request.",
    evidence="both",
)
def sdk_request(transcript: Transcript) -> Judged:
    """What the official SDKs, openai-agents and the AI SDK send is answered."""
    tags = set(transcript.facts.get("tags") or ())
    if "client" in tags and not tags & {"codex", "pycodex"}:
        for visit in _answerable(transcript):
            yield from _answered(visit, "what this client sends", transcript)


@rule(
    "answer.codex-request",
    level=RECOMMENDED,
    source="captured requests of Codex CLI 0.58, 0.98 and 0.169 (openai/codex); ggml-org/llama.cpp#20156",
    why="Codex repeats the request up to thirty times, and the turn fails.",
    evidence="both",
)
def codex_request(transcript: Transcript) -> Judged:
    """What Codex sends is answered, hosted and deferred tools and keys of its own included."""
    tags = set(transcript.facts.get("tags") or ())
    if tags & {"codex", "pycodex"}:
        for visit in _answerable(transcript):
            yield from _answered(visit, "what Codex sends", transcript)
