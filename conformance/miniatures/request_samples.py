"""Samples for requests that real clients send: renamed tools, limits, attachments, settings, impossible choices.

They are cases like any other, apart from the suite's own so that the lock of the miniatures does not change with
those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.build import (
    TIME_TOOL,
    WEATHER_TOOL,
    answers,
    assistant,
    call,
    call_item,
    function,
    output_item,
    says,
    user,
)
from conformance.cases.case import Case, Turn
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.transcript import DriveKind, Transcript
from fakes.script import DeclaredCall

__all__ = ["REQUEST_SAMPLES", "locked_requests", "request_transcripts"]

_SOURCE = "openai-openapi, CreateResponse"
_BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
_REFUSED: dict[str, Any] = {"refusal_statuses": frozenset({400, 422}), "may_refuse": True}
_TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
_QUERY: dict[str, Any] = {"query": {"type": "string"}}
_PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"
_LIST = "data:text/plain;base64,VGVhOiAzIGtnClJ5ZTogMiBrZwo="
_LONG = function("mcp__" + "a_server_with_an_extraordinarily_long_name_" * 2 + "find", "Finds pages.", **_QUERY)
_WIKI = {
    "type": "namespace",
    "name": "wiki",
    "description": "A wiki.",
    "tools": [function("find", "Finds articles.", **_QUERY)],
}
_PATCH = {"type": "custom", "name": "patch", "description": "Patches a file.", "format": {"type": "text"}}
_SEARCH = {
    "type": "tool_search",
    "execution": "client",
    "description": "Finds tools.",
    "parameters": {"type": "object", "properties": {"goal": {"type": "string"}}, "required": ["goal"]},
}
_DISOBEYING = says(
    "I will see. ",
    call("get_time", {"zone": "CET"}, "call_t"),
    call("get_weather", {"city": "Oslo"}, "call_w"),
    finish="tool_calls",
)


def _case(name: str, *turns: Turn, **keys: Any) -> Case:
    return Case(
        id=f"request-sample.{name}",
        summary=name.replace("-", " "),
        source=_SOURCE,
        turns=turns,
        drives=_BOTH,
        **keys,
    )


def _asked(name: str, said: Any = None, /, **body: Any) -> Case:
    own = ("dialects", "features", "tags", "refusal_statuses", "may_refuse", "expected_calls")
    keys = {key: body.pop(key) for key in own if key in body}
    return _case(name, *answers(said or says("Understood."), **body), **keys)


def _called(name: str, expected: dict[str, Any], made: DeclaredCall, *tools: Any, **keys: Any) -> Case:
    said = says(made, finish="tool_calls")
    return _asked(name, said, tools=[*tools, WEATHER_TOOL], expected_calls=(expected,), **keys)


def _attached(name: str, *parts: dict[str, Any], **keys: Any) -> Case:
    turn = Turn(request={"input": [user("Look:", *parts)], "store": False}, answers=(says("I see."),))
    return _case(name, turn, **keys)


_RENAMED = (
    _called(
        "long-name-called",
        {"type": "function_call", "name": _LONG["name"]},
        DeclaredCall("Finds pages.", ("find",), arguments='{"query": "tea"}', id="call_l"),
        _LONG,
        features=frozenset({"long-names"}),
    ),
    _called(
        "group-called",
        {"type": "function_call", "name": "find", "namespace": "wiki"},
        DeclaredCall("Finds articles.", ("find",), arguments='{"query": "tea"}', id="call_n"),
        _WIKI,
        features=frozenset({"namespaces"}),
    ),
    _called(
        "custom-called",
        {"type": "custom_tool_call", "name": "patch", "input": "one line of a patch,\nand another one\n"},
        DeclaredCall("Patches a file.", ("patch",), input="one line of a patch,\nand another one\n", id="call_p"),
        _PATCH,
        features=frozenset({"custom-tools"}),
    ),
    _called(
        "search-called",
        {"type": "tool_search_call", "execution": "client", "arguments": {"goal": "calendar"}},
        DeclaredCall("Finds tools.", ("tool_search",), arguments='{"goal": "calendar"}', id="call_s"),
        _SEARCH,
        features=frozenset({"tool-search"}),
    ),
    _case(
        "search-in-history",
        Turn(
            request={
                "input": [
                    user("Find tea."),
                    {
                        "type": "tool_search_call",
                        "call_id": "call_s",
                        "status": "completed",
                        "execution": "client",
                        "arguments": {"goal": "tea"},
                    },
                    {"type": "tool_search_output", "call_id": "call_s", "execution": "client", "tools": [_WIKI]},
                ],
                "tools": [_SEARCH],
                "store": False,
            },
            answers=(
                says(
                    DeclaredCall("Finds articles.", ("find",), arguments='{"query": "tea"}', id="call_n"),
                    finish="tool_calls",
                ),
            ),
        ),
        features=frozenset({"namespaces", "tool-search"}),
        expected_calls=({"type": "function_call", "name": "find", "namespace": "wiki"},),
    ),
    _case(
        "renamed-in-history",
        Turn(
            request={
                "input": [
                    user("Find tea."),
                    call_item("call_1", "find", '{"query":"tea"}', namespace="wiki"),
                    output_item("call_1", "a drink"),
                    assistant("It is a drink."),
                    user("And pages?"),
                    call_item("call_2", _LONG["name"], '{"query":"tea"}'),
                    output_item("call_2", "three pages"),
                ],
                "tools": [_WIKI, _LONG],
                "store": False,
            },
            answers=(says("Three pages."),),
        ),
        features=frozenset({"namespaces", "long-names"}),
    ),
)

_LIMITS = (
    _asked(
        "other-tool-called",
        _DISOBEYING,
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]},
        **_TOOLS,
    ),
    _asked("two-calls-for-one", _DISOBEYING, parallel_tool_calls=False, **_TOOLS),
    _asked("called-in-spite-of-none", _DISOBEYING, tool_choice="none", **_TOOLS),
)

_ATTACHMENTS = (
    _attached(
        "files",
        {"type": "input_file", "filename": "page.pdf", "file_data": _PDF},
        {"type": "input_text", "text": "And:"},
        {"type": "input_file", "filename": "list.txt", "file_data": _LIST},
        dialects=("chat_completions", "messages"),
    ),
    _attached(
        "audio", {"type": "input_audio", "input_audio": {"data": "UklGRiYAAABXQVZF", "format": "wav"}}, **_REFUSED
    ),
    _attached("file-by-id", {"type": "input_file", "file_id": "file-0123456789"}, **_REFUSED),
    _attached(
        "image-details",
        {"type": "input_image", "image_url": "https://example.org/cat.png", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/dog.png", "detail": "high"},
        features=frozenset({"images"}),
    ),
)

_SETTINGS = (
    _asked("verbosity", text={"verbosity": "low"}),
    _asked("summary", reasoning={"effort": "medium", "summary": "auto"}),
    _asked(
        "json-mode",
        says('{"ok": true}'),
        instructions="Be exact.",
        text={"format": {"type": "json_object"}},
        dialects=("messages",),
    ),
    _asked("choice-not-declared", tool_choice={"type": "function", "name": "get_tides"}, **_REFUSED, **_TOOLS),
    _asked("choice-of-hosted", tool_choice={"type": "web_search"}, **_REFUSED, tools=[{"type": "web_search"}]),
    _asked("effort-unknown", reasoning={"effort": "frantic"}, **_REFUSED),
)

_EXACT = (
    _case(
        "exact",
        Turn(
            request={
                "instructions": "Two lines:\n\tnin\u0303o\n  and  blanks.",
                "input": [
                    user("Cafe\u0301, please."),
                    assistant("Here it is:\n\n"),
                    user("And a note."),
                    call_item("call_e", "get_weather", '{ "city": "Bergen", "at": 1.0 }'),
                    output_item("call_e", ""),
                    user("Noted?"),
                ],
                "store": False,
                **_TOOLS,
            },
            answers=(says("Noted."),),
        ),
    ),
)

REQUEST_SAMPLES: tuple[Case, ...] = (*_RENAMED, *_LIMITS, *_ATTACHMENTS, *_SETTINGS, *_EXACT)
"""Every situation in which the miniatures of requests are shown."""


def request_transcripts() -> Iterator[tuple[str, Transcript]]:
    """Every sample in its dialects through every right target, with that target's name."""
    for name, target in RIGHT_TARGETS.items():
        for case in REQUEST_SAMPLES:
            for dialect in case.dialects:
                yield name, right_case(case, dialect, target)


def locked_requests() -> Iterator[Transcript]:
    """The right transcripts that miniatures are locked by: one target in all dialects, the other in one of each."""
    for number, case in enumerate(REQUEST_SAMPLES):
        for dialect in case.dialects:
            yield right_case(case, dialect, RIGHT_TARGETS["plain"])
        yield right_case(case, case.dialects[number % len(case.dialects)], RIGHT_TARGETS["patient"])
