"""Stored values that go over into others along with a change of definitions, and back again, in sets with events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.fields import field_adapter
from xrm_core.fields.base import Field, ParseContext, Rejected
from xrm_core.kernel.ids import new_id
from xrm_core.records import searching
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import context_of
from xrm_core.records.settle import Change, Settling
from xrm_core.records.unit import Unit
from xrm_core.storage import packs as kept
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.packs import ReplacedValue
from xrm_core.storage.rows import Event, Row
from xrm_core.storage.sql import Sql, compile_condition
from xrm_core.storage.sql.queries import source_of
from xrm_core.storage.sql.values import sql

CONVERT = "convert"
REVERT = "revert"
STAGE = "stage"
Replace = Callable[[Row], dict[str, Any]]
"""The new values of a record, by key; None empties."""


async def batch(
    unit: Unit, connection: Connection, module: CompiledModule, payload: dict[str, Any], ids: Sequence[UUID]
) -> None:
    """Convert (or put back) the values of these records; what was there is kept under the payload's step."""
    step = UUID(payload["step"])
    if payload["kind"] == REVERT:
        await revert(unit, connection, module, step, ids)
    elif "clear" in payload:
        keys = set(payload["clear"])
        await replace_values(unit, connection, module, ids, lambda row: dict.fromkeys(keys & row.data.keys()), step)
    elif "copy_from" in payload:
        replace = _copier(unit, module, payload)
        if replace is not None:
            await replace_values(unit, connection, module, ids, replace, step)
    else:
        rules = [
            (rule["map"], await _fitting(unit, connection, module, rule.get("when"), ids)) for rule in payload["rules"]
        ]
        await replace_values(unit, connection, module, ids, renamer(payload["key"], rules), step)


def renamer(key: str, rules: list[tuple[dict[str, str], set[UUID] | None]]) -> Replace:
    """What gives options or stages of records other names; each rule is for some records, or (None) for all."""

    def name(row: Row, old: str) -> str:
        for names, ids in rules:
            if old in names and (ids is None or row.id in ids):
                return names[old]
        return old

    def replace(row: Row) -> dict[str, Any]:
        value = row.stage if key == STAGE else row.data.get(key)
        if isinstance(value, list):
            return {key: list(dict.fromkeys(name(row, old) for old in value))}
        return {key: name(row, value)} if isinstance(value, str) else {}

    return replace


def _copier(unit: Unit, module: CompiledModule, payload: dict[str, Any]) -> Replace | None:
    """Fill a field from an older one, or read its own values again after its type changed."""
    known = module.fields_by_id.get(payload["key"])
    if known is None or known.beside or known.computed:
        return None
    field, source, same = known.definition, payload["copy_from"], payload["copy_from"] == payload["key"]
    old: Field = field_adapter.validate_python(payload["old"])
    context = parse_context(unit)

    def as_text(value: Any, context: ParseContext) -> Any:
        return field.parse_text(old.format(value, context), context)

    def replace(row: Row) -> dict[str, Any]:
        value = row.data.get(source)
        if value is None or (not same and field.id in row.data):
            return {}
        for read in (field.parse, as_text):
            try:
                return {field.id: read(value, context)}
            except Rejected:
                continue
        # What the new type cannot hold is kept aside with the step, and comes back with it.
        return {field.id: None} if same else {}

    return replace


async def _fitting(
    unit: Unit, connection: Connection, module: CompiledModule, when: str | None, ids: Sequence[UUID]
) -> set[UUID] | None:
    if when is None:
        return None
    typed, _ = unit.catalog.scopes.condition(module.definition, when)
    if typed is None:
        return set()
    context = context_of(unit, module)
    where = compile_condition(typed, context)
    statement = sql("select {} from {} where ({})", Sql(f"{context.alias}.id"), source_of(module, context), where)
    cursor = connection.cursor()
    text = f"{statement.text} and {context.alias}.id = any(%s::uuid[])"
    await cursor.execute(text, [*statement.bound(unit), list(ids)])
    return {row[0] for row in await cursor.fetchall()}


