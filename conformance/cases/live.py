"""Cases for live endpoints: a real model answers, and nobody knows what it will say.

Their requests are such that a model may be hoped to say what a case is about; where it does not, the case shows
nothing of it, and says so (`hopes`). They have no answers of an upstream and are driven in no dialect.

The cases `acceptance.*` ask what Open Responses' own acceptance tests of the same names ask over HTTP
(openresponses/openresponses, src/lib/compliance-tests.ts, the suite of 17), in words of their own and with a limit
on the output. The order is that in which cases are taken while the number of requests is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from conformance.cases import endpoints, failures, stored
from conformance.cases.build import WEATHER_TOOL, function, output_item, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["ACCEPTANCE", "CASES", "HELLO", "NOT_OVER_HTTP", "Hope", "LiveCase"]

Hope = Literal["text", "call", "two calls", "many deltas", "cut", "reasoning", "compaction"]

ONCE: frozenset[DriveKind] = frozenset({"json"})
STREAM: frozenset[DriveKind] = frozenset({"stream"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
STORE = frozenset({"store"})
NOT_OFFERED = frozenset({400, 404, 405, 415, 422, 501})
"""The statuses with which a server may say that it does not offer what it does not declare."""

_LIMIT = 1024  # enough for models that think before a short answer
_LONG = 4096
_LEAST = 16  # the smallest limit that OpenAI's service takes

RED_SQUARE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAKklEQVR42mO4IydHU8QwasGoBaMWjFow"
    "asGoBaMWjFowasGoBaMWDBULAJI2YD30P/0LAAAAAElFTkSuQmCC"
)
"""A data URL of 32 by 32 red pixels: some models refuse images of one."""


@dataclass(frozen=True, kw_only=True)
class LiveCase(Case):
    """One situation at a live endpoint.

    `hopes` are what the model has to say for the case to show what it is about. Unless all features in `optional` are
    declared, the server may also refuse it. `tokens` is about how many output tokens one drive of it costs.
    `acceptance` is the id of Open Responses' acceptance test that it covers.
    """

    hopes: tuple[Hope, ...] = ()
    optional: frozenset[str] = frozenset()
    tokens: int = 0
    acceptance: str | None = None

    @property
    def requests(self) -> int:
        """How many requests it makes, at most."""
        return len(self.turns) * len(self.drives)

    @property
    def expected_tokens(self) -> int:
        """About how many output tokens all its drives cost."""
        return self.tokens * len(self.drives)

    @property
    def most_tokens(self) -> int:
        """How many output tokens it can cost by the limits in its requests."""
        limits = [int(turn.request.get("max_output_tokens") or 0) for turn in self.turns]
        return sum(limits) * len(self.drives)

    def facts(self, declared: frozenset[str]) -> dict[str, Any]:
        """What it states about itself for checks to read, at a server that is said to have these features."""
        undeclared = sorted(self.optional - declared)
        may_refuse = bool(undeclared) and not self.refusal_statuses
        return {
            "refusal_statuses": NOT_OFFERED if may_refuse else self.refusal_statuses,
            "may_refuse": self.may_refuse or may_refuse,
            "tags": self.tags,
            "acceptance": self.acceptance,
            "undeclared": undeclared,
        }


ACCEPTANCE: Mapping[str, str] = MappingProxyType(
    {
        "basic-response": "One user message, not streamed.",
        "assistant-phase": "The history has assistant messages labelled `commentary` and `final_answer`.",
        "streaming-response": "One user message, streamed.",
        "system-prompt": "A system message before the user's.",
        "tool-calling": "A function is declared, and the question is one that it could answer.",
        "image-input": "An image in a data URL beside the question.",
        "multi-turn": "The question is about the history.",
        "compact-response": "A conversation is compacted, with a `prompt_cache_key`.",
        "compact-missing-model": "A compaction is asked for without a model.",
    }
)
"""The acceptance tests of Open Responses that send HTTP requests, and what each of them sends."""

NOT_OVER_HTTP: Mapping[str, str] = MappingProxyType(
    {
        "response-output-phase-schema": "sends nothing: it holds a schema against a fixture of its own",
        "websocket-response": "over a websocket",
        "websocket-sequential-responses": "over a websocket",
        "websocket-continuation": "over a websocket",
        "websocket-reconnect-store-false-recovery": "over a websocket",
        "websocket-previous-response-not-found": "over a websocket",
        "websocket-failed-continuation-evicts-cache": "over a websocket",
        "websocket-compact-new-chain": "over a websocket",
    }
)
"""The other acceptance tests of Open Responses, and why no case covers them."""


def _case(name: str, summary: str, source: str, *turns: Turn, **keys: Any) -> LiveCase:
    tags = frozenset({"live"}) | keys.pop("tags", frozenset())
    keys = {"drives": STREAM, "tokens": 20 * len(turns), "hopes": ("text",), **keys}
    return LiveCase(id=f"live.{name}", summary=summary, source=source, turns=turns, dialects=(), tags=tags, **keys)


def _asked(*items: Any, limit: int = _LIMIT, **body: Any) -> Turn:
    return Turn(request={"input": list(items), "store": False, "max_output_tokens": limit, **body})


def _accepted(name: str, turn: Turn, **keys: Any) -> LiveCase:
    keys = {"drives": ONCE, "tokens": 20, "hopes": ("text",), **keys}
    tags = frozenset({"live", "acceptance"}) | keys.pop("tags", frozenset())
    return LiveCase(
        id=f"acceptance.{name}",
        summary=ACCEPTANCE[name],
        source=f"Open Responses acceptance test `{name}` (openresponses/openresponses src/lib/compliance-tests.ts)",
        turns=(turn,),
        dialects=(),
        acceptance=name,
        tags=tags,
        **keys,
    )


def _said(role: str, text: str, **keys: Any) -> dict[str, Any]:
    """A message in the form in which the acceptance tests write it: the content is a string."""
    return {"type": "message", "role": role, **keys, "content": text}


def _tells(*items: Any, **body: Any) -> Turn:
    return Turn(request={"input": list(items), "max_output_tokens": _LIMIT, **body})


_CITY_TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "City and state, e.g. San Francisco, CA"}},
        "required": ["location"],
    },
}
_COMPACT = "/responses/compact"
_WITHOUT_MODEL = {"input": [_said("user", "Compact what we have said.")]}

_ACCEPTANCE = (
    _accepted("basic-response", _tells(_said("user", "Greet me in exactly three words."))),
    _accepted("streaming-response", _tells(_said("user", "Count from one to five.")), drives=STREAM),
    _accepted(
        "system-prompt",
        _tells(_said("system", "You are a pirate and talk like one."), _said("user", "Say hello.")),
    ),
    _accepted(
        "tool-calling",
        _tells(_said("user", "How is the weather in San Francisco now?"), tools=[_CITY_TOOL]),
        hopes=("call",),
        tokens=40,
    ),
    _accepted(
        "multi-turn",
        _tells(
            _said("user", "I am called Alice."),
            _said("assistant", "Nice to meet you, Alice. What can I do for you?"),
            _said("user", "What am I called?"),
        ),
    ),
    _accepted(
        "assistant-phase",
        _tells(
            _said("assistant", "I shall answer with the number that was kept.", phase="commentary"),
            _said("assistant", "The number is four.", phase="final_answer"),
            _said("user", "Say only the number again."),
        ),
    ),
    _accepted(
        "image-input",
        _tells(user("What is in this picture? One sentence.", {"type": "input_image", "image_url": RED_SQUARE})),
        optional=frozenset({"images"}),
    ),
    _accepted(
        "compact-response",
        Turn(
            path=_COMPACT,
            request={
                "prompt_cache_key": "responses-conformance-compaction",
                "input": [
                    _said("user", "We launch on Tuesday, and tell support first."),
                    _said("assistant", "Noted: support is told, and then we launch on Tuesday."),
                ],
            },
        ),
        hopes=("compaction",),
        optional=frozenset({"compaction"}),
        tokens=60,
        tags=frozenset({"endpoint"}),
    ),
    _accepted(
        "compact-missing-model",
        Turn(path=_COMPACT, raw_body=json.dumps(_WITHOUT_MODEL).encode()),
        hopes=(),
        optional=frozenset({"compaction"}),
        tokens=0,
        refusal_statuses=NOT_OFFERED,
        tags=frozenset({"endpoint"}),
    ),
)

_LOOK_UP = "Call the tool get_weather for the city of Oslo. Do not answer in words before you have its result."
_TOOLS: dict[str, Any] = {"tools": [WEATHER_TOOL]}

HELLO = _case(
    "hello",
    "A plain question, streamed and not: it also tells whether there is anything to judge.",
    "Open Responses 2026-04-24, HTTP requests",
    _asked(user("Say hello in one short sentence.")),
    drives=BOTH,
)
"""The case that is driven before all others."""

_CONTENT = (
    _case(
        "call",
        "The model is told to call a tool.",
        "openai.types.responses.ResponseFunctionToolCall",
        _asked(user(_LOOK_UP), **_TOOLS),
        drives=BOTH,
        hopes=("call",),
        tokens=40,
    ),
    _case(
        "long",
        "An answer of some hundred tokens.",
        "Open Responses 2026-04-24, Streaming",
        _asked(user("Write the numbers from one to eighty as English words, one on each line."), limit=_LONG),
        hopes=("text", "many deltas"),
        tokens=350,
    ),
    _case(
        "cut",
        "The answer does not fit into the limit.",
        "openai.types.responses.response.IncompleteDetails",
        _asked(user("Tell me the history of Norway in a thousand words."), limit=_LEAST),
        drives=BOTH,
        hopes=("cut",),
        tokens=_LEAST,
    ),
    _case(
        "call-returned",
        "A tool's result goes back, with all that the server had given out.",
        "Open Responses 2026-04-24, Items are bidirectional",
        _asked(user(_LOOK_UP), **_TOOLS),
        _asked(user(_LOOK_UP), {"$output": 0}, output_item("{call_id:0:0}", "4 degrees, rain"), **_TOOLS),
        hopes=("call", "text"),
        tokens=70,
    ),
    _case(
        "two-calls",
        "The model is told to call two tools at once.",
        "openai.types.responses.ResponseCreateParams.parallel_tool_calls",
        _asked(
            user("Call get_weather for Oslo and get_time for the zone CET, both in this turn, at once."),
            tools=[WEATHER_TOOL, function("get_time", "The time in a zone.", zone={"type": "string"})],
        ),
        hopes=("two calls",),
        tokens=70,
    ),
    _case(
        "conversation",
        "The server's own answer stands in the history of the next request.",
        "Open Responses 2026-04-24, Items are bidirectional",
        _asked(user("Name a colour, in one word.")),
        _asked(user("Name a colour, in one word."), {"$output": 0}, user("And another one?")),
    ),
    _case(
        "unicode",
        "The answer holds letters and signs of several scripts.",
        "RFC 8259 8.1; WHATWG HTML 9.2.6",
        _asked(user("Repeat exactly, and nothing else: naïve café – 日本語 – Здравствуй – 🌍👩‍🔧")),
        tokens=40,
    ),
    _case(
        "settings",
        "Instructions, metadata and a limit are echoed.",
        "Open Responses 2026-04-24, schema ResponseResource",
        _asked(user("Say hello."), instructions="Be brief.", metadata={"ticket": "A-17", "team": "blue"}),
    ),
    _case(
        "choice-none",
        "A tool is declared, and calls are ruled out.",
        "openai.types.responses.ToolChoiceOptions",
        _asked(user("Is it usually cold in Oslo in winter? Answer in one word."), tool_choice="none", **_TOOLS),
    ),
    _case(
        "reasoning",
        "Reasoning is asked for.",
        "openai.types.shared.Reasoning",
        _asked(
            user("Which is larger, 9.11 or 9.9? Think, then answer in one word."),
            reasoning={"effort": "low", "summary": "auto"},
            limit=_LONG,
        ),
        hopes=("reasoning",),
        optional=frozenset({"reasoning"}),
        tokens=250,
    ),
    _case(
        "string-input",
        "`input` is a string.",
        "openai.types.responses.ResponseCreateParams.input",
        Turn(request={"input": "Say hello.", "store": False, "max_output_tokens": _LIMIT}),
        drives=ONCE,
    ),
    _case(
        "explicit-nulls",
        "Optional fields that are explicitly null.",
        "Codex CLI 0.98 sends `reasoning: null`; openai.types.responses.ResponseCreateParams",
        _asked(user("Say hello."), instructions=None, metadata=None, previous_response_id=None, temperature=None),
        drives=ONCE,
    ),
)


def _like(case: Case, name: str, **keys: Any) -> LiveCase:
    """A case of the suite as it is driven at a live endpoint: its requests, with limits, and no upstream's answers."""
    turns = [replace(turn, answers=(), request=_limited(turn.request)) for turn in case.turns]
    asking = sum("max_output_tokens" in turn.request for turn in turns)
    known = {
        "drives": ONCE,
        "hopes": (),
        "tokens": 20 * asking * (not case.refusal_statuses or asking > 1),
        "features": case.features,
        "refusal_statuses": case.refusal_statuses,
        "may_refuse": case.may_refuse,
        "tags": case.tags,
    }
    return _case(name, case.summary, case.source, *turns, **{**known, **keys})


