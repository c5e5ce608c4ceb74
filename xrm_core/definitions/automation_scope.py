"""What expressions of an automation may mention: the record, what is linked to it, and `before`, the record as it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.expressions.checker import check, check_condition
from xrm_core.expressions.parser import parse
from xrm_core.expressions.scope import EMPTY, Scope, Symbol
from xrm_core.expressions.template import check_template, parse_template
from xrm_core.expressions.typed import (
    Apply,
    Arithmetic,
    Between,
    Both,
    Chosen,
    Compared,
    Const,
    Either,
    Negated,
    OneOf,
    Over,
    Read,
    Several,
    Typed,
)
from xrm_core.expressions.types import REFERENCE
from xrm_core.kernel.problem import Problem

BEFORE = "before"


@dataclass(frozen=True, slots=True)
class _Own:
    """The values that a record holds itself: links lead nowhere."""

    inner: Scope

    def resolve(self, name: str) -> Symbol | None:
        found = self.inner.resolve(name)
        if found is None or found.kind == "links":
            return None
        return replace(found, target=None) if found.kind == "link" else found

    def names(self) -> Iterable[str]:
        return [name for name in self.inner.names() if self.resolve(name) is not None]


@dataclass(frozen=True, slots=True)
class AutomationScope:
    """The names of a module and `before`."""

    inner: Scope

    def resolve(self, name: str) -> Symbol | None:
        found = self.inner.resolve(name)
        if found is None and name == BEFORE:
            return Symbol(BEFORE, BEFORE, REFERENCE, "link", target=lambda: _Own(self.inner))
        return found

    def names(self) -> Iterable[str]:
        return [*self.inner.names(), BEFORE]


class AutomationTexts:
    """Checks the texts of automations over a set of definitions."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes

    def scope(self, module: Module | None) -> Scope:
        """The names that a text over the records of a module may mention."""
        return AutomationScope(self.scopes.of(module)) if module is not None else EMPTY

    def value(self, module: Module | None, text: str) -> tuple[Typed | None, list[Problem]]:
        """The typed tree of an expression, or its problems."""
        node, problems = parse(text)
        if node is None:
            return None, problems
        return check(node, self.scope(module), text)

    def condition(self, module: Module | None, text: str) -> tuple[Typed | None, list[Problem]]:
        """The typed tree of a condition, or its problems."""
        node, problems = parse(text)
        if node is None:
            return None, problems
        return check_condition(node, self.scope(module), text)

    def template(self, module: Module | None, text: str) -> tuple[tuple[str | Typed, ...], list[Problem]]:
        """The texts and typed trees of a template, or its problems."""
        template, problems = parse_template(text)
        if template is None:
            return (), problems
        typed, problems = check_template(template, self.scope(module))
        return (typed.parts if typed is not None else ()), problems

    def behind(self, module: Module | None, path: str) -> Module | None:
        """The module at the end of a path of links; `this` is the module itself."""
        if path == "this" or module is None:
            return module
        members = self.scopes.directory.follow(module, path)
        if not members or members[-1].link is None or len(members[-1].targets) != 1:
            return None
        return members[-1].targets[0]


def needs_before(node: Typed) -> bool:
    """Whether the tree reads the record as it was."""
    if isinstance(node, Read):
        return node.path[0].id == BEFORE
    return any(needs_before(part) for part in _children(node))


def _children(node: Typed) -> tuple[Typed, ...]:
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


def with_before(node: Typed, value_of: Any) -> Typed:
    """The tree with every reading of the record as it was replaced by its value; `value_of` takes the ids after `before`."""
    match node:
        case Read():
            if node.path[0].id != BEFORE:
                return node
            value = value_of(node.ids[1:])
            return Const(tuple(value) if isinstance(value, list) else value, type=node.type)
        case Apply():
            return replace(node, args=tuple(with_before(one, value_of) for one in node.args))
        case Arithmetic() | Compared():
            return replace(node, left=with_before(node.left, value_of), right=with_before(node.right, value_of))
        case OneOf():
            items = tuple(with_before(one, value_of) for one in node.items)
            return replace(node, value=with_before(node.value, value_of), items=items)
        case Between():
            return replace(
                node,
                value=with_before(node.value, value_of),
                low=with_before(node.low, value_of),
                high=with_before(node.high, value_of),
            )
        case Both() | Either() | Several():
            return replace(node, items=tuple(with_before(one, value_of) for one in node.items))
        case Negated():
            return replace(node, item=with_before(node.item, value_of))
        case Chosen():
            return replace(
                node,
                then=with_before(node.then, value_of),
                condition=with_before(node.condition, value_of),
                otherwise=with_before(node.otherwise, value_of),
            )
        case _:
            return node
