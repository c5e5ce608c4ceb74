"""Searching the words and titles of all records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from xrm_core.storage.database import Connection

CAPPED = 500
"""So many hits are ranked; more would make short words slow, and nobody looks at them."""


async def by_prefix(
    connection: Connection, schema: str, folded: str, modules: Sequence[str], limit: int
) -> list[tuple[str, UUID, str]]:
    """(module id, record id, title) of records whose folded title begins with the text."""
    cursor = await connection.execute(
        f"select s.module_id, s.record_id, s.title from {schema}.search s where s.folded >= %s::text and s.folded < %s::text "
        "and s.module_id = any(%s::text[]) order by s.folded, s.record_id limit %s::int",
        (folded, folded + "\U0010ffff", list(modules), limit),
    )
    return await cursor.fetchall()


async def by_words(
    connection: Connection, schema: str, query: str, modules: Sequence[str], limit: int
) -> list[tuple[str, UUID, str]]:
    """The best ranked of records that have all words, the last one as a beginning; `query` is the text of a `tsquery`."""
    cursor = await connection.execute(
        "select x.module_id, x.record_id, x.title from (select s.module_id, s.record_id, s.title, s.tsv, q.q "
        f"from {schema}.search s, to_tsquery('simple', %s::text) q(q) where s.tsv @@ q.q and s.module_id = any(%s::text[]) limit {CAPPED}) x "
        "order by ts_rank(x.tsv, x.q) desc, x.title, x.record_id limit %s::int",
        (query, list(modules), limit),
    )
    return await cursor.fetchall()


async def by_substring(
    connection: Connection, schema: str, folded: str, modules: Sequence[str], limit: int
) -> list[tuple[str, UUID, str]]:
    """Records whose folded title holds the text anywhere."""
    pattern = "%" + folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    cursor = await connection.execute(
        f"select s.module_id, s.record_id, s.title from {schema}.search s where s.folded like %s::text "
        "and s.module_id = any(%s::text[]) order by s.folded, s.record_id limit %s::int",
        (pattern, list(modules), limit),
    )
    return await cursor.fetchall()


async def subtitles(
    connection: Connection, table: str, keys: Sequence[str], ids: Sequence[UUID], scope: tuple[str, list[Any]] | None
) -> dict[UUID, tuple[Any, ...]]:
    """The values under `keys` of live records that meet a condition over the table `t`."""
    selected = "".join(f", t.data->'{key}'" for key in keys)
    text, values = scope or ("true", [])
    cursor = await connection.execute(
        f"select t.id, t.stage{selected} from {table} t where t.id = any(%s::uuid[]) and t.archived_at is null and {text}",
        (list(ids), *values),
    )
    return {row[0]: row[1:] for row in await cursor.fetchall()}
