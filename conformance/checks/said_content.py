"""The content equation across the target: what the client gets = what the upstream said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

from conformance.asked import asks_for_summary
from conformance.checks.json_values import only_string, opened_string, same_json
from conformance.checks.limits import calls_are_limited
from conformance.checks.phrases import around, count, listed, shown
from conformance.reading import CALL_TYPES, FamilyName, ItemReading, StreamReading, as_dict, as_list, streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.said import Said, SaidItem
from conformance.thinking_tags import as_told, fitted
from conformance.transcript import Event, Transcript

FIELDS = "openai.types.responses (delta: the text that was added)"


def _heard(transcript: Transcript) -> Iterator[tuple[StreamReading, Said]]:
    for stream in streams(transcript):
        if stream.exchange.said is not None and not stream.exchange.asks_for_compaction:
            yield stream, stream.exchange.said


def _whole(stream: StreamReading) -> bool:
    """Whether the client must have got everything: an answer that failed or broke off may stop early."""
    return stream.outcome in ("completed", "incomplete")


def _reasoning(item: ItemReading) -> str:
    """An item's reasoning, in the form in which it was streamed; else `content`, else `summary`."""
    for name in ("summary", "raw"):
        if any(part.family and part.family.name == name and part.deltas for part in item.parts.values()):
            return item.content("summary" if name == "summary" else "raw")
    return item.content("raw") or item.content("summary")


def _joined(stream: StreamReading, kind: Literal["text", "refusal"]) -> str:
    return "".join(item.content(kind) for item in stream.items)


def _where(stream: StreamReading, names: tuple[FamilyName, ...], position: int) -> Event | None:
    """The delta that brings the character at a position; the terminal event when none does."""
    reached = 0
    for item in stream.items:
        for part in item.parts.values():
            for delta in part.deltas if part.family and part.family.name in names else ():
                piece = delta.get("delta")
                reached += len(piece) if isinstance(piece, str) else 0
                if position < reached:
                    return delta
    return stream.terminal


def _same(
    stream: StreamReading, wanted: str, found: str, names: tuple[FamilyName, ...], words: str
) -> Seen | Violation:
    if found == wanted or (not _whole(stream) and wanted.startswith(found)):
        return Seen(stream.place(stream.terminal))
    pairs = zip(wanted, found, strict=False)
    first = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(found)))
    expected, actual = around(wanted, found)
    return Violation(
        stream.place(_where(stream, names, first)), f"the {words} that the upstream sent: {expected}", actual
    )


@rule(
    "content.text-equals-upstream",
    level=INTEGRITY,
    evidence="both",
    source=FIELDS + "; vllm-project/vllm#35705; api7/aisix#111",
    why="The answer is not the model's: text is lost, doubled, invented, reordered or damaged.",
)
def text_equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The text of all messages, joined, is the upstream's text, character for character; a refusal may be text too."""
    for stream, said in _heard(transcript):
        found = _joined(stream, "text")
        read = as_told(said, found, has_reasoning=any(_reasoning(item) for item in stream.items))
        wanted = fitted(read.text_as_told(found, _joined(stream, "refusal")), found, said, read)
        if wanted or found:
            yield _same(stream, wanted, found, ("text",), "text")


@rule(
    "content.reasoning-equals-upstream",
    level=INTEGRITY,
    evidence="both",
    features=("reasoning",),
    source=FIELDS + "; vllm-project/vllm (delta.reasoning); Anthropic Messages, Streaming (thinking_delta)",
    why="The model's thoughts are lost or altered, and the next turn goes on from others.",
)
def reasoning_equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The reasoning of all items, joined, is the upstream's, character for character, raw or as summary.

    An item without a word is legal where no summary was asked for, as OpenAI's API gives it then.
    """
    for stream, said in _heard(transcript):
        found = "".join(_reasoning(item) for item in stream.items)
        thought = any(item.type == "reasoning" for item in stream.items)
        if not found and thought and not asks_for_summary(stream.request):
            continue
        read = as_told(said, _joined(stream, "text"), has_reasoning=bool(found))
        wanted = fitted(read.joined("reasoning"), found, said, read)
        if wanted or found:
            yield _same(stream, wanted, found, ("summary", "raw"), "reasoning")


@rule(
    "content.refusal-equals-upstream",
    dialects=("chat_completions",),
    level=INTEGRITY,
    evidence="both",
    source="BerriAI/litellm#39203; NVIDIA-NeMo/Switchyard#622; openai.types.responses.ResponseOutputRefusal",
    why="A refusal looks like an empty, successful answer.",
)
def refusal_equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The refusal that the upstream worded reaches the client, as refusal or as text; none is invented."""
    for stream, said in _heard(transcript):
        wanted, found = said.joined("refusal"), _joined(stream, "refusal")
        if not wanted and said.finish in ("refusal", "content_filter"):
            continue  # the upstream refused without words: a target may word it
        if wanted and not found and _joined(stream, "text") == said.joined("text", "refusal"):
            yield Seen(stream.place(stream.terminal))
            continue
        if wanted or found:
            yield _same(stream, wanted, found, ("refusal",), "refusal")


