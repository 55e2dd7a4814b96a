"""Proxies that tell items wrongly: their ids, their shapes, their indexes, their content."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, edit_json, on_streams, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.miniatures.misreading import on_replies, upstream_of
from conformance.miniatures.retelling import calls_of, frames_of, item_of, restate
from conformance.miniatures.right_answers import refusal
from conformance.reading import as_list
from conformance.transcript import Exchange, Transcript

_ADDED, _DONE = "response.output_item.added", "response.output_item.done"


def _calls(value: Any) -> list[dict[str, Any]]:
    output = value.get("output") if isinstance(value, dict) else None
    return [item for item in output or () if isinstance(item, dict) and item.get("type") == "function_call"]


def _no_arguments_streamed(draft: Draft) -> None:
    for item in calls_of(draft):
        if item.content("arguments") not in ("", "{}"):
            continue
        restate(draft, item, arguments="")
        frames = frames_of(draft, item)
        for frame in frames:
            if frame.type.endswith("arguments.done"):
                frame.data["arguments"] = ""
        draft.drop(*(frame for frame in frames if frame.type.endswith("arguments.delta")))


@miniature("content.no-arguments-are-an-object")
def no_arguments_are_an_empty_string(transcript: Transcript) -> Transcript:
    """Gives a call without arguments an empty string, which is no JSON."""
    return edit_json(on_streams(_no_arguments_streamed)(transcript), _without_arguments)


def _without_arguments(value: Any) -> Any:
    for call in _calls(value):
        if call.get("arguments") == "{}":
            call["arguments"] = ""
    return value


@miniature("item.call-id-usable")
def id_is_read_with_the_name(transcript: Transcript) -> Transcript:
    """Reads a call's id from the delta that has its name: when it comes before, the call_id is empty."""

    def one(exchange: Exchange) -> Exchange:
        heard = upstream_of(exchange, "chat_completions")
        apart = heard is not None and any(
            fragment.get("id") and not (fragment.get("function") or {}).get("name") for fragment in heard.fragments
        )
        if not apart or not exchange.is_stream:
            return exchange
        draft = Draft.begin(exchange)
        for item in calls_of(draft):
            restate(draft, item, call_id="")
        return draft.written()

    return on_replies(transcript, one)


@stream_miniature("item.event-family")
def separator_goes_to_the_open_call(draft: Draft) -> None:
    """Writes the blank text between two calls into the call before it."""
    calls = [item for item in draft.reading.items if item.type == "function_call"]
    texts = [item for item in draft.reading.items if item.type == "message" and not item.content("text").strip()]
    for text in texts:
        before = [call for call in calls if call.number < text.number]
        if before and text.id and before[-1].id:
            for frame in frames_of(draft, text):
                if frame.type.endswith("output_text.delta"):
                    frame.data |= {"item_id": before[-1].id, "output_index": before[-1].output_index}


@stream_miniature("item.call-id-unique", "content.calls-equal-upstream")
def call_emitted_twice(draft: Draft) -> None:
    """Emits a call once more at the end, with the same call_id and without its arguments."""
    done = draft.nth(-1, _DONE)
    if done is None or done.item_type != "function_call" or draft.response is None:
        return
    index = 1 + max(frame.data["output_index"] for frame in draft.all(_DONE))
    item = copy.deepcopy(done.data["item"]) | {"id": "fc_once_more", "arguments": "{}"}
    events = [{"type": kind, "sequence_number": 0, "output_index": index, "item": item} for kind in (_ADDED, _DONE)]
    draft.insert(draft.terminal, *events, after=False)
    as_list(draft.response.get("output")).append(item)


@stream_miniature("item.added-shape")
def message_announced_without_content(draft: Draft) -> None:
    """Announces messages without their `content` array."""
    for frame in draft.all(_ADDED):
        if frame.item_type == "message":
            frame.data["item"].pop("content", None)


@stream_miniature("item.added-shape", "schema.openai-events")
def null_announced(draft: Draft) -> None:
    """Announces every item as null."""
    for frame in draft.all(_ADDED):
        frame.data["item"] = None


@stream_miniature("content.text-done-equals-deltas", "content.item-text-equals-deltas")
def state_lost_between_chunks(draft: Draft) -> None:
    """Begins anew with each chunk: what it has collected for the done events is empty."""
    for frame in draft.all("response.output_text.done"):
        frame.data["text"] = ""
    for frame in draft.all("response.content_part.done"):
        frame.data["part"]["text"] = ""
    for frame in (*draft.all(_DONE), *draft.all("response.completed")):
        holder = [frame.data["item"]] if "item" in frame.data else as_list(frame.data["response"].get("output"))
        for part in (part for item in holder for part in as_list(item.get("content"))):
            part["text"] = ""


