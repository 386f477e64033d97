"""Make the small faults that are possible at a node of the syntax tree."""

import ast
from collections.abc import Callable, Iterator

SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
RENAMED = {"min": "max", "sum": "mean", "any": "all", "minimum": "maximum"}
# Functions whose arguments may be swapped without effect, or that only break if they are.
UNORDERED = {"min", "max", "minimum", "maximum", "isinstance", "getattr", "range"}
RENAMED |= {other: name for name, other in RENAMED.items()}


def edits_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that may replace a node: one small fault each.

    Args:
        node: The node.
    """
    for kind, edit in _EDITS.items():
        if isinstance(node, kind):
            yield from edit(node)


def _copy(node: ast.AST, **changed: object) -> ast.AST:
    fields = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return ast.copy_location(type(node)(**(fields | changed)), node)


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    if len(node.ops) == 1:
        yield _copy(node, ops=[SWAPPED[type(node.ops[0])]()])


def _operator(node: ast.BinOp | ast.BoolOp | ast.AugAssign) -> Iterator[ast.AST]:
    if type(node.op) in SWAPPED:
        yield _copy(node, op=SWAPPED[type(node.op)]())
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield _copy(node, left=node.right, right=node.left)


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield _copy(node, value=not node.value)
    elif isinstance(node.value, int | float):
        yield _copy(node, value=1 - node.value if node.value in (0, 1) else node.value + 1)


def _condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[ast.AST]:
    if isinstance(node.test, ast.Name | ast.Attribute | ast.Call):
        yield _copy(node, test=ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test))


def _call(node: ast.Call) -> Iterator[ast.AST]:
    function = node.func
    key = "attr" if isinstance(function, ast.Attribute) else "id"
    name = getattr(function, key, "")
    same = len({ast.unparse(argument) for argument in node.args}) == 1
    if len(node.args) == 2 and name not in UNORDERED and not same:
        yield _copy(node, args=node.args[::-1])
    # there are no functions `mean`, `minimum` and `maximum` among Python's own
    if name in RENAMED and (key == "attr" or RENAMED[name] in ("min", "max", "any", "all")):
        yield _copy(node, func=_copy(function, **{key: RENAMED[name]}))


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield _copy(node, value=ast.copy_location(ast.Constant(None), node.value))


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    yield ast.copy_location(ast.Pass(), node)


def _assignment(node: ast.Assign) -> Iterator[ast.AST]:
    # without its only assignment a name is unknown: any test would see that
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield from _statement(node)


_EDITS: dict[type, Callable[..., Iterator[ast.AST]]] = {
    ast.Compare: _comparison,
    ast.BinOp: _operator,
    ast.BoolOp: _operator,
    ast.AugAssign: _operator,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.If: _condition,
    ast.IfExp: _condition,
    ast.While: _condition,
    ast.Call: _call,
    ast.Return: _return,
    ast.Expr: _statement,
    ast.Raise: _statement,
    ast.Assign: _assignment,
}
