"""Reading what a catalog is made of: the current version of the definitions, and which promoted columns there are."""

from __future__ import annotations

from typing import Any

import orjson

from xrm_core.storage.database import Connection

Stamp = tuple[int, str]


async def stamp(connection: Connection, schema: str) -> Stamp:
    """Changes whenever the catalog has to be read again."""
    cursor = await connection.execute(
        f"select coalesce((select max(v.number) from {schema}.definition_version v), 0)::int, "
        f"coalesce((select string_agg(j.state, '' order by j.module_id, j.fields, j.use) || max(j.updated_at)::text from {schema}.index_job j), '')"
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def current(connection: Connection, schema: str) -> tuple[int, dict[str, Any]]:
    """Number and snapshot of the current version; (0, {}) before the first one."""
    cursor = await connection.execute(
        f"select v.number, v.snapshot::text from {schema}.definition_version v order by v.number desc limit 1"
    )
    row = await cursor.fetchone()
    return (row[0], orjson.loads(row[1])) if row else (0, {})


async def columns(connection: Connection, schema: str) -> dict[tuple[str, str], str]:
    """(module id, field or link id) to "ready" or "filling", for every promoted column that exists."""
    cursor = await connection.execute(
        f"select j.module_id, j.fields, j.state from {schema}.index_job j where j.state <> 'queued'"
    )
    found: dict[tuple[str, str], str] = {}
    for module_id, fields, state in await cursor.fetchall():
        for field in fields.split("$"):
            if state == "ready" or found.get((module_id, field)) != "ready":
                found[module_id, field] = "ready" if state == "ready" else "filling"
    return found
