"""OpenAI's own chat completions: bytes, error bodies and the other routes of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from fakes.dialects.chat_base import (
    Answered,
    ChatDialect,
    Gathered,
    completion_head,
    finish_reason,
    message_annotations,
    message_reasoning,
    one_choice,
)
from fakes.dialects.chunks import Chunk, Speech
from fakes.dialects.quirks import CHAT_QUIRKS, Quirk
from fakes.dialects.toolcalls import CallSpelling
from fakes.dialects.wire import CREATED, Ids, compact, json_reply
from fakes.log import Objection
from fakes.reply import Frame, HttpFailure, Reply
from fakes.script import Dialect, Error, Usage
from fakes.validation.chat import chat_objections
from fakes.validation.refusals import Wording, openai_error

__all__ = ["ChatCompletions"]

_FINGERPRINT: Final = "fp_4a6b1f2c3d"
_MODELS: Final = ("gpt-fake", "gpt-fake-mini")

_FINISHES: Final = {
    "stop": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "context_window": "length",
    "content_filter": "content_filter",
}

_WORDINGS: Final[dict[str, Wording]] = {
    "bad_request": Wording("We could not process this request.", "invalid_request_error"),
    "context_length": Wording(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130112 tokens. "
        "Please reduce the length of the messages.",
        "invalid_request_error",
        "messages",
        "context_length_exceeded",
    ),
    "rate_limit": Wording(
        "Rate limit reached for gpt-fake on tokens per min (TPM): Limit 30000, Used 29500, Requested 1500. "
        "Please try again in 2s. Visit https://platform.openai.com/account/rate-limits to learn more.",
        "tokens",
        None,
        "rate_limit_exceeded",
    ),
    "auth": Wording(
        "Incorrect API key provided: fake****. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        None,
        "invalid_api_key",
    ),
    "permission": Wording(
        "You have insufficient permissions for this operation.", "invalid_request_error", None, "missing_scope"
    ),
    "unknown_model": Wording(
        "The model `no-such-model` does not exist or you do not have access to it.",
        "invalid_request_error",
        None,
        "model_not_found",
    ),
    "overloaded": Wording("The engine is currently overloaded, please try again later", "server_error"),
    "server_error": Wording("The server had an error while processing your request. Sorry about that!", "server_error"),
}


class ChatCompletions(ChatDialect):
    """`POST /v1/chat/completions` as api.openai.com answers it.

    `needs_key` makes a request without an API key one that the service refuses.
    Sources: `openai.types.chat.ChatCompletionChunk`, developers.openai.com/api/reference, chat streaming events.
    """

    name: ClassVar[Dialect] = "chat_completions"
    known: ClassVar[Mapping[str, Quirk]] = CHAT_QUIRKS
    _other_logprobs: ClassVar[Mapping[str, Any]] = {"refusal": None}
    likely: ClassVar[tuple[str, ...]] = ("text",)
    errors_end_with_done: ClassVar[bool] = False

    def __init__(self, *, needs_key: bool = False) -> None:
        self.needs_key = needs_key

    def failure(self, failure: HttpFailure) -> Reply:
        """A refusal before the first byte, in OpenAI's words."""
        wording = _WORDINGS.get(failure.code, _WORDINGS["server_error"])
        body = openai_error(failure.message or wording.message, wording.type, wording.param, wording.code)
        return failure_reply(failure, body, (("x-request-id", "req_fake0001"),))

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        """`GET /v1/models` and `GET /v1/models/{id}`."""
        if method != "GET" or not path.startswith("/v1/models"):
            return None
        if path == "/v1/models":
            return json_reply({"object": "list", "data": [_model(name) for name in _MODELS]})
        name = path.removeprefix("/v1/models/")
        if name in _MODELS:
            return json_reply(_model(name))
        missing = f"The model '{name}' does not exist"
        return json_reply(openai_error(missing, "invalid_request_error", "model", "model_not_found"), 404)

    def unknown_route(self, method: str, path: str) -> Reply:
        """404 for a path that does not exist, 405 for a method that it does not take."""
        if path == self.completion_path or path.startswith("/v1/models"):
            said = f"Not allowed to {method} on {path}."
            return json_reply(openai_error(said, "invalid_request_error", None, "method_not_supported"), 405)
        return json_reply(openai_error(f"Invalid URL ({method} {path})", "invalid_request_error"), 404)

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        """Why OpenAI would refuse this request, first the reason that it would word."""
        return chat_objections(headers, body, needs_key=self.needs_key)

    # Spelling -----------------------------------------------------------------------------------------------

    def _speech(self, answered: Answered) -> Speech:
        return Speech(
            dialect=self.name,
            role={"role": "assistant", "content": "", "refusal": None},
            calls=CallSpelling(announces_arguments=True, content_null=False, index_first=True),
            finishes=_FINISHES,
            refuses=True,
            joins_finish=False,
            mint=lambda label: self._call_id(answered.ids, label),
        )

    def _completion_id(self, ids: Ids) -> str:
        return f"chatcmpl-{ids.base62('completion', 29)}"

    def _call_id(self, ids: Ids, label: str) -> str:
        return f"call_{ids.base62(label, 24)}"

    def _headers(self, ids: Ids) -> tuple[tuple[str, str], ...]:
        return (
            ("openai-processing-ms", "12"),
            ("openai-version", "2020-10-01"),
            ("x-request-id", f"req_{ids.hexadecimal('request', 32)}"),
        )

    def _chunk(self, chunk: Chunk, answered: Answered, *, first: bool, last: bool) -> dict[str, Any]:
        head = completion_head(answered, "chat.completion.chunk")
        head |= {"service_tier": "default", "system_fingerprint": _FINGERPRINT}
        choice = {
            "index": 0,
            "delta": dict(chunk.delta),
            "logprobs": self._logprobs(self._chunk_tokens(chunk), answered),
            "finish_reason": finish_reason(chunk, answered),
        }
        body = {**head, "choices": [choice] if chunk.choice else [], **chunk.extra}
        if answered.include_usage:
            body["usage"] = None
        if "obfuscation" in answered.quirks:
            body["obfuscation"] = answered.ids.base62(f"pad {len(chunk.gate)}", 1 + (7 * len(chunk.gate)) % 13)
        return body

    def _chunk_json(self, body: Mapping[str, Any]) -> str:
        return compact(body)

    def _usage(self, usage: Usage, said: int | None) -> dict[str, Any]:
        output = usage.output if said is None else min(usage.output, said)
        counts: dict[str, Any] = {
            "prompt_tokens": usage.input,
            "completion_tokens": output,
            "total_tokens": usage.input + output,
        }
        if usage.cached is not None or usage.cache_write is not None:
            details = {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write, "audio_tokens": 0}
            counts["prompt_tokens_details"] = {key: n for key, n in details.items() if n is not None}
        if usage.reasoning is not None:
            counts["completion_tokens_details"] = {
                "reasoning_tokens": min(usage.reasoning, output),
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            }
        return counts

    def _completion(self, gathered: Gathered, finish: str | None, answered: Answered) -> dict[str, Any]:
        one_choice(gathered)
        message: dict[str, Any] = {"role": "assistant", "content": gathered.text, "refusal": gathered.refusal}
        message["annotations"] = message_annotations(gathered)
        if gathered.reasoning is not None:
            message |= message_reasoning(gathered, answered.quirks)
        message |= self._message_calls(gathered, answered)
        if gathered.text is None and gathered.refusal is None and not gathered.calls:
            message["content"] = ""
        choice = {"index": 0, "message": message}
        choice |= {"logprobs": self._logprobs(self._whole_tokens(gathered), answered), "finish_reason": finish}
        body = {**completion_head(answered, "chat.completion"), "choices": [choice]}
        if answered.usage is not None:
            body["usage"] = self._usage(answered.usage, None)
        return body | {"service_tier": "default", "system_fingerprint": _FINGERPRINT}

    def _error_body(self, error: Error) -> dict[str, Any]:
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
        return openai_error(error.message, error.type or kind)

    def _error_json(self, body: Mapping[str, Any]) -> str:
        return compact(body)


def failure_reply(failure: HttpFailure, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A failure's reply: the service's body unless the failure brings its own, and its own headers."""
    if failure.retry_after is not None:
        headers = (*headers, ("retry-after", failure.retry_after))
    reply = json_reply(body, failure.status, headers)
    kind = failure.content_type or "application/json"
    data = reply.body if failure.body is None else failure.body
    return Reply(reply.status, (("content-type", kind), *headers), (Frame(data),))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}
