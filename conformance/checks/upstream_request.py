"""Rules of the request upstream as a whole: sent once, to the right model, in the service's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anthropic.types.message_create_params import MessageCreateParamsBase
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from conformance.crossings import Judged, crossings, quote, visits
from conformance.pieces import at, strings, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.transcript import Exchange, Transcript
from fakes.script import Dialect

__all__ = ["RESPONSES_KEYS", "SERVICE_KEYS", "unknown_item_keys"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)

RESPONSES_KEYS = frozenset(ResponseCreateParamsBase.__annotations__) | {"stream"}
_VLLM_KEYS = frozenset(
    {
        "add_generation_prompt", "add_special_tokens", "allowed_token_ids", "bad_words", "cache_salt",
        "chat_template", "chat_template_kwargs", "continue_final_message", "documents", "echo", "ignore_eos",
        "include_reasoning", "include_stop_str_in_output", "kv_transfer_params", "length_penalty",
        "logits_processors", "min_p", "min_tokens", "mm_processor_kwargs", "priority", "prompt_logprobs",
        "repetition_penalty", "request_id", "return_token_ids", "skip_special_tokens",
        "spaces_between_special_tokens", "stop_token_ids", "structured_outputs", "thinking_token_budget",
        "top_k", "truncate_prompt_tokens", "use_beam_search", "vllm_xargs",
    }
)  # fmt: skip
_CHAT_KEYS = frozenset(CompletionCreateParamsBase.__annotations__) | {"stream"}
SERVICE_KEYS: Mapping[Dialect, frozenset[str]] = {
    "chat_completions": _CHAT_KEYS,
    "vllm": _CHAT_KEYS | _VLLM_KEYS,
    # The sampling parameters left the newest SDK's types; models that take them are still served.
    "messages": frozenset(MessageCreateParamsBase.__annotations__)
    | {"stream", "temperature", "top_p", "top_k", "mcp_servers", "betas", "context_management"},
}


@rule(
    "upstream.accepted-by-service",
    level=MUST,
    source="openai.types.chat.CompletionCreateParams, anthropic.types.MessageCreateParams, vLLM's validators",
    why="The service answers 400 to such a request: the user's turn fails, and often the whole session with it.",
    evidence="upstream",
)
def accepted_by_service(transcript: Transcript) -> Judged:
    """The request sent upstream is one that the real service accepts."""
    if transcript.facts.get("refusal_statuses"):
        return  # what the client asked was wrong itself
    for crossing in crossings(transcript):
        for objection in crossing.call.objections:
            yield crossing.broken(
                f"a request that the service accepts ({objection.source})",
                f"{objection.message} (at {objection.path or 'the top level'}; {objection.rule}): "
                f"the service would have answered {objection.status}",
            )
        if not crossing.call.objections:
            yield crossing.seen


@rule(
    "upstream.called-once",
    level=INTEGRITY,
    source="CWE-837; openai/codex, which repeats failed turns itself; BerriAI/litellm#36123",
    why="A surplus call is billed and may act twice; an answer without a call was invented.",
    evidence="both",
)
def called_once(transcript: Transcript) -> Judged:
    """One request of the client that is answered leads to exactly one request upstream, retries apart."""
    if transcript.dialect is None or "may-continue-upstream" in transcript.facts.get("tags", ()):
        return
    for visit in visits(transcript):
        exchange = visit.exchange
        if not visit.asks_for_a_response or "'compaction_trigger'" in str(exchange.request.body):
            continue
        if exchange.ended == "deadline":
            continue  # what comes after the client has given up may be a retry, and cannot be told from one
        count = sum(call.retry_of is None for call in exchange.answered_calls)
        answered = exchange.status is not None and exchange.status < 300
        if count == 1:
            yield visit.seen()
        elif count > 1 and not _asks_again(exchange):
            yield visit.broken("exactly one request upstream for one request of the client", _how_many(exchange, count))
        elif count == 0 and answered and not _tells_failure(exchange):
            yield visit.broken(
                "a request upstream before an answer is given",
                f"no request reached the upstream, and yet the client was answered {exchange.status}",
            )


def _asks_again(exchange: Exchange) -> bool:
    """Whether a target repeats its request after an answer that can only be called a failure, or after none.

    When the client has left, the fake lets go of a call that it still holds: to the target that is an upstream
    that hangs up, and it may ask again. That it works for nobody is the business of other rules.
    """
    failed = exchange.said is not None and exchange.said.ends and exchange.said.ends <= {"failed", "http-error"}
    dropped = exchange.ended == "client-left" and exchange.answered_calls[0].ended != "complete"
    return bool(failed or dropped) and len({call.body for call in exchange.answered_calls}) == 1


def _how_many(exchange: Exchange, count: int) -> str:
    calls = exchange.answered_calls
    different = len({call.body for call in calls})
    if different > 1:
        return f"{count} requests reached the upstream, {different} different ones among them"
    surplus = sum(call.ended == "complete" and (call.status or 500) < 300 for call in calls)
    after = ", though it had answered" if surplus else ""
    return f"the same request reached the upstream {len(calls)} times{after}"


def _tells_failure(exchange: Exchange) -> bool:
    if exchange.is_stream:
        return any(event.type in ("response.failed", "error") for event in exchange.events)
    return b'"failed"' in exchange.body


@rule(
    "upstream.model-passed",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCreateParams.model",
    why="Whoever names a model and gets another one is billed for it and cannot tell why answers changed.",
    evidence="upstream",
)
def model_passed(transcript: Transcript) -> Judged:
    """The model that the client names is the model that the upstream is asked for."""
    for crossing in crossings(transcript):
        wanted, named = text_of(crossing.asked.body.get("model")), text_of(crossing.sent.body.get("model"))
        if not wanted:
            continue
        # A target may strip or add a route ("vllm/llama"): the name itself must survive.
        if named and (wanted.endswith(named) or named.endswith(wanted)):
            yield crossing.seen
        else:
            yield crossing.broken(f"the model {quote(wanted)} in the request upstream", f"{quote(named)}")


@rule(
    "upstream.json-body",
    level=MUST,
    source="RFC 9110 8.3; openai.OpenAI.default_headers; anthropic.Anthropic.default_headers",
    why="Services answer 415 or 422 to a body whose type is not stated.",
    evidence="upstream",
)
def json_body(transcript: Transcript) -> Judged:
    """The request upstream is a JSON object and says so in its content type."""
    for visit in visits(transcript):
        for number, call in enumerate(visit.exchange.upstream):
            if call.kind != "completion":
                continue
            kind = call.header("content-type") or ""
            if isinstance(call.json, dict) and kind.partition(";")[0].strip().lower() == "application/json":
                yield visit.seen(call=number)
            else:
                yield visit.broken(
                    "a JSON object with `content-type: application/json`",
                    f"content-type {quote(kind)}, body {quote(call.body[:80])}",
                    call=number,
                )


@rule(
    "upstream.api-version",
    level=MUST,
    source="Anthropic documentation, API versions; anthropic.Anthropic.default_headers",
    why="Anthropic answers 400 to every request that lacks the header.",
    dialects=MESSAGES,
    evidence="upstream",
)
def api_version(transcript: Transcript) -> Judged:
    """Requests to a Messages upstream carry the `anthropic-version` header."""
    for crossing in crossings(transcript):
        version = crossing.call.header("anthropic-version")
        if version:
            yield crossing.seen
        else:
            yield crossing.broken("`anthropic-version: 2023-06-01`", "the header is absent")


@rule(
    "upstream.credentials-in-headers",
    level=MUST,
    source="CWE-598; CWE-522",
    why="Keys in an address or a body end up in the logs of every machine on the way.",
    evidence="upstream",
)
def credentials_in_headers(transcript: Transcript) -> Judged:
    """No key, the client's or the proxy's, stands in the address or the body of a request upstream."""
    for visit in visits(transcript):
        for number, call in enumerate(visit.exchange.upstream):
            secrets = set(_secrets(visit.exchange.request.headers)) | set(_secrets(call.headers))
            places = [("address", call.path + "?" + call.query), ("body", call.body.decode("utf-8", "replace"))]
            found = [place for place, text in places if any(secret in text for secret in secrets)]
            if found:
                yield visit.broken(
                    "keys in `authorization` or `x-api-key` only",
                    f"a key stands in the {' and the '.join(found)} of the request upstream",
                    call=number,
                )
            elif secrets:
                yield visit.seen(call=number)


def _secrets(headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, value in headers:
        if name.lower() in ("authorization", "x-api-key"):
            secret = value.rpartition(" ")[2]
            if len(secret) >= 8:
                yield secret


@rule(
    "upstream.no-responses-only-keys",
    level=MUST,
    source="BerriAI/litellm#36268; BerriAI/litellm#41342; router-for-me/CLIProxyAPI#5068",
    why="Strict services answer 400 to an unknown parameter: every turn of Codex fails.",
    evidence="upstream",
)
def no_responses_only_keys(transcript: Transcript) -> Judged:
    """Top-level fields that only the Responses API has are not sent upstream."""
    for crossing in crossings(transcript):
        foreign = RESPONSES_KEYS - SERVICE_KEYS[crossing.dialect]
        leaked = sorted(foreign & crossing.sent.body.keys())
        if leaked:
            yield crossing.broken(
                f"only fields that {_SERVICES[crossing.dialect]} knows", f"the request carries {leaked}"
            )
        else:
            yield crossing.seen


_SERVICES: Mapping[Dialect, str] = {
    "chat_completions": "chat completions",
    "messages": "the Messages API",
    "vllm": "vLLM's chat completions",
}


@rule(
    "upstream.unknown-keys-not-forwarded",
    level=MUST,
    source="lidge-jun/opencodex#3038; BerriAI/litellm#36268",
    why="A field that nobody knows (Codex sends `client_metadata`) makes a strict service answer 400.",
    evidence="upstream",
)
def unknown_keys_not_forwarded(transcript: Transcript) -> Judged:
    """Fields of the client's request that no API knows are not sent upstream, at the top or in messages."""
    for crossing in crossings(transcript):
        unknown = set(crossing.asked.body) - RESPONSES_KEYS - SERVICE_KEYS[crossing.dialect]
        in_items = {key for item in crossing.asked.items for key in unknown_item_keys(item)}
        if not unknown and not in_items:
            continue
        leaked = sorted(unknown & crossing.sent.body.keys())
        leaked += [
            f"messages[{index}].{key}"
            for index, message in enumerate(crossing.sent.messages)
            for key in sorted(in_items & set(message if isinstance(message, dict) else ()))
        ]
        if leaked:
            yield crossing.broken("fields that no API knows are left out", f"the request carries {leaked}")
        else:
            yield crossing.seen


