"""Proxies that tell failures wrongly, or forget what they were to keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, edit_json, edit_request, encode, on_streams
from conformance.miniatures.miniature import miniature
from conformance.miniatures.right_answers import refusal
from conformance.transcript import Exchange, Received, Transcript

_STREAM = (("content-type", "text/event-stream"),)


def _body(exchange: Exchange, body: bytes, status: int, kind: str = "application/json") -> Exchange:
    return replace(exchange, status=status, headers=(("content-type", kind),), received=(Received(0.01, body),))


def _error(exchange: Exchange, status: int, message: str) -> Exchange:
    error = {"message": message, "type": "server_error", "param": None, "code": None}
    return _body(exchange, json.dumps({"error": error}).encode(), status)


def _on_refusals(
    transcript: Transcript, edit: Callable[[Exchange], Exchange], when: Callable[[Exchange], bool]
) -> Transcript:
    """Every answer whose upstream refused before its first word, and where the condition holds."""

    def one(exchange: Exchange) -> Exchange:
        said = exchange.said
        return edit(exchange) if said is not None and said.status >= 400 and when(exchange) else exchange

    return edit_exchanges(transcript, one)


def _kind(*kinds: str) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.said is not None and exchange.said.error_kind in kinds


@miniature("failure.never-succeeds")
def null_for_a_refusal(transcript: Transcript) -> Transcript:
    """Answers 200 and `null` when the upstream refuses a request as unprocessable."""
    return _on_refusals(
        transcript, lambda e: _body(e, b"null", 200), lambda e: e.said is not None and e.said.status == 422
    )


@miniature("failure.bad-request-kept", "error.context-length-code")
def overflow_as_502(transcript: Transcript) -> Transcript:
    """Tells a context overflow as a failure of the upstream: the client tries again for ever."""
    return _on_refusals(transcript, lambda e: _error(e, 502, "Upstream request failed."), _kind("context_length"))


@miniature("failure.overload-kept")
def overload_as_500(transcript: Transcript) -> Transcript:
    """Does not know the status of an overload and tells it as 500."""
    return _on_refusals(transcript, lambda e: _error(e, 500, "Unexpected status."), _kind("overloaded"))


@miniature("failure.never-succeeds")
def page_read_as_an_answer(transcript: Transcript) -> Transcript:
    """Reads a gateway's error page as an answer: the text that it finds is empty."""
    answer = {"id": "resp_page", "object": "response", "status": "completed", "output": []}
    return _on_refusals(transcript, lambda e: _body(e, json.dumps(answer).encode(), 200), _is_page)


@miniature("failure.json-content-type")
def page_relayed_as_events(transcript: Transcript) -> Transcript:
    """Relays a gateway's page under the content type of an event stream."""
    page = b"<html><body>502 Bad Gateway</body></html>"
    return _on_refusals(transcript, lambda e: _body(e, page, 502, "text/event-stream"), _is_page)


def _is_page(exchange: Exchange) -> bool:
    return any("html" in value for call in exchange.upstream for _, value in call.sent_headers)


@miniature("stream.terminal-event")
def early_200_hides_the_error(transcript: Transcript) -> Transcript:
    """Says 200 to keep the client alive, and has no way left to tell that the upstream then refused."""

    def one(exchange: Exchange) -> Exchange:
        response = {"id": "resp_early", "object": "response", "status": "in_progress", "output": []}
        kinds = ("response.created", "response.in_progress")
        frames = [encode({"type": kind, "sequence_number": n, "response": response}) for n, kind in enumerate(kinds)]
        received = tuple(Received(0.01 * n, frame) for n, frame in enumerate(frames, 1))
        return replace(exchange, status=200, headers=_STREAM, received=received)

    return _on_refusals(transcript, one, lambda exchange: exchange.wants_stream)


@miniature("answer.stream")
def passes_responses_on(transcript: Transcript) -> Transcript:
    """Passes the request on to `/v1/responses` of an upstream that has no such route."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.upstream or exchange.request.method != "POST":
            return exchange
        call = edit_request(exchange.upstream[0])
        lost = replace(call, path="/v1/responses", kind="unknown", answer=None, status=404, sent=[])
        return replace(refusal(exchange.request, 404), upstream=(lost,), said=exchange.said)

    return edit_exchanges(transcript, one)


# -- state --------------------------------------------------------------------------------------------------------


@miniature("history.previous-response-continued")
def stored_after_a_while(transcript: Transcript) -> Transcript:
    """Writes what it stores seconds later: until then a continued response begins with nothing."""
    return _on_continued(transcript, lambda kept: kept[-1:])


@miniature("history.previous-response-continued")
def calls_not_stored(transcript: Transcript) -> Transcript:
    """Stores messages only: calls and their results are gone when a response is continued."""

    def texts(kept: list[Any]) -> list[Any]:
        return [message for message in kept if not _is_tooled(message)]

    return _on_continued(transcript, texts)


def _is_tooled(message: dict[str, Any]) -> bool:
    blocks = message.get("content")
    kinds = {block.get("type") for block in blocks if isinstance(block, dict)} if isinstance(blocks, list) else set()
    return message.get("role") == "tool" or bool(message.get("tool_calls")) or bool(kinds & {"tool_use", "tool_result"})


def _on_continued(transcript: Transcript, edit: Callable[[list[Any]], list[Any]]) -> Transcript:
    """The messages sent upstream for requests that continue a response."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        if not isinstance(body, dict) or not body.get("previous_response_id"):
            return exchange
        calls = tuple(edit_request(call, messages=edit(list(call.json["messages"]))) for call in exchange.upstream)
        return replace(exchange, upstream=calls)

    return edit_exchanges(transcript, one)


