"""Neighbours: a transcript with something else before it, right and of no concern, which must not hide what follows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from conformance.cases.build import answers, says
from conformance.cases.case import Case
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.transcript import Drive, Exchange, Transcript
from fakes.script import Dialect

__all__ = ["after_another"]

_ANOTHER = Case(
    id="neighbour.text",
    summary="A text, asked for and given rightly.",
    source="openai-openapi, examples of createResponse",
    turns=answers(says("Something else, and nothing that matters here.")),
)


@cache
def _another(dialect: Dialect) -> tuple[Exchange, ...]:
    right = right_case(_ANOTHER, dialect, RIGHT_TARGETS["plain"])
    return tuple(exchange for drive in right.drives for exchange in drive.exchanges)


def after_another(transcript: Transcript) -> Transcript:
    """A transcript whose drives follow one more, of a right answer that has nothing to do with its case.

    The very same object where no upstream is known.
    """
    if transcript.dialect is None:
        return transcript
    first = Drive("bytes", list(_another(transcript.dialect)))
    return replace(transcript, drives=[first, *transcript.drives])
