"""Proxies that hold back, break off, mix up, or ask again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Drive, DriveKind, Exchange, Received, Transcript
from fakes.log import Lag, UpstreamCall


def _in_drives(edit: Callable[[Exchange], Exchange], *kinds: DriveKind) -> Edit:
    """An edit of the exchanges of some kinds of drive."""

    def one(drive: Drive) -> Drive:
        if drive.kind not in kinds:
            return drive
        return replace(drive, exchanges=[edit(exchange) for exchange in drive.exchanges])

    def whole(transcript: Transcript) -> Transcript:
        if not any(drive.kind in kinds for drive in transcript.drives):
            return transcript
        return replace(transcript, drives=[one(drive) for drive in transcript.drives])

    return whole


@miniature("stream.not-held-back")
def collects_everything(transcript: Transcript) -> Transcript:
    """Sends nothing before the upstream has finished."""

    def one(exchange: Exchange) -> Exchange:
        return replace(exchange, received=(Received(exchange.ended_at, exchange.body),))

    return _in_drives(one, "gated")(transcript)


@miniature("stream.each-delta-at-once")
def one_delta_behind(transcript: Transcript) -> Transcript:
    """Sends each delta when the next one comes."""

    def one(exchange: Exchange) -> Exchange:
        return replace(exchange, upstream=tuple(replace(call, lags=[Lag(3, 1)]) for call in exchange.upstream))

    return _in_drives(one, "gated")(transcript)


def _garbled(exchange: Exchange) -> Exchange:
    if not exchange.is_stream:
        return exchange
    draft = Draft.begin(exchange)
    delta = draft.nth(1, "response.output_text.delta") or draft.nth(0, "response.output_text.delta")
    if delta is not None:
        delta.data["delta"] = "\ufffd" + delta.data["delta"][1:]
    return draft.written()


@miniature("delivery.hostile-equals-plain")
def splits_characters(transcript: Transcript) -> Transcript:
    """Decodes each read on its own: a character cut in two is lost."""
    return _in_drives(_garbled, "hostile")(transcript)


@miniature("delivery.hostile-equals-plain")
def loses_event_at_cut(transcript: Transcript) -> Transcript:
    """Loses an event that came in two reads."""

    def one(exchange: Exchange) -> Exchange:
        draft = Draft.begin(exchange)
        draft.drop(draft.nth(0, "response.content_part.done"))
        return draft.written()

    return _in_drives(one, "hostile")(transcript)


@miniature("delivery.bytewise-equals-plain")
def splits_characters_bytewise(transcript: Transcript) -> Transcript:
    """Decodes each byte on its own."""
    return _in_drives(_garbled, "bytes")(transcript)


@miniature("delivery.answers")
def hangs(transcript: Transcript) -> Transcript:
    """Never ends an answer."""
    return edit_exchanges(transcript, lambda e: replace(e, ended="deadline", problem="nothing came for 10 s"))


@miniature("delivery.answers")
def hangs_up(transcript: Transcript) -> Transcript:
    """Closes the connection instead of answering."""
    return edit_exchanges(transcript, lambda e: replace(e, status=None, headers=(), received=(), ended="no-answer"))


@miniature("delivery.body-ends-cleanly")
def breaks_off(transcript: Transcript) -> Transcript:
    """Closes the connection after the terminal event, in the middle of the body."""
    return edit_exchanges(transcript, lambda e: replace(e, ended="truncated", problem="the last chunk is missing"))


@miniature("delivery.closes-after-terminal")
def lingers(transcript: Transcript) -> Transcript:
    """Keeps the body open for eight seconds after the terminal event."""
    return edit_exchanges(transcript, lambda e: replace(e, ended_at=e.ended_at + 8) if e.is_stream else e)


@miniature("delivery.upstream-heard-out")
def hangs_up_on_the_upstream(transcript: Transcript) -> Transcript:
    """Gives every answer so many seconds as a whole, and hangs up when they are over."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.said is None or not exchange.answered_calls:
            return exchange
        calls = tuple(replace(call, ended="client-gone", ended_at=2.0) for call in exchange.upstream)
        return replace(exchange, said=replace(exchange.said, abandoned=True), upstream=calls)

    return _in_drives(one, "stream", "json")(transcript)


