"""Mutation: which mistakes are made, and by which sign each kind of them is noticed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.checks import sequence
from conformance.mutation.__main__ import main
from conformance.mutation.bench import concerned, modules
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


WRONG = "repeated-number,skipped-numbers,unnumbered-deltas"

SIGNS = (
    ("survives\n    sequence.present", "            if is_index(number):", "            if not event.index:\n"
     "                continue\n            if is_index(number):"),
    ("survives", 'f"a sequence_number above {last}"', 'f"more than {last}"'),
    ("raises", "number > last:\n                yield Seen", "number > nothing:\n                yield Seen"),
    ("raises ValueError", '"sequence.contiguous"', '"sequence.increasing"'),
    ("hangs", "for stream in streams(transcript):", "while True:\n        pass\n    for stream in []:"),
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
