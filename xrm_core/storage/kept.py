"""Small values that a workspace keeps by name."""

from __future__ import annotations

from typing import Any

import orjson

from xrm_core.storage.database import Connection


async def get(connection: Connection, schema: str, key: str) -> Any:
    """The value; None when there is none."""
    cursor = await connection.execute(f"select s.value::text from {schema}.setting s where s.key = %s::text", [key])
    row = await cursor.fetchone()
    return orjson.loads(row[0]) if row else None


async def put(connection: Connection, schema: str, key: str, value: Any) -> None:
    """Keep a value, in place of what was there."""
    await connection.execute(
        f"insert into {schema}.setting as s (key, value) values (%s::text, %s::jsonb)"
        " on conflict (key) do update set value = excluded.value",
        [key, orjson.dumps(value).decode()],
    )
