"""Proxies whose streams do not begin, go on or end as they must."""

from __future__ import annotations

import copy
from dataclasses import replace

from conformance.miniatures.edits import Draft, edit_exchanges, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.transcript import Exchange, Received, Transcript

_BEFORE = ("response.created", "response.in_progress", "response.output_item.added", "response.content_part.added")


@stream_miniature("stream.created-first", "item.added-before-events")
def begins_with_a_delta(draft: Draft) -> None:
    """Begins with the first delta: nothing is created, announced or opened."""
    draft.drop(*draft.all(*_BEFORE))


@stream_miniature("item.done-before-completed")
def nothing_is_closed(draft: Draft) -> None:
    """Goes from the last delta to response.completed: no part and no item is closed."""
    draft.drop(*(frame for frame in draft.events if frame.type.endswith((".done", "_part.done"))))


@stream_miniature("schema.openai-events")
def least_of_every_event(draft: Draft) -> None:
    """Leaves out what it has no use for: indexes, creation time, output."""
    for frame in draft.events:
        for key in ("output_index", "content_index", "summary_index"):
            frame.data.pop(key, None)
    for response in draft.snapshots():
        for key in ("created_at", "output"):
            response.pop(key, None)


@stream_miniature("sequence.present")
def no_numbers_at_all(draft: Draft) -> None:
    """Numbers no event."""
    for frame in draft.events:
        frame.data.pop("sequence_number", None)


@stream_miniature("stream.created-first", "stream.terminal-event")
def response_chunks(draft: Draft) -> None:
    """Streams two objects of a form of its own, at the start and at the end, and no text."""
    response = draft.response or {}
    first, last = draft.events[:1], draft.events[-1:]
    if not first:
        return
    draft.frames = [*first, *last]
    for frame, status in zip(draft.frames, ("in_progress", "completed"), strict=True):
        frame.data = {"id": response.get("id"), "object": "response.chunk", "status": status}
        frame.named = False


@stream_miniature("stream.nothing-after-terminal")
def rate_limits_at_the_end(draft: Draft) -> None:
    """Sends its rate limits after the terminal event."""
    draft.insert(draft.terminal, {"type": "rate_limits.updated", "sequence_number": 0, "rate_limits": []})


@stream_miniature("stream.no-bare-error")
def fails_after_created(draft: Draft) -> None:
    """Sends response.created and then an error, whatever the upstream says."""
    created = draft.nth(0, "response.created")
    if created is not None:
        error = {"type": "error", "sequence_number": 1, "code": "server_error", "message": "Failed.", "param": None}
        draft.frames = [created]
        draft.insert(created, error)


@miniature("content.end-state-equals-upstream", "retry.not-after-visible-output")
def cut_answer_tried_again(transcript: Transcript) -> Transcript:
    """Takes an incomplete answer for a failure of the upstream, asks it again, and fails."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or not exchange.upstream:
            return exchange
        draft = Draft.begin(exchange)
        terminal, response = draft.terminal, draft.response
        if terminal is None or response is None or terminal.type != "response.incomplete":
            return exchange
        terminal.data["type"] = "response.failed"
        error = {"code": "server_error", "message": "upstream_error"}
        response |= {"status": "failed", "incomplete_details": None, "error": error}
        last = exchange.upstream[-1]
        again = replace(last, retry_of=len(exchange.upstream) - 1, received_at=exchange.ended_at)
        return replace(draft.written(), upstream=(*exchange.upstream, again))

    return edit_exchanges(transcript, one)


@miniature("stream.terminal-event", "delivery.body-ends-cleanly")
def upstreams_end_is_its_own(transcript: Transcript) -> Transcript:
    """Lets the upstream's broken connection break its own: no terminal event, no last chunk."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or all(call.ended == "complete" for call in exchange.upstream):
            return exchange
        draft = Draft.begin(exchange)
        if draft.terminal is None or draft.terminal.type != "response.failed":
            return exchange
        draft.frames = draft.frames[: draft.frames.index(draft.terminal)]
        return replace(draft.written(), ended="truncated", problem="the last chunk is missing")

    return edit_exchanges(transcript, one)


