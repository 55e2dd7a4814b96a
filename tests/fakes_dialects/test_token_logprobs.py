"""Log probabilities: given to those who ask, the same in every form of an answer, and readable by the SDK."""

from __future__ import annotations

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from fakes.dialects.logprobs import token_logprobs
from fakes.script import Reasoning, Script, Text, ToolCall

PARTS = (Reasoning(("So",)), Text(("Yes", "", " naïve", "!")), ToolCall("f", ("{}",)))
SAYS = Script(parts=PARTS, finish="tool_calls")
TEXT = ["Yes", " naïve", "!"]
OF = {"chat_completions": TEXT, "vllm": ["So", *TEXT]}


def streamed(found):
    """The log probabilities of a stream, in order."""
    choices = [choice for event in found[:-1] for choice in ChatCompletionChunk.model_validate(event).choices]
    return [entry for choice in choices if choice.logprobs for entry in choice.logprobs.content or ()]


@pytest.mark.parametrize("dialect", sorted(OF))
def test_each_fragment_is_a_token(encode, events, dialect):
    """OpenAI gives them of text, vLLM of reasoning too; none of empty fragments, and of calls neither does here."""
    found = streamed(events(encode(dialect, SAYS, logprobs=True, top_logprobs=2)))
    assert [entry.token for entry in found] == OF[dialect]
    assert [bytes(entry.bytes).decode() for entry in found] == OF[dialect]
    assert all(entry.logprob < 0 for entry in found)
    assert len({entry.logprob for entry in found}) == len(found)


@pytest.mark.parametrize("dialect", sorted(OF))
def test_a_whole_answer_has_the_same(encode, events, dialect):
    """Streamed and whole, an answer has the same numbers."""
    whole = json.loads(encode(dialect, SAYS, stream=False, logprobs=True, top_logprobs=2).body)
    content = ChatCompletion.model_validate(whole).choices[0].logprobs.content
    assert [entry.model_dump() for entry in content] == [
        entry.model_dump() for entry in streamed(events(encode(dialect, SAYS, logprobs=True, top_logprobs=2)))
    ]


@pytest.mark.parametrize("asked", [{}, {"logprobs": False}, {"top_logprobs": 2}, {"logprobs": None}])
@pytest.mark.parametrize("dialect", sorted(OF))
def test_nobody_gets_them_unasked(encode, events, dialect, asked):
    """Without `logprobs: true` the field is null, in every chunk and in a whole answer."""
    chunks = events(encode(dialect, SAYS, **asked))[:-1]
    assert {str(choice["logprobs"]) for chunk in chunks for choice in chunk["choices"]} == {"None"}
    assert json.loads(encode(dialect, SAYS, stream=False, **asked).body)["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("most", [0, 1, 3])
def test_there_are_as_many_alternatives_as_asked_for(most):
    """The token itself is the likeliest of them, the others are less likely, one after the other."""
    (entry,) = token_logprobs(["Yes"], most)
    found = [other["logprob"] for other in entry["top_logprobs"]]
    assert len(found) == most
    assert found == sorted(found, reverse=True)
    assert [other["token"] for other in entry["top_logprobs"][:1]] == ["Yes"][:most]
