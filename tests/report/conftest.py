"""A run with every outcome, made of real transcripts; the goldens are its reports."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.client_profiles import Breach, Client, Effect
from conformance.readiness import Readiness, Reason
from conformance.report import ResultDocument, build_document
from conformance.report.causes import Pattern
from conformance.rules import Level, Place, Rule, Seen, Violation
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from conformance.verdict import Finding, Outcome, Verdict
from fakes.log import Objection, Sent, UpstreamCall

GOLDEN = Path(__file__).with_name("golden")


def never(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Reports judge nothing."""
    yield from ()


def make_rule(rule_id: str, level: Level = Level.MUST, **more: Any) -> Rule:
    values: dict[str, Any] = {
        "id": rule_id,
        "level": level,
        "source": "openai.types.responses.ResponseCreatedEvent",
        "requirement": f"The requirement of {rule_id}.",
        "why": "openai-python's stream() raises on any other first event, so its users get no answer.",
        "check": never,
    }
    return Rule(**(values | more))


def sse(*events: dict[str, Any], times: tuple[float, ...] = ()) -> tuple[Received, ...]:
    """Events as a target writes them, one read each."""
    return tuple(
        Received(
            times[at] if times else 0.01 * (at + 1), f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        )
        for at, event in enumerate(events)
    )


def chat_chunk(delta: dict[str, Any]) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def make_call() -> UpstreamCall:
    body = {"model": "text-short", "stream": True, "messages": [{"role": "developer", "content": "Be brief."}]}
    return UpstreamCall(
        method="POST",
        path="/v1/chat/completions",
        query="",
        headers=(("content-type", "application/json"), ("authorization", "Bearer sk-secret")),
        body=json.dumps(body).encode(),
        json=body,
        received_at=0.002,
        status=200,
        sent=[
            Sent(0.004, chat_chunk({"role": "assistant"})),
            Sent(0.012, chat_chunk({"content": "Grüße"})),
            Sent(0.035, chat_chunk({})),
        ],
        ended="complete",
        ended_at=0.036,
        objections=(
            Objection("chat.role", "messages[0].role", "Unexpected role 'developer'.", "vLLM", 400, {"error": {}}),
        ),
    )


def make_transcript(
    case: str = "text.short", *events: dict[str, Any], drives: tuple[str, ...] = ("stream",)
) -> Transcript:
    sent = events or (
        {"type": "response.in_progress", "sequence_number": 0, "response": {"id": "resp_1", "output": []}},
        {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "msg_1", "delta": "Grüße"},
        {"type": "response.output_text.done", "sequence_number": 2, "item_id": "msg_1", "text": "x" * 5000},
        {"type": "response.completed", "sequence_number": 3, "response": {"id": "resp_1", "status": "completed"}},
    )
    request = ClientRequest("POST", "/v1/responses", (), {"model": "m", "stream": True, "input": "Hi"})
    return Transcript(
        case=case,
        dialect="chat_completions",
        summary="a short answer of one piece",
        source="vllm-project/vllm#1",
        drives=[
            Drive(
                kind,  # type: ignore[arg-type]
                [
                    Exchange(
                        request=request,
                        status=200,
                        headers=(("Content-Type", "text/event-stream"),),
                        received=sse(*sent),
                        ended_at=0.05,
                        upstream=(make_call(),),
                    )
                ],
            )
            for kind in drives
        ],
    )


def make_finding(
    transcript: Transcript, place: Place, expected: str, actual: str, reason: str | None = None
) -> Finding:
    return Finding(Violation(place, expected, actual), transcript, reason)


def make_verdict(rule: Rule, outcome: Outcome, *findings: Finding, **more: Any) -> Verdict:
    return Verdict(
        rule=rule, level=rule.level, dialect="chat_completions", outcome=outcome, findings=list(findings), **more
    )


