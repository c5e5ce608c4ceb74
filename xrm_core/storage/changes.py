"""Changes as groups of events: what one of them did, which were made lately, and which were undone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.events import COLUMNS, NOT_COMPUTED, event_of
from xrm_core.storage.rows import Event


async def of_change(connection: Connection, schema: str, change_id: UUID, most: int) -> list[Event]:
    """What was written in one go, in order, without what was computed from it."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.change_id = %s::uuid {NOT_COMPUTED} order by e.id limit %s::int",
        (change_id, most),
    )
    return [event_of(values) for values in await cursor.fetchall()]


async def touched(connection: Connection, schema: str, change_ids: Collection[UUID]) -> list[UUID]:
    """The records that were there before these changes and were written to by them."""
    cursor = connection.cursor(row_factory=tuple_row)
    # The other side of a link tells of it as well, under a name with the module in front.
    await cursor.execute(
        f"select e.record_id from {schema}.event e where e.change_id = any(%s::uuid[]) {NOT_COMPUTED} and (e.kind not in "
        "('linked', 'unlinked') or exists (select 1 from jsonb_object_keys(e.changes) k where strpos(k, '.') = 0)) "
        "group by e.record_id having bool_and(e.kind <> 'created') order by e.record_id",
        (list(change_ids),),
    )
    return [found for (found,) in await cursor.fetchall()]


async def to_records(
    connection: Connection, schema: str, change_ids: Collection[UUID], record_ids: Collection[UUID]
) -> list[Event]:
    """What some changes did to some records, in order, without what was computed from it."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.record_id = any(%s::uuid[]) and e.change_id = any(%s::uuid[]) "
        f"{NOT_COMPUTED} order by e.id",
        (list(record_ids), list(change_ids)),
    )
    return [event_of(values) for values in await cursor.fetchall()]


async def later(
    connection: Connection, schema: str, record_ids: Collection[UUID], but: Collection[UUID]
) -> dict[UUID, list[Event]]:
    """What happened to records outside of some changes, newest first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.record_id = any(%s::uuid[]) {NOT_COMPUTED} "
        "and (e.change_id is null or e.change_id <> all(%s::uuid[])) order by e.id desc limit 5000",
        (list(record_ids), list(but)),
    )
    found: dict[UUID, list[Event]] = {}
    for values in await cursor.fetchall():
        event = event_of(values)
        found.setdefault(event.record_id, []).append(event)
    return found


@dataclass(frozen=True, slots=True)
class Made:
    """One change in short: its first events, and how many records it touched."""

    id: UUID
    events: tuple[Event, ...]
    records: int
    undone_by: UUID | None
    undoes: UUID | None


async def lately(
    connection: Connection, schema: str, actor: str, limit: int, before: UUID | None = None, shown: int = 20
) -> list[Made]:
    """The last changes that somebody made, newest first. The recursion steps from change to change through the index."""
    cursor = connection.cursor(row_factory=tuple_row)
    own = (
        f"(select e.change_id from {schema}.event e where e.actor ->> 'id' = %s::text and e.change_id is not null "
        "and e.kind <> 'computed' {} order by e.change_id desc limit 1)"
    )
    first = own.format("and (%s::uuid is null or e.change_id < %s::uuid)")
    following = own.format("and e.change_id < w.change_id")
    await cursor.execute(
        f"with recursive w (change_id, n) as (select f.change_id, 1 from {first} f union all "
        f"select {following}, w.n + 1 from w where w.change_id is not null and w.n < %s::int) "
        f"select w.change_id, (select count(distinct e.record_id) from {schema}.event e where e.change_id = w.change_id "
        f"{NOT_COMPUTED}), u.undone_by, r.change_id from w left join {schema}.undone u on u.change_id = w.change_id "
        f"left join {schema}.undone r on r.undone_by = w.change_id where w.change_id is not null order by w.n",
        (actor, before, before, actor, limit),
    )
    rows = await cursor.fetchall()
    await cursor.execute(
        f"select {COLUMNS} from unnest(%s::uuid[]) c(id) cross join lateral (select e.* from {schema}.event e "
        f"where e.change_id = c.id {NOT_COMPUTED} order by e.id limit %s::int) e order by e.change_id, e.id",
        ([row[0] for row in rows], shown),
    )
    events: dict[UUID, list[Event]] = {}
    for values in await cursor.fetchall():
        event = event_of(values)
        if event.change_id is not None:
            events.setdefault(event.change_id, []).append(event)
    return [Made(one, tuple(events.get(one, ())), records, undone, undoes) for one, records, undone, undoes in rows]


async def undone_by(connection: Connection, schema: str, change_id: UUID) -> UUID | None:
    """The change that undid this one."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select u.undone_by from {schema}.undone u where u.change_id = %s::uuid", (change_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def note_undone(connection: Connection, schema: str, change_id: UUID, by: UUID, at: datetime) -> None:
    """Remember that a change was undone; if it undid another one itself, that one is in force again."""
    await connection.execute(f"delete from {schema}.undone where undone_by = %s::uuid", (change_id,))
    await connection.execute(
        f"insert into {schema}.undone as u (change_id, undone_by, at) values (%s::uuid, %s::uuid, %s::timestamptz) "
        "on conflict (change_id) do update set undone_by = excluded.undone_by, at = excluded.at",
        (change_id, by, at),
    )


async def void(connection: Connection, schema: str, change_ids: Sequence[UUID]) -> set[UUID | None]:
    """Which of these changes were undone, or are the undoing of others: together they changed nothing."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select u.change_id, u.undone_by from {schema}.undone u "
        "where u.change_id = any(%s::uuid[]) or u.undone_by = any(%s::uuid[])",
        (list(change_ids), list(change_ids)),
    )
    return {one for pair in await cursor.fetchall() for one in pair}


async def titles(connection: Connection, table: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The titles of records of one module."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select t.id, t.title from {table} t where t.id = any(%s::uuid[])", (list(ids),))
    return dict(await cursor.fetchall())
