"""Every free choice alone: which specification profile allows it, and which rule says so where one does not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.miniatures.flavours import FLAVOURS, Flavour
from conformance.miniatures.right import right_transcript
from conformance.miniatures.samples import SAMPLES, said_of
from conformance.rules import SPECIFICATIONS, Rule, Violation


@dataclass(frozen=True)
class Choice:
    """What a target may do otherwise than the plain one. `refused` names, by profile, a rule that forbids it."""

    name: str
    changes: dict[str, Any]
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def flavour(self) -> Flavour:
        return replace(FLAVOURS["plain"], name=self.name, **self.changes)


def _only_openai(rule: str) -> dict[str, str]:
    return {"open-responses": rule, "superset": rule}


CHOICES = (
    Choice("raw reasoning", {"reasoning": "raw"}, {"open-responses": "item.raw-reasoning-name"}),
    Choice("raw reasoning, named by Open Responses", {"reasoning": "raw-open-responses"}),
    Choice(
        "raw reasoning without parts",
        {"reasoning": "raw", "parts": False},
        _only_openai("item.reasoning-part-before-deltas"),
    ),
    Choice("no [DONE]", {"done_marker": False}, _only_openai("sse.done-marker")),
    Choice("no event lines", {"named": False}, _only_openai("sse.event-line")),
    Choice("deltas merged", {"merge": 2}),
    Choice("deltas cut", {"merge": 0.5}),
    Choice("two parts for one", {"split_parts": True}),
    Choice("ids of another form", {"id_form": "plain"}),
    Choice("call ids of its own", {"call_ids": "own"}),
    Choice("short objects", {"whole_response": False}, _only_openai("response.open-responses-fields")),
    Choice("calls without id and status", {"call_fields": False}, _only_openai("item.call-id-field")),
    Choice("calls in one shot", {"call_deltas": False}),
    Choice("gaps between output indexes", {"gaps": True}),
    Choice("numbers from 1", {"first_number": 1}),
    Choice("keys in another order", {"reversed_keys": True}),
    Choice("obfuscation", {"obfuscation": True}),
    Choice("overlapping calls", {"overlap": True}),
    Choice("items opened early", {"early": True}),
    Choice("an error event before response.failed", {"error_event": True}),
    Choice("in_progress again", {"keep_alives": ("in_progress",)}),
    Choice("keepalive events", {"keep_alives": ("keepalive",)}),
    Choice("comments", {"keep_alives": ("comment",)}),
    Choice("events of its own, with a slug", {"keep_alives": ("slug",)}),
)


def _broken(flavour: Flavour, rules: list[Rule]) -> dict[str, set[str]]:
    """The deciding rules that a flavour breaks, by profile, over all samples, each in one dialect."""
    broken: dict[str, set[str]] = defaultdict(set)
    for case in SAMPLES:
        transcript = right_transcript(case, case.dialects[0], flavour, said_of(case, case.dialects[0]))
        for rule in rules:
            if any(isinstance(said, Violation) for said in rule.check(transcript)):
                for profile in SPECIFICATIONS:
                    if profile in rule.profiles and rule.level_in(profile).decides:
                        broken[profile].add(rule.id)
    return broken


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_a_free_choice_is_free_where_the_profile_allows_it(choice: Choice, stream_rules: list[Rule]) -> None:
    """A target that differs in this choice alone conforms to each profile that allows it, and to no other."""
    broken = _broken(choice.flavour, stream_rules)
    assert set(broken) == set(choice.refused), broken
    assert {profile: rule for profile, rule in choice.refused.items() if rule not in broken[profile]} == {}


def test_every_choice_is_made_by_a_flavour() -> None:
    """Each choice belongs to a whole flavour, too: together with others it is as free as alone."""
    unmade = [
        choice.name
        for choice in CHOICES
        if not any(all(_made(flavour, key, value) for key, value in choice.changes.items()) for flavour in _others())
    ]
    assert unmade == []


def test_every_way_in_which_flavours_differ_is_a_choice() -> None:
    """No flavour differs from the plain one in a field that no choice is about."""
    plain, about = FLAVOURS["plain"], {key for choice in CHOICES for key in choice.changes}
    own = {"name", "summary", "profiles"}
    differing = {
        one.name
        for flavour in _others()
        for one in fields(Flavour)
        if getattr(flavour, one.name) != getattr(plain, one.name)
    }
    assert differing - own == about


def _others() -> list[Flavour]:
    return [flavour for name, flavour in FLAVOURS.items() if name != "plain"]


def _made(flavour: Flavour, key: str, value: Any) -> bool:
    own = getattr(flavour, key)
    return set(value) <= set(own) if key == "keep_alives" else own == value


def test_samples_show_every_choice() -> None:
    """Each choice changes bytes of some sample: none of them is free because nothing shows it."""
    assert [choice.name for choice in CHOICES if all(_same(case, choice.flavour) for case in SAMPLES)] == []


def _same(case: Case, flavour: Flavour) -> bool:
    dialect = case.dialects[0]
    bodies = [
        [
            exchange.body
            for drive in right_transcript(case, dialect, one, said_of(case, dialect)).drives
            for exchange in drive.exchanges
        ]
        for one in (FLAVOURS["plain"], flavour)
    ]
    return bodies[0] == bodies[1]
