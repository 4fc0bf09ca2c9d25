"""What can be changed in a module, according to cosmic-ray, and matters to who runs it."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cosmic_ray.plugins as operators
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code

# of texts and None, identity and equality are the same
_SAME = ("_Eq_Is", "_NotEq_IsNot", "_Is_Eq", "_IsNot_NotEq")


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    ``key`` tells it from others: the module, the operator, and which of its occurrences.
    """

    key: tuple[str, str, int]
    path: Path
    line: int
    before: str
    after: str

    @property
    def module(self) -> str:
        """The dotted name."""
        return self.key[0]

    def shown(self) -> str:
        """Return the change as a reader wants to see it."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=1)
        body = "\n".join(list(lines)[2:])
        return f"{self.path.name}:{self.line} {self.key[1]} {self.key[2]}\n{body}\n"


@dataclass(frozen=True)
class Place:
    """Where an operator of cosmic-ray finds something to change; ``occurrence`` counts from 0."""

    path: Path
    operator: str
    occurrence: int
    line: int

    def mutant(self, root: Path) -> Mutant | None:
        """Return the mutant, or ``None`` if the change matters to nobody who runs the code.

        The module's name is relative to ``root``.
        """
        before = self.path.read_text(encoding="utf-8")
        try:
            after = mutate_code(before, operators.get_operator(self.operator)(), self.occurrence)
        except AttributeError:
            # cosmic-ray 8.7 cannot replace a dotted name after ``except``
            return None
        if after is None or _meaning(after) == _meaning(before):
            return None
        module = ".".join(self.path.relative_to(root).with_suffix("").parts)
        key = (module.removesuffix(".__init__"), self.operator, self.occurrence)
        return Mutant(key, self.path, self.line, before, after)


def places_in(path: Path) -> Iterator[Place]:
    """Yield every place of the module at ``path`` that could be changed."""
    nodes = list(ast_nodes(get_ast_from_path(path)))
    for name in sorted(operators.operator_names()):
        operator_class = operators.get_operator(name)
        if not operator_class.arguments() and not name.endswith(_SAME):
            mutate = operator_class().mutation_positions
            for occurrence, (start, _) in enumerate(p for node in nodes for p in mutate(node)):
                yield Place(path, name, occurrence, start[0])


class _Plain(ast.NodeTransformer):
    """Drops annotations and what stands under ``if TYPE_CHECKING``."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(value=None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return ast.Pass()
        return self.generic_visit(node)


def _meaning(source: str) -> str:
    try:
        return ast.dump(_Plain().visit(ast.parse(source)))
    except SyntaxError:
        # no program: nothing that a test could miss
        return ""
