"""The typed tree: what the checker makes of a syntax tree, and what evaluation and SQL compilation start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from xrm_core.expressions.scope import Path
from xrm_core.expressions.types import BOOLEAN, Type

Comparison = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Any part of a typed expression."""

    type: Type


@dataclass(frozen=True, slots=True)
class Const(Typed):
    """A value known when the expression is checked; lists are tuples."""

    value: Any


@dataclass(frozen=True, slots=True)
class Read(Typed):
    """A field, reached over none or more n:1 links, with attributes of its value at the end."""

    path: Path
    root: bool = field(default=False, kw_only=True)
    """Whether the path begins at the record that the whole expression is about, though it stands in a question about
    linked records (`this.field`)."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(symbol.id for symbol in self.path)


@dataclass(frozen=True, slots=True)
class Apply(Typed):
    """A function of the table with its arguments."""

    function: str
    args: tuple[Typed, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Typed):
    """`left op right`; the kinds of both sides decide what it means."""

    op: str
    left: Typed
    right: Typed


@dataclass(frozen=True, slots=True)
class Compared(Typed):
    """A comparison of two values of one kind (or of none)."""

    op: Comparison
    left: Typed
    right: Typed
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class OneOf(Typed):
    """Whether a value is among values written down."""

    value: Typed
    items: tuple[Typed, ...]
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class Between(Typed):
    """Whether a value lies between two others, both included."""

    value: Typed
    low: Typed
    high: Typed
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class Both(Typed):
    """All conditions hold."""

    items: tuple[Typed, ...]
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class Either(Typed):
    """At least one condition holds."""

    items: tuple[Typed, ...]
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class Negated(Typed):
    """The condition does not hold."""

    item: Typed
    type: Type = field(default=BOOLEAN, kw_only=True)


@dataclass(frozen=True, slots=True)
class Chosen(Typed):
    """`then` where the condition holds, else `otherwise`."""

    then: Typed
    condition: Typed
    otherwise: Typed


@dataclass(frozen=True, slots=True)
class Several(Typed):
    """A list made of expressions."""

    items: tuple[Typed, ...]


@dataclass(frozen=True, slots=True)
class Over(Typed):
    """A question about the records behind a path that ends in (or passes) a to-many link.

    `function` is any, none, all, count or sum; `value` is what a sum adds, `condition` which records count.
    """

    function: str
    path: Path
    value: Typed | None
    condition: Typed | None

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(symbol.id for symbol in self.path)


def parts(node: Typed) -> tuple[Typed, ...]:
    """The nodes directly below."""
    match node:
        case Apply():
            return node.args
        case Arithmetic() | Compared():
            return (node.left, node.right)
        case OneOf():
            return (node.value, *node.items)
        case Between():
            return (node.value, node.low, node.high)
        case Both() | Either() | Several():
            return node.items
        case Negated():
            return (node.item,)
        case Chosen():
            return (node.then, node.condition, node.otherwise)
        case Over():
            return tuple(part for part in (node.value, node.condition) if part is not None)
        case _:
            return ()


def walk(node: Typed) -> Iterator[Typed]:
    """The node and everything below it."""
    yield node
    for part in parts(node):
        yield from walk(part)


def is_constant(node: Typed) -> bool:
    """Whether no record is needed to know the value (the time and the actor may be)."""
    return not any(isinstance(part, (Read, Over)) for part in walk(node))
