"""Proxies that misread streams of Messages."""

from __future__ import annotations

from conformance.miniatures.misreading import MESSAGES, Heard, misreads, stumbles


def _stop_reason(heard: Heard, old: str, new: str) -> None:
    for event in heard.of_type("message_delta"):
        if event["delta"].get("stop_reason") == old:
            event["delta"]["stop_reason"] = new


@misreads("ending.cut-answer-is-incomplete", dialects=MESSAGES)
def full_window_is_an_end(heard: Heard) -> None:
    """Does not know `model_context_window_exceeded` and takes it for the end of the turn."""
    _stop_reason(heard, "model_context_window_exceeded", "end_turn")


@misreads("ending.cut-answer-is-incomplete", dialects=MESSAGES)
def max_tokens_is_an_end(heard: Heard) -> None:
    """Takes `max_tokens` for the end of the turn."""
    _stop_reason(heard, "max_tokens", "end_turn")


@misreads("ending.refusal-is-told", "ending.filtered-answer-is-incomplete", dialects=MESSAGES)
def refusal_is_an_end(heard: Heard) -> None:
    """Takes the stop reason `refusal` for the end of the turn."""
    _stop_reason(heard, "refusal", "end_turn")


@misreads("ending.pause-is-not-finished", dialects=MESSAGES)
def pause_is_an_end(heard: Heard) -> None:
    """Takes `pause_turn` for the end of the turn."""
    _stop_reason(heard, "pause_turn", "end_turn")


@stumbles("answer.stream", dialects=MESSAGES)
def crashes_on_stop_sequence(heard: Heard) -> bool:
    """Does not know the stop reason `stop_sequence`."""
    return any(event["delta"].get("stop_reason") == "stop_sequence" for event in heard.of_type("message_delta"))


@misreads("content.arguments-equal-upstream", dialects=MESSAGES)
def blocks_counted_as_calls(heard: Heard) -> None:
    """Takes a block's index for the number of the call: after a text the arguments go nowhere."""
    calls = [
        event["index"] for event in heard.of_type("content_block_start") if event["content_block"]["type"] == "tool_use"
    ]
    for event in heard.of_type("content_block_delta"):
        own = event["index"] in calls and calls.index(event["index"]) == event["index"]
        if event["delta"].get("type") == "input_json_delta" and not own:
            event["delta"]["partial_json"] = ""


@misreads("content.calls-equal-upstream", dialects=MESSAGES)
def calls_after_text_not_streamed(heard: Heard) -> None:
    """Expects one kind of block a stream: calls after thinking or text are not told."""
    starts = heard.of_type("content_block_start")
    later = {event["index"] for event in starts[1:] if event["content_block"]["type"] == "tool_use"}
    heard.events = [event for event in heard.events if not (isinstance(event, dict) and event.get("index") in later)]


@misreads("usage.equals-upstream", dialects=MESSAGES)
def counts_input_at_the_start(heard: Heard) -> None:
    """Takes the input tokens from message_start, where they may still be 0."""
    for event in heard.of_type("message_delta"):
        for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
            event.get("usage", {}).pop(key, None)


@misreads("content.citations-kept", dialects=MESSAGES)
def citations_skipped(heard: Heard) -> None:
    """Does not know `citations_delta`."""
    heard.events = [
        event
        for event in heard.events
        if not (isinstance(event, dict) and (event.get("delta") or {}).get("type") == "citations_delta")
    ]
