"""Samples of burdens: bodies that are refused, wrong keys, floods that are cut off, and what goes away."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import answers, asks, says
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.reply import Reply, Verbatim
from fakes.script import Dies, Text

__all__ = ["BURDEN_SAMPLES"]

_SOURCE = "RFC 9110 15.5"
_BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
_STREAM: frozenset[DriveKind] = frozenset({"stream"})
_JSON: frozenset[DriveKind] = frozenset({"json"})


def _case(name: str, *turns: Turn, drives: frozenset[DriveKind] = _JSON, **keys: Any) -> Case:
    return Case(id=f"burden.{name}", summary=name.replace("-", " "), source=_SOURCE, turns=turns, drives=drives, **keys)


def _refused(name: str, status: int, *, tag: str, **keys: Any) -> Case:
    turn = Turn(request=asks(), answers=(says("All of it."),), **keys)
    return _case(name, turn, drives=_BOTH, refusal_statuses=frozenset({status}), tags=frozenset({tag}))


def _cut_off(name: str) -> Case:
    turn = Turn(request=asks(), answers=(says("More, and more, and more of it."),), leave_after=4)
    return _case(name, turn, drives=_STREAM, tags=frozenset({name}))


BURDEN_SAMPLES: tuple[Case, ...] = (
    _refused("bomb", 413, tag="bomb", headers={"content-encoding": "gzip"}),
    _refused("over-long", 413, tag="over-long"),
    _case(
        "no-such-coding",
        Turn(raw_body=b"\0", headers={"content-encoding": "x-no-such-coding"}),
        refusal_statuses=frozenset({415}),
    ),
    _refused("wrong-key", 401, tag="wrong-key"),
    _cut_off("endless-line"),
    _cut_off("stops-reading"),
    _case(
        "unreachable",
        *answers(Verbatim(Reply(200, (), (), "reset-before-status"))),
        drives=_BOTH,
        tags=frozenset({"unreachable"}),
    ),
    _case(
        "one-waits",
        Turn(request=asks(), answers=(says("At last, or at once."),), copies=2, first_waits=True),
        drives=_BOTH,
    ),
    _case(
        "stopped",
        Turn(request=asks(), answers=(says(Text(("One, ", "two, ")), Dies("eof"), finish=None),), terminate_after=4),
        drives=_STREAM,
    ),
)
"""The situations, each as small as it can be."""
