"""Reading the past: records and lists as they were at a moment, rebuilt from the log of events.

Nothing is indexed by time: a list of the past reads every record that existed then, page by page, takes back what
happened since, and asks the filter of what is left. That costs about a tenth of a millisecond per record, so it is
limited to modules of `MOST` records. Erased records are gone from the past too, and lists of linked records cannot be
asked about. Who may see a record today may see its past.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.expressions.arithmetic import comparable
from xrm_core.expressions.typed import Over, Read, Typed, walk
from xrm_core.expressions.values import from_json
from xrm_core.kernel.errors import Invalid, Malformed, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.page import Count
from xrm_core.kernel.problem import Problem
from xrm_core.records.environment import RecordEnv, Target, Targets, python_of, sources_of, target_of
from xrm_core.records.query import (
    MOST_SORTS,
    RecordQuery,
    check_fields,
    positions,
    read_filter,
    read_path,
)
from xrm_core.records.timeline import present_then, then
from xrm_core.records.unit import Unit
from xrm_core.storage import events as event_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Source
from xrm_core.storage.rows import Row, instant

MOST = 200_000
_BATCH = 1_000
_SYSTEM = ("version", "title", "owner", "stage", "stage_entered_at", "archived_at")
Order = tuple[Callable[[RecordEnv], Any], bool]


def refuse_expand(expand: Sequence[str]) -> None:
    """Raises Malformed: the past is shown without the records behind links."""
    if expand:
        raise Malformed(Problem("as_of_expand", "/expand", "The past cannot be expanded.", "Read the linked records."))


async def get(
    unit: Unit, module: CompiledModule, identifier: UUID, at: datetime, fields: Sequence[str] | None = None
) -> tuple[bytes, int]:
    """(JSON, version) of a record as it was; raises NotFound if it did not exist then."""
    if fields is not None:
        check_fields(unit, module, fields)
    connection = await unit.writer()
    scope = unit.scope(module, "see") or ("true", [])
    if not await store.within_scope(connection, module.table, [identifier], scope):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))
    row = (await rows_at(unit, connection, module, [identifier], at)).get(identifier)
    if row is None:
        raise NotFound(Problem("not_then", "", f"The record did not exist at {instant(at)}."))
    return _json(unit, module, row, fields), row.version


async def find(
    unit: Unit, module: CompiledModule, query: RecordQuery, at: datetime
) -> tuple[list[bytes], str | None, Count | None]:
    """(rows, next, count) of a list as it was."""
    if query.fields is not None:
        check_fields(unit, module, query.fields)
    condition = read_filter(unit, module, query.filter)
    for part in walk(condition) if condition is not None else ():
        if isinstance(part, Over):
            raise Malformed(
                Problem("as_of_lists", "/filter", "Lists of linked records cannot be asked about in the past.", "")
            )
    orders, trees = _orders(unit, module, query.sort)
    wanted = sources_of(unit.catalog, module, [*([condition] if condition is not None else []), *trees])
    holds = python_of(unit.catalog, condition) if condition is not None else None
    skip = _offset(query)
    connection = await unit.writer()
    scope = unit.scope(module, "see") or ("true", [])
    found: list[tuple[list[Any], Row]] = []
    after, seen = None, 0
    while ids := await store.ids_after(connection, module.table, after, at, scope, _BATCH):
        after, seen = ids[-1], seen + len(ids)
        if seen > MOST:
            raise Invalid(
                Problem("as_of_too_large", "/as_of", f"Lists of the past are limited to modules of {MOST} records.", "")
            )
        rows = await rows_at(unit, connection, module, ids, at)
        targets = await targets_at(unit, connection, module, rows.values(), wanted, at)
        for row in rows.values():
            if query.archived != "all" and (row.archived_at is not None) != (query.archived == "only"):
                continue
            env = RecordEnv(unit, module, row, targets)
            if holds is None or holds(env) is True:
                found.append(([key(env) for key, _ in orders], row))
    found.sort(key=lambda one: one[1].id.int, reverse=orders[-1][1] if orders else True)
    for index in reversed(range(len(orders))):
        descending = orders[index][1]
        filled = [one for one in found if one[0][index] is not None]
        filled.sort(key=lambda one: one[0][index], reverse=descending)
        found = filled + [one for one in found if one[0][index] is None]
    page = found[skip : skip + query.limit]
    following = _cursor(query, skip + query.limit) if len(found) > skip + query.limit else None
    count = None if query.count == "none" else Count(len(found), exact=True)
    return [_json(unit, module, row, query.fields) for _, row in page], following, count


async def rows_at(
    unit: Unit, connection: Connection, module: CompiledModule, ids: Iterable[UUID], at: datetime
) -> dict[UUID, Row]:
    """The records as they were, without those that did not exist yet; three statements for any number of them."""
    texts = {known.id for known in module.fields.values() if known.beside}
    now = await store.fetch(connection, module.table, ids, beside=bool(texts))
    later = await event_store.after(connection, unit.schema, list(now), at)
    changed = await event_store.last_before(connection, unit.schema, list(later), at) if later else {}
    found = {}
    for identifier, row in now.items():
        if row.created_at > at:
            continue
        document = then(row, later.get(identifier, ()))
        if document is None:
            continue
        when, who = changed.get(identifier, (row.updated_at, None))
        by = row.updated_by if who is None else _uuid(who.get("id"))
        found[identifier] = replace(
            row,
            version=document["version"],
            owner=_uuid(document.get("owner")),
            stage=document.get("stage"),
            stage_entered_at=_moment(document.get("stage_entered_at")),
            updated_at=when,
            updated_by=by,
            archived_at=_moment(document.get("archived_at")),
            title=document.get("title", ""),
            data={key: value for key, value in document.items() if key not in texts and key not in _SYSTEM},
            beside={key: value for key, value in document.items() if key in texts},
        )
    return found


async def targets_at(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    rows: Iterable[Row],
    wanted: Sequence[Source],
    at: datetime,
) -> Targets:
    """What expressions read behind links, as it was; one step for each link of a path, for all records."""
    found: Targets = {}
    known: dict[tuple[str, UUID], Row | None] = {}
    for source in wanted:
        # Each record of the list with the record that the path has reached from it.
        here: list[tuple[Target, CompiledModule, Row]] = []
        steps: dict[str, dict[UUID, list[Target]]] = {}
        first = source.hops[0].link
        for row in rows:
            module_id, target_id = target_of(row.data.get(first.id), first.targets)
            if target_id is not None and module_id in unit.catalog.modules:
                entry = found.setdefault((module_id, target_id), Target(target_id, module_id, "", False))
                steps.setdefault(module_id, {}).setdefault(target_id, []).append(entry)
        for depth in range(len(source.hops)):
            here = []
            for module_id, entries in steps.items():
                end = unit.catalog.modules[module_id]
                missing = [one for one in entries if (module_id, one) not in known]
                if missing:
                    then_rows = await _seen(unit, connection, end, missing, at)
                    known.update({(module_id, one): then_rows.get(one) for one in missing})
                for target_id, holders in entries.items():
                    reached = known[module_id, target_id]
                    here += [(holder, end, reached) for holder in holders] if reached is not None else []
            if depth + 1 < len(source.hops):
                steps = {}
                link = source.hops[depth + 1].link
                for holder, _, reached in here:
                    module_id, target_id = target_of(reached.data.get(link.id), link.targets)
                    if target_id is not None and module_id in unit.catalog.modules:
                        steps.setdefault(module_id, {}).setdefault(target_id, []).append(holder)
        for holder, end, reached in here:
            value = end.id if source.key == "module" else reached.get(source.key)
            for part in source.inside:
                value = value.get(part) if isinstance(value, dict) else None
            holder.values[source.ids[1:]] = from_json(source.kind, value)
    return found


async def _seen(
    unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID], at: datetime
) -> dict[UUID, Row]:
    scope = unit.scope(module, "see")
    visible = ids if scope is None else await store.within_scope(connection, module.table, ids, scope)
    return await rows_at(unit, connection, module, visible, at)


def _orders(unit: Unit, module: CompiledModule, names: Sequence[str]) -> tuple[list[Order], list[Typed]]:
    if len(names) > MOST_SORTS:
        raise Malformed(Problem("too_many", "/sort", f"At most {MOST_SORTS} fields to sort by."))
    orders: list[Order] = []
    trees: list[Typed] = []
    for name in names:
        descending, plain = name.startswith("-"), name.lstrip("-+")
        if plain == "id":
            orders.append((lambda env: env.row.id.int, descending))
            break
        typed = read_path(unit, module, plain, "/sort")
        if typed.type.kind is Kind.LIST:
            raise Malformed(
                Problem("not_sortable", "/sort", f"{plain} holds lists, which have no order.", "Sort by another field.")
            )
        trees.append(typed)
        orders.append((_key(unit, module, typed), descending))
    return orders, trees


def _key(unit: Unit, module: CompiledModule, typed: Read) -> Callable[[RecordEnv], Any]:
    value = python_of(unit.catalog, typed)
    last = typed.path[-1]
    if len(typed.path) == 1 and last.kind == "system" and last.id == "title":
        return lambda env: env.row.title
    places = positions(unit, module, typed)
    if places is not None:
        order = {name: index for index, name in enumerate(places)}
        return lambda env: None if (found := value(env)) is None else order.get(str(found).lower())
    compared = comparable(typed.type.kind or Kind.TEXT)
    return lambda env: None if (found := value(env)) is None else compared(found)


def _json(unit: Unit, module: CompiledModule, row: Row, fields: Sequence[str] | None) -> bytes:
    document = {**row.data, **row.beside}
    for key in _SYSTEM:
        document[key] = row.get(key)
    shown = present_then(unit, module, row, document)
    shown["updated_at"] = instant(row.updated_at)
    if row.updated_by is not None:
        shown["updated_by"] = str(row.updated_by)
    if fields is not None:
        always = ("id", "module", "version", "title")
        shown = {key: value for key, value in shown.items() if key in always or key in fields}
    return orjson.dumps(shown)


def _cursor(query: RecordQuery, offset: int) -> str:
    # The past does not change, so a place in it is a number.
    return base64.urlsafe_b64encode(orjson.dumps([list(query.sort), "past", offset])).rstrip(b"=").decode()


def _offset(query: RecordQuery) -> int:
    if not query.cursor:
        return 0
    wrong = Malformed(
        Problem(
            "cursor",
            "/cursor",
            "This is not a cursor of this list.",
            "Use `next` of the previous page, with the same sort.",
        )
    )
    try:
        text = base64.b64decode(query.cursor + "=" * (-len(query.cursor) % 4), altchars=b"-_", validate=True)
        sort, mark, offset = orjson.loads(text)
    except (ValueError, TypeError, binascii.Error):
        raise wrong from None
    if sort != list(query.sort) or mark != "past" or not isinstance(offset, int) or not 0 <= offset <= MOST:
        raise wrong
    return offset


def _uuid(value: Any) -> UUID | None:
    return UUID(value) if value else None


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
