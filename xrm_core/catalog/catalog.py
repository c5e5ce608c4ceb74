"""The catalog: an immutable snapshot of the live definitions, compiled; a new one takes its place when a version is published."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xrm_core.catalog.computations import Graph, build_graph
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.scope import Scopes
from xrm_core.expressions.values import annual, approximate_days, from_json
from xrm_core.fields import Field
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold
from xrm_core.storage.model import CompiledField, CompiledInverse, CompiledLink, CompiledModule
from xrm_core.storage.rows import Promoted, Table
from xrm_core.storage.tables import COLUMN_TYPES, column_name, table_name

Columns = Mapping[tuple[str, str], str]
"""(module id, field or link id) to "ready" or "filling", for every promoted column that exists."""


class Catalog:
    """Everything the engine knows of one workspace's definitions at one version."""

    def __init__(self, schema: str, version: int, definitions: DefinitionSet, columns: Columns) -> None:
        self.schema = schema
        self.version = version
        self.definitions = definitions
        self.scopes = Scopes(definitions)
        self.modules: dict[str, CompiledModule] = {}
        """Live modules by id."""
        self.memo: dict[Any, Any] = {}
        """Things derived from the catalog and made once."""
        self._compile(columns)
        self.by_name = {module.name: module for module in self.modules.values()}
        self.graph: Graph = build_graph(self.scopes, self.modules)

    def find(self, name: str) -> CompiledModule | None:
        """The module of that name."""
        return self.by_name.get(name)

    def module(self, name: str) -> CompiledModule:
        """The module of that name; raises NotFound."""
        found = self.by_name.get(name)
        if found is None:
            raise NotFound(Problem("unknown_module", "", f"There is no module {name!r}.", self.suggestion(name)))
        return found

    def suggestion(self, name: str, known: Iterable[str] | None = None) -> str:
        """A hint that names the module somebody probably meant, of those that they may know of."""
        close = difflib.get_close_matches(name, list(self.by_name if known is None else known), n=1)
        return f"Did you mean {close[0]!r}?" if close else ""

    def _compile(self, columns: Columns) -> None:
        live = [module for module in self.definitions.modules if not module.archived]
        ids = {module.name: module.id for module in live}
        inverses: dict[str, dict[str, CompiledInverse]] = {module.id: {} for module in live}
        links: dict[str, dict[str, CompiledLink]] = {}
        for module in live:
            links[module.id] = {}
            for link in module.links:
                targets = tuple(ids[name] for name in link.to if name in ids)
                if link.archived or not targets:
                    continue
                column = None if link.many or (module.id, link.id) not in columns else column_name(link.id)
                compiled = CompiledLink(link, module.id, targets, column)
                links[module.id][link.name] = compiled
                if link.inverse is not None:
                    for target in targets:
                        inverses[target][link.inverse.name] = CompiledInverse(
                            compiled, link.inverse.name, link.inverse.label
                        )
        for module in live:
            fields = {
                field.name: CompiledField(
                    field, kind, column_name(field.id) if columns.get((module.id, field.id)) == "ready" else None
                )
                for field in module.fields
                if not field.archived
                for kind in (self.scopes.kind(module, field),)
            }
            self.modules[module.id] = CompiledModule(
                module,
                self._table(module, fields, links[module.id], columns),
                fields,
                links[module.id],
                inverses[module.id],
            )

    def _table(
        self, module: Module, fields: dict[str, CompiledField], links: dict[str, CompiledLink], columns: Columns
    ) -> Table:
        promoted = [
            Promoted(
                column_name(field.id),
                _plain(COLUMN_TYPES[field.kind]),
                field.id,
                projection(field.definition, field.kind),
            )
            for field in fields.values()
            if (module.id, field.id) in columns and field.kind in COLUMN_TYPES
        ]
        promoted += [
            Promoted(link.column, "uuid", link.id, _link_target) for link in links.values() if link.column is not None
        ]
        return Table(self.schema, module.id, table_name(module.id), tuple(promoted))


def _plain(definition: str) -> str:
    return definition.split(" ")[0]


def _link_target(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


def _scalar(kind: Kind, turn: Callable[[Any], Any] = lambda value: value) -> Callable[[Any], Any]:
    def project(value: Any) -> Any:
        found = from_json(kind, value)
        return None if found is None else turn(found)

    return project


COMPUTED_PROJECTIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _scalar(Kind.TEXT, fold),
    Kind.INTEGER: _scalar(Kind.INTEGER),
    Kind.DECIMAL: _scalar(Kind.DECIMAL),
    Kind.BOOLEAN: _scalar(Kind.BOOLEAN),
    Kind.DATE: _scalar(Kind.DATE),
    Kind.INSTANT: _scalar(Kind.INSTANT),
    Kind.MONEY: _scalar(Kind.MONEY, lambda money: money.amount),
    Kind.RATE: _scalar(Kind.RATE, annual),
    Kind.DURATION: _scalar(Kind.DURATION, approximate_days),
    Kind.LIST: _scalar(Kind.LIST, lambda items: [fold(str(item)) for item in items]),
    Kind.REFERENCE: _scalar(Kind.REFERENCE),
}
"""Promoted values of computed fields, which have a kind but no type of their own."""


def projection(definition: Field, kind: Kind) -> Callable[[Any], Any]:
    """How the promoted column's value follows from the stored value of a field."""
    if not definition.computed:
        return definition.project
    return COMPUTED_PROJECTIONS[kind]