def _calls(stream: StreamReading) -> list[ItemReading]:
    """The calls the client gets, those of the client's own tool search among them: an item type of its own."""
    searches = [item for item in stream.items if item.type == "tool_search_call"]
    return sorted([*stream.calls, *searches], key=lambda item: item.number) if searches else stream.calls


def _calls_at_the_end(stream: StreamReading) -> list[dict[str, Any]]:
    """The calls that only the terminal response holds; that they were not streamed is told by another rule."""
    told = {item.final_position for item in stream.items}
    output = [(position, as_dict(value)) for position, value in enumerate(stream.output or ())]
    return [item for position, item in output if position not in told and item.get("type") in CALL_TYPES]


def _paired(stream: StreamReading, said: Said) -> list[tuple[SaidItem, ItemReading]]:
    """The upstream's calls with the client's: by call id, else by name in order, else by order.

    Where calls are missing, one that nothing announced has no place in the order: it may be any of them.
    """
    free = _calls(stream)[:]
    all_there = len(free) == len(said.calls)
    pairs: dict[int, ItemReading] = {}
    ways: tuple[Callable[[SaidItem, ItemReading], bool], ...] = (
        lambda call, item: bool(call.call_id) and item.call_id == call.call_id,
        lambda call, item: item.best.get("name") == call.name,
        lambda call, item: all_there or bool(item.best),
    )
    for way in ways:
        for number, call in enumerate(said.calls):
            match = None if number in pairs else next((item for item in free if way(call, item)), None)
            if match is not None:
                pairs[number] = match
                free.remove(match)
    return [(said.calls[number], pairs[number]) for number in sorted(pairs)]


@rule(
    "content.calls-equal-upstream",
    level=INTEGRITY,
    evidence="both",
    source="router-for-me/CLIProxyAPI#5058; earendil-works/pi#8861; BerriAI/litellm#36262",
    why="A tool is not run, or run twice, or with the arguments of two calls in one.",
)
def calls_equal_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The client gets as many calls as the upstream made: none lost, none invented, none joined or split."""
    for stream, said in _heard(transcript):
        wanted, found = list(said.calls), [item.best for item in _calls(stream)] + _calls_at_the_end(stream)
        if not wanted and not found:
            continue
        least = sum(call.complete for call in wanted) if _whole(stream) and not calls_are_limited(stream.request) else 0
        if stream.outcome == "completed" and not calls_are_limited(stream.request):
            least = len(wanted)
        if least <= len(found) <= len(wanted):
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(
                stream.place(stream.terminal or next((item.first for item in reversed(_calls(stream))), None)),
                f"{count(len(wanted), 'call')}: {listed(call.name for call in wanted)}",
                f"{count(len(found), 'call')}: {listed(item.get('name') for item in found)}",
            )


@rule(
    "content.call-names-equal-upstream",
    level=INTEGRITY,
    evidence="both",
    source="NVIDIA-NeMo/Switchyard PR#785; vllm-project/vllm#13078; mrexodia/ida-pro-mcp#129",
    why="The client has no tool of that name.",
)
def call_names_equal_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A call has the name that the upstream gave, or the declared tool's that the target had renamed for it."""
    for stream, said in _heard(transcript):
        found = [as_dict(item).get("tools") for item in as_list(stream.request.get("input"))]
        declared = {name for tools in (stream.request.get("tools"), *found) for name in _declared(tools)}
        for call, item in _paired(stream, said):
            name = item.best.get("name")
            renamed = call.name not in declared and isinstance(name, str) and name in declared
            if name == call.name or renamed or not call.complete or item.type == "tool_search_call":
                yield Seen(stream.place(item.done or item.first))
            else:
                found_name = f"a call of {shown(name)}" if name is not None else "a call that nothing names"
                yield Violation(stream.place(item.done or item.first), f"a call of {shown(call.name)}", found_name)


