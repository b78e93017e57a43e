"""Templates compiled: checked before, and changed so that they call the environment's methods (`nunjucks`)."""

from __future__ import annotations

import re
from typing import Final

import jinja2
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from .nunjucks import Environment

__all__ = ["compiled"]

_DEEPEST: Final = 50
_ALLOWED: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Filter, nodes.Test),
    *(nodes.If, nodes.For, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Assign, nodes.AssignBlock, nodes.FilterBlock, nodes.Macro, nodes.Call, nodes.CallBlock, nodes.With),
    *(nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
    *(nodes.Break, nodes.Continue),
)
_HALF: Final = re.compile("[\ud800-\udfff]")
_OPERATORS: Final = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


def compiled(environment: Environment, template: str) -> jinja2.Template:
    """Raises jinja2.TemplateSyntaxError."""
    try:
        parsed = environment.parse(template)
        _check(parsed)
        return environment.from_string(_Counting().visit(parsed))
    except (RecursionError, MemoryError, SyntaxError):
        # Python's own bounds for what is compiled.
        raise jinja2.TemplateSyntaxError("it is nested too deeply", 1) from None


def _check(node: nodes.Node, depth: int = 0) -> None:
    if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
        kind = "recursive" if isinstance(node, nodes.For) else type(node).__name__.lower()
        raise jinja2.TemplateSyntaxError(f"{kind} is not taken", node.lineno)
    if depth > _DEEPEST:
        raise jinja2.TemplateSyntaxError("it is nested too deeply", node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and _HALF.search(node.value):
        raise jinja2.TemplateSyntaxError("it has half of a pair of \\u escapes", node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth + 1)
    if depth == 0:
        _check_loops(node)


def _check_loops(template: nodes.Node) -> None:
    """Nunjucks keeps what a loop sets after it, Jinja does not: neither is done silently."""
    for loop in template.find_all(nodes.For):
        inner = list(loop.find_all(nodes.Assign))
        for name in {each.target.name for each in inner if isinstance(each.target, nodes.Name)}:
            if _uses(template, name) != _uses(loop, name):
                raise jinja2.TemplateSyntaxError(
                    f"`set {name}` inside of a loop does not change {name} outside of it: use a filter such as sum",
                    loop.lineno,
                )


def _uses(node: nodes.Node, name: str) -> int:
    return sum(each.name == name for each in node.find_all(nodes.Name))


class _Counting(NodeTransformer):
    """Puts the environment's methods where templates repeat, compare and put together."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        data = sum(len(each.data) for each in node.find_all(nodes.TemplateData))
        self.generic_visit(node)
        pairs = isinstance(node.target, nodes.Tuple)
        node.iter = _calling("counted", node.iter, nodes.Const(data), nodes.Const(pairs))
        if node.test is not None:
            node.test = _calling("truthy", node.test)
        return node

    def visit_If(self, node: nodes.If) -> nodes.Node:
        self.generic_visit(node)
        node.test = _calling("truthy", node.test)
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        node.test = _calling("truthy", node.test)
        return node

    def visit_Not(self, node: nodes.Not) -> nodes.Node:
        self.generic_visit(node)
        node.node = _calling("truthy", node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _calling("joined", *node.nodes)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        if len(node.ops) == 1 and node.ops[0].op in _OPERATORS:
            return _calling("compared", nodes.Const(node.ops[0].op), node.expr, node.ops[0].expr)
        return _calling("looked", node)

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _calling("looked", node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _calling("looked", node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _calling("looked", node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _calling("looked", node) if isinstance(node.arg, nodes.Slice) else node


def _calling(method: str, *arguments: nodes.Node) -> nodes.Call:
    line = arguments[0].lineno or 1
    return nodes.Call(nodes.EnvironmentAttribute(method), list(arguments), [], None, None, lineno=line)
