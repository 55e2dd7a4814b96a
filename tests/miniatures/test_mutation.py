"""Mutation: which mistakes are made, and by which sign each kind of them is noticed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.checks import sequence
from conformance.errors import UsageError
from conformance.mutation.__main__ import main
from conformance.mutation.bench import concerned, modules
from conformance.mutation.explained import explanation, read_explained
from conformance.mutation.mutants import mutants
from conformance.rules import REGISTRY

SOURCE = '''
"""A module."""
__all__ = ["told"]
TABLE = ("first", "of two words")

@rule("id", level=MUST)
def told(items: list[int]) -> bool:
    """A requirement."""
    for item in items:
        if item > 1 and not item.left:
            continue
        yield broken("so", f"{item} is wrong")
    return any(item for item in items if item.right)

def words(item) -> str:
    return f"{item}" if item else "none"
'''

TRIED = """
import ast, gc, inspect, sys
from conformance.checks import sequence
from conformance.miniatures import get
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.mutation.__main__ import main
from conformance.mutation.bench import Bench, concerned

right = list(right_transcripts(FLAVOURS["plain"], FLAVOURS["patient"], cases=SAMPLES[:2]))
pairs = [(name, one, get(name)(one)) for name in sys.argv[1].split(",") for one in right[:2]]
bench = Bench(right, pairs)
"""

MISTAKES = """
evidence = bench.evidence(concerned(sequence))
source = inspect.getsource(sequence)
for sign, old, new in MISTAKES:
    assert old in source, old
    told = bench.tried(sequence, ast.parse(source.replace(old, new)), evidence, seconds=5)
    print(sign, "|", told)
    assert told.startswith(sign), (sign, told)