def _declared(tools: object) -> Iterator[str]:
    for tool in map(as_dict, as_list(tools)):
        if isinstance(tool.get("name"), str):
            yield tool["name"]
        yield from _declared(tool.get("tools"))


def _arguments(item: ItemReading) -> str:
    return item.content("arguments", "input")


def _same_arguments(call: SaidItem, item: ItemReading, *, open_ended: bool) -> bool:
    """Whether a call's arguments are those sent; `open_ended` ones, and those of a cut call, may stop early."""
    found = _arguments(item)
    if item.type == "tool_search_call":
        return not call.complete or same_json(call.text, json.dumps(item.best.get("arguments")))
    if item.type == "custom_tool_call":
        unwrapped = only_string(call.text)
        if not call.complete or open_ended:
            return call.text.startswith(found) or (unwrapped or opened_string(call.text)).startswith(found)
        return found in (unwrapped, call.text)
    if not call.complete or open_ended:
        return call.text.startswith(found)
    return same_json(call.text, found) if call.text else found in ("", "{}")


@rule(
    "content.arguments-equal-upstream",
    level=INTEGRITY,
    evidence="both",
    source="BerriAI/litellm#20711; diegosouzapw/OmniRoute PR#11144; NousResearch/hermes-agent PR#110795",
    why="The tool runs with other arguments than the model chose.",
)
def arguments_equal_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A call's arguments are the upstream's: equal as JSON with numbers exact, and an exact prefix where cut."""
    for stream, said in _heard(transcript):
        for call, item in _paired(stream, said):
            if _same_arguments(call, item, open_ended=item.done is None and not _whole(stream)):
                yield Seen(stream.place(item.done or item.first))
                continue
            expected, actual = around(call.text, _arguments(item))
            yield Violation(
                stream.place(item.done or item.first),
                f"the arguments of {shown(call.name)} as sent: {expected}",
                actual,
            )


@rule(
    "content.no-arguments-are-an-object",
    level=INTEGRITY,
    evidence="both",
    source="BerriAI/litellm#5063; vercel/ai#2103; Portkey-AI/gateway#1103; sigoden/aichat#779",
    why="The arguments of a call are JSON to every client, and an empty string is none: the tool is not run.",
)
def no_arguments_are_an_object(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A whole function call of whose arguments the upstream sent nothing has `{}` as arguments, not an empty string."""
    for stream, said in _heard(transcript):
        for call, item in _paired(stream, said):
            if call.text or not call.complete or item.done is None or item.type != "function_call":
                continue
            if same_json("{}", _arguments(item)):
                yield Seen(stream.place(item.done))
            else:
                yield Violation(stream.place(item.done), "arguments `{}`", f"arguments {shown(_arguments(item))}")


@rule(
    "content.arguments-byte-for-byte",
    level=RECOMMENDED,
    dialects=("chat_completions", "vllm"),
    evidence="both",
    source="openai.types.responses.ResponseFunctionToolCall.arguments (a JSON string)",
    why="Prompt caches miss on the next turn, and signatures over the arguments no longer match.",
)
def arguments_byte_for_byte(transcript: Transcript) -> Iterator[Seen | Violation]:
    """A function call's arguments are the upstream's string itself, white space and order of keys included."""
    for stream, said in _heard(transcript):
        for call, item in _paired(stream, said):
            if item.type != "function_call" or not call.complete or not call.text:
                continue
            found = _arguments(item)
            if found == call.text:
                yield Seen(stream.place(item.done or item.first))
            elif same_json(call.text, found):
                expected, actual = around(call.text, found)
                yield Violation(stream.place(item.done or item.first), f"the string as sent: {expected}", actual)


@rule(
    "content.call-ids-equal-upstream",
    level=RECOMMENDED,
    evidence="both",
    source="vllm-project/vllm PR#50782 (the template renders the id); QuantumNous/new-api#6278",
    why="Logs of both sides cannot be matched, and a target that minted ids must remember them.",
)
def call_ids_equal_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """`call_id` is the upstream's id where that is 1 to 64 characters long and unique in the answer."""
    for stream, said in _heard(transcript):
        ids = [call.call_id for call in said.calls]
        for call, item in _paired(stream, said):
            if not 0 < len(call.call_id) <= 64 or ids.count(call.call_id) > 1 or item.call_id is None:
                continue
            if item.call_id == call.call_id:
                yield Seen(stream.place(item.first))
            else:
                yield Violation(stream.place(item.first), f"call_id {shown(call.call_id)}", shown(item.call_id))


