"""Proxies that read what their upstream says too narrowly, and divide or end answers as it suits them."""

from __future__ import annotations

import copy
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.miniatures.retelling import item_of, shapes_of
from conformance.miniatures.right_answers import refusal
from conformance.reading import as_list
from conformance.transcript import Exchange, Transcript

_KNOWN = ("stop", "length", "tool_calls", "content_filter", "function_call")
_KNOWN_STOPS = ("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "pause_turn")


def _fails(draft: Draft, message: str) -> None:
    terminal, response = draft.terminal, draft.response
    if terminal is not None and response is not None:
        terminal.data["type"] = "response.failed"
        response |= {"status": "failed", "error": {"code": "server_error", "message": message}, "completed_at": None}


def _completes(draft: Draft) -> None:
    terminal, response = draft.terminal, draft.response
    if terminal is not None and response is not None:
        terminal.data["type"] = "response.completed"
        response |= {"status": "completed", "error": None, "incomplete_details": None}


def _finish(draft: Draft) -> str:
    said = draft.exchange.said
    return (said.finish if said is not None else None) or ""


@stream_miniature("ending.unknown-reason-completes")
def finish_reasons_by_enumeration(draft: Draft) -> None:
    """Fails every answer whose finish reason its enumeration does not have."""
    if _finish(draft) and _finish(draft) not in _KNOWN + _KNOWN_STOPS:
        _fails(draft, f"unknown finish reason {_finish(draft)}")


@stream_miniature("ending.reported-error-fails")
def abort_is_a_limit(draft: Draft) -> None:
    """Takes every finish reason but `stop` for a limit, `abort` too."""
    terminal, response = draft.terminal, draft.response
    if _finish(draft) == "abort" and terminal is not None and response is not None:
        terminal.data["type"] = "response.incomplete"
        reason = {"reason": "max_output_tokens"}
        response |= {"status": "incomplete", "error": None, "incomplete_details": reason}


@stream_miniature("ending.pause-is-not-finished")
def pause_completes(draft: Draft) -> None:
    """Completes a turn that the service only paused."""
    if _finish(draft) == "pause_turn":
        _completes(draft)
        for shape in draft.items():
            if shape.get("status") == "incomplete":
                shape["status"] = "completed"


@stream_miniature("ending.cut-message-is-incomplete")
def half_message_is_completed(draft: Draft) -> None:
    """Closes the message that a limit cut as completed."""
    item = item_of(draft, -1, "message")
    if item is None or draft.reading.outcome != "incomplete":
        return
    for shape in list(shapes_of(draft, item))[1:]:
        if shape.get("status") == "incomplete":
            shape["status"] = "completed"


@stream_miniature("ending.cut-message-is-incomplete")
def half_message_completed_in_response(draft: Draft) -> None:
    """Calls the message that a limit cut completed in the final response alone."""
    item, response = item_of(draft, -1, "message"), draft.response
    if item is not None and item.final_position is not None and response is not None:
        shape = response["output"][item.final_position]
        if shape.get("status") == "incomplete":
            shape["status"] = "completed"


@stream_miniature("ending.silence-fails")
def waits_for_ever(draft: Draft) -> None:
    """Waits as long as its upstream is silent, and never ends the stream."""
    if any(call.ended == "stalled" for call in draft.exchange.upstream):
        terminal = draft.terminal
        at = draft.frames.index(terminal) if terminal is not None else len(draft.frames)
        draft.drop(*draft.frames[at:])


@stream_miniature("item.contiguous-text-in-one-part")
def a_part_for_the_last_delta(draft: Draft) -> None:
    """Puts the last fragment of a text, which came without a break, into a part of its own."""
    item = item_of(draft, 0, "message")
    part = next(iter(item.parts.values()), None) if item is not None else None
    if item is None or item.done is None or part is None or len(part.deltas) < 2 or part.family is None:
        return
    if part.family.name != "text" or part.added is None:
        return
    last = draft.of(part.deltas[-1])
    added, text_done, part_done = (draft.of(event) for event in (part.added, part.text_done, part.done))
    if last is None or added is None or text_done is None or part_done is None:
        return
    tail, whole = str(last.data["delta"]), str(text_done.data["text"])
    head = whole.removesuffix(tail)
    second = [copy.deepcopy(frame.data) for frame in (added, last, text_done, part_done)]
    for data in second:
        data["content_index"] = 1
    second[2]["text"] = second[3]["part"]["text"] = tail
    text_done.data["text"] = part_done.data["part"]["text"] = head
    draft.insert(part_done, *second)
    draft.drop(last)
    for shape in list(shapes_of(draft, item))[1:]:
        first = as_list(shape["content"])[0]
        shape["content"] = [{**first, "text": head}, {**first, "text": tail, "annotations": []}]


@stream_miniature("item.no-empty-reasoning-part")
def empty_summary_for_omitted_thinking(draft: Draft) -> None:
    """Gives reasoning without text a summary with an empty text."""
    item = item_of(draft, 0, "reasoning")
    if item is not None and not item.parts:
        for shape in list(shapes_of(draft, item))[1:]:
            shape["summary"] = [{"type": "summary_text", "text": ""}]


@stream_miniature("item.no-empty-reasoning-part")
def opens_a_summary_at_once(draft: Draft) -> None:
    """Opens a summary part with every reasoning item, before it knows whether there is text."""
    item = item_of(draft, 0, "reasoning")
    if item is None or item.parts or item.added is None:
        return
    at = {"item_id": item.id, "output_index": item.output_index, "summary_index": 0}
    part = {"type": "summary_text", "text": ""}
    start = {"type": "response.reasoning_summary_part.added", "sequence_number": 0, **at, "part": part}
    end = {"type": "response.reasoning_summary_part.done", "sequence_number": 0, **at, "part": dict(part)}
    draft.insert(draft.of(item.added), start, end)
    for shape in list(shapes_of(draft, item))[1:]:
        shape["summary"] = [dict(part)]


@miniature("answer.other-form-understood")
def only_the_form_it_asked_for(transcript: Transcript) -> Transcript:
    """Answers 502 when JSON comes instead of a stream, or a stream instead of JSON."""

    def one(exchange: Exchange) -> Exchange:
        said, calls = exchange.said, exchange.answered_calls
        if said is None or not calls or not isinstance(calls[-1].json, dict):
            return exchange
        if said.streamed is (calls[-1].json.get("stream") is True):
            return exchange
        failed = refusal(exchange.request, 502, message="The upstream's answer could not be read.")
        failed.said, failed.upstream = said, exchange.upstream
        return failed

    return edit_exchanges(transcript, one)


@request_miniature("upstream.logprobs-asked-for")
def logprobs_without_number(request: Outgoing) -> None:
    """Asks for log probabilities, but not for how many."""
    request.body.pop("top_logprobs", None)


@request_miniature("upstream.logprobs-asked-for")
def logprobs_lost(request: Outgoing) -> None:
    """Does not ask for log probabilities."""
    request.body.pop("logprobs", None)
    request.body.pop("top_logprobs", None)


@request_miniature("upstream.penalties-passed")
def penalties_swapped(request: Outgoing) -> None:
    """Sends each penalty as the other."""
    one, two = request.body.get("presence_penalty"), request.body.get("frequency_penalty")
    if one is not None and two is not None:
        request.body |= {"presence_penalty": two, "frequency_penalty": one}


@request_miniature("upstream.penalties-passed")
def frequency_penalty_lost(request: Outgoing) -> None:
    """Leaves the penalty on frequency out."""
    request.body.pop("frequency_penalty", None)


@request_miniature("history.reasoning-in-its-field")
def one_name_for_reasoning(request: Outgoing) -> None:
    """Sends reasoning back as `reasoning_content`, whatever the service called it."""
    for message in request.messages if request.dialect == "chat_completions" else ():
        if "reasoning" in message:
            message["reasoning_content"] = message.pop("reasoning")


@request_miniature("history.no-call-invented")
def call_rebuilt_from_tools(request: Outgoing) -> None:
    """Makes up a call of the first tool for a result whose call it cannot find."""
    given = [item for item in as_list(request.asked.get("input")) if isinstance(item, dict)]
    called = {item.get("call_id") for item in given if item.get("type") == "function_call"}
    lost = [item for item in given if item.get("type") == "function_call_output" and item["call_id"] not in called]
    tools = as_list(request.asked.get("tools"))
    for item in lost if tools and isinstance(request.asked.get("input"), list) else ():
        name, call_id, output = str(tools[0]["name"]), str(item["call_id"]), str(item["output"])
        request.messages.extend(_made_up(name, call_id, output, messages=request.is_messages))


def _made_up(name: str, call_id: str, output: str, *, messages: bool) -> list[dict[str, Any]]:
    if messages:
        call = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        result = {"type": "tool_result", "tool_use_id": call_id, "content": output}
        return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    function = {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}
    answer = {"role": "tool", "tool_call_id": call_id, "content": output}
    return [{"role": "assistant", "tool_calls": [function]}, answer]


@request_miniature("upstream.store-not-forwarded")
def store_passed_through(request: Outgoing) -> None:
    """Passes `store` on to a chat upstream, where it means something else."""
    if not request.is_messages and request.asked.get("store") is True:
        request.body["store"] = True
