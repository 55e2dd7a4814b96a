"""The content equation inside a stream: deltas = done = item = terminal response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from conformance.checks.phrases import around, listed, shown
from conformance.reading import (
    CALL_TYPES,
    FAMILIES,
    FamilyName,
    ItemReading,
    PartReading,
    StreamReading,
    as_dict,
    as_list,
    stream_items,
    streams,
)
from conformance.rules import INTEGRITY, RECOMMENDED, Seen, Violation, rule
from conformance.transcript import Event, Transcript

DELTAS = "Open Responses 2026-04-24, Items are streamable (a delta is a change since the last update)"

Value: TypeAlias = Callable[[PartReading], str | None]
_ANSWER: tuple[FamilyName, ...] = ("text", "refusal", "arguments", "input")
Where: TypeAlias = Callable[[PartReading], Event | None]


def _parts(transcript: Transcript, names: tuple[FamilyName, ...]) -> Iterator[tuple[StreamReading, PartReading]]:
    for stream, item in stream_items(transcript):
        for part in item.parts.values():
            if part.family is not None and part.family.name in names:
                yield stream, part


def _equal(
    transcript: Transcript, names: tuple[FamilyName, ...], value: Value, where: Where, holder: str
) -> Iterator[Seen | Violation]:
    """Judge that a later statement of a part's content equals its concatenated deltas; silent without either."""
    for stream, part in _parts(transcript, names):
        found, event = value(part), where(part)
        if part.streamed is None or found is None or event is None:
            continue
        if found == part.streamed:
            yield Seen(stream.place(event))
        else:
            expected, actual = around(part.streamed, found)
            yield Violation(
                stream.place(event), f"the concatenated deltas as the {part.words} in {holder}: {expected}", actual
            )


def _text_done(transcript: Transcript, *names: FamilyName) -> Iterator[Seen | Violation]:
    return _equal(transcript, names, lambda part: part.said_done, lambda part: part.text_done, "its done event")


def _in_item(transcript: Transcript, *names: FamilyName) -> Iterator[Seen | Violation]:
    return _equal(
        transcript,
        names,
        lambda part: part.inside(part.item.done_item),
        lambda part: part.item.done,
        "output_item.done",
    )


