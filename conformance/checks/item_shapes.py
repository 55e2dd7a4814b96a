"""Rules of how content is divided into items and parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from conformance.checks.phrases import count
from conformance.reading import ItemReading, as_dict, as_list, streams
from conformance.rules import RECOMMENDED, Seen, Violation, rule
from conformance.said import Said
from conformance.transcript import Transcript

__all__: list[str] = []

Judged = Iterator[Seen | Violation]


@rule(
    "item.contiguous-text-in-one-part",
    level=RECOMMENDED,
    evidence="both",
    source="openai-openapi, examples of createResponse (streaming); openai.types.responses.ResponseOutputMessage",
    why="Clients show a bubble a message, and a part a paragraph: one sentence falls to pieces.",
)
def contiguous_text_in_one_part(transcript: Transcript) -> Judged:
    """Text that the upstream said without anything between is one message with one part."""
    for stream in streams(transcript):
        said = stream.exchange.said
        compacted = any(item.type == "compaction" for item in stream.items)
        if said is None or stream.outcome != "completed" or compacted or not _plain_runs(said):
            continue
        wanted = sum(item.kind == "text" for item in said.items)
        messages = [item for item in stream.items if item.type == "message" and item.content("text")]
        parts = sum(len(_texts(item)) for item in messages)
        if not wanted:
            continue
        if len(messages) == parts == wanted:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                f"{count(wanted, 'message')} of one part, for what the upstream said without anything between",
                f"{count(len(messages), 'message')} with {count(parts, 'part')}",
            )


def _plain_runs(said: Said) -> bool:
    """Whether stretches of text are told apart by other content: blocks side by side may be parts or messages."""
    kinds = [item.kind for item in said.items]
    side_by_side = any(one == two == "text" for one, two in itertools.pairwise(kinds))
    return said.ends == {"completed"} and not side_by_side and "refusal" not in kinds


def _texts(item: ItemReading) -> list[str]:
    """The texts of an item's parts that are not empty."""
    found = [as_dict(part).get("text") for part in as_list(item.best.get("content"))]
    return [text for text in found if isinstance(text, str) and text]


@rule(
    "item.no-empty-reasoning-part",
    level=RECOMMENDED,
    source="anthropic.types.ThinkingConfigAdaptiveParam.display; openai.types.responses.ResponseReasoningItem",
    why="Clients show an empty thought for every turn whose thinking the service keeps to itself.",
)
def no_empty_reasoning_part(transcript: Transcript) -> Judged:
    """A reasoning item has no part without text: thinking that was omitted or redacted opens none."""
    for stream in streams(transcript):
        for item in stream.items:
            if item.type != "reasoning" or item.done is None:
                continue
            empty = next((part.added for part in item.parts.values() if part.added and not part.content), None)
            texts = [
                as_dict(part).get("text") for key in ("summary", "content") for part in as_list(item.best.get(key))
            ]
            if empty is not None or "" in texts:
                yield Violation(
                    stream.place(empty or item.done), f"parts with text only in {item.name}", "a part without any"
                )
            else:
                yield Seen(stream.place(item.done))
