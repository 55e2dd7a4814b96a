"""Log probabilities of tokens, as chat completions gives them to a request with `logprobs`.

Each fragment of a script stands for one token. Its numbers follow from its text, so that they are the same in every
form of an answer, and differ from token to token. Source: `openai.types.chat.ChatCompletionTokenLogprob`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["asked_alternatives", "token_logprobs"]


def asked_alternatives(request: Mapping[str, Any]) -> int | None:
    """How many alternatives a request wants of each token; None when it wants no log probabilities."""
    if request.get("logprobs") is not True:
        return None
    most = request.get("top_logprobs")
    return most if isinstance(most, int) else 0


def token_logprobs(tokens: Iterable[str], alternatives: int) -> list[dict[str, Any]]:
    """An entry for each token that says something, with its most likely alternatives, the token among them."""
    return [_entry(token, alternatives) for token in tokens if token]


def _entry(token: str, alternatives: int) -> dict[str, Any]:
    own = _one(token, -_thousandths(token))
    others = [_one(f"{token}{n}", own["logprob"] - n * 0.75) for n in range(1, alternatives)]
    return {**own, "top_logprobs": [own, *others][:alternatives]}


def _one(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}


def _thousandths(token: str) -> float:
    """A number between 0.001 and 4.096 that follows from a text."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    return (1 + int.from_bytes(digest[:2], "big") % 4096) / 1000