def _limited(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**request, "max_output_tokens": _LIMIT} if isinstance(request.get("input"), list) else request


def _named(family: tuple[Case, ...], name: str) -> Case:
    return next(case for case in family if case.id == name)


_REFUSED = (
    _like(_named(failures.CASES, "refused.malformed-json"), "malformed-json"),
    _like(_named(failures.CASES, "refused.input-of-wrong-type"), "input-of-wrong-type", drives=BOTH),
    _like(_named(failures.CASES, "refused.unknown-previous-response"), "unknown-previous-response"),
    _case(
        "unknown-model",
        "A model that nobody has. A server of one model may answer all the same, as that model.",
        "openai.NotFoundError; openai.types.responses.Response.model",
        _asked(user("Say hello."), model="no-such-model-of-responses-conformance"),
        refusal_statuses=frozenset({400, 403, 404}),
        may_refuse=True,
        hopes=(),
    ),
    _case(
        "background",
        "A response is asked for in the background.",
        "OpenAI documentation, Background mode",
        _asked(user("Say hello."), background=True, store=True),
        drives=ONCE,
        refusal_statuses=frozenset({400, 404, 422, 501}),
        may_refuse=True,
        hopes=(),
    ),
)

_STORED = (
    _case(
        "continued",
        "A second request continues a stored response.",
        "Open Responses 2026-04-24, previous_response_id",
        _asked(user("My name is Ada. Say hello."), store=True),
        _asked(user("What is my name?"), store=True, previous_response_id="{previous}"),
        features=STORE,
    ),
    _case(
        "fetched",
        "A stored response is fetched, and streamed again.",
        "openai.resources.responses.Responses.retrieve",
        _asked(user("Say hello."), store=True),
        Turn(method="GET", path="/responses/{answer:0:id}"),
        Turn(method="GET", path="/responses/{answer:0:id}?stream=true"),
        features=STORE,
        tokens=20,
    ),
    _like(_named(endpoints.CASES, "endpoint.input-items"), "input-items"),
    _like(_named(endpoints.CASES, "endpoint.deleted"), "deleted", tokens=20),
)

_ENDPOINTS = (
    _like(_named(failures.CASES, "refused.unknown-response"), "unknown-response"),
    _like(_named(stored.CASES, "stored.not-kept"), "not-kept", tokens=20),
    _like(_named(endpoints.CASES, "endpoint.wrong-method"), "wrong-method"),
    _like(_named(endpoints.CASES, "endpoint.models"), "models"),
    _like(_named(endpoints.CASES, "endpoint.websocket-upgrade"), "websocket-upgrade"),
)

CASES: tuple[LiveCase, ...] = (HELLO, *_ACCEPTANCE, *_CONTENT, *_REFUSED, *_STORED, *_ENDPOINTS)