@miniature("delivery.response-ids-unique")
def same_id_always(transcript: Transcript) -> Transcript:
    """Gives every response the same id."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.body
        for drive in transcript.drives:
            for other in drive.exchanges:
                identity = _id(other)
                if identity:
                    body = body.replace(identity.encode(), b"resp_always_the_same")
        return exchange if body == exchange.body else replace(exchange, received=(Received(0.01, body),))

    return edit_exchanges(transcript, one)


def _id(exchange: Exchange) -> str:
    value = exchange.events[0].get("response", "id") if exchange.events else None
    found = value or (exchange.json.get("id") if isinstance(exchange.json, dict) else "")
    return found if isinstance(found, str) else ""


@miniature("delivery.not-mixed")
def shows_anothers_request(transcript: Transcript) -> Transcript:
    """Shows in an answer what another client asked."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream:
            return exchange
        draft = Draft.begin(exchange)
        delta = draft.nth(0, "response.output_text.delta")
        if delta is not None:
            delta.data["delta"] += " cfxzzzzzzzzzz"
        return draft.written()

    return edit_exchanges(transcript, one)


@miniature("delivery.not-mixed")
def sends_anothers_request(transcript: Transcript) -> Transcript:
    """Sends upstream what another client asked."""

    def one(exchange: Exchange) -> Exchange:
        calls = tuple(_with_body(call, {**call.json, "user": "cfxzzzzzzzzzz"}) for call in exchange.upstream)
        return replace(exchange, upstream=calls) if calls else exchange

    return edit_exchanges(transcript, one)


def _with_body(call: UpstreamCall, body: dict[str, Any]) -> UpstreamCall:
    return replace(call, json=body, body=json.dumps(body).encode())


@miniature("delivery.cancels-when-client-leaves")
def generates_for_nobody(transcript: Transcript) -> Transcript:
    """Reads the upstream to its end although the client is gone."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.ended != "client-left":
            return exchange
        return replace(exchange, upstream=tuple(replace(call, ended=None) for call in exchange.upstream))

    return edit_exchanges(transcript, one)


@miniature("delivery.upstream-headers-kept-back")
def passes_headers_on(transcript: Transcript) -> Transcript:
    """Passes the upstream's headers on."""
    model = ("openai-model", "gpt-rerouted")

    def one(exchange: Exchange) -> Exchange:
        calls = tuple(replace(call, sent_headers=(*call.sent_headers, model)) for call in exchange.upstream)
        return replace(exchange, upstream=calls, headers=(*exchange.headers, model)) if calls else exchange

    return edit_exchanges(transcript, one)


@miniature("delivery.keep-alive-by-event")
def keeps_alive_by_comments(transcript: Transcript) -> Transcript:
    """Sends comments while the upstream is silent for ten seconds."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or len(exchange.received) < 4:
            return exchange
        head, tail = exchange.received[:3], exchange.received[3:]
        late = tuple(Received(chunk.t + 10, chunk.data) for chunk in tail)
        comment = Received(head[-1].t + 5, b": keep-alive\n\n")
        return replace(exchange, received=(*head, comment, *late), ended_at=exchange.ended_at + 10)

    return edit_exchanges(transcript, one)


# -- retries ---------------------------------------------------------------------------------------------


def _again(exchange: Exchange, t: float) -> Exchange:
    """The exchange with its last request upstream repeated at a time."""
    if not exchange.upstream:
        return exchange
    number = len(exchange.upstream) - 1
    last = exchange.upstream[number]
    return replace(exchange, upstream=(*exchange.upstream, replace(last, retry_of=number, received_at=t)))


@miniature("retry.not-after-visible-output")
def retries_in_mid_stream(transcript: Transcript) -> Transcript:
    """Asks the upstream again when half of the answer is with the client."""
    return edit_exchanges(transcript, lambda e: _again(e, e.ended_at) if e.is_stream else e)


def _on_refused(transcript: Transcript, wait: float) -> Transcript:
    def one(exchange: Exchange) -> Exchange:
        refused = any(call.status is None or call.status >= 400 for call in exchange.upstream)
        return _again(exchange, wait) if refused else exchange

    return edit_exchanges(transcript, one)


@miniature("retry.none-by-the-target", "retry.only-what-may-succeed")
def retries_everything(transcript: Transcript) -> Transcript:
    """Repeats whatever failed, a minute later."""
    return _on_refused(transcript, 60.0)


@miniature("retry.waits-as-told")
def retries_at_once(transcript: Transcript) -> Transcript:
    """Repeats whatever failed, at once."""
    return _on_refused(transcript, 0.01)