def sample_verdicts() -> list[Verdict]:
    short = make_transcript(drives=("stream", "hostile"))
    long = make_transcript("text.long")
    first = make_rule("stream.created-first", requirement="The first event of a stream is `response.created`.")
    wrong = ("`response.created`", "`response.in_progress`")
    return [
        make_verdict(
            first,
            Outcome.FAIL,
            make_finding(short, Place("hostile", 0, 0), *wrong),
            make_finding(long, Place("stream", 0, 0), *wrong),
            make_finding(short, Place("stream", 0, 0), *wrong),
            observed=3,
            cases=2,
        ),
        make_verdict(
            make_rule("stream.created-once"),
            Outcome.FAIL,
            make_finding(short, Place("stream"), "one `response.created`", "none"),
            observed=2,
            cases=2,
        ),
        make_verdict(
            make_rule("upstream.roles", Level.INTEGRITY, evidence="upstream", source="vLLM's own validator"),
            Outcome.FAIL,
            make_finding(short, Place("stream", 0, None, 0), "role `system`", "role `developer`"),
            observed=2,
            cases=2,
        ),
        make_verdict(make_rule("stream.terminal-last"), Outcome.PASS, observed=12, cases=4),
        make_verdict(
            make_rule("refusal.part", Level.SHOULD),
            Outcome.NOT_APPLICABLE,
            reason="nothing to judge: no refusal part seen in 4 cases",
        ),
        make_verdict(
            make_rule("usage.total"),
            Outcome.EXPECTED_FAIL,
            make_finding(
                long, Place("stream", 0, 3), "`total_tokens` 26", "no `usage`", "reported upstream: example/proxy#7"
            ),
            observed=1,
            cases=1,
        ),
        make_verdict(
            make_rule("stream.done-marker", Level.SHOULD),
            Outcome.STALE,
            reason="the baseline expects a failure in case text.short, and it holds now: remove the entry",
            observed=3,
            cases=2,
        ),
        make_verdict(
            make_rule("error.shape"), Outcome.SETUP_ERROR, reason="case error.401: the target closed the connection"
        ),
        make_verdict(
            make_rule("error.code"),
            Outcome.HARNESS_ERROR,
            reason="case error.401: the check raised KeyError: 'error'",
        ),
    ]


def make_client(name: str, *breaches: Breach) -> Client:
    return Client(
        name=name,
        title=name.title(),
        version="1.2.3",
        measured="2026-11-22",
        package=f"{name} 1.2.3 (npm)",
        breaches={breach.rule: breach for breach in breaches},
    )


def make_breach(rule_id: str, client: str, effect: Effect = Effect.RAISES) -> Breach:
    return Breach(rule_id, client, effect, "Its reader gives up at the first event.", f"{client} 1.2.3 (npm)")


def sample_clients() -> list[Readiness]:
    """A client in each state; what is broken are failures of the sample."""
    failing = {verdict.rule.id: verdict for verdict in sample_verdicts() if verdict.findings}
    breaches = [
        make_breach("usage.total", "reader", Effect.LOSES),
        make_breach("stream.created-first", "reader"),
        make_breach("stream.created-once", "reader"),
        make_breach("upstream.roles", "reader", Effect.WARNS),
    ]
    reasons = tuple(Reason(breach, (failing[breach.rule],)) for breach in breaches)
    return [
        Readiness(make_client("reader", *breaches), reasons, ("stream.terminal-last",), ("refusal.part",)),
        Readiness(make_client("shower"), (), ("stream.terminal-last", "stream.done-marker"), ("error.shape",)),
        Readiness(make_client("saver"), (), ("stream.terminal-last",), ()),
        Readiness(make_client("sleeper"), (), (), ("error.code", "error.shape")),
    ]


def document_of(verdicts: list[Verdict], **more: Any) -> ResultDocument:
    values: dict[str, Any] = {
        "suite": {"version": "0.1.0", "requirements": "2026.11", "recordings": "sha256:0123"},
        "target": {
            "name": "my-proxy",
            "version": "1.2",
            "command": "my-proxy --port {port}",
            "features": ["reasoning"],
        },
        "profile": "openai",
        "rerun": ["run", "--target-command", "my-proxy --port {port}", "--profile", "openai"],
        "dialects": ["chat_completions"],
        "started": "2026-11-22T12:00:00+00:00",
        "seconds": 1.25,
        "drives": 9,
        "patterns": [
            Pattern(
                frozenset({"stream.created-first"}),
                frozenset({"stream.created-first", "stream.created-once"}),
            )
        ],
    }
    return build_document(verdicts, **(values | more))


@pytest.fixture
def samples() -> SimpleNamespace:
    """The makers above, for tests: with importmode=importlib a conftest cannot be imported."""
    return SimpleNamespace(**{name: value for name, value in globals().items() if callable(value)})


@pytest.fixture
def document() -> ResultDocument:
    return document_of(sample_verdicts(), clients=sample_clients())


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a golden file; `CONFORMANCE_UPDATE_GOLDEN=1` writes it instead."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("CONFORMANCE_UPDATE_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
