"""Reading records: one, a page of a list, what is linked to a record; rows come as JSON that the database made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledInverse, CompiledModule
from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.page import Count
from xrm_core.kernel.problem import Problem
from xrm_core.records import linking, past
from xrm_core.records.expand import expanded, tree_of, with_links
from xrm_core.records.query import (
    LARGEST_PAGE,
    Compiled,
    RecordQuery,
    check_fields,
    compiled,
    context_of,
    read_cursor,
    read_filter,
    sort_keys,
    write_cursor,
)
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import link_key
from xrm_core.storage.model import CompiledLink
from xrm_core.storage.sql.expressions import compile_condition
from xrm_core.storage.sql.queries import ESTIMATE, Page, count_statement, source_of
from xrm_core.storage.sql.rows import row_json
from xrm_core.storage.sql.values import Sql, joined, sql

CAP = 1_000
"""Capped counts stop here and say "1000+"."""


@dataclass(slots=True)
class Found:
    """One record as JSON, with its version."""

    json: bytes
    version: int


@dataclass(slots=True)
class Listed:
    """A page of records as JSON; `next` is the cursor of the following page."""

    rows: list[bytes]
    next: str | None = None
    count: Count | None = None


async def get(
    unit: Unit,
    module_name: str,
    identifier: UUID,
    *,
    fields: Sequence[str] | None = None,
    expand: Sequence[str] = (),
    as_of: datetime | None = None,
) -> Found:
    """One record, archived or not; raises NotFound if there is none or the actor may not see it.

    `expand` puts linked records in full into it; with `as_of` it is the record as it was at that moment.
    """
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    if as_of is not None:
        past.refuse_expand(expand)
        return Found(*await past.get(unit, module, identifier, as_of, fields))
    tree = tree_of(unit, module, expand)
    wanted = with_links(module, tree, fields)
    statement = _get_statement(unit, module, tuple(wanted) if wanted is not None else None)
    connection = unit.current or await unit.reader()
    cursor = connection.cursor()
    await cursor.execute(statement.text, [*statement.bound(unit), identifier])
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))
    (json,) = await expanded(unit, connection, module, [as_bytes(row[0])], tree)
    return Found(json, row[1])


def as_bytes(value: Any) -> bytes:
    """JSON text as it came from the database."""
    return value if isinstance(value, bytes) else str(value).encode()


def _get_statement(unit: Unit, module: CompiledModule, fields: tuple[str, ...] | None) -> Sql:
    key = (
        "get",
        unit.policy.key if unit.policy.unlimited else (unit.policy.key, unit.actor.user_id, unit.actor.teams),
        fields,
    )
    found: Sql | None = module.memo.get(key)
    if found is None:
        if fields is not None:
            check_fields(unit, module, fields)
        context = context_of(unit, module)
        selected = row_json(context, unit.policy.module(module.id).hidden, fields=fields, texts=True)
        where = [Sql(part.text, part.params) for part in _visible(unit, module)]
        found = sql(
            "select {}, t.version from {} where {}",
            selected,
            source_of(module, context),
            joined(" and ", [*where, Sql("t.id = %s::uuid")]),
        )
        module.memo[key] = found
    return found


def _visible(unit: Unit, module: CompiledModule) -> list[Sql]:
    allowed = unit.scope(module, "see")
    return [] if allowed is None else [Sql(allowed[0], tuple(allowed[1]))]


async def find(unit: Unit, query: RecordQuery) -> Listed:
    """A page of records."""
    module = unit.module(query.module)
    unit.policy.require(module.id, "see")
    _check_limit(query.limit)
    if query.as_of is not None:
        past.refuse_expand(query.expand)
        return Listed(*await past.find(unit, module, query, query.as_of))
    tree = tree_of(unit, module, query.expand)
    if tree:
        query = replace(query, fields=with_links(module, tree, query.fields))
    shape = compiled(unit, module, query)
    connection = unit.current or await unit.reader()
    listed = await page_of(unit, connection, shape.page, query)
    listed.rows = await expanded(unit, connection, module, listed.rows, tree)
    if query.count != "none":
        listed.count = await count(unit, connection, module, shape, query)
    return listed


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_PAGE:
        raise Malformed(Problem("limit", "/limit", f"A page has 1 to {LARGEST_PAGE} records."))


async def page_of(unit: Unit, connection: Connection, page: Page, query: RecordQuery) -> Listed:
    """One page: records with a value of the leading key first, then those without."""
    at = read_cursor(query, page.keys)
    phase: str = "filled" if page.keys[0].nullable else "all"
    after: Sequence[Any] | None = None
    if at is not None:
        phase, after = at
    found: list[tuple[Any, ...]] = []
    last_phase = phase
    while True:
        statement = page.statement(phase, after, query.limit + 1 - len(found))
        cursor = connection.cursor()
        await cursor.execute(statement.text, statement.bound(unit))
        rows = await cursor.fetchall()
        if rows:
            last_phase = phase
        found += rows
        if len(found) > query.limit or phase != "filled":
            break
        phase, after = "empty", None
    following = None
    if len(found) > query.limit:
        found = found[: query.limit]
        last = found[-1]
        # The page may end in either phase: what the leading key of its last record says decides where the next one begins.
        if page.keys[0].nullable:
            last_phase = "filled" if last[1] is not None else "empty"
        following = write_cursor(query, last_phase, last[1:])
    return Listed([row[0].encode() for row in found], following)


async def count(
    unit: Unit, connection: Connection, module: CompiledModule, shape: Compiled, query: RecordQuery
) -> Count:
    """How many records the query has: exact, up to a cap, or what the database's statistics say."""
    cursor = connection.cursor()
    if query.count == "estimate" and shape.plain:
        await cursor.execute(ESTIMATE, (module.table.schema, module.table.name))
        row = await cursor.fetchone()
        if row is not None and row[0] > CAP:
            return Count(int(row[0]), exact=False)
    most = None if query.count == "exact" else CAP + 1
    statement = count_statement(shape.counted, shape.page.where, most)
    await cursor.execute(statement.text, statement.bound(unit))
    row = await cursor.fetchone()
    assert row is not None
    return Count(min(row[0], CAP), exact=False) if most is not None and row[0] > CAP else Count(row[0], exact=True)


