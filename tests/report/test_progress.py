"""Progress: one rewritten line on a terminal, few lines elsewhere."""

from __future__ import annotations

import io

from conformance.report import LineProgress


def test_a_terminal_has_one_line_that_is_taken_away() -> None:
    """On a terminal each step rewrites the line, and the end clears it."""
    stream = io.StringIO()
    progress = LineProgress(stream, terminal=True)
    for done in range(1, 4):
        progress(done, 3, f"case {done}")
    progress.finish()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_file_gets_a_line_every_tenth() -> None:
    """In a log a thousand steps are eleven lines without escape sequences."""
    stream = io.StringIO()
    progress = LineProgress(stream, terminal=False)
    for done in range(1, 1001):
        progress(done, 1000, "text.short")
    progress.finish()
    assert len(stream.getvalue().splitlines()) == 11
    assert "\x1b" not in stream.getvalue()
