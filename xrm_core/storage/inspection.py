"""Questions that `xrm doctor` asks: links that lead nowhere, work that is overdue; all read only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Table


async def dangling(connection: Connection, table: Table, column: str, targets: Sequence[Table]) -> int:
    """How many records have a many-to-one link, kept in `column`, to a record that does not exist."""
    nowhere = " and ".join(
        f"not exists (select 1 from {target.qualified} r where r.id = t.{column})" for target in targets
    )
    cursor = await connection.execute(
        f"select count(*) from {table.qualified} t where t.{column} is not null and {nowhere}"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def dangling_pairs(connection: Connection, link_key: str, source: Table, targets: Sequence[Table]) -> int:
    """How many many-to-many links of one kind have lost their record on either side."""
    nowhere = " and ".join(
        f"not exists (select 1 from {target.qualified} r where r.id = x.target_id)" for target in targets
    )
    cursor = await connection.execute(
        f"select count(*) from {source.schema}.link x where x.link_id = %s::text and"
        f" (not exists (select 1 from {source.qualified} s where s.id = x.source_id) or ({nowhere}))",
        [link_key],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def overdue(connection: Connection, schema: str, before: datetime) -> dict[str, int]:
    """How many outgoing effects and due occurrences have waited since before a time, and how many effects failed."""
    cursor = await connection.execute(
        f"select (select count(*) from {schema}.outbox o where o.done_at is null and o.failed_at is null and o.run_at < %s),"
        f" (select count(*) from {schema}.outbox o where o.failed_at is not null),"
        f" (select count(*) from {schema}.occurrence o where o.next_at < %s)",
        [before, before],
    )
    row = await cursor.fetchone()
    assert row is not None
    return {"waiting effects": row[0], "failed effects": row[1], "waiting occurrences": row[2]}


async def next_ids(connection: Connection, table: Table, after: UUID | None, limit: int) -> list[UUID]:
    """The next records in the order of their ids, archived ones too."""
    cursor = await connection.execute(
        f"select t.id from {table.qualified} t where %s::uuid is null or t.id > %s::uuid order by t.id limit %s",
        [after, after, limit],
    )
    return [row[0] for row in await cursor.fetchall()]