async def related(
    unit: Unit,
    module_name: str,
    identifier: UUID,
    link_name: str,
    *,
    limit: int = 50,
    cursor: str | None = None,
    sort: tuple[str, ...] = (),
    filter: str | dict[str, Any] | None = None,
    count: str = "none",
) -> Listed:
    """The records that a link of this record leads to, from either side; raises NotFound."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    link = linking.find(module, link_name)
    _check_limit(limit)
    connection = unit.current or await unit.reader()
    await _require_visible(unit, connection, module, identifier)
    target = _single_target(unit, module, link)
    unit.policy.require(target.id, "see")
    context = context_of(unit, target)
    typed = read_filter(unit, target, filter)
    query = RecordQuery(target.name, sort=sort, limit=limit, cursor=cursor)
    keys = sort_keys(unit, target, context, sort)
    parts = [Sql("t.archived_at is null"), *_visible(unit, target), tied(unit, module, link, identifier)]
    if typed is not None:
        parts.append(compile_condition(typed, context))
    selected = row_json(context, unit.policy.module(target.id).hidden)
    source = source_of(target, context)
    many = link.link if isinstance(link, CompiledInverse) else link
    if many.many and many.definition.attributes:
        near, far = ("target_id", "source_id") if isinstance(link, CompiledInverse) else ("source_id", "target_id")
        names = " || ".join(
            f"""coalesce(',"{one.name}":' || (a.attributes->'{one.id}')::text, '')"""
            for one in many.definition.attributes
        )
        source = sql(
            "{} join {}.link a on a.{} = t.id and a.{} = %s::uuid and a.link_id = '{}'",
            source,
            unit.schema,
            far,
            near,
            link_key(many),
        )
        source = Sql(source.text, (*source.params, identifier))
        # The attributes of the link come along, under a key of their own.
        selected = with_attributes(selected, names)
    page = Page(selected, source, joined(" and ", parts), keys)
    listed = await page_of(unit, connection, page, query)
    if count != "none":
        listed.count = await _count_page(unit, connection, page, exact=count == "exact")
    return listed


def with_attributes(selected: Sql, names: str) -> Sql:
    """A record's JSON with the attributes of the link to it under `link`."""
    text = f"left({selected.text}, -1) || ',\"link\":{{' || substr({names}, 2) || '}}}}'"
    return Sql(text, selected.params)


async def _count_page(unit: Unit, connection: Connection, page: Page, *, exact: bool) -> Count:
    statement = count_statement(page.source, page.where, None if exact else CAP + 1)
    cursor = connection.cursor()
    await cursor.execute(statement.text, statement.bound(unit))
    row = await cursor.fetchone()
    assert row is not None
    return Count(min(row[0], CAP), exact=False) if not exact and row[0] > CAP else Count(row[0], exact=True)


async def _require_visible(unit: Unit, connection: Connection, module: CompiledModule, identifier: UUID) -> None:
    where = joined(" and ", [Sql("t.id = %s::uuid", (identifier,)), *_visible(unit, module)])
    cursor = connection.cursor()
    await cursor.execute(f"select 1 from {module.table.qualified} t where {where.text}", where.bound(unit))
    if await cursor.fetchone() is None:
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))


def _single_target(unit: Unit, module: CompiledModule, link: CompiledLink | CompiledInverse) -> CompiledModule:
    hidden = unit.policy.module(link.link.module_id if isinstance(link, CompiledInverse) else module.id).hidden
    if (link.link.id if isinstance(link, CompiledInverse) else link.id) in hidden:
        raise NotFound(Problem("unknown_link", "", f"{module.name} has no such link."))
    if isinstance(link, CompiledInverse):
        return unit.catalog.modules[link.module_id]
    if link.polymorphic:
        raise Malformed(
            Problem(
                "polymorphic",
                "/link",
                f"{link.name} leads to several modules.",
                "Ask from the other side, or read the record itself.",
            )
        )
    return unit.catalog.modules[link.targets[0]]


def tied(unit: Unit, module: CompiledModule, link: CompiledLink | CompiledInverse, identifier: UUID) -> Sql:
    """The condition that a record is what a link of this record leads to."""
    if isinstance(link, CompiledInverse):
        if not link.link.many:
            return Sql(f"t.{link.link.column} = %s::uuid", (identifier,))
        return Sql(
            f"t.id in (select x.source_id from {unit.schema}.link x where x.target_id = %s::uuid and x.link_id = '{link_key(link.link)}')",
            (identifier,),
        )
    if link.many:
        return Sql(
            f"t.id in (select x.target_id from {unit.schema}.link x where x.source_id = %s::uuid and x.link_id = '{link_key(link)}')",
            (identifier,),
        )
    return Sql(f"t.id = (select s.{link.column} from {module.table.qualified} s where s.id = %s::uuid)", (identifier,))
