"""Proxies that tell the life of a response wrongly."""

from __future__ import annotations

from dataclasses import replace

from conformance.miniatures.edits import Draft, edit_exchanges, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.reading import SNAPSHOTS, read
from conformance.transcript import Exchange, Transcript

_CREATED, _IN_PROGRESS = "response.created", "response.in_progress"


@stream_miniature("stream.created-first")
def no_created(draft: Draft) -> None:
    """Begins with response.in_progress."""
    draft.drop(draft.nth(0, _CREATED))


@stream_miniature("stream.created-first")
def created_late(draft: Draft) -> None:
    """Sends response.created once the first item is announced."""
    draft.move(draft.nth(0, _CREATED), draft.nth(0, "response.output_item.added"))


@stream_miniature("stream.created-once")
def second_lifecycle(draft: Draft) -> None:
    """Begins anew in the middle, as after a retry upstream that the client should not see."""
    created, place = draft.nth(0, _CREATED), draft.nth(2, "response.output_text.delta")
    if created is not None:
        draft.insert(place, dict(created.data))


@stream_miniature("stream.in-progress-before-items")
def never_in_progress(draft: Draft) -> None:
    """Goes from created to the first item."""
    draft.drop(draft.nth(0, _IN_PROGRESS))


@stream_miniature("stream.terminal-event")
def just_stops(draft: Draft) -> None:
    """Ends the body after the last item, without a terminal event."""
    draft.drop(draft.terminal, *draft.all("error"))


@stream_miniature("stream.terminal-event")
def only_done_marker(draft: Draft) -> None:
    """Ends with [DONE] alone, as chat completions do."""
    if any(frame.raw.startswith(b"data: [DONE]") for frame in draft.frames):
        draft.drop(draft.terminal, *draft.all("error"))


@stream_miniature("stream.no-bare-error")
def error_instead_of_failed(draft: Draft) -> None:
    """Ends a failed answer with an `error` event alone."""
    terminal = draft.terminal
    if terminal is not None and terminal.type == "response.failed":
        error = {"code": "server_error", "message": "The upstream failed.", "param": None}
        number = terminal.data.get("sequence_number")
        terminal.data = {"type": "error", "sequence_number": number, **error}


@stream_miniature("stream.error-then-failed")
def error_and_completed(draft: Draft) -> None:
    """Reports an error in the middle and then completes."""
    error = {"type": "error", "sequence_number": 0, "code": "server_error", "message": "Trouble.", "param": None}
    if draft.terminal is not None and draft.terminal.type == "response.completed":
        draft.insert(draft.nth(1, "response.output_text.delta"), error)


@stream_miniature("stream.one-terminal")
def completed_twice(draft: Draft) -> None:
    """Sends the terminal event twice."""
    if draft.terminal is not None:
        draft.insert(draft.terminal, dict(draft.terminal.data))


@stream_miniature("stream.nothing-after-terminal")
def delta_after_terminal(draft: Draft) -> None:
    """Sends the last delta after the terminal event."""
    draft.move(draft.nth(-1, "response.output_text.delta"), draft.terminal)


@stream_miniature("stream.nothing-after-terminal")
def keep_alive_after_terminal(draft: Draft) -> None:
    """Sends a keepalive after the terminal event."""
    draft.insert(draft.terminal, {"type": "keepalive", "sequence_number": 0})


@stream_miniature("stream.terminal-agrees-with-status")
def incomplete_inside_completed(draft: Draft) -> None:
    """Ends a cut answer with response.completed around a response whose status is incomplete."""
    if draft.terminal is not None and draft.terminal.type == "response.incomplete":
        draft.terminal.data["type"] = "response.completed"


@stream_miniature("stream.error-event-says-why")
def error_event_without_message(draft: Draft) -> None:
    """Sends an `error` event of nothing but its type before a failed end."""
    terminal = draft.terminal
    if terminal is not None and terminal.type == "response.failed":
        draft.drop(*draft.all("error"))
        nothing = {"type": "error", "sequence_number": 0, "code": None, "message": "", "param": None}
        draft.insert(terminal, nothing, after=False)