_ITEM_KEYS = frozenset(
    {
        "type", "role", "content", "id", "status", "call_id", "name", "namespace", "arguments", "input",
        "output", "summary", "encrypted_content", "phase", "tools", "execution", "caller",
    }
)  # fmt: skip


def unknown_item_keys(item: object) -> set[str]:
    """The keys of an input item that the Responses API does not know."""
    return set(item) - _ITEM_KEYS if isinstance(item, dict) else set()


@rule(
    "upstream.item-ids-not-leaked",
    level=RECOMMENDED,
    source="lidge-jun/opencodex#3038; openai.types.chat.ChatCompletionMessageParam has no `id`",
    why="Ids of items mean nothing to the upstream; strict services refuse them, and they defeat its prefix cache.",
    evidence="upstream",
)
def item_ids_not_leaked(transcript: Transcript) -> Judged:
    """The ids of the client's items are not sent upstream; only call ids are."""
    for crossing in crossings(transcript):
        items = [item for item in crossing.asked.items if isinstance(item, dict)]
        ids = {text_of(item.get("id")) for item in items} - {text_of(item.get("call_id")) for item in items}
        ids.discard("")
        leaked = [f"{path}: {value}" for path, value in strings(crossing.sent.body) if value in ids]
        if leaked:
            yield crossing.broken("no item ids in the request upstream", quote(", ".join(leaked)))
        elif ids:
            yield crossing.seen


