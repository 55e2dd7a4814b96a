"""Proxies that lose log probabilities, or give their client others than the upstream's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from conformance.miniatures.edits import Draft, edit_json, stream_miniature
from conformance.miniatures.miniature import miniature
from conformance.reading import as_list
from conformance.transcript import Transcript

_DELTA = "response.output_text.delta"


def _parts(output: Any) -> list[dict[str, Any]]:
    """The text parts of a list of items."""
    parts = [part for item in as_list(output) for part in as_list(item.get("content"))]
    return [part for part in parts if part.get("type") == "output_text"]


def _holders(draft: Draft) -> list[dict[str, Any]]:
    """Everything of a stream that has `logprobs`: deltas, done events, and the parts of items and of the response."""
    events = [frame.data for frame in draft.frames if isinstance(frame.data, dict) and "logprobs" in frame.data]
    given = [frame.data["part"] for frame in draft.frames if isinstance(frame.data, dict) and "part" in frame.data]
    return [*events, *(part for part in given if "logprobs" in part), *_parts(list(draft.items()))]


def _each(draft: Draft, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    for holder in _holders(draft):
        holder["logprobs"] = change(as_list(holder.get("logprobs")))


@stream_miniature("content.logprobs-kept")
def empty_logprobs_at_the_end(draft: Draft) -> None:
    """Streams log probabilities, and puts an empty list into the final response."""
    for part in _parts((draft.response or {}).get("output")):
        part["logprobs"] = []


@stream_miniature("content.logprobs-kept")
def last_logprob_lost(draft: Draft) -> None:
    """Loses the log probability of the last token, which came with the finish reason."""
    for part in _parts((draft.response or {}).get("output")):
        part["logprobs"] = part["logprobs"][:-1]


@miniature("content.logprobs-kept")
def logprobs_of_streams_only(transcript: Transcript) -> Transcript:
    """Gives a whole answer no log probabilities."""

    def change(body: Any) -> Any:
        for part in _parts(body.get("output") if isinstance(body, dict) else None):
            part["logprobs"] = []
        return body

    return edit_json(transcript, change)


@stream_miniature("content.logprobs-streamed")
def empty_logprobs_in_deltas(draft: Draft) -> None:
    """Gives log probabilities in the final response only."""
    for frame in draft.all(_DELTA):
        frame.data["logprobs"] = []


@stream_miniature("content.logprobs-streamed")
def second_delta_without_logprobs(draft: Draft) -> None:
    """Loses those of the second text delta."""
    for frame in draft.all(_DELTA)[1:2]:
        frame.data["logprobs"] = []


@stream_miniature("content.logprobs-kept", "content.logprobs-streamed")
def alternatives_lost(draft: Draft) -> None:
    """Gives each token's own log probability, and no alternatives."""
    _each(draft, lambda tokens: [{**token, "top_logprobs": []} for token in tokens])


@stream_miniature("content.logprobs-not-altered")
def probabilities_for_logarithms(draft: Draft) -> None:
    """Gives probabilities where their logarithms belong."""
    _each(draft, lambda tokens: [{**token, "logprob": math.exp(token["logprob"])} for token in tokens])


@stream_miniature("content.logprobs-not-altered")
def logprobs_of_the_next_token(draft: Draft) -> None:
    """Gives the second token of the final response the log probability of the third."""
    for part in _parts((draft.response or {}).get("output")):
        tokens = part["logprobs"]
        if len(tokens) > 2:
            part["logprobs"] = [tokens[0], {**tokens[1], "logprob": tokens[2]["logprob"]}, *tokens[2:]]


@stream_miniature("content.logprobs-not-altered")
def alternatives_of_the_next_token(draft: Draft) -> None:
    """Gives each token of the final response the alternatives of the token after it."""
    for part in _parts((draft.response or {}).get("output")):
        tokens = part["logprobs"]
        following = [token["top_logprobs"] for token in tokens[1:]]
        part["logprobs"] = [{**token, "top_logprobs": top} for token, top in zip(tokens, following, strict=False)]
        part["logprobs"] += tokens[-1:]