@stream_miniature("item.reasoning-part-before-deltas")
def every_delta_is_a_part(draft: Draft) -> None:
    """Counts the index of the part up with every delta of reasoning."""
    for number, frame in enumerate(f for f in draft.events if "reasoning" in f.type and f.type.endswith(".delta")):
        key = "summary_index" if "summary_index" in frame.data else "content_index"
        frame.data[key] = number


@stream_miniature("response.output-holds-done-items")
def reasoning_missing_in_the_response(draft: Draft) -> None:
    """Leaves reasoning out of the terminal response's output."""
    if draft.response is not None:
        output = as_list(draft.response.get("output"))
        draft.response["output"] = [item for item in output if item.get("type") != "reasoning"]


@stream_miniature("content.order-equals-upstream", "item.output-index-unique")
def reasoning_told_at_the_end(draft: Draft) -> None:
    """Announces the reasoning when all is over, at the index of the message."""
    thought, text = item_of(draft, 0, "reasoning"), item_of(draft, 0, "message")
    if thought is None or text is None or (thought.output_index or 0) > (text.output_index or 0):
        return
    frames = frames_of(draft, thought)
    for frame in frames:
        frame.data["output_index"] = text.output_index
        draft.move(frame, draft.terminal, after=False)
    if draft.response is not None:
        as_list(draft.response.get("output")).sort(key=lambda item: item.get("type") == "reasoning")


@stream_miniature("ending.filtered-answer-is-incomplete")
def filtered_answer_completes(draft: Draft) -> None:
    """Completes an answer that the content filter stopped."""
    terminal, response = draft.terminal, draft.response
    if terminal is None or response is None:
        return
    if (response.get("incomplete_details") or {}).get("reason") == "content_filter":
        terminal.data["type"] = "response.completed"
        response |= {"status": "completed", "incomplete_details": None}


@miniature("json.calls-equal-upstream")
def whole_answer_is_its_text(transcript: Transcript) -> Transcript:
    """Reads only the text of a whole answer: calls are not told."""

    def one(value: Any) -> Any:
        if _calls(value):
            value["output"] = [item for item in value["output"] if item.get("type") != "function_call"]
        return value

    return edit_json(transcript, one)


@miniature("json.status-is-final")
def calls_require_action(transcript: Transcript) -> Transcript:
    """Gives a response that holds calls the status `requires_action`."""

    def one(value: Any) -> Any:
        return {**value, "status": "requires_action"} if _calls(value) else value

    return edit_json(transcript, one)


@stream_miniature("usage.present-when-reported")
def usage_of_cut_answers_lost(draft: Draft) -> None:
    """Reports usage only with response.completed."""
    if draft.response is not None and draft.response.get("status") in ("incomplete", "failed"):
        draft.response["usage"] = None


@stream_miniature("usage.details-equal-upstream")
def cached_tokens_lost(draft: Draft) -> None:
    """Counts no cached tokens in streams."""
    usage = (draft.response or {}).get("usage")
    if isinstance(usage, dict) and isinstance(usage.get("input_tokens_details"), dict):
        usage["input_tokens_details"]["cached_tokens"] = 0


@stream_miniature("usage.total-adds-up")
def total_of_the_input_alone(draft: Draft) -> None:
    """Makes the total up from the first count that it hears."""
    usage = (draft.response or {}).get("usage")
    if isinstance(usage, dict):
        usage["total_tokens"] = usage.get("input_tokens")


@miniature("answer.whole")
def lone_reasoning_refused(transcript: Transcript) -> Transcript:
    """Looks for a message or a call in a whole answer, and fails where there is only reasoning."""

    def one(exchange: Exchange) -> Exchange:
        output = exchange.json.get("output") if isinstance(exchange.json, dict) else None
        if exchange.is_stream or not output or any(item.get("type") != "reasoning" for item in output):
            return exchange
        refused = refusal(exchange.request, 502)
        return replace(refused, upstream=exchange.upstream, said=exchange.said)

    return edit_exchanges(transcript, one)


@stream_miniature("item.output-index-unique", "item.done-before-completed")
def call_takes_over_the_message(draft: Draft) -> None:
    """Goes from text to a call at the same index, and never closes the message."""
    text, call = item_of(draft, 0, "message"), item_of(draft, 0, "function_call")
    if text is None or call is None or text.number > call.number or text.done is None:
        return
    for frame in frames_of(draft, call):
        frame.data["output_index"] = text.output_index
    draft.drop(draft.of(text.done))
    if draft.response is not None:
        output = as_list(draft.response.get("output"))
        draft.response["output"] = [item for item in output if item.get("type") != "message"]


@stream_miniature("item.id-present")
def reasoning_without_an_id(draft: Draft) -> None:
    """Gives reasoning items no id."""
    for item in draft.items():
        if item.get("type") == "reasoning":
            item.pop("id", None)


@stream_miniature("item.added-shape")
def null_summary_announced(draft: Draft) -> None:
    """Announces reasoning with `summary: null`."""
    for frame in draft.all(_ADDED):
        if frame.item_type == "reasoning":
            frame.data["item"]["summary"] = None
