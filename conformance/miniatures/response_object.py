"""Proxies whose Response object is wrong."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.edits import Draft, stream_miniature
from conformance.transcript import TERMINALS


def _ends(draft: Draft, *statuses: str) -> dict[str, Any] | None:
    """The terminal response, if its status is one of these."""
    response = draft.response
    return response if response is not None and response.get("status") in statuses else None


@stream_miniature("response.carried")
def bare_completed(draft: Draft) -> None:
    """Sends response.completed without a response."""
    if draft.terminal is not None:
        del draft.terminal.data["response"]


@stream_miniature("response.id-present")
def completed_without_id(draft: Draft) -> None:
    """Leaves the id out of the terminal response."""
    if draft.response is not None:
        del draft.response["id"]


@stream_miniature("response.object-is-response")
def object_of_chat_completions(draft: Draft) -> None:
    """Calls every response a chat.completion."""
    for response in draft.snapshots():
        response["object"] = "chat.completion"


@stream_miniature("response.required-fields")
def without_tools(draft: Draft) -> None:
    """Leaves out the settings that a request did not state."""
    for frame in draft.all("response.in_progress", "response.completed", "response.incomplete"):
        for key in ("tools", "metadata", "parallel_tool_calls"):
            frame.data["response"].pop(key, None)


@stream_miniature("response.required-fields")
def absent_instead_of_null(draft: Draft) -> None:
    """Leaves nulls out of every response."""
    for response in draft.snapshots():
        for key in [key for key, value in response.items() if value is None]:
            del response[key]


@stream_miniature("response.failed-fields")
def failed_without_error(draft: Draft) -> None:
    """Fails without an error."""
    response = _ends(draft, "failed")
    if response is not None:
        del response["error"]


@stream_miniature("response.failed-whole")
def short_failed(draft: Draft) -> None:
    """Fails with a response of four keys."""
    response = _ends(draft, "failed")
    if response is not None and draft.terminal is not None:
        draft.terminal.data["response"] = {key: response[key] for key in ("id", "object", "status", "error")}


@stream_miniature("response.open-responses-fields")
def without_completed_at(draft: Draft) -> None:
    """Leaves completed_at, truncation and text out of every response."""
    for response in draft.snapshots():
        for key in ("completed_at", "truncation", "text"):
            response.pop(key, None)


@stream_miniature("response.status-known")
def status_of_its_own(draft: Draft) -> None:
    """Calls a completed response "done"."""
    response = _ends(draft, "completed")
    if response is not None:
        response["status"] = "done"


@stream_miniature("response.status-known", "stream.terminal-agrees-with-status")
def still_in_progress(draft: Draft) -> None:
    """Leaves the terminal response in progress."""
    if draft.response is not None:
        draft.response["status"] = "in_progress"


@stream_miniature("response.created-at")
def milliseconds(draft: Draft) -> None:
    """Writes times in milliseconds."""
    for response in draft.snapshots():
        for key in ("created_at", "completed_at"):
            if isinstance(response.get(key), int):
                response[key] *= 1000


@stream_miniature("response.created-at-constant")
def created_again_at_the_end(draft: Draft) -> None:
    """Takes the time anew for the terminal response."""
    if draft.response is not None and "created_at" in draft.response:
        draft.response["created_at"] += 1


@stream_miniature("response.completed-at")
def completed_before_created(draft: Draft) -> None:
    """Completes before it began."""
    response = _ends(draft, "completed")
    if response is not None:
        response["completed_at"] = response["created_at"] - 60


@stream_miniature("response.completed-at")
def failed_at_a_time(draft: Draft) -> None:
    """Writes completed_at for answers that were cut or failed."""
    response = _ends(draft, "incomplete", "failed")
    if response is not None and "completed_at" in response:
        response["completed_at"] = response["created_at"] + 1


@stream_miniature("response.incomplete-reason")
def reason_of_messages(draft: Draft) -> None:
    """Gives the upstream's stop reason as the reason."""
    response = _ends(draft, "incomplete")
    if response is not None:
        response["incomplete_details"] = {"reason": "max_tokens"}


@stream_miniature("response.incomplete-reason")
def no_reason(draft: Draft) -> None:
    """Ends incomplete without saying why."""
    response = _ends(draft, "incomplete")
    if response is not None:
        response["incomplete_details"] = None


@stream_miniature("response.only-its-own-details")
def error_in_completed(draft: Draft) -> None:
    """Carries an error in completed responses."""
    response = _ends(draft, "completed")
    if response is not None:
        response["error"] = {"code": "server_error", "message": ""}


@stream_miniature("response.error-shape")
def status_as_code(draft: Draft) -> None:
    """Gives the upstream's HTTP status as the error code."""
    response = _ends(draft, "failed")
    if response is not None:
        response["error"] = {"code": 500, "message": "The upstream failed."}


@stream_miniature("response.error-shape")
def null_error(draft: Draft) -> None:
    """Fails with error null."""
    response = _ends(draft, "failed")
    if response is not None:
        response["error"] = None


@stream_miniature("response.error-code-known")
def code_of_the_upstream(draft: Draft) -> None:
    """Passes the upstream's error type on as the code."""
    response = _ends(draft, "failed")
    if response is not None:
        response["error"]["code"] = "InternalServerError"


# -- echoes ---------------------------------------------------------------------------------------------


def _echo(draft: Draft, key: str, value: Any) -> None:
    """Echo a constant in the responses that end a stream."""
    for frame in draft.all(*TERMINALS):
        response = frame.data.get("response")
        if isinstance(response, dict) and key in response:
            response[key] = value


@stream_miniature("response.echoes-settings")
def constant_sampling(draft: Draft) -> None:
    """Echoes a temperature of 1 whatever was asked for."""
    _echo(draft, "temperature", 1)


@stream_miniature("response.echoes-settings")
def forgotten_metadata(draft: Draft) -> None:
    """Echoes no metadata."""
    _echo(draft, "metadata", {})


@stream_miniature("response.echoes-format")
def constant_reasoning(draft: Draft) -> None:
    """Echoes the highest effort whatever was asked for."""
    _echo(draft, "reasoning", {"effort": "high", "summary": None})


@stream_miniature("response.echoes-tools")
def no_tools_echoed(draft: Draft) -> None:
    """Echoes no tools."""
    _echo(draft, "tools", [])


@stream_miniature("response.echoes-tools")
def parameters_of_the_second_tool_lost(draft: Draft) -> None:
    """Echoes the second tool without its parameters."""
    for frame in draft.all(*TERMINALS):
        for tool in frame.data["response"].get("tools", [])[1:]:
            if tool.get("type") == "function":
                tool["parameters"] = {"type": "object", "properties": {}}


@stream_miniature("response.echoes-tool-choice")
def constant_tool_choice(draft: Draft) -> None:
    """Echoes tool_choice none whatever was asked for."""
    _echo(draft, "tool_choice", "none")


@stream_miniature("response.echoes-store")
def always_stored(draft: Draft) -> None:
    """Echoes store true whatever was asked for."""
    _echo(draft, "store", True)


@stream_miniature("response.echoes-model")
def model_of_its_own(draft: Draft) -> None:
    """Names a model of its own."""
    for response in draft.snapshots():
        if "model" in response:
            response["model"] = "default"
