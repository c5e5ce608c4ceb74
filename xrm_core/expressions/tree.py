"""The syntax tree of the expression language: what was written, before names and kinds are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal as OneOf

LogicOp = OneOf["and", "or"]
CompareOp = OneOf["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
BinaryOp = OneOf["+", "-", "*", "/"]
UnaryOp = OneOf["not", "-"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in its source: character offsets, `end` exclusive."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Any part of an expression; two nodes are equal when they say the same, wherever they stand."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value written down: none, a boolean, a number or a text."""

    value: None | bool | int | Decimal | str

    def __eq__(self, other: object) -> bool:
        # `True == 1` in Python, but not in the language.
        return isinstance(other, Literal) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """A list written down: `['a', 'b']`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A field, a link, or a path over links: `client.owner.name`."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its arguments."""

    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`not x` or `-x`."""

    op: UnaryOp
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic on two operands."""

    op: BinaryOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """One comparison; `a < b < c` is read as two of them."""

    op: CompareOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Several conditions joined by `and` or by `or`; at least two, none of them the same kind of `Logic`."""

    op: LogicOp
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`then if condition else otherwise`."""

    then: Node
    condition: Node
    otherwise: Node


def logic(op: LogicOp, items: Iterable[Node], span: Span = NOWHERE) -> Node:
    """The conditions joined, flattened; no condition is true for `and` and false for `or`."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, Logic) and item.op == op:
            flat.extend(item.items)
        else:
            flat.append(item)
    if not flat:
        return Literal(op == "and", span=span)
    return flat[0] if len(flat) == 1 else Logic(op, tuple(flat), span=span)


def negative(operand: Node, span: Span = NOWHERE) -> Node:
    """`-operand`; a number written down becomes the negative number."""
    if isinstance(operand, Literal) and isinstance(operand.value, (int, Decimal)) and type(operand.value) is not bool:
        if str(operand.value)[0] != "-":
            return Literal(-operand.value if operand.value else operand.value, span=span)
    return Unary("-", operand, span=span)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case ListOf() | Logic():
            return node.items
        case Call():
            return node.args
        case Unary():
            return (node.operand,)
        case Binary() | Compare():
            return (node.left, node.right)
        case Choice():
            return (node.then, node.condition, node.otherwise)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(node: Node) -> int:
    """How many levels the tree has."""
    level, deepest = [node], 0
    while level:
        deepest += 1
        level = [child for parent in level for child in children(parent)]
    return deepest
