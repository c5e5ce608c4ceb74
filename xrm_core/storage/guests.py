"""Guest links: made, found by the hash of their secret, used once by whoever comes first, and withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

State = Literal["open", "used", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class GuestLink:
    """One link; `closed_by` is who withdrew it, nobody where it was used up."""

    id: UUID
    module_id: str
    record_id: UUID
    page: str
    recipient: str
    created_at: datetime
    created_by: dict[str, Any]
    expires_at: datetime
    seen_at: datetime | None = None
    visits: int = 0
    used_at: datetime | None = None
    choice: str | None = None
    closed_at: datetime | None = None
    closed_by: dict[str, Any] | None = None

    def state(self, now: datetime) -> State:
        """Whether it still works, and if not, why."""
        if self.closed_at is not None:
            return "withdrawn" if self.closed_by is not None else "used"
        return "open" if self.expires_at > now else "expired"


_COLUMNS = (
    "g.id, g.module_id, g.record_id, g.page, g.recipient, g.created_at, g.created_by::text, g.expires_at, g.seen_at, "
    "g.visits, g.used_at, g.choice, g.closed_at, g.closed_by::text"
)


def _link(row: Sequence[Any]) -> GuestLink:
    values = list(row)
    values[6] = orjson.loads(values[6])
    values[13] = orjson.loads(values[13]) if values[13] is not None else None
    return GuestLink(*values)


async def add(connection: Connection, schema: str, link: GuestLink, digest: bytes) -> None:
    """Keep a new link with the hash of its secret."""
    await connection.execute(
        f"insert into {schema}.guest_link (id, digest, module_id, record_id, page, recipient, created_at, created_by, "
        "expires_at) values (%s::uuid, %s::bytea, %s::text, %s::uuid, %s::text, %s::text, %s::timestamptz, %s::jsonb, "
        "%s::timestamptz)",
        [
            link.id, digest, link.module_id, link.record_id, link.page, link.recipient, link.created_at,
            orjson.dumps(link.created_by).decode(), link.expires_at,
        ],
    )  # fmt: skip


async def by_digest(connection: Connection, schema: str, digest: bytes) -> GuestLink | None:
    """The link with this hash of its secret."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.guest_link g where g.digest = %s::bytea", [digest])
    row = await cursor.fetchone()
    return _link(row) if row else None


async def of_record(connection: Connection, schema: str, record_id: UUID) -> list[GuestLink]:
    """The links to a record, the newest first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.guest_link g where g.record_id = %s::uuid order by g.id desc limit 200",
        [record_id],
    )
    return [_link(row) for row in await cursor.fetchall()]


async def visited(connection: Connection, schema: str, link_id: UUID, now: datetime) -> None:
    """Remember that the page was opened."""
    await connection.execute(
        f"update {schema}.guest_link set seen_at = %s::timestamptz, visits = visits + 1 where id = %s::uuid",
        [now, link_id],
    )


async def use(connection: Connection, schema: str, link_id: UUID, choice: str, now: datetime, *, ends: bool) -> bool:
    """Use a link that still works; whoever comes second waits for the first one, and False is what they get."""
    cursor = await connection.execute(
        f"update {schema}.guest_link set used_at = %s::timestamptz, choice = %s::text, "
        "closed_at = case when %s::boolean then %s::timestamptz end "
        "where id = %s::uuid and closed_at is null and expires_at > %s::timestamptz",
        [now, choice, ends, now, link_id, now],
    )
    return cursor.rowcount == 1


async def withdraw(
    connection: Connection, schema: str, record_id: UUID, link_id: UUID, by: dict[str, Any], now: datetime
) -> bool:
    """Let a link of a record work no more; False if there is none that still did."""
    cursor = await connection.execute(
        f"update {schema}.guest_link set closed_at = %s::timestamptz, closed_by = %s::jsonb "
        "where id = %s::uuid and record_id = %s::uuid and closed_at is null",
        [now, orjson.dumps(by).decode(), link_id, record_id],
    )
    return cursor.rowcount == 1


async def forget_records(connection: Connection, schema: str, records: Collection[UUID]) -> None:
    """Remove the links to records that are erased."""
    await connection.execute(f"delete from {schema}.guest_link where record_id = any(%s::uuid[])", [list(records)])