@rule(
    "content.order-equals-upstream",
    level=RECOMMENDED,
    evidence="both",
    source="openai-openapi Response.output; BerriAI/litellm PR#36375",
    why="The history has the answer in another order than the model gave it.",
)
def order_equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Items come in the order in which their content first appeared upstream."""
    kinds = {"message": "text", "reasoning": "reasoning", "function_call": "call", "custom_tool_call": "call"}
    kinds["tool_search_call"] = "call"
    for stream, said in _heard(transcript):
        if stream.outcome != "completed":
            continue
        heard = [item for item in said.items if item.text or item.kind == "call"]
        wanted = ["text" if item.kind == "refusal" else item.kind for item in heard]
        ordered = sorted(stream.items, key=lambda item: (item.output_index or 0, item.number))
        found = [kinds[item.type] for item in ordered if item.type in kinds and _says_something(item)]
        merged = [kind for kind, _ in itertools.groupby(wanted)], [kind for kind, _ in itertools.groupby(found)]
        if len(merged[0]) < 2 or sorted(set(wanted)) != sorted(set(found)):
            continue
        if merged[0] == merged[1]:
            yield Seen(stream.place(stream.terminal))
        else:
            yield Violation(stream.place(stream.terminal), listed(merged[0]), listed(merged[1]))


def _says_something(item: ItemReading) -> bool:
    return item.is_call or item.type == "tool_search_call" or bool(item.content("text", "refusal", "summary", "raw"))


def _urls(stream: StreamReading) -> list[tuple[object, object, object]]:
    notes = (
        as_dict(note)
        for item in stream.items
        for part in as_list(item.best.get("content"))
        for note in as_list(as_dict(part).get("annotations"))
    )
    return [
        (note.get("url"), note.get("start_index"), note.get("end_index"))
        for note in notes
        if note.get("type") == "url_citation"
    ]


@rule(
    "content.citations-not-altered",
    dialects=("chat_completions", "messages"),
    level=INTEGRITY,
    evidence="both",
    source="openai.types.responses.response_output_text.AnnotationURLCitation; theopenco/llmgateway PR#3256",
    why="The reader is sent to a page that the model did not cite, or for another sentence.",
)
def citations_not_altered(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every URL citation in the answer is one of the upstream's, over the same characters."""
    for stream, said in _heard(transcript):
        notes = [note for item in said.items for note in item.annotations]
        for url, start, end in _urls(stream):
            same = [note for note in notes if note.url == url]
            if any(
                (note.start is None or note.start == start) and (note.end is None or note.end == end) for note in same
            ):
                yield Seen(stream.place(stream.terminal))
            else:
                places = listed(f"{note.url} [{note.start}:{note.end}]" for note in same or notes)
                yield Violation(stream.place(stream.terminal), f"a citation of: {places}", f"{url} [{start}:{end}]")


@rule(
    "content.citations-kept",
    dialects=("chat_completions", "messages"),
    level=SHOULD,
    evidence="both",
    source="openai.types.chat.chat_completion_message.Annotation; BerriAI/litellm PR#26176",
    why="The reader does not learn where the answer comes from.",
)
def citations_kept(transcript: Transcript) -> Iterator[Seen | Violation]:
    """Every web citation of the upstream reaches the client as an annotation of the text."""
    for stream, said in _heard(transcript):
        found = [url for url, _, _ in _urls(stream)]
        for note in (note for item in said.items for note in item.annotations if _whole(stream)):
            if note.url in found:
                yield Seen(stream.place(stream.terminal))
            else:
                yield Violation(
                    stream.place(stream.terminal), f"a url_citation of {note.url}", f"cited: {listed(found)}"
                )


@rule(
    "content.end-state-equals-upstream",
    level=MUST,
    evidence="both",
    source="openai.types.responses.response.IncompleteDetails; jundot/omlx PR#2817; router-for-me/CLIProxyAPI PR#4905",
    why="A cut answer passes for a whole one, a failure for an answer, or a good answer is thrown away.",
)
def end_state_equals_upstream(transcript: Transcript) -> Iterator[Seen | Violation]:
    """The response ends as the upstream's answer did: completed, incomplete for the same reason, or failed."""
    for stream, said in _heard(transcript):
        if stream.end is None:
            continue
        if stream.end in said.ends:
            yield Seen(stream.place(stream.terminal))
        elif stream.terminal is not None or "unfinished" not in said.ends:
            why = f"finish {shown(said.finish)}" if said.finish else said.error or "no finish reason"
            yield Violation(
                stream.place(stream.terminal), f"{' or '.join(sorted(said.ends))} (upstream: {why})", str(stream.end)
            )
