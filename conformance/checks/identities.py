"""Ids and indexes: unique, present, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.checks.phrases import listed, shown
from conformance.reading import ItemReading, StreamReading, as_dict, as_list, is_index, stream_items, streams
from conformance.rules import MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.transcript import Transcript

PYTHON = "openai-python 3.54 lib/streaming/responses/_responses.py (ResponseStreamState)"
_ID_LIMIT = 64


@rule(
    "item.output-index-unique",
    level=MUST,
    source=PYTHON + ": Duplicate response output index; BerriAI/litellm PR#36375",
    why="Both SDKs' `stream()` raise; others write the second item over the first.",
)
def output_index_unique(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No two items are announced at one `output_index`."""
    for stream in streams(transcript):
        seen: dict[int, ItemReading] = {}
        for item in stream.items:
            index = item.added.get("output_index") if item.added else None
            if not is_index(index):
                continue
            if index in seen:
                yield Violation(
                    stream.place(item.added),
                    f"an output_index of its own for the {item.type}",
                    f"output_index {index}, at which a {seen[index].type} was announced",
                )
            else:
                seen[index] = item
                yield Seen(stream.place(item.added))


@rule(
    "item.output-index-order",
    level=RECOMMENDED,
    source="openai-node 7.57 accumulateResponse(): missing output at index n; vllm-project/vllm PR#31761",
    why="Clients that keep items in an array find holes, or put them in another order.",
)
def output_index_order(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`output_index` runs 0, 1, 2 ... in the order in which items are announced."""
    for stream in streams(transcript):
        announced = [item for item in stream.items if item.added is not None]
        for wanted, item in enumerate(announced):
            index = item.added.get("output_index") if item.added else None
            if index == wanted:
                yield Seen(stream.place(item.added))
            elif is_index(index):
                yield Violation(stream.place(item.added), f"output_index {wanted}", f"output_index {index}")


@rule(
    "item.output-index-is-position",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseOutputItemAddedEvent (output_index: the index of the item in output)",
    why="A client that looks the item up in the final response by its index finds another.",
)
def output_index_is_position(transcript: Transcript) -> Iterator[Seen | Violation]:
    """An item stands in the terminal response's `output` at its `output_index`."""
    for stream, item in stream_items(transcript):
        if item.final_position is None or item.output_index is None or stream.outcome == "failed":
            continue
        if item.final_position == item.output_index:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal),
                f"the {item.type} {item.id} at output[{item.output_index}]",
                f"it stands at output[{item.final_position}]",
            )


def _part_indexes(stream: StreamReading, item: ItemReading, array: str) -> Iterator[Seen | Violation]:
    parts = [part for part in item.parts.values() if part.array == array]
    for wanted, part in enumerate(parts):
        events = (part.added, *part.deltas[:1], part.text_done, part.done, *part.annotations[:1])
        first = next(event for event in events if event is not None)
        if part.index == wanted:
            yield Seen(stream.place(first))
        else:
            found = first.get(f"{array}_index")
            yield Violation(
                stream.place(first),
                f"{array}_index {wanted} for part {wanted} of the item",
                f"{array}_index {shown(found)}",
            )


