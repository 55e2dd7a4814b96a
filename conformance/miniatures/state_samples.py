"""Samples about state: what is stored and told again, counted, compacted, referred to, or not to be had."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import asks, assistant, call, says, thinks, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import Dies, Text

__all__ = ["STATE_SAMPLES"]

_SOURCE = "openai-openapi, GET /responses/{response_id}"
_BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
_STREAM: frozenset[DriveKind] = frozenset({"stream"})
_JSON: frozenset[DriveKind] = frozenset({"json"})
_ID = "{answer:0:id}"
_TALK: list[Any] = [user("My cat is Miette."), assistant("A fine name."), user("She sleeps on the radiator.")]
_SUMMARY = "The user's cat Miette sleeps on the radiator."


def _case(name: str, *turns: Turn, drives: frozenset[DriveKind] = _BOTH, **keys: Any) -> Case:
    return Case(id=f"state.{name}", summary=name.replace("-", " "), source=_SOURCE, turns=turns, drives=drives, **keys)


def _get(path: str) -> Turn:
    return Turn(method="GET", path=f"/responses/{_ID}{path}")


def _kept(*said: Any, **keys: Any) -> Turn:
    return Turn(request=asks(store=True), answers=(says(*(said or ("Kept.",)), **keys),))


def _continues(**body: Any) -> Turn:
    return Turn(request=asks("Go on.", previous_response_id=_ID, **body), answers=(says("Further."),))


def _unsupported(field: str, value: Any) -> Case:
    turn = Turn(request=asks(store=True, **{field: value}), answers=(says("At once."),))
    return _case(field, turn, drives=_JSON, refusal_statuses=frozenset({400}), may_refuse=True)


_DIED: dict[str, Any] = {"finish": None, "usage": None}
_GONE: dict[str, Any] = {"refusal_statuses": frozenset({400, 404}), "may_refuse": True}

STATE_SAMPLES: tuple[Case, ...] = (
    _case(
        "told-again",
        _kept(
            thinks("A thought."), "Some words.", call("get_weather", {"city": "Oslo"}, "call_k"), finish="tool_calls"
        ),
        _get("?stream=true"),
        _get("?stream=true&starting_after=3"),
        _get("?stream=true&starting_after=7"),
        drives=_STREAM,
        features=frozenset({"store", "reasoning"}),
    ),
    _case("told-incomplete", _kept("One, two, thr", finish="length"), _get(""), drives=_STREAM),
    _case("told-failed", _kept(Text(("Half ", "a")), Dies("eof"), **_DIED), _get(""), drives=_STREAM),
    _case("continued-failed", _kept(Text(("Half ",)), Dies("eof"), **_DIED), _continues(), drives=_STREAM, **_GONE),
    _case("not-kept", Turn(request=asks(), answers=(says("Unkept."),)), _get(""), _get("/input_items")),
    _case("not-kept-continued", Turn(request=asks(), answers=(says("Unkept."),)), _continues(), **_GONE),
    _case(
        "deleted-continued",
        _kept(),
        Turn(method="DELETE", path=f"/responses/{_ID}"),
        _continues(),
        drives=_JSON,
        **_GONE,
    ),
    _case(
        "listed",
        Turn(request={"input": _TALK, "store": True}, answers=(says("Warm."),)),
        _get("/input_items?order=asc&limit=2"),
        _get("/input_items?order=asc&limit=2&after={answer:1:last_id}"),
        _get("/input_items?order=desc&limit=2"),
        _get("/input_items"),
        drives=_JSON,
    ),
    _case(
        "referred",
        Turn(request={"input": [user("A colour.")], "store": True}, answers=(says("Vermilion."),)),
        Turn(
            request={
                "input": [
                    user("A colour."),
                    {"type": "item_reference", "id": "{answer:0:output.0.id}"},
                    user("Which one?"),
                ],
                "store": True,
            },
            answers=(says("Vermilion, still."),),
        ),
    ),
    _case(
        "referred-to-nothing",
        Turn(
            request={"input": [{"type": "item_reference", "id": "msg_nowhere"}, user("Which?")], "store": False},
            answers=(says("That."),),
        ),
        **_GONE,
    ),
    _case("counted", Turn(path="/responses/input_tokens", request={"input": _TALK}), drives=_JSON),
    _case(
        "compacted",
        Turn(path="/responses/compact", request={"input": _TALK}, answers=(says(_SUMMARY),)),
        Turn(request={"input": [{"$output": 0}, user("Where?")], "store": False}, answers=(says("On it."),)),
        drives=_JSON,
    ),
    _case(
        "triggered",
        Turn(request={"input": [*_TALK, {"type": "compaction_trigger"}], "store": False}, answers=(says(_SUMMARY),)),
        Turn(request={"input": [{"$output": 0}, user("Where?")], "store": False}, answers=(says("On it."),)),
    ),
    _unsupported("background", True),
    _unsupported("conversation", {"id": "conv_0123456789abcdef"}),
    _unsupported("prompt", {"id": "pmpt_0123456789abcdef"}),
)
"""The situations, each as small as it can be."""
