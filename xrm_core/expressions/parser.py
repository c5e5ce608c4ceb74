"""From text to tree: Python's own parser reads, a whitelist of its nodes is taken over, nothing is ever executed."""

from __future__ import annotations

import ast
import unicodedata
from decimal import Decimal

from xrm_core.expressions.scan import MAX_DEPTH, MAX_NODES, WORDS, Token, problem, scan
from xrm_core.expressions.tree import (
    Binary,
    BinaryOp,
    Call,
    Choice,
    Compare,
    CompareOp,
    ListOf,
    Literal,
    LogicOp,
    Name,
    Node,
    Span,
    Unary,
    depth,
    logic,
    negative,
    walk,
)
from xrm_core.kernel.problem import Problem

_CONSTANTS: dict[str, None | bool] = {"true": True, "false": False, "none": None}
_BINARY: dict[type[ast.operator], BinaryOp] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARE: dict[type[ast.cmpop], CompareOp] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}


class _Refused(Exception):
    def __init__(self, found: Problem) -> None:
        self.found = found


def parse(source: str) -> tuple[Node | None, list[Problem]]:
    """The tree of an expression, or the problems that keep it from being read; never raises, whatever the text is."""
    tokens, clean, trouble = scan(source)
    if trouble is not None:
        return None, [trouble]
    leading = len(clean) - len(clean.lstrip(" "))
    try:
        found = ast.parse(clean[leading:], mode="eval")
        node = _Reader(source, clean, leading).read(found.body)
    except _Refused as refused:
        return None, [refused.found]
    except SyntaxError as error:
        return None, [_syntax(source, clean, leading, tokens, error)]
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return None, [
            Problem("too_complex", "", "the expression is nested too deep", "Split it into several formula fields.")
        ]
    if depth(node) > MAX_DEPTH:
        return None, [
            Problem(
                "too_complex",
                "",
                f"the expression is nested more than {MAX_DEPTH} deep",
                "Split it into several formula fields.",
            )
        ]
    if sum(1 for _ in walk(node)) > MAX_NODES:
        return None, [
            Problem(
                "too_complex",
                "",
                f"the expression has more than {MAX_NODES} parts",
                "Split it into several formula fields.",
            )
        ]
    return node, []