async def revert(unit: Unit, connection: Connection, module: CompiledModule, step: UUID, ids: Sequence[UUID]) -> None:
    """Put back what a step replaced in these records."""
    values = await kept.kept_values(connection, unit.schema, step, module.id, ids)
    by_record: dict[UUID, list[ReplacedValue]] = {}
    for value in values:
        by_record.setdefault(value.record_id, []).append(value)

    def replace(row: Row) -> dict[str, Any]:
        # Whoever changed a value since then meant it.
        return {v.key: v.before for v in by_record[row.id] if row.get(v.key) == v.after}

    if by_record:
        await replace_values(unit, connection, module, sorted(by_record), replace, None)


async def replace_values(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    ids: Iterable[UUID],
    replace: Replace,
    step: UUID | None,
    *,
    texts: frozenset[str] = frozenset(),
    silent: bool = False,
) -> None:
    """Give records other values, and settle all that depends on them; with a `step` what was there is kept under it.

    `texts` are keys of long texts; `silent` leaves version and history alone, as for computed values.
    """
    # What is set aside because its field is gone is no change of the record: nobody could say what it was a change of.
    known: frozenset[str] = frozenset({*module.names, STAGE})
    beside = bool(texts) or any(field.beside for field in module.fields.values())
    rows = await store.fetch(connection, module.table, ids, lock=True, beside=beside)
    long = texts | {field.id for field in module.fields.values() if field.beside}
    known = frozenset() if silent else known
    changed: list[tuple[Row, Row, dict[str, Any]]] = []
    for row in rows.values():
        values = {key: value for key, value in replace(row).items() if not _equal(row.get(key), value)}
        if values:
            changed.append((row.copy(), _with(unit, row, values, known, long), values))
    if not changed:
        return
    if step is not None:
        replaced = [
            ReplacedValue(was.id, key, was.get(key), value)
            for was, _, values in changed
            for key, value in values.items()
        ]
        await kept.keep_values(connection, unit.schema, step, module.id, replaced)
    events = [
        Event(
            new_id(),
            module.id,
            row.id,
            row.version,
            "moved" if STAGE in values else "updated",
            unit.actor.as_dict(),
            unit.now,
            {key: [was.get(key), row.get(key)] for key in values.keys() & known},
        )
        for was, row, values in changed
        if values.keys() & known
    ]
    searched = {field.id for field in searching.searched(module)}
    entries = [
        searching.entry(module, row) if row.archived_at is None and searched & values.keys() else None
        for _, row, values in changed
    ]
    now, before = [row for _, row, _ in changed], [was for was, _, _ in changed]
    kept_texts = [row.beside for row in now]
    for row, (_, _, values) in zip(now, changed, strict=True):
        row.beside = {key: row.beside.get(key, "") for key in values.keys() & long}
    await store.update_many(connection, module.table, now, before, events, entries)
    for row, text in zip(now, kept_texts, strict=True):
        row.beside = text
    work = Settling(unit, connection)
    await work.note([Change(module, row.id, set(values), was, row) for was, row, values in changed], ())
    for _, row, values in changed:
        for key in values:
            for node in unit.catalog.graph.local.get((module.id, key), ()):
                work.mark(node, [row.id])
    await work.run()


def _with(unit: Unit, row: Row, values: dict[str, Any], known: frozenset[str], long: frozenset[str]) -> Row:
    for key, value in values.items():
        if key == STAGE:
            row.stage = value
        elif key in long:
            row.beside[key] = value or ""
        elif value is None:
            row.data.pop(key, None)
        else:
            row.data[key] = value
    if values.keys() & known:
        row.version += 1
        row.updated_at, row.updated_by = unit.now, unit.actor.user_id
    row.revision += 1
    return row


def _equal(left: Any, right: Any) -> bool:
    return json.dumps(left, sort_keys=True, default=str) == json.dumps(right, sort_keys=True, default=str)
