"""Proxies that count tokens wrongly."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.edits import Draft, stream_miniature


def _usage(draft: Draft) -> dict[str, Any]:
    usage = (draft.response or {}).get("usage")
    return usage if isinstance(usage, dict) else {}


@stream_miniature("usage.whole")
def usage_without_details(draft: Draft) -> None:
    """Leaves the details of usage empty."""
    if _usage(draft):
        _usage(draft)["input_tokens_details"] = {}
        _usage(draft)["output_tokens_details"] = {}


@stream_miniature("usage.whole")
def usage_of_chat_completions(draft: Draft) -> None:
    """Passes usage on as the chat upstream names it."""
    if _usage(draft) and draft.response is not None:
        sent, made = _usage(draft)["input_tokens"], _usage(draft)["output_tokens"]
        total = {"total_tokens": sent + made}
        draft.response["usage"] = {"prompt_tokens": sent, "completion_tokens": made, **total}


@stream_miniature("usage.whole")
def usage_of_floats(draft: Draft) -> None:
    """Writes the total as a float."""
    if _usage(draft):
        _usage(draft)["total_tokens"] = float(_usage(draft)["total_tokens"])


@stream_miniature("usage.cache-write-tokens")
def usage_without_cache_writes(draft: Draft) -> None:
    """Does not count cache writes."""
    if _usage(draft):
        _usage(draft)["input_tokens_details"].pop("cache_write_tokens")


@stream_miniature("usage.total-adds-up")
def total_is_output(draft: Draft) -> None:
    """Reports the output tokens as the total."""
    if _usage(draft):
        _usage(draft)["total_tokens"] = _usage(draft)["output_tokens"]


@stream_miniature("usage.details-within-counts")
def input_without_cached(draft: Draft) -> None:
    """Reports more cached tokens than input."""
    if _usage(draft):
        _usage(draft)["input_tokens_details"]["cached_tokens"] = _usage(draft)["input_tokens"] + 1


@stream_miniature("usage.present-when-reported")
def no_usage(draft: Draft) -> None:
    """Ends with usage null, because it stops reading at the finish reason."""
    if draft.response is not None and "usage" in draft.response:
        draft.response["usage"] = None


@stream_miniature("usage.equals-upstream")
def adds_up_cumulative_counts(draft: Draft) -> None:
    """Adds the first count of output tokens to the last, which includes it."""
    if _usage(draft):
        _usage(draft)["output_tokens"] += 1
        _usage(draft)["total_tokens"] += 1


@stream_miniature("usage.equals-upstream")
def input_excludes_cached(draft: Draft) -> None:
    """Reports only the input tokens that were not cached."""
    if _usage(draft):
        cached = _usage(draft)["input_tokens_details"]["cached_tokens"]
        _usage(draft)["input_tokens"] -= cached
        _usage(draft)["total_tokens"] -= cached


@stream_miniature("usage.details-equal-upstream")
def details_of_zeros(draft: Draft) -> None:
    """Writes zeros for all details."""
    if _usage(draft):
        _usage(draft)["input_tokens_details"]["cached_tokens"] = 0
        _usage(draft)["output_tokens_details"]["reasoning_tokens"] = 0


@stream_miniature("usage.no-zeros-for-unknown")
def zeros_for_unknown_usage(draft: Draft) -> None:
    """Reports zero tokens where the upstream reported none."""
    said = draft.exchange.said
    if draft.response is not None and said is not None and said.usage is None:
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        draft.response["usage"] = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **details}
