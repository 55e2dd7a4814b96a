"""The patterns of causes: what each miniature breaks, as `miniatures.lock` holds it."""

from __future__ import annotations

from conformance.report.causes import Pattern

__all__ = ["known_patterns"]


def known_patterns() -> tuple[Pattern, ...]:
    """A pattern for each miniature."""
    return ()
