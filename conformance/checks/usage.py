"""Token counts: whole, adding up, and the upstream's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.checks.phrases import listed, shown
from conformance.reading import StreamReading, as_dict, is_index, streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.said import SaidUsage
from conformance.transcript import Transcript

MODEL = "openai.types.responses.ResponseUsage"

_COUNTS: tuple[tuple[str, ...], ...] = (
    ("input_tokens",),
    ("output_tokens",),
    ("total_tokens",),
    ("input_tokens_details", "cached_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
)


def _count(usage: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = usage
    for key in path:
        value = as_dict(value).get(key)
    return value


def _number(usage: dict[str, Any], *path: str) -> int | None:
    value = _count(usage, path)
    return value if is_index(value) else None


def _used(transcript: Transcript) -> Iterator[tuple[StreamReading, dict[str, Any]]]:
    """Terminal responses that carry usage."""
    for stream in streams(transcript):
        if stream.terminal is not None and stream.response.get("usage") is not None:
            yield stream, as_dict(stream.response["usage"])


def _reported(transcript: Transcript) -> Iterator[tuple[StreamReading, SaidUsage]]:
    """Streams that ended, where the upstream reported usage; not those that a target rightly ended before it did."""
    for stream in streams(transcript):
        said = stream.exchange.said
        early = said is not None and stream.outcome == "failed" and {"completed", "failed"} <= said.ends
        if stream.terminal is not None and said is not None and said.usage is not None and not early:
            yield stream, said.usage


@rule(
    "usage.whole",
    level=MUST,
    source=MODEL + "; Open Responses 2026-04-24, schema Usage; farion1231/cc-switch#3081",
    why="Codex fails to parse `response.completed` and sends the whole turn again; the AI SDK reports an error.",
)
def whole(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`usage`, unless null, has integers for input, output and total, and for cached and reasoning tokens."""
    for stream, usage in _used(transcript):
        wrong = [".".join(path) for path in _COUNTS if not is_index(_count(usage, path))]
        if wrong:
            yield Violation(
                stream.place(stream.terminal),
                f"integers for {listed(wrong)}",
                f"usage: {shown(stream.response['usage'])}",
            )
        else:
            yield Seen(stream.place(stream.terminal))


@rule(
    "usage.cache-write-tokens",
    level=SHOULD,
    profiles=("openai", "superset"),
    source=MODEL + " (input_tokens_details.cache_write_tokens: int)",
    why="Types generated from the newest SDK refuse the usage; costs of cache writes are unknown.",
)
def cache_write_tokens(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`input_tokens_details` also counts `cache_write_tokens`."""
    for stream, usage in _used(transcript):
        value = _count(usage, ("input_tokens_details", "cache_write_tokens"))
        if is_index(value):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), "an integer for cache_write_tokens", shown(value))


def _upstream_adds_up(stream: StreamReading) -> bool:
    usage = stream.exchange.said.usage if stream.exchange.said else None
    return usage is None or ((usage.reasoning or 0) <= usage.output and (usage.cached or 0) <= usage.input)


@rule(
    "usage.total-adds-up",
    level=RECOMMENDED,
    source=MODEL + "; hugalafutro/model-hotel PR#1041",
    why="Bills and context meters that use the total disagree with those that use the parts.",
)
def total_adds_up(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`total_tokens` is `input_tokens` plus `output_tokens`."""
    for stream, usage in _used(transcript):
        total, sent, made = (_number(usage, key) for key in ("total_tokens", "input_tokens", "output_tokens"))
        if total is None or sent is None or made is None or not _upstream_adds_up(stream):
            continue
        if total == sent + made:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), f"total_tokens {sent} + {made} = {sent + made}", str(total))


