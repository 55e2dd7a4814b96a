"""Proxies that send requests upstream which the service refuses, or which say too much."""

from __future__ import annotations

from dataclasses import replace

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.transcript import Exchange, Transcript


@request_miniature("upstream.accepted-by-service")
def temperature_as_text(request: Outgoing) -> None:
    """Sends the temperature as a string."""
    if "temperature" in request.body:
        request.body["temperature"] = str(request.body["temperature"])


@request_miniature("upstream.accepted-by-service")
def role_unknown(request: Outgoing) -> None:
    """Calls the second message's role `human`."""
    if len(request.messages) > 1:
        request.messages[1]["role"] = "human"


@miniature("upstream.called-once")
def asks_twice(transcript: Transcript) -> Transcript:
    """Asks the upstream a second time and throws the first answer away."""

    def one(exchange: Exchange) -> Exchange:
        again = tuple(replace(call, answer=None) for call in exchange.upstream)
        return replace(exchange, upstream=exchange.upstream + again) if again else exchange

    return edit_exchanges(transcript, one)


@miniature("upstream.called-once")
def answers_from_nowhere(transcript: Transcript) -> Transcript:
    """Answers without asking the upstream."""
    return edit_exchanges(transcript, lambda e: replace(e, upstream=()) if e.upstream else e)


@request_miniature("upstream.model-passed")
def own_model(request: Outgoing) -> None:
    """Asks for a model of its own choice."""
    request.body["model"] = "another-model"


@request_miniature("upstream.json-body")
def body_without_type(request: Outgoing) -> None:
    """Sends JSON as plain text."""
    request.headers[:] = [("content-type", "text/plain") if n == "content-type" else (n, v) for n, v in request.headers]


@request_miniature("upstream.api-version")
def no_api_version(request: Outgoing) -> None:
    """Leaves the anthropic-version header out."""
    request.headers[:] = [(n, v) for n, v in request.headers if n != "anthropic-version"]


@request_miniature("upstream.credentials-in-headers")
def key_in_address(request: Outgoing) -> None:
    """Puts the key into the query."""
    key = next((v for n, v in request.headers if n in ("authorization", "x-api-key")), None)
    if key is not None:  # a call that only counts may do without
        request.query = f"api_key={key.rpartition(' ')[2]}"


@request_miniature("upstream.credentials-in-headers")
def client_key_in_body(request: Outgoing) -> None:
    """Passes the client's key on as a field of the body."""
    key = next(v for n, v in request.exchange.request.headers if n == "authorization")
    request.body["user"] = key.rpartition(" ")[2]


@request_miniature("upstream.no-responses-only-keys")
def passes_include(request: Outgoing) -> None:
    """Copies `include` from the client's request."""
    if "include" in request.asked:
        request.body["include"] = request.asked["include"]


@request_miniature("upstream.no-responses-only-keys")
def passes_reasoning_object(request: Outgoing) -> None:
    """Copies the `reasoning` object from the client's request."""
    if request.asked.get("reasoning"):
        request.body["reasoning"] = request.asked["reasoning"]


@request_miniature("upstream.unknown-keys-not-forwarded")
def passes_unknown_fields(request: Outgoing) -> None:
    """Copies `client_metadata` from the client's request."""
    if "client_metadata" in request.asked:
        request.body["client_metadata"] = request.asked["client_metadata"]


@request_miniature("upstream.unknown-keys-not-forwarded")
def passes_unknown_item_keys(request: Outgoing) -> None:
    """Copies keys that it does not know from an item into a message."""
    for item in request.asked.get("input") or ():
        if isinstance(item, dict) and "turn_metadata" in item:
            request.messages[-1]["turn_metadata"] = item["turn_metadata"]


@request_miniature("upstream.item-ids-not-leaked")
def passes_item_ids(request: Outgoing) -> None:
    """Copies the id of an item into a message."""
    items = request.asked.get("input")
    ids = [item["id"] for item in items if item.get("id")] if isinstance(items, list) else []
    if ids:
        request.messages[-1]["id"] = ids[-1]


@request_miniature("upstream.streams-when-asked")
def never_streams(request: Outgoing) -> None:
    """Fetches the whole answer before it streams anything."""
    for key in ("stream", "stream_options"):
        request.body.pop(key, None)


@request_miniature("upstream.usage-asked-for")
def no_usage_asked(request: Outgoing) -> None:
    """Leaves stream_options out."""
    request.body.pop("stream_options", None)


@request_miniature("upstream.usage-asked-for")
def usage_declined(request: Outgoing) -> None:
    """Sends include_usage: false."""
    if "stream_options" in request.body:
        request.body["stream_options"] = {"include_usage": False}


@request_miniature("upstream.stream-options-with-stream-only")
def stream_options_always(request: Outgoing) -> None:
    """Sends stream_options with every request."""
    if not request.is_messages:
        request.body["stream_options"] = {"include_usage": True}


@request_miniature("upstream.one-choice")
def two_choices(request: Outgoing) -> None:
    """Asks for two choices and shows the first."""
    if not request.is_messages:
        request.body["n"] = 2
