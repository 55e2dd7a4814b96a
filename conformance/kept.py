"""What a target may have kept: the responses of earlier exchanges of a drive, and requests that ask for them.

gets(transcript)    GET requests below `/responses/`, with the id, the rest of the path and the query
kept(visit)         the responses that the exchanges before this one ended with, by id
deleted(visit)      the ids that a DELETE before this one has taken away
went_on_without(visit, response)  whether a request that continues that response was sent upstream as if it did not
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from conformance.asked import final_response, read_items
from conformance.crossings import Visit, visits
from conformance.pieces import at
from conformance.transcript import ClientRequest, Exchange, Transcript

__all__ = ["Errand", "Kept", "deleted", "errands", "gets", "is_kept", "kept", "went_on_without"]

_BELOW = "/responses/"


@dataclass(frozen=True)
class Kept:
    """A response that was given out, and the exchange in which it was."""

    response: Mapping[str, Any]
    exchange: Exchange

    @property
    def was_to_be_stored(self) -> bool:
        """Whether its request left `store` at its default, or set it."""
        return at(self.exchange.request.body, "store") is not False

    @property
    def status(self) -> str:
        """The status that it ended with; "" when it has none."""
        status = self.response.get("status")
        return status if isinstance(status, str) else ""


@dataclass(frozen=True)
class Errand:
    """A request for something below `/responses/`: `GET /responses/{identity}/{tail}?{query}`."""

    visit: Visit
    identity: str
    tail: str
    query: Mapping[str, str]


def errands(transcript: Transcript, method: str) -> Iterator[Errand]:
    """The requests of a method below `/responses/`, by the client that began: what it has is not another one's."""
    for visit in visits(transcript):
        request = visit.exchange.request
        is_owner = request.authorization == visit.drive.exchanges[0].request.authorization
        if is_owner and request.method.upper() == method and _BELOW in request.path:
            yield _errand(visit, request)


def gets(transcript: Transcript) -> Iterator[Errand]:
    """The GET requests below `/responses/`."""
    return errands(transcript, "GET")


def _errand(visit: Visit, request: ClientRequest) -> Errand:
    path, _, query = request.path.partition("?")
    identity, _, tail = path.partition(_BELOW)[2].partition("/")
    return Errand(visit, identity, tail.rstrip("/"), dict(parse_qsl(query, keep_blank_values=True)))


def kept(visit: Visit) -> dict[str, Kept]:
    """The responses that earlier requests for one ended with, by id."""
    found = {}
    for exchange in visit.earlier:
        response = final_response(exchange) if exchange.request.method.upper() == "POST" else None
        if response is not None and isinstance(response.get("id"), str):
            found[response["id"]] = Kept(response, exchange)
    return found


def is_kept(visit: Visit, identity: str) -> bool:
    """Whether a response was to be stored, and has not been deleted since."""
    response = kept(visit).get(identity)
    return response is not None and response.was_to_be_stored and identity not in deleted(visit)


def went_on_without(visit: Visit, response: Kept) -> bool:
    """Whether the upstream was asked without anything of that response and its request: ignored, and not kept.

    What the new request says itself proves nothing, for it stands upstream in any case.
    """
    sent = [json.dumps(call.json, ensure_ascii=False) for call in visit.exchange.answered_calls]
    own = json.dumps(visit.exchange.request.body, ensure_ascii=False)
    said = read_items(response.response.get("output")) + read_items(at(response.exchange.request.body, "input"))
    texts = [json.dumps(piece.text, ensure_ascii=False)[1:-1] for piece in said if piece.is_visible_text and piece.text]
    of_before = [text for text in texts if text not in own]
    return bool(sent and of_before) and not any(text in call for call in sent for text in of_before)


def deleted(visit: Visit) -> set[str]:
    """The ids that a successful DELETE before this request has taken away."""
    paths = [
        exchange.request.path.partition("?")[0].rstrip("/")
        for exchange in visit.earlier
        if exchange.request.method.upper() == "DELETE" and exchange.status in (200, 204)
    ]
    return {path.rpartition("/")[2] for path in paths}
