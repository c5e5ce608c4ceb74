"""The registry of workspaces: which there are, where their schema lives; making and dropping them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.storage.database import Database
from xrm_core.storage.migrations.run import upgrade_workspace


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: its settings, and where its schema is (`dsn` None: the common server)."""

    id: UUID
    slug: str
    name: str
    schema: str
    dsn: str | None
    time_zone: str
    currency: str
    locale: str
    settings: dict[str, Any]
    created_at: datetime
    archived_at: datetime | None


_COLUMNS = "id, slug, name, schema_name, dsn, time_zone, currency, locale, settings, created_at, archived_at"


def _short_name(workspace_id: UUID) -> str:
    # The random end of the id: its beginning is the time, which workspaces made together share.
    return "ws_" + workspace_id.hex[-12:]


async def create_workspace(
    database: Database,
    *,
    slug: str,
    name: str,
    now: datetime,
    time_zone: str = "UTC",
    currency: str = "EUR",
    locale: str = "en",
    dsn: str | None = None,
) -> Workspace:
    """Register a workspace and make its schema (interrupted: `upgrade` finishes it); `Taken` if the slug is in use."""
    workspace_id = new_id()
    workspace = Workspace(
        workspace_id, slug, name, _short_name(workspace_id), dsn, time_zone, currency, locale, {}, now, None
    )
    async with database.control() as connection:
        await connection.execute(
            "insert into xrm_control.workspace"
            " (id, slug, name, schema_name, dsn, time_zone, currency, locale, created_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [workspace.id, slug, name, workspace.schema, dsn, time_zone, currency, locale, now],
        )
    try:
        await upgrade_workspace(database, workspace.schema, dsn)
    except BaseException:
        await drop_workspace(database, workspace)
        raise
    return workspace


async def drop_workspace(database: Database, workspace: Workspace) -> None:
    """Remove a workspace with all its data, for ever."""
    async with database.connect(workspace.dsn or database.dsns.ddl) as connection:
        await connection.execute(f"drop schema if exists {workspace.schema} cascade")
    async with database.control() as connection:
        await connection.execute("delete from xrm_control.workspace where id = %s", [workspace.id])


async def list_workspaces(database: Database, *, archived: bool = False) -> list[Workspace]:
    """All workspaces in the order they were made; archived ones only when asked for."""
    async with database.control() as connection:
        cursor = await connection.execute(
            f"select {_COLUMNS} from xrm_control.workspace where archived_at is null or %s order by id", [archived]
        )
        return [Workspace(*row) for row in await cursor.fetchall()]


async def get_workspace(database: Database, slug: str) -> Workspace:
    """The workspace called `slug`."""
    found = await _one(database, "slug = %s", slug)
    if found is None:
        raise NotFound(Problem("workspace", "", f"There is no workspace {slug!r}.", "`xrm workspace list` shows them."))
    return found


async def workspace_by_id(database: Database, workspace_id: UUID) -> Workspace | None:
    """The workspace with this id, if there is one."""
    return await _one(database, "id = %s", workspace_id)


async def _one(database: Database, condition: str, value: object) -> Workspace | None:
    async with database.control() as connection:
        cursor = await connection.execute(f"select {_COLUMNS} from xrm_control.workspace where {condition}", [value])
        row = await cursor.fetchone()
    return Workspace(*row) if row else None
