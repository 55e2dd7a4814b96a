"""Shortening keeps what matters and says what it leaves out."""

from __future__ import annotations

import json

import pytest

from conformance.report.shorten import needles, shorten_json, shorten_text
from conformance.report.style import Style, clean, wants_colour


def test_short_data_is_left_alone() -> None:
    """What fits is shown whole, as JSON."""
    value = {"type": "response.created", "delta": "Grüße", "list": [1, 2.5, None, True]}
    assert json.loads(shorten_json(value, 200)) == value


@pytest.mark.parametrize("width", [60, 120, 400])
def test_the_named_key_survives(width: int) -> None:
    """The key that a violation names is still there when two hundred others are not."""
    value = {f"key_{number}": "x" * 50 for number in range(200)} | {"sequence_number": 7}
    line = shorten_json(value, width, needles("`sequence_number` 3", "7"))
    assert '"sequence_number": 7' in line
    assert len(line) <= width + 2
    assert "more keys" in line


def test_the_named_value_survives_in_a_long_string() -> None:
    """A long string is cut around the words that the violation quotes, and its length is told."""
    line = shorten_json({"text": "a" * 3000 + " needle " + "b" * 3000}, 300, needles('the word "needle"'))
    assert "needle" in line
    assert "(6,008 characters)" in line


def test_the_named_entry_survives_in_a_long_list() -> None:
    """Of a long list the entry that the violation names stays, and the others are counted."""
    value = [{"id": f"msg_{number}", "text": "x" * 100} for number in range(50)]
    line = shorten_json(value, 200, ("msg_37",))
    assert "msg_37" in line
    assert "more" in line


def test_text_without_a_needle_keeps_both_ends() -> None:
    """Head and tail stay, with a mark between them."""
    short = shorten_text("head" + "x" * 1000 + "tail", 30)
    assert short.startswith("head")
    assert short.endswith("tail")
    assert "…" in short


def test_needles_are_quotes_and_identifiers() -> None:
    """Quoted words, backticks and identifiers are what a violation is about."""
    assert set(needles('`output_index` 2 in "msg_1"', "response.output.id is absent")) >= {
        "output_index",
        "msg_1",
        "response.output.id",
        "id",
    }


def test_clean_shows_control_characters() -> None:
    """Control characters are shown; line ends, tabs and all printable text stay."""
    assert clean("a\x1b[0m\x00\tb\nü\ud800") == "a\\x1b[0m\\x00\tb\nü\\xd800"


class _Terminal:
    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_only_on_a_terminal_that_wants_it(terminal: bool, environ: dict[str, str], colour: bool) -> None:
    """Colour needs a terminal; NO_COLOR (not empty) and a dumb terminal refuse it."""
    assert wants_colour(_Terminal(terminal), environ) is colour  # type: ignore[arg-type]
    assert ("\x1b" in Style(colour)("x", "red")) is colour