@miniature("delivery.cancels-when-client-leaves")
def notices_leaving_when_it_writes(transcript: Transcript) -> Transcript:
    """Notices that the client is gone when it next writes: before the upstream's first byte it never does."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.ended != "client-left" or exchange.received or not exchange.upstream:
            return exchange
        return replace(exchange, upstream=tuple(replace(call, ended=None) for call in exchange.upstream))

    return edit_exchanges(transcript, one)


@miniature("delivery.cancels-when-client-leaves")
def whole_answers_run_on(transcript: Transcript) -> Transcript:
    """Watches for the client's leaving in streams alone: a whole answer is generated to its end."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.ended != "client-left" or exchange.wants_stream or not exchange.upstream:
            return exchange
        return replace(exchange, upstream=tuple(replace(call, ended=None) for call in exchange.upstream))

    return edit_exchanges(transcript, one)


@miniature("delivery.kept-alive")
def silent_with_the_upstream(transcript: Transcript) -> Transcript:
    """Sends nothing while the upstream is silent for a minute."""

    def one(exchange: Exchange) -> Exchange:
        calls = exchange.answered_calls
        if not exchange.is_stream or not calls or len(calls[-1].sent) < 4:
            return exchange
        half = calls[-1].sent[len(calls[-1].sent) // 2].t
        later = [replace(sent, t=sent.t + 60.0 * (sent.t >= half)) for sent in calls[-1].sent]
        received = tuple(replace(chunk, t=chunk.t + 60.0 * (chunk.t >= half)) for chunk in exchange.received)
        upstream = (*exchange.upstream[:-1], replace(calls[-1], sent=later))
        return replace(exchange, upstream=upstream, received=received, ended_at=exchange.ended_at + 60.0)

    silent = "silence" in (transcript.facts.get("tags") or ())
    return edit_exchanges(transcript, one) if silent else transcript


@miniature("stream.not-held-back")
def flushes_at_sixteen_kibibytes(transcript: Transcript) -> Transcript:
    """Writes through a buffer of 16 KiB: a short answer comes at its end."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream or len(exchange.body) > 1 << 14:
            return exchange
        return replace(exchange, received=(Received(exchange.ended_at, exchange.body),))

    drives = [
        replace(drive, exchanges=[one(exchange) for exchange in drive.exchanges]) if drive.kind == "gated" else drive
        for drive in transcript.drives
    ]
    return replace(transcript, drives=drives) if any(d.kind == "gated" for d in drives) else transcript


@stream_miniature("stream.created-once")
def retry_shown_to_the_client(draft: Draft) -> None:
    """Asks a failed upstream again after its first words, and tells the client everything from the beginning."""
    terminal = draft.terminal
    if terminal is None or terminal.type != "response.failed" or not draft.all("response.output_text.delta"):
        return
    again = [copy.deepcopy(frame.data) for frame in draft.events]
    place = draft.events[draft.events.index(terminal) - 1]
    draft.drop(terminal)
    draft.insert(place, *again)


@miniature("delivery.kept-alive")
def silent_before_the_first_event(transcript: Transcript) -> Transcript:
    """Sends nothing, not even its headers, before the upstream's first event."""

    def one(exchange: Exchange) -> Exchange:
        calls = exchange.answered_calls
        if not exchange.is_stream or not calls or not calls[-1].sent[:1] or not _is_comment(calls[-1].sent[0].data):
            return exchange
        later = [calls[-1].sent[0], *(replace(sent, t=sent.t + 60.0) for sent in calls[-1].sent[1:])]
        received = tuple(replace(chunk, t=chunk.t + 60.0 + later[1].t) for chunk in exchange.received)
        upstream = (*exchange.upstream[:-1], replace(calls[-1], sent=later))
        return replace(exchange, upstream=upstream, received=received, ended_at=exchange.ended_at + 121.0)

    silent = "silence" in (transcript.facts.get("tags") or ())
    return edit_exchanges(transcript, one) if silent else transcript


def _is_comment(data: bytes) -> bool:
    return data.startswith(b":")
