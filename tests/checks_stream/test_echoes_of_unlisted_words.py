"""Words that no API lists: echoed as the request had them they are the request's fault, else the response's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openai.types.responses import Response

from conformance.checks.schemas import for_openai, schema_problem, without_echoes

RIGHT: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "text": {"format": {"type": "text"}, "verbosity": "low"},
}
ASKED: dict[str, dict[str, Any]] = {
    "a choice": {"tool_choice": "sometimes"},
    "a format": {"text": {"format": {"type": "yaml"}}},
    "a verbosity": {"text": {"format": {"type": "text"}, "verbosity": "loquacious"}},
    "an effort": {"reasoning": {"effort": "heroic"}},
    "a truncation": {"truncation": "somewhere"},
}
WORDS = re.compile("sometimes|yaml|loquacious|heroic|somewhere")


def problem(response: dict[str, Any], request: dict[str, Any]) -> str | None:
    return schema_problem(Response, without_echoes(for_openai(response), request))


@pytest.mark.parametrize("name", ASKED)
def test_an_echo_is_the_request_s_fault(name: str) -> None:
    """What the request asked for and the response repeats is not held against the response's schema."""
    asked = ASKED[name]
    assert problem({**RIGHT, **asked}, asked) is None


@pytest.mark.parametrize("name", ASKED)
def test_a_word_of_the_target_s_own_is_its_fault(name: str) -> None:
    """The same word is a violation where the request asked for nothing of the kind, or for another word."""
    assert problem({**RIGHT, **ASKED[name]}, {}) is not None
    others = json.loads(WORDS.sub("another", json.dumps(ASKED[name])))
    assert problem({**RIGHT, **ASKED[name]}, others) is not None


def test_an_echo_excuses_nothing_beside_it() -> None:
    """A response that repeats the request's word and lacks a field is accused of the field that it lacks."""
    asked = ASKED["a choice"]
    short = {key: value for key, value in {**RIGHT, **asked}.items() if key != "tools"}
    assert "tools" in (problem(short, asked) or "")
