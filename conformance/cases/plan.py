"""The plan: which of a case's drives a run makes. `--thorough` makes all of them, and so does naming cases.

What a second drive cannot show is not driven twice:

form        A case about what the upstream is asked, or about the target alone, is driven once, streamed: its answer
            is plain text, which other cases drive in every form. So is one whose upstream only refuses over HTTP,
            before any form shows.
delivery    A streamed answer is streamed once, under the hostile partition, which holds whatever the plain delivery
            does. The witnesses (`Case.each_form`) are driven both ways, before all others: where one of them differs,
            the target reads awkward pieces otherwise, and the others are driven both ways as well, or, where the
            answer is a recording, plainly, so that one fault does not hide what each of them is there for.
dialect     A case about the target alone is driven in the first dialect of the run that has it. `vllm` is a twin of
            `chat_completions`: both take the same requests and say text in the same chunks. In a run with both, the
            twin is left out of cases about what the upstream is asked and of those that say nothing but text, or the
            same bytes whoever speaks, and the whole (JSON) form of the others.
recording   One whose bytes have the form of another's (`Case.resembles`) is left to it.

`Case.each_form` and `Case.each_dialect` are for the cases in which the forms and the dialects do differ: those that
carry the evidence for a rule or a known bug in every dialect, and a few of each family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from conformance.cases.build import DEFAULT_USAGE
from conformance.cases.case import About, Case
from conformance.requirements.bugs import all_bugs
from conformance.transcript import DriveKind
from fakes.reply import Answer, HttpFailure, Verbatim
from fakes.script import Comment, Dialect, Script, Text

__all__ = ["TWIN", "about", "is_witness", "planned"]

TWIN: Mapping[Dialect, Dialect] = MappingProxyType({"vllm": "chat_completions"})
"""Dialects that take the same requests as another, and say text as it does."""

_NONE: frozenset[DriveKind] = frozenset()
_STREAMED: frozenset[DriveKind] = frozenset({"stream", "hostile"})
_DELIVERED: frozenset[DriveKind] = frozenset({"hostile", "gated", "bytes"})


def planned(
    case: Case, dialect: Dialect, dialects: Sequence[Dialect], *, hostile_differs: bool = False
) -> frozenset[DriveKind]:
    """The drives that a run makes of a case in one of its dialects.

    `dialects` are those of the run in which the case can be driven, in its order. `hostile_differs`: a witness has
    shown that the target reads the hostile delivery otherwise.
    """
    if case.resembles is not None or dialect not in _dialects(case, dialects):
        return _NONE
    kinds = case.drives if case.each_form else _forms(case, TWIN.get(dialect) in dialects)
    if not kinds >= _STREAMED or is_witness(case):
        return kinds
    if not hostile_differs:
        return kinds - {"stream"}
    return kinds - {"hostile"} if case.is_recorded else kinds


def is_witness(case: Case) -> bool:
    """Whether a case is driven both ways to find out how the target reads the hostile delivery."""
    return case.each_form and case.drives >= _STREAMED


def about(case: Case) -> About:
    """What a case is about: what it says, else what its upstream's answers tell."""
    if case.about is not None:
        return case.about
    if case.drives & _DELIVERED:
        return "answer"
    answers = _answers(case)
    if not answers:
        return "target"
    return "request" if all(_is_plain(answer) for answer in answers) else "answer"


def _forms(case: Case, twin: bool) -> frozenset[DriveKind]:
    """The forms worth driving; `twin`: in a dialect whose twin is driven too."""
    alike = twin or about(case) != "answer" or all(isinstance(answer, HttpFailure) for answer in _answers(case))
    return case.drives - {"json"} if alike and "stream" in case.drives else case.drives


def _dialects(case: Case, dialects: Sequence[Dialect]) -> Iterable[Dialect]:
    if case.each_dialect:
        return dialects
    told = _of_bugs().get(case.id, frozenset())
    if about(case) == "target":
        return [dialect for n, dialect in enumerate(dialects) if n == 0 or dialect in told]
    if about(case) == "answer" and not all(_is_common(answer) for answer in _answers(case)):
        return dialects
    return [dialect for dialect in dialects if TWIN.get(dialect) not in dialects or dialect in told]


@cache
def _of_bugs() -> Mapping[str, frozenset[Dialect]]:
    """By case: the dialects that a known bug concerns which it is there for."""
    concerned: dict[str, frozenset[Dialect]] = {}
    for bug in all_bugs():
        for name in bug.cases:
            concerned[name] = concerned.get(name, frozenset()) | frozenset(bug.upstream)
    return concerned


def _answers(case: Case) -> list[Answer]:
    return [answer for turn in case.turns for answer in turn.answers]


def _is_common(answer: Answer) -> bool:
    """Whether twins say an answer alike: given bytes, or nothing but text that ends as usual, however it is cut."""
    if isinstance(answer, HttpFailure):
        return answer.body is not None
    if isinstance(answer, Script):
        return answer.finish == "stop" and all(isinstance(part, Text | Comment) for part in answer.parts)
    return isinstance(answer, Verbatim)


def _is_plain(answer: Answer) -> bool:
    """Whether an answer is what every case says that has nothing to say: one text, and a usual end."""
    return (
        isinstance(answer, Script)
        and len(answer.parts) == 1
        and isinstance(answer.parts[0], Text)
        and answer.finish == "stop"
        and answer.usage == DEFAULT_USAGE
        and not answer.quirks
    )
