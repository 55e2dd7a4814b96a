"""Generation: turns and conversations that nobody thought of, driven and judged like the suite's own cases.

    hypothesis ── turns, conversations ──▶ Case ── Driver ──▶ Transcript ── judge ──▶ counterexample, shrunk
                                            │
                                            └── kept ──▶ conformance/cases/generated/*.json (the saved set)

`responses-conformance fuzz` searches for counterexamples within a budget of time. The default run does not
generate: it drives the saved set, so that a frozen set of requirements means the same whatever hypothesis draws.
hypothesis is the extra `fuzz` of the distribution; only `conformance.generate.kept` and what loads saved cases
does without it.
"""

from __future__ import annotations

__all__ = ["GENERATOR"]

GENERATOR = 1
"""The version of what is generated: raise it when a change makes the same seed mean other turns."""
