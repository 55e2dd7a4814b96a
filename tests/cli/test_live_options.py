"""The options of live endpoints: what goes with them, and what is told in one line when it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

URL = ("--live-url", "http://127.0.0.1:1/v1", "--model", "m")
VARIABLE = "SOME_API_KEY"


@pytest.fixture
def refused(command: Callable[..., Any]) -> Callable[..., str]:
    """Runs wrong usage, which ends with 4 and one line, and gives that line."""

    def run(*words: str | Path) -> str:
        done = command("run", *words)
        assert (done.code, done.out) == (4, "")
        (line,) = done.err.splitlines()
        return str(line)

    return run


@pytest.mark.parametrize(
    "other",
    [
        ("--target", "reference"),
        ("--target-command", "serve {port}"),
        ("--target-url", "http://127.0.0.1:1/v1", "--fake-port", "9000"),
    ],
)
def test_a_live_url_is_a_target_of_its_own(refused: Callable[..., str], other: tuple[str, ...]) -> None:
    """A live endpoint beside another target is refused: which one is judged would be a guess."""
    assert "more than one target is named" in refused(*URL, *other)


def test_a_live_endpoint_needs_a_model(refused: Callable[..., str]) -> None:
    """Nobody can guess what models a server has."""
    assert "--live-url needs --model" in refused("--live-url", "http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    "words", [("--api-key-env", VARIABLE), ("--max-requests", "10"), ("--patience", "10")], ids=lambda words: words[0]
)
def test_options_of_live_endpoints_need_one(refused: Callable[..., str], words: tuple[str, str]) -> None:
    """With a target that has a fake behind it they mean nothing."""
    assert f"{words[0]} is for live endpoints" in refused("--target", "reference", *words)


@pytest.mark.parametrize(
    "words",
    [
        ("--dialect", "vllm"),
        ("--fake-port", "9000"),
        ("--fake-host", "0.0.0.0"),
        ("--strict-upstream",),
        ("--thorough",),
        ("--case-file", "case.toml"),
        ("--target-env", "A=B"),
        ("--ready", "http://127.0.0.1:1/ready"),
        ("--path", "/v1/responses"),
    ],
    ids=lambda words: words[0],
)
def test_options_of_a_fake_do_not_go_with_it(refused: Callable[..., str], words: tuple[str, ...]) -> None:
    """What only makes sense with a fake, or with a target that the suite starts, is refused with the reason."""
    assert f"{words[0]} does not go with --live-url: " in refused(*URL, *words)


@pytest.mark.parametrize("flag", ["--max-requests", "--patience"])
@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
def test_bounds_are_whole_numbers(refused: Callable[..., str], flag: str, number: str) -> None:
    """A bound of nothing, or no number, is refused by the option's name."""
    assert flag in refused(*URL, f"{flag}={number}")


def test_too_few_requests(refused: Callable[..., str]) -> None:
    """One request cannot even tell whether there is something to judge."""
    assert "--max-requests 1 is too few: 2 are needed" in refused(*URL, "--max-requests", "1")


def test_a_variable_that_is_not_set(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked without the key that was promised."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert "the environment variable that --api-key-env names is not set" in refused(*URL, "--api-key-env", VARIABLE)


def test_a_key_where_a_name_belongs(refused: Callable[..., str]) -> None:
    """Who gives the key itself learns so, and does not read it again."""
    line = refused(*URL, "--api-key-env", "sk-0123456789abcdef")
    assert "takes the name of an environment variable, never the key itself" in line
    assert "sk-0123456789abcdef" not in line


@pytest.mark.parametrize("words", [("--case", "text.plain"), ("--rule", "no.such-rule")], ids=["case", "rule"])
def test_a_selection_of_nothing(refused: Callable[..., str], words: tuple[str, str]) -> None:
    """A case that needs a fake, or a rule that nobody knows, leaves nothing to ask."""
    assert words[1] in refused(*URL, *words)


def test_a_rule_that_needs_a_fake_is_refused_before_anything_is_asked(refused: Callable[..., str]) -> None:
    """Rules that need to know the upstream cannot be judged here, and no request is paid for finding that out."""
    line = refused(*URL, "--rule", "upstream.temperature-passed")
    assert "upstream.temperature-passed" in line
    assert "needs a fake upstream" in line


def test_a_server_that_is_not_there(command: Callable[..., Any]) -> None:
    """What goes wrong with the server is no wrong usage: exit 2, with a diagnosis."""
    done = command("run", *URL, "--max-requests", "2", "--patience", "5", "--json", "-")
    assert done.code == 2
    assert "cannot be reached" in done.json["trouble"][0]["message"]
