"""Proxies that tell wrongly how an answer ended."""

from __future__ import annotations

import copy
from typing import Any

from conformance.miniatures.edits import Draft, stream_miniature
from conformance.reading import CALL_TYPES, LIFECYCLE

_INCOMPLETE, _FAILED, _COMPLETED = "response.incomplete", "response.failed", "response.completed"


def _becomes(draft: Draft, old: str, new: str, **changes: Any) -> None:
    """Give the terminal event another type, and its response the status and changes that go with it."""
    terminal, response = draft.terminal, draft.response
    if terminal is None or response is None or terminal.type != old:
        return
    terminal.data["type"] = new
    response["status"] = new.partition(".")[2]
    response.update(changes)


@stream_miniature("ending.whole-answer-completes")
def whole_answer_fails(draft: Draft) -> None:
    """Calls every answer failed."""
    _becomes(draft, _COMPLETED, _FAILED, error={"code": "server_error", "message": "?"})


@stream_miniature("ending.cut-answer-is-incomplete")
def cut_answer_completes(draft: Draft) -> None:
    """Calls a cut answer completed."""
    _becomes(draft, _INCOMPLETE, _COMPLETED, incomplete_details=None)


@stream_miniature("ending.cut-answer-is-incomplete")
def incomplete_by_name_only(draft: Draft) -> None:
    """Sends response.incomplete with a completed response inside."""
    terminal, response = draft.terminal, draft.response
    if terminal is not None and response is not None and terminal.type == _INCOMPLETE:
        response["status"] = "completed"


@stream_miniature("ending.filtered-answer-is-incomplete")
def filter_as_limit(draft: Draft) -> None:
    """Gives `max_output_tokens` as the reason for everything."""
    if draft.response is not None and draft.response.get("incomplete_details"):
        draft.response["incomplete_details"] = {"reason": "max_output_tokens"}


@stream_miniature("ending.reason-is-given")
def reason_in_chat_words(draft: Draft) -> None:
    """Gives the upstream's word as the reason."""
    if draft.response is not None and draft.response.get("incomplete_details"):
        draft.response["incomplete_details"] = {"reason": "length"}


@stream_miniature("ending.refusal-is-told")
def refusal_in_silence(draft: Draft) -> None:
    """Completes an answer that was refused, and says nothing."""
    if draft.response is not None and not draft.response.get("output"):
        _becomes(draft, _INCOMPLETE, _COMPLETED, incomplete_details=None)


@stream_miniature("ending.failure-never-succeeds")
def broken_answer_completes(draft: Draft) -> None:
    """Calls an answer completed when its upstream broke off."""
    _becomes(draft, _FAILED, _COMPLETED, error=None)


@stream_miniature("ending.failure-never-succeeds")
def broken_answer_is_cut(draft: Draft) -> None:
    """Calls an answer incomplete when its upstream broke off."""
    _becomes(draft, _FAILED, _INCOMPLETE, error=None, incomplete_details={"reason": "max_output_tokens"})


@stream_miniature("ending.failure-is-told")
def broken_answer_just_ends(draft: Draft) -> None:
    """Ends the stream without a word when its upstream broke off."""
    if draft.terminal is not None and draft.terminal.type == _FAILED:
        draft.drop(draft.terminal)


@stream_miniature("ending.doubtful-answer-has-content")
def empty_success(draft: Draft) -> None:
    """Completes with an empty output, and no item before it."""
    if draft.response is not None and draft.response.get("status") == "completed":
        draft.drop(*(frame for frame in draft.events if frame.type not in LIFECYCLE))
        draft.renumber()
        draft.response["output"] = []


