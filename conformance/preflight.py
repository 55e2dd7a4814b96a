"""Preflight: one canonical exchange, which tells whether a target can be judged at all, and how.

If it cannot, the answer is one diagnosis and not hundreds of failures: what was sent, what came, which URL and path
the fake waits on, and what arrived there. If it can, preflight says how requests of concurrent cases are told
apart: by the token in the model name, else in a user text, else one at a time ("serial").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from conformance.cases.case import Case, Turn
from conformance.drive import Driver
from conformance.transcript import Drive, Exchange, Transcript
from fakes.correlation import TOKEN, tokens_of
from fakes.log import UpstreamCall
from fakes.script import Script, Text
from fakes.upstream import FakeUpstream

__all__ = ["PREFLIGHT", "Correlation", "Diagnosis", "Preflight", "preflight"]

Correlation = Literal["model", "text", "serial"]

PREFLIGHT = Case(
    id="preflight",
    summary="One plain question with a plain answer, streamed.",
    source="this suite: whether the target can be judged at all",
    turns=(
        Turn(
            request={
                "input": [
                    {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "Say hello."}],
                    }
                ],
                "store": False,
            },
            answers=(Script(parts=(Text(("Hello", " there.")),)),),
        ),
    ),
    drives=frozenset({"stream"}),
)

_SHOWN = 600  # characters of a body that a diagnosis shows


@dataclass(frozen=True)
class Diagnosis:
    """Why a target cannot be judged: the problem in a sentence, the facts line by line, and what to do."""

    problem: str
    facts: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    log: str = ""

    def __str__(self) -> str:
        lines = [self.problem, *(f"  {fact}" for fact in self.facts)]
        lines += [f"  {number}. {fix}" for number, fix in enumerate(self.fixes, 1)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Preflight:
    """What preflight found. `diagnosis` is None when the target can be judged."""

    transcript: Transcript
    correlation: Correlation = "serial"
    diagnosis: Diagnosis | None = None
    strays: tuple[UpstreamCall, ...] = field(default=())


def preflight(driver: Driver) -> Preflight:
    """Make the one exchange; where the token does not come through, make it once more, correlated serially.

    Leaves `driver.upstream.correlate_by` as the cases are to be driven.
    """
    upstream = driver.upstream
    found = _attempt(driver)
    if found.diagnosis is not None and _without_token(found.strays, upstream):
        upstream.correlate_by = "serial"
        again = _attempt(driver)
        found = replace(again, strays=tuple(stray for stray in again.strays if stray not in found.strays))
    if found.diagnosis is None:
        return found
    return replace(found, correlation="serial")


def _attempt(driver: Driver) -> Preflight:
    before = len(driver.upstream.strays)
    transcript = driver.drive(PREFLIGHT)
    strays = driver.upstream.strays[before:]
    drive = transcript.drives[0]
    diagnosis = _diagnose(drive, strays, driver)
    calls = drive.exchanges[0].answered_calls if drive.exchanges else ()
    return Preflight(transcript, _correlation(calls), diagnosis, strays)


def _without_token(strays: Sequence[UpstreamCall], upstream: FakeUpstream) -> bool:
    """Whether a call came on the right route without a token: the target let none through."""
    return any(
        stray.method == "POST"
        and stray.path == upstream.dialect.completion_path
        and not list(tokens_of(stray.json, stray.path, stray.body))
        for stray in strays
    )


def _correlation(calls: Sequence[UpstreamCall]) -> Correlation:
    for call in calls:
        model = call.json.get("model") if isinstance(call.json, dict) else None
        if isinstance(model, str) and TOKEN.search(model):
            return "model"
        if call.token is not None:
            return "text"
    return "serial"


def _diagnose(drive: Drive, strays: Sequence[UpstreamCall], driver: Driver) -> Diagnosis | None:
    """Why the exchange does not count; None when it does."""
    if not drive.exchanges:
        return Diagnosis(f"the target could not be driven: {drive.problem}")
    exchange = drive.exchanges[0]
    facts = (*_client_facts(exchange), *_upstream_facts(exchange, strays, driver.upstream))
    if drive.blame == "harness":
        return Diagnosis(f"the fake upstream failed, which is a fault of this suite: {drive.problem}", facts)
    waits_on = f"{driver.upstream.url}{driver.upstream.dialect.completion_path}"
    called = any(call.answer is not None for call in exchange.answered_calls)
    if called and exchange.status is not None and exchange.status < 400:
        return None
    if called:
        problem = f"the target asked its upstream, was answered, and then {_answer(exchange)}"
        return Diagnosis(problem, facts, ("look into the target's log for what it could not read in the answer",))
    if strays or exchange.upstream:
        problem = f"the target called its upstream, but not on the route that answers: POST {waits_on}"
        fixes = (
            f"give the target a base URL without a path ({driver.upstream.url}) or with /v1, as it expects",
            f"make sure that it speaks {driver.dialect} upstream (--dialect)",
        )
        return Diagnosis(problem, facts, fixes)
    problem = f"the target never called its upstream, and {_answer(exchange)}"
    return Diagnosis(problem, facts, _fixes_for_silence(exchange, driver.upstream.url))


def _fixes_for_silence(exchange: Exchange, url: str) -> tuple[str, ...]:
    pointed = f"point the target's upstream at {url} (placeholder {{upstream}}, or --fake-port)"
    match exchange.status:
        case 401 | 403:
            return ("give the key that the target wants: `api_key` in its file", pointed)
        case 404 | 405:
            return (f"is {exchange.request.path} the path of its Responses route? (`path`, --path)", pointed)
        case status if status is not None and 400 <= status < 500:
            return ("does it want another model name? (`model`, --model)", pointed)
        case _:
            return (pointed, "look into the target's log")


def _answer(exchange: Exchange) -> str:
    if exchange.status is None:
        return f"gave no answer: {exchange.problem}"
    ended = "" if exchange.ended == "complete" else f", and the answer did not end: {exchange.problem}"
    return f"answered {exchange.status}{ended}"


def _client_facts(exchange: Exchange) -> tuple[str, ...]:
    request = exchange.request
    body = json.dumps(request.body, ensure_ascii=False)
    return (
        f"sent:     {request.method} {request.path} {_shortened(body)}",
        f"received: {_answer(exchange)} {_shortened(exchange.body.decode(errors='replace'))}".rstrip(),
    )


def _upstream_facts(exchange: Exchange, strays: Sequence[UpstreamCall], upstream: FakeUpstream) -> tuple[str, ...]:
    route = f"POST {upstream.url}{upstream.dialect.completion_path} ({upstream.dialect.name})"
    calls = list(exchange.upstream) + [stray for stray in strays if stray.token is None or not exchange.upstream]
    arrived = [
        f"arrived there: {call.method} {call.path} {_shortened(call.body.decode(errors='replace'))}".rstrip()
        + f" -> {call.status}"
        for call in calls
    ]
    return (f"the fake waits on {route}", *(arrived or ["arrived there: nothing"]))


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}… ({len(flat)} characters)"
