"""Answering: which reply one request gets, and whether it is a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fakes.declared import resolve
from fakes.delivery import is_event_stream
from fakes.errors import FakeError
from fakes.expectation import Expectation
from fakes.framing import FRAMING_QUIRKS, JSON_ALWAYS, STREAM_ALWAYS, mark_silences, reframe, silenced
from fakes.log import UpstreamCall
from fakes.recording import Recording
from fakes.reply import Answer, AsFramed, Delivery, Frame, HttpFailure, Reply, Verbatim
from fakes.script import Script

if TYPE_CHECKING:
    from fakes.dialects.base import WireDialect

__all__ = ["Decision", "decide_expected", "decide_fallback", "decide_route", "reply_to"]

_AT_ONCE = AsFramed()


@dataclass(frozen=True)
class Decision:
    """What a call gets. `refused` says that it is what the real service says to a request that it refuses."""

    reply: Reply
    delivery: Delivery = _AT_ONCE
    refused: bool = False


def decide_expected(call: UpstreamCall, expectation: Expectation, dialect: WireDialect) -> Decision:
    """The answer of an expectation: a refusal where it is strict, else the next, else the service's failure.

    Raises FakeError as `reply_to` does.
    """
    refusal = _refusal(call, expectation.strict, dialect)
    if refusal is not None:
        return refusal
    answer = expectation.choose(call)
    if answer is None:
        return Decision(dialect.failure(HttpFailure(500, "server_error", call.problem)))
    return Decision(reply_to(answer, call.json, dialect), expectation.delivery)


def decide_fallback(
    call: UpstreamCall,
    source: Callable[[UpstreamCall], Answer],
    delivery: Delivery,
    strict: bool,
    dialect: WireDialect,
) -> Decision:
    """The answer of a fake that stands alone. Raises FakeError as `reply_to` does."""
    refusal = _refusal(call, strict, dialect)
    return refusal or Decision(reply_to(source(call), call.json, dialect), delivery)


def decide_route(call: UpstreamCall, dialect: WireDialect) -> Decision:
    """What the service says on a route that answers no cases; sets the call's kind."""
    reply = dialect.probe(call.method, call.path, call.json)
    call.kind = "unknown" if reply is None else "probe"
    return Decision(dialect.unknown_route(call.method, call.path) if reply is None else reply)


def _refusal(call: UpstreamCall, strict: bool, dialect: WireDialect) -> Decision | None:
    """The service's refusal, where it is asked for or nothing else can be said: a body that is no JSON object."""
    if isinstance(call.json, dict) and not (strict and call.objections):
        return None
    if not call.objections:
        failure = HttpFailure(400, "bad_request", "The request body is not a JSON object.")
        return Decision(dialect.failure(failure), refused=True)
    first = call.objections[0]
    body = Frame(json.dumps(first.body).encode())
    return Decision(Reply(first.status, (("content-type", "application/json"),), (body,)), refused=True)


def reply_to(answer: Answer, request: Mapping[str, Any], dialect: WireDialect) -> Reply:
    """The reply that an answer means for this request.

    Raises EncodingError when the dialect cannot say a script, FakeError when a recording does not fit the request.
    """
    match answer:
        case Script():
            return _speak(answer, request, dialect)
        case HttpFailure():
            return dialect.failure(answer)
        case Verbatim(reply):
            return reply
        case Recording():
            return _replay(answer, request, dialect)


def _speak(script: Script, request: Mapping[str, Any], dialect: WireDialect) -> Reply:
    framing = script.quirks & (FRAMING_QUIRKS.keys() | {JSON_ALWAYS, STREAM_ALWAYS})
    spoken = replace(mark_silences(resolve(script, request)), quirks=script.quirks - framing)
    asked = {**request, "stream": STREAM_ALWAYS in framing} if framing & {JSON_ALWAYS, STREAM_ALWAYS} else request
    return reframe(silenced(dialect.encode(spoken, asked)), framing)


def _replay(recording: Recording, request: Mapping[str, Any], dialect: WireDialect) -> Reply:
    if (recording.dialect == "messages") != (dialect.name == "messages"):
        raise FakeError(f"{recording.name} speaks {recording.dialect}, and this fake {dialect.name}")
    reply = recording.reply()
    wanted = request.get("stream") is True
    if reply.status < 400 and is_event_stream(reply) != wanted:
        raise FakeError(
            f"{recording.name} was recorded {'without' if wanted else 'with'} streaming, and this request asks "
            f"for {'a stream' if wanted else 'one JSON body'}; use a recording of that form, or a script"
        )
    return reply
