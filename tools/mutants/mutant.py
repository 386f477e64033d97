"""Make the mutants of a file, functions with one small fault, and plant them."""

import ast
import gc
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

from tools.mutants.edits import edits_of

SPOKEN = {"warn", "warning", "info", "debug", "error", "exception", "print"}  # texts for people
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """Function with one fault.

    Attributes:
        path: The file.
        function: Qualified name of the function of the module or of a class that it is in.
        line: Line of the fault.
        change: Text of the node and of its replacement.
        tree: The whole module, without the fault.
        old: The node of `tree` that is replaced.
        new: The node that replaces it.
    """

    path: Path
    function: str
    line: int
    change: str
    tree: ast.Module
    old: ast.AST
    new: ast.AST

    def plant(self, functions: Sequence[FunctionType]) -> bool:
        """Put the fault into the running process, for good.

        Args:
            functions: All functions of the file that the process knows.

        Returns:
            Whether the function was found and could be replaced.
        """
        _Replaced(self.old, self.new).visit(self.tree)
        try:
            module = compile(ast.fix_missing_locations(self.tree), str(self.path), "exec")
        except (SyntaxError, ValueError):
            return False
        code = {
            own.co_firstlineno: own for own in _codes(module) if own.co_qualname == self.function
        }
        planted = False
        try:
            for function in functions:
                own = function.__code__
                if (own.co_filename, own.co_qualname) == (str(self.path), self.function):
                    function.__code__ = code[own.co_firstlineno]
                    planted = True
        except ValueError:  # the fault removed the last use of a variable of an outer function
            return False
        return planted

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.function}  {self.change}"


def functions_of(paths: Container[str]) -> list[FunctionType]:
    """Return all functions of some files that the process has loaded.

    Args:
        paths: Paths of the files.
    """
    # `isinstance` would load lazy objects, which warn
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    return [function for function in functions if function.__code__.co_filename in paths]


def mutants_of(path: Path) -> list[Mutant]:
    """Return all mutants of a file, except in docstrings, annotations and texts for people.

    Args:
        path: The file.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for name, function in _functions(tree.body, ""):
        for statement in function.body:
            for node in _to_change(statement):
                found += [
                    Mutant(path, name, node.lineno, _change(node, new), tree, node, new)
                    for new in edits_of(node)
                ]
    return found


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function):
            yield f"{prefix}{node.name}", node


def _to_change(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes below a node, and itself, that affect what the program does."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Yield):
        return
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in SPOKEN:
            return
    if isinstance(node, ast.expr | ast.stmt):
        yield node
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _to_change(child)


def _change(old: ast.AST, new: ast.AST) -> str:
    def first_line(node: ast.AST) -> str:
        return ast.unparse(node).splitlines()[0]

    return f"`{first_line(old)}` -> `{first_line(new)}`"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return self._new
        return super().visit(node)  # type: ignore[no-any-return]
