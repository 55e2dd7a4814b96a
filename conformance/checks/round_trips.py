"""Rules of round trips: what an upstream said comes back to it as it said it, one turn later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.asked import final_response
from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Piece, at, items_of, parsed, same_json, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, rule
from conformance.said import SaidItem
from conformance.transcript import Exchange, Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)


def _loops(transcript: Transcript) -> Iterator[tuple[Crossing, Exchange]]:
    """Each request that brings back items of an earlier answer, with that answer's exchange."""
    for crossing in crossings(transcript):
        earlier = crossing.visit.earlier
        calls = {piece.call_id for piece in crossing.asked.of("call")}
        for exchange in reversed(earlier):
            given = {text_of(at(item, "call_id")) for item in items_of(at(final_response(exchange), "output"))}
            if exchange.said is not None and given & calls - {""}:
                yield crossing, exchange
                break


@rule(
    "history.call-ids-round-trip",
    level=INTEGRITY,
    source="vllm-project/vllm#50295; vllm-project/vllm#50782",
    why="Kimi's template renders the id: with another one the model no longer knows its own call.",
    dialects=CHAT,
    evidence="both",
)
def call_ids_round_trip(transcript: Transcript) -> Judged:
    """A call that comes back from the client goes upstream under the id that the upstream gave it."""
    for crossing, answer in _loops(transcript):
        said = answer.said.calls if answer.said is not None else ()
        issued = [item.call_id for item in said if item.call_id]
        if len(issued) != len(said) or len(set(issued)) != len(issued) or max(map(len, issued), default=0) > 64:
            continue  # no id was issued, one twice, or one that clients refuse: the target had to find its own
        sent = [piece.call_id for piece in crossing.sent.of("call")]
        if not sent:
            continue  # upstream.calls-arrive tells of it
        if set(issued) <= set(sent):
            yield crossing.seen
        else:
            yield crossing.broken(f"the upstream's own ids {issued}", f"the calls sent have the ids {sent}")


@rule(
    "history.calls-round-trip",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items are bidirectional; BerriAI/litellm#12677",
    why="The model reads another call than the one that it made.",
    evidence="both",
)
def calls_round_trip(transcript: Transcript) -> Judged:
    """A call that comes back from the client goes upstream with the name and arguments that the upstream wrote."""
    for crossing, answer in _loops(transcript):
        sent = crossing.sent.of("call")
        if not sent:
            continue  # upstream.calls-arrive tells of it
        for said in answer.said.calls if answer.said is not None else ():
            if not isinstance(parsed(said.text), dict):
                continue
            same = [p for p in sent if p.name == said.name and same_json(_arguments(p), parsed(said.text))]
            if same:
                yield crossing.seen
            else:
                shown = [(piece.name, piece.text or piece.value) for piece in sent]
                yield crossing.broken(f"the call {said.name}({quote(said.text)})", f"the calls sent are {quote(shown)}")


def _arguments(piece: Piece) -> Any:
    return piece.value if piece.value is not None else parsed(piece.text)


@rule(
    "history.reasoning-returned",
    level=SHOULD,
    source="openai/openai-agents-python#1704; anomalyco/opencode#3077; BerriAI/litellm#36197; vllm-project/vllm#42664",
    why="In a tool loop the model has to think everything again; DeepSeek and Anthropic may answer 400.",
    features=("reasoning",),
    evidence="both",
)
def reasoning_returned(transcript: Transcript) -> Judged:
    """Reasoning of the running tool loop goes back upstream, in the field in which the upstream takes it."""
    for crossing, answer in _loops(transcript):
        carried = any(piece.kind == "reasoning" for piece in crossing.asked.pieces)
        for item in answer.said.items if answer.said is not None else ():
            if item.kind != "reasoning" or not carried or not (item.text or item.signature or item.redacted):
                continue
            if any(_same_thought(item, piece, crossing.dialect) for piece in crossing.sent.of("reasoning")):
                yield crossing.seen
            else:
                shown = [piece.text or piece.redacted for piece in crossing.sent.of("reasoning")]
                yield crossing.broken(
                    f"the reasoning {quote(item.text or item.redacted)} with its signature"
                    if crossing.dialect == "messages"
                    else f"the reasoning {quote(item.text)} in `reasoning` or `reasoning_content`",
                    f"reasoning sent: {quote(shown)}" if shown else "no reasoning is sent",
                )


@rule(
    "history.reasoning-in-its-field",
    level=SHOULD,
    source="DeepSeek API documentation, reasoning_content with tool calls; vllm-project/vllm#42664; "
    "OpenRouter documentation, preserving reasoning",
    why="DeepSeek answers 400 when its `reasoning_content` is missing; others ignore a name that they do not use.",
    dialects=("chat_completions",),
    features=("reasoning",),
    evidence="both",
)
def reasoning_in_its_field(transcript: Transcript) -> Judged:
    """Reasoning that goes back to a chat upstream stands in the field in which it came."""
    for crossing, answer in _loops(transcript):
        fields = _reasoning_fields(answer)
        for piece in crossing.sent.of("reasoning"):
            said = any(piece.text.strip() in item.text for item in answer.said.items) if answer.said else False
            if len(fields) != 1 or not said:
                continue
            if at(piece.raw, *fields) == piece.text:
                yield crossing.seen
            else:
                yield crossing.broken(f"{quote(piece.text)} in `{fields[0]}`", f"it stands at {piece.path}")


