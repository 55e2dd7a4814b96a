"""The lifecycle of a stream: created first, one terminal event last, and snapshots that tell the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.checks.limits import calls_are_limited
from conformance.checks.phrases import listed, shown
from conformance.reading import LIFECYCLE, StreamReading, as_dict, as_list, streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import TERMINALS, Event, Transcript

STATE_MACHINES = "Open Responses 2026-04-24, State machines"
EXAMPLE = "openai-openapi, streaming example of createResponse"
PYTHON = "openai-python 3.54 lib/streaming/responses/_responses.py (ResponseStreamState)"


@rule(
    "stream.created-first",
    level=MUST,
    source=PYTHON + ": Expected to have received `response.created`; BerriAI/litellm#22102",
    why="`responses.stream()` of both official SDKs raises on the first event.",
)
def created_first(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The first event is `response.created`."""
    for stream in streams(transcript):
        if all(event.type == "error" for event in stream.events):
            continue  # nothing was begun: SDKs raise what the error says (stream.no-bare-error tells of it)
        first = stream.events[0]
        if first.type == "response.created":
            yield Seen(stream.place(first))
        else:
            yield Violation(stream.place(first), "response.created as the first event", f"{first.type or 'no type'}")


@rule(
    "stream.created-once",
    level=MUST,
    source="mnfst/llm-gateway#2072; raine/claude-code-proxy PR#120; " + STATE_MACHINES,
    why="A second lifecycle in one stream (a retry upstream) doubles text and tool calls.",
)
def created_once(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A stream holds one `response.created`: one lifecycle a request."""
    for stream in streams(transcript):
        created = stream.of_type("response.created")
        for event in created[1:]:
            yield Violation(
                stream.place(event), "one response.created a stream", f"a second one, as event {event.index}"
            )
        if len(created) == 1:
            yield Seen(stream.place(created[0]))


@rule(
    "stream.in-progress-before-items",
    level=SHOULD,
    source=EXAMPLE,
    why="Clients that show a state go from created to text without ever being in progress.",
)
def in_progress_before_items(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.in_progress` comes before the first output item."""
    for stream in streams(transcript):
        first = stream.items[0].first if stream.items else None
        if first is None:
            continue
        if any(event.index < first.index for event in stream.of_type("response.in_progress")):
            yield Seen(stream.place(first))
        else:
            yield Violation(
                stream.place(first), "response.in_progress before the first item", f"{first.type} without it"
            )


@rule(
    "stream.terminal-event",
    level=MUST,
    source="openai/codex#41340; openai/openai-agents-python#19; router-for-me/CLIProxyAPI#4904",
    why="Six measured clients report the cut answer as a success; Codex sends the whole turn again.",
)
def terminal_event(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A stream ends with a terminal event, whatever became of the upstream, unless the client left."""
    for stream in streams(transcript):
        if stream.terminal is not None or stream.errors:
            yield Seen(stream.place(stream.terminal or stream.errors[-1]))
        elif not stream.left:
            last = stream.events[-1] if stream.events else None
            yield Violation(
                stream.place(last),
                f"one of {listed(TERMINALS)} at the end",
                f"the stream ends ({stream.exchange.ended}) after "
                f"{last.type or 'an event without type' if last else 'no event at all'}",
            )


@rule(
    "stream.no-bare-error",
    level=MUST,
    levels={"openai": SHOULD},
    source="zyycn/codex-proxy-rs PR#90; Open Responses 2026-04-24, Errors",
    why="Codex ignores `error` events: its user sees a causeless end and the turn is sent again.",
)
def no_bare_error(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An `error` event does not stand for the terminal event."""
    for stream in streams(transcript):
        if stream.terminal is not None:
            yield Seen(stream.place(stream.terminal))
        elif stream.errors and not stream.left:
            yield Violation(
                stream.place(stream.errors[-1]),
                "response.failed at the end",
                f"only an error event: {shown(stream.errors[-1].data)}",
            )


@rule(
    "stream.error-then-failed",
    level=SHOULD,
    source="Open Responses 2026-04-24, Errors: an error while streaming is followed by response.failed",
    why="A stream that says `error` and then completes tells its client two things.",
)
def error_then_failed(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An `error` event is followed by `response.failed`."""
    for stream in streams(transcript):
        for error in stream.errors:
            after = [event for event in stream.events[stream.events.index(error) :] if event.type in TERMINALS]
            if after and after[0].type == "response.failed":
                yield Seen(stream.place(error))
            elif not stream.left:
                came = after[0].type if after else "no terminal event"
                yield Violation(stream.place(error), "response.failed after the error event", came)


@rule(
    "stream.one-terminal",
    level=MUST,
    source=STATE_MACHINES + "; openai-openapi ResponseCompletedEvent",
    why="SDKs do not notice a second end; which of two final responses counts is then left to chance.",
)
def one_terminal(transcript: Transcript) -> Iterator[Seen | Violation]:
    """There is one terminal event, not several."""
    for stream in streams(transcript):
        for event in stream.terminals[1:]:
            first = stream.terminals[0]
            yield Violation(
                stream.place(event), f"nothing that ends the response after {first.type}", f"a second end: {event.type}"
            )
        if len(stream.terminals) == 1:
            yield Seen(stream.place(stream.terminals[0]))


@rule(
    "stream.nothing-after-terminal",
    level=MUST,
    source="posit-dev/chatlas#282; " + STATE_MACHINES,
    why="Clients have stopped reading, or have the next state overwritten: openai-node loses the text.",
)
def nothing_after_terminal(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No event follows the terminal one, `[DONE]` excepted."""
    for stream in streams(transcript):
        if stream.terminal is None:
            continue
        later = [e for e in stream.events if e.index > stream.terminal.index and e.type not in TERMINALS]
        if later:
            yield Violation(
                stream.place(later[0]),
                f"no event after {stream.terminal.type}",
                listed(event.type or shown(event.data) for event in later[:3]),
            )
        else:
            yield Seen(stream.place(stream.terminal))


@rule(
    "stream.terminal-agrees-with-status",
    level=MUST,
    source=STATE_MACHINES + "; openai.types.responses.ResponseIncompleteEvent",
    why="Clients that dispatch on the type take a cut answer for a whole one, or the other way round.",
)
def terminal_agrees_with_status(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.completed` carries status `completed`, `.incomplete` `incomplete` and `.failed` `failed`."""
    for stream in streams(transcript):
        for event in stream.terminals:
            status = event.get("response", "status")
            if status is None:
                continue
            if status == TERMINALS[event.type]:
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event), f"status {shown(TERMINALS[event.type])} in {event.type}", shown(status)
                )


@rule(
    "stream.same-response-id",
    level=MUST,
    source=PYTHON + ": Lifecycle response identity changed",
    why="`responses.stream()` of both official SDKs raises; continuing by the first id finds nothing.",
)
def same_response_id(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.id` is the same in all lifecycle events."""
    for stream in streams(transcript):
        known: str | None = None
        for event in stream.of_type(*LIFECYCLE):
            found = event.get("response", "id")
            if not isinstance(found, str):
                continue
            if known is None or found == known:
                known = found
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"response.id {shown(known)} as before", shown(found))


def _early(stream: StreamReading) -> Iterator[Event]:
    """`created` and the first `in_progress`: the snapshots that cannot hold anything yet."""
    yield from stream.of_type("response.created")[:1]
    first_item = stream.items[0].first.index if stream.items else None
    for event in stream.of_type("response.in_progress")[:1]:
        if first_item is None or event.index < first_item:
            yield event


@rule(
    "stream.snapshot-status",
    level=MUST,
    source=EXAMPLE + "; " + STATE_MACHINES,
    why="A client that reads `status` believes the answer finished, or failed, before it began.",
)
def snapshot_status(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Snapshots before the end have the status `in_progress` or `queued`."""
    for stream in streams(transcript):
        for event in stream.snapshots:
            status = event.get("response", "status")
            if status in ("in_progress", "queued"):
                yield Seen(stream.place(event))
            elif status is not None:
                yield Violation(
                    stream.place(event), f'status "in_progress" or "queued" in {event.type}', f"status {shown(status)}"
                )


@rule(
    "stream.snapshot-empty",
    level=MUST,
    source=EXAMPLE,
    why="SDK accumulators start from the snapshot: what it holds already is there twice later.",
)
def snapshot_empty(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output` is empty in `response.created` and the first `response.in_progress`."""
    for stream in streams(transcript):
        for event in _early(stream):
            output = event.get("response", "output")
            if output == []:
                yield Seen(stream.place(event))
            elif output is not None:
                yield Violation(stream.place(event), f"output [] in {event.type}", shown(output))


@rule(
    "stream.snapshot-nothing-final",
    level=MUST,
    source=EXAMPLE + "; openai.types.responses.Response (completed_at: only when the status is completed)",
    why="A client that looks for `error` or `usage` finds one while the answer is still being made.",
)
def snapshot_nothing_final(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`error`, `incomplete_details`, `usage` and `completed_at` are null or absent before the end."""
    for stream in streams(transcript):
        for event in stream.snapshots:
            response = as_dict(event.get("response"))
            early = [
                key for key in ("error", "incomplete_details", "usage", "completed_at") if response.get(key) is not None
            ]
            if not early:
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event),
                    f"null or nothing for {listed(early)} in {event.type}",
                    listed(f"{key}: {shown(response[key])}" for key in early),
                )


def _repeated(stream: StreamReading) -> Iterator[tuple[Event, list[Any]]]:
    """Snapshots after the first item, with the output that they show."""
    first_item = stream.items[0].first.index if stream.items else None
    for event in stream.snapshots:
        if first_item is not None and event.index > first_item:
            yield event, as_list(event.get("response", "output"))


@rule(
    "stream.repeated-snapshot-keeps-items",
    level=RECOMMENDED,
    source="openai-node 7.57 lib/responses/ResponseAccumulator: each lifecycle event replaces the snapshot",
    why="openai-node's `accumulateResponse()` throws `missing output at index 0` on the next delta.",
)
def repeated_snapshot_keeps_items(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A `response.in_progress` repeated later shows all items announced so far."""
    for stream in streams(transcript):
        for event, output in _repeated(stream):
            wanted = sum(item.first.index < event.index for item in stream.items)
            if len(output) >= wanted:
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event), f"the {wanted} items so far in its output", f"{len(output)} items there"
                )


@rule(
    "stream.repeated-snapshot-agrees",
    level=SHOULD,
    source="openai-node 7.57 lib/responses/ResponseAccumulator; " + STATE_MACHINES,
    why="The items in a later snapshot replace those that a client has, under other ids or in another order.",
)
def repeated_snapshot_agrees(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The items in a repeated `response.in_progress` are the announced ones, with their types, ids and order."""
    for stream in streams(transcript):
        for event, output in _repeated(stream):
            so_far = [item for item in stream.items if item.first.index < event.index]
            for item, found in zip(so_far, output, strict=False):
                shape = as_dict(found)
                if shape.get("type") == item.type and (item.id is None or shape.get("id") == item.id):
                    yield Seen(stream.place(event))
                else:
                    yield Violation(
                        stream.place(event),
                        f"{item.type} {item.id} as item {item.number} of its output",
                        f"{shape.get('type')} {shape.get('id')}",
                    )


@rule(
    "stream.no-empty-completed",
    level=INTEGRITY,
    evidence="both",
    source="router-for-me/CLIProxyAPI#4860; BerriAI/litellm#18238",
    why="The client sees a successful turn without an answer; agents loop or stop.",
)
def no_empty_completed(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A response is not completed without any item when the upstream said something."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if said is None or stream.outcome != "completed" or not any(item.text or item.name for item in said.items):
            continue
        if calls_are_limited(stream.request) and all(item.kind == "call" for item in said.items):
            continue  # a target may keep back what the client had ruled out
        if stream.items or stream.output:
            yield Seen(stream.place(stream.terminal))
        else:
            kinds = listed(sorted({item.kind for item in said.items}))
            yield Violation(
                stream.place(stream.terminal), f"items for what the upstream said: {kinds}", "no item at all"
            )
