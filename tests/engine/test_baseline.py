"""Baselines are written and read losslessly, and their errors point at the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.baseline import Baseline, Expected, load_baseline, write_baseline
from conformance.errors import UsageError

ENTRIES = (
    Expected("stream.created-first", ("text.plain", "recorded.*"), 'It says "hello"\\ first.\nSince é.', ("vllm",)),
    Expected("sse.utf-8", tuple(f"case.number-{n}" for n in range(20)), "Never did.", link="https://example.org/1"),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A baseline survives being written and read, quotes, line ends and all."""
    file = tmp_path / "baseline.toml"
    write_baseline(file, ENTRIES)
    assert load_baseline(file) == Baseline(ENTRIES)


def test_an_empty_reason_is_refused(tmp_path: Path) -> None:
    """Without a reason nothing is written, not even the other entries."""
    file = tmp_path / "baseline.toml"
    with pytest.raises(UsageError, match="no reason for sse"):
        write_baseline(file, [ENTRIES[0], Expected("sse.utf-8", ("a",), "  ")])
    assert not file.exists()


def test_entries_match_by_rule_case_and_dialect() -> None:
    """An entry speaks of its rule, in its cases (globs included) and dialects."""
    entry = ENTRIES[0]
    assert entry.matches("stream.created-first", "recorded.x", "vllm")
    assert not entry.matches("stream.created-first", "recorded.x", "messages")
    assert not entry.matches("stream.created-first", "text.other", "vllm")
    assert not entry.matches("stream.created-once", "text.plain", "vllm")
    assert Baseline(ENTRIES).reason("sse.utf-8", "case.number-3", "messages") == "Never did."
    assert Baseline(ENTRIES).reason("sse.utf-8", "case.number-33", "messages") is None


GOOD = 'format = 1\n[[expected]]\nrule = "a.b"\ncases = ["c"]\nreason = "r"\n'


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1", "unknown baseline format None"),
        (GOOD.replace("format = 1", "format = 9"), "1", "unknown baseline format 9"),
        (GOOD.replace("cases", "case"), "4", "unknown key 'case'"),
        (GOOD.replace('"r"', '""'), "5", "'reason'"),
        (GOOD.replace('reason = "r"\n', ""), "2", "'reason'"),
        (GOOD.replace('["c"]', '"c"'), "4", "'cases' is not a list"),
        (GOOD.replace('["c"]', "[]"), "4", "'cases' is not a list"),
        (GOOD + 'dialects = ["vlm"]\n', "6", "unknown dialect 'vlm'"),
        (GOOD + "link = 3\n", "6", "`link` is not a string"),
        (GOOD + GOOD.partition("\n")[2].replace("rule", "rules"), "7", "unknown key 'rules'"),
        ("format = 1\nexpected = 3\n", "2", "write [[expected]]"),
        ("format = 1\n[typo]\n", "2", "unknown key 'typo'"),
        ("format = \n", "1", "not TOML"),
    ],
)
def test_errors_point_at_the_line(tmp_path: Path, text: str, place: str, words: str) -> None:
    """Whatever is wrong, the message names the file, the line, the problem and what to do."""
    file = tmp_path / "baseline.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_baseline(file)
    assert str(caught.value).startswith(f"{file}:{place}: ")
    assert words in str(caught.value)
    assert "; " in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error of usage with its path."""
    with pytest.raises(UsageError, match=r"no-such.toml: No such file or directory; give the path"):
        load_baseline(tmp_path / "no-such.toml")
