"""Anthropic's Messages API: bytes, error bodies and the other routes of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from fakes.dialects.blocks import Block, Delta, Inline, blocks_of, whole_block
from fakes.dialects.chat_completions import failure_reply
from fakes.dialects.quirks import MESSAGES_QUIRKS, refuse_unknown
from fakes.dialects.wire import FAULTS, Ids, compact, json_reply, sse, stream_reply
from fakes.errors import EncodingError
from fakes.log import Objection
from fakes.reply import Fault, Frame, HttpFailure, Reply
from fakes.script import Comment, Dialect, Dies, Error, Ping, Raw, Script, Usage
from fakes.validation.messages import messages_objections
from fakes.validation.profile import MessagesProfile
from fakes.validation.refusals import ANTHROPIC_TYPES, REQUEST_ID, Wording, anthropic_error

__all__ = ["Messages"]

_FINISHES: Final = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause_turn": "pause_turn",
}

_CUTTING: Final = (None, "length", "context_window", "content_filter", "refusal")
"""The finishes that may come in the middle of a block."""

_WORDINGS: Final[dict[str, Wording]] = {
    "bad_request": Wording("The request is invalid.", "invalid_request_error"),
    "context_length": Wording("prompt is too long: 208310 tokens > 200000 maximum", "invalid_request_error"),
    "rate_limit": Wording(
        "This request would exceed your organization's rate limit of 30,000 input tokens per minute. For details, "
        "refer to: https://docs.claude.com/en/api/rate-limits.",
        "rate_limit_error",
    ),
    "auth": Wording("invalid x-api-key", "authentication_error"),
    "permission": Wording("Your API key does not have permission to use the specified resource.", "permission_error"),
    "unknown_model": Wording("model: no-such-model", "not_found_error"),
    "overloaded": Wording("Overloaded", "overloaded_error"),
    "server_error": Wording("Internal server error", "api_error"),
}

_EXPLAINED: Final = {"category": "cyber", "explanation": "The request could enable harm to computer systems."}

_TOLD_BY_STATUS: Final = frozenset({402, 413, 504})
"""Statuses whose error type no kind of failure names."""

_MODELS: Final = ("claude-fake-1",)
_ROUTES: Final[dict[str, str]] = {
    "/v1/messages": "POST",
    "/v1/messages/count_tokens": "POST",
    "/v1/models": "GET",
}


@dataclass(frozen=True)
class Messages:
    """`POST /v1/messages` as api.anthropic.com answers it.

    `profile` is the model that validation thinks of; None takes it from the request's model name. `needs_key` makes
    a request without an API key one that the service refuses.
    Sources: `anthropic.types.RawMessageStreamEvent`, platform.claude.com/docs/en/build-with-claude/streaming.
    """

    profile: MessagesProfile | None = None
    needs_key: bool = False
    name: ClassVar[Dialect] = "messages"
    completion_path: ClassVar[str] = "/v1/messages"

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the quirks that `encode` knows."""
        return frozenset(MESSAGES_QUIRKS)

    def encode(self, script: Script, request: Mapping[str, Any]) -> Reply:
        """A script as the service frames it; raises EncodingError for what it has no words for."""
        refuse_unknown(script.quirks, MESSAGES_QUIRKS, self.name)
        if script.finish is not None and script.finish not in _FINISHES:
            raise EncodingError(f"messages has no stop reason for {script.finish!r}")
        writer = _Writer(script, request, Ids(self.name, request))
        return writer.stream() if request.get("stream") else writer.whole()

    def failure(self, failure: HttpFailure) -> Reply:
        """A refusal before the first byte, in Anthropic's words."""
        wording = _WORDINGS.get(failure.code, _WORDINGS["server_error"])
        kind = ANTHROPIC_TYPES[failure.status] if failure.status in _TOLD_BY_STATUS else wording.type
        body = anthropic_error(failure.message or wording.message, kind)
        return failure_reply(failure, body, (("request-id", REQUEST_ID),))

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        """`/v1/messages/count_tokens`, `/v1/models` and `/v1/models/{id}`."""
        if method == "GET" and path == "/v1/models":
            listed = {"data": [_model(name) for name in _MODELS], "has_more": False}
            return json_reply({**listed, "first_id": _MODELS[0], "last_id": _MODELS[-1]})
        if method == "GET" and path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            if name in _MODELS:
                return json_reply(_model(name))
            return json_reply(anthropic_error(f"model: {name}", "not_found_error"), 404)
        if method == "POST" and path == "/v1/messages/count_tokens":
            if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
                return json_reply(anthropic_error("messages: Field required", "invalid_request_error"), 400)
            counted = [body.get("system"), body["messages"], body.get("tools")]
            return json_reply({"input_tokens": max(1, len(compact(counted)) // 4)})
        return None

    def unknown_route(self, method: str, path: str) -> Reply:
        """404 for a path that does not exist, 405 for a method that it does not take."""
        if path in _ROUTES:
            allow = (("allow", _ROUTES[path]),)
            return json_reply(anthropic_error("Method Not Allowed", "invalid_request_error"), 405, allow)
        return json_reply(anthropic_error("Not Found", "not_found_error"), 404)

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        """Why Anthropic would refuse this request, first the reason that it would word."""
        return messages_objections(headers, body, self.profile, needs_key=self.needs_key)


class _Writer:
    """Writes one answer."""

    def __init__(self, script: Script, request: Mapping[str, Any], ids: Ids) -> None:
        self.script = script
        self.quirks = script.quirks
        self.ids = ids
        self.items = blocks_of(script.parts, ids, script.quirks)
        self.headers = (("request-id", f"req_011{ids.base58('request', 21)}"),)
        self.head = {
            "model": str(request.get("model", "")),
            "id": f"msg_01{ids.base58('message', 22)}",
            "type": "message",
            "role": "assistant",
        }
        stops = request.get("stop_sequences")
        asked = stops[0] if isinstance(stops, list) and stops else "STOP"
        self.end: dict[str, Any] = {
            "stop_reason": _stop_reason(script),
            "stop_sequence": asked if script.finish == "stop_sequence" else None,
        }
        if self.end["stop_reason"] == "refusal":
            why = _EXPLAINED if "refusal-explained" in script.quirks else {"category": None, "explanation": None}
            self.end["stop_details"] = {"type": "refusal", **why}

    # Streamed -----------------------------------------------------------------------------------------------

    def stream(self) -> Reply:
        frames: list[Frame] = []
        fault: Fault | None = None
        for step in self._steps():
            if isinstance(step, Dies):
                fault = FAULTS[step.how]
            elif isinstance(step, Frame):
                frames.append(step)
        return stream_reply(frames, (("cache-control", "no-cache"), *self.headers), fault)

    def _steps(self) -> Iterator[Frame | Dies]:
        steps = self._plain_steps()
        if "ping-storm" not in self.quirks:
            yield from steps
            return
        for step in steps:
            yield step
            if isinstance(step, Frame) and step.data.startswith((b"event: content", b"event: message_start")):
                yield self._event({"type": "ping"})

    def _plain_steps(self) -> Iterator[Frame | Dies]:
        blocks = [item for item in self.items if isinstance(item, Block)]
        lead = [item for item in self.items if not isinstance(item, Block)]
        opened = False
        for item in lead:  # bytes may precede the message; a ping is part of it; an error needs none
            if isinstance(item, Ping) and not opened:
                opened = True
                yield from self._open()
            yield from self._inline(item)
            if isinstance(item, (Error, Dies)):
                return
        if not opened:
            yield from self._open()
        late = "blocks-closed-at-end" in self.quirks
        for index, block in enumerate(blocks):
            yield from self._block(index, block, close=not late)
        if any(not block.closed for block in blocks):
            return
        if late:
            for index, block in enumerate(blocks):
                yield from self._late(index, block)
            for index in range(len(blocks)):
                yield self._event({"type": "content_block_stop", "index": index})
        yield from self._close()

    def _open(self) -> Iterator[Frame]:
        usage = self._usage(output=min(1, self._reported.output))
        if "usage-in-delta-only" in self.quirks:
            usage = {"input_tokens": 0, "output_tokens": 0}
        end = {"stop_reason": None, "stop_sequence": None}
        yield self._event({"type": "message_start", "message": {**self.head, "content": [], **end, "usage": usage}})
        if "unknown-events" in self.quirks:
            yield self._event({"type": "message_annotated", "note": {"fake": True}})

    def _block(self, index: int, block: Block, *, close: bool) -> Iterator[Frame | Dies]:
        yield self._event({"type": "content_block_start", "index": index, "content_block": block.start})
        if index == 0 and not self.quirks & {"no-ping", "ping-storm"}:
            yield self._event({"type": "ping"})
        if "unknown-events" in self.quirks:
            yield self._delta(index, Delta({"type": "novel_delta", "novel": "ignored"}))
        for item in block.inside:
            if isinstance(item, Delta):
                yield self._delta(index, item)
            else:
                yield from self._inline(item)
        if block.closed and close:
            yield from self._late(index, block)
            yield self._event({"type": "content_block_stop", "index": index})

    def _late(self, index: int, block: Block) -> Iterator[Frame]:
        yield from (self._delta(index, delta) for delta in block.late)

    def _delta(self, index: int, delta: Delta) -> Frame:
        return self._event({"type": "content_block_delta", "index": index, "delta": dict(delta.body)}, delta.gate)

    def _close(self) -> Iterator[Frame]:
        usage = self._usage(output=self._reported.output)
        if "delta-output-usage-only" in self.quirks:
            usage = {key: value for key, value in usage.items() if key.startswith("output")}
        if "two-message-deltas" in self.quirks:
            so_far = {**usage, "output_tokens": self._reported.output // 2}
            open_end = {"stop_reason": None, "stop_sequence": None}
            yield self._event({"type": "message_delta", "delta": open_end, "usage": so_far})
        yield self._event({"type": "message_delta", "delta": self.end, "usage": usage})
        if "no-message-stop" not in self.quirks:
            yield self._event({"type": "message_stop"})

    def _inline(self, item: Inline) -> Iterator[Frame | Dies]:
        match item:
            case Ping():
                yield self._event({"type": "ping"})
            case Comment(text):
                yield Frame(f":{text}\n\n".encode())
            case Raw(data):
                yield Frame(data)
            case Error():
                body: dict[str, Any] = _error_body(item)
                if "error-string" in self.quirks:
                    body = {"type": "error", "error": item.message}
                yield self._event(body)
            case Dies():
                yield item

    def _event(self, body: dict[str, Any], gate: str = "") -> Frame:
        if "index-last" in self.quirks and "index" in body:
            body = {**{key: value for key, value in body.items() if key != "index"}, "index": body["index"]}
        if "unknown-events" in self.quirks:
            body = {**body, "x_fake_extra": None}
        event = None if "no-event-lines" in self.quirks else body["type"]
        return sse(compact(body), event, gate)

    # One JSON body ------------------------------------------------------------------------------------------

    def whole(self) -> Reply:
        inside = [item for block in self.items if isinstance(block, Block) for item in block.inside]
        end = next((item for item in (*self.items, *inside) if isinstance(item, (Error, Dies))), None)
        if isinstance(end, Error):
            return json_reply(_error_body(end), end.status, self.headers)
        cut = self.script.finish in _CUTTING or end is not None
        content = [whole_block(block, cut=cut) for block in self.items if isinstance(block, Block)]
        usage = self._usage(output=self._reported.output)
        return json_reply({**self.head, "content": content, **self.end, "usage": usage}, 200, self.headers, end)

    # Usage --------------------------------------------------------------------------------------------------

    @property
    def _reported(self) -> Usage:
        """Messages always reports usage: a service that has no counts reports zeros."""
        return self.script.usage or Usage(input=0, output=0)

    def _usage(self, *, output: int) -> dict[str, Any]:
        usage = self._reported
        counts: dict[str, Any] = {"input_tokens": usage.input - (usage.cached or 0) - (usage.cache_write or 0)}
        if usage.cache_write is not None:
            counts["cache_creation_input_tokens"] = usage.cache_write
        if usage.cached is not None:
            counts["cache_read_input_tokens"] = usage.cached
        counts["output_tokens"] = output
        if usage.reasoning is not None and output == usage.output:
            counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
        return counts


def _stop_reason(script: Script) -> str | None:
    if script.finish is not None and "finish-unknown" in script.quirks:
        return "novel_stop"
    return _FINISHES[script.finish] if script.finish else None


def _error_body(error: Error) -> dict[str, Any]:
    kind = error.type or ANTHROPIC_TYPES.get(error.status, "api_error")
    return anthropic_error(error.message, kind)


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": "Claude Fake 1", "created_at": "2026-01-01T00:00:00Z"}
