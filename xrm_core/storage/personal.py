"""What belongs to one member alone: where they were in each module, favourites, and what they looked at lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

Favourite = tuple[str, str, str]
"""(kind, target, module id)."""


async def states(connection: Connection, schema: str, member: UUID) -> dict[str, str]:
    """Module id to the query with which the member looked at it last."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select s.module_id, s.query from {schema}.member_state s where s.member = %s::uuid", [member]
    )
    return dict(await cursor.fetchall())


async def set_state(
    connection: Connection, schema: str, member: UUID, module_id: str, query: str | None, now: datetime
) -> None:
    """Remember how a member looks at a module, or forget it (None)."""
    if query is None:
        await connection.execute(
            f"delete from {schema}.member_state where member = %s::uuid and module_id = %s::text", [member, module_id]
        )
        return
    await connection.execute(
        f"insert into {schema}.member_state as s (member, module_id, query, at) "
        "values (%s::uuid, %s::text, %s::text, %s::timestamptz) "
        "on conflict (member, module_id) do update set query = excluded.query, at = excluded.at",
        [member, module_id, query, now],
    )


async def favourites(connection: Connection, schema: str, member: UUID) -> list[Favourite]:
    """A member's favourites in their order."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select f.kind, f.target, f.module_id from {schema}.favourite f where f.member = %s::uuid order by f.place",
        [member],
    )
    return [(kind, target, module_id) for kind, target, module_id in await cursor.fetchall()]


async def set_favourites(connection: Connection, schema: str, member: UUID, wanted: Sequence[Favourite]) -> None:
    """Make these the member's favourites, in this order."""
    await connection.execute(f"delete from {schema}.favourite where member = %s::uuid", [member])
    async with connection.cursor().copy(
        f"copy {schema}.favourite (member, kind, target, module_id, place) from stdin"
    ) as copy:
        for place, (kind, target, module_id) in enumerate(wanted):
            await copy.write_row((member, kind, target, module_id, place))


async def looked_at(
    connection: Connection, schema: str, member: UUID, module_id: str, record_id: UUID, now: datetime, keep: int
) -> None:
    """Remember that a member looked at a record; only the last ones are kept."""
    await connection.execute(
        f"insert into {schema}.recent as r (member, module_id, record_id, at) "
        "values (%s::uuid, %s::text, %s::uuid, %s::timestamptz) "
        "on conflict (member, record_id) do update set at = excluded.at",
        [member, module_id, record_id, now],
    )
    await connection.execute(
        f"delete from {schema}.recent r where r.member = %s::uuid and r.at < (select o.at from {schema}.recent o "
        "where o.member = %s::uuid order by o.at desc offset %s::int limit 1)",
        [member, member, keep],
    )


async def recent(connection: Connection, schema: str, member: UUID, limit: int) -> list[tuple[str, UUID, datetime]]:
    """(module id, record id, when) of what a member looked at last."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select r.module_id, r.record_id, r.at from {schema}.recent r where r.member = %s::uuid order by r.at desc limit %s::int",
        [member, limit],
    )
    return list(await cursor.fetchall())


async def forget_records(connection: Connection, schema: str, ids: Sequence[UUID]) -> None:
    """Erased records are nobody's favourite, recent record or news any more."""
    await connection.execute(f"delete from {schema}.recent where record_id = any(%s::uuid[])", [list(ids)])
    await connection.execute(
        f"delete from {schema}.favourite where kind = 'record' and target = any(%s::text[])",
        [[str(one) for one in ids]],
    )
    await connection.execute(f"delete from {schema}.notification where record_id = any(%s::uuid[])", [list(ids)])
