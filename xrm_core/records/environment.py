"""What expressions see of a record: its own values, and those of the records it links to, loaded in sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.expressions.evaluate import compile as compile_python
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.values import from_json
from xrm_core.kernel.kinds import Kind
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Source, sources
from xrm_core.storage.model import SYSTEM_KINDS
from xrm_core.storage.rows import Row


@dataclass(slots=True)
class Target:
    """What a write needs to know of a record it links to."""

    id: UUID
    module_id: str
    title: str
    archived: bool
    values: dict[tuple[str, ...], Any] = field(default_factory=dict)
    """Values behind the link, by the ids of the path after it."""


Targets = dict[tuple[str, UUID], Target]
"""Loaded link targets by (module id, record id)."""


class RecordEnv:
    """The environment of expressions over one record; reads the row as it is at that moment."""

    __slots__ = ("_keys", "_module", "_targets", "_unit", "me", "now", "row", "today", "zone")

    def __init__(self, unit: Unit, module: CompiledModule, row: Row, targets: Targets) -> None:
        self.row = row
        self._unit = unit
        self._module = module
        self._targets = targets
        self._keys = keys_of(module)
        self.now: datetime = unit.now
        self.today: date = unit.today
        self.me = unit.me
        self.zone = unit.workspace.time_zone

    def over(self, row: Row) -> RecordEnv:
        """The same environment over another state of the record."""
        return RecordEnv(self._unit, self._module, row, self._targets)

    def get(self, path: tuple[str, ...]) -> Any:
        """The Python value at the end of a path of ids."""
        key = path[0]
        known = self._keys.get(key)
        if known is not None:
            kind, inside = known
            value = self.row.data.get(key)
            if value is None:
                value = self._module.id if key == "module" else self.row.get(key)
            if len(path) == 2:
                value = value.get(path[1]) if isinstance(value, dict) else None
                attribute = self._module.fields_by_id[key].definition.attributes[path[1]]
                return from_json(attribute, value)
            for part in inside:
                value = value.get(part) if isinstance(value, dict) else None
            return from_json(kind, value)
        link = self._module.links_by_id.get(key)
        if link is None:
            return None
        module_id, target_id = target_of(self.row.data.get(key), link.targets)
        if target_id is None:
            return None
        if len(path) == 1:
            return str(target_id)
        target = self._targets.get((module_id, target_id))
        if target is None:
            return None
        return target.values.get(path[1:])

    def items(self, path: tuple[str, ...]) -> Sequence[RecordEnv]:
        """Lists of other records are asked of the database, never of a record that is still being written."""
        return ()


def target_of(value: Any, targets: tuple[str, ...]) -> tuple[str, UUID | None]:
    """(module id, record id) of a stored link value."""
    if value is None:
        return targets[0], None
    if isinstance(value, dict):
        return value["module"], _uuid(value["id"])
    return targets[0], _uuid(value)


@lru_cache(maxsize=10_000)
def _uuid(text: str) -> UUID:
    # The same few targets are asked for again and again while many records are written.
    return UUID(text)


def keys_of(module: CompiledModule) -> dict[str, tuple[Kind, tuple[str, ...]]]:
    """Kind and inner path of everything a record of the module stores itself, by id."""
    found: dict[str, tuple[Kind, tuple[str, ...]]] | None = module.memo.get("keys")
    if found is None:
        found = {key: (kind, ()) for key, kind in SYSTEM_KINDS.items()}
        for known in module.fields.values():
            found[known.id] = (known.kind, () if known.computed else known.definition.json_path)
        module.memo["keys"] = found
    return found


def python_of(catalog: Catalog, typed: Typed) -> Callable[[Any], Any]:
    """The compiled Python form of a typed expression, made once per catalog."""
    key = ("python", id(typed))
    found: tuple[Callable[[Any], Any], Typed] | None = catalog.memo.get(key)
    if found is None:
        # The typed tree is kept beside its function so that its identity stays taken.
        found = catalog.memo[key] = (compile_python(typed), typed)
    return found[0]


def sources_of(catalog: Catalog, module: CompiledModule, trees: Iterable[Typed]) -> list[Source]:
    """Everything that these expressions read behind links."""
    found: dict[tuple[str, ...], Source] = {}
    for typed in trees:
        for source in sources(typed, module.id, catalog.modules):
            if source.hops:
                found[source.ids] = source
    return list(found.values())


async def load_targets(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    rows: Iterable[Row],
    wanted: Sequence[Source],
    links: Iterable[str] | None = None,
    *,
    lock: bool = False,
    known: Targets | None = None,
) -> Targets:
    """The records that these rows link to, with the values that `wanted` names; one statement per target module.

    `links` limits it to some links (by id). `lock` is for new links: the targets cannot be erased until the transaction
    ends, nor can what is read from them change, and targets whose totals will move are taken for that at once.
    """
    chosen = list(module.links_by_id) if links is None else list(links)
    by_module: dict[str, tuple[set[UUID], dict[tuple[str, ...], Source]]] = {}
    moving: set[str] = set()
    crossed: set[str] = set()
    for link_id in chosen:
        link = module.links_by_id[link_id]
        if link.many:
            continue
        behind = [source for source in wanted if source.ids[0] == link_id]
        if any(trigger.start == "targets" for trigger in unit.catalog.graph.by_change.get((module.id, link_id), ())):
            moving.update(link.targets)
        if (module.id, link_id) in unit.catalog.graph.crossed:
            crossed.update(link.targets)
        for row in rows:
            value = row.data.get(link_id)
            if value is None:
                continue
            target_module, target_id = target_of(value, link.targets)
            if target_id is None or target_module not in unit.catalog.modules:
                continue
            ids, found = by_module.setdefault(target_module, (set(), {}))
            ids.add(target_id)
            for source in behind:
                found[source.ids[1:]] = source
    loaded: Targets = dict(known or {})
    for target_module, (ids, found) in sorted(by_module.items()):
        missing = {
            one
            for one in ids
            if (target_module, one) not in loaded or any(key not in loaded[target_module, one].values for key in found)
        }
        if missing or lock:
            read = found or target_module in crossed
            strength = (
                "" if not lock else "no key update" if target_module in moving else "share" if read else "key share"
            )
            await _load(
                unit,
                connection,
                unit.catalog.modules[target_module],
                ids if lock else missing,
                list(found.items()),
                strength,
                unit.catalog.graph.moved_by(module.id) if lock else frozenset(),
                loaded,
            )
    return loaded


async def _load(
    unit: Unit,
    connection: Connection,
    target: CompiledModule,
    ids: set[UUID],
    wanted: list[tuple[tuple[str, ...], Source]],
    lock: str,
    moved: frozenset[str],
    loaded: Targets,
) -> None:
    joins: dict[tuple[str, ...], str] = {}
    moving: set[str] = set()
    selected: list[str] = []
    for _, source in wanted:
        alias = "t"
        for depth, hop in enumerate(source.hops[1:], 1):
            mark = source.ids[1 : depth + 1]
            if mark not in joins:
                joins[mark] = f"j{len(joins)}"
                end = unit.catalog.modules[hop.ends[0]]
                joins[mark] += f" {end.table.qualified} {alias} {hop.link.column}"
                if end.id in moved:
                    moving.add(joins[mark])
            alias = joins[mark].split(" ")[0]
        end_module = unit.catalog.modules[source.hops[-1].ends[0]] if len(source.hops) > 1 else target
        selected.append(_column(unit, end_module, alias, source))
    if lock:
        await _lock_behind(connection, target, ids, joins.values(), moving)
    parts = [
        f"select t.id, t.title, t.archived_at is not null{''.join(', ' + part for part in selected)} from {target.table.qualified} t"
    ]
    for joined in joins.values():
        alias, table, before, column = joined.split(" ")
        parts.append(f"left join {table} {alias} on {alias}.id = {before}.{column}")
    parts.append("where t.id = any(%s::uuid[]) order by t.id")
    if lock:
        parts.append(f"for {lock} of t")
    cursor = connection.cursor()
    await cursor.execute(" ".join(parts), (sorted(ids),))
    for identifier, title, archived, *values in await cursor.fetchall():
        entry = loaded.setdefault((target.id, identifier), Target(identifier, target.id, title, archived))
        entry.title, entry.archived = title, archived
        for (key, source), value in zip(wanted, values, strict=True):
            for part in source.inside:
                value = value.get(part) if isinstance(value, dict) else None
            entry.values[key] = from_json(source.kind, value)


async def _lock_behind(
    connection: Connection, target: CompiledModule, ids: set[UUID], joins: Iterable[str], moving: set[str]
) -> None:
    # Records two and more steps away are read as well: whoever changes them must see the new link or wait for it. Those
    # whose totals will move are taken for that at once: two that only hold them would wait for each other for ever.
    chain = f"select {{}} from {target.table.qualified} t"
    for joined in joins:
        alias, table, before, column = joined.split(" ")
        chain += f" join {table} {alias} on {alias}.id = {before}.{column}"
        strength = "no key update" if joined in moving else "share"
        await connection.execute(
            f"select 1 from {table} x where x.id in ({chain.format(alias + '.id')} where t.id = any(%s::uuid[])) "
            f"order by x.id for {strength} of x",
            (sorted(ids),),
        )


def _column(unit: Unit, module: CompiledModule, alias: str, source: Source) -> str:
    key = source.key
    if key == "module":
        return f"'{module.id}'::text"
    if key in SYSTEM_KINDS:
        return f"{alias}.{key}"
    known = module.fields_by_id.get(key)
    if known is not None and known.beside:
        return (
            f"(select x.value from {unit.schema}.long_text x where x.module_id = '{module.id}' "
            f"and x.record_id = {alias}.id and x.field_id = '{key}')"
        )
    return f"{alias}.data->'{key}'"