@rule(
    "content.text-done-equals-deltas",
    level=INTEGRITY,
    source=DELTAS + "; justlovemaki/AIClient2API#418",
    why="A client that shows deltas and one that takes the done event have two different answers.",
)
def text_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output_text.done.text` equals the concatenated deltas of its part."""
    yield from _text_done(transcript, "text")


@rule(
    "content.refusal-done-equals-deltas",
    dialects=("chat_completions", "messages"),
    level=INTEGRITY,
    source=DELTAS + "; openai.types.responses.ResponseRefusalDoneEvent",
    why="The refusal that is shown is not the one that is stored.",
)
def refusal_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`refusal.done.refusal` equals the concatenated deltas of its part."""
    yield from _text_done(transcript, "refusal")


@rule(
    "content.reasoning-done-equals-deltas",
    level=INTEGRITY,
    features=("reasoning",),
    source=DELTAS + "; openai.types.responses.ResponseReasoningSummaryTextDoneEvent",
    why="Clients that show reasoning when it is done show something else.",
)
def reasoning_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The done event of reasoning, raw or summary, equals its concatenated deltas."""
    yield from _text_done(transcript, "summary", "raw")


@rule(
    "content.arguments-done-equals-deltas",
    level=INTEGRITY,
    source=DELTAS + "; BerriAI/litellm#20711",
    why="Which arguments a tool is called with depends on the client.",
)
def arguments_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`function_call_arguments.done.arguments` equals the concatenated deltas."""
    yield from _text_done(transcript, "arguments")


@rule(
    "content.custom-input-done-equals-deltas",
    level=INTEGRITY,
    features=("custom-tools",),
    source=DELTAS + "; openai.types.responses.ResponseCustomToolCallInputDoneEvent",
    why="A patch is applied in one form and shown in another.",
)
def custom_input_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`custom_tool_call_input.done.input` equals the concatenated deltas."""
    yield from _text_done(transcript, "input")


@rule(
    "content.part-done-equals-deltas",
    level=INTEGRITY,
    source=DELTAS + "; openai.types.responses.ResponseContentPartDoneEvent",
    why="Clients that store parts when they are done store something else than was shown.",
)
def part_done(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The part in `content_part.done` (`reasoning_summary_part.done`) holds the concatenated deltas."""
    names: tuple[FamilyName, ...] = ("text", "refusal", "summary", "raw")
    yield from _equal(transcript, names, lambda p: p.part_done, lambda p: p.done, "the part's done event")


@rule(
    "content.item-text-equals-deltas",
    level=INTEGRITY,
    source=DELTAS + "; justlovemaki/AIClient2API#418",
    why="Codex and others keep the item and show the deltas: the history differs from what the user read.",
)
def item_text(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The text in `output_item.done` equals the concatenated deltas of its part."""
    yield from _in_item(transcript, "text")


@rule(
    "content.item-refusal-equals-deltas",
    dialects=("chat_completions", "messages"),
    level=INTEGRITY,
    source=DELTAS + "; openai.types.responses.ResponseOutputRefusal",
    why="The refusal that is shown is not the one that is stored.",
)
def item_refusal(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The refusal in `output_item.done` equals the concatenated deltas of its part."""
    yield from _in_item(transcript, "refusal")


@rule(
    "content.item-reasoning-equals-deltas",
    level=INTEGRITY,
    features=("reasoning",),
    source=DELTAS + "; openai.types.responses.ResponseReasoningItem",
    why="What goes back to the model as its reasoning is not what it thought.",
)
def item_reasoning(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The reasoning in `output_item.done`, in the field that was streamed, equals the concatenated deltas."""
    yield from _in_item(transcript, "summary", "raw")


@rule(
    "content.item-arguments-equal-deltas",
    level=INTEGRITY,
    source=DELTAS + "; BerriAI/litellm#20711; openai/codex (arguments are taken from output_item.done)",
    why="Codex executes the arguments of the item: with {} or half of them.",
)
def item_arguments(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The arguments (or custom input) in `output_item.done` equal the concatenated deltas."""
    yield from _in_item(transcript, "arguments", "input")


def _holds(transcript: Transcript, *names: FamilyName) -> Iterator[Seen | Violation]:
    for stream, part in _parts(transcript, names):
        if not part.streamed or part.family is None or not part.item.done_item:
            continue
        if part.inside(part.item.done_item) is not None:
            yield Seen(stream.place(part.item.done))
        else:
            array = part.family.array
            yield Violation(
                stream.place(part.item.done),
                f"{array}[{part.index}] of type {part.family.part_type} in the item, where it was streamed",
                f"{array}: {shown(part.item.done_item.get(array))}",
            )


@rule(
    "content.item-holds-streamed-parts",
    level=INTEGRITY,
    source=DELTAS + "; router-for-me/CLIProxyAPI#4860",
    why="Codex takes only the item: the text that was streamed is lost from the history.",
)
def item_holds_parts(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every text and refusal part that was streamed stands in the done item at its index."""
    yield from _holds(transcript, "text", "refusal")


@rule(
    "content.reasoning-in-its-field",
    level=INTEGRITY,
    features=("reasoning",),
    source="smg-project/smg#1402; openai.types.responses.ResponseReasoningItem (summary, content)",
    why="A client that showed a summary finds none in the item, and raw thoughts where it looks for nothing.",
)
def reasoning_in_its_field(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Reasoning streamed as summary stands in the item's `summary`, raw reasoning in its `content`."""
    yield from _holds(transcript, "summary", "raw")


def _content_of(item: dict[str, Any]) -> dict[str, Any]:
    """What an item says, without ids, status and extras."""
    key = CALL_TYPES.get(str(item.get("type")))
    if key is not None:
        return {"name": item.get("name"), key: item.get(key)}
    said: dict[str, Any] = {}
    for array in {family.array for family in FAMILIES.values() if family.array}:
        texts = [
            {"type": family.part_type, family.field: family.of(part)}
            for part in as_list(item.get(array))
            for family in FAMILIES.values()
            if as_dict(part).get("type") == family.part_type and family.array == array
        ]
        if texts:
            said[array] = texts
    return said


def _matched(transcript: Transcript) -> Iterator[tuple[StreamReading, ItemReading, dict[str, Any]]]:
    """Done items with their JSON in the terminal response, where both exist; a failed response may hold any."""
    for stream, item in stream_items(transcript):
        if item.done_item and item.final is not None and stream.outcome in ("completed", "incomplete"):
            yield stream, item, item.final


@rule(
    "content.response-equals-item",
    level=INTEGRITY,
    source="openai-openapi ResponseCompletedEvent; vllm-project/vllm PR#56285",
    why="SDK users who read the final response get another answer than the one that was streamed.",
)
def response_equals_item(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An item in the terminal response says what it said in `output_item.done`, or, never done, in its deltas."""
    for stream, item, final in _matched(transcript):
        wanted, found = _content_of(item.done_item), _content_of(final)
        if wanted == found:
            yield Seen(stream.place(stream.terminal))
        else:
            expected, actual = around(shown(wanted, 2000), shown(found, 2000))
            yield Violation(stream.place(stream.terminal), f"in output, {item.name} as it was done: {expected}", actual)
    for stream, item, part, held in _never_done(transcript):
        told = part.streamed or ""
        if told == held:
            yield Seen(stream.place(stream.terminal))
        else:
            expected, actual = around(told, held)
            yield Violation(
                stream.place(stream.terminal),
                f"in output, the {part.words} of {item.name} as its deltas told it: {expected}",
                actual,
            )


def _never_done(transcript: Transcript) -> Iterator[tuple[StreamReading, ItemReading, PartReading, str]]:
    """What was streamed of items that were never done, with what the terminal response holds in its place.

    Only where it is plain which item is which, and where an item has one part of a kind: items are then told apart
    by their types and order alone.
    """
    for stream, item in stream_items(transcript):
        if item.done is not None or item.final is None or stream.outcome not in ("completed", "incomplete"):
            continue
        told = sum(other.type == item.type for other in stream.items)
        if told != sum(as_dict(value).get("type") == item.type for value in stream.output or ()):
            continue
        for part in item.parts.values():
            family = part.family
            alone = sum(other.family is family for other in item.parts.values()) == 1
            if family is None or part.streamed is None or family.name not in _ANSWER or not alone:
                continue
            held = as_list(item.final.get(family.array)) if family.array else [item.final]
            values = [family.of(value) or "" for value in held if as_dict(value).get("type") == family.part_type]
            whole = "".join(values) if family.array else family.of(item.final) or ""
            yield stream, item, part, whole


@rule(
    "content.response-keeps-identities",
    level=INTEGRITY,
    source="vllm-project/vllm PR#56285; openai-python 3.54: Completed response output identity changed",
    why="The client sends results for one call id, and the stored response knows another.",
)
def response_keeps_identities(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An item in the terminal response has the type, id, call_id and status it had when it was done."""
    for stream, item, final in _matched(transcript):
        changed = [
            key
            for key in ("type", "id", "call_id", "status")
            if key in item.done_item and key in final and item.done_item[key] != final[key]
        ]
        if not changed:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                listed(f"{key} {shown(item.done_item[key])}" for key in changed) + " as when it was done",
                listed(f"{key} {shown(final[key])}" for key in changed),
            )


def _annotations(part: Any) -> list[Any]:
    return as_list(as_dict(part).get("annotations"))


@rule(
    "content.annotation-events-equal-item",
    dialects=("chat_completions", "messages"),
    level=RECOMMENDED,
    source="openai.types.responses.ResponseOutputTextAnnotationAddedEvent",
    why="Citations that were shown are not in the history.",
)
def annotation_events(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The annotations announced by events are those of the part in `output_item.done`, in order."""
    for stream, part in _parts(transcript, ("text",)):
        if not part.annotations or not part.item.done_item or part.index is None:
            continue
        parts = as_list(part.item.done_item.get("content"))
        held = _annotations(parts[part.index]) if 0 <= part.index < len(parts) else []
        streamed = [event.get("annotation") for event in part.annotations]
        if streamed == held:
            yield Seen(stream.place(part.item.done))
        else:
            expected, actual = around(shown(streamed, 4000), shown(held, 4000))
            yield Violation(stream.place(part.item.done), f"the announced annotations: {expected}", actual)


@rule(
    "response.output-holds-done-items",
    level=INTEGRITY,
    source="openai-openapi ResponseCompletedEvent; QuantumNous/new-api#6278; justlovemaki/AIClient2API#418",
    why="`output_text` is empty although text was streamed; langchain and pydantic-ai raise without the key.",
)
def output_holds_done_items(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The terminal response's `output` holds every item that was done."""
    for stream, item in stream_items(transcript):
        if item.done is None or stream.outcome not in ("completed", "incomplete"):
            continue
        if item.final is not None:
            yield Seen(stream.place(stream.terminal))
        else:
            kinds = listed(as_dict(value).get("type") for value in stream.output or [])
            yield Violation(
                stream.place(stream.terminal),
                f"{item.name} ({item.id or item.call_id}) in output, because it was done",
                f"output: {kinds}" if stream.output is not None else "no output array",
            )


@rule(
    "response.output-in-order",
    level=INTEGRITY,
    source="openai.types.responses.Response.output; BerriAI/litellm PR#36375",
    why="A history built from the response has the answer before the call that it came from.",
)
def output_in_order(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The terminal response's `output` has the items in the order of their `output_index`."""
    for stream in streams(transcript):
        if stream.outcome not in ("completed", "incomplete"):
            continue
        known = [i for i in stream.items if i.final_position is not None and i.output_index is not None]
        if len(known) < 2:
            continue
        found = sorted(known, key=lambda item: item.final_position or 0)
        wanted = sorted(known, key=lambda item: item.output_index or 0)
        if [item.output_index for item in found] == [item.output_index for item in wanted]:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                "output in the order " + listed(f"{item.type} {item.output_index}" for item in wanted),
                listed(f"{item.type} {item.output_index}" for item in found),
            )


@rule(
    "response.output-was-streamed",
    level=INTEGRITY,
    source="openai-openapi ResponseCompletedEvent; microsoft/agent-framework#7485",
    why="Clients that follow items never see it: Codex, the AI SDK and langchain show an empty answer.",
)
def output_was_streamed(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every item in the terminal response's `output` was announced or done in the stream."""
    for stream in streams(transcript):
        if stream.outcome not in ("completed", "incomplete"):
            continue
        known = {item.final_position for item in stream.items}
        for position, value in enumerate(stream.output or []):
            if position in known:
                yield Seen(stream.place(stream.terminal))
            else:
                yield Violation(
                    stream.place(stream.terminal), f"events for output[{position}]", f"none came for {shown(value)}"
                )
