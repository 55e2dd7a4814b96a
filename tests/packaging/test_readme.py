"""What the pages for strangers promise: commands and options that exist, links that lead somewhere, examples."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import conformance.checks  # noqa: F401  (registers the rules)
from conformance.baseline import load_baseline
from conformance.cases import all_cases
from conformance.cli.main import COMMANDS, PROG, Parser
from conformance.cli.options import OPTIONS
from conformance.docs import LINK
from conformance.errors import ExitCode
from conformance.rules import CLIENT_PROFILES, PROFILES, REGISTRY
from conformance.targets import load_target_file

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("judge-*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANCHOR = re.compile(r"\]\(#([^)\s]+)\)")

pytestmark = pytest.mark.skipif(not PAGES[0].exists(), reason="the pages are not beside these tests")


def _blocks(*kinds: str) -> Iterator[tuple[str, str]]:
    """Each fenced block of these kinds: where it stands, and its text."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            if match.group(1) in kinds:
                line = text[: match.start()].count("\n") + 1
                yield f"{page.name}:{line}", match.group(2)


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Each call of the suite in a shell or YAML block, as its words after the program."""
    for where, block in _blocks("sh", "yaml"):
        joined = re.sub(r"\s*\\\n\s*", " ", block)
        joined = re.sub(r"\n\s+(?=--)", " ", joined)  # folded YAML
        for line in joined.splitlines():
            call = re.search(rf"(?:^|[\s/]){PROG} (?=[a-z-])(.*)", line)
            if call and "install" not in line.split(PROG)[0]:
                yield where, shlex.split(call.group(1), comments=True)
            elif call := re.search(r"--network judging .* suite (run .*)", line):
                yield where, shlex.split(call.group(1))


@pytest.mark.parametrize(
    ("where", "words"), list(_commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_can_be_parsed(where: str, words: list[str]) -> None:
    """Every call that the pages show has a subcommand and options that exist, with values that they take."""
    assert words[0] in COMMANDS, where
    module, summary = COMMANDS[words[0]]
    parser = Parser(prog=PROG)
    import_module(module).add_parser(parser.add_subparsers(parser_class=Parser), words[0], summary)
    parsed = parser.parse_args(words)  # raises UsageError
    assert isinstance(parsed, argparse.Namespace)
    rules = [parsed.rule] if isinstance(getattr(parsed, "rule", None), str) else getattr(parsed, "rule", None) or []
    assert all("*" in rule or rule in REGISTRY for rule in rules), where


def test_the_pages_show_commands() -> None:
    """The test above sees calls of every page, and of every subcommand that the README's table names."""
    seen = {where.partition(":")[0] for where, _ in _commands()}
    assert seen == {page.name for page in PAGES}
    table = re.findall(r"^\| (`.*?) \|", PAGES[0].read_text("utf-8"), re.MULTILINE)
    named = {word for cell in table for word in re.findall(r"`([a-z]+)", cell)}
    assert named == set(COMMANDS)


def test_options_in_the_text_exist() -> None:
    """Every `--option` that stands in a sentence is one of the suite's."""
    known = {flag for option in OPTIONS for flag in option.flags}
    known |= {"--drive", "--full", "--fail-on", "--features", "--observed", "--cases", "--profiles", "--help"}
    foreign = {"--network"}  # of docker
    for page in PAGES:
        prose = FENCE.sub("", page.read_text("utf-8"))
        assert set(re.findall(r"`(--[a-z][a-z-]+)", prose)) <= known | foreign, page.name


def test_links_lead_somewhere() -> None:
    """Every relative link is a file of the repository, and every link within a page a heading of it."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for target in LINK.findall(text):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"
        headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert set(ANCHOR.findall(text)) <= anchors, page.name


def test_places_that_the_pages_name_exist() -> None:
    """Every file or folder of the repository that a page names in code quotes is there."""
    rooms = ("conformance", "fakes", "recordings", "reference", "tests", "docs", "changelog.d")
    named = re.compile(rf"`((?:{'|'.join(map(re.escape, rooms))})/[\w./*-]*)`")
    pages = [*PAGES, ROOT / "docs" / "architecture.md"]
    seen = {(page.name, place) for page in pages for place in named.findall(page.read_text("utf-8"))}
    assert len(seen) > 15
    gone = [(page, place) for page, place in sorted(seen) if not list(ROOT.glob(place.rstrip("/")))]
    assert gone == []


def test_toml_examples_load(tmp_path: Path) -> None:
    """The target files and baselines that the pages show are accepted as they stand."""
    kinds = set()
    for where, block in _blocks("toml"):
        file = tmp_path / "example.toml"
        file.write_text(block, encoding="utf-8")
        if "expected" in tomllib.loads(block):
            kinds.add("baseline")
            assert load_baseline(file).entries, where
            assert {entry.rule for entry in load_baseline(file).entries} <= REGISTRY.keys(), where
        else:
            kinds.add("target")
            assert load_target_file(file).dialects, where
    assert kinds == {"baseline", "target"}


def test_numbers_are_not_too_high() -> None:
    """Where the README says "more than N", there are more; its table of exit codes is the suite's."""
    text = PAGES[0].read_text("utf-8").replace("\n", " ")
    rules, cases = re.search(r"more than (\d+) rules .*? more than (\d+) cases", text).groups()  # type: ignore[union-attr]
    assert len(REGISTRY) > int(rules)
    assert len(all_cases()) > int(cases)
    codes = re.findall(r"^\| (\d) \|", PAGES[0].read_text("utf-8"), re.MULTILINE)
    assert [int(code) for code in codes] == sorted(ExitCode)


def test_profiles_and_clients_are_all_named() -> None:
    """The how-to names every profile, and the number of clients is right."""
    text = (ROOT / "docs" / "how-to" / "judge-your-proxy.md").read_text("utf-8")
    assert [profile for profile in PROFILES if f"`{profile}`" not in text and f"--profile {profile}" not in text] == []
    assert len(CLIENT_PROFILES) == 7
    assert "seven clients" in text


def test_console_examples_are_what_the_suite_prints() -> None:
    """The failure that the pages show is a real one: rule, requirement, reason and source are today's."""
    rule = REGISTRY["stream.created-first"]
    shown = [block for _, block in _blocks("console") if "FAIL  stream.created-first" in block]
    assert len(shown) == 2
    for block in shown:
        told = " ".join(block.split())
        for words in (rule.requirement, rule.why, rule.source):
            assert words in told


def test_the_help_of_each_command_answers() -> None:
    """`--help` of the program names every subcommand that the README names."""
    done = subprocess.run([sys.executable, "-m", "conformance", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert all(re.search(rf"^    {name}\b", done.stdout, re.MULTILINE) for name in COMMANDS)
