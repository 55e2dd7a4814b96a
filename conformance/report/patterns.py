"""The patterns of causes: each miniature is one defect, and `miniatures.lock` holds all that it breaks."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from conformance.report.causes import Pattern

__all__ = ["known_patterns"]


@cache
def known_patterns() -> tuple[Pattern, ...]:
    """A pattern for each miniature in the lock."""
    from conformance.miniatures import all_miniatures

    file = files("conformance.miniatures") / "miniatures.lock"
    lock: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return tuple(
        Pattern(frozenset(miniature.for_rules), frozenset(lock[miniature.name]))
        for miniature in all_miniatures()
        if miniature.name in lock
    )
