"""`explain`: one rule, for somebody who has just failed it."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from conformance.errors import ExitCode
from conformance.report.style import clean
from conformance.rules import PROFILES, Rule

__all__ = ["add_parser"]

_LEVELS = {
    "must": "a specification demands it, in words or by its schema; breaking it makes a target non-conformant",
    "integrity": (
        "no sentence of a specification, but breaking it loses, invents, reorders, misattributes or leaks content, "
        "or hangs; it makes a target non-conformant"
    ),
    "should": "a specification recommends it; it does not decide",
    "recommended": "this suite recommends it; it does not decide",
}
_EVIDENCE = {
    "client": "what the target sends to its client",
    "upstream": "what the target sends to its upstream (so a fake must stand behind it)",
    "both": "both sides (so a fake must stand behind the target)",
}


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary.capitalize() + ".",
        epilog="example:\n  responses-conformance explain stream.created-first",
    )
    parser.add_argument("rule", metavar="RULE", help="the rule's id, as failures and `list` name it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the rule's page; raises UsageError for an unknown rule."""
    from conformance.cli.catalogue import find_rule, miniatures_by_rule

    rule = find_rule(arguments.rule)
    sys.stdout.write("\n".join(_page(rule, miniatures_by_rule().get(rule.id, []))) + "\n")
    return ExitCode.CONFORMS


def _page(rule: Rule, miniatures: list[str]) -> Iterator[str]:
    from conformance.advice import fix_of
    from conformance.examples import example_of
    from conformance.rule_page import breach_lines, example_lines

    yield rule.id
    yield ""
    yield from _paragraph("requirement", rule.requirement)
    yield from _paragraph("level", f"{rule.level}: {_LEVELS[rule.level]}")
    weighed = {profile: rule.level_in(profile) for profile in PROFILES if profile in rule.profiles}
    others = [f"{profile}: {level}" for profile, level in weighed.items() if level is not rule.level]
    if others:
        yield from _paragraph("", "in other profiles " + ", ".join(others))
    yield from _paragraph("why", rule.why)
    for at, line in enumerate(breach_lines(rule)):
        yield from _paragraph("clients" if at == 0 else "", line.replace("`", ""))
    if fix := fix_of(rule.id):
        yield from _paragraph("fix", fix)
    yield from _paragraph("source", rule.source)
    yield from _paragraph("profiles", ", ".join(profile for profile in PROFILES if profile in rule.profiles))
    yield from _paragraph("dialects", ", ".join(rule.dialects) or "none: a real model is asked, at a live endpoint")
    if rule.features:
        yield from _paragraph("features", f"{', '.join(sorted(rule.features))} (a target without them is not judged)")
    yield from _paragraph("judged from", _EVIDENCE[rule.evidence])
    example = example_of(rule)
    if not rule.dialects:
        live = "responses-conformance run --live-url URL --model MODEL --rule"
        yield from _paragraph("judge it", f"{live} {rule.id}")
    elif miniatures:
        name = example.miniature.name if example else miniatures[0]
        yield from _paragraph("see it fail", f"responses-conformance run --target miniature:{name} --rule {rule.id}")
    for title, lines in example_lines(example) if example else ():
        yield from ("", title, *(f"  {clean(line)}" for line in lines))


def _paragraph(label: str, text: str) -> Iterator[str]:
    for at, line in enumerate(textwrap.wrap(text, 92, break_on_hyphens=False, break_long_words=False)):
        yield f"  {label if at == 0 else '':<12} {line}"
