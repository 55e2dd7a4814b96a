"""Rules of what is best left as it came: the text of arguments, and results that say nothing."""

from __future__ import annotations

from conformance.crossings import Judged, crossings, quote
from conformance.pieces import Piece, parsed
from conformance.rules import RECOMMENDED, rule
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