def _reasoning_fields(answer: Exchange) -> list[str]:
    """The fields in which an answer's reasoning came."""
    body = answer.answered_calls[-1].sent_body if answer.answered_calls else b""
    return [field for field in ("reasoning", "reasoning_content") if re.search(rb'"%b": ?"[^"]' % field.encode(), body)]


def _same_thought(item: SaidItem, piece: Piece, dialect: Dialect) -> bool:
    if dialect != "messages":
        return item.text.strip() in piece.text
    if item.redacted is not None:
        return item.redacted == piece.redacted
    return item.text == piece.text and item.signature == piece.signature


@rule(
    "history.thinking-unaltered",
    level=MUST,
    source="anthropic.types.ThinkingBlockParam; NousResearch/hermes-agent#36071",
    why='Anthropic answers 400 ("thinking blocks cannot be modified"), to this and every later request.',
    dialects=MESSAGES,
    evidence="both",
)
def thinking_unaltered(transcript: Transcript) -> Judged:
    """Thinking blocks sent to a Messages upstream are those that it wrote, text and signature unchanged."""
    for crossing in crossings(transcript):
        known = [item for answer in crossing.visit.earlier if answer.said is not None for item in answer.said.items]
        for piece in crossing.sent.of("reasoning"):
            if any(item.kind == "reasoning" and _same_thought(item, piece, "messages") for item in known):
                yield crossing.seen
            else:
                yield crossing.broken(
                    "only thinking that the upstream has signed",
                    f"{quote(piece.text or piece.redacted or '')} signed {quote(piece.signature)} at {piece.path}",
                )


@rule(
    "history.thinking-before-its-call",
    level=MUST,
    source="openai/openai-agents-python#1704; NousResearch/hermes-agent#36071; anthropic.types.ThinkingBlockParam",
    why='Anthropic answers 400 ("Expected thinking or redacted_thinking, but found tool_use").',
    dialects=MESSAGES,
    evidence="both",
)
def thinking_before_its_call(transcript: Transcript) -> Judged:
    """In an assistant turn sent to a Messages upstream its blocks stand in the order in which it wrote them."""
    for crossing, answer in _loops(transcript):
        said = [item for item in answer.said.items if item.kind in ("reasoning", "call")] if answer.said else []
        found = [places for item in said if (places := _block_places(item, crossing))]
        if len(found) < 2:
            continue
        if _in_order(found):
            yield crossing.seen
        else:
            first = sorted(places[0] for places in found)
            yield crossing.broken(
                f"the blocks in the order {[item.kind for item in said]}",
                f"they stand in the order {[crossing.sent.pieces[place].kind for place in first]}",
            )


def _in_order(found: Sequence[Sequence[int]]) -> bool:
    """Whether a place can be chosen for each block so that they follow one another."""
    last = -1
    for places in found:
        after = [place for place in places if place > last]
        if not after:
            return False
        last = after[0]
    return True


def _block_places(item: SaidItem, crossing: Crossing) -> list[int]:
    """Where a block stands upstream: a model may think the same, or call the same, in more than one turn."""
    same = [
        (place, piece)
        for place, piece in enumerate(crossing.sent.pieces)
        if (item.kind == piece.kind == "reasoning" and _same_thought(item, piece, "messages"))
        or (item.kind == piece.kind == "call" and _same_call(item, piece))
    ]
    exact = [place for place, piece in same if item.call_id and piece.call_id == item.call_id]
    return exact or [place for place, _ in same]


def _same_call(item: SaidItem, piece: Piece) -> bool:
    return piece.name == item.name and same_json(piece.value, parsed(item.text or "{}"))


@rule(
    "history.prefix-stable",
    level=RECOMMENDED,
    source="OpenAI and Anthropic documentation, Prompt caching; vLLM documentation, Automatic prefix caching",
    why="A prompt whose beginning changes is computed and billed anew with each turn.",
    evidence="both",
)
def prefix_stable(transcript: Transcript) -> Judged:
    """When a client's input only grew, the request upstream only grew: tools, system and earlier messages are equal."""
    for before, after in _grown(transcript):
        problem = next(
            (
                f"`{key}` differs: {quote(before.sent.body.get(key))} became {quote(after.sent.body.get(key))}"
                for key in ("tools", "system")
                if before.sent.body.get(key) != after.sent.body.get(key)
            ),
            None,
        )
        old, new = before.sent.messages, after.sent.messages
        changed = next((n for n, message in enumerate(old) if n >= len(new) or new[n] != message), None)
        if problem is None and changed is not None:
            problem = f"messages[{changed}] differs from the turn before"
        if problem is None:
            yield after.seen
        else:
            yield after.broken("the earlier request as the beginning of this one", problem)


def _same_frame(before: Crossing, after: Crossing) -> bool:
    """Whether the client asked for the same around its input: new instructions rightly make a new beginning."""
    frame = ("instructions", "tools", "previous_response_id", "conversation", "prompt")
    return all(before.asked.body.get(key) == after.asked.body.get(key) for key in frame)


def _grown(transcript: Transcript) -> Iterator[tuple[Crossing, Crossing]]:
    last: Crossing | None = None
    for crossing in crossings(transcript):
        if last is not None and last.visit.drive is crossing.visit.drive:
            old, new = last.asked.items, crossing.asked.items
            if 0 < len(old) < len(new) and new[: len(old)] == old and _same_frame(last, crossing):
                yield last, crossing
        last = crossing
