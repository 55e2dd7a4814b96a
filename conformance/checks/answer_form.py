"""Rules of the form of answers: verbosity, JSON mode and summaries, where the services' words for them differ."""

from __future__ import annotations

from typing import Any

from conformance.crossings import Crossing, Judged, asked_in, crossings, quote, visits
from conformance.pieces import at, occurrences
from conformance.rules import RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

MESSAGES: tuple[Dialect, ...] = ("messages",)


@rule(
    "upstream.verbosity-passed",
    level=SHOULD,
    source="openai.types.responses.ResponseTextConfigParam.verbosity; "
    "openai.types.chat.CompletionCreateParams.verbosity",
    why="The user asks for short answers and gets long ones.",
    dialects=("chat_completions",),
    evidence="both",
)
def verbosity_passed(transcript: Transcript) -> Judged:
    """`text.verbosity` reaches a chat upstream as `verbosity`."""
    for crossing in crossings(transcript):
        wanted = at(crossing.asked.body, "text", "verbosity")
        if wanted not in ("low", "medium", "high"):
            continue
        sent = crossing.sent.body.get("verbosity")
        # Medium is the default.
        if sent == wanted or (wanted == "medium" and sent is None):
            yield crossing.seen
        else:
            yield crossing.broken(f"`verbosity: {wanted}`", f"`verbosity: {sent}`")


def _asks_for_json(body: Any) -> bool:
    return bool(at(body, "text", "format", "type") == "json_object")


@rule(
    "upstream.json-mode-told",
    level=RECOMMENDED,
    source="openai.types.shared_params.ResponseFormatJSONObject; anthropic.types.OutputConfigParam.format",
    why="The program parses what it takes for JSON, and Messages was never told.",
    dialects=MESSAGES,
    evidence="both",
)
def json_mode_told(transcript: Transcript) -> Judged:
    """`text.format: json_object` is refused where Messages has no such mode, or told to the model in some way."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is not None and _asks_for_json(asked.body) and visit.exchange.status in (400, 422):
            yield visit.seen()
    for crossing in crossings(transcript):
        if not _asks_for_json(crossing.asked.body) or crossing.visit.exchange.status in (400, 422):
            continue
        if _tells_of_json(crossing):
            yield crossing.seen
        else:
            yield crossing.broken(
                "an output format, a tool for the answer, or words of the target's own about JSON",
                "nothing in the request speaks of it",
            )


def _tells_of_json(crossing: Crossing) -> bool:
    if at(crossing.sent.body, "output_config", "format") is not None:
        return True
    if len(crossing.sent.tools) > len(crossing.asked.tools):
        return True
    said = [piece.text for piece in crossing.asked.pieces if piece.is_visible_text]
    sent = [piece.text for piece in crossing.sent.pieces if piece.is_visible_text]
    return occurrences("JSON", sent) > occurrences("JSON", said)


@rule(
    "upstream.summary-asked-for",
    level=SHOULD,
    source="openai.types.shared.Reasoning.summary; anthropic.types.ThinkingConfigAdaptiveParam.display "
    "(the default depends on the model)",
    why="The client asked to see the reasoning, and the newest models leave it out unless asked.",
    dialects=MESSAGES,
    evidence="both",
)
def summary_asked_for(transcript: Transcript) -> Judged:
    """A request for reasoning summaries makes Messages show its thinking, whatever the model does by default."""
    for crossing in crossings(transcript):
        wanted = at(crossing.asked.body, "reasoning", "summary")
        thinking = crossing.sent.body.get("thinking")
        if wanted not in ("auto", "concise", "detailed") or at(thinking, "type") not in ("adaptive", "enabled"):
            continue
        display = at(thinking, "display")
        # Models that take a budget show their thinking by default.
        if display == "summarized" or (display is None and at(thinking, "type") == "enabled"):
            yield crossing.seen
        else:
            yield crossing.broken("`thinking.display: summarized`", quote(thinking))
