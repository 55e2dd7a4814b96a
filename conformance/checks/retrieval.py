"""Rules of retrieval: a stored response is told again as it was, and its input is listed page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.asked import read_items
from conformance.crossings import Judged, quote
from conformance.kept import Errand, gets, is_kept, kept
from conformance.normal_form import is_keep_alive
from conformance.pieces import at, items_of, same_json, text_of
from conformance.rules import MUST, SHOULD, rule
from conformance.transcript import Exchange, Transcript

__all__: list[str] = []

_STORE = ("store",)
_DEFAULT_LIMIT = 20  # InputItemListParams.limit


def _replays(transcript: Transcript) -> Iterator[Errand]:
    """The requests that ask for a stored response as a stream."""
    for errand in gets(transcript):
        if errand.query.get("stream") == "true" and not errand.tail and is_kept(errand.visit, errand.identity):
            yield errand


@rule(
    "retrieval.stream-not-ignored",
    level=SHOULD,
    source="openai.types.responses.ResponseRetrieveParamsStreaming; openai-openapi GET /responses/{response_id}",
    why="The SDK waits for events, gets one JSON body, and tells its program of an empty stream.",
    features=_STORE,
)
def stream_not_ignored(transcript: Transcript) -> Judged:
    """`GET /responses/{id}?stream=true` is answered by an event stream, or refused."""
    for errand in _replays(transcript):
        exchange = errand.visit.exchange
        refused = exchange.status is not None and (400 <= exchange.status < 500 or exchange.status == 501)
        if exchange.is_stream or refused:
            yield errand.visit.seen()
        else:
            shown = f"status {exchange.status}, content-type {quote(exchange.header('content-type'))}"
            yield errand.visit.broken("an event stream, or a refusal (4xx, 501)", shown)


def _numbered(exchange: Exchange) -> list[tuple[int, dict[str, Any]]]:
    """The events by sequence number, without signs of life and without padding."""
    found, progress = [], False
    for event in exchange.events:
        number = event.get("sequence_number")
        if isinstance(number, int) and not is_keep_alive(event, progress_seen=progress):
            found.append((number, {key: value for key, value in event.data.items() if key != "obfuscation"}))
        progress = progress or event.type == "response.in_progress"
    return found


def _after(errand: Errand) -> int | None:
    text = errand.query.get("starting_after")
    return int(text) if text is not None and text.isdecimal() else None


@rule(
    "retrieval.replay-only-what-follows",
    level=MUST,
    source="openai.types.responses.ResponseRetrieveParams.starting_after; OpenAI documentation, Background mode",
    why="What the client had received before it lost the connection is shown twice.",
    features=_STORE,
)
def replay_only_what_follows(transcript: Transcript) -> Judged:
    """A stream with `starting_after` holds only events with a higher sequence number, in their order."""
    for errand in _replays(transcript):
        after = _after(errand)
        if after is None or not errand.visit.exchange.is_stream:
            continue
        numbers = [number for number, _ in _numbered(errand.visit.exchange)]
        if numbers == sorted(set(numbers)) and all(number > after for number in numbers):
            yield errand.visit.seen()
        else:
            yield errand.visit.broken(f"numbers above {after}, each once and in order", f"{quote(numbers)}")


@rule(
    "retrieval.replay-same-events",
    level=MUST,
    source="openai.types.responses.ResponseRetrieveParams.starting_after; OpenAI documentation, Background mode",
    why="A client that goes on from a sequence number puts two halves together that do not fit.",
    features=_STORE,
)
def replay_same_events(transcript: Transcript) -> Judged:
    """A stored response that is streamed again has the events that it was first told with, to the last."""
    for errand in _replays(transcript):
        first = kept(errand.visit)[errand.identity].exchange
        if not errand.visit.exchange.is_stream or not first.is_stream:
            continue
        after = _after(errand)
        told = {number: data for number, data in _numbered(first) if after is None or number > after}
        again = dict(_numbered(errand.visit.exchange))
        wrong = next((number for number in sorted(told) if not same_json(told[number], again.get(number))), None)
        if wrong is None:
            yield errand.visit.seen()
        else:
            yield errand.visit.broken(
                f"event {wrong} as first told: {quote(told[wrong])}",
                f"it is {quote(again[wrong])}" if wrong in again else "there is none of that number",
            )


def _pages(transcript: Transcript) -> Iterator[tuple[Errand, list[dict[str, Any]], list[str]]]:
    """Lists of input items that were given, with the texts of the whole input.

    Only where the texts tell the items apart, and nothing came before the input by `previous_response_id`.
    """
    for errand in gets(transcript):
        if errand.tail != "input_items" or not is_kept(errand.visit, errand.identity):
            continue
        body = kept(errand.visit)[errand.identity].exchange.request.body
        texts = [_text(item) for item in items_of(at(body, "input"))]
        listed = at(errand.visit.exchange.json, "data")
        plain = len(set(texts)) == len(texts) and all(texts) and not at(body, "previous_response_id")
        if plain and errand.visit.exchange.status == 200 and isinstance(listed, list):
            yield errand, [item for item in listed if isinstance(item, dict)], texts


def _text(item: Any) -> str:
    return "\n".join(piece.text for piece in read_items([item]) if piece.is_visible_text)


def _position(errand: Errand, texts: list[str]) -> int | None:
    """Where the item named by `after` stands in the input, as an earlier list told; None when none did."""
    wanted = errand.query.get("after")
    for exchange in errand.visit.earlier:
        for item in items_of(at(exchange.json, "data")):
            if wanted is not None and at(item, "id") == wanted and _text(item) in texts:
                return texts.index(_text(item))
    return None


def _remaining(errand: Errand, texts: list[str]) -> list[str] | None:
    """The texts from where a page begins, in the order asked for; None where that cannot be told."""
    ascending = errand.query.get("order", "desc") == "asc"
    ordered = texts if ascending else texts[::-1]
    if "after" not in errand.query:
        return ordered
    position = _position(errand, texts)
    if position is None:
        return None
    return ordered[(position if ascending else len(texts) - 1 - position) + 1 :]


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", "")
    return int(text) if text.isdecimal() else _DEFAULT_LIMIT


@rule(
    "retrieval.items-are-the-input",
    level=MUST,
    source="openai.types.responses.InputItemListParams (after, limit, order); openai-openapi, listInputItems",
    why="A conversation that is shown again has its turns in another order, or not all of them.",
    features=_STORE,
)
def items_are_the_input(transcript: Transcript) -> Judged:
    """A page of input items is the part of the input that `order`, `after` and `limit` ask for."""
    for errand, listed, texts in _pages(transcript):
        remaining = _remaining(errand, texts)
        if remaining is None or "order" not in errand.query:
            continue
        wanted = remaining[: _limit(errand.query)]
        got = [_text(item) for item in listed]
        if got == wanted:
            yield errand.visit.seen()
        else:
            yield errand.visit.broken(f"the items {quote(wanted, 240)}", f"{quote(got, 240)}")


@rule(
    "retrieval.newest-item-first",
    level=SHOULD,
    source="openai.types.responses.InputItemListParams.order (the default is desc)",
    why="A program that reads the latest message from the first item reads the oldest.",
    features=_STORE,
)
def newest_item_first(transcript: Transcript) -> Judged:
    """Without `order` the last item of the input is listed first."""
    for errand, listed, texts in _pages(transcript):
        remaining = _remaining(errand, texts)
        if "order" in errand.query or remaining is None or len(texts) < 2 or not listed:
            continue
        if _text(listed[0]) == remaining[0]:
            yield errand.visit.seen()
        else:
            yield errand.visit.broken(f"{quote(remaining[0])} first", f"first is {quote(_text(listed[0]))}")


@rule(
    "retrieval.page-keys",
    level=MUST,
    source="openai.types.responses.ResponseItemList (first_id, last_id, has_more); openai.pagination.CursorPage",
    why="The SDK asks for the next page by these: it stops too early, or asks for the same page for ever.",
    features=_STORE,
)
def page_keys(transcript: Transcript) -> Judged:
    """`first_id` and `last_id` are those of the first and last item of the page; `has_more` says if others follow."""
    for errand, listed, texts in _pages(transcript):
        body, remaining = errand.visit.exchange.json, _remaining(errand, texts)
        if not listed or remaining is None:
            continue
        wanted = {"first_id": text_of(listed[0].get("id")), "last_id": text_of(listed[-1].get("id"))}
        wanted_more = len(remaining) > len(listed)
        got = {key: at(body, key) for key in wanted}
        if all(wanted.values()) and got == wanted and at(body, "has_more") is wanted_more:
            yield errand.visit.seen()
        else:
            shown = {**got, "has_more": at(body, "has_more")}
            yield errand.visit.broken(f"{quote({**wanted, 'has_more': wanted_more}, 240)}", f"{quote(shown, 240)}")
