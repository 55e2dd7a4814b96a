"""Rules of what real translators have failed on: agents' messages, results in parts, answers not waited for."""

from __future__ import annotations

from conformance.crossings import Judged, asked_in, crossings, quote, visits
from conformance.pieces import at, text_of
from conformance.rules import INTEGRITY, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []


@rule(
    "history.agent-messages-accepted",
    level=RECOMMENDED,
    source="sgl-project/sglang#35216; openai/codex#33551",
    why="A session in which an agent has spoken to another cannot go on.",
)
def agent_messages_accepted(transcript: Transcript) -> Judged:
    """`agent_message` items in the history do not make a request fail."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is None or "agent_message" not in asked.types:
            continue
        status = visit.exchange.status
        if status is not None and status < 300:
            yield visit.seen()
        else:
            yield visit.broken("an answer to a request with an agent_message in its history", f"status {status}")


@rule(
    "upstream.results-unwrapped",
    level=RECOMMENDED,
    source="sgl-project/sglang#35216; gty111/gLLM#267",
    why="The model reads the wire form of a result, its quotes and types, as what the tool said.",
    evidence="both",
)
def results_unwrapped(transcript: Transcript) -> Judged:
    """A result in parts reaches the upstream as the texts of its parts, not written out as JSON."""
    for crossing in crossings(transcript):
        given = [item for item in crossing.asked.items if isinstance(at(item, "output"), list)]
        texts = [text for item in given for part in item["output"] if (text := text_of(at(part, "text"))).strip()]
        for result in crossing.sent.of("result") if texts else ():
            held = [text for text in texts if any(text in sent for sent in result.texts)]
            wrapped = [sent for sent in result.texts if '"text"' in sent and '"type"' in sent]
            if held and wrapped and not any('"type"' in text for text in texts):
                yield crossing.broken(f"{quote(held[0])} alone", quote(wrapped[0]))
            elif held:
                yield crossing.seen


@rule(
    "store.left-is-not-completed",
    level=INTEGRITY,
    source="lbjlaq/Antigravity-Manager#3367; NousResearch/hermes-agent#15171",
    why="Half an answer passes for a whole one, and the conversation goes on from it.",
    features=("store",),
    evidence="both",
)
def left_is_not_completed(transcript: Transcript) -> Judged:
    """A response whose client left before the upstream had finished is not stored as completed."""
    for visit in visits(transcript):
        left = [e for e in visit.earlier if e.ended == "client-left" and e.answered_calls]
        unfinished = [e for e in left if all(call.ended != "complete" for call in e.answered_calls)]
        if visit.exchange.request.method != "GET" or not unfinished or len(unfinished) != len(left):
            continue
        status = at(visit.exchange.json, "status")
        if visit.exchange.status == 200 and status == "completed":
            yield visit.broken("cancelled, incomplete, failed, in progress, or no such response", "status `completed`")
        else:
            yield visit.seen()


@rule(
    "response.background-at-once",
    level=RECOMMENDED,
    source="OpenAI documentation, Background mode (poll while queued); ollama/ollama: openai/responses.go",
    why="The client asked not to wait: a call of ten minutes runs into the time-outs that it wanted to avoid.",
)
def background_at_once(transcript: Transcript) -> Judged:
    """A response with `background: true` that is not streamed comes back `queued` or `in_progress`, or is refused."""
    for visit in visits(transcript):
        body, answer = visit.exchange.request.body, visit.exchange.json
        asked = visit.asks_for_a_response and at(body, "background") is True and at(body, "stream") is not True
        if not asked or visit.exchange.status is None:
            continue
        ignored = visit.exchange.status == 200 and at(answer, "background") is not True  # another rule tells of it
        if visit.exchange.status != 200 or at(answer, "status") in ("queued", "in_progress"):
            yield visit.seen()
        elif not ignored:
            yield visit.broken("status `queued` or `in_progress`", f"status {quote(at(answer, 'status'))}")
