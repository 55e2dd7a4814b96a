"""Rules of what is best left as it came: the text of arguments, results that say nothing, the order of properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Piece, at, parsed
from conformance.rules import RECOMMENDED, SHOULD, rule
from conformance.tool_pairs import title, tool_pairs
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

_CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")


@rule(
    "upstream.arguments-verbatim",
    level=RECOMMENDED,
    source="OpenAI documentation, Prompt caching (exact prefix matches); RFC 8259 6 (numbers and their precision)",
    why="Another text of the same JSON is another prompt: the upstream's prefix cache ends at the first call.",
    dialects=_CHAT,
    evidence="both",
)
def arguments_verbatim(transcript: Transcript) -> Judged:
    """Arguments of history calls that are a JSON object reach a chat upstream character for character."""
    for crossing in crossings(transcript):
        asked, sent = crossing.asked.of("call"), crossing.sent.of("call")
        if len(asked) != len(sent):
            continue
        for mine, theirs in zip(asked, sent, strict=True):
            if mine.custom or not isinstance(parsed(mine.text), dict):
                continue
            if theirs.text == mine.text:
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the arguments as they are: {quote(mine.text)} ({mine.path})",
                    f"{quote(theirs.text)} at {theirs.path}",
                )


@rule(
    "upstream.empty-result-stays-empty",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseFunctionToolCallOutputItem.output; NousResearch/hermes-agent#11906",
    why="The model quotes words that no tool has said.",
    evidence="both",
)
def empty_result_stays_empty(transcript: Transcript) -> Judged:
    """A tool's result without any text or media reaches the upstream without any, too."""
    for crossing in crossings(transcript):
        asked = [piece for piece in crossing.asked.of("result") if _is_empty(piece)]
        sent = crossing.sent.of("result")
        if not asked or len(sent) != len(crossing.asked.of("result")):
            continue
        if sum(map(_is_empty, sent)) >= len(asked):
            yield crossing.seen
        else:
            yield crossing.broken(
                f"a result without content for {asked[0].path}",
                f"the results upstream are {quote([list(piece.texts) for piece in sent])}",
            )


def _is_empty(result: Piece) -> bool:
    return not "".join(result.texts).strip() and not result.media


@rule(
    "upstream.properties-order-kept",
    level=SHOULD,
    source="OpenAI documentation, Structured outputs (key ordering); maximhq/bifrost#5148; NVIDIA-NeMo/Switchyard#438",
    why="Models write properties in the schema's order: with `answer` before `reasoning` they guess, and then explain.",
    evidence="both",
)
def properties_order_kept(transcript: Transcript) -> Judged:
    """The properties of a tool's parameters and of `text.format.schema` go upstream in the client's order."""
    for crossing in crossings(transcript):
        for name, asked, sent in _schemas(crossing):
            for mine, theirs in _orders(asked, sent):
                if mine == theirs:
                    yield crossing.seen
                else:
                    yield crossing.broken(f"the properties of {name} in the order {quote(mine)}", quote(theirs))


def _schemas(crossing: Crossing) -> Iterator[tuple[str, Any, Any]]:
    """Each schema that the client sent, with what it is of and what went upstream for it."""
    for tool, sent in tool_pairs(crossing, "tools"):
        if sent is not None:
            yield title(tool), tool.parameters, sent.parameters
    body = crossing.sent.body
    schema = at(body, "response_format", "json_schema", "schema") or at(body, "output_config", "format", "schema")
    yield "`text.format.schema`", at(crossing.asked.body, "text", "format", "schema"), schema


def _orders(asked: Any, sent: Any) -> Iterator[tuple[list[str], list[str]]]:
    """The names of properties on both sides, at each place where the same two or more stand."""
    if isinstance(asked, dict) and isinstance(sent, dict):
        mine, theirs = at(asked, "properties"), at(sent, "properties")
        if isinstance(mine, dict) and isinstance(theirs, dict) and len(mine) > 1 and mine.keys() == theirs.keys():
            yield list(mine), list(theirs)
        for key in asked.keys() & sent.keys():
            yield from _orders(asked[key], sent[key])
    elif isinstance(asked, list) and isinstance(sent, list):
        for one, other in zip(asked, sent, strict=False):
            yield from _orders(one, other)