@stream_miniature("stream.error-event-nested")
def error_event_flat(draft: Draft) -> None:
    """Writes `error` events as OpenAI's document has them, flat."""
    for frame in draft.all("error"):
        nested = frame.data.pop("error", None)
        if isinstance(nested, dict):
            frame.data |= {key: nested.get(key) for key in ("code", "message", "param")}


@stream_miniature("stream.error-event-nested")
def error_event_of_a_string(draft: Draft) -> None:
    """Writes the message of an `error` event in place of the object."""
    for frame in draft.all("error"):
        if isinstance(frame.data.get("error"), dict):
            frame.data["error"] = frame.data["error"]["message"]


@stream_miniature("stream.same-response-id")
def id_of_the_upstream_at_the_end(draft: Draft) -> None:
    """Gives the terminal response the upstream's id."""
    if draft.response is not None:
        draft.response["id"] = "chatcmpl-123"


@stream_miniature("stream.same-response-id")
def id_minted_in_the_middle(draft: Draft) -> None:
    """Mints another id for response.in_progress, and returns to the first."""
    frame = draft.nth(0, _IN_PROGRESS)
    if frame is not None:
        frame.data["response"]["id"] = "resp_another"


@stream_miniature("stream.snapshot-status")
def completed_from_the_beginning(draft: Draft) -> None:
    """Says status completed in response.created."""
    frame = draft.nth(0, _CREATED)
    if frame is not None:
        frame.data["response"]["status"] = "completed"


@stream_miniature("stream.snapshot-status")
def no_longer_in_progress(draft: Draft) -> None:
    """Says status incomplete in response.in_progress."""
    frame = draft.nth(0, _IN_PROGRESS)
    if frame is not None:
        frame.data["response"]["status"] = "incomplete"


@stream_miniature("stream.snapshot-empty")
def output_before_it_was_made(draft: Draft) -> None:
    """Shows the final output in response.in_progress, before its first event."""
    frame, response = draft.nth(0, _IN_PROGRESS), draft.response
    if frame is not None and response is not None:
        frame.data["response"]["output"] = response.get("output")


@stream_miniature("stream.snapshot-nothing-final")
def usage_of_zeros(draft: Draft) -> None:
    """Reports a usage of zeros in response.in_progress."""
    frame = draft.nth(0, _IN_PROGRESS)
    if frame is not None:
        frame.data["response"]["usage"] = {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        }


@stream_miniature("stream.repeated-snapshot-keeps-items")
def keep_alive_forgets_items(draft: Draft) -> None:
    """Repeats response.in_progress with an empty output."""
    for frame in draft.all(*SNAPSHOTS):
        frame.data["response"]["output"] = []


@stream_miniature("stream.repeated-snapshot-agrees")
def keep_alive_renames_items(draft: Draft) -> None:
    """Gives the last item other ids in repeated snapshots."""
    for frame in draft.all(*SNAPSHOTS):
        for item in frame.data["response"]["output"][-1:]:
            item["id"] = f"item_{frame.data['sequence_number']}"


@stream_miniature("stream.no-empty-completed")
def nothing_but_a_frame(draft: Draft) -> None:
    """Sends only response.created and response.completed, with an empty output."""
    kept = {"response.created", "response.in_progress", "response.completed"}
    if draft.response is not None:
        draft.response["output"] = []
    draft.drop(*(frame for frame in draft.events if frame.type not in kept))


@miniature("stream.terminal-event")
def cut_by_the_target(transcript: Transcript) -> Transcript:
    """Breaks the connection in the middle of the answer."""

    def one(exchange: Exchange) -> Exchange:
        half = len(exchange.received) // 2
        if not exchange.is_stream or read(exchange).terminal is None or half < 2:
            return exchange
        return replace(exchange, received=exchange.received[:half], ended="truncated")

    return edit_exchanges(transcript, one)
