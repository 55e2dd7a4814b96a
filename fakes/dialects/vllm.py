"""vLLM's dialect of chat completions, as version 0.32 writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from fakes.dialects.chat_base import (
    Answered,
    ChatDialect,
    Gathered,
    completion_head,
    finish_reason,
    message_reasoning,
)
from fakes.dialects.chat_completions import failure_reply
from fakes.dialects.chunks import Chunk, Speech
from fakes.dialects.quirks import VLLM_QUIRKS, Quirk
from fakes.dialects.toolcalls import CallSpelling
from fakes.dialects.wire import CREATED, Ids, compact, json_reply, spaced
from fakes.log import Objection
from fakes.reply import Frame, HttpFailure, Reply
from fakes.script import Dialect, Error, Usage
from fakes.validation.refusals import VLLM_TYPES, Wording, vllm_error
from fakes.validation.vllm import vllm_objections

__all__ = ["Vllm"]

VERSION: Final = "0.32.0"
MAX_MODEL_LEN: Final = 32768
_FINGERPRINT: Final = f"vllm-{VERSION}-fe596e63"
_MODEL: Final = "fake-model"

_FINISHES: Final = {
    "stop": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "context_window": "length",
}

_WORDINGS: Final[dict[str, Wording]] = {
    "bad_request": Wording("The request is invalid."),
    "context_length": Wording(
        f"This model's maximum context length is {MAX_MODEL_LEN} tokens. However, your prompt contains at least "
        f"{MAX_MODEL_LEN + 1} input tokens, which exceeds this limit even without any output tokens. Please "
        f"reduce the length of the input prompt. (parameter=input_tokens, value={MAX_MODEL_LEN + 1})",
        param="input_tokens",
    ),
    "rate_limit": Wording("Too many requests."),
    "permission": Wording("Forbidden"),
    "unknown_model": Wording(f"The model `no-such-model` does not exist. Valid aliases: {_MODEL}.", param="model"),
    "overloaded": Wording("The server is overloaded. Please try again later."),
    "server_error": Wording("EngineCore encountered an issue. See stack trace (above) for the root cause."),
}

_METHODS: Final[dict[str, str]] = {
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    "/health": "GET",
    "/version": "GET",
    "/tokenize": "POST",
    "/load": "GET",
}


class Vllm(ChatDialect):
    """`POST /v1/chat/completions` of `vllm serve`.

    Sources: vllm/entrypoints/openai/chat_completion/{protocol,serving}.py at 0.32, and bytes recorded from it.
    """

    name: ClassVar[Dialect] = "vllm"
    known: ClassVar[Mapping[str, Quirk]] = VLLM_QUIRKS
    likely: ClassVar[tuple[str, ...]] = ("text", "reasoning")
    errors_end_with_done: ClassVar[bool] = True

    def failure(self, failure: HttpFailure) -> Reply:
        """A refusal before the first byte, in vLLM's words; a refused key is `{"error": "Unauthorized"}`."""
        wording = _WORDINGS.get(failure.code, _WORDINGS["server_error"])
        kind = VLLM_TYPES.get(failure.status, "InternalServerError")
        body = vllm_error(failure.message or wording.message, kind, wording.param, failure.status)
        if failure.code == "auth":
            body = {"error": failure.message or "Unauthorized"}
        return failure_reply(failure, body)

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        """`/health`, `/version`, `/load`, `/v1/models` and `/tokenize`."""
        if _METHODS.get(path) != method or path == self.completion_path:
            return None
        if path == "/health":
            return Reply(200, (), (Frame(b""),))
        if path == "/tokenize":
            return self._tokenize(body)
        bodies = {
            "/version": {"version": VERSION},
            "/load": {"server_load": 0},
            "/v1/models": {"object": "list", "data": [_model(_MODEL)]},
        }
        return json_reply(bodies[path])

    def unknown_route(self, method: str, path: str) -> Reply:
        """FastAPI's `detail`: 405 for a method that a known path does not take, else 404."""
        if path in _METHODS:
            return json_reply({"detail": "Method Not Allowed"}, 405, (("allow", _METHODS[path]),))
        return json_reply({"detail": "Not Found"}, 404)

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        """Why vLLM would refuse this request, first the reason that it would word."""
        return vllm_objections(headers, body)

    def _tokenize(self, body: Any) -> Reply:
        asked = body if isinstance(body, dict) else {}
        if "prompt" not in asked and "messages" not in asked:
            said = "1 validation error:\n  {'type': 'missing', 'loc': 'body.prompt', 'msg': 'Field required'}"
            return json_reply(vllm_error(said, "Bad Request", "body.prompt", 400), 400)
        text = asked["prompt"] if isinstance(asked.get("prompt"), str) else compact(asked.get("messages"))
        data = text.encode(errors="replace")
        tokens = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        counted = {"count": len(tokens), "max_model_len": MAX_MODEL_LEN, "tokens": tokens, "token_strs": None}
        return json_reply(counted)

    # Spelling -----------------------------------------------------------------------------------------------

    def _speech(self, answered: Answered) -> Speech:
        return Speech(
            dialect=self.name,
            role={"role": "assistant", "content": ""},
            calls=CallSpelling(announces_arguments=False, content_null=True, index_first=False),
            finishes=_FINISHES,
            refuses=False,
            joins_finish=True,
            mint=lambda label: self._call_id(answered.ids, label),
        )

    def _completion_id(self, ids: Ids) -> str:
        return f"chatcmpl-{ids.hexadecimal('completion')}"

    def _call_id(self, ids: Ids, label: str) -> str:
        return f"chatcmpl-tool-{ids.hexadecimal(label)}"

    def _headers(self, ids: Ids) -> tuple[tuple[str, str], ...]:
        return ()

    def _chunk(self, chunk: Chunk, answered: Answered, *, first: bool, last: bool) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "delta": dict(chunk.delta),
            "logprobs": self._logprobs(self._chunk_tokens(chunk), answered),
            "finish_reason": finish_reason(chunk, answered),
        }
        if chunk.finish is not None:
            choice["stop_reason"] = answered.stop
        if not first:
            choice["token_ids"] = None
        body = {**completion_head(answered, "chat.completion.chunk"), "choices": [choice] if chunk.choice else []}
        if first and chunk.choice:
            body |= {"prompt_token_ids": None, "prompt_text": None}
        body |= chunk.extra
        if chunk.usage and answered.usage is not None:
            body["usage"] = self._usage(answered.usage, None)  # before the fingerprint, as vLLM writes it
        if last:
            body["system_fingerprint"] = _FINGERPRINT
        if "obfuscation" in answered.quirks:
            body["obfuscation"] = answered.ids.base62(f"pad {len(chunk.gate)}", 1 + (7 * len(chunk.gate)) % 13)
        return body

    def _chunk_json(self, body: Mapping[str, Any]) -> str:
        return compact(body)

    def _usage(self, usage: Usage, said: int | None) -> dict[str, Any]:
        return {key: value for key, value in self._usage_of_body(usage, said).items() if value is not None}

    def _usage_of_body(self, usage: Usage, said: int | None) -> dict[str, Any]:
        output = usage.output if said is None else min(usage.output, said)
        cached = None if usage.cached is None else {"cached_tokens": usage.cached}
        reasoning = None if usage.reasoning is None else {"reasoning_tokens": min(usage.reasoning, output)}
        return {
            "prompt_tokens": usage.input,
            "total_tokens": usage.input + output,
            "completion_tokens": output,
            "prompt_tokens_details": cached,
            "completion_tokens_details": reasoning,
        }

    def _completion(self, gathered: Gathered, finish: str | None, answered: Answered) -> dict[str, Any]:
        content = gathered.text if gathered.text is not None or gathered.calls else ""
        nothing = dict.fromkeys(("refusal", "annotations", "audio", "function_call"))
        message: dict[str, Any] = {"role": "assistant", "content": content, **nothing}
        message |= self._message_calls(gathered, answered)
        message |= message_reasoning(gathered, answered.quirks)
        choice = {"index": 0, "message": message}
        choice |= {"logprobs": self._logprobs(self._whole_tokens(gathered), answered), "finish_reason": finish}
        choice |= {"stop_reason": answered.stop, "token_ids": None, "routed_experts": None}
        body = {**completion_head(answered, "chat.completion"), "choices": [choice], "service_tier": None}
        body["system_fingerprint"] = _FINGERPRINT
        if answered.usage is not None:
            body["usage"] = self._usage_of_body(answered.usage, None)
        trailing = ("prompt_logprobs", "prompt_token_ids", "prompt_text", "kv_transfer_params")
        return body | dict.fromkeys((*trailing, "ec_transfer_params", "metrics"))

    def _error_body(self, error: Error) -> dict[str, Any]:
        kind = error.type or VLLM_TYPES.get(error.status, "InternalServerError")
        return vllm_error(error.message, kind, None, error.status)

    def _error_json(self, body: Mapping[str, Any]) -> str:
        return spaced(body)


def _model(name: str) -> dict[str, Any]:
    permission = {
        "id": "modelperm-88874d2618bbe2d4",
        "object": "model_permission",
        "created": CREATED,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "vllm",
        "root": name,
        "parent": None,
        "max_model_len": MAX_MODEL_LEN,
        "permission": [permission],
    }
