"""Cases of what is stored: told again, listed, referred to, and gone when it is not to be kept."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import WEATHER_TOOL, asks, assistant, call, output_item, says, thinks, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import Dies, Text

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
ONCE: frozenset[DriveKind] = frozenset({"json"})
STORE = frozenset({"store"})
GONE = frozenset({400, 404})
NOTHING_THERE = frozenset({400, 404, 405, 501})
KEPT = Turn(request={"input": [user("Say hello.")], "store": True}, answers=(says("Hello, and welcome."),))
ITEMS = "/responses/{answer:0:id}/input_items"


def _get(path: str) -> Turn:
    return Turn(method="GET", path=path)


def _case(name: str, summary: str, source: str, *turns: Turn, **keys: Any) -> Case:
    keys = {"drives": ONCE, "features": STORE, **keys}
    return Case(id=f"stored.{name}", summary=summary, source=source, turns=turns, **keys)


def _refused_at_last(statuses: frozenset[int], *, may_refuse: bool = False, **keys: Any) -> dict[str, Any]:
    return {"refusal_statuses": statuses, "may_refuse": may_refuse, **keys}


_REPLAYED = (
    _case(
        "streamed-again",
        "A stored response is streamed again from its beginning, and from the middle.",
        "openai.types.responses.ResponseRetrieveParams (stream, starting_after)",
        Turn(
            request={
                "input": [user("Weather in Oslo?")],
                "store": True,
                "tools": [WEATHER_TOOL],
                "reasoning": {"effort": "medium", "summary": "auto"},
            },
            answers=(
                says(
                    thinks("I have to look."),
                    "One moment.",
                    call("get_weather", {"city": "Oslo"}, "call_again"),
                    finish="tool_calls",
                ),
            ),
        ),
        _get("/responses/{answer:0:id}?stream=true"),
        _get("/responses/{answer:0:id}?stream=true&starting_after=4"),
        _get("/responses/{answer:0:id}?stream=true&starting_after=12"),
        drives=STREAM,
    ),
    _case(
        "incomplete-fetched",
        "A response that was cut by its limit is fetched, and streamed again.",
        "openai.resources.responses.Responses.retrieve",
        Turn(
            request={"input": [user("Count.")], "store": True, "max_output_tokens": 16},
            answers=(says("One, two, thr", finish="length"),),
        ),
        _get("/responses/{answer:0:id}"),
        _get("/responses/{answer:0:id}?stream=true&starting_after=3"),
        drives=STREAM,
    ),
    _case(
        "failed-fetched",
        "A response whose upstream died in the text is fetched.",
        "NousResearch/hermes-agent#15171; openai.resources.responses.Responses.retrieve",
        Turn(
            request={"input": [user("Say hello.")], "store": True},
            answers=(says(Text(("Half ", "a ", "sen")), Dies("eof"), finish=None, usage=None),),
        ),
        _get("/responses/{answer:0:id}"),
        drives=STREAM,
        **_refused_at_last(frozenset({404}), may_refuse=True),
    ),
    _case(
        "failed-continued",
        "A response whose upstream died in the text is continued.",
        "Open Responses 2026-04-24, previous_response_id; NousResearch/hermes-agent#15171",
        Turn(
            request={"input": [user("Say hello.")], "store": True},
            answers=(says(Text(("Half ", "a ", "sen")), Dies("eof"), finish=None, usage=None),),
        ),
        Turn(
            request={"input": [user("Go on.")], "store": True, "previous_response_id": "{answer:0:id}"},
            answers=(says("Hello."),),
        ),
        drives=STREAM,
        **_refused_at_last(GONE, may_refuse=True),
    ),
)

_FORGOTTEN = (
    _case(
        "not-kept",
        "A response with `store: false` is fetched.",
        "openai.types.responses.ResponseCreateParams.store",
        Turn(request=asks(), answers=(says("Unkept."),)),
        _get("/responses/{answer:0:id}"),
        features=frozenset(),
        drives=BOTH,
        each_dialect=True,
        **_refused_at_last(NOTHING_THERE),
    ),
    _case(
        "not-kept-listed",
        "The input of a response with `store: false` is listed.",
        "openai.types.responses.ResponseCreateParams.store",
        Turn(request=asks(), answers=(says("Unkept."),)),
        _get(ITEMS),
        features=frozenset(),
        **_refused_at_last(NOTHING_THERE),
    ),
    _case(
        "not-kept-continued",
        "A response with `store: false` is continued.",
        "Open Responses 2026-04-24, previous_response_id: previous_response_not_found",
        Turn(request=asks("My name is Ada."), answers=(says("Hello Ada."),)),
        Turn(request=asks("My name?", previous_response_id="{answer:0:id}"), answers=(says("Ada."),)),
        features=frozenset(),
        drives=BOTH,
        **_refused_at_last(GONE),
    ),
    _case(
        "deleted-continued",
        "A stored response is deleted, and then continued.",
        "openai-openapi DELETE /responses/{response_id}; Open Responses 2026-04-24, previous_response_id",
        KEPT,
        Turn(method="DELETE", path="/responses/{answer:0:id}"),
        Turn(
            request={"input": [user("Again.")], "store": True, "previous_response_id": "{answer:0:id}"},
            answers=(says("Hello."),),
        ),
        drives=BOTH,
        each_dialect=True,
        **_refused_at_last(GONE),
    ),
)

_LISTED = (
    _case(
        "items-by-page",
        "The input of a stored response is listed page by page, in both orders.",
        "openai.types.responses.InputItemListParams",
        Turn(
            request={
                "input": [
                    user("The first question."),
                    assistant("The first answer."),
                    user("The second question."),
                    assistant("The second answer."),
                    user("The third question."),
                ],
                "store": True,
            },
            answers=(says("The third answer."),),
        ),
        _get(f"{ITEMS}?order=asc&limit=2"),
        _get(ITEMS + "?order=asc&limit=2&after={answer:1:last_id}"),
        _get(ITEMS + "?order=asc&limit=2&after={answer:2:last_id}"),
        _get(f"{ITEMS}?order=desc&limit=3"),
        _get(ITEMS + "?order=desc&limit=3&after={answer:4:last_id}"),
        _get(ITEMS),
        each_dialect=True,
    ),
)

_REFERRED = (
    _case(
        "item-reference",
        "The text and the call of an earlier turn are brought back by reference, the call's result as it is.",
        "openai.types.responses.response_input_item_param.ItemReference; vercel/ai sends them by default",
        Turn(
            request={"input": [user("Name a colour, and look out.")], "store": True, "tools": [WEATHER_TOOL]},
            answers=(says("Vermilion.", call("get_weather", {"city": "Oslo"}, "call_referred"), finish="tool_calls"),),
        ),
        Turn(
            request={
                "input": [
                    user("Name a colour, and look out."),
                    {"type": "item_reference", "id": "{answer:0:output.0.id}"},
                    {"type": "item_reference", "id": "{answer:0:output.1.id}"},
                    output_item("{call_id:0:0}", "rain"),
                    user("Which one was it?"),
                ],
                "store": True,
                "tools": [WEATHER_TOOL],
            },
            answers=(says("It was vermilion."),),
        ),
        drives=BOTH,
    ),
    _case(
        "unknown-item-reference",
        "A reference to an item that was never given out.",
        "openai.types.responses.response_input_item_param.ItemReference; openai.NotFoundError",
        Turn(
            request={
                "input": [{"type": "item_reference", "id": "msg_doesnotexist0000000000000000"}, user("Which one?")],
                "store": False,
            },
            answers=(says("That one."),),
        ),
        features=frozenset(),
        drives=BOTH,
        each_dialect=True,
        **_refused_at_last(frozenset({400, 404, 422, 501})),
    ),
)

CASES = (*_REPLAYED, *_FORGOTTEN, *_LISTED, *_REFERRED)