@miniature("endpoint.stored-response-fetched")
def streams_not_stored(transcript: Transcript) -> Transcript:
    """Stores whole answers only: what was streamed is a 404."""
    return _on_fetched(transcript, lambda exchange: refusal(exchange.request, 404))


@miniature("endpoint.stored-response-fetched")
def link_to_the_previous_lost(transcript: Transcript) -> Transcript:
    """Stores a streamed response without its previous_response_id."""

    def one(exchange: Exchange) -> Exchange:
        value = exchange.json
        if not isinstance(value, dict) or not value.get("previous_response_id"):
            return exchange
        return _body(exchange, json.dumps({**value, "previous_response_id": None}).encode(), 200)

    return _on_fetched(transcript, one)


def _on_fetched(transcript: Transcript, edit: Callable[[Exchange], Exchange]) -> Transcript:
    def one(exchange: Exchange) -> Exchange:
        path = exchange.request.path.partition("?")[0]
        fetched = exchange.request.method == "GET" and exchange.status == 200 and path.count("/responses/") == 1
        return edit(exchange) if fetched and not path.endswith("/input_items") else exchange

    return edit_exchanges(transcript, one)


@miniature("endpoint.error-is-json")
def not_found_as_a_page(transcript: Transcript) -> Transcript:
    """Lets its web framework say what is not found, as a page."""

    def one(exchange: Exchange) -> Exchange:
        elsewhere = exchange.request.method != "POST" and exchange.status in (404, 405)
        return _body(exchange, b"<h1>404 Not Found</h1>", 404, "text/html") if elsewhere else exchange

    return edit_exchanges(transcript, one)


@miniature("store.left-is-not-completed")
def left_responses_complete(transcript: Transcript) -> Transcript:
    """Stores what a client heard before it left as a completed response."""

    def one(exchange: Exchange) -> Exchange:
        value = exchange.json
        if exchange.request.method != "GET" or not _left_before(transcript, exchange):
            return exchange
        known = value if isinstance(value, dict) and exchange.status == 200 else {"object": "response", "output": []}
        identity = exchange.request.path.rpartition("/")[2]
        return _body(exchange, json.dumps({**known, "id": identity, "status": "completed"}).encode(), 200)

    return edit_exchanges(transcript, one)


def _left_before(transcript: Transcript, exchange: Exchange) -> bool:
    drive = next((drive for drive in transcript.drives if any(one is exchange for one in drive.exchanges)), None)
    return drive is not None and any(one.ended == "client-left" for one in drive.exchanges)


# -- settings that are not what was asked -------------------------------------------------------------------------


@miniature("tools.choice-required")
def choice_ignored_and_echoed_as_auto(transcript: Transcript) -> Transcript:
    """Sends no `tool_choice` upstream, and says in its answer that it was `auto`."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        if not isinstance(body, dict) or body.get("tool_choice") in (None, "auto"):
            return exchange
        return replace(exchange, upstream=tuple(edit_request(call, tool_choice=None) for call in exchange.upstream))

    ignored = edit_exchanges(transcript, one)
    return ignored if ignored is transcript else edit_json(on_streams(_auto)(ignored), _echoes_auto)


def _auto(draft: Draft) -> None:
    for response in draft.snapshots():
        response["tool_choice"] = "auto"


def _echoes_auto(value: Any) -> Any:
    return {**value, "tool_choice": "auto"} if isinstance(value, dict) and "tool_choice" in value else value


@miniature("response.background-at-once")
def background_echoed_and_ignored(transcript: Transcript) -> Transcript:
    """Echoes `background: true`, and makes the response at once."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        if not isinstance(body, dict) or body.get("background") is not True:
            return exchange
        answer = {"id": "resp_at_once", "object": "response", "status": "completed", "background": True, "output": []}
        return _body(exchange, json.dumps(answer).encode(), 200)

    return edit_exchanges(transcript, one)


@miniature("failure.error-body")
def error_as_a_bare_string(transcript: Transcript) -> Transcript:
    """Sends `{"error": "..."}` where an object belongs."""

    def one(value: Any) -> Any:
        error = value.get("error") if isinstance(value, dict) else None
        return {"error": error["message"]} if isinstance(error, dict) and "object" not in value else value

    return edit_json(transcript, one)
