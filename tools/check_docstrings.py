#!/usr/bin/env python3
"""Check docstrings for faults that ruff does not find: missing sections, and third-person verbs.

* A public function or method with parameters lists exactly these in a section `Args:`. Those of a
  constructor may be in the docstring of its class instead. An override may leave the section out if
  a base class inside the package has it, since the arguments mean the same.
* One that raises an error itself has a section `Raises:`, unless it is such an override.
* The docstring of a function is an order ("Return the sum."), not a report ("Returns the sum.") nor
  a riddle ("Whether there is a sum.").

    python -m tools.check_docstrings             # the whole package
    python -m tools.check_docstrings FILE ...    # only these files of it
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "espnet_soups"
# Special methods that are checked; Python fixes the parameters of all others.
SPECIAL = ("__init__", "__call__")
ENTRY = re.compile(r"(?P<names>\*{0,2}\w+(, \*{0,2}\w+)*)( \([^)]*\))?:")
NO_ORDER = re.compile(
    r"(Add|Build|Check|Compute|Convert|Copie|Count|Create|Decide|Draw|Encode|Expect|Find|Get|Give"
    r"|Keep|List|Load|Look|Make|Mark|Measure|Open|Parse|Print|Put|Read|Refuse|Remove|Replace"
    r"|Return|Run|Save|Say|Score|Set|Show|Start|Stop|Sum|Take|Tell|Test|Trie|Turn|Wait|Write"
    r"|Yield)e?s|Does|Goes|How|What|Where|Whether|Which|Who|Why"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Documented:
    """A public function and the docstrings that may list its parameters."""

    name: str
    node: Function
    owner: ast.ClassDef | None

    def parameters(self) -> list[str]:
        """Return the names of all parameters, the first one of a method left out."""
        given = self.node.args
        names = [each.arg for each in (*given.posonlyargs, *given.args)]
        decorators = {each.id for each in self.node.decorator_list if isinstance(each, ast.Name)}
        if self.owner is not None and "staticmethod" not in decorators:
            names = names[1:]
        if given.vararg is not None:
            names.append(f"*{given.vararg.arg}")
        names += [each.arg for each in given.kwonlyargs]
        if given.kwarg is not None:
            names.append(f"**{given.kwarg.arg}")
        return names

    def docstrings(self) -> list[str]:
        """Return the docstrings that may hold the sections: for a constructor, also its class's."""
        holders = [
            self.node,
            *([self.owner] if self.owner and self.node.name == "__init__" else []),
        ]
        return [ast.get_docstring(holder) or "" for holder in holders]

    def listed(self) -> list[str] | None:
        """Return the parameters that a docstring lists, None without a section `Args:`."""
        found = (listed_arguments(docstring) for docstring in self.docstrings())
        return next((names for names in found if names is not None), None)

    def raises(self) -> bool:
        """Return True if the function itself raises an error, other than `NotImplementedError`."""
        left: list[ast.AST] = list(self.node.body)
        while left:
            node = left.pop()
            made = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(made, ast.Call):
                return getattr(made.func, "id", "") != "NotImplementedError"
            if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
                left += ast.iter_child_nodes(node)
        return False

    def tells_errors(self) -> bool:
        """Return True if a docstring has a section `Raises:`."""
        return any("Raises:" in docstring.splitlines() for docstring in self.docstrings())


def listed_arguments(docstring: str) -> list[str] | None:
    """Return the names in the section `Args:` of a docstring, None without such a section.

    Args:
        docstring: The text of the docstring, without common indentation.
    """
    lines = docstring.splitlines()
    if "Args:" not in lines:
        return None
    names: list[str] = []
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith(" "):
            break
        entry = ENTRY.match(line[4:]) if line.startswith("    ") else None
        if entry:
            names += entry["names"].split(", ")
    return names


def public_functions(tree: ast.Module) -> Iterator[Documented]:
    """Yield the public functions of a module and the public methods of its public classes.

    Args:
        tree: The parsed module.
    """
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield Documented(node.name, node, None)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in (item for item in node.body if isinstance(item, Function)):
                if not method.name.startswith("_") or method.name in SPECIAL:
                    yield Documented(f"{node.name}.{method.name}", method, node)


class Classes:
    """All classes of the package by name, to find the method that an override replaces.

    Args:
        trees: The parsed modules of the package.
    """

    def __init__(self, trees: list[ast.Module]) -> None:
        self.by_name: dict[str, list[ast.ClassDef]] = {}
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.by_name.setdefault(node.name, []).append(node)

    def bases(self, owner: ast.ClassDef) -> Iterator[ast.ClassDef]:
        """Yield the base classes at any depth, as far as the package defines them.

        Args:
            owner: The class whose bases are meant.
        """
        seen, left = [owner], [owner]
        while left:
            for base in left.pop().bases:
                plain = base.value if isinstance(base, ast.Subscript) else base
                name = plain.attr if isinstance(plain, ast.Attribute) else getattr(plain, "id", "")
                new = [node for node in self.by_name.get(name, []) if node not in seen]
                seen += new
                left += new
                yield from new

    def documented_above(self, owner: ast.ClassDef, method: str) -> bool:
        """Return True if a base class inside the package lists the arguments of a method.

        Args:
            owner: The class whose bases are searched.
            method: Name of the method.
        """
        return any(
            Documented(method, each, base).listed() is not None
            for base in self.bases(owner)
            for each in base.body
            if isinstance(each, Function) and each.name == method
        )


def faults(tree: ast.Module, classes: Classes) -> Iterator[tuple[int, str]]:
    """Yield the line and a sentence for each fault in the docstrings of a module.

    Args:
        tree: The parsed module.
        classes: The classes of the package.
    """
    for each in public_functions(tree):
        parameters, listed, line = each.parameters(), each.listed(), each.node.lineno
        inherits = (
            each.owner is not None
            and each.node.name != "__init__"
            and classes.documented_above(each.owner, each.node.name)
        )
        if listed is None and parameters and not inherits:
            yield line, f"{each.name} has no section `Args:` for {parameters}"
        if listed is not None and listed != parameters:
            yield line, f"{each.name} takes {parameters}, but `Args:` lists {listed}"
        if each.raises() and not each.tells_errors() and not inherits:
            yield line, f"{each.name} raises an error, but has no section `Raises:`"
    for node in ast.walk(tree):
        if isinstance(node, Function):
            first = (ast.get_docstring(node) or " ").split(" ")[0]
            if NO_ORDER.fullmatch(first):
                yield node.lineno, f"the docstring of {node.name} begins with {first!r}"


def main(names: list[str]) -> int:
    """Print the faults and return the exit status: 1 if there are any, 2 if a file is unknown.

    Args:
        names: Python files of the package; empty for all.
    """
    modules = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    classes = Classes(list(modules.values()))
    asked = {Path(name).resolve() for name in names} or set(modules)
    unknown = [str(path) for path in sorted(asked - set(modules))]
    if unknown:
        print(f"{', '.join(unknown)}: expected Python files below {PACKAGE}", file=sys.stderr)
        return 2
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {fault}"
        for path, tree in modules.items()
        if path in asked
        for line, fault in faults(tree, classes)
    ]
    print("\n".join(found) or "docstrings are complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
