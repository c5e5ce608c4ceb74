"""The panels of a record page, all in one statement: facts, records around the record, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.definitions.work import Panel
from xrm_core.expressions.typed import Typed
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.labels import label_text
from xrm_core.records import read
from xrm_core.records.query import check_fields, conditions, context_of, read_filter, read_path, sort_keys
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.sql.expressions import compile_condition, compile_order
from xrm_core.storage.sql.queries import Page, count_statement, source_of
from xrm_core.storage.sql.rows import row_json
from xrm_core.storage.sql.tables import TableContext
from xrm_core.storage.sql.values import Sql, joined, param, sql

CAP = 1_000
_ALWAYS = ("title",)


async def brief(unit: Unit, module_name: str, identifier: UUID) -> bytes:
    """`{"panels": [{"name", "label", "kind", "module", "columns", "data" | "facts" | "groups", "count"}]}` as JSON."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    record = orjson.loads((await read.get(unit, module_name, identifier)).json)
    connection = unit.current or await unit.reader()
    shown = [panel for panel in module.definition.panels if await _wanted(unit, connection, module, panel, identifier)]
    parts: list[Sql] = []
    entries: list[dict[str, Any]] = []
    for panel in shown:
        entry: dict[str, Any] = {
            "name": panel.name,
            "label": label_text(panel.label, unit.workspace.locale),
            "kind": panel.kind,
        }
        if panel.kind == "facts":
            hidden = unit.policy.module(module.id).hidden
            names = [name for name in panel.columns if _part_id(module, name) not in hidden]
            entries.append(
                {**entry, "module": module.name, "columns": names, "facts": {n: record.get(n) for n in names}}
            )
            continue
        target = _target(unit, module, panel)
        if target is None:
            continue
        try:
            found = _statements(unit, module, target, panel, identifier)
        except Malformed:  # it speaks of what does not exist for this actor
            continue
        entry |= {"module": target.name, "place": len(parts)}
        if panel.link is not None:
            entry["link"] = panel.link
        if panel.kind == "list":
            hidden = unit.policy.module(target.id).hidden
            entry["columns"] = [name for name in panel.columns if _part_id(target, name) not in hidden]
        parts += found
        entries.append(entry)
    values = await _ask(unit, connection, parts)
    return orjson.dumps({"panels": [_filled(entry, values) for entry in entries]})


async def _wanted(unit: Unit, connection: Connection, module: CompiledModule, panel: Panel, identifier: UUID) -> bool:
    if panel.visible_when is None:
        return True
    try:
        typed = read_filter(unit, module, panel.visible_when)
    except Malformed:
        return False
    assert typed is not None
    context = context_of(unit, module)
    condition = compile_condition(typed, context)
    wanted = sql(
        "select 1 from {} where t.id = {} and {}", source_of(module, context), param(identifier, "uuid"), condition
    )
    cursor = connection.cursor()
    await cursor.execute(wanted.text, wanted.bound(unit))
    return await cursor.fetchone() is not None


def _target(unit: Unit, module: CompiledModule, panel: Panel) -> CompiledModule | None:
    """The module of a panel's records, if it and the way to it exist for the actor."""
    policy = unit.policy
    if panel.link is not None:
        link, inverse = module.links.get(panel.link), module.inverses.get(panel.link)
        if link is not None and not link.polymorphic and link.id not in policy.module(module.id).hidden:
            target = unit.catalog.modules.get(link.targets[0])
        elif inverse is not None and inverse.link.id not in policy.module(inverse.module_id).hidden:
            target = unit.catalog.modules.get(inverse.module_id)
        else:
            return None
    else:
        target = unit.catalog.find(panel.module or "")
    return target if target is not None and policy.allows(target.id, "see") else None


def _part_id(module: CompiledModule, name: str) -> str:
    part = module.fields.get(name) or module.links.get(name)
    return part.id if part is not None else name


def _where(
    unit: Unit, module: CompiledModule, target: CompiledModule, panel: Panel, context: TableContext, identifier: UUID
) -> Sql:
    typed: Typed | None = read_filter(unit, target, panel.filter)
    parts = list(conditions(unit, target, context, typed, "no"))
    if panel.link is not None:
        parts.append(read.tied(unit, module, module.links.get(panel.link) or module.inverses[panel.link], identifier))
    else:
        way = read_filter(unit, target, f"{panel.via} == '{identifier}'")
        assert way is not None
        parts.append(compile_condition(way, context))
    return joined(" and ", parts)


def _statements(
    unit: Unit, module: CompiledModule, target: CompiledModule, panel: Panel, identifier: UUID
) -> list[Sql]:
    """What a panel asks, each as a scalar subquery: its records or groups as JSON, and how many there are."""
    context = context_of(unit, target)
    if panel.kind == "count" and panel.group_by is not None:
        key = compile_order(read_path(unit, target, panel.group_by, "/group_by"), context)
        where = _where(unit, module, target, panel, context, identifier)
        groups = sql(
            "(select coalesce(json_agg(json_build_array(g.k, g.n))::text, '[]') from (select {} as k, count(*) as n "
            "from {} where {} group by 1 order by 2 desc, 1 limit 100) g)",
            key, source_of(target, context), where,
        )  # fmt: skip
    elif panel.kind == "count":
        groups = Sql("'[]'::text")
    else:
        hidden = unit.policy.module(target.id).hidden
        names = tuple(name for name in panel.columns if _part_id(target, name) not in hidden)
        check_fields(unit, target, names)
        keys = sort_keys(unit, target, context, panel.sort)
        wanted = tuple(dict.fromkeys(("id", "module", *_ALWAYS, "version", *names)))
        selected = row_json(context, hidden, fields=wanted)
        where = _where(unit, module, target, panel, context, identifier)
        page = Page(selected, source_of(target, context), where, keys).statement("all", None, panel.limit)
        columns = ", ".join(f"k{n}" for n in range(len(keys)))
        groups = sql(
            "(select coalesce('[' || string_agg(p.j, ',') || ']', '[]') from ({}) p(j, " + columns + "))", page
        )
    counting = context_of(unit, target)
    limit = _where(unit, module, target, panel, counting, identifier)
    number = count_statement(source_of(target, counting), limit, CAP + 1)
    return [groups, sql("({})", number)]


async def _ask(unit: Unit, connection: Connection, parts: Sequence[Sql]) -> Sequence[Any]:
    if not parts:
        return ()
    statement = sql("select {}", joined(", ", list(parts)))
    cursor = connection.cursor()
    await cursor.execute(statement.text, statement.bound(unit))
    row = await cursor.fetchone()
    assert row is not None
    return row


def _filled(entry: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    found = dict(entry)
    place = found.pop("place", None)
    if place is None:
        return found
    number = int(values[place + 1])
    found["count"] = {"value": min(number, CAP), "exact": number <= CAP}
    data = read.as_bytes(values[place])
    if found["kind"] == "count":
        found["groups"] = [{"value": value, "count": count} for value, count in orjson.loads(data)]
    else:
        found["data"] = orjson.loads(data)
    return found
