"""Miniatures: tiny, named, wrong proxies. One is a pure function from a right transcript to a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.errors import UsageError
from conformance.transcript import Transcript

__all__ = ["Edit", "Miniature", "all_miniatures", "get", "miniature"]

Edit: TypeAlias = Callable[[Transcript], Transcript]


@dataclass(frozen=True)
class Miniature:
    """A wrong proxy: `description` says what it does wrong, `for_rules` are the one or two rules it is *for*.

    Calling it gives the transcript as that proxy would have made it; where there is nothing to do wrong the very
    same object comes back.
    """

    name: str
    description: str
    for_rules: tuple[str, ...]
    edit: Edit

    def __call__(self, transcript: Transcript) -> Transcript:
        """The wrong transcript."""
        return self.edit(transcript)


_REGISTRY: dict[str, Miniature] = {}


def miniature(*for_rules: str) -> Callable[[Edit], Edit]:
    """Register a function as a miniature for one or two rules; its name (with dashes) names it.

    Raises ValueError for a name used twice, a missing docstring or no rule.
    """

    def register(edit: Edit) -> Edit:
        name = edit.__name__.replace("_", "-")
        description = " ".join((edit.__doc__ or "").split())
        if not description:
            raise ValueError(f"miniature {name}: it needs a docstring of one line that says what it does wrong")
        if name in _REGISTRY:
            raise ValueError(f"miniature {name} is registered twice")
        if not for_rules:
            raise ValueError(f"miniature {name}: name the rule that it is for")
        _REGISTRY[name] = Miniature(name, description, for_rules, edit)
        return edit

    return register


def all_miniatures() -> tuple[Miniature, ...]:
    """Every miniature, by name."""
    return tuple(_REGISTRY[name] for name in sorted(_REGISTRY))


def get(name: str) -> Miniature:
    """The miniature of that name. Raises UsageError when there is none."""
    if name not in _REGISTRY:
        near = ", ".join(sorted(known for known in _REGISTRY if name.split("-")[0] in known)) or "none near it"
        raise UsageError(f"no miniature is named {name!r} ({near}); `list --json` names them all")
    return _REGISTRY[name]