class _Reader:
    """Turns the nodes of Python's tree into ours."""

    def __init__(self, source: str, clean: str, leading: int) -> None:
        self.source, self.clean, self.leading = source, clean, leading
        self.bytes = None if clean.isascii() else clean[leading:].encode()

    def offset(self, column: int) -> int:
        """The character offset of a column, which Python counts in UTF-8 bytes."""
        if self.bytes is None:
            return self.leading + column
        return self.leading + len(self.bytes[:column].decode(errors="ignore"))

    def span(self, node: ast.expr) -> Span:
        return Span(self.offset(node.col_offset), self.offset(node.end_col_offset or node.col_offset))

    def refuse(self, node: ast.expr, message: str, hint: str = "") -> _Refused:
        return _Refused(problem(self.source, self.span(node).start, message, hint))

    def read(self, node: ast.expr) -> Node:
        span = self.span(node)
        match node:
            case ast.Constant():
                return self.constant(node, span)
            case ast.Name():
                return Literal(_CONSTANTS[node.id], span=span) if node.id in _CONSTANTS else Name((node.id,), span=span)
            case ast.Attribute():
                return Name(self.path(node), span=span)
            case ast.List():
                return ListOf(tuple(self.read(item) for item in node.elts), span=span)
            case ast.Call():
                return self.call(node, span)
            case ast.BoolOp():
                op: LogicOp = "and" if isinstance(node.op, ast.And) else "or"
                return logic(op, [self.read(value) for value in node.values], span)
            case ast.UnaryOp(op=ast.Not()):
                return Unary("not", self.read(node.operand), span=span)
            case ast.UnaryOp(op=ast.USub()):
                return negative(self.read(node.operand), span)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.read(node.operand)
            case ast.BinOp() if type(node.op) in _BINARY:
                return Binary(_BINARY[type(node.op)], self.read(node.left), self.read(node.right), span=span)
            case ast.Compare():
                return self.compare(node, span)
            case ast.IfExp():
                return Choice(self.read(node.body), self.read(node.test), self.read(node.orelse), span=span)
            case ast.Tuple():
                raise self.refuse(
                    node, "values in round brackets are not a list", "Write lists with [ ], for example ['a', 'b']."
                )
            case ast.Starred():
                raise self.refuse(node, "'*' needs a value on its left")
            case _:
                raise self.refuse(node, "this is not part of the language")

    def constant(self, node: ast.Constant, span: Span) -> Literal:
        if node.value is None or isinstance(node.value, bool):
            return Literal(node.value, span=span)
        if isinstance(node.value, str):
            return Literal(unicodedata.normalize("NFC", node.value), span=span)
        if not isinstance(node.value, (int, float)):
            raise self.refuse(node, "this is not part of the language")
        # Read again from the source: Python would make a binary float of it.
        text = self.clean[span.start : span.end]
        return Literal(Decimal(text) if "." in text else int(text), span=span)

    def path(self, node: ast.Attribute) -> tuple[str, ...]:
        parts = [node.attr]
        inner: ast.expr = node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or inner.id in _CONSTANTS:
            raise self.refuse(
                inner, "only a link can have a '.' after it", "Write link.field, for example client.name."
            )
        return (inner.id, *reversed(parts))

    def call(self, node: ast.Call, span: Span) -> Call:
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            raise self.refuse(
                node, f"'{name}' is called like a method", f"Functions stand before their values: {name}(...)."
            )
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node, "only a function can be called", "An operator is missing before '('.")
        if node.keywords:
            raise self.refuse(
                node.keywords[0].value,
                "arguments have no names here",
                "Write the values in their order. Write == to compare.",
            )
        return Call(node.func.id, tuple(self.read(arg) for arg in node.args), span=span)

    def compare(self, node: ast.Compare, span: Span) -> Node:
        operands = [self.read(operand) for operand in (node.left, *node.comparators)]
        found: list[Node] = []
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARE:
                raise self.refuse(node, "this comparison is not part of the language", "Write == or !=.")
            found.append(Compare(_COMPARE[type(op)], left, right, span=Span(left.span.start, right.span.end)))
        return logic("and", found, span)


def _syntax(source: str, clean: str, leading: int, tokens: list[Token], error: SyntaxError) -> Problem:
    """Our own words for what Python's parser stumbled over, found again among the tokens."""
    operators = frozenset("== != <= >= < > + - * / and or not in if else ,".split())
    for before, token in zip(tokens, tokens[1:], strict=False):
        ends_value = (
            before.kind in ("text", "number")
            or before.text in (")", "]")
            or (before.kind == "word" and (before.text not in WORDS or before.text[0].isupper()))
        )
        starts_value = token.kind in ("text", "number") or (
            token.kind == "word" and (token.text not in WORDS or token.text[0].isupper())
        )
        if ends_value and starts_value:
            return problem(
                source,
                token.start,
                f"an operator is missing before '{token.text}'",
                "Join conditions with and / or; texts stand in '...'.",
            )
        if before.text in operators and token.text in operators - {"-", "+", "not"}:
            if (before.text, token.text) == ("not", "in"):
                continue
            return problem(source, token.start, f"a value is missing between '{before.text}' and '{token.text}'")
        if before.text in operators - {","} and token.text in (")", "]"):
            return problem(source, token.start, f"a value is missing after '{before.text}'")
    last = tokens[-1]
    if last.text in operators or last.text == ".":
        return problem(source, last.end, f"a value is missing after '{last.text}'")
    if any(token.text == "if" for token in tokens) and sum(t.text == "if" for t in tokens) > sum(
        t.text == "else" for t in tokens
    ):
        return problem(source, last.end, "'if' needs an else", "Write a if condition else b.")
    column = leading + max((error.offset or 1) - 1, 0)
    return problem(
        source,
        min(column, len(source)),
        "this cannot be read here",
        "Check the operators and brackets around this place.",
    )


def is_name(text: str) -> bool:
    """Whether a definition node may have this name, so that expressions can mention it."""
    node, problems = parse(text) if len(text) <= 100 else (None, [])
    return not problems and isinstance(node, Name) and len(node.parts) == 1 and text != "me"