@rule(
    "usage.details-within-counts",
    level=RECOMMENDED,
    source=MODEL + " (cached tokens are input, reasoning tokens output); KryptSec/oasis#44",
    why="Costs come out negative where cached tokens are subtracted from input.",
)
def details_within_counts(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Counts are not negative, and no more tokens are cached than sent, or spent in reasoning than made."""
    for stream, usage in _used(transcript):
        if not _upstream_adds_up(stream):
            continue
        sent, made = _number(usage, "input_tokens"), _number(usage, "output_tokens")
        cached = _number(usage, "input_tokens_details", "cached_tokens")
        reasoning = _number(usage, "output_tokens_details", "reasoning_tokens")
        pairs = (
            ("cached_tokens", cached, "input_tokens", sent),
            ("reasoning_tokens", reasoning, "output_tokens", made),
        )
        known = [(name, part, of, all_) for name, part, of, all_ in pairs if part is not None and all_ is not None]
        wrong = [pair for pair in known if not 0 <= pair[1] <= pair[3]]
        if wrong:
            name, part, of, all_ = wrong[0]
            yield Violation(stream.place(stream.terminal), f"{name} between 0 and {of} ({all_})", f"{name} {part}")
        elif known:
            yield Seen(stream.place(stream.terminal))


@rule(
    "usage.present-when-reported",
    level=MUST,
    evidence="both",
    source="openai-openapi Response.usage; musistudio/claude-code-router#1234; openai/openai-agents-python#4901",
    why="Context meters and bills show nothing; agents do not know when to compact.",
)
def present_when_reported(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Where the upstream reported usage, the terminal event of an answer that did not fail carries it."""
    for stream, reported in _reported(transcript):
        value = stream.response.get("usage")
        if isinstance(value, dict):
            yield Seen(stream.place(stream.terminal))
        elif stream.outcome != "failed":  # `response.failed` in OpenAI's own reference has null
            yield Violation(
                stream.place(stream.terminal),
                f"usage, because the upstream reported {reported.input} input and {reported.output} output tokens",
                f"usage: {shown(value)}",
            )


@rule(
    "usage.no-zeros-for-unknown",
    level=RECOMMENDED,
    evidence="both",
    source="Open Responses 2026-04-24, schema ResponseResource.usage (nullable); musistudio/claude-code-router#1234",
    why="Bills and context meters take the zeros for counts: an agent never compacts.",
)
def no_zeros_for_unknown(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Where the upstream reported no usage, usage is null, absent or counted, but not zero."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if stream.terminal is None or said is None or said.usage is not None:
            continue
        usage = as_dict(stream.response.get("usage"))
        counts = [_number(usage, key) for key in ("input_tokens", "output_tokens", "total_tokens")]
        if not usage or any(counts):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), "usage null, absent or counted", f"usage: {shown(usage)}")


@rule(
    "usage.equals-upstream",
    level=INTEGRITY,
    evidence="both",
    source="openai.types.completion_usage; anthropic.types.Usage; vellum-ai/vellum-assistant PR#641",
    why="Users pay for, and agents plan with, numbers that nobody counted.",
)
def equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`input_tokens` and `output_tokens` are the upstream's, cached input included."""
    for stream, reported in _reported(transcript):
        usage = as_dict(stream.response.get("usage"))
        found = {key: _number(usage, key) for key in ("input_tokens", "output_tokens")}
        wanted = {"input_tokens": reported.input, "output_tokens": reported.output}
        if None in found.values():
            continue
        if found == wanted:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), shown(wanted), shown(found))


@rule(
    "usage.details-equal-upstream",
    level=INTEGRITY,
    evidence="both",
    source="openai.types.completion_usage.PromptTokensDetails; anthropic.types.Usage; BerriAI/litellm#22192",
    why="Cached input costs a tenth: without the detail the bill is wrong.",
)
def details_equal_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Cached, cache-written and reasoning tokens are the upstream's where it reports them."""
    for stream, reported in _reported(transcript):
        usage = as_dict(stream.response.get("usage"))
        details = (
            (("input_tokens_details", "cached_tokens"), reported.cached),
            (("input_tokens_details", "cache_write_tokens"), reported.cache_write),
            (("output_tokens_details", "reasoning_tokens"), reported.reasoning),
        )
        for path, wanted in details:
            found = _number(usage, *path)
            if wanted is None or found is None:
                continue
            if found == wanted:
                yield Seen(stream.place(stream.terminal))
            else:
                yield Violation(stream.place(stream.terminal), f"{'.'.join(path)} {wanted}", str(found))
