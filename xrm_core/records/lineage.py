"""Why a computed value is what it is: what it was worked out from, down to the records, as far as the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.catalog.computations import TITLE, Computation
from xrm_core.expressions.scope import Path, Symbol
from xrm_core.expressions.typed import Over, Read, Typed, parts
from xrm_core.expressions.types import REFERENCE, Type, list_of
from xrm_core.expressions.values import to_json
from xrm_core.fields.formula import Formula
from xrm_core.fields.lookup import Lookup
from xrm_core.fields.rollup import Rollup
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Hop, hops_of
from xrm_core.storage.sql.computed import Aggregate, formula_values, rollup_values

MOST_RECORDS = 50
DEEPEST = 4
_ID = Symbol("id", "id", REFERENCE, "system")


async def why(unit: Unit, module_name: str, identifier: UUID, field: str, *, depth: int = 1) -> dict[str, Any]:
    """The lineage of one value of a record; raises NotFound where the actor may not look."""
    module = unit.module(module_name)
    rights = unit.policy.require(module.id, "see")
    known = module.fields.get(field)
    if field != TITLE and (known is None or known.id in rights.hidden):
        raise NotFound(Problem("unknown_field", "", f"{module.name} has no field {field!r}."))
    connection = await unit.writer()
    seen = await _visible(unit, connection, module, [identifier])
    if identifier not in seen:
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))
    key = TITLE if known is None else known.id
    node = next((one for one in unit.catalog.graph.of_module.get(module.id, ()) if one.key == key), None)
    if node is None:
        raise Invalid(Problem("not_computed", "/field", f"'{field}' is not computed: somebody wrote it."))
    return await _Lineage(unit, connection).of(module, identifier, node, max(1, min(depth, DEEPEST)))


class _Lineage:
    """One explanation; what a value is made of is asked of the database the way the value itself was."""

    def __init__(self, unit: Unit, connection: Connection) -> None:
        self.unit, self.connection = unit, connection
        self.modules = unit.catalog.modules

    async def of(self, module: CompiledModule, identifier: UUID, node: Computation, depth: int) -> dict[str, Any]:
        """The value with what it is made of."""
        known = module.fields_by_id.get(node.key)
        found: dict[str, Any] = {
            "module": module.name, "record": str(identifier),
            "field": known.name if known is not None else TITLE,
            "label": known.definition.text(self.unit.workspace.locale) if known is not None else TITLE,
            "kind": node.function, "type": str(node.type), "uses_today": node.uses_today,
            "expression": _expression(module, node),
            "value": await self._stored(module, identifier, node.key),
        }  # fmt: skip
        if node.is_rollup:
            return {**found, **await self._list(identifier, node.path, node.aggregate, depth)}
        inputs: list[dict[str, Any]] = []
        for tree in node.trees():
            for part in _reads(tree):
                told = await (
                    self._input(module, identifier, part, depth)
                    if isinstance(part, Read)
                    else self._over(module, identifier, part, depth)
                )
                if told not in inputs:
                    inputs.append(told)
        return {**found, "inputs": inputs}

    async def _stored(self, module: CompiledModule, identifier: UUID, key: str) -> Any:
        column = "to_jsonb(t.title)" if key == TITLE else "t.data -> %s::text"
        cursor = self.connection.cursor()
        await cursor.execute(
            f"select ({column})::text from {module.table.qualified} t where t.id = %s::uuid",
            [*([] if key == TITLE else [key]), identifier],
        )
        row = await cursor.fetchone()
        return _json(row[0]) if row else None

    async def _value(self, module: CompiledModule, identifier: UUID, typed: Typed) -> Any:
        asked = Aggregate("value", "formula", typed.type, typed, None, None, True)
        values = await formula_values(self.connection, self.modules, module, asked, [identifier], self.unit)
        return plain(typed.type, values.get(identifier))

    async def _input(self, module: CompiledModule, identifier: UUID, read: Read, depth: int) -> dict[str, Any]:
        """One value that a formula reads: of the record itself or of one that it links to."""
        symbols = tuple(symbol for symbol in read.path if symbol.kind != "attribute")
        found: dict[str, Any] = {"path": ".".join(symbol.name for symbol in read.path), "type": str(read.type)}
        here, record = module, identifier
        for index, symbol in enumerate(symbols[:-1]):
            if not self._may(here, symbol):
                return {**found, "hidden": True}
            target = await self._value(here, record, Read(symbols[index : index + 1], type=symbol.type))
            goals = [m for m in symbol.type.modules if m in self.modules]
            if target is None or not goals:
                return {**found, "value": None, "missing": symbol.name}
            here, record = self.modules[goals[0]], UUID(str(target))
            if len(goals) > 1:
                return {**found, "value": None}
            titles = await _visible(self.unit, self.connection, here, [record])
            if record not in titles:
                return {**found, "hidden": True}
            found["of"] = {"module": here.name, "id": str(record), "title": titles[record]}
        last = symbols[-1]
        if not self._may(here, last):
            return {**found, "hidden": True}
        found["label"] = self._label(here, last)
        found["value"] = await self._value(here, record, Read(read.path[len(symbols) - 1 :], type=read.type))
        return {**found, **await self._further(here, record, last, depth)}

    async def _further(self, module: CompiledModule, record: UUID, symbol: Symbol, depth: int) -> dict[str, Any]:
        node = next((n for n in self.unit.catalog.graph.of_module.get(module.id, ()) if n.key == symbol.id), None)
        if node is None:
            return {}
        told: dict[str, Any] = {"computed": True, "module": module.name, "record": str(record), "field": symbol.name}
        if depth > 1:
            told["because"] = await self.of(module, record, node, depth - 1)
        return told

    async def _over(self, module: CompiledModule, identifier: UUID, over: Over, depth: int) -> dict[str, Any]:
        """A question about a list of records inside a formula."""
        path = hops_of(over.path, module.id, self.modules)
        asked = Aggregate("value", over.function, over.type, over.value, over.condition, None, True)
        found: dict[str, Any] = {"path": ".".join(s.name for s in over.path), "function": over.function}
        if not all(self._may(*one) for one in self._steps(module, over.path)):
            return {**found, "hidden": True}
        found["value"] = await self._value(module, identifier, over)
        return {**found, **await self._list(identifier, path, asked, depth)}

    def _steps(self, module: CompiledModule, path: Path) -> list[tuple[CompiledModule, Symbol]]:
        found, here = [], module
        for symbol in path:
            found.append((here, symbol))
            here = self.modules[symbol.type.modules[0]]
        return found

    async def _list(self, identifier: UUID, path: Sequence[Hop], asked: Aggregate, depth: int) -> dict[str, Any]:
        """The records that a total or a question is about, with what each gives."""
        target = self.modules[path[-1].ends[0]]
        everything = Aggregate("ids", "list", list_of(Kind.REFERENCE), Read((_ID,), type=REFERENCE), None, None, True)
        only = asked.condition if asked.function != "all" else None
        counted = Aggregate("ids", "list", everything.type, everything.value, only, None, True)
        number = Aggregate("count", "count", Type(Kind.INTEGER), None, only, None, True)
        values = (await rollup_values(self.connection, self.modules, path, [counted, number], [identifier], self.unit))[
            identifier
        ]
        ids = [UUID(one) for one in values["ids"] or ()]
        rights = self.unit.policy.module(target.id)
        titles = await _visible(self.unit, self.connection, target, ids) if rights.see != "none" else {}
        shown = [one for one in ids if one in titles][:MOST_RECORDS]
        given: dict[UUID, Any] = {}
        if asked.value is not None and shown and not self._hides(target, asked.value):
            each = Aggregate("value", "formula", asked.value.type, asked.value, None, None, True)
            given = await formula_values(self.connection, self.modules, target, each, shown, self.unit)
        records = [
            {
                "module": target.name, "id": str(one), "title": titles[one],
                **({"value": plain(asked.value.type, given.get(one))} if asked.value is not None and given else {}),
            }
            for one in shown
        ]  # fmt: skip
        found = {
            "of": target.name, "count": values["count"], "records": records,
            "hidden_records": sum(one not in titles for one in ids),
        }  # fmt: skip
        if depth > 1 and isinstance(asked.value, Read) and len(asked.value.path) == 1 and given:
            for told, one in zip(records, shown, strict=True):
                told |= await self._further(target, one, asked.value.path[0], 1)
        return found

    # -- rights ---------------------------------------------------------------------------------------------------

    def _may(self, module: CompiledModule, symbol: Symbol) -> bool:
        rights = self.unit.policy.module(module.id)
        goal = all(self.unit.policy.allows(m, "see") for m in symbol.type.modules if m in self.modules)
        return rights.see != "none" and symbol.id not in rights.hidden and (goal or symbol.kind == "system")

    def _hides(self, module: CompiledModule, typed: Typed) -> bool:
        reads = [part for part in _reads(typed) if isinstance(part, Read)]
        return any(not self._may(module, part.path[0]) for part in reads)

    def _label(self, module: CompiledModule, symbol: Symbol) -> str:
        known = module.fields_by_id.get(symbol.id)
        if known is not None:
            return known.definition.text(self.unit.workspace.locale)
        link = module.links_by_id.get(symbol.id)
        return label_text(link.definition.label, self.unit.workspace.locale) if link is not None else symbol.name


def _reads(typed: Typed) -> list[Read | Over]:
    """What an expression reads; what is inside a question about a list belongs to that."""
    if isinstance(typed, (Read, Over)):
        return [typed]
    return [found for part in parts(typed) for found in _reads(part)]


async def _visible(unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The titles of those records that the actor may see."""
    scope = unit.scope(module, "see")
    condition, values = scope if scope is not None else ("true", [])
    cursor = connection.cursor()
    await cursor.execute(
        f"select t.id, t.title from {module.table.qualified} t where t.id = any(%s::uuid[]) and {condition}",
        [list(ids), *values],
    )
    return dict(await cursor.fetchall())


def _expression(module: CompiledModule, node: Computation) -> dict[str, Any]:
    known = module.fields_by_id.get(node.key)
    definition = known.definition if known is not None else None
    if isinstance(definition, Formula):
        return {"formula": definition.formula}
    if isinstance(definition, Rollup):
        keys = ("link", "function", "field", "where", "order_by")
        return {key: getattr(definition, key) for key in keys if getattr(definition, key) is not None}
    if isinstance(definition, Lookup):
        return {"link": definition.link, "field": definition.field}
    return {"template": module.definition.title}


def plain(type: Type, value: Any) -> Any:
    """A value as JSON."""
    if value is None:
        return None
    if isinstance(value, (list, tuple, set)) and type.kind is Kind.LIST:
        return [str(item) for item in value]
    if type.kind in (None, Kind.REFERENCE, Kind.OBJECT):
        return str(value) if isinstance(value, UUID) else value
    return to_json(type.kind, value)


def _json(text: str | bytes | None) -> Any:
    return None if text is None else orjson.loads(text)
