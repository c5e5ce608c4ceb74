"""What expressions of a set of definitions may mention: a scope per module, and the types of computed fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.members import SYSTEM_FIELDS, Directory, Member
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.expressions.checker import check, check_condition
from xrm_core.expressions.hints import named
from xrm_core.expressions.parser import parse
from xrm_core.expressions.scope import Scope, Symbol, SymbolKind
from xrm_core.expressions.template import check_template, parse_template
from xrm_core.expressions.typed import Apply, Typed, walk
from xrm_core.expressions.types import DECIMAL, DURATION, INTEGER, OPEN, REFERENCE, Type, list_of
from xrm_core.fields.base import Field
from xrm_core.fields.formula import Formula
from xrm_core.fields.lookup import Lookup
from xrm_core.fields.rollup import Rollup
from xrm_core.kernel.kinds import NUMERIC, ORDERED, Kind
from xrm_core.kernel.problem import Problem, under


@dataclass(frozen=True, slots=True)
class Calculation:
    """How a computed field gets its value: a formula has a `value`; a roll-up or lookup goes along `path` first.

    `value`, `condition` and the last symbol of `path` then belong to the module at the end of the path.
    """

    module: Module
    field: Field
    function: str
    type: Type
    value: Typed | None = None
    condition: Typed | None = None
    path: tuple[Symbol, ...] = ()
    order: Typed | None = None


@dataclass(frozen=True, slots=True)
class ModuleScope:
    """The names of one module; implements the `Scope` of the expression language."""

    scopes: Scopes
    module: Module

    def resolve(self, name: str) -> Symbol | None:
        return self.scopes.symbol(self.module, name)

    def names(self) -> Iterable[str]:
        return self.scopes.directory.of(self.module)


class Scopes:
    """The scopes of all modules of a set. Everything is worked out when it is asked for, once."""

    def __init__(self, definitions: DefinitionSet) -> None:
        self.definitions = definitions
        self.directory = Directory(definitions)
        self._symbols: dict[tuple[str, str], Symbol | None] = {}
        self._checked: dict[tuple[str, str], tuple[Typed | None, list[Problem]]] = {}
        self._calculations: dict[tuple[str, str], tuple[Calculation | None, list[Problem]]] = {}
        self._running: list[tuple[str, str]] = []
        self.cycles: list[tuple[tuple[str, str], ...]] = []
        """Circles of computed fields met so far, as (module id, field id)."""

    # -- names --------------------------------------------------------------------------------------------------------

    def of(self, module: Module) -> Scope:
        """The scope of a module's records."""
        return ModuleScope(self, module)

    def symbol(self, module: Module, name: str) -> Symbol | None:
        """What a name means on a module."""
        key = (module.id, name)
        if key in self._symbols:
            return self._symbols[key]
        member = self.directory.member(module, name)
        if member is not None and member.field is not None and member.field.computed:
            # The type of a computed field needs other symbols first; while it is being worked out it is open.
            if (module.id, member.id) in self._running:
                self.cycles.append(tuple(self._running[self._running.index((module.id, member.id)) :]))
                return Symbol(name, member.id, OPEN, "field", module=module.id)
            self.calculation(module, member.field)
        found = self._symbol(module, member) if member is not None else None
        self._symbols[key] = found
        return found

    def _symbol(self, module: Module, member: Member) -> Symbol:
        if member.field is not None:
            return field_symbol(module, member.field, self.type_of(module, member.field))
        if member.link is not None:
            return self._link(module, member)
        kind = member.system or Kind.TEXT
        if member.name == "stage" and module.pipeline is not None:
            stages = frozenset(stage.name for stage in module.stages)
            variants: dict[str, tuple[str, ...]] = {}
            for stage in module.stages:
                if stage.maps_to is not None:
                    variants[stage.maps_to] = (*variants.get(stage.maps_to, ()), stage.name)
            found = Type(Kind.TEXT, options=stages, variants=tuple(variants.items()))
            return Symbol("stage", "stage", found, "system", module=module.id)
        modules = (module.id,) if member.name == "id" else ()
        return Symbol(member.name, member.name, Type(kind, modules=modules), "system", module=module.id)

    def _link(self, module: Module, member: Member) -> Symbol:
        targets = member.targets
        kind: SymbolKind = "links" if member.many else "link"
        target = (lambda: self.of(targets[0])) if len(targets) == 1 else None
        return Symbol(
            member.name,
            member.id if member.kind == "link" else inverse_id(member),
            Type(Kind.REFERENCE, modules=tuple(target.id for target in targets)),
            kind,
            target=target,
            module=module.id,
        )

    # -- types --------------------------------------------------------------------------------------------------------

    def type_of(self, module: Module, field: Field) -> Type:
        """The type of a field's value; of a computed field as far as its definition is right."""
        if not field.computed:
            return field_type(field)
        calculation, _ = self.calculation(module, field)
        return calculation.type if calculation is not None else OPEN

    def kind(self, module: Module, field: Field) -> Kind:
        """The value kind of a field, for columns and indexes."""
        return self.type_of(module, field).kind or Kind.TEXT

    def check(self, module: Module, source: str) -> tuple[Typed | None, list[Problem]]:
        """The typed tree of an expression over a module's records, or its problems."""
        key = (module.id, source)
        found = self._checked.get(key)
        if found is None:
            running = bool(self._running)
            found = self._check(self.of(module), source)
            if not running and not found[1]:
                # Inside a cycle types are still open: what is found then is not kept. Nor are problems: they are said
                # in the language of who asked, and the next one may read another.
                self._checked[key] = found
        return found

    def _check(self, scope: Scope, source: str) -> tuple[Typed | None, list[Problem]]:
        node, problems = parse(source)
        if node is None:
            return None, problems
        return check(node, scope, source)

    def condition(self, module: Module, source: str) -> tuple[Typed | None, list[Problem]]:
        """The typed tree of a condition over a module's records, or its problems."""
        node, problems = parse(source)
        if node is None:
            return None, problems
        return check_condition(node, self.of(module), source)

    def template(self, module: Module, text: str) -> tuple[tuple[str | Typed, ...], list[Problem]]:
        """The texts and typed trees of a title template over a module's records, and its problems."""
        template, problems = parse_template(text)
        if template is None:
            return (), problems
        typed, problems = check_template(template, self.of(module))
        return (typed.parts if typed is not None else ()), problems

    # -- computed fields ----------------------------------------------------------------------------------------------

    def calculation(self, module: Module, field: Field) -> tuple[Calculation | None, list[Problem]]:
        """How a computed field is calculated, or the problems (paths relative to the field) that keep it from it."""
        key = (module.id, field.id)
        found = self._calculations.get(key)
        if found is None:
            self._running.append(key)
            try:
                found = self._calculate(module, field)
            finally:
                self._running.pop()
            self._calculations[key] = found
        return found

    def _calculate(self, module: Module, field: Field) -> tuple[Calculation | None, list[Problem]]:
        if isinstance(field, Formula):
            return self._formula(module, field)
        if isinstance(field, Rollup):
            return self._rollup(module, field)
        if isinstance(field, Lookup):
            return self._lookup(module, field)
        return None, []

    def _formula(self, module: Module, field: Formula) -> tuple[Calculation | None, list[Problem]]:
        typed, problems = self.check(module, field.formula)
        if typed is None:
            return None, under("/formula", problems)
        if trouble := _not_storable(typed, "/formula"):
            return None, trouble
        result = field.result_field()
        wanted = field_type(result) if result is not None else None
        kind = typed.type
        if result is not None and wanted is not None:
            if (
                kind.kind is not None
                and kind.kind != wanted.kind
                and not (kind.kind in NUMERIC and wanted.kind in NUMERIC)
            ):
                message = f"The formula gives {named(kind)}, which cannot be shown as {result.type}."
                return None, [
                    Problem("type", "/result/type", message, "Choose a type that fits, or leave 'result' out.")
                ]
            kind = wanted if kind.kind in NUMERIC or kind.kind is None else kind
        if kind.kind is Kind.REFERENCE:
            return None, [
                Problem(
                    "type", "/formula", "A formula cannot give a record.", "Name a field of it, for example its title."
                )
            ]
        if kind.kind is Kind.OBJECT:
            return None, [
                Problem("type", "/formula", "A formula cannot give a composed value.", "Name one of its parts.")
            ]
        return Calculation(module, field, "formula", kind, value=typed), problems

    def _along(self, module: Module, path: str, key: str) -> tuple[tuple[Symbol, ...], Module | None, list[Problem]]:
        """The symbols along a path of links and the module at its end."""
        symbols: list[Symbol] = []
        here = module
        for step in path.split("."):
            member = self.directory.member(here, step)
            links = [m.name for m in self.directory.of(here).values() if m.link is not None]
            if member is None:
                return (
                    (),
                    None,
                    [Problem("missing", key, f"{here.name} has no link '{step}'.", did_you_mean(step, links))],
                )
            symbol = self.symbol(here, step)
            if member.link is None or symbol is None:
                return (
                    (),
                    None,
                    [Problem("type", key, f"'{step}' of {here.name} is not a link.", did_you_mean(step, links))],
                )
            if len(member.targets) != 1:
                return (
                    (),
                    None,
                    [
                        Problem(
                            "type",
                            key,
                            f"'{step}' leads to several modules.",
                            "Only a link to one module can be followed.",
                        )
                    ],
                )
            symbols.append(symbol)
            here = member.targets[0]
        return tuple(symbols), here, []

    def _rollup(self, module: Module, field: Rollup) -> tuple[Calculation | None, list[Problem]]:
        path, target, problems = self._along(module, field.link, "/link")
        if target is None:
            return None, problems
        if not any(symbol.kind == "links" for symbol in path):
            return None, [
                Problem("type", "/link", f"'{field.link}' leads to one record only.", "Use a lookup or a formula.")
            ]
        value = condition = order = None
        if field.field is not None:
            value, trouble = self.check(target, field.field)
            problems += under("/field", trouble)
        if field.where is not None:
            condition, trouble = self.condition(target, field.where)
            problems += under("/where", trouble)
        if field.order_by is not None:
            order, trouble = self.check(target, field.order_by.lstrip("-"))
            problems += under("/order_by", trouble)
        if problems:
            return None, problems
        problems = (
            _not_storable(value, "/field") + _not_storable(condition, "/where") + _not_storable(order, "/order_by")
        )
        if problems:
            return None, problems
        kind, problems = _rollup_type(field, value)
        if kind is None:
            return None, problems
        return Calculation(module, field, field.function, kind, value, condition, path, order), problems

    def _lookup(self, module: Module, field: Lookup) -> tuple[Calculation | None, list[Problem]]:
        path, target, problems = self._along(module, field.link, "/link")
        if target is None:
            return None, problems
        many = next((symbol for symbol in path if symbol.kind == "links"), None)
        if many is not None:
            return None, [Problem("type", "/link", f"'{many.name}' leads to many records.", "Use a roll-up.")]
        value, problems = self.check(target, field.field)
        if value is None:
            return None, under("/field", problems)
        if trouble := _not_storable(value, "/field"):
            return None, trouble
        if value.type.kind is Kind.REFERENCE:
            return None, [
                Problem("type", "/field", "A lookup shows a value, not a record.", "Name a field, for example title.")
            ]
        return Calculation(module, field, "lookup", value.type, value=value, path=path), []


