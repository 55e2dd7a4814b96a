"""Frozen sets of rules, one file a release: what a target is scored by does not change under its author's feet.

A file `<year>.<month>.toml` lists every rule of the set with the level it had then. Rules that came later run and
are shown as "added after", and do not count until the next set.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from conformance.errors import HarnessError, UsageError
from conformance.rules import Level, Rule

__all__ = ["RequirementSet", "latest", "load", "names", "render"]

FORMAT = 1


@dataclass(frozen=True)
class RequirementSet:
    """The rules of one frozen set, by id, each with its level."""

    name: str
    levels: Mapping[str, Level]

    def __contains__(self, rule_id: object) -> bool:
        return rule_id in self.levels


def names() -> tuple[str, ...]:
    """The names of all sets, oldest first."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in _folder() if entry.name[:1].isdigit()))


def latest() -> RequirementSet:
    """The newest set. Raises HarnessError when there is none."""
    every = names()
    if not every:
        raise HarnessError("no requirement set is installed: conformance/requirements holds no <year>.<month>.toml")
    return load(every[-1])


@lru_cache
def load(name: str) -> RequirementSet:
    """The set of that name. Raises UsageError when there is none; HarnessError when its file is broken."""
    if name not in names():
        raise UsageError(f"--requirements: there is no set {name!r}; there are {', '.join(names()) or 'none'}")
    document = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    if document.get("format") != FORMAT:
        raise HarnessError(f"conformance/requirements/{name}.toml: format must be {FORMAT}")
    levels = {rule_id: Level(level) for level, ids in document["rules"].items() for rule_id in ids}
    return RequirementSet(name, MappingProxyType(levels))


def render(name: str, rules: Iterable[Rule]) -> str:
    """The text of a set's file: rule ids by level, sorted."""
    lines = [
        f"# The rules of requirement set {name}, by level. Frozen when released: never edit, add the next set.",
        f"format = {FORMAT}",
        "",
        "[rules]",
    ]
    known = tuple(rules)
    by_level = {level: sorted(rule.id for rule in known if rule.level is level) for level in Level}
    for level, ids in by_level.items():
        lines += [f"{level} = [", *(f'    "{rule_id}",' for rule_id in ids), "]"]
    return "\n".join(lines) + "\n"


def _folder() -> Iterable[Traversable]:
    return (entry for entry in files(__name__).iterdir() if entry.name.endswith(".toml"))
