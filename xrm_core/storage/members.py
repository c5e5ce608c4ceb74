"""Rows of a workspace about its people: members with their roles, and teams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Member:
    """A person in one workspace; the id is that of the account."""

    id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    teams: tuple[UUID, ...]
    settings: dict[str, Any]
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Team:
    """A group of members; `lead` is one of them."""

    id: UUID
    name: str
    lead: UUID | None
    created_at: datetime
    archived_at: datetime | None


_MEMBER = "id, name, email, roles, teams, settings, created_at, disabled_at"


def _member(row: Sequence[Any]) -> Member:
    identity, name, email, roles, teams, settings, created_at, disabled_at = row
    plain = settings if isinstance(settings, dict) else orjson.loads(settings)
    return Member(identity, name, email, tuple(roles), tuple(teams), plain, created_at, disabled_at)


async def put_member(
    connection: Connection,
    schema: str,
    member_id: UUID,
    *,
    name: str,
    email: str,
    roles: Sequence[str],
    teams: Sequence[UUID],
    now: datetime,
) -> None:
    """Store a member, or change name, address, roles and teams of one."""
    await connection.execute(
        f"insert into {schema}.member (id, name, email, roles, teams, created_at) values (%s, %s, %s, %s::text[], %s::uuid[], %s)"
        " on conflict (id) do update set name = excluded.name, email = excluded.email, roles = excluded.roles, teams = excluded.teams",
        [member_id, name, email, list(roles), list(teams), now],
    )


async def set_disabled(connection: Connection, schema: str, member_id: UUID, at: datetime | None) -> None:
    """Shut a member out of the workspace, or let them in again (None)."""
    await connection.execute(f"update {schema}.member set disabled_at = %s where id = %s", [at, member_id])


async def set_member_settings(connection: Connection, schema: str, member_id: UUID, settings: dict[str, Any]) -> None:
    """Store what a member chose in this workspace."""
    await connection.execute(
        f"update {schema}.member set settings = %s::jsonb where id = %s", [orjson.dumps(settings).decode(), member_id]
    )


async def member(connection: Connection, schema: str, member_id: UUID) -> Member | None:
    """One member."""
    cursor = await connection.execute(f"select {_MEMBER} from {schema}.member where id = %s", [member_id])
    row = await cursor.fetchone()
    return _member(row) if row else None


async def members(connection: Connection, schema: str) -> list[Member]:
    """All members by name, disabled ones too."""
    cursor = await connection.execute(f"select {_MEMBER} from {schema}.member order by lower(name), id")
    return [_member(row) for row in await cursor.fetchall()]


async def members_for_change(connection: Connection, schema: str) -> list[Member]:
    """All members, locked until the transaction ends, so that two changes cannot both remove "the other" administrator."""
    cursor = await connection.execute(f"select {_MEMBER} from {schema}.member order by id for update")
    return [_member(row) for row in await cursor.fetchall()]


async def put_team(
    connection: Connection, schema: str, team_id: UUID, name: str, lead: UUID | None, now: datetime
) -> None:
    """Store a team, or change its name and lead."""
    await connection.execute(
        f"insert into {schema}.team (id, name, lead, created_at) values (%s, %s, %s, %s)"
        " on conflict (id) do update set name = excluded.name, lead = excluded.lead",
        [team_id, name, lead, now],
    )


async def archive_team(connection: Connection, schema: str, team_id: UUID, now: datetime) -> None:
    """Dissolve a team: nobody belongs to it any more."""
    await connection.execute(
        f"update {schema}.team set archived_at = %s where id = %s and archived_at is null", [now, team_id]
    )
    await connection.execute(
        f"update {schema}.member set teams = array_remove(teams, %s::uuid) where %s::uuid = any(teams)",
        [team_id, team_id],
    )


async def teams(connection: Connection, schema: str) -> list[Team]:
    """All live teams by name."""
    cursor = await connection.execute(
        f"select id, name, lead, created_at, archived_at from {schema}.team where archived_at is null order by lower(name), id"
    )
    return [Team(*row) for row in await cursor.fetchall()]


async def existing(connection: Connection, schema: str, member_ids: Collection[UUID]) -> set[UUID]:
    """Which of these ids are members who are not disabled."""
    cursor = await connection.execute(
        f"select m.id from {schema}.member m where m.id = any(%s::uuid[]) and m.disabled_at is null", [list(member_ids)]
    )
    return {row[0] for row in await cursor.fetchall()}
