"""Items: announced before their events, in parts that are opened first, as one thing to the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from conformance.checks.phrases import listed, shown
from conformance.reading import (
    CALL_TYPES,
    FAMILIES,
    ItemReading,
    StreamReading,
    as_dict,
    as_list,
    is_index,
    stream_items,
    streams,
)
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import Event, Transcript

STREAMABLE = "Open Responses 2026-04-24, Items are streamable"
STATES = "Open Responses 2026-04-24, Items are state machines"
PYTHON = "openai-python 3.54 lib/streaming/responses/_responses.py (ResponseStreamState)"


@rule(
    "item.added-before-events",
    level=MUST,
    source=STREAMABLE + "; " + PYTHON + "; BerriAI/litellm#41185",
    why="Both SDKs' `stream()` raise, the AI SDK loses the text, langchain the name of the tool.",
)
def added_before_events(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.output_item.added` comes before every other event of an item."""
    for stream, item in stream_items(transcript):
        if item.first is item.added:
            yield Seen(stream.place(item.added))
        else:
            late = f"its output_item.added is event {item.added.index}" if item.added else "it is never announced"
            yield Violation(
                stream.place(item.first),
                f"response.output_item.added before the first event of {item.name}",
                f"{item.first.type} first; {late}",
            )


def _shape_problems(shape: dict[str, Any]) -> Iterator[str]:
    wanted: dict[str, dict[str, type]] = {
        "message": {"role": str, "content": list},
        "reasoning": {"summary": list},
        "function_call": {"name": str, "call_id": str, "arguments": str},
        "custom_tool_call": {"name": str, "call_id": str, "input": str},
    }
    kind = shape.get("type")
    if not isinstance(kind, str):
        yield "type"
        return
    for key, needed in wanted.get(kind, {}).items():
        if not isinstance(shape.get(key), needed):
            yield f"{key} ({'an array' if needed is list else 'a string'}), not {shown(shape.get(key))}"


