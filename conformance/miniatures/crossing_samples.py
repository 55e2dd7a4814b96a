"""Samples for what crosses a target: requests, turns, endings, failures and the other endpoints.

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
    asks,
    assistant,
    call,
    call_item,
    developer,
    function,
    output_item,
    says,
    system,
    thinks,
    user,
)
from conformance.cases.case import Case, Turn
from conformance.miniatures.burden_samples import BURDEN_SAMPLES
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.miniatures.state_samples import STATE_SAMPLES
from conformance.transcript import DriveKind, Transcript
from fakes.reply import HttpFailure, Reply, Verbatim
from fakes.script import Dialect, Dies, Error, RedactedReasoning, Refusal, Text

__all__ = ["CROSSING_SAMPLES", "crossing_transcripts", "locked_crossings"]

_SOURCE = "openai-openapi, CreateResponse"
_BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
_STREAM: frozenset[DriveKind] = frozenset({"stream"})
_DELIVERIES: frozenset[DriveKind] = frozenset({"stream", "hostile", "gated", "bytes"})
_JSON: frozenset[DriveKind] = frozenset({"json"})
_CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
_PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
_OSLO, _CET = '{"city":"Oslo","zip":12345678901234567890}', '{"zone":"CET"}'
_TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL, TIME_TOOL]}
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "alone": {"type": "boolean"}},
    "required": ["city", "alone"],
    "additionalProperties": False,
}
_LOOSE = {"type": "function", "name": "search", "description": "Searches.", "parameters": {"type": "object"}}
_GRAMMAR = 'start: "begin" line+\nline: /[^\\n]*/'


def _case(name: str, *turns: Turn, drives: frozenset[DriveKind] = _BOTH, **keys: Any) -> Case:
    return Case(
        id=f"crossing.{name}", summary=name.replace("-", " "), source=_SOURCE, turns=turns, drives=drives, **keys
    )


def _asked(name: str, /, **body: Any) -> Case:
    keys = {key: body.pop(key) for key in ("dialects", "features", "tags") if key in body}
    script = (
        says("Understood.")
        if not body.get("tools")
        else says(call("get_weather", {"city": "Oslo"}), finish="tool_calls")
    )
    return _case(name, *answers(script, **body), **keys)


def _remembers(name: str, /, *items: Any, **body: Any) -> Case:
    keys = {
        key: body.pop(key) for key in ("dialects", "features", "tags", "refusal_statuses", "may_refuse") if key in body
    }
    turn = Turn(request={"input": list(items), "store": False, **body}, answers=(says("I see."),))
    return _case(name, turn, **keys)


_REQUESTS = (
    _case("string-input", Turn(request={"input": "Hello.", "store": False}, answers=(says("Hi."),)), drives=_STREAM),
    _remembers("sdk-request", {"role": "user", "content": "Hello."}, tags=frozenset({"client", "openai"})),
    _remembers(
        "codex-request",
        user("Hello."),
        tools=[WEATHER_TOOL, {"type": "web_search", "external_web_access": True}],
        tags=frozenset({"client", "codex"}),
    ),
    _remembers(
        "conversation",
        system("Rule two: be kind."),
        developer("Rule three: be exact."),
        user("  First part, indented.\n", {"type": "input_text", "text": "Second part."}) | {"id": "msg_client_1"},
        assistant("The first answer.", id="msg_server_1", status=None),
        developer("Rule four: use digits."),
        user("The last question.") | {"turn_metadata": {"turn": 3}},
        instructions="Rule one: be brief.",
        temperature=0.2,
        max_output_tokens=1234,
        safety_identifier="user-4711",
        client_metadata={"window": "1"},
        top_p=None,
        reasoning={"summary": "auto"},
        text={"format": {"type": "text"}},
        include=["reasoning.encrypted_content"],
    ),
    _remembers(
        "turns-with-tools",
        user("Weather and time in Oslo?"),
        assistant("Let me look."),
        call_item("call_a", "get_weather", _OSLO, id="fc_1"),
        call_item("call_b", "get_time", _CET, id="fc_2"),
        output_item("call_a", [{"type": "input_text", "text": "rain"}, {"type": "input_text", "text": "4 degrees"}]),
        output_item("call_b", "12:00"),
        assistant("It rains at noon."),
        user("And Bergen?"),
        call_item("call_a", "get_weather", '{"city":"Bergen"}'),
        output_item("call_a", "snow"),
        user("So?"),
        tools=[function("get_weather", "The weather.", strict=True, city={"type": "string"}), TIME_TOOL, _LOOSE],
        parallel_tool_calls=False,
    ),
    _asked("parallel-allowed", parallel_tool_calls=True, top_p=0.9, tool_choice="auto", **_TOOLS),
    _asked("required", tool_choice="required", reasoning={"effort": "low"}, **_TOOLS),
    _asked("forbidden", tool_choice="none", **_TOOLS),
    _asked("named", tool_choice={"type": "function", "name": "get_time"}, **_TOOLS),
    _asked(
        "allowed",
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]},
        **_TOOLS,
    ),
    _asked(
        "schema",
        text={"format": {"type": "json_schema", "name": "city", "schema": _SCHEMA, "strict": True}},
        reasoning={"effort": "medium"},
    ),
    _asked("json-mode", asked="Answer in JSON.", text={"format": {"type": "json_object"}}, dialects=_CHAT),
    _asked("no-tools", tools=[], tool_choice="auto", parallel_tool_calls=True),
    _remembers(
        "images",
        user("Before:", {"type": "input_image", "image_url": _PIXEL}, {"type": "input_text", "text": "After."}),
        call_item("call_i", "get_weather", _OSLO),
        output_item(
            "call_i", [{"type": "input_text", "text": "a map"}, {"type": "input_image", "image_url": _PIXEL + "AA"}]
        ),
        features=frozenset({"images"}),
        **_TOOLS,
    ),
    _remembers(
        "images-in-turns",
        user("What colour is it?", {"type": "input_image", "image_url": _PIXEL + "AAAA"}),
        assistant("It is a deep red."),
        user("And what is this one?", {"type": "input_image", "image_url": _PIXEL + "BBBB"}),
        call_item("call_east", "get_weather", _OSLO),
        call_item("call_west", "get_weather", _OSLO),
        output_item("call_east", [{"type": "input_image", "image_url": _PIXEL + "CCCC"}]),
        output_item("call_west", [{"type": "input_image", "image_url": _PIXEL + "DDDD"}]),
        features=frozenset({"images"}),
        **_TOOLS,
    ),
    _remembers(
        "special-tools",
        {"type": "additional_tools", "role": "developer", "tools": [function("wait", ms={"type": "integer"})]},
        user("Patch it."),
        {"type": "custom_tool_call", "call_id": "call_p", "name": "patch", "input": "begin\nnaïve"},
        {"type": "custom_tool_call_output", "call_id": "call_p", "output": "patched"},
        tools=[
            {
                "type": "custom",
                "name": "patch",
                "description": "Patches.",
                "format": {"type": "grammar", "syntax": "lark", "definition": _GRAMMAR},
            },
            {
                "type": "namespace",
                "name": "docs",
                "description": "Documents.",
                "tools": [function("find", "Finds documents.", query={"type": "string"})],
            },
            {
                "type": "namespace",
                "name": "wiki",
                "description": "Articles.",
                "tools": [function("find", "Finds articles.", query={"type": "string"})],
            },
            {"type": "web_search"},
            function("a_name_that_is_longer_than_the_sixty_four_characters_which_services_take", q={"type": "string"}),
        ],
        features=frozenset({"custom-tools", "namespaces", "additional-tools", "long-names"}),
    ),
)

_HISTORIES = (
    _remembers(
        "odd-history",
        user("Weather and time in Oslo?"),
        {"type": "reasoning", "id": "rs_f", "summary": [{"type": "summary_text", "text": "A foreign thought."}],
         "encrypted_content": "gAAAA-of-another-server"},
        assistant(""),
        call_item("a.b", "get_weather", _OSLO),
        call_item("a:b", "get_time", ""),
        output_item("a.b", "rain"),
        output_item("a:b", "12:00"),
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "tea"}},
        {"type": "compaction", "encrypted_content": "of-another-server"},
        {"type": "agent_message", "author": "reviewer", "content": [{"type": "input_text", "text": "Reviewed."}]},
        user("Hm."),
        call_item("call_g", "get_weather", '{"city": "Os'),
        output_item("call_g", "the arguments are no JSON"),
        **_TOOLS,
    ),
    _remembers("ends-with-assistant", user("Tell me a story."), assistant("Once upon a time ")),
    _remembers(
        "orphan",
        user("Hi."),
        call_item("call_1", "get_weather", _OSLO),
        output_item("call_1", "rain"),
        output_item("call_lost", "the lost result"),
        user("So?"),
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
        tags=frozenset({"orphan"}),
        **_TOOLS,
    ),
)  # fmt: skip

_THINKS: dict[str, Any] = {"reasoning": {"effort": "medium", "summary": "auto"}, **_TOOLS}


def _loop(name: str, *said: Any, **keys: Any) -> Case:
    first = {"input": [user("Weather in Oslo?")], "store": False, **_THINKS}
    result = output_item("{call_id:0:0}", "4 degrees, rain")
    second = {**first, "input": [user("Weather in Oslo?"), {"$output": 0}, result]}
    return _case(
        name,
        Turn(request=first, answers=(says(*said, finish="tool_calls"),)),
        Turn(request=second, answers=(says("It is 4 degrees and it rains."),)),
        features=frozenset({"reasoning"}),
        **keys,
    )


_WEATHER_CALL = call("get_weather", {"city": "Oslo"}, "call_loop")
_LOOPS = (
    _loop("loop", thinks("I must look at the weather.", "c2lnLWxvb3A="), _WEATHER_CALL),
    _loop("loop-of-two-thoughts", thinks("Oslo."), "A moment. ", thinks("The tool."), _WEATHER_CALL, dialects=_CHAT),
    _loop("redacted-loop", RedactedReasoning("b3BhcXVlLWxvb3A="), _WEATHER_CALL, dialects=("messages",)),
    _case(
        "continued",
        Turn(
            request={
                "input": [user("My name is Ada.")],
                "instructions": "Speak like a pirate.",
                "store": True,
                **_TOOLS,
            },
            answers=(says("Hello Ada. ", call("get_weather", {"city": "Oslo"}, "call_stored"), finish="tool_calls"),),
        ),
        Turn(
            request={
                "input": [output_item("{call_id:0:0}", "rain"), user("What is my name?")],
                "previous_response_id": "{previous}",
                "store": True,
                **_TOOLS,
            },
            answers=(says("Ada."),),
        ),
        features=frozenset({"store"}),
    ),
    _case(
        "stored",
        Turn(request=asks(store=True), answers=(says("Kept."),)),
        Turn(method="GET", path="/responses/{previous}"),
        Turn(method="GET", path="/responses/{previous}/input_items"),
        features=frozenset({"store"}),
        drives=_STREAM,
    ),
    _case(
        "deleted",
        Turn(request=asks(store=True), answers=(says("Gone soon."),)),
        Turn(method="DELETE", path="/responses/{previous}"),
        Turn(method="GET", path="/responses/{previous}"),
        features=frozenset({"store"}),
        drives=_STREAM,
    ),
)


def _ends(name: str, *said: Any, drives: frozenset[DriveKind] = _BOTH, **keys: Any) -> Case:
    scripted = {key: keys.pop(key) for key in ("finish", "usage") if key in keys}
    return _case(name, *answers(says(*said, **scripted), **_TOOLS), drives=drives, **keys)


_CUT: dict[str, Any] = {"finish": None, "usage": None, "drives": _STREAM}
_WHOLE_CALL = call("get_time", {"zone": "CET"}, "call_whole")
_HALF_CALL = call("get_weather", '{"city": "Os', "call_cut")
_ENDINGS = (
    _ends("whole", "A first text, and ", "a second one."),
    _ends("length", "This sentence is cut in the mid", finish="length"),
    _ends("length-in-call", _WHOLE_CALL, _HALF_CALL, finish="length", drives=_STREAM),
    _ends("filtered", "Well, in that case", finish="content_filter", dialects=("chat_completions",)),
    _ends("refused-late", "I could say that", finish="refusal", dialects=("messages",)),
    _ends("refused", finish="refusal", dialects=("messages",)),
    _ends("refusal", Refusal(("I cannot ", "do that.")), dialects=("chat_completions",)),
    _ends("eof-in-text", Text(("Half ", "a ", "sen", "t")), Dies("eof"), **_CUT),
    _ends("eof-in-call", "Before. ", _WHOLE_CALL, _HALF_CALL, Dies("eof"), **_CUT),
    _ends("error-in-text", Text(("So far ", "so good")), Error(500, "The engine has died."), **_CUT),
    _ends("rate-limit-in-text", Text(("Slow ",)), Error(429, "Rate limit."), **_CUT, dialects=("messages", "vllm")),
    _ends("bad-request-in-text", Text(("Wrong ",)), Error(400, "Bad image."), **_CUT, dialects=("messages", "vllm")),
    _ends("no-finish", "All said.", finish=None, dialects=_CHAT),
    _ends("thoughtful", thinks("A quiet thought."), "A spoken word.", features=frozenset({"reasoning"})),
    _case("delivered", *answers(says(thinks("Slowly."), "Bit by bit by bit.")), drives=_DELIVERIES),
    _case("left", Turn(request=asks(), answers=(says("A long, unread text."),), leave_after=4), drives=_STREAM),
)  # fmt: skip

_FAILURES = (
    _case("fails-bad-request", *answers(HttpFailure(400, "bad_request"))),
    _case("fails-context-length", *answers(HttpFailure(400, "context_length"))),
    _case("fails-rate-limit", *answers(HttpFailure(429, "rate_limit", retry_after="7"))),
    _case("fails-rate-limit-mute", *answers(HttpFailure(429, "rate_limit"))),
    _case("fails-overloaded", *answers(HttpFailure(503, "overloaded", retry_after="3"))),
    _case("fails-key", *answers(HttpFailure(401, "auth"))),
    _case("fails-model", *answers(HttpFailure(404, "unknown_model"))),
    _case("fails-server", *answers(HttpFailure(500, "server_error"))),
    _case("fails-before-status", *answers(Verbatim(Reply(200, (), (), "reset-before-status")))),
    _case("refused-malformed", Turn(raw_body=b'{"model": '), refusal_statuses=frozenset({400, 422}), drives=_JSON),
    _case("refused-input", Turn(request={"input": 5}), refusal_statuses=frozenset({400, 422})),
    _case(
        "refused-previous",
        Turn(request=asks(previous_response_id="resp_unknown")),
        refusal_statuses=frozenset({400, 404}),
        features=frozenset({"store"}),
    ),
)

_UPGRADE = {"upgrade": "websocket", "connection": "upgrade"}
_ENDPOINTS = (
    _case("get-unknown", Turn(method="GET", path="/responses/resp_unknown"), drives=_JSON),
    _case("put", Turn(method="PUT", path="/responses"), drives=_JSON),
    _case("models", Turn(method="GET", path="/models"), drives=_JSON),
    _case("upgrade", Turn(method="GET", path="/responses", headers=_UPGRADE), drives=_JSON),
    _case(
        "packed", Turn(request=asks(), headers={"content-encoding": "gzip"}, answers=(says("Unpacked."),)), drives=_JSON
    ),
)

CROSSING_SAMPLES: tuple[Case, ...] = (
    *_REQUESTS,
    *_HISTORIES,
    *_LOOPS,
    *_ENDINGS,
    *_FAILURES,
    *_ENDPOINTS,
    *STATE_SAMPLES,
    *BURDEN_SAMPLES,
)
"""Every situation in which the miniatures of this side are shown."""


def crossing_transcripts() -> Iterator[tuple[str, Transcript]]:
    """Every sample in its dialects through every right target, with that target's name."""
    for name, target in RIGHT_TARGETS.items():
        for case in CROSSING_SAMPLES:
            for dialect in case.dialects:
                yield name, right_case(case, dialect, target)


def locked_crossings() -> Iterator[Transcript]:
    """The right transcripts that miniatures are locked by: one target in all dialects, the other in one of each."""
    plain, patient = RIGHT_TARGETS["plain"], RIGHT_TARGETS["patient"]
    for number, case in enumerate(CROSSING_SAMPLES):
        for dialect in case.dialects:
            yield right_case(case, dialect, plain)
        yield right_case(case, case.dialects[number % len(case.dialects)], patient)