@rule(
    "item.content-index",
    level=MUST,
    source=PYTHON + ": IndexError; openai.types.responses.ResponseContentPartAddedEvent",
    why="SDKs look the part up by its index and raise.",
)
def content_index(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A message's `content_index` starts at 0 and grows by one a part."""
    for stream, item in stream_items(transcript):
        if item.type == "message":
            yield from _part_indexes(stream, item, "content")


@rule(
    "item.reasoning-index",
    level=MUST,
    profiles=("open-responses", "superset"),
    features=("reasoning",),
    source="openai-node 7.57 lib/responses/ResponseAccumulator; Open Responses 2026-04-24, Items are streamable",
    why="openai-node looks the part up by its index and throws.",
)
def reasoning_index(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A reasoning item's `summary_index` and `content_index` start at 0 and grow by one a part."""
    for stream, item in stream_items(transcript):
        if item.type == "reasoning":
            yield from _part_indexes(stream, item, "summary")
            yield from _part_indexes(stream, item, "content")


@rule(
    "item.id-present",
    level=MUST,
    source="openai.types.responses.ResponseOutputMessage.id, ResponseReasoningItem.id; Oaklight/llm-rosetta#406",
    why="openai-node throws and the AI SDK loses the text of items without an id.",
)
def id_present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Message and reasoning items have an id that is not empty."""
    for stream, item in stream_items(transcript):
        if item.type in ("message", "reasoning"):
            yield from _has(stream, item, "id")


@rule(
    "item.call-id-field",
    level=MUST,
    levels={"openai": SHOULD},
    source="Open Responses 2026-04-24, Required item fields; ggml-org/llama.cpp#20607",
    why="openai-node throws and the AI SDK drops the call; OpenAI's own types leave the id out at will.",
)
def call_id_field(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Calls have an `id` of their own, beside `call_id`, that is not empty."""
    for stream, item in stream_items(transcript):
        if item.is_call:
            yield from _has(stream, item, "id")


@rule(
    "item.id-short-enough",
    level=RECOMMENDED,
    source="OpenAI refuses a longer `input[].id`: NousResearch/hermes-agent#10788; router-for-me/CLIProxyAPI#4401; "
    "ranxianglei/billion-context PR#244",
    why="A session that goes on at another server is refused there, with every later request that holds the item.",
)
def id_short_enough(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The id of an item has at most 64 characters."""
    for stream, item in stream_items(transcript):
        if item.id is None:
            continue
        if len(item.id) <= _ID_LIMIT:
            yield Seen(stream.place(item.first))
        else:
            yield Violation(
                stream.place(item.first), f"at most {_ID_LIMIT} characters", f"{len(item.id)}: {shown(item.id)}"
            )


def _has(stream: StreamReading, item: ItemReading, key: str) -> Iterator[Seen | Violation]:
    for event, shape in ((item.added, item.added_item), (item.done, item.done_item)):
        if event is None or not shape:
            continue
        value = shape.get(key)
        if isinstance(value, str) and value:
            yield Seen(stream.place(event))
        else:
            yield Violation(stream.place(event), f"a string for `{key}` in the {item.type}", f"{key}: {shown(value)}")


@rule(
    "item.status-present",
    level=MUST,
    levels={"openai": SHOULD},
    source="Open Responses 2026-04-24, Required item fields; openai.types.responses.ResponseOutputMessage.status",
    why="A client cannot tell a cut item from a whole one.",
)
def status_present(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Messages and calls have a `status` when they are done."""
    for stream, item in stream_items(transcript):
        if item.done is None or not (item.type == "message" or item.type == "function_call"):
            continue
        if isinstance(item.done_item.get("status"), str):
            yield Seen(stream.place(item.done))
        else:
            yield Violation(
                stream.place(item.done),
                f"a status in the done {item.type}",
                f"status: {shown(item.done_item.get('status'))}",
            )


@rule(
    "item.id-unique",
    level=MUST,
    source="Open Responses 2026-04-24, Required item fields; openai-node 7.57 (duplicate output item identity)",
    why="Clients that find items by id write two items into one.",
)
def id_unique(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No two items of a response have the same id."""
    for stream in streams(transcript):
        counted = Counter(item.id for item in stream.items if item.id)
        for item in stream.items:
            if item.id is None:
                continue
            if counted[item.id] == 1:
                yield Seen(stream.place(item.first))
            elif item is not next(other for other in stream.items if other.id == item.id):
                yield Violation(
                    stream.place(item.first),
                    "an id of its own for each item",
                    f"{shown(item.id)} for {counted[item.id]} items",
                )


@rule(
    "item.call-id-usable",
    level=MUST,
    source="Open Responses 2026-04-24, FunctionCallItemParam.call_id (1 to 64 characters); decolua/9router#393",
    why="The result of the call cannot be sent back: the session is stuck.",
)
def call_id_usable(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A call's `call_id` is a string of 1 to 64 characters."""
    for stream, item in stream_items(transcript):
        if not item.is_call:
            continue
        for event, shape in ((item.added, item.added_item), (item.done, item.done_item)):
            if event is None or not shape:
                continue
            value = shape.get("call_id")
            if isinstance(value, str) and 0 < len(value) <= _ID_LIMIT:
                yield Seen(stream.place(event))
            else:
                size = f" ({len(value)} characters)" if isinstance(value, str) else ""
                yield Violation(
                    stream.place(event), "a call_id of 1 to 64 characters", f"call_id: {shown(value)}{size}"
                )


@rule(
    "item.call-id-unique",
    level=MUST,
    source="openai-node 7.57 (duplicate output item identity); NousResearch/hermes-agent PR#94961",
    why="Results are matched to calls by `call_id`: with two alike one tool's output answers another.",
)
def call_id_unique(transcript: Transcript) -> Iterator[Seen | Violation]:
    """No two calls of a response have the same `call_id`, even if the upstream repeats it."""
    for stream in streams(transcript):
        seen: dict[str, ItemReading] = {}
        for item in stream.calls:
            if not item.call_id:
                continue
            if item.call_id in seen:
                yield Violation(
                    stream.place(item.first),
                    "a call_id of its own for each call",
                    f"{shown(item.call_id)} for two calls, at output_index "
                    f"{seen[item.call_id].output_index} and {item.output_index}",
                )
            else:
                seen[item.call_id] = item
                yield Seen(stream.place(item.first))


@rule(
    "item.arguments-are-strings",
    level=MUST,
    source="openai.types.responses.ResponseFunctionToolCall.arguments: str",
    why="Codex drops the item without a word; the SDKs' parsers raise on an object.",
)
def arguments_are_strings(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The `arguments` of a done function call (`input` of a custom one) are a string, not an object."""
    for stream, item in stream_items(transcript):
        if not item.is_call or item.done is None:
            continue
        key = "arguments" if item.type == "function_call" else "input"
        value = item.done_item.get(key)
        if isinstance(value, str):
            yield Seen(stream.place(item.done))
        else:
            yield Violation(stream.place(item.done), f"a string for `{key}`", f"{key}: {shown(value)}")


@rule(
    "item.type-follows-tool",
    level=MUST,
    features=("custom-tools",),
    source="decolua/9router#1371; router-for-me/CLIProxyAPI#5753; openai.types.responses.ResponseCustomToolCall",
    why="Codex aborts the call: `tool invoked with incompatible payload`.",
)
def type_follows_tool(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A call of a declared custom tool is a `custom_tool_call`, of a declared function a `function_call`."""
    kinds = {"custom": "custom_tool_call", "function": "function_call"}
    for stream in streams(transcript):
        tools = [as_dict(tool) for tool in as_list(stream.request.get("tools"))]
        declared = {str(tool.get("name")): kinds[tool["type"]] for tool in tools if str(tool.get("type")) in kinds}
        if "custom_tool_call" not in declared.values():
            continue
        for item in stream.calls:
            wanted = declared.get(str(item.best.get("name")))
            if wanted == item.type:
                yield Seen(stream.place(item.first))
            elif wanted is not None:
                yield Violation(
                    stream.place(item.first), f"a {wanted} for {shown(item.best.get('name'))}", f"a {item.type}"
                )


@rule(
    "item.absent-not-null",
    level=MUST,
    profiles=("open-responses", "superset"),
    source="Open Responses 2026-04-24, schema ReasoningBody and Message: optional, not nullable",
    why="Validators generated from the schema refuse the item.",
)
def absent_not_null(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Optional fields of items that Open Responses does not make nullable are absent when unknown, never null."""
    optional = {"reasoning": ("encrypted_content", "content"), "message": ("phase",)}
    for stream, item in stream_items(transcript):
        for event, shape in ((item.added, item.added_item), (item.done, item.done_item)):
            if event is None or item.type not in optional:
                continue
            null = [key for key in optional[item.type] if key in shape and shape[key] is None]
            if null:
                yield Violation(stream.place(event), f"{listed(null)} absent or with a value", f"{listed(null)}: null")
            else:
                yield Seen(stream.place(event))


@rule(
    "item.raw-reasoning-name",
    level=MUST,
    profiles=("open-responses",),
    features=("reasoning",),
    source="Open Responses 2026-04-24, ResponseReasoningDeltaStreamingEvent",
    why="Clients generated from the schema refuse OpenAI's event name.",
)
def raw_reasoning_name(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Raw reasoning comes as `response.reasoning.delta` and `.done`, not as `response.reasoning_text.*`."""
    for stream in streams(transcript):
        for event in stream.of_type("response.reasoning.delta", "response.reasoning.done"):
            yield Seen(stream.place(event))
        for event in stream.of_type("response.reasoning_text.delta", "response.reasoning_text.done"):
            yield Violation(stream.place(event), event.type.replace("reasoning_text", "reasoning"), event.type)
