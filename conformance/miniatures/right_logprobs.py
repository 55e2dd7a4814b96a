"""Log probabilities as a right target writes them: each token's with the stretch of text in which the token begins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.said import Said, SaidItem, SaidToken

__all__ = ["RightLogprobs"]


class RightLogprobs:
    """Those of one answer, given out in order; none where the client did not ask, or they cannot be laid along it."""

    def __init__(self, request: Mapping[str, Any], said: Said) -> None:
        asked = "message.output_text.logprobs" in (request.get("include") or ())
        fits = "".join(token.token for token in said.tokens) == said.joined("text")
        self._items = said.items
        self._tokens = said.tokens if asked and fits else ()

    def starts(self, item: SaidItem, texts: Sequence[str]) -> Iterator[tuple[str, int]]:
        """The texts of an item's parts, each with where it begins in the answer's text."""
        before = itertools.takewhile(lambda other: other is not item, self._items)
        at = sum(len(other.text) for other in before if other.kind == "text")
        for text in texts:
            yield text, at
            at += len(text)

    def of(self, stretch: str, start: int) -> list[dict[str, Any]]:
        """Those of the tokens that begin in a stretch of the answer's text, which begins at `start`."""
        return [_shown(token) for at, token in self._placed() if start <= at < start + len(stretch)]

    def _placed(self) -> Iterator[tuple[int, SaidToken]]:
        at = 0
        for token in self._tokens:
            yield at, token
            at += len(token.token)


def _shown(token: SaidToken) -> dict[str, Any]:
    own = _one(token.token, token.logprob)
    return {**own, "top_logprobs": [_one(text, logprob) for text, logprob in token.top]}


def _one(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "surrogatepass"))}