@rule(
    "upstream.streams-when-asked",
    level=RECOMMENDED,
    source="Open Responses 2026-04-24, Streaming HTTP Responses",
    why="A target that fetches the whole answer first shows nothing until the end and runs into time-outs.",
    evidence="both",
)
def streams_when_asked(transcript: Transcript) -> Judged:
    """A client that asks for a stream makes the target ask the upstream for a stream."""
    for crossing in crossings(transcript):
        if not crossing.visit.exchange.wants_stream:
            continue
        if crossing.sent.body.get("stream") is True:
            yield crossing.seen
        else:
            yield crossing.broken("`stream: true` upstream", f"`stream: {crossing.sent.body.get('stream')}`")


@rule(
    "upstream.usage-asked-for",
    level=MUST,
    source="openai.types.chat.ChatCompletionStreamOptionsParam.include_usage",
    why="Without it a chat stream reports no usage: clients count no tokens, and Codex never compacts its history.",
    dialects=CHAT,
    evidence="upstream",
)
def usage_asked_for(transcript: Transcript) -> Judged:
    """A streamed request to a chat upstream asks for usage with `stream_options.include_usage`."""
    for crossing in crossings(transcript):
        if crossing.sent.body.get("stream") is not True:
            continue
        if at(crossing.sent.body, "stream_options", "include_usage") is True:
            yield crossing.seen
        else:
            yield crossing.broken(
                "`stream_options: {include_usage: true}`",
                f"`stream_options: {quote(crossing.sent.body.get('stream_options'))}`",
            )


@rule(
    "upstream.stream-options-with-stream-only",
    level=MUST,
    source="openai.types.chat.CompletionCreateParams.stream_options; vLLM ChatCompletionRequest",
    why="OpenAI and vLLM answer 400 to `stream_options` without `stream`.",
    dialects=CHAT,
    evidence="upstream",
)
def stream_options_with_stream_only(transcript: Transcript) -> Judged:
    """`stream_options` is not sent when the upstream is asked for a whole answer."""
    for crossing in crossings(transcript):
        if crossing.sent.body.get("stream") is True or crossing.sent.body.get("stream_options") is None:
            yield crossing.seen
        else:
            yield crossing.broken("no `stream_options`", quote(crossing.sent.body["stream_options"]))


@rule(
    "upstream.one-choice",
    level=RECOMMENDED,
    source="openai.types.chat.CompletionCreateParams.n; Responses has no `n`",
    why="More choices are billed and thrown away.",
    dialects=CHAT,
    evidence="upstream",
)
def one_choice(transcript: Transcript) -> Judged:
    """The upstream is asked for one choice."""
    for crossing in crossings(transcript):
        if crossing.sent.body.get("n") in (None, 1):
            yield crossing.seen
        else:
            yield crossing.broken("`n` absent or 1", f"`n: {crossing.sent.body['n']}`")
