"""Rules of storing: what is not to be kept is not, what is gone is not continued, and references are followed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from conformance.asked import final_response
from conformance.crossings import Crossing, Judged, Visit, asked_in, crossings, quote, visits
from conformance.kept import Kept, deleted, gets, kept, went_on_without
from conformance.pieces import at, items_of, text_of
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Exchange, Transcript

__all__: list[str] = []

_STORE = ("store",)
_GONE = (400, 404)


def _continuations(transcript: Transcript) -> Iterator[tuple[Visit, str, Kept]]:
    """The requests that continue a response of an earlier exchange."""
    for visit in visits(transcript):
        previous = at(visit.exchange.request.body, "previous_response_id")
        if visit.asks_for_a_response and isinstance(previous, str) and previous in (known := kept(visit)):
            yield visit, previous, known[previous]


def _refused(visit: Visit, what: str) -> Judged:
    if visit.exchange.status in _GONE:
        yield visit.seen()
    else:
        yield visit.broken(f"400 or 404: {what}", f"status {visit.exchange.status}")


@rule(
    "store.false-leaves-nothing",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.store; Open Responses 2026-04-24, previous_response_id",
    why="What was not to be kept is kept: data that its owner believes gone can be fetched.",
)
def false_leaves_nothing(transcript: Transcript) -> Judged:
    """A response with `store: false` can be neither fetched, nor listed, nor continued by a later request."""
    for errand in gets(transcript):
        response = kept(errand.visit).get(errand.identity)
        if response is None or response.was_to_be_stored:
            continue
        status = errand.visit.exchange.status
        if status is not None and status >= 400:  # which one it is is judged elsewhere
            yield errand.visit.seen()
        else:
            shown = quote(errand.visit.exchange.body[:120].decode("utf-8", "replace"))
            yield errand.visit.broken("404: it was not to be stored", f"status {status}: {shown}")
    for visit, _, response in _continuations(transcript):
        if not response.was_to_be_stored and not went_on_without(visit, response):
            yield from _refused(visit, "the response was not to be stored")


@rule(
    "store.deleted-not-continued",
    level=MUST,
    source="openai-openapi DELETE /responses/{response_id}; Open Responses 2026-04-24, previous_response_not_found",
    why="What the user deleted goes to the model again.",
    features=_STORE,
)
def deleted_not_continued(transcript: Transcript) -> Judged:
    """A response that was deleted cannot be continued."""
    for visit, identity, _ in _continuations(transcript):
        if identity in deleted(visit):
            yield from _refused(visit, "the response was deleted")


@rule(
    "store.failed-not-continued",
    level=RECOMMENDED,
    source="Open Responses 2026-04-24, previous_response_id; NousResearch/hermes-agent#15171",
    why="Half an answer becomes part of the conversation as if the model had meant it.",
    features=_STORE,
)
def failed_not_continued(transcript: Transcript) -> Judged:
    """A response that failed cannot be continued."""
    for visit, identity, response in _continuations(transcript):
        if response.status == "failed" and response.was_to_be_stored and identity not in deleted(visit):
            yield from _refused(visit, "the response failed")


@rule(
    "store.item-reference-resolved",
    level=MUST,
    source="openai.types.responses.response_input_item_param.ItemReference; vercel/ai sends them by default",
    why="The AI SDK refers to what is stored: the model answers without it, and nothing tells the client so.",
    features=_STORE,
    evidence="both",
)
def item_reference_resolved(transcript: Transcript) -> Judged:
    """An `item_reference` puts the item that it names into the context, or the request is refused; never skipped."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is not None and "item_reference" in asked.types and visit.exchange.status in (400, 404, 422):
            yield visit.seen()
    for crossing in crossings(transcript):
        for text in _referenced_texts(crossing):
            if any(text.strip() in piece.text for piece in crossing.sent.pieces if piece.is_visible_text):
                yield crossing.seen
            else:
                yield crossing.broken(f"{quote(text)}, which the reference names", "it is not in the request upstream")


def _referenced_texts(crossing: Crossing) -> list[str]:
    references = {n for n, item in enumerate(crossing.asked.items) if at(item, "type") == "item_reference"}
    own = crossing.asked.pieces[crossing.asked.own :]
    return [piece.text for piece in own if piece.message in references and piece.is_visible_text and piece.text.strip()]


@rule(
    "store.unknown-item-reference",
    level=MUST,
    source="openai.types.responses.response_input_item_param.ItemReference; openai.NotFoundError",
    why="A part of the conversation is silently gone.",
)
def unknown_item_reference(transcript: Transcript) -> Judged:
    """An `item_reference` to an item that was never given out is refused with 400, 404 or 422 (501 where all are)."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is None:
            continue
        named = {text_of(at(item, "id")) for item in asked.items if at(item, "type") == "item_reference"}
        unknown = named - set(_ids_given(visit.earlier))
        if not unknown:
            continue
        if visit.exchange.status in (400, 404, 422, 501):
            yield visit.seen()
        else:
            yield visit.broken(f"400, 404 or 422: {sorted(unknown)} names nothing", f"status {visit.exchange.status}")


def _ids_given(earlier: list[Exchange]) -> Iterator[str]:
    """The ids of all items that the target has shown: in outputs and in lists."""
    for exchange in earlier:
        for items in (at(final_response(exchange), "output"), at(exchange.json, "data")):
            for item in items_of(items):
                yield text_of(at(item, "id"))


_ALIKE = 6  # places in which two ids of one form must differ; 64 random bits differ in fewer once in ten million pairs


@rule(
    "store.ids-unguessable",
    level=RECOMMENDED,
    source="CWE-340; OWASP Session Management, session ID entropy (64 bits)",
    why="Whoever has one id finds the responses of others by counting.",
    features=_STORE,
)
def ids_unguessable(transcript: Transcript) -> Judged:
    """The ids of two stored responses differ in more than a counter or the time."""
    known: list[str] = []
    for visit in visits(transcript):
        response = final_response(visit.exchange) if visit.asks_for_a_response else None
        identity = text_of(at(response, "id"))
        if not identity or identity in known or _is_the_upstreams(identity, visit.exchange):
            continue
        near = next((other for other in known if _differing(other, identity) < _ALIKE), None)
        if near is not None:
            yield visit.broken(f"an id that cannot be guessed from {near!r}", f"{identity!r}")
        elif known:
            yield visit.seen()
        known.append(identity)


def _differing(left: str, right: str) -> int:
    """In how many places two ids differ; those of different lengths count as different throughout."""
    if len(left) != len(right):
        return max(len(left), len(right))
    return sum(one != other for one, other in zip(left, right, strict=True))


def _is_the_upstreams(identity: str, exchange: Exchange) -> bool:
    """Whether an id holds the id of the upstream's answer, plain or in base64: then it is as random as that one."""
    plain = identity + _decoded(identity.partition("_")[2])
    bodies = [call.sent_body[:2000] for call in exchange.answered_calls]
    return any(_common(plain, body.decode("utf-8", "replace")) for body in bodies)


def _decoded(text: str) -> str:
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "replace")
    except (binascii.Error, UnicodeEncodeError):
        return ""


def _common(identity: str, body: str, length: int = 12) -> bool:
    return any(identity[n : n + length] in body for n in range(len(identity) - length + 1))
