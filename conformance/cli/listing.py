"""`list`: rules, cases, profiles and features, and what a result observed of the rules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.errors import ExitCode, UsageError
from conformance.rules import CLIENT_PROFILES, PROFILES, SPECIFICATIONS, Rule

__all__ = ["add_parser"]

EPILOG = """\
examples:
  responses-conformance list --profile codex --rule 'stream.*'
  responses-conformance list --json > rules.json
  responses-conformance list --features
  responses-conformance run --target reference --json result.json
  responses-conformance list --observed result.json"""


def add_parser(subparsers: Any, name: str, summary: str) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".", epilog=EPILOG)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--cases", action="store_true", help="list the cases instead of the rules")
    what.add_argument("--profiles", action="store_true", help="list the profiles, with how many rules they hold")
    what.add_argument("--features", action="store_true", help="list the optional features that a target may declare")
    what.add_argument(
        "--observed",
        type=Path,
        metavar="RESULT.json",
        help="a table of rules and dialects: how many things each rule looked at in that run",
    )
    parser.add_argument("--rule", metavar="GLOB", default="*", help="only rules (or cases) whose id matches")
    parser.add_argument("--profile", choices=PROFILES, metavar="PROFILE", help="only rules of a profile, at its levels")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list; raises UsageError when nothing matches."""
    if arguments.rule != "*" and (arguments.features or arguments.profiles):
        raise UsageError("--rule selects rules or cases: it does not go with --features or --profiles")
    if arguments.observed:
        value, lines = _observed(arguments.observed, arguments.rule)
    elif arguments.cases:
        value, lines = _cases(arguments.rule)
    elif arguments.profiles:
        value, lines = _profiles()
    elif arguments.features:
        value, lines = _features()
    else:
        value, lines = _rules(arguments.rule, arguments.profile)
    if not value:
        raise UsageError(f"nothing matches {arguments.rule!r}")
    text = json.dumps(value, indent=2, ensure_ascii=False) if arguments.json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return ExitCode.CONFORMS


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Rows with all columns but the last padded to one width."""
    every = list(rows)
    if not every:
        return
    widths = [max(len(row[at]) for row in every) for at in range(len(every[0]) - 1)]
    for row in every:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*padded, row[-1]]).rstrip()


def _rules(glob: str, profile: str | None) -> tuple[list[dict[str, Any]], Iterator[str]]:
    from conformance.cli.catalogue import load_rules, miniatures_by_rule

    chosen = [
        rule for rule in load_rules() if fnmatchcase(rule.id, glob) and (profile is None or profile in rule.profiles)
    ]
    miniatures = miniatures_by_rule()
    value = [_rule_entry(rule, miniatures.get(rule.id, []), profile) for rule in chosen]
    rows = ((rule.id, rule.level_in(profile or "").value, rule.requirement) for rule in chosen)
    return value, _table(rows)


def _rule_entry(rule: Rule, miniatures: list[str], profile: str | None) -> dict[str, Any]:
    return {
        "id": rule.id,
        "area": rule.area,
        "level": rule.level_in(profile or "").value,
        "requirement": rule.requirement,
        "why": rule.why,
        "source": rule.source,
        "profiles": {name: rule.level_in(name).value for name in PROFILES if name in rule.profiles},
        "dialects": list(rule.dialects),
        "features": sorted(rule.features),
        "evidence": rule.evidence,
        "miniatures": miniatures,
    }


def _cases(glob: str) -> tuple[list[dict[str, Any]], Iterator[str]]:
    from conformance.cases import all_cases

    chosen = [case for case in all_cases() if fnmatchcase(case.id, glob)]
    value = [
        {
            "id": case.id,
            "summary": case.summary,
            "source": case.source,
            "dialects": list(case.dialects),
            "drives": sorted(case.drives),
            "features": sorted(case.features),
            "tags": sorted(case.tags),
        }
        for case in chosen
    ]
    return value, _table((case.id, ",".join(case.dialects) or "live", case.summary) for case in chosen)


def _profiles() -> tuple[list[dict[str, Any]], Iterator[str]]:
    from conformance.cli.catalogue import load_rules

    rules = load_rules()
    value = []
    for profile in PROFILES:
        own = [rule for rule in rules if profile in rule.profiles]
        kind = "specification" if profile in SPECIFICATIONS else "client"
        assert profile in SPECIFICATIONS or profile in CLIENT_PROFILES
        deciding = sum(rule.level_in(profile).decides for rule in own)
        value.append({"profile": profile, "kind": kind, "rules": len(own), "deciding": deciding})
    rows = (
        (str(one["profile"]), str(one["kind"]), f"{one['rules']} rules, {one['deciding']} of them decide")
        for one in value
    )
    return value, _table(rows)


def _features() -> tuple[list[dict[str, Any]], Iterator[str]]:
    from conformance.cases import all_cases
    from conformance.cli.catalogue import load_rules
    from conformance.features import FEATURES
    from conformance.judge import CORE_FEATURES

    rules, cases = load_rules(), all_cases()
    value = [
        {
            "feature": name,
            "means": means,
            "rules": sum(name in rule.features for rule in rules),
            "cases": sum(name in case.features for case in cases),
            "core": [profile for profile in PROFILES if name in CORE_FEATURES.get(profile, ())],
        }
        for name, means in FEATURES.items()
    ]
    rows = (
        (str(one["feature"]), f"{one['rules']} rules", f"{one['cases']} cases", _feature_words(one)) for one in value
    )
    return value, _table(rows)


def _feature_words(entry: dict[str, Any]) -> str:
    core = f" (core to {', '.join(entry['core'])})" if entry["core"] else ""
    return f"the target {entry['means']}{core}"


def _observed(file: Path, glob: str) -> tuple[list[dict[str, Any]], Iterator[str]]:
    from conformance.report.document import load_document

    document = load_document(file)
    dialects = document["dialects"] or sorted({verdict["dialect"] or "any" for verdict in document["verdicts"]})
    counts: dict[str, dict[str, int]] = {}
    for verdict in document["verdicts"]:
        if fnmatchcase(verdict["rule"], glob):
            row = counts.setdefault(verdict["rule"], {})
            row[verdict["dialect"] or "any"] = verdict["observed"]
    value = [{"rule": rule, "observed": counts[rule]} for rule in sorted(counts)]
    return value, _observed_lines(counts, dialects)


def _observed_lines(counts: dict[str, dict[str, int]], dialects: list[str]) -> Iterator[str]:
    rows = [("rule", *dialects, "")]
    for rule in sorted(counts):
        cells = (f"{counts[rule][dialect]:,}" if dialect in counts[rule] else "-" for dialect in dialects)
        rows.append((rule, *cells, "" if any(counts[rule].values()) else "observed nowhere"))
    yield from _table(rows)
    unseen = sum(not any(row.values()) for row in counts.values())
    yield ""
    yield f"{len(counts)} rules, {unseen} observed nowhere (- : not a rule of that dialect)"
