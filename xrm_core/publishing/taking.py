"""The work with values that a published change leaves: fields filled from others, names replaced, old values put back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.link import Link
from xrm_core.fields.base import Field, Rejected, TakesFrom
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.publishing.converting import Replace, renamer, replace_values, revert
from xrm_core.publishing.values import Taker, Task, expression_taker, merged_tasks, read_field, shown_as
from xrm_core.records.environment import RecordEnv, load_targets, sources_of
from xrm_core.records.prepare import parse_context
from xrm_core.records.settle import LinkChange, Settling
from xrm_core.records.unit import Unit
from xrm_core.storage import catalog as catalog_store
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import links as link_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.links import LinkRow
from xrm_core.storage.rows import Row

__all__ = ["batch", "old_catalog", "values_of"]


async def batch(
    unit: Unit, connection: Connection, module: CompiledModule, payload: dict[str, Any], ids: Sequence[UUID]
) -> None:
    """Do all tasks of one piece of work for these records."""
    old = await old_catalog(unit, connection, int(payload["base"]))
    step = UUID(payload["step"])
    together: list[Replace] = []
    texts: set[str] = set()
    for task in merged_tasks(payload["tasks"]):
        if task["do"] == "undo":
            for undone in task["steps"]:
                await revert(unit, connection, module, UUID(undone), ids)
        elif task["do"] == "names":
            await replace_values(unit, connection, module, ids, renamer(task["key"], [(task["map"], None)]), step)
        elif task["do"] == "fill" and task["link"]:
            await _fill_link(unit, connection, module, task, ids)
        else:
            replace, long = await _replacer(unit, connection, old, module, task, ids)
            if replace is not None:
                together.append(replace)
                texts |= long
    if together:
        await _stored(unit, connection, module, ids, together, frozenset(texts))


async def old_catalog(unit: Unit, connection: Connection, number: int) -> Catalog:
    """The catalog of an earlier version: names in expressions mean what they meant then."""
    if unit.catalog.version == number:
        return unit.catalog
    key = ("version", number)
    found: Catalog | None = unit.catalog.memo.get(key)
    if found is None:
        version = await definition_store.version(connection, unit.schema, number)
        definitions = DefinitionSet.model_validate(version.snapshot) if version is not None else DefinitionSet()
        columns = await catalog_store.columns(connection, unit.schema)
        found = unit.catalog.memo[key] = Catalog(unit.schema, number, definitions, columns)
    return found


async def _replacer(
    unit: Unit, connection: Connection, old: Catalog, module: CompiledModule, task: Task, ids: Sequence[UUID]
) -> tuple[Replace | None, frozenset[str]]:
    target = read_field(task["target"])
    if target.id not in module.fields_by_id:
        return None, frozenset()
    if task["do"] == "return":
        steps = [read_field(step) for step in task["steps"]]
        texts = frozenset(f.id for f in (target, *steps) if f.beside)
        return _Back(unit, target, steps), texts
    takes = TakesFrom.model_validate(task["takes"])
    if takes.expression is not None:
        found = await _by_expression(unit, connection, old, module, target, takes, ids)
        return found, frozenset({target.id} if target.beside else ())
    source = read_field(task["source"])
    was = old.definitions.by_id[module.id]
    taker = Taker(target, shown_as(old.scopes, was, source), takes, parse_context(unit))
    return _Over(taker, source.id), frozenset(f.id for f in (target, source) if f.beside)


@dataclass
class _Over:
    """Fills an empty field from another one."""

    taker: Taker
    source: str

    def __call__(self, row: Row) -> dict[str, Any]:
        value = row.get(self.source)
        if value is None or row.get(self.taker.target.id) is not None:
            return {}
        try:
            found = self.taker(value)
        except Rejected:
            return {}
        return {} if found is None else {self.taker.target.id: found}


class _Back:
    """Puts back what was changed while another field held the values; what was not changed has stayed as it was."""

    def __init__(self, unit: Unit, target: Field, steps: Sequence[Field]) -> None:
        self.target, self.last, context = target, steps[-1], parse_context(unit)
        chain = [target, *steps]
        self.ways = [
            Taker(after, before, after.takes_from or TakesFrom(field=before.id), context)
            for before, after in zip(chain, steps, strict=False)
        ]
        self.back = Taker(target, self.last, TakesFrom(field=self.last.id), context)

    def __call__(self, row: Row) -> dict[str, Any]:
        now, value = row.get(self.last.id), row.get(self.target.id)
        for way in self.ways:
            try:
                value = None if value is None else way(value)
            except Rejected:
                value = None
        if now == value:
            return {}
        if now is None:
            return {self.target.id: None}
        try:
            return {self.target.id: self.back(now)}
        except Rejected:
            return {}


async def _by_expression(
    unit: Unit,
    connection: Connection,
    old: Catalog,
    module: CompiledModule,
    target: Field,
    takes: TakesFrom,
    ids: Sequence[UUID],
) -> Replace | None:
    was = old.modules.get(module.id)
    if was is None:
        return None
    values = await values_of(unit, connection, old, was, target, takes, ids)

    def replace(row: Row) -> dict[str, Any]:
        if row.get(target.id) is not None:
            return {}
        found = values.get(row.id)
        return {} if found is None or isinstance(found, Rejected) else {target.id: found}

    return replace


async def values_of(
    unit: Unit,
    connection: Connection,
    old: Catalog,
    module: CompiledModule,
    target: Field,
    takes: TakesFrom,
    ids: Sequence[UUID],
) -> dict[UUID, Any]:
    """What an expression over the older definitions makes of these records: a value, None or `Rejected`."""
    typed, compute = expression_taker(old, module, target, takes, parse_context(unit))
    if typed is None:
        return {}
    beside = any(known.beside for known in module.fields.values())
    rows = await store.fetch(connection, module.table, ids, beside=beside)
    async with AsyncExitStack() as stack:
        before = Unit(unit.database, unit.workspace, old, unit.actor, unit.now, stack)
        wanted = sources_of(old, module, [typed])
        targets = (
            await load_targets(before, connection, module, rows.values(), wanted, {one.ids[0] for one in wanted})
            if wanted
            else {}
        )
    found: dict[UUID, Any] = {}
    for row in rows.values():
        try:
            found[row.id] = compute(RecordEnv(before, module, row, targets))
        except Rejected as rejected:
            found[row.id] = rejected
    return found


async def _stored(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    ids: Sequence[UUID],
    together: Sequence[Replace],
    texts: frozenset[str],
) -> None:
    """Write what all of these give, each record once; where one value is refused, the others are written."""

    def replace(row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in together:
            found.update(one(row))
        return found

    try:
        async with connection.transaction():
            await replace_values(unit, connection, module, ids, replace, None, texts=texts, silent=True)
        return
    except (Invalid, Conflict):
        if len(ids) == 1 and len(together) == 1:
            return  # a value that is there already and may be there once: the record keeps its old one
    if len(ids) > 1:
        half = len(ids) // 2
        for part in (ids[:half], ids[half:]):
            await _stored(unit, connection, module, part, together, texts)
    else:
        for one in together:
            await _stored(unit, connection, module, ids, [one], texts)


async def _fill_link(
    unit: Unit, connection: Connection, module: CompiledModule, task: Task, ids: Sequence[UUID]
) -> None:
    target, source = Link.model_validate(task["target"]), Link.model_validate(task["source"])
    link = module.links_by_id.get(target.id)
    if link is None:
        return
    key, old_key = f"{module.id}.{target.id}", f"{module.id}.{source.id}"
    if target.many:
        await _to_many(unit, connection, module, key, old_key, source, link.targets, ids)
        return
    if source.many:
        found: dict[UUID, list[LinkRow]] = {}
        for row in await link_store.of_sources(connection, unit.schema, [old_key], ids):
            found.setdefault(row.source_id, []).append(row)
        several = len(link.targets) > 1

        def single(row: Row) -> dict[str, Any]:
            rows = found.get(row.id, [])
            if len(rows) != 1 or target.id in row.data or rows[0].target_module not in link.targets:
                return {}
            to = str(rows[0].target_id)
            return {target.id: {"module": rows[0].target_module, "id": to} if several else to}

        replace: Replace = single
    else:

        def copied(row: Row) -> dict[str, Any]:
            value = row.data.get(source.id)
            return {} if value is None or target.id in row.data else {target.id: value}

        replace = copied
    await _stored(unit, connection, module, ids, [replace], frozenset())


async def _to_many(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    key: str,
    old_key: str,
    source: Link,
    targets: tuple[str, ...],
    ids: Sequence[UUID],
) -> None:
    rows = await store.fetch(connection, module.table, ids, lock=True)
    wanted: list[LinkRow] = []
    for row in rows.values():
        value = row.data.get(source.id)
        if isinstance(value, dict) and value["module"] in targets:
            wanted.append(LinkRow(key, row.id, value["module"], UUID(value["id"])))
        elif isinstance(value, str):
            wanted.append(LinkRow(key, row.id, targets[0], UUID(value)))
    if source.many:
        wanted += [
            LinkRow(key, one.source_id, one.target_module, one.target_id, one.attributes)
            for one in await link_store.of_sources(connection, unit.schema, [old_key], ids)
            if one.target_module in targets
        ]
    added = await link_store.add(connection, unit.schema, wanted)
    if added:
        work = Settling(unit, connection)
        await work.note((), [LinkChange(one.link_id, one.source_id, one.target_id) for one in added])
        await work.run()
