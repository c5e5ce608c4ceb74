"""Hints in the control schema about workspaces with work to do: they save looking everywhere, nothing relies on them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from xrm_core.storage.database import Connection


async def hint(connection: Connection, workspace_id: UUID, at: datetime) -> None:
    """There will be work in a workspace at a time."""
    await connection.execute(
        "insert into xrm_control.workspace_due as d (workspace_id, due_at) values (%s, %s)"
        " on conflict (workspace_id) do update set due_at = least(d.due_at, excluded.due_at)",
        [workspace_id, at],
    )


async def take(connection: Connection, now: datetime, most: int = 100) -> list[UUID]:
    """The workspaces with work due by now; their hints are gone, so that work found later makes new ones."""
    cursor = await connection.execute(
        "with due as (select workspace_id from xrm_control.workspace_due where due_at <= %s"
        " order by due_at limit %s for update skip locked)"
        " delete from xrm_control.workspace_due d using due where d.workspace_id = due.workspace_id"
        " returning d.workspace_id",
        [now, most],
    )
    return [row[0] for row in await cursor.fetchall()]
