"""Items as state machines: parts are done before the item, the item before the response."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from conformance.checks.phrases import count, listed, shown
from conformance.reading import FAMILIES, ItemReading, PartReading, StreamReading, as_dict, stream_items, streams
from conformance.rules import MUST, SHOULD, Seen, Violation, rule
from conformance.transcript import Transcript

STREAMABLE = "Open Responses 2026-04-24, Items are streamable"
STATES = "Open Responses 2026-04-24, Items are state machines"
PYTHON = "openai-python 3.54 lib/streaming/responses/_responses.py (ResponseStreamState)"

_BODY_EVENTS = frozenset(kind for family in FAMILIES.values() for kind in family.deltas + family.dones)


@rule(
    "item.dones-in-order",
    level=MUST,
    source=STREAMABLE + "; " + STATES,
    why="A client that renders on `done` shows a part before it is finished.",
)
def dones_in_order(transcript: Transcript) -> Iterator[Seen | Violation]:
    """After a part's deltas come its text's done, then the part's done, then the item's."""
    for stream, item in stream_items(transcript):
        for part in item.parts.values():
            steps = [("its last delta", part.deltas[-1] if part.deltas else None)]
            steps += [("its own done", part.text_done), ("the part's done", part.done), ("the item's done", item.done)]
            found = [(name, event) for name, event in steps if event is not None]
            wrong = next((pair for pair in itertools.pairwise(found) if pair[0][1].index > pair[1][1].index), None)
            if wrong is None:
                if len(found) > 1:
                    yield Seen(stream.place(found[-1][1]))
                continue
            (before, first), (after, second) = wrong
            yield Violation(
                stream.place(first),
                f"{before} ({first.type}) before {after} ({second.type}) in {item.name}",
                f"event {first.index} after event {second.index}",
            )


@rule(
    "item.part-dones-present",
    level=MUST,
    source=STREAMABLE + "; Oaklight/llm-rosetta#56; justlovemaki/AIClient2API#418",
    why="Clients that store a part when it is done store nothing.",
)
def part_dones_present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """In an item that completes, every streamed part gets its text's done and, where it was opened, its part's done."""
    for stream, item in stream_items(transcript):
        if item.done is None or item.done_item.get("status") == "incomplete":
            continue
        for part in item.parts.values():
            if part.family is None or not part.family.array or not (part.deltas or part.added):
                continue
            missing = [part.family.dones[0]] if part.deltas and not _is_text_done(item, part) else []
            if part.added is not None and part.done is None:
                missing.append(part.added.type.replace("added", "done"))
            if missing:
                yield Violation(
                    stream.place(item.done),
                    f"{listed(missing)} for {part.words} {_number(part)} before the item is done",
                    "response.output_item.done without it",
                )
            else:
                yield Seen(stream.place(part.done or part.text_done or item.done))


def _is_text_done(item: ItemReading, part: PartReading) -> bool:
    """Whether a part's text is done. That deltas lack the index under which it is done is told of the deltas."""
    same = [one for one in item.parts.values() if one is part or (part.index is None and one.family is part.family)]
    return any(one.text_done is not None for one in same)


def _number(part: PartReading) -> str:
    return "without an index" if part.index is None else str(part.index)


@rule(
    "item.arguments-done-present",
    level=SHOULD,
    source="openai.types.responses.ResponseFunctionCallArgumentsDoneEvent; justlovemaki/AIClient2API#418",
    why="Clients that wait for the arguments' own done act only when the item is done.",
)
def arguments_done_present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A completed call whose arguments were streamed gets their done event."""
    for stream, item in stream_items(transcript):
        if item.done is None or not item.is_call or item.done_item.get("status") == "incomplete":
            continue
        for part in item.parts.values():
            if not part.deltas or part.family is None:
                continue
            if part.text_done is not None:
                yield Seen(stream.place(part.text_done))
            else:
                yield Violation(
                    stream.place(item.done), f"{part.family.dones[0]} before it", "output_item.done without it"
                )


@rule(
    "item.arguments-done-name",
    level=SHOULD,
    profiles=("openai", "superset"),
    source="openai-openapi ResponseFunctionCallArgumentsDoneEvent (required: name; the SDK's type has none)",
    why="Types generated from OpenAI's document refuse the event; the other authorities allow the name.",
)
def arguments_done_name(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.function_call_arguments.done` names the function that is called."""
    for stream, item in stream_items(transcript):
        for event in item.events:
            name = item.best.get("name")
            if event.type != "response.function_call_arguments.done" or not isinstance(name, str):
                continue
            if event.get("name") == name:
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"name {shown(name)}, as in the call", shown(event.get("name")))


