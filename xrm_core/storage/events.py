"""Reading the event log: the history of a record, its timeline, and what it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Event

COLUMNS = "e.id, e.module_id, e.record_id, e.version, e.kind, e.actor::text, e.at, e.changes::text, e.change_id"


NOT_COMPUTED = "and e.kind not in ('computed', 'mail')"


def event_of(values: Sequence[Any]) -> Event:
    identifier, module_id, record_id, version, kind, actor, at, changes, change_id = values
    return Event(
        identifier, module_id, record_id, version, kind, orjson.loads(actor), at, orjson.loads(changes), change_id
    )


async def of_record(
    connection: Connection,
    schema: str,
    record_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = 50,
    with_computed: bool = False,
) -> list[Event]:
    """Events of one record, newest first, older than `before`."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.record_id = %s::uuid and (%s::uuid is null or e.id < %s::uuid) "
        f"{'' if with_computed else NOT_COMPUTED} order by e.id desc limit %s::int",
        (record_id, before, before, limit),
    )
    return [event_of(values) for values in await cursor.fetchall()]


async def after(
    connection: Connection, schema: str, record_ids: Sequence[UUID], at: datetime
) -> dict[UUID, list[Event]]:
    """Everything that happened to these records after a moment, newest first: what has to be undone to see them as they were."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.record_id = any(%s::uuid[]) and e.at > %s::timestamptz order by e.id desc",
        (list(record_ids), at),
    )
    found: dict[UUID, list[Event]] = {}
    for values in await cursor.fetchall():
        event = event_of(values)
        found.setdefault(event.record_id, []).append(event)
    return found


async def last_before(
    connection: Connection, schema: str, record_ids: Sequence[UUID], at: datetime
) -> dict[UUID, tuple[datetime, dict[str, Any]]]:
    """(when, who) of the last change of each record up to a moment."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select distinct on (e.record_id) e.record_id, e.at, e.actor::text from {schema}.event e "
        "where e.record_id = any(%s::uuid[]) and e.at <= %s::timestamptz "
        "and e.kind not in ('computed', 'linked', 'unlinked', 'mail') order by e.record_id, e.id desc",
        (list(record_ids), at),
    )
    return {identifier: (when, orjson.loads(actor)) for identifier, when, actor in await cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Related:
    """Where records that tell a part of another record's story are found: a table with a link column, or a many-to-many link."""

    module_id: str
    table: str
    column: str | None
    link_key: str


async def timeline(
    connection: Connection, schema: str, record_id: UUID, related: Sequence[Related], *, before: UUID | None, limit: int
) -> list[Event]:
    """Events of a record and the creation of records that link to it, newest first."""
    own = (
        f"(select {COLUMNS} from {schema}.event e where e.record_id = %s::uuid and e.kind <> 'computed' "
        "and (%s::uuid is null or e.id < %s::uuid) order by e.id desc limit %s::int)"
    )
    parts = [own]
    values: list[Any] = [record_id, before, before, limit]
    # The newest records have the newest beginnings. On later pages that says nothing any more: records that were made
    # together were all named before the first of them was logged.
    newest, most = (" order by 1 desc limit %s::int", [limit]) if before is None else ("", [])
    for one in related:
        if one.column is not None:
            source = f"select r.id from {one.table} r where r.{one.column} = %s::uuid and r.archived_at is null{newest}"
            values += [record_id, *most]
        else:
            source = f"select x.source_id from {schema}.link x where x.target_id = %s::uuid and x.link_id = %s::text{newest}"
            values += [record_id, one.link_key, *most]
        parts.append(
            f"(select {COLUMNS} from ({source}) s(id) join {schema}.event e on e.record_id = s.id and e.kind = 'created' "
            "where (%s::uuid is null or e.id < %s::uuid) order by e.id desc limit %s::int)"
        )
        values += [before, before, limit]
    cursor = connection.cursor(row_factory=tuple_row)
    every = " union all ".join(parts)
    # A record that is linked twice began only once.
    await cursor.execute(f"select distinct on (1) u.* from ({every}) u order by 1 desc limit %s::int", [*values, limit])
    return [event_of(row) for row in await cursor.fetchall()]
