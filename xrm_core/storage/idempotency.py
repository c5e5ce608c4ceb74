"""Answers kept under a client's idempotency key, so that a repeated request is answered again and not done again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: the fingerprint of its request, and the answer once there is one."""

    request: bytes
    status: int | None
    headers: dict[str, str]
    body: bytes


async def claim(
    connection: Connection, schema: str, actor: str, key: str, request: bytes, now: datetime
) -> Kept | None:
    """Take the key: None if it is ours now, else what is kept. Waits while another transaction holds the same key."""
    cursor = await connection.execute(
        f"insert into {schema}.idempotency (actor, key, request, created_at) values (%s, %s, %s, %s) on conflict do nothing",
        [actor, key, request, now],
    )
    if cursor.rowcount == 1:
        return None
    cursor = await connection.execute(
        f"select request, status, headers, body from {schema}.idempotency where actor = %s and key = %s", [actor, key]
    )
    row = await cursor.fetchone()
    if row is None:  # removed between the two statements: old enough to be forgotten
        return await claim(connection, schema, actor, key, request, now)
    return Kept(bytes(row[0]), row[1], row[2] or {}, bytes(row[3] or b""))


async def keep(
    connection: Connection, schema: str, actor: str, key: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Store the answer of a claimed key."""
    await connection.execute(
        f"update {schema}.idempotency set status = %s, headers = %s::jsonb, body = %s where actor = %s and key = %s",
        [status, _json(headers), body, actor, key],
    )


async def release(connection: Connection, schema: str, actor: str, key: str) -> None:
    """Forget a claimed key whose request came to nothing."""
    await connection.execute(
        f"delete from {schema}.idempotency where actor = %s and key = %s and status is null", [actor, key]
    )


async def forget(connection: Connection, schema: str, before: datetime) -> int:
    """Remove the keys made before a time; how many there were."""
    cursor = await connection.execute(f"delete from {schema}.idempotency where created_at < %s", [before])
    return cursor.rowcount


def _json(value: dict[str, str]) -> str:
    return orjson.dumps(value).decode()
