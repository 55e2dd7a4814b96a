"""What is said of log probabilities, and of choices beside the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.said import Said, SaidToken

Folded = Callable[..., Said]
ENTRY = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}]}
TOKEN = SaidToken("a", -0.5, (("a", -0.5),))


def chunk(content: str | None, index: int = 0, finish: str | None = None, **choice: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    only = {"index": index, "delta": delta, "finish_reason": finish, **choice}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [only]}


STOP = chunk(None, finish="stop")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"content": [ENTRY]}, (TOKEN,)),
        ({"content": [{**ENTRY, "top_logprobs": None}]}, (SaidToken("a", -0.5),)),
        ({"content": [{**ENTRY, "logprob": None}]}, ()),
        ({"content": [ENTRY, ENTRY]}, (TOKEN, TOKEN)),
        ({"content": []}, ()),
        ({"content": None, "refusal": [ENTRY]}, ()),
        (None, ()),
    ],
)
def test_log_probabilities_are_those_of_the_content(given: Any, said: tuple[SaidToken, ...], chat: Folded) -> None:
    """Each with its alternatives; what has no number is none, and those of refusals are not counted."""
    assert chat(chunk("a", logprobs=given), STOP, "[DONE]").tokens == said


def test_log_probabilities_without_text_are_not_its(chat: Folded) -> None:
    """vLLM gives those of reasoning, of calls and of what it keeps back in chunks without text."""
    said = chat(chunk(None, logprobs={"content": [ENTRY]}), chunk("a", logprobs={"content": [ENTRY]}), STOP, "[DONE]")
    assert said.tokens == (TOKEN,)


def test_a_whole_answer_has_them_all_at_once(whole: Folded) -> None:
    """They stand beside the message."""
    message = {"role": "assistant", "content": "aa"}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": [ENTRY, ENTRY]}}
    value = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    assert whole("chat_completions", value).tokens == (TOKEN, TOKEN)


def test_another_choice_says_nothing_and_may_be_refused(chat: Folded) -> None:
    """Text and finish reason are the first choice's; a target that will not take two may fail."""
    second = [chunk("b", 1, logprobs={"content": [ENTRY]}), chunk(None, 1, "length")]
    said = chat(chunk("a"), *second, STOP, "[DONE]")
    assert (said.joined("text"), said.finish, said.tokens) == ("a", "stop", ())
    assert said.ends == {"completed", "failed"}
    assert chat(chunk("a"), STOP, "[DONE]").ends == {"completed"}


def test_another_choice_of_a_whole_answer_is_none_either(whole: Folded) -> None:
    """It may be refused by a status, too: nothing was said before."""
    choices = [
        {"index": n, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
        for n, text in enumerate("ab")
    ]
    value = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    said = whole("chat_completions", value)
    assert said.joined("text") == "a"
    assert said.ends == {"completed", "failed", "http-error"}
