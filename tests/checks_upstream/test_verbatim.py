"""What passes untouched: the cases of exact texts, and the rules about bytes that nobody has to change."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from conformance.cases import exact, get
from conformance.cases.exact import ARGUMENTS, UNICODE
from conformance.miniatures.right_case import RIGHT_TARGETS, right_case
from conformance.rules import REGISTRY, Seen, Violation
from conformance.transcript import Transcript
from fakes.script import DIALECTS, Dialect


def _judged(rule: str, transcript: Transcript) -> set[type[Any]]:
    return {type(found) for found in REGISTRY[rule].check(transcript)}


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_no_normal_form_leaves_the_text_alone(form: Any) -> None:
    """Each of Unicode's normal forms changes the text of the cases: a target that applies one is seen."""
    assert unicodedata.normalize(form, UNICODE) != UNICODE


@pytest.mark.parametrize(
    "careless",
    [
        lambda text: json.dumps(json.loads(text)),
        lambda text: json.dumps(json.loads(text), ensure_ascii=False),
        lambda text: json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True),
    ],
)
def test_no_careless_writer_leaves_the_arguments_alone(careless: Any) -> None:
    """Whoever reads the arguments of the case and writes them again writes another text."""
    assert careless(ARGUMENTS) != ARGUMENTS


def test_numbers_of_the_arguments_do_not_fit_into_floats() -> None:
    """A reader that takes every number for a float loses one."""
    assert json.loads(ARGUMENTS) != json.loads(ARGUMENTS, parse_int=float)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", [case.id for case in exact.CASES])
def test_a_right_target_is_not_accused(case: str, dialect: Dialect) -> None:
    """Right answers to these cases break no rule that decides, nor one that this is about."""
    transcript = right_case(get(case), dialect, RIGHT_TARGETS["plain"])
    about = ("upstream.texts-unaltered", "upstream.arguments-verbatim", "upstream.empty-result-stays-empty")
    broken = {
        rule.id
        for rule in REGISTRY.values()
        if dialect in rule.dialects and (rule.level.decides or rule.id in about)
        if Violation in _judged(rule.id, transcript)
    }
    assert broken - {"delivery.response-ids-unique"} == set()


def test_an_answer_that_ends_the_history_may_be_trimmed() -> None:
    """Messages refuses a last answer that ends with white space, so that trimming it is nobody's fault."""
    from conformance.cases.build import assistant, says, user
    from conformance.cases.case import Case, Turn

    turn = Turn(request={"input": [user("Go on: "), assistant("Once ")], "store": False}, answers=(says("upon"),))
    case = Case(id="test.ends", summary="s", source="here", turns=(turn,), drives=frozenset({"stream"}))
    transcript = right_case(case, "messages", RIGHT_TARGETS["plain"])
    (exchange,) = transcript.drives[0].exchanges
    for message in exchange.upstream[0].json["messages"]:
        if message["role"] == "assistant":
            message["content"] = "Once"
    assert _judged("upstream.texts-unaltered", transcript) == {Seen}
