"""The rule book: complete, each row judged or excluded, and no rule heavier than its authority."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.errors import HarnessError
from conformance.requirements.rulebook import (
    Authority,
    Row,
    exclusions,
    parse_row,
    problems,
    rows,
    rules_beside,
    section,
)
from conformance.rules import CLIENT_PROFILES, REGISTRY

SIZES = {
    "SSE": 22, "RESP-EVT": 42, "RESP-SEQ": 4, "RESP-OBJ": 19, "RESP-USE": 6, "RESP-ERR": 14, "RESP-STATE": 15,
    "RESP-REQ": 25, "OR": 20, "HTTP": 3, "CONF": 18,
    "CHAT-CHK": 9, "CHAT-TOOL": 6, "CHAT-FIN": 2, "CHAT-USE": 3, "CHAT-REF": 1, "CHAT-RSN": 1, "CHAT-ERR": 2,
    "CHAT-REQ": 11, "MSG-EVT": 9, "MSG-BLK": 9, "MSG-STOP": 3, "MSG-USE": 3, "MSG-ERR": 2, "MSG-HDR": 1,
    "MSG-REQ": 22, "VLLM": 16, "MAP-REQ": 44, "MAP-ITEM": 34, "MAP-OUT": 25, "TOOL": 4,
}  # fmt: skip
PUBLIC = re.compile(
    r"#\d+|PR#|PR \d+|POSIX|Kubernetes|WHATWG|RFC \d+|CWE-\d+|Open Responses"
    r"|openai|anthropic|Anthropic|OpenAI|vLLM|vllm|langchain|nginx"
)

A_RULE = "stream.created-first"
ROW = Row("SSE-001", Authority.MUST, "WHATWG HTML 9.2.3", "A stream says what it is.", (A_RULE,))


def test_every_row_is_judged_or_excluded_and_no_rule_outweighs_it() -> None:
    """Ids are unique, the two lists are complete and disjoint, named rules exist and rest on what they weigh."""
    assert list(problems(rows(), exclusions(), REGISTRY)) == []


def test_no_row_has_got_lost() -> None:
    """Each section of the book has all its rows, in the tables' order of numbers."""
    assert dict(Counter(section(row.id) for row in rows())) == SIZES


def test_every_row_speaks_for_itself() -> None:
    """A row has a whole sentence in words of its own, no two the same, and a source that anybody can look up."""
    assert not [row.id for row in rows() if not re.fullmatch(r"([A-Z`]|vLLM).{20,}[.]", row.requirement, re.DOTALL)]
    assert not [row.id for row in rows() if not PUBLIC.search(row.source)]
    assert not [words for words, count in Counter(row.requirement for row in rows()).items() if count > 1]


def test_every_exclusion_gives_a_reason() -> None:
    """A reason is a sentence, not a word."""
    assert not [row_id for row_id, reason in exclusions().items() if len(reason.split()) < 6 or reason[-1] != "."]


def test_rules_that_no_row_names_have_a_public_source() -> None:
    """A rule that comes from elsewhere than the book says where: a thread, a specification or an SDK type."""
    assert not [rule.id for rule in rules_beside(rows(), REGISTRY) if not PUBLIC.search(rule.source)]


@pytest.mark.parametrize(
    ("book", "excluded", "complaint"),
    [
        ([ROW, replace(ROW, requirement="The same again.")], {}, "SSE-001 stands in the tables 2 times"),
        ([ROW], {"SSE-002": "a reason"}, "there is no row SSE-002"),
        ([ROW], {"SSE-001": "a reason"}, "SSE-001 is judged by stream.created-first and excluded as well"),
        ([replace(ROW, judged_by=())], {}, "SSE-001 is neither judged by a rule nor excluded"),
        ([replace(ROW, judged_by=(A_RULE, "no.such"))], {}, "SSE-001 names the rule no.such, which does not exist"),
        ([replace(ROW, level=Authority.SHOULD)], {}, "is must in the profile openai, more than what it rests on"),
        (
            [replace(ROW, levels={"open-responses": Authority.RECOMMENDED})],
            {},
            "is must in the profile open-responses, more than what it rests on: SSE-001 (recommended)",
        ),
        ([replace(ROW, profiles=frozenset({"openai"}))], {}, "is must in the profile superset, more than"),
    ],
)
def test_each_way_to_be_wrong_is_found(book: list[Row], excluded: dict[str, str], complaint: str) -> None:
    """Doubles, holes, contradictions, unknown rules and rules above their authority are each named."""
    assert any(complaint in problem for problem in problems(book, excluded, REGISTRY))


def test_a_rule_may_rest_on_the_heavier_of_two_rows() -> None:
    """A rule that judges a demand and a wish as well weighs what the demand weighs."""
    wish = replace(ROW, id="SSE-002", level=Authority.RECOMMENDED)
    assert list(problems([ROW, wish], {}, REGISTRY)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"level": "ought"}, "level 'ought' is none of"),
        ({"reason": "none"}, "unknown key reason"),
        ({"profiles": ["claude"]}, "unknown profiles claude"),
        ({"levels": {"codex": "always"}}, "level 'always' is none of"),
    ],
)
def test_a_malformed_row_is_named(change: dict[str, object], complaint: str) -> None:
    """A row that the tables spell wrong is an error that names file, row and fault."""
    entry = {"id": "SSE-001", "level": "must", "source": "RFC 9112", "requirement": "Words.", "judged_by": []}
    with pytest.raises(HarnessError, match=complaint):
        parse_row("rulebook/client-side.toml", {**entry, **change})


def test_what_a_row_says_of_a_client_was_measured() -> None:
    """Where a row is a must for a client, one of its rules stands in the table of what breaks that client."""
    claims = [
        (row.id, client, [name for name in row.judged_by if client in REGISTRY[name].breaks])
        for row in rows()
        for client, level in row.levels.items()
        if client in CLIENT_PROFILES and level is Authority.MUST
    ]
    assert claims
    assert not [(row_id, client) for row_id, client, rules in claims if not rules]
