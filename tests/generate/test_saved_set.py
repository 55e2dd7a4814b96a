"""The saved set: it loads, it is legal, and the official SDKs read it as it is scripted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from conformance.cases import all_cases
from conformance.cases.saved import SAVED, saved_cases
from conformance.generate import GENERATOR
from conformance.generate.kept import chosen, traits
from conformance.pieces import parsed
from fakes.dialects import get
from fakes.script import DIALECTS, Dies, Error, Interleaved, Part, Reasoning, Script, Text, ToolCall

SAVED_CASES = saved_cases()
ASKED: dict[str, Any] = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}


def _scripts() -> list[Any]:
    return [
        pytest.param(case.dialects[0], answer, id=f"{case.id}-{number}")
        for case in SAVED_CASES
        for number, turn in enumerate(case.turns)
        for answer in turn.answers
        if isinstance(answer, Script)
    ]


def _flat(script: Script) -> list[Part]:
    return [one for part in script.parts for one in (part.parts if isinstance(part, Interleaved) else (part,))]


def _joined(script: Script, kind: type[Text | Reasoning]) -> str:
    return "".join("".join(part.pieces) for part in _flat(script) if isinstance(part, kind))


def _calls(script: Script) -> list[tuple[str, str]]:
    return [(part.name, "".join(part.pieces)) for part in _flat(script) if isinstance(part, ToolCall)]


def test_the_set_is_as_large_as_it_is_said_to_be() -> None:
    """There are forty to sixty cases, as many in each dialect, and the default run drives them all."""
    assert 40 <= len(SAVED_CASES) <= 60
    assert len(set(Counter(case.dialects for case in SAVED_CASES).values())) == 1
    assert {case.dialects[0] for case in SAVED_CASES} == set(DIALECTS)
    assert {case.id for case in SAVED_CASES} <= {case.id for case in all_cases()}


def test_each_file_says_where_it_came_from() -> None:
    """A file names its own number, the generator's version, hypothesis' version and the seed."""
    for file in sorted(SAVED.glob("*.json")):
        document = json.loads(file.read_text("utf-8"))
        assert document["id"] == f"generated.{file.stem}"
        assert set(document["made"]) == {"generator", "hypothesis", "seed"}
        assert document["made"]["generator"] <= GENERATOR


def test_a_turn_is_driven_plainly_and_hostilely() -> None:
    """Single turns cost two drives, conversations one: the set is there for combinations and not for cost."""
    assert {frozenset(case.drives) for case in SAVED_CASES if len(case.turns) == 1} == {
        frozenset({"stream", "hostile"})
    }
    assert all(len(case.drives) == 1 for case in SAVED_CASES if len(case.turns) > 1)


@pytest.mark.parametrize(
    "trait",
    [
        *("part Interleaved", "part Reasoning", "part Annotation", "3 calls", "arguments on several lines"),
        *("ends by tool_calls", "ends by length", "ends by Dies", "ends by Error"),
        *("continues", "branches by id", "echoes", "branches by echo"),
    ],
)
def test_the_set_shows_what_it_was_chosen_for(trait: str) -> None:
    """Each kind of content, ending and continuation is in the set."""
    assert any(trait in traits(case) for case in SAVED_CASES)


def test_choosing_prefers_what_is_new() -> None:
    """Of two equal cases and another one, the other one is the second to be kept."""
    first, other = SAVED_CASES[0], SAVED_CASES[1]
    assert chosen([first, first, other], 2, 10**6) in ([first, other], [other, first])
    assert chosen([first, other], 5, 0) == []


@pytest.mark.parametrize(("dialect", "script"), _scripts())
def test_the_sdk_reads_a_saved_answer_as_scripted(dialect: str, script: Script) -> None:
    """openai's or anthropic's client, reading the stream event by event, finds the text and the calls."""
    texts, calls = (_by_anthropic if dialect == "messages" else _by_openai)(dialect, script)
    assert texts == _joined(script, Text)
    assert sorted(map(_known, calls)) == sorted(map(_known, _calls(script)))


def _known(call: tuple[str, str]) -> tuple[str, str]:
    name, arguments = call
    value = parsed(arguments or "{}")
    return name, repr(value) if value is not None else arguments


def _client(reply: Any) -> Any:
    def handle(_request: Any) -> Any:
        return httpx2.Response(reply.status, headers=list(reply.headers), content=reply.body)

    return httpx2.Client(transport=httpx2.MockTransport(handle))


def _ends_badly(script: Script) -> bool:
    return any(isinstance(part, Error | Dies) for part in script.parts)


def _by_openai(dialect: Any, script: Script) -> tuple[str, list[tuple[str, str]]]:
    reply = get(dialect).encode(script, {**ASKED, "messages": []})
    texts: list[str] = []
    calls: dict[int, list[str]] = {}
    with openai.OpenAI(api_key="k", base_url="http://fake/v1", http_client=_client(reply), max_retries=0) as client:
        try:
            for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
                for choice in chunk.choices:
                    texts.append(choice.delta.content or "")
                    _openai_calls(choice.delta, calls)
        except openai.APIError:
            assert _ends_badly(script)
    return "".join(texts), [(name, arguments) for name, arguments in calls.values()]


def _openai_calls(delta: Any, calls: dict[int, list[str]]) -> None:
    """The fragments of calls by index; a new id, or no index at all, opens a new one."""
    for fragment in delta.tool_calls or ():
        index = len(calls) if fragment.index is None else fragment.index
        while fragment.id and index in calls and calls[index][1] and calls[index][2:] not in ([], [fragment.id]):
            index += 1
        own = calls.setdefault(index, ["", ""])
        if fragment.function and fragment.function.name and not own[0].endswith(fragment.function.name):
            own[0] += fragment.function.name
        if fragment.function:
            own[1] += fragment.function.arguments or ""
    if delta.function_call:
        own = calls.setdefault(0, ["", ""])
        own[0] += delta.function_call.name or ""
        own[1] += delta.function_call.arguments or ""


def _by_anthropic(dialect: Any, script: Script) -> tuple[str, list[tuple[str, str]]]:
    # anthropic's client tells events by their `event:` lines, and gives out none without.
    readable = replace(script, quirks=script.quirks - {"no-event-lines"})
    reply = get(dialect).encode(readable, {**ASKED, "messages": []})
    texts: list[str] = []
    calls: dict[int, list[str]] = {}
    client = anthropic.Anthropic(api_key="k", base_url="http://fake", http_client=_client(reply), max_retries=0)
    with client:
        try:
            for event in client.messages.create(model="m", max_tokens=9, messages=[], stream=True):
                if event.type == "content_block_start" and event.content_block.type == "tool_use":
                    given = event.content_block.input
                    calls[event.index] = [event.content_block.name, json.dumps(given) if given else ""]
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    texts.append(event.delta.text)
                elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                    calls[event.index][1] += event.delta.partial_json
        except anthropic.APIError:
            assert _ends_badly(script)
    return "".join(texts), [(name, arguments) for name, arguments in calls.values()]
