"""Proxies whose other endpoints are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Exchange, Received, Transcript


def _answering(method: str, path: str, edit: Callable[[Exchange, Any], Exchange]) -> Edit:
    """An edit of the answers to a method on paths that end, or contain, so; it gets the JSON too."""

    def one(exchange: Exchange) -> Exchange:
        request = exchange.request
        return edit(exchange, exchange.json) if request.method == method and path in request.path else exchange

    return lambda transcript: edit_exchanges(transcript, one)


def _body(exchange: Exchange, value: Any) -> Exchange:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return replace(exchange, received=(Received(0.01, body),))


@miniature("endpoint.unknown-response")
def invents_responses(transcript: Transcript) -> Transcript:
    """Answers 500 to an unknown id."""
    return _answering("GET", "/responses/resp_unknown", lambda e, _: replace(e, status=500))(transcript)


@miniature("endpoint.error-is-json")
def error_page(transcript: Transcript) -> Transcript:
    """Answers an unknown id with a page."""
    return _answering("GET", "/responses/resp_unknown", lambda e, _: _body(e, b"<html>404</html>"))(transcript)


@miniature("endpoint.wrong-method")
def any_method(transcript: Transcript) -> Transcript:
    """Takes PUT for POST."""
    return _answering("PUT", "/responses", lambda e, _: replace(e, status=200))(transcript)


@miniature("endpoint.upgrade-answered")
def upgrade_refused(transcript: Transcript) -> Transcript:
    """Answers 400 to a websocket upgrade."""

    def one(exchange: Exchange) -> Exchange:
        upgrade = any(name == "upgrade" for name, _ in exchange.request.headers)
        return replace(exchange, status=400) if upgrade else exchange

    return edit_exchanges(transcript, one)


@miniature("endpoint.models-list")
def models_bare(transcript: Transcript) -> Transcript:
    """Lists the models as bare names."""
    return _answering("GET", "/models", lambda e, body: _body(e, [m["id"] for m in body["data"]]))(transcript)


@miniature("endpoint.models-list")
def second_model_without_id(transcript: Transcript) -> Transcript:
    """Lists a second model without an id."""
    more = {"object": "model", "name": "n"}
    edit = _answering("GET", "/models", lambda e, body: _body(e, {**body, "data": [*body["data"], more]}))
    return edit(transcript)


def _stored(exchange: Exchange, body: Any) -> Exchange:
    whole = isinstance(body, dict) and body.get("output")
    return _body(exchange, {**body, "output": []}) if whole else exchange


def _not_found(exchange: Exchange, body: Any) -> Exchange:
    return replace(exchange, status=404) if isinstance(body, dict) and body.get("output") else exchange


@miniature("endpoint.stored-response-fetched")
def stored_without_output(transcript: Transcript) -> Transcript:
    """Stores responses without their output."""
    return _answering("GET", "/responses/", _stored)(transcript)


@miniature("endpoint.stored-response-fetched")
def stored_too_late(transcript: Transcript) -> Transcript:
    """Stores a response after its terminal event."""
    return _answering("GET", "/responses/", _not_found)(transcript)


@miniature("endpoint.input-items")
def input_items_bare(transcript: Transcript) -> Transcript:
    """Lists the input items without the keys of a page."""
    return _answering(
        "GET",
        "/input_items",
        lambda e, body: _body(e, {"object": "list", "data": body["data"]}) if "data" in body else e,
    )(transcript)


@miniature("endpoint.deleted")
def deletes_nothing(transcript: Transcript) -> Transcript:
    """Says that nothing was deleted."""
    return _answering("DELETE", "/responses/", lambda e, _: _body(e, {"object": "response", "deleted": False}))(
        transcript
    )


@miniature("endpoint.deleted")
def deleted_is_still_there(transcript: Transcript) -> Transcript:
    """Goes on giving out what was deleted."""

    def edit(exchange: Exchange, _: Any) -> Exchange:
        return replace(exchange, status=200) if "resp_unknown" not in exchange.request.path else exchange

    return _answering("GET", "/responses/", edit)(transcript)


@miniature("endpoint.packed-body")
def packed_body_misread(transcript: Transcript) -> Transcript:
    """Reads packed bodies as text."""

    def one(exchange: Exchange) -> Exchange:
        packed = any(name == "content-encoding" for name, _ in exchange.request.headers)
        return replace(exchange, status=400) if packed else exchange

    return edit_exchanges(transcript, one)
