"""Thinking tags at the head of a text: markup, or words of the model.

A server that does not parse its model's output sends `<think>…</think>` as text (Transformers' `serve`, or vLLM
without a reasoning parser). A target may pass that on as the text that it is, or read it as the reasoning that it
means: nothing forbids either, and nothing is lost. White space at the seams belongs to neither. Tags that stand
anywhere else are words of the answer.
"""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.said import Said, SaidItem

__all__ = ["as_told", "fitted"]

_OPENED = re.compile(r"\s*<think>(.*?)(?:</think>(.*)|\Z)", re.DOTALL)


def as_told(said: Said, text: str, *, has_reasoning: bool) -> Said:
    """What the upstream said, in the reading that the client's `text` shows.

    Where the upstream's text opens with a thinking block, and the client got reasoning and a text that does not,
    the block is reasoning.
    """
    if not has_reasoning:
        return said
    first = next((number for number, item in enumerate(said.items) if item.kind == "text" and item.text), None)
    if first is None or any(item.kind == "reasoning" and item.text for item in said.items):
        return said
    opened = _OPENED.fullmatch(said.items[first].text)
    if opened is None or text.lstrip().startswith("<think>"):
        return said
    item = said.items[first]
    block = SaidItem("reasoning", opened[1], item.pieces, item.complete)
    rest = replace(item, text=opened[2] or "")
    return replace(said, items=(*said.items[:first], block, rest, *said.items[first + 1 :]))


def fitted(wanted: str, found: str, said: Said, read: Said) -> str:
    """`wanted`, without the white space at its ends that `found` has not, where the reading took markup away."""
    if read is said:
        return wanted
    if wanted.strip() == found.strip():
        return found
    return wanted if found[:1].isspace() else wanted.lstrip()
