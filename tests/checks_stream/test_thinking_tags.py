"""Thinking that the upstream sends as text between tags."""

from __future__ import annotations

import pytest

from conformance.said import Said, SaidItem
from conformance.thinking_tags import as_told, fitted


def said(*texts: str) -> Said:
    return Said(tuple(SaidItem("text", text, 1) for text in texts), None, frozenset({"completed"}))


TAGGED = said("<think>\nTwo and two.\n</think>\n\nFour.")


def test_a_block_at_the_head_may_be_read_as_reasoning() -> None:
    """A client that got the block as reasoning got what was said, with or without the white space around it."""
    read = as_told(TAGGED, "Four.", has_reasoning=True)
    assert [item.kind for item in read.items] == ["reasoning", "text"]
    for found in ("Four.", "\n\nFour."):
        assert fitted(read.joined("text"), found, TAGGED, read) == found
    assert fitted(read.joined("reasoning"), "Two and two.", TAGGED, read) == "Two and two."


def test_a_block_that_is_cut_is_all_reasoning() -> None:
    """Without a closing tag there is no text yet."""
    read = as_told(said("<think>Two and"), "", has_reasoning=True)
    assert (read.joined("reasoning"), read.joined("text")) == ("Two and", "")


@pytest.mark.parametrize(
    ("upstream", "text", "has_reasoning"),
    [
        (TAGGED, "<think>\nTwo and two.\n</think>\n\nFour.", True),
        (TAGGED, "Four.", False),
        (said("Models open with <think> and close with </think>."), "Models open with .", True),
        (said("Four."), "", True),
    ],
    ids=["told-as-text", "lost", "in-prose", "no-tags"],
)
def test_everything_else_is_text(upstream: Said, text: str, has_reasoning: bool) -> None:
    """A block told as text is text, one that is nowhere is lost, and tags inside the answer are words of it."""
    read = as_told(upstream, text, has_reasoning=has_reasoning)
    assert read is upstream
    assert fitted(read.joined("text"), text, upstream, read) == upstream.joined("text")


def test_words_that_differ_are_not_fitted() -> None:
    """Only white space at the ends is forgiven."""
    read = as_told(TAGGED, "Five.", has_reasoning=True)
    assert fitted(read.joined("text"), "Five.", TAGGED, read) == "Four."
