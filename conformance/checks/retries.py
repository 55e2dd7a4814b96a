"""Rules of retries: never after the client has seen something, and never against what the upstream said."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, visits
from conformance.rules import INTEGRITY, RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript
from fakes.log import UpstreamCall

__all__: list[str] = []


def _retries(visit: Visit) -> Iterator[tuple[int, UpstreamCall]]:
    for number, call in enumerate(visit.exchange.upstream):
        if call.kind == "completion" and call.retry_of is not None:
            yield number, call


_FINAL = (400, 401, 403, 404, 422)


@rule(
    "retry.not-after-visible-output",
    level=INTEGRITY,
    source="openai/codex#41340; Open Responses 2026-04-24, Streaming (one lifecycle a response)",
    why="The user reads the beginning of the answer twice, and a tool may run twice.",
    evidence="both",
)
def not_after_visible_output(transcript: Transcript) -> Judged:
    """The upstream is not asked again once a delta or an item has reached the client."""
    for visit in visits(transcript):
        shown = next(
            (e for e in visit.exchange.events if e.type.endswith(".delta") or e.type == "response.output_item.done"),
            None,
        )
        if shown is None:
            continue
        late = [(number, call) for number, call in _retries(visit) if call.received_at > shown.t]
        for number, call in late:
            yield visit.broken(
                "no further request upstream for this response",
                f"one came {call.received_at - shown.t:.2f} s after {shown.type} had reached the client",
                call=number,
            )
        if not late:
            yield visit.seen()


@rule(
    "retry.none-by-the-target",
    level=RECOMMENDED,
    source="openai/codex sends 30 requests for a persistent 500 by itself; BerriAI/litellm num_retries",
    why="The target's retries multiply with the client's: a failing upstream gets ninety requests instead of thirty.",
    evidence="both",
)
def none_by_the_target(transcript: Transcript) -> Judged:
    """A failing upstream is not asked again by the target: retrying is the client's decision."""
    for visit in visits(transcript):
        if not any(call.status is None or call.status >= 400 for call in visit.exchange.answered_calls):
            continue
        count = sum(1 for _ in _retries(visit))
        if count:
            yield visit.broken("one request upstream", f"it was repeated {count} times before the client knew")
        else:
            yield visit.seen()


@rule(
    "retry.only-what-may-succeed",
    level=SHOULD,
    source="RFC 9110 15.5.1; openai.OpenAI.max_retries (408, 409, 429 and 5xx only)",
    why="A request that was found invalid stays so: repeating it costs time, and a lock-out for the key.",
    evidence="upstream",
)
def only_what_may_succeed(transcript: Transcript) -> Judged:
    """A request that the upstream refused as invalid, unauthorised or unknown is not repeated."""
    for visit in visits(transcript):
        calls = visit.exchange.upstream
        final = [n for n, call in enumerate(calls) if call.kind == "completion" and call.status in _FINAL]
        if not final:
            continue
        repeated = [number for number, _ in _retries(visit) if number > final[0]]
        if repeated:
            yield visit.broken(
                f"no repetition after the upstream's {calls[final[0]].status}",
                f"{len(repeated)} more came",
                call=repeated[0],
            )
        else:
            yield visit.seen(call=final[0])


@rule(
    "retry.waits-as-told",
    level=SHOULD,
    source="RFC 9110 10.2.3 (Retry-After)",
    why="Coming back too early prolongs the ban.",
    evidence="upstream",
)
def waits_as_told(transcript: Transcript) -> Judged:
    """A request is not repeated before the time that the upstream's `Retry-After` names."""
    for visit in visits(transcript):
        told: tuple[float, float] | None = None
        for number, call in enumerate(visit.exchange.upstream):
            if call.kind != "completion":
                continue
            if told is not None:
                waited = call.received_at - told[0]
                if waited + 0.05 < told[1]:
                    yield visit.broken(
                        f"{told[1]:g} s of waiting", f"the next request came after {waited:.2f} s", call=number
                    )
                else:
                    yield visit.seen(call=number)
            told = _told_to_wait(call)
        if told is not None:
            yield visit.seen()


def _told_to_wait(call: UpstreamCall) -> tuple[float, float] | None:
    """When a call was refused, and for how many seconds."""
    seconds = next((value for key, value in call.sent_headers if key.lower() == "retry-after"), "")
    if call.status not in (429, 503, 529) or not seconds.strip().isdigit():
        return None
    return call.ended_at if call.ended_at is not None else call.received_at, float(seconds)
