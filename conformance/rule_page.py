"""The generated page of a rule: what it asks for, why and of whom, how to fix it, and an example of both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from conformance.advice import fix_of
from conformance.client_profiles import Breach, clients
from conformance.examples import Example, example_of
from conformance.miniatures import all_miniatures
from conformance.report.shorten import shorten_text
from conformance.report.style import clean
from conformance.rules import SPECIFICATIONS, Rule

__all__ = ["breach_lines", "example_lines", "rule_section"]

_WHOSE = {"upstream": "sent to the upstream", "client": "given to the client", "both": "in the order of time"}
_SAID = 240  # characters of the violation that an example shows


def rule_section(rule: Rule) -> Iterator[str]:
    """The rule's section of its area's page, in Markdown, line by line."""
    yield f"## {rule.id}"
    yield ""
    yield f"**{rule.level}** — {rule.requirement}"
    yield ""
    yield f"- Why: {rule.why}"
    breaks = list(breach_lines(rule))
    if breaks:
        yield "- Clients that it breaks:"
        yield from (f"  - {line}" for line in breaks)
    if fix := fix_of(rule.id):
        yield f"- Fix: {fix}"
    yield f"- Source: {rule.source}"
    yield f"- Specifications: {_specifications(rule)}"
    yield f"- Dialects: {', '.join(rule.dialects) or 'none (a real model is asked, at a live endpoint)'}"
    if rule.features:
        yield f"- Needs the features: {', '.join(sorted(rule.features))}"
    example = example_of(rule)
    name = example.miniature.name if example else _first_miniature(rule)
    if not rule.dialects:
        yield f"- Judge it: `responses-conformance run --live-url URL --model MODEL --rule {rule.id}`"
    elif name:
        yield f"- See it fail: `responses-conformance run --target miniature:{name} --rule {rule.id}`"
    if example:
        yield from _example(example)


def breach_lines(rule: Rule) -> Iterator[str]:
    """What breaking the rule does to clients, one line each way in which it breaks some of them."""
    ranked = sorted(rule.breaks.values(), key=lambda breach: (breach.effect.rank, breach.how))
    for _, same in groupby(ranked, key=lambda breach: (breach.effect.rank, breach.how)):
        breaches = list(same)
        yield f"{_named(breaches)}: {breaches[0].effect}. {breaches[0].how}"


def example_lines(example: Example) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The example's two texts, each with what introduces it; none where right and wrong differ in time alone."""
    whose = _WHOSE[example.side]
    if example.asked:
        yield "The client asks:", (example.asked,)
    if example.right or example.wrong:
        yield f"Right, {whose}:", example.right or ("(nothing)",)
        yield f"Wrong ({_lowered(example.miniature.description)}):", example.wrong or ("(nothing)",)


def _named(breaches: list[Breach]) -> str:
    order = list(clients())
    ordered = sorted(breaches, key=lambda breach: order.index(breach.client))
    return ", ".join(f"`{breach.client}` {clients()[breach.client].version}" for breach in ordered)


def _lowered(description: str) -> str:
    return description[0].lower() + description[1:].rstrip(".")


def _specifications(rule: Rule) -> str:
    named = [
        profile if rule.level_in(profile) is rule.level else f"{profile} ({rule.level_in(profile)})"
        for profile in SPECIFICATIONS
        if profile in rule.specifications
    ]
    return ", ".join(named) or "none (clients alone need it)"


def _first_miniature(rule: Rule) -> str | None:
    return next((miniature.name for miniature in all_miniatures() if rule.id in miniature.for_rules), None)


def _example(example: Example) -> Iterator[str]:
    for title, lines in example_lines(example):
        yield from ("", title, "", "```text", *(clean(line).replace("```", "'''") for line in lines), "```")
    said = shorten_text(" ".join(clean(example.said).split()), _SAID)
    yield from ("", f"The suite says: `{said.replace('`', chr(39))}`")