@rule(
    "item.added-shape",
    level=MUST,
    source=STREAMABLE + "; openai/openai-python#3125; agentclientprotocol/codex-acp PR#266; maximhq/bifrost#6455",
    why="Accumulators append to `content`, `summary` and `arguments`: where they are missing, deltas are lost.",
)
def added_shape(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The announced item has its type and what deltas need: `content`, `summary`, or a call's three strings."""
    for stream, item in stream_items(transcript):
        if item.added is None:
            continue
        shape = item.added.get("item")
        problems = list(_shape_problems(shape)) if isinstance(shape, dict) else ["an object"]
        if problems:
            yield Violation(
                stream.place(item.added), f"an announced item with {listed(problems)}", f"item: {shown(shape)}"
            )
        else:
            yield Seen(stream.place(item.added))


@rule(
    "item.not-announced-twice",
    level=INTEGRITY,
    source=PYTHON + ": deltas are appended to the announced item",
    why="SDKs add the deltas to what was announced: text and arguments come out doubled.",
)
def not_announced_twice(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An announced item does not hold the content that deltas then repeat."""
    for stream, item in stream_items(transcript):
        streamed = [part for part in item.parts.values() if part.streamed]
        if item.added is None or not streamed:
            continue
        doubled = next((part for part in streamed if part.inside(item.added_item)), None)
        if doubled is None:
            yield Seen(stream.place(item.added))
        else:
            yield Violation(
                stream.place(item.added),
                f"no {doubled.words} in the announced item, because deltas follow",
                f"{shown(doubled.inside(item.added_item))} already there",
            )


def _part_opened(stream: StreamReading, item: ItemReading, *names: str) -> Iterator[Seen | Violation]:
    for part in item.parts.values():
        if part.family is None or part.family.name not in names:
            continue
        first: Event | None = min(
            (e for e in (*part.deltas[:1], part.text_done) if e is not None), key=lambda e: e.index, default=None
        )
        if first is None:
            continue
        if part.added is not None and part.added.index < first.index:
            yield Seen(stream.place(part.added))
        else:
            array = "reasoning_summary_part" if part.array == "summary" else "content_part"
            yield Violation(
                stream.place(first),
                f"response.{array}.added for {part.array}_index {part.index} before it",
                f"{first.type} of a part that {'is opened later' if part.added else 'is never opened'}",
            )


@rule(
    "item.part-before-deltas",
    level=MUST,
    source=STREAMABLE + "; " + PYTHON + ": IndexError; BerriAI/litellm PR#24445",
    why="`responses.stream()` of both official SDKs raises on the first delta.",
)
def part_before_deltas(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`response.content_part.added` opens a text or refusal part before its deltas."""
    for stream, item in stream_items(transcript):
        yield from _part_opened(stream, item, "text", "refusal")


@rule(
    "item.reasoning-part-before-deltas",
    level=MUST,
    levels={"openai": SHOULD},
    features=("reasoning",),
    source=STREAMABLE + "; openai-node 7.57 lib/responses/ResponseAccumulator",
    why="openai-node's `responses.stream()` throws; the other measured clients take it.",
)
def reasoning_part_before_deltas(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A part is opened before the deltas of reasoning: `reasoning_summary_part.added` or `content_part.added`."""
    for stream, item in stream_items(transcript):
        yield from _part_opened(stream, item, "summary", "raw")


@rule(
    "item.identity-kept",
    level=MUST,
    source=PYTHON + ": Completed output item identity changed; NousResearch/hermes-agent PR#94961",
    why="Both SDKs' `stream()` raise; others show one call as two.",
)
def identity_kept(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output_item.done` keeps the type, call_id and (where there was one) id that `output_item.added` gave."""
    for stream, item in stream_items(transcript):
        if item.added is None or item.done is None:
            continue
        keys = ("type", "id", "call_id")
        changed = [key for key in keys if item.added_item.get(key) not in (None, item.done_item.get(key))]
        if changed:
            yield Violation(
                stream.place(item.done),
                listed(f"{key} {shown(item.added_item.get(key))}" for key in changed) + ", as announced",
                listed(f"{key} {shown(item.done_item.get(key))}" for key in changed),
            )
        else:
            yield Seen(stream.place(item.done))


@rule(
    "item.id-agrees",
    level=MUST,
    source="openai.types.responses (item_id: the ID of the output item); BerriAI/litellm#19125",
    why="openai-node throws, the AI SDK loses the text: they find the item by its id.",
)
def id_agrees(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`item_id` in an item's events equals the item's id."""
    for stream, item in stream_items(transcript):
        if item.id is None:
            continue
        for event in item.events:
            found = event.get("item_id")
            if found is None:
                continue
            if found == item.id:
                yield Seen(stream.place(event))
            else:
                yield Violation(stream.place(event), f"item_id {shown(item.id)}, the item's id", shown(found))


@rule(
    "item.index-agrees",
    level=MUST,
    source="openai.types.responses (output_index: the index of the output item); vllm-project/vllm PR#31761",
    why="Clients that find the item by its index write into another one.",
)
def index_agrees(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output_index` is the same in all events of an item that name it by `item_id`."""
    for stream, item in stream_items(transcript):
        if item.id is None or item.added is None:
            continue
        announced = item.added.get("output_index")
        for other in stream.events:
            if other.get("item_id") != item.id or not is_index(announced):
                continue
            if other.get("output_index") == announced:
                yield Seen(stream.place(other))
            else:
                yield Violation(
                    stream.place(other),
                    f"output_index {announced}, at which {shown(item.id)} was announced",
                    f"output_index {shown(other.get('output_index'))}",
                )


@rule(
    "item.event-family",
    level=MUST,
    source="justlovemaki/AIClient2API#418; Wei-Shaw/sub2api#5659; openai.types.responses.ResponseOutputItem",
    why="Clients read the arguments from the family that the item's type names, and find none.",
)
def event_family(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An item's content comes in the events of its type: function calls in `function_call_arguments`, and so on."""
    for stream, item in stream_items(transcript):
        if item.added is None:
            continue
        for part in item.parts.values():
            events = [*part.deltas, *([part.text_done] if part.text_done else [])]
            if part.family is None or not events:
                continue
            if item.type in part.family.item_types:
                yield Seen(stream.place(events[0]))
            elif item.type in ("message", "reasoning", *CALL_TYPES):
                right = [f.deltas[0] for f in FAMILIES.values() if item.type in f.item_types]
                yield Violation(stream.place(events[0]), f"{' or '.join(right)} for a {item.type}", events[0].type)


@rule(
    "item.no-interleaving",
    level=RECOMMENDED,
    source="langchain-openai 1.7 (tool call chunks are joined by position); diegosouzapw/OmniRoute PR#11144",
    why="langchain mixes the arguments of two calls whose events alternate.",
)
def no_interleaving(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Items come one after the other: one is done before the next is announced."""
    for stream in streams(transcript):
        announced = [item for item in stream.items if item.added is not None]
        for item, following in itertools.pairwise(announced):
            if following.added is None:
                continue
            last = max(event.index for event in item.events)
            if last < following.added.index:
                yield Seen(stream.place(following.added))
            else:
                yield Violation(
                    stream.place(following.added),
                    f"{following.name} to begin after the last event of {item.name} (event {last})",
                    f"it begins at event {following.added.index}",
                )


@rule(
    "item.delta-for-content",
    level=RECOMMENDED,
    source="Soju06/codex-lb PR#504; langchain-openai 1.7, ai-sdk 6: text and arguments are taken from deltas",
    why="Clients that follow deltas show nothing, and langchain calls the tool with {}.",
)
def delta_for_content(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Text and arguments that are not empty come in at least one delta."""
    for stream, item in stream_items(transcript):
        families = [f for f in FAMILIES.values() if item.type in f.item_types and f.name not in ("summary", "raw")]
        for family in families:
            holders = as_list(item.done_item.get("content")) if family.array else [item.done_item]
            holders = [h for h in holders if not family.array or as_dict(h).get("type") == family.part_type]
            whole = "".join(family.of(holder) or "" for holder in holders)
            if not whole:
                continue
            parts = [part for part in item.parts.values() if part.family is family]
            if any(part.deltas for part in parts):
                yield Seen(stream.place(item.done))
            else:
                yield Violation(
                    stream.place(item.done), f"a {family.deltas[0]} for {shown(whole, 60)}", "no delta at all"
                )


@rule(
    "item.no-empty-message",
    level=RECOMMENDED,
    source='symfony/ai PR#2089; router-for-me/CLIProxyAPI#2132; vllm-project/vllm (first chunk has content "")',
    why="An empty assistant message goes back with the history, and strict upstreams refuse it.",
)
def no_empty_message(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No message item is empty when the answer has other items."""
    for stream, item in stream_items(transcript):
        if item.type != "message" or item.done is None or len(stream.items) < 2:
            continue
        if item.content("text", "refusal") or (as_list(item.done_item.get("content")) != [] and _holds_other(item)):
            yield Seen(stream.place(item.done))
        else:
            yield Violation(stream.place(item.done), "no message without content", f"item: {shown(item.done_item)}")


def _holds_other(item: ItemReading) -> bool:
    return any(
        as_dict(part).get("type") not in ("output_text", "refusal") for part in as_list(item.done_item.get("content"))
    )
