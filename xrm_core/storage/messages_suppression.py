"""Addresses that get no mail any more: all of it, or none that advertises."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

Scope = Literal["all", "marketing"]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One address, in lower case."""

    address: str
    scope: str
    reason: str
    details: str
    at: datetime


async def put(connection: Connection, schema: str, entry: Suppressed) -> bool:
    """Send nothing more to an address; False when that was known."""
    cursor = await connection.execute(
        f"insert into {schema}.suppression (address, scope, reason, details, at) values (%s::text, %s::text, %s::text, "
        "%s::text, %s::timestamptz) on conflict (address, scope) do nothing",
        [entry.address, entry.scope, entry.reason, entry.details, entry.at],
    )
    return cursor.rowcount == 1


async def remove(connection: Connection, schema: str, address: str) -> bool:
    """Let an address get mail again."""
    cursor = await connection.execute(f"delete from {schema}.suppression s where s.address = %s::text", [address])
    return cursor.rowcount > 0


async def of(
    connection: Connection, schema: str, addresses: Collection[str], scopes: Collection[str]
) -> dict[str, Suppressed]:
    """Which of these addresses are suppressed in one of the scopes."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select s.address, s.scope, s.reason, s.details, s.at from {schema}.suppression s "
        "where s.address = any(%s::text[]) and s.scope = any(%s::text[])",
        [list(addresses), list(scopes)],
    )
    return {row[0]: Suppressed(*row) for row in await cursor.fetchall()}


async def listed(connection: Connection, schema: str, after: str | None, limit: int) -> list[Suppressed]:
    """Suppressed addresses by name."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select s.address, s.scope, s.reason, s.details, s.at from {schema}.suppression s "
        "where %s::text is null or s.address > %s::text order by s.address, s.scope limit %s::int",
        [after, after, limit],
    )
    return [Suppressed(*row) for row in await cursor.fetchall()]
