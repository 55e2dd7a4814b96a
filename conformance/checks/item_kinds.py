"""Items by their kind: types that somebody knows, and what is particular to reasoning."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.checks.inventory import KNOWN_ITEM_TYPES, is_extension
from conformance.checks.phrases import shown
from conformance.reading import as_dict, stream_items, streams
from conformance.rules import MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import Transcript

_CLEAR = 12  # characters: shorter thoughts stand by chance in a blob
_ITEM_EVENTS = ("response.output_item.added", "response.output_item.done")


@rule(
    "item.known-types",
    level=MUST,
    levels={"openai": SHOULD},
    source="Open Responses 2026-04-24, Extending Open Responses; openai.types.responses.ResponseOutputItem",
    why="Clients that dispatch on the type raise, or drop the item: what stands in it is lost.",
)
def known_types(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every output item is of a type that OpenAI or Open Responses knows, or has an implementor's prefix."""
    for stream in streams(transcript):
        found = [(event, event.get("item")) for event in stream.of_type(*_ITEM_EVENTS)]
        found += [(stream.terminal, item) for item in stream.output or [] if stream.terminal is not None]
        for event, item in found:
            kind = as_dict(item).get("type")
            if not isinstance(kind, str):
                continue
            if kind in KNOWN_ITEM_TYPES or is_extension(kind):
                yield Seen(stream.place(event))
            else:
                yield Violation(
                    stream.place(event),
                    "a known item type, or one with a prefix such as `acme:`",
                    f"type {shown(kind)}",
                )


@rule(
    "item.reasoning-status",
    level=RECOMMENDED,
    features=("reasoning",),
    source="Open Responses 2026-04-24, Required item fields (its schema has no status on reasoning)",
    why="A client cannot tell thoughts that the limit cut from whole ones.",
)
def reasoning_status(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A reasoning item has a `status` when it is done."""
    for stream, item in stream_items(transcript):
        if item.type != "reasoning" or item.done is None:
            continue
        if isinstance(item.done_item.get("status"), str):
            yield Seen(stream.place(item.done))
        else:
            yield Violation(
                stream.place(item.done),
                "a status in the done reasoning",
                f"status: {shown(item.done_item.get('status'))}",
            )


@rule(
    "content.encrypted-is-opaque",
    level=SHOULD,
    features=("reasoning",),
    source="openai.types.responses.ResponseReasoningItem.encrypted_content; ollama/ollama openai/responses.go",
    why="Clients log and store the blob because it is opaque; it holds the thoughts for all to read, and to alter.",
    evidence="both",
)
def encrypted_is_opaque(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`encrypted_content` does not hold the upstream's reasoning in clear."""
    for stream, item in stream_items(transcript):
        blob = item.done_item.get("encrypted_content")
        said = stream.exchange.said
        if item.type != "reasoning" or not isinstance(blob, str) or not blob or said is None:
            continue
        thoughts = [part.text for part in said.items if part.kind == "reasoning" and len(part.text) >= _CLEAR]
        if any(thought in blob or thought[:_CLEAR] in blob for thought in thoughts):
            yield Violation(stream.place(item.done), "an opaque blob in `encrypted_content`", shown(blob))
        elif thoughts:
            yield Seen(stream.place(item.done))
