"""Proxies that fall under a burden: they take what is too much, let anybody in, or go without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Exchange, Received, Transcript

_OK = {"object": "response", "status": "completed", "output": []}
_ENDED = Literal["complete", "cut"]


def _tagged(tag: str, edit: Callable[[Exchange], Exchange]) -> Edit:
    """An edit of the exchanges of transcripts with a tag."""

    def whole(transcript: Transcript) -> Transcript:
        return edit_exchanges(transcript, edit) if tag in transcript.facts.get("tags", ()) else transcript

    return whole


def _answered(status: int, value: Any = None) -> Callable[[Exchange], Exchange]:
    """An exchange with another status, and with a body of its own where one is given."""

    def one(exchange: Exchange) -> Exchange:
        if value is None:
            return replace(exchange, status=status)
        headers = (("content-type", "application/json"),)
        return replace(exchange, status=status, headers=headers, received=(Received(0.01, json.dumps(value).encode()),))

    return one


@miniature("body.bomb-refused")
def unpacks_bombs(transcript: Transcript) -> Transcript:
    """Unpacks whatever comes, and answers it."""
    return _tagged("bomb", _answered(200, _OK))(transcript)


@miniature("body.too-large-413")
def too_large_as_400(transcript: Transcript) -> Transcript:
    """Tells a body that is too large as 400."""
    return _tagged("over-long", _answered(400))(transcript)


@miniature("body.unknown-coding-415")
def unknown_coding_as_400(transcript: Transcript) -> Transcript:
    """Reads bodies in an unknown coding as text."""

    def one(exchange: Exchange) -> Exchange:
        return replace(exchange, status=400) if exchange.status == 415 else exchange

    return edit_exchanges(transcript, one)


@miniature("access.wrong-key-refused")
def any_key(transcript: Transcript) -> Transcript:
    """Takes any key for the right one."""
    return _tagged("wrong-key", _answered(200, _OK))(transcript)


@miniature("access.wrong-key-401")
def wrong_key_as_403(transcript: Transcript) -> Transcript:
    """Tells a wrong key as 403."""
    return _tagged("wrong-key", _answered(403))(transcript)


def _taken_whole(ended: _ENDED) -> Callable[[Exchange], Exchange]:
    def one(exchange: Exchange) -> Exchange:
        return replace(exchange, upstream=tuple(replace(call, ended=ended) for call in exchange.upstream))

    return one


@miniature("flow.line-bounded")
def line_without_end(transcript: Transcript) -> Transcript:
    """Collects a line for as long as the upstream writes it."""
    return _tagged("endless-line", _taken_whole("cut"))(transcript)


@miniature("flow.backpressure")
def reads_ahead(transcript: Transcript) -> Transcript:
    """Reads all of the upstream's answer, however slowly its client reads."""
    return _tagged("stops-reading", _taken_whole("complete"))(transcript)


@miniature("failure.unreachable-told")
def unreachable_as_400(transcript: Transcript) -> Transcript:
    """Tells an upstream that is down as the client's fault."""
    return _tagged("unreachable", _answered(400))(transcript)


@miniature("failure.unreachable-502")
def unreachable_as_500(transcript: Transcript) -> Transcript:
    """Tells an upstream that is down as a fault of its own."""
    return _tagged("unreachable", _answered(500))(transcript)


def _exit(**changes: Any) -> Edit:
    """An edit of how the target ended when it was asked to."""

    def whole(transcript: Transcript) -> Transcript:
        told = transcript.facts.get("exit")
        return transcript if told is None else replace(transcript, facts={**transcript.facts, "exit": told | changes})

    return whole


@miniature("shutdown.stream-told")
def stops_without_a_word(transcript: Transcript) -> Transcript:
    """Breaks its streams off when it is asked to end."""
    return _exit(terminal=None, stream="truncated")(transcript)


@miniature("shutdown.exits")
def does_not_stop(transcript: Transcript) -> Transcript:
    """Takes no notice of SIGTERM."""
    return _exit(status=None, seconds=10.0)(transcript)


@miniature("delivery.clients-independent")
def one_client_at_a_time(transcript: Transcript) -> Transcript:
    """Serves one client after the other: while the upstream keeps one waiting, all wait."""
    held = transcript.facts.get("held")
    return replace(transcript, facts={**transcript.facts, "held": dict.fromkeys(held, "late")}) if held else transcript