def _not_storable(tree: Typed | None, path: str) -> list[Problem]:
    # Computed values are stored once for everybody, and turn over at midnight, not at every moment.
    used = {part.function for part in walk(tree) if isinstance(part, Apply)} if tree is not None else set()
    found = []
    if "me" in used:
        found.append(
            Problem(
                "not_storable",
                path,
                "A computed value is the same for everybody, so it cannot use me.",
                "Use me in filters and views.",
            )
        )
    if "now" in used:
        found.append(
            Problem(
                "not_storable",
                path,
                "A computed value is stored, so it cannot change at every moment.",
                "Use today() instead of now().",
            )
        )
    return found


def _rollup_type(field: Rollup, value: Typed | None) -> tuple[Type | None, list[Problem]]:
    function = field.function
    if function == "count":
        return INTEGER, []
    if value is None:
        return None, [Problem("required", "/field", f"'{function}' needs a field of the related records.", "Name it.")]
    kind = value.type.kind
    if kind is None:
        return OPEN, []
    addable = kind in NUMERIC or kind in (Kind.MONEY, Kind.DURATION)
    if function == "sum" and not addable:
        return None, [Problem("type", "/field", f"A {value.type} cannot be added up.", "Use count, latest or list.")]
    if function == "avg":
        if kind in NUMERIC:
            return DECIMAL, []
        if kind is not Kind.MONEY:
            return None, [Problem("type", "/field", f"A {value.type} has no average.", "Use count, latest or list.")]
    if function in ("min", "max") and kind not in ORDERED:
        return None, [Problem("type", "/field", f"A {value.type} has no order.", "Use count, latest or list.")]
    if function == "list":
        return list_of(value.type.item if kind is Kind.LIST else kind), []
    if function == "sum" and kind is Kind.DURATION:
        return DURATION, []
    return value.type, []


def inverse_id(member: Member) -> str:
    """The id of an inverse in expressions: the linking module and the link, `orders.customer`."""
    return f"{member.module.id}.{member.id}"


def field_type(field: Any) -> Type:
    """The type of a field that is not computed."""
    kind: Kind = field.kind
    names = _options(field)
    if kind is Kind.LIST:
        return list_of(getattr(field, "item_kind", Kind.TEXT), names)
    if kind is Kind.REFERENCE:
        return REFERENCE
    return Type(kind, options=names)


def _options(field: Any) -> frozenset[str] | None:
    options = getattr(field, "options", None)
    if not options or getattr(field, "open", False):
        return None
    return frozenset(option.name for option in options)


def field_symbol(module: Module, field: Field, type: Type) -> Symbol:
    """The symbol of a field with the parts of its value."""
    parts = {
        name: Symbol(name, name, Type(kind), "attribute", module=module.id) for name, kind in field.attributes.items()
    }
    return Symbol(field.name, field.id, type, "field", attributes=parts, module=module.id)


__all__ = ["SYSTEM_FIELDS", "Calculation", "ModuleScope", "Scopes", "field_symbol", "field_type", "inverse_id"]