def _cut_call(draft: Draft) -> dict[str, Any] | None:
    """The call that stands incomplete in the final output, or was never done."""
    done = [frame.data["output_index"] for frame in draft.all("response.output_item.done")]
    for frame in draft.all("response.output_item.added"):
        item = frame.data["item"]
        if item["type"] in CALL_TYPES and frame.data["output_index"] not in done:
            pieces = draft.all("response.function_call_arguments.delta")
            mine = [p.data["delta"] for p in pieces if p.data["output_index"] == frame.data["output_index"]]
            return {"index": frame.data["output_index"], "item": {**item, "arguments": "".join(mine)}}
    return None


def _close(draft: Draft, status: str) -> None:
    cut = _cut_call(draft)
    if cut is not None:
        item = {**cut["item"], "status": status}
        done = {"type": "response.output_item.done", "sequence_number": 0, "output_index": cut["index"], "item": item}
        draft.insert(draft.terminal, done, after=False)


@stream_miniature("ending.cut-call-is-not-done")
def cut_call_done_incomplete(draft: Draft) -> None:
    """Closes a cut call with status incomplete."""
    _close(draft, "incomplete")


@stream_miniature("ending.cut-call-is-not-done", "ending.cut-call-is-not-completed")
def cut_call_done(draft: Draft) -> None:
    """Closes a cut call as if it were whole."""
    _close(draft, "completed")


@stream_miniature("ending.cut-call-is-not-completed")
def cut_call_completed_in_output(draft: Draft) -> None:
    """Lists a cut call as completed in the final output."""
    for item in (draft.response or {}).get("output") or ():
        if item["type"] in CALL_TYPES and item.get("status") == "incomplete":
            item["status"] = "completed"


@stream_miniature("ending.cut-call-is-shown")
def cut_call_hidden(draft: Draft) -> None:
    """Leaves a cut call out of the final output."""
    response = draft.response
    if response is not None and response.get("status") == "incomplete":
        response["output"] = [
            i for i in response["output"] if i.get("status") != "incomplete" or i["type"] == "message"
        ]


@stream_miniature("ending.failure-closes-nothing")
def failure_closes_items(draft: Draft) -> None:
    """Closes what is open before it fails."""
    if draft.terminal is None or draft.terminal.type != _FAILED:
        return
    done = [frame.data["output_index"] for frame in draft.all("response.output_item.done")]
    for frame in draft.all("response.output_item.added"):
        index = frame.data["output_index"]
        if index in done:
            continue
        pieces = [
            f.data["delta"] for f in draft.events if f.type.endswith(".delta") and f.data["output_index"] == index
        ]
        item = copy.deepcopy(frame.data["item"]) | {"status": "incomplete"}
        if item["type"] == "message":
            item["content"] = [{"type": "output_text", "text": "".join(pieces), "annotations": []}]
        else:
            item["arguments"] = "".join(pieces)
        done_event = {"type": "response.output_item.done", "sequence_number": 0, "output_index": index, "item": item}
        draft.insert(draft.terminal, done_event, after=False)


@stream_miniature("ending.nothing-lost-before-failure")
def last_delta_lost(draft: Draft) -> None:
    """Drops the last delta before it fails."""
    if draft.terminal is not None and draft.terminal.type == _FAILED:
        draft.drop(draft.nth(-1, "response.output_text.delta"))


@stream_miniature("ending.failed-response-names-error")
def failure_without_error(draft: Draft) -> None:
    """Fails without an error."""
    if draft.response is not None and draft.response.get("status") == "failed":
        draft.response["error"] = None


@stream_miniature("ending.failed-response-names-error")
def failure_with_a_number(draft: Draft) -> None:
    """Fails with a number as code."""
    if draft.response is not None and draft.response.get("status") == "failed":
        draft.response["error"]["code"] = 500


@stream_miniature("ending.failed-keeps-done-items")
def failure_forgets_done_items(draft: Draft) -> None:
    """Leaves the first done item out of a failed response."""
    response, done = draft.response, draft.all("response.output_item.done")
    if response is not None and response.get("status") == "failed" and done:
        response["output"] = [i for i in response["output"] if i.get("id") != done[0].data["item"].get("id")]
