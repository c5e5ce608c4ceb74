"""Saved views: whose they are, who sees them, how often they are used, and which one a role begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class SavedView:
    """One saved view; `definition` says how records are looked at."""

    id: UUID
    module_id: str
    name: str
    owner: UUID
    visibility: str
    definition: dict[str, Any]
    place: int
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = "v.id, v.module_id, v.name, v.owner, v.visibility, v.definition::text, v.place, v.version, v.created_at, v.updated_at"


def _view(row: Sequence[Any]) -> SavedView:
    values = list(row)
    values[5] = orjson.loads(values[5])
    return SavedView(*values)


def _seen(schema: str) -> str:
    return (
        "(v.visibility = 'shared' or v.owner = %s::uuid or (v.visibility = 'team' and v.owner in "
        f"(select m.id from {schema}.member m where m.teams && %s::uuid[])))"
    )


async def visible(
    connection: Connection, schema: str, member: UUID | None, teams: Sequence[UUID], module_id: str | None
) -> list[SavedView]:
    """The views that somebody sees, in their order."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.view v where (%s::text is null or v.module_id = %s::text) and {_seen(schema)} "
        "order by v.place, v.id limit 1000",
        [module_id, module_id, member, list(teams)],
    )
    return [_view(row) for row in await cursor.fetchall()]


async def get(
    connection: Connection, schema: str, view_id: UUID, member: UUID | None, teams: Sequence[UUID]
) -> SavedView | None:
    """One view, if somebody sees it; locked when in a transaction until its end."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.view v where v.id = %s::uuid and {_seen(schema)} for update of v",
        [view_id, member, list(teams)],
    )
    row = await cursor.fetchone()
    return _view(row) if row else None


async def owned(connection: Connection, schema: str, member: UUID) -> int:
    """How many views somebody has saved."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select count(*) from {schema}.view v where v.owner = %s::uuid", [member])
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def put(connection: Connection, schema: str, view: SavedView) -> None:
    """Store a view, new or changed."""
    await connection.execute(
        f"insert into {schema}.view as v (id, module_id, name, owner, visibility, definition, place, version, created_at,"
        " updated_at) values (%s::uuid, %s::text, %s::text, %s::uuid, %s::text, %s::jsonb, %s::int, %s::int,"
        " %s::timestamptz, %s::timestamptz) on conflict (id) do update set name = excluded.name, owner = excluded.owner,"
        " visibility = excluded.visibility, definition = excluded.definition, place = excluded.place,"
        " version = excluded.version, updated_at = excluded.updated_at",
        [
            view.id, view.module_id, view.name, view.owner, view.visibility, orjson.dumps(view.definition).decode(),
            view.place, view.version, view.created_at, view.updated_at,
        ],
    )  # fmt: skip


async def remove(connection: Connection, schema: str, view_id: UUID) -> None:
    """Remove a view, also as the one a role begins with."""
    await connection.execute(f"delete from {schema}.view where id = %s::uuid", [view_id])
    await connection.execute(f"delete from {schema}.view_default where view = %s::text", [str(view_id)])
    await connection.execute(f"delete from {schema}.view_use where view = %s::text", [str(view_id)])


async def use(connection: Connection, schema: str, view: str, day: date) -> None:
    """Count that a view was opened."""
    await connection.execute(
        f"insert into {schema}.view_use as u (view, day, uses) values (%s::text, %s::date, 1) "
        "on conflict (view, day) do update set uses = u.uses + 1",
        [view, day],
    )


async def uses(connection: Connection, schema: str, since: date) -> dict[str, int]:
    """How often each view was opened since a day."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select u.view, sum(u.uses)::int from {schema}.view_use u where u.day >= %s::date group by u.view", [since]
    )
    return dict(await cursor.fetchall())


async def defaults(connection: Connection, schema: str) -> dict[tuple[str, str], str]:
    """(module id, role) to the view that the role begins with."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select d.module_id, d.role, d.view from {schema}.view_default d")
    return {(module_id, role): view for module_id, role, view in await cursor.fetchall()}


async def set_default(connection: Connection, schema: str, module_id: str, role: str, view: str | None) -> None:
    """Let a role begin with a view, or with what the definitions say (None)."""
    if view is None:
        await connection.execute(
            f"delete from {schema}.view_default where module_id = %s::text and role = %s::text", [module_id, role]
        )
        return
    await connection.execute(
        f"insert into {schema}.view_default as d (module_id, role, view) values (%s::text, %s::text, %s::text) "
        "on conflict (module_id, role) do update set view = excluded.view",
        [module_id, role, view],
    )


# -- after a rename ---------------------------------------------------------------------------------------------------


async def definitions_of(connection: Connection, schema: str) -> list[tuple[UUID, str, dict[str, Any]]]:
    """(id, module id, definition) of every saved view."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select v.id, v.module_id, v.definition::text from {schema}.view v order by v.id")
    return [(found, module, orjson.loads(text)) for found, module, text in await cursor.fetchall()]


async def rewrite(connection: Connection, schema: str, view_id: UUID, definition: dict[str, Any]) -> None:
    """Let a saved view say the same in other words; nobody's changes to it are in the way."""
    await connection.execute(
        f"update {schema}.view set definition = %s::jsonb where id = %s::uuid", [orjson.dumps(definition).decode(), view_id]
    )


async def queries_of(connection: Connection, schema: str) -> list[tuple[UUID, str, str]]:
    """(member, module id, query) of how everybody looked at modules last."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select s.member, s.module_id, s.query from {schema}.member_state s order by s.member, s.module_id")
    return [(member, module, query) for member, module, query in await cursor.fetchall()]


async def rewrite_query(connection: Connection, schema: str, member: UUID, module_id: str, query: str) -> None:
    """Let somebody's last query say the same in other words."""
    await connection.execute(
        f"update {schema}.member_state set query = %s::text where member = %s::uuid and module_id = %s::text",
        [query, member, module_id],
    )