test = sys.argv[2]
assert bench.tried(sequence, ast.parse(source), evidence, [test]) == "a test fails"
assert bench.tried(sequence, ast.parse(source), evidence, [test.replace("failing", "passing")]) == "survives"
"""


def _python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, for mutants are forked and a process with threads must not be."""
    home = str(Path(conformance.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=home,
        check=False,
    )


def test_every_small_mistake_is_made_once() -> None:
    """Tables, conditions, operators and statements are mutated; names of rules, words and annotations are not."""
    made = [f"{mutant.before} → {mutant.after}" for mutant in mutants(SOURCE)]
    assert made == [
        "'first' → (nothing)",
        "'first' → 'first~'",
        "'of two words' → (nothing)",
        "item > 1 and (not item.left) → not (item > 1 and (not item.left))",
        "item > 1 and (not item.left) → item > 1 or not item.left",
        "item > 1 and (not item.left) → not item.left",
        "item > 1 and (not item.left) → item > 1",
        "item > 1 → item >= 1",
        "1 → 2",
        "not item.left → item.left",
        "continue → break",
        "yield broken('so', f'{item} is wrong') → (nothing)",
        "return any((item for item in items if item.right)) → (nothing)",
        "any → all",
        "item.right → not item.right",
        "item.right → (nothing)",
    ]


def test_every_mutant_differs_from_the_module_and_compiles() -> None:
    """Of every module of checks each mutant is a program, and not the one that it was made of."""
    source = Path(str(sequence.__file__)).read_text(encoding="utf-8")
    whole = ast.unparse(ast.parse(source))
    made = list(mutants(source))
    assert len(made) > 20
    for mutant in made:
        compile(mutant.tree, "mutant", "exec")
        assert ast.unparse(mutant.tree) != whole, str(mutant)


def test_a_mistake_in_a_helper_concerns_the_rules_of_its_users() -> None:
    """What other modules of checks import is judged by their rules too."""
    own = {rule.id for rule in concerned(modules()["limits"])}
    assert {"tools.allowed-enforced", "json.calls-equal-upstream"} <= own
    assert {rule.id for rule in concerned(sequence)} == {
        rule.id for rule in REGISTRY.values() if rule.check.__module__ == sequence.__name__
    }


def test_an_unknown_module_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command names the modules that there are."""
    with pytest.raises(SystemExit) as refused:
        main(["sequenze"])
    assert refused.value.code == 2
    assert "sequence" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        main(["sequence", "--tests", "tests/test_of_nothing.py"])
    assert refused.value.code == 2
    assert "test_of_nothing" in capsys.readouterr().err


def test_a_mutant_knows_where_it_is() -> None:
    """The innermost function, and the line: by these an explanation finds it again when lines move."""
    inside = next(mutant for mutant in mutants(SOURCE) if mutant.before == "item > 1")
    assert (inside.function, inside.code) == ("told", "if item > 1 and not item.left:")
    between = next(mutant for mutant in mutants(SOURCE) if mutant.before == "'first'")
    assert (between.function, between.code) == ("", 'TABLE = ("first", "of two words")')


ENTRY = """
[[explained]]
module = "sequence"
function = "told"
mistake = "item > 1  →  item >= 1"
reason = "Nothing is 1."
"""


@pytest.mark.parametrize(
    ("module", "old", "new", "told"),
    [
        ("sequence", "", "", "Nothing is 1."),
        ("sequence", "SOURCE", "SOURCE\n\n", "Nothing is 1."),
        ("sequence", "item > 1 and", "item > 1.0 and", ""),
        ("sequence", "def told", "def said", ""),
        ("usage", "", "", ""),
    ],
)
def test_an_explanation_holds_where_the_mistake_is_the_same(module: str, old: str, new: str, told: str,
                                                            tmp_path: Path) -> None:  # fmt: skip
    """Moved lines keep it; another module, another function or other code lose it."""
    file = tmp_path / "explained.toml"
    file.write_text(ENTRY, encoding="utf-8")
    source = SOURCE.replace(old, new) if old else SOURCE
    made = [mutant for mutant in mutants(source) if mutant.after.startswith("item >= 1")]
    assert [explanation(read_explained(file), module, mutant) for mutant in made] == [told]


@pytest.mark.parametrize(("code", "told"), [("if item > 1 and not item.left:", "Nothing is 1."), ("x = 1", "")])
def test_an_explanation_may_be_of_one_line(code: str, told: str, tmp_path: Path) -> None:
    """Where the same mistake can be made twice in a function."""
    file = tmp_path / "explained.toml"
    file.write_text(f"{ENTRY}code = {code!r}\n", encoding="utf-8")
    made = next(mutant for mutant in mutants(SOURCE) if mutant.after == "item >= 1")
    assert explanation(read_explained(file), "sequence", made) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("reason", "because", r"explained.toml:6: `because`"),
        ('"Nothing is 1."', '""', r"explained.toml:6: `reason`"),
        ("[[explained]]", "[survivor]", r"explained.toml:1: .*\[\[explained\]\]"),
    ],
)
def test_an_explanation_that_cannot_be_read_is_pointed_at(old: str, new: str, told: str, tmp_path: Path) -> None:
    """By file and line; a survivor without a reason is not explained."""
    file = tmp_path / "explained.toml"
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_explained(file)


def test_every_explanation_speaks_of_a_mutant_that_there_is() -> None:
    """What was rewritten needs to be looked at again; no mutant is explained twice."""
    entries = read_explained()
    for module in sorted({entry.module for entry in entries}):
        made = list(mutants(Path(str(modules()[module].__file__)).read_text(encoding="utf-8")))
        for entry in (one for one in entries if one.module == module):
            assert any(entry.fits(module, mutant) for mutant in made), entry
        for mutant in made:
            assert sum(entry.fits(module, mutant) for entry in entries) < 2, str(mutant)


WRONG = "repeated-number,skipped-numbers,unnumbered-deltas"

SIGNS = (
    ("survives\n    sequence.present", "            if is_index(number):", "            if not event.index:\n"
     "                continue\n            if is_index(number):"),
    ("survives", 'f"a sequence_number above {last}"', 'f"more than {last}"'),
    ("raises", "number > last:\n                yield Seen", "number > nothing:\n                yield Seen"),
    ("raises ValueError", '"sequence.contiguous"', '"sequence.increasing"'),
    ("hangs", "for stream in streams(transcript):", "while True:\n        pass\n    for stream in []:"),
    ("page: sequence.present", '"sequence.present",', '"sequence.present", dialects=("vllm",),'),
    ("blind: sequence.increasing", "or number > last:\n                yield Seen",
     "or number >= last:\n                yield Seen"),
    ("accuses: sequence.contiguous", "number in (0, 1)", "number in (0,)"),
    ("silent: sequence.increasing, sequence.present", "yield Seen(stream.place(event))\n            else",
     "pass\n            else"),
    ("severe: sequence.increasing", "if last is None or number > last:\n                yield Seen",
     "if last is None or number == last + 1:\n                yield Seen"),
)  # fmt: skip


def test_each_sign_is_noticed(tmp_path: Path) -> None:
    """A mistake is told by what a test would notice, or by the test that it fails; a survivor by what differs."""
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it() -> None:\n    assert False\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    (tmp_path / "test_passing.py").write_text("def test_it() -> None:\n    assert True\n", encoding="utf-8")
    done = _python(TRIED + f"MISTAKES = {SIGNS!r}\n" + MISTAKES, WRONG, str(failing))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" | ") == len(SIGNS)


FATES = """
from conformance.mutation.mutants import mutants
from conformance.toml_file import quoted
from pathlib import Path
file = Path(sys.argv[2])
keys = {"module": "sequence", "reason": "Looked at."}
def entry(mutant):
    table = {**keys, "function": mutant.function, "mistake": mutant.mistake}
    return "\\n".join(["[[explained]]", *(f"{key} = {quoted(value)}" for key, value in table.items()), ""])
made = list(mutants(inspect.getsource(sequence)))
file.write_text("\\n".join(dict.fromkeys(entry(mutant) for mutant in made)), encoding="utf-8")
command = ["sequence", "--each", "6"]
print(main([*command, "--explained", str(file), "--at-least", "100"], lambda: bench))
file.with_name("none.toml").write_text("", encoding="utf-8")
print(main([*command, "--explained", str(file.with_name("none.toml"))], lambda: bench))
print(main([*command, "--tests", sys.argv[3]], lambda: bench))
"""


def test_what_is_explained_is_counted_apart(tmp_path: Path) -> None:
    """Of the rest all are killed; an entry whose mutant is killed is pointed at; tests that fail anyway are refused."""
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it() -> None:\n    assert False\n", encoding="utf-8")
    done = _python(TRIED + FATES, WRONG, str(tmp_path / "explained.toml"), str(failing))
    assert done.returncode == 0, done.stderr
    explained, plain, refused = re.split(r"^(?=0\n|1\n)", done.stdout, maxsplit=2, flags=re.MULTILINE)
    survivors = plain.count(": survives")
    assert 0 < survivors < 6
    assert explained.count(": explained: Looked at.") == survivors
    assert explained.count("(though explained: take the entry out)") == 6 - survivors
    assert explained.splitlines()[-1].endswith(f"{6 - survivors} of    6 killed, {survivors} explained: 100.0 % ± 0.0")
    assert refused == "0\n2\n"
    assert "the tests fail without a mutant" in done.stderr


def test_the_command_samples_a_module_and_gives_its_score() -> None:
    """The same seed gives the same mutants, each with its verdict; the score decides the exit code."""
    sample = "for least in (0, 101): print(main(['sequence', '--each', '3', '--at-least', str(least)], lambda: bench))"
    done = _python(TRIED + sample, WRONG)
    assert done.returncode == 0, done.stderr
    *low, low_code = done.stdout.splitlines()[: len(done.stdout.splitlines()) // 2]
    *high, high_code = done.stdout.splitlines()[len(low) + 1 :]
    assert (low_code, high_code) == ("0", "1")
    assert low == high
    assert sum(line.startswith("sequence line ") for line in low) == 3
    assert low[-2].startswith("sequence ")
    assert low[-2].endswith(" of    3 killed")
    assert " % ± " in low[-1]
