"""Rules of compaction: a conversation is put in a few opaque words, and those stand for it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.asked import read_items
from conformance.crossings import Judged, Visit, asked_in, crossings, quote, upstream_requests, visits
from conformance.normal_form import final_response
from conformance.pieces import Piece, at, items_of, occurrences, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.transcript import Exchange, Transcript

__all__: list[str] = []

_COMPACTION = ("compaction",)
_NOT_OFFERED = (400, 404, 405, 422, 501)


def _is_blob(item: Any) -> bool:
    return at(item, "type") == "compaction" and bool(text_of(at(item, "encrypted_content")))


def _output(exchange: Exchange) -> list[Any]:
    return items_of(at(final_response(exchange), "output"))


def _is_compact(exchange: Exchange) -> bool:
    path = exchange.request.path.partition("?")[0].rstrip("/")
    return exchange.request.method.upper() == "POST" and path.endswith("/responses/compact")


def _triggers(transcript: Transcript) -> Iterator[Visit]:
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is not None and "compaction_trigger" in asked.types:
            yield visit


@rule(
    "compaction.trigger",
    level=RECOMMENDED,
    source="openai/codex (compaction_trigger as last input item); openai.types.responses.ResponseCompactionItem",
    why="Codex takes the answer for the compacted history: with a normal message in it the session is lost.",
)
def trigger(transcript: Transcript) -> Judged:
    """A `compaction_trigger` is answered by one `compaction` item and nothing else, or refused; never by a message."""
    for visit in _triggers(transcript):
        status = visit.exchange.status
        output = _output(visit.exchange)
        if (status in _NOT_OFFERED) or (len(output) == 1 and _is_blob(output[0])):
            yield visit.seen()
        else:
            kinds = [at(item, "type") for item in output]
            yield visit.broken("one `compaction` item, or a refusal (4xx, 501)", f"status {status}, output {kinds}")


@rule(
    "compaction.object",
    level=MUST,
    source="openai.types.responses.CompactedResponse; Open Responses 2026-04-24, CompactResource",
    why="The SDK cannot read the compacted conversation.",
)
def compacted_object(transcript: Transcript) -> Judged:
    """`POST /responses/compact` gives a `response.compaction` whose output ends in its one `compaction` item."""
    for visit in visits(transcript):
        if not _is_compact(visit.exchange):
            continue
        status, problems = visit.exchange.status, _problems(visit.exchange.json)
        if status in _NOT_OFFERED or (status == 200 and not problems):
            yield visit.seen()
        else:
            yield visit.broken(
                "a `response.compaction`, or 404, 405, 501", f"status {status}: {'; '.join(problems) or 'its object'}"
            )


def _problems(body: Any) -> list[str]:
    output = items_of(at(body, "output"))
    found = {
        "`object` is not response.compaction": at(body, "object") != "response.compaction",
        "`id` is missing": not text_of(at(body, "id")),
        "`created_at` is no number": not isinstance(at(body, "created_at"), int | float),
        "`usage` is missing": not isinstance(at(body, "usage"), dict),
        "`output` does not end in a compaction item": not output or not _is_blob(output[-1]),
        "`output` has several compaction items": sum(map(_is_blob, output)) > 1,
    }
    return [problem for problem, is_there in found.items() if is_there]


@rule(
    "compaction.expanded",
    level=INTEGRITY,
    source="openai.types.responses.ResponseCompactionItem.encrypted_content; openai/codex#45393",
    why="The model has forgotten the whole session, and nobody is told.",
    features=_COMPACTION,
    evidence="both",
)
def expanded(transcript: Transcript) -> Judged:
    """A `compaction` item that the target gave out goes upstream as what it stands for."""
    for crossing in crossings(transcript):
        visible = "\n".join(piece.text for piece in crossing.sent.pieces if piece.is_visible_text)
        for source in _compacted_by(crossing.visit, crossing.asked.items):
            summary = source.said.joined("text").strip() if source.said is not None else ""
            before = [
                piece.text
                for piece in read_items(at(source.request.body, "input"))
                if piece.is_visible_text and piece.role != "system"
            ]
            if (summary and summary in visible) or (before and all(text.strip() in visible for text in before)):
                yield crossing.seen
            else:
                yield crossing.broken(f"the summary {quote(summary)}, or what it sums up", f"{quote(visible)}")


@rule(
    "compaction.whole-conversation",
    level=INTEGRITY,
    source="openai/codex (the compacted items replace the history); CodebuffAI/freebuff#1166",
    why="What the summarising model was not shown is in no summary, and the client has thrown it away.",
    features=_COMPACTION,
    evidence="both",
)
def whole_conversation(transcript: Transcript) -> Judged:
    """A model that sums a conversation up is shown all of it; what it is not shown stays in the output as it was."""
    for visit in visits(transcript):
        asked, output = visit.exchange.request.body, _output(visit.exchange)
        shown = [piece for request in upstream_requests(visit, transcript) for piece in request.pieces]
        if not shown or not any(map(_is_blob, output)) or at(asked, "previous_response_id"):
            continue
        known = _spoken(shown) + _spoken(read_items(output))
        lost = [text for text in _spoken(read_items(at(asked, "input"))) if not occurrences(text.strip(), known)]
        if lost:
            yield visit.broken(f"{quote(lost[0])} shown to the model, or kept", "it is nowhere", call=0)
        else:
            yield visit.seen(call=0)


def _spoken(pieces: Iterable[Piece]) -> list[str]:
    """What users, assistants and tools said."""
    said = (piece for piece in pieces if piece.is_visible_text or piece.kind == "result")
    return [text for piece in said for text in (piece.text, *piece.texts) if text.strip()]


def _compacted_by(visit: Visit, items: tuple[Any, ...]) -> Iterator[Exchange]:
    """The earlier exchanges that gave out the compaction items of an input."""
    brought = {text_of(at(item, "encrypted_content")) for item in items if _is_blob(item)}
    for exchange in visit.earlier:
        if brought & {text_of(at(item, "encrypted_content")) for item in _output(exchange) if _is_blob(item)}:
            yield exchange
