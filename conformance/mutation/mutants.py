"""Mutants: every small mistake that a hand could make in a module, one at a time.

The usual tools do not fit: mutmut leaves decorated functions alone, which every check is; cosmic-ray starts a process
for each mutant, which is ten times what judging it takes, and knows nothing of what checks are made of: tables, the
strings in them, the filters of comprehensions. So the mistakes are made here, in the syntax tree.

What is only for people is left alone: the words of messages, annotations, docstrings, what a rule is called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Mutant", "mutants"]

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_SIBLINGS = {"any": "all", "all": "any", "min": "max", "max": "min", "startswith": "endswith", "endswith": "startswith"}
_TELLING = ("violation", "broken", "seen", "place", "shown", "listed", "quote", "around")  # in names of functions


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake: where it is, and what stood there and stands there now.

    `number` is its place among all that can be made of the `source`.
    """

    line: int
    before: str
    after: str
    function: str
    """The innermost function that the line stands in; "" between functions."""
    code: str
    """The line as it was, without its indentation."""
    source: str
    number: int

    @property
    def tree(self) -> ast.Module:
        """The module with the mistake in it, to compile; made anew each time."""
        tree = ast.parse(self.source)
        list(_changes(tree))[self.number].make()
        return ast.fix_missing_locations(tree)

    @property
    def mistake(self) -> str:
        """What stood there and what stands there now: the same when lines move."""
        return f"{self.before}  →  {self.after}"

    def __str__(self) -> str:
        return f"line {self.line}: {self.mistake}"


@dataclass(frozen=True)
class _Change:
    """One mistake in a tree: which child of a node, in which field (and at which index), and what takes its place."""

    parent: ast.AST
    field: str
    index: int | None
    old: ast.AST
    new: ast.AST | None  # None takes it out

    def make(self) -> None:
        children = getattr(self.parent, self.field)
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        else:
            children[self.index : self.index + 1] = [] if self.new is None else [self.new]


def mutants(source: str, choose: Callable[[int], list[int]] = lambda count: list(range(count))) -> Iterator[Mutant]:
    """Every mutant of a module's source; or those that `choose` picks, by number, of so many."""
    lines, tree = ["", *source.splitlines()], ast.parse(source)
    changes = list(_changes(tree))
    for number in choose(len(changes)):
        old, new = changes[number].old, changes[number].new
        line = getattr(old, "lineno", 0)
        after = "(nothing)" if new is None else _short(ast.unparse(new))
        yield Mutant(line, _short(ast.unparse(old)), after, _function(tree, line), lines[line].strip(), source, number)


def _function(tree: ast.Module, line: int) -> str:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    around = [one for one in functions if one.lineno <= line <= (one.end_lineno or one.lineno)]
    return max(around, key=lambda one: one.lineno).name if around else ""


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 90 else f"{line[:60]} ... {line[-25:]}"


def _changes(node: ast.AST) -> Iterator[_Change]:
    """The mistakes that can be made below a node, in the order of the source."""
    for field, value in ast.iter_fields(node):
        if _is_for_people(node, field):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST):
                yield from (_Change(node, field, index, child, new) for new in _wrong(node, field, child))
                yield from _changes(child)


def _is_for_people(node: ast.AST, field: str) -> bool:
    """Whether nothing is decided in a field of a node."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2].lower()
        return field in ("args", "keywords") and any(word in name for word in _TELLING)
    if isinstance(node, ast.FunctionDef) and field in ("args", "body"):
        return field == "args" or _only_tells(node)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__"
    return field in ("decorator_list", "annotation", "returns") or isinstance(node, ast.JoinedStr | ast.ImportFrom)


def _only_tells(function: ast.FunctionDef) -> bool:
    """Whether a function makes the words of a message: it returns a sentence, and never "" for nothing to tell."""
    inside = list(ast.walk(function))
    silent = any(isinstance(node, ast.Return) and ast.unparse(node) == "return ''" for node in inside)
    returns = ast.unparse(function.returns) if function.returns else ""
    return returns == "str" and not silent and any(isinstance(node, ast.JoinedStr) for node in inside)


def _wrong(parent: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST | None]:
    """What may wrongly stand in a node's place; None for nothing at all."""
    if isinstance(node, ast.expr) and (field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension))):
        yield ast.Constant(True) if isinstance(node, ast.Compare) else ast.UnaryOp(ast.Not(), node)
    if field == "ifs" or _can_go(parent, field, node):
        yield None
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS:
        yield ast.Compare(node.left, [_other(node.ops[0]), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(_other(node.op), node.values)
        yield from (_without(node, place) for place in range(len(node.values)))
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _other(node.op), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and not isinstance(parent, ast.Expr):
        yield from map(ast.Constant, _other_values(node.value))
    elif isinstance(node, ast.Name) and node.id in _SIBLINGS and field == "func":
        yield ast.Name(_SIBLINGS[node.id], ast.Load())
    elif isinstance(node, ast.Attribute) and node.attr in _SIBLINGS and field == "func":
        yield ast.Attribute(node.value, _SIBLINGS[node.attr], ast.Load())
    elif isinstance(node, ast.Continue):
        yield ast.Break()


def _other(operator: ast.AST) -> Any:
    return _OPERATORS[type(operator)]()


def _without(node: ast.BoolOp, place: int) -> ast.expr:
    rest = [*node.values[:place], *node.values[place + 1 :]]
    return ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]


def _can_go(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Whether the tree stands without a node: an entry of a table, a statement beside others."""
    if field == "elts":
        return len(parent.elts) > 1 and isinstance(node, ast.Constant | ast.Call)  # type: ignore[attr-defined]
    says = isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom | ast.Call)
    leaves = isinstance(node, ast.Return | ast.Continue | ast.Break | ast.AugAssign)
    return field == "body" and (says or leaves) and len(getattr(parent, "body", ())) > 1


def _other_values(value: Any) -> Iterator[Any]:
    """Another constant of the kind. A string with a space in it is for people."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str) and value and " " not in value:
        yield f"{value}~"
