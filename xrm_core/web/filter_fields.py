"""What a filter may ask: the fields of a module and behind its links, and the operators of each kind of value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xrm_core.expressions.conditions import UNITS
from xrm_core.expressions.scope import Scope, Symbol
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.records.query import scope_of
from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.pages import OptionView

Asked = tuple[str, str, str]
"""An operator: its name, its label, the input its value needs."""
_EMPTY: tuple[Asked, ...] = (("is_empty", "is empty", "none"), ("is_not_empty", "is not empty", "none"))
_ORDER: tuple[Asked, ...] = (
    ("gt", "is more than", "number"),
    ("gte", "is at least", "number"),
    ("lt", "is less than", "number"),
    ("lte", "is at most", "number"),
    ("eq", "is", "number"),
    ("ne", "is not", "number"),
    ("between", "is between", "numbers"),
)
OPERATORS: Mapping[str, tuple[Asked, ...]] = {
    "text": (
        ("contains", "contains", "text"),
        ("not_contains", "does not contain", "text"),
        ("eq", "is", "text"),
        ("ne", "is not", "text"),
        ("starts_with", "starts with", "text"),
        ("ends_with", "ends with", "text"),
        *_EMPTY,
    ),
    "choice": (("in", "is any of", "options"), ("not_in", "is none of", "options"), *_EMPTY),
    "choices": (
        ("has_any", "has any of", "options"),
        ("has_all", "has all of", "options"),
        ("has_none", "has none of", "options"),
        *_EMPTY,
    ),
    "number": (*_ORDER, *_EMPTY),
    "count": _ORDER,
    "duration": (
        ("gt", "is more than", "duration"),
        ("gte", "is at least", "duration"),
        ("lt", "is less than", "duration"),
        ("lte", "is at most", "duration"),
        *_EMPTY,
    ),
    "date": (
        ("in_next", "is in the next", "length"),
        ("in_last", "is in the last", "length"),
        ("before_last", "more than … ago", "length"),
        ("after_next", "more than … ahead", "length"),
        ("within", "is within", "span"),
        ("not_within", "is not within", "span"),
        ("eq", "is on", "date"),
        ("lt", "is before", "date"),
        ("gt", "is after", "date"),
        ("lte", "is on or before", "date"),
        ("gte", "is on or after", "date"),
        ("between", "is between", "dates"),
        *_EMPTY,
    ),
    "boolean": (("eq", "is", "boolean"), ("ne", "is not", "boolean"), *_EMPTY),
    "user": (("eq", "is", "user"), ("ne", "is not", "user"), ("in", "is any of", "users"), *_EMPTY),
    "users": (("has_any", "has any of", "users"), ("has_none", "has none of", "users"), *_EMPTY),
    "record": (("eq", "is", "record"), ("ne", "is not", "record"), *_EMPTY),
    "related": (("any", "has", "group"), ("none", "has no", "group"), ("all", "all meet", "group")),
    "plain": _EMPTY,
}
"""Per kind of value."""
SPANS = (
    "today", "yesterday", "tomorrow", "this_week", "last_week", "next_week", "this_month", "last_month", "next_month",
    "this_quarter", "last_quarter", "next_quarter", "this_year", "last_year", "next_year",
)  # fmt: skip
MORE_UNITS = (*UNITS, "quarters", "business_days", "hours")
LAYERS = 2
"""How many links away fields are offered."""
_WRAPPED = re.compile(r"(annual|count)\((.+)\)")
_KINDS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.MONEY: "number",
    Kind.DURATION: "duration",
    Kind.DATE: "date",
    Kind.INSTANT: "date",
    Kind.BOOLEAN: "boolean",
    **dict.fromkeys(NUMERIC, "number"),
}
_UNASKED = frozenset({"id", "version", "module"})


@dataclass(frozen=True, slots=True)
class FieldAsked:
    """One field that may be asked about."""

    name: str
    label: str
    kind: str
    """A key of OPERATORS."""
    options: Mapping[str, OptionView] = field(default_factory=dict)
    to: str = ""
    """The module behind a link."""

    def operators(self) -> Mapping[str, tuple[str, str]]:
        """Label and input by operator."""
        return {name: (label, given) for name, label, given in OPERATORS[self.kind]}


class Asking:
    """The fields that the actor may ask about; what is hidden does not exist here."""

    def __init__(self, describer: Describer) -> None:
        self.describer = describer
        self.unit = describer.unit
        self._scopes: dict[str, Scope] = {}

    def scope(self, module: CompiledModule) -> Scope:
        """The names of a module for the actor."""
        return self._scopes.setdefault(module.id, scope_of(self.unit, module))

    def fields(self, module: CompiledModule) -> Iterable[FieldAsked]:
        """What a record of the module may be asked, in the order of the definitions."""
        system = ["title", *(["stage"] if module.pipeline else [])]
        late = ["owner", "created_at", "created_by", "updated_at", *(["stage_entered_at"] if module.pipeline else [])]
        names = [*system, *module.fields, *module.links, *module.inverses, *late]
        for name in dict.fromkeys(names):
            symbol = self.scope(module).resolve(name)
            if symbol is not None and name not in _UNASKED:
                yield from self._entries(module, symbol)

    def field(self, module: CompiledModule, path: str) -> FieldAsked | None:
        """The field at a path, as rows of a filter name it, with its label along the path; None if there is none."""
        wrapped = _WRAPPED.fullmatch(path)
        labels: list[str] = []
        at, parts = module, (wrapped[2] if wrapped else path).split(".")
        for place, part in enumerate(parts):
            symbol = self.scope(at).resolve(part)
            if symbol is None:
                return None
            rest = ".".join(parts[place:])
            wanted = f"{wrapped[1]}({rest})" if wrapped else rest
            found = next((one for one in self._entries(at, symbol) if one.name == wanted), None)
            if found is not None:
                label = " › ".join([*labels, found.label])
                return FieldAsked(path, label, found.kind, found.options, found.to)
            known = at.links.get(part)
            if known is None or known.many or known.polymorphic:
                return None
            labels.append(self.describer.text(known.definition.label))
            at = self.unit.catalog.modules[known.targets[0]]
        return None

    def _entries(self, module: CompiledModule, symbol: Symbol) -> Iterable[FieldAsked]:
        """The ways in which one name may be asked about."""
        name, kind = symbol.name, symbol.type.kind
        if symbol.kind in ("link", "links"):
            yield from self._link(module, symbol)
            return
        column = self.describer.column(module, name)
        if column is None:
            return
        if symbol.attributes:
            for part, attribute in symbol.attributes.items():
                inner = _KINDS.get(attribute.type.kind) if attribute.type.kind is not None else None
                if inner is not None:
                    yield FieldAsked(f"{name}.{part}", f"{column.label} › {self.describer.visit.t(part)}", inner)
        if kind is Kind.RATE:
            yield FieldAsked(
                f"annual({name})", self.describer.visit.t("{label} per year", label=column.label), "number"
            )
        if kind is Kind.REFERENCE:
            yield FieldAsked(name, column.label, "user")
        elif kind is Kind.LIST:
            users = symbol.type.item is Kind.REFERENCE
            yield FieldAsked(name, column.label, "users" if users else "choices", column.options)
        elif kind is Kind.TEXT and column.options:
            yield FieldAsked(name, column.label, "choice", column.options)
        elif kind is not None:
            yield FieldAsked(name, column.label, _KINDS.get(kind, "plain"))

    def _link(self, module: CompiledModule, symbol: Symbol) -> Iterable[FieldAsked]:
        describer, name = self.describer, symbol.name
        link, inverse = module.links.get(name), module.inverses.get(name)
        label = describer.text(link.definition.label if link is not None else inverse.label if inverse else None)
        if symbol.kind == "link":
            many = len(symbol.type.modules) > 1
            target = self.unit.catalog.modules[symbol.type.modules[0]]
            yield FieldAsked(name, label, "plain" if many else "record", {}, "" if many else target.name)
            return
        if len(symbol.type.modules) != 1:
            return
        target = self.unit.catalog.modules[symbol.type.modules[0]]
        if describer.sees(target):
            yield FieldAsked(name, label, "related", {}, target.name)
            yield FieldAsked(f"count({name})", describer.visit.t("Number of {label}", label=label), "count")

    # -- for the browser --------------------------------------------------------------------------------------------------

    def document(self, module: CompiledModule) -> dict[str, Any]:
        """Everything that the builder needs: fields of the module, of those behind its links, operators and words."""
        t = self.describer.visit.t
        modules: dict[str, Any] = {}
        todo = [(module, 0)]
        while todo:
            at, layer = todo.pop(0)
            if at.name in modules:
                continue
            found = list(self.fields(at))
            modules[at.name] = {
                "label": self.describer.text(at.definition.label),
                "fields": [_as_json(one) for one in found],
            }
            if layer < LAYERS:
                todo += [
                    (self.unit.catalog.find(one.to), layer + 1)  # type: ignore[misc]
                    for one in found
                    if one.to and (one.kind == "record" or layer == 0)
                ]
        people = sorted(self.describer.visit.users.values(), key=lambda user: user.name.casefold())
        return {
            "module": module.name,
            "modules": modules,
            "users": [[user.id, user.name] for user in people],
            "operators": {
                kind: [[name, t(label), given] for name, label, given in known] for kind, known in OPERATORS.items()
            },
            "spans": [[name, t(name.replace("_", " "))] for name in SPANS],
            "units": {name: t(name.replace("_", " ")) for name in MORE_UNITS},
        }


def _as_json(one: FieldAsked) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.name, "label": one.label, "kind": one.kind}
    options = [[option.name, option.label, option.hue] for option in one.options.values() if not option.archived]
    return found | ({"options": options} if options else {}) | ({"to": one.to} if one.to else {})