@rule(
    "item.done-before-completed",
    level=MUST,
    source=PYTHON + ": Cannot complete response with unfinished output items; router-for-me/CLIProxyAPI#4860",
    why="Codex takes items from `output_item.done` alone: no text, no tool call, and the turn counts as done.",
)
def done_before_completed(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every announced item gets its `response.output_item.done` before `response.completed`."""
    for stream, item in stream_items(transcript):
        if stream.outcome == "completed" and stream.terminal is not None and item.added is not None:
            yield _closed(stream, item)


@rule(
    "item.done-before-incomplete",
    level=MUST,
    source=STATES + ": an item ends completed or incomplete",
    why="What was said before the cut is not kept by clients that take items when they are done.",
)
def done_before_incomplete(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every announced message and reasoning item is done before `response.incomplete`, cut or not."""
    for stream, item in stream_items(transcript):
        if stream.outcome == "incomplete" and item.added is not None and item.type in ("message", "reasoning"):
            yield _closed(stream, item)


def _closed(stream: StreamReading, item: ItemReading) -> Seen | Violation:
    terminal = stream.terminal
    if item.done is not None and terminal is not None and item.done.index < terminal.index:
        return Seen(stream.place(item.done))
    return Violation(
        stream.place(terminal),
        f"response.output_item.done for {item.name} before it",
        "the item is still open" if item.done is None else "the item is done only afterwards",
    )


@rule(
    "item.nothing-after-done",
    level=MUST,
    source=STATES + ": completed is a terminal state",
    why="Clients have already shown, stored or executed the item.",
)
def nothing_after_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No event of an item follows its `response.output_item.done`."""
    for stream, item in stream_items(transcript):
        if item.done is None:
            continue
        later = [e for e in item.events if e.index > item.done.index and e.type in _BODY_EVENTS | {item.done.type}]
        if later:
            yield Violation(stream.place(later[0]), f"nothing more of {item.name}, which is done", f"{later[0].type}")
        else:
            yield Seen(stream.place(item.done))


@rule(
    "item.done-is-final",
    level=MUST,
    source=STATES + "; openai.types.responses.ResponseOutputMessage.status",
    why="A client that replays the item sends a message that is still being written.",
)
def done_is_final(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The status of a done item, where it has one, is `completed`, `incomplete`, or a service tool's `failed`."""
    for stream, item in stream_items(transcript):
        status = item.done_item.get("status")
        if item.done is None or status is None:
            continue
        may_fail = item.type not in ("message", "reasoning", "function_call", "custom_tool_call")
        if status in ("completed", "incomplete") or (status == "failed" and may_fail):
            yield Seen(stream.place(item.done))
        else:
            yield Violation(stream.place(item.done), 'status "completed" or "incomplete"', f"status {shown(status)}")


@rule(
    "item.none-incomplete-in-completed",
    level=MUST,
    source=STATES + ": a response with an incomplete item is incomplete",
    why="The client is told that a cut answer is whole.",
)
def none_incomplete_in_completed(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A completed response has no incomplete item."""
    for stream, item in stream_items(transcript):
        if stream.outcome != "completed" or "status" not in item.best:
            continue
        statuses = {shape.get("status") for shape in (item.done_item, item.final or {})}
        if "incomplete" in statuses:
            yield Violation(
                stream.place(item.done or stream.terminal),
                "no incomplete item in a completed response",
                f"{item.name} is incomplete",
            )
        else:
            yield Seen(stream.place(item.done or stream.terminal))


@rule(
    "item.incomplete-is-last",
    level=MUST,
    profiles=("open-responses", "superset"),
    source=STATES + ": an incomplete item is the last one emitted",
    why="A client takes what follows for the rest of the cut item.",
)
def incomplete_is_last(transcript: Transcript) -> Iterator[Seen | Violation]:
    """In a response that ends completed or incomplete, an incomplete item is the last one."""
    for stream in streams(transcript):
        if stream.outcome not in ("completed", "incomplete") or not stream.output:
            continue
        output = [as_dict(value) for value in stream.output]
        early = [n for n, item in enumerate(output[:-1]) if item.get("status") == "incomplete"]
        if early:
            yield Violation(
                stream.place(stream.terminal),
                "no item after an incomplete one",
                f"output[{early[0]}] is incomplete, and {count(len(output) - 1 - early[0], 'item')} follow",
            )
        elif output[-1].get("status") == "incomplete":
            yield Seen(stream.place(stream.terminal))
