"""Rules of settings that not every upstream has: passed on where it has them, kept back where it means other things."""

from __future__ import annotations

from conformance.crossings import Judged, crossings, quote
from conformance.pieces import items_of, same_json
from conformance.rules import RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
OPENAI: tuple[Dialect, ...] = ("chat_completions",)
_LOGPROBS = "message.output_text.logprobs"
_PENALTIES = ("presence_penalty", "frequency_penalty")


@rule(
    "upstream.logprobs-asked-for",
    level=SHOULD,
    source="openai.types.responses.ResponseCreateParams.top_logprobs; openai.types.chat.CompletionCreateParams",
    why="A program that weighs answers by their probabilities gets none, and nothing tells it why.",
    dialects=CHAT,
    evidence="both",
)
def logprobs_asked_for(transcript: Transcript) -> Judged:
    """Log probabilities that the client asks for are asked of a chat upstream, as many as it wants."""
    for crossing in crossings(transcript):
        most = crossing.asked.body.get("top_logprobs")
        if _LOGPROBS not in items_of(crossing.asked.body.get("include")):
            continue
        wanted = {"logprobs": True} | ({"top_logprobs": most} if isinstance(most, int) and most > 0 else {})
        sent = {key: crossing.sent.body.get(key) for key in wanted}
        if same_json(wanted, sent):
            yield crossing.seen
        else:
            yield crossing.broken(quote(wanted), quote(sent))


@rule(
    "upstream.penalties-passed",
    level=SHOULD,
    profiles=("open-responses", "superset"),
    source="Open Responses 2026-04-24, schema CreateResponseBody: presence_penalty, frequency_penalty",
    why="The user turns repetition down, and the model goes on repeating itself.",
    dialects=CHAT,
    evidence="both",
)
def penalties_passed(transcript: Transcript) -> Judged:
    """`presence_penalty` and `frequency_penalty` reach a chat upstream with their values."""
    for crossing in crossings(transcript):
        for field in _PENALTIES:
            wanted, sent = crossing.asked.body.get(field), crossing.sent.body.get(field)
            if not isinstance(wanted, int | float) or isinstance(wanted, bool):
                continue
            if same_json(wanted, sent):
                yield crossing.seen
            else:
                yield crossing.broken(f"`{field}: {wanted}`", f"`{field}: {quote(sent)}`")


# Two words for one tier (openai.types.chat.CompletionCreateParams.service_tier); `auto` is what no word means.
_SAME_TIER = {"fast": ("fast", "priority"), "priority": ("fast", "priority"), "auto": ("auto", None)}


@rule(
    "upstream.service-tier-passed",
    level=SHOULD,
    source="openai.types.responses.ResponseCreateParams.service_tier; "
    "openai.types.chat.CompletionCreateParams.service_tier; vllm-project/agentic-api#330",
    why="The user chose to pay half and wait, or to pay more and not to, and gets neither.",
    dialects=OPENAI,
    evidence="both",
)
def service_tier_passed(transcript: Transcript) -> Judged:
    """`service_tier` reaches a chat upstream, which has the same tiers, with its value."""
    for crossing in crossings(transcript):
        wanted, sent = crossing.asked.body.get("service_tier"), crossing.sent.body.get("service_tier")
        if not isinstance(wanted, str):
            continue
        if sent in _SAME_TIER.get(wanted, (wanted,)):
            yield crossing.seen
        else:
            yield crossing.broken(f"`service_tier: {wanted}`", f"`service_tier: {quote(sent)}`")


@rule(
    "upstream.cache-key-passed",
    level=RECOMMENDED,
    source="openai.types.chat.CompletionCreateParams.prompt_cache_key; decolua/9router#3733; "
    "zed-industries/zed#36215 (some services refuse it)",
    why="Turns of one session are spread over servers that do not have its beginning in their cache.",
    dialects=OPENAI,
    evidence="both",
)
def cache_key_passed(transcript: Transcript) -> Judged:
    """`prompt_cache_key` and `prompt_cache_retention` reach a chat upstream, which has the same fields."""
    for crossing in crossings(transcript):
        for field in ("prompt_cache_key", "prompt_cache_retention"):
            wanted, sent = crossing.asked.body.get(field), crossing.sent.body.get(field)
            if not isinstance(wanted, str) or not wanted:
                continue
            if sent == wanted:
                yield crossing.seen
            else:
                yield crossing.broken(f"`{field}: {quote(wanted)}`", f"`{field}: {quote(sent)}`")


@rule(
    "upstream.store-not-forwarded",
    level=RECOMMENDED,
    source="openai.types.chat.CompletionCreateParams.store (for distillation and evals)",
    why="The conversation is kept by a third party, for a purpose that the client has never heard of.",
    dialects=CHAT,
    evidence="both",
)
def store_not_forwarded(transcript: Transcript) -> Judged:
    """A client that lets the target store a response does not make the upstream store a completion."""
    for crossing in crossings(transcript):
        if crossing.asked.body.get("store") is False:
            continue
        if crossing.sent.body.get("store") is True:
            yield crossing.broken("no `store: true`", "`store: true`")
        else:
            yield crossing.seen
