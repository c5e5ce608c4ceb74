"""Drafts of definitions, one per person, and the steps by which published changes replaced values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft: its operations on top of a version, those that were taken back, and the set that they lead to."""

    id: UUID
    member: str
    version: int
    base_number: int
    operations: list[dict[str, Any]]
    undone: list[dict[str, Any]]
    snapshot: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """How a published version replaced values, by module; `undone_in` is the version that put them back."""

    id: UUID
    number: int
    tasks: dict[str, list[dict[str, Any]]]
    undone_in: int | None = None


async def draft_of(connection: Connection, schema: str, member: str, *, lock: bool = False) -> StoredDraft | None:
    """The draft of a person; with `lock` nobody else changes it until the transaction ends."""
    cursor = await connection.execute(
        "select d.id, d.member, d.version, d.base_number, d.operations::text, d.undone::text, d.snapshot::text,"
        f" d.created_at, d.updated_at from {schema}.definition_draft d where d.member = %s::text"
        + (" for update" if lock else ""),
        [member],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return StoredDraft(*row[:4], *(orjson.loads(text) for text in row[4:7]), *row[7:])


async def save_draft(connection: Connection, schema: str, draft: StoredDraft) -> None:
    """Write a draft as it is now."""
    await connection.execute(
        f"insert into {schema}.definition_draft as d"
        " (id, member, version, base_number, operations, undone, snapshot, created_at, updated_at)"
        " values (%s::uuid, %s::text, %s::int, %s::int, %s::jsonb, %s::jsonb, %s::jsonb, %s::timestamptz,"
        " %s::timestamptz) on conflict (member) do update set id = excluded.id, version = excluded.version,"
        " base_number = excluded.base_number, operations = excluded.operations, undone = excluded.undone,"
        " snapshot = excluded.snapshot, updated_at = excluded.updated_at",
        [
            draft.id,
            draft.member,
            draft.version,
            draft.base_number,
            _json(draft.operations),
            _json(draft.undone),
            _json(draft.snapshot),
            draft.created_at,
            draft.updated_at,
        ],
    )


async def forget_draft(connection: Connection, schema: str, member: str) -> bool:
    """Throw a draft away; whether there was one."""
    cursor = await connection.execute(f"delete from {schema}.definition_draft where member = %s::text", [member])
    return cursor.rowcount == 1


async def others(connection: Connection, schema: str, member: str) -> list[tuple[str, int, datetime]]:
    """(person, number of operations, when last touched) of the drafts of others."""
    cursor = await connection.execute(
        f"select d.member, jsonb_array_length(d.operations), d.updated_at from {schema}.definition_draft d"
        " where d.member <> %s::text order by d.updated_at desc limit 50",
        [member],
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


# -- steps ----------------------------------------------------------------------------------------------------------


async def add_step(
    connection: Connection, schema: str, step_id: UUID, number: int, tasks: Mapping[str, Any], now: datetime
) -> None:
    """Note what a version does with values."""
    await connection.execute(
        f"insert into {schema}.definition_step (id, number, modules, tasks, at)"
        " values (%s::uuid, %s::int, %s::text[], %s::jsonb, %s::timestamptz)",
        [step_id, number, sorted(tasks), _json(tasks), now],
    )


async def steps_after(connection: Connection, schema: str, number: int) -> list[Step]:
    """The steps of newer versions that were not undone, the newest first."""
    cursor = await connection.execute(
        f"select s.id, s.number, s.tasks::text, s.undone_in from {schema}.definition_step s"
        " where s.number > %s::int and s.undone_in is null order by s.number desc, s.id desc",
        [number],
    )
    return [Step(row[0], row[1], orjson.loads(row[2]), row[3]) for row in await cursor.fetchall()]


async def undo_steps(
    connection: Connection, schema: str, ids: Sequence[UUID], number: int, work: str, now: datetime
) -> None:
    """Note that a version undoes these steps; what is still to be done for them is not done any more."""
    await connection.execute(
        f"update {schema}.definition_step s set undone_in = %s::int where s.id = any(%s::uuid[])", [number, list(ids)]
    )
    for one in ids:
        await connection.execute(
            f"update {schema}.outbox o set done_at = %s::timestamptz where o.key like %s::text and o.done_at is null",
            [now, f"{work}:{one}:%"],
        )


async def open_work(
    connection: Connection, schema: str, kind: str
) -> list[tuple[UUID, dict[str, Any], int, str | None]]:
    """(id, payload, attempts, error) of work of a kind that is not finished."""
    cursor = await connection.execute(
        f"select o.id, o.payload::text, o.attempts, o.error from {schema}.outbox o where o.kind = %s::text"
        " and o.done_at is null order by o.run_at, o.id limit 500",
        [kind],
    )
    return [(row[0], orjson.loads(row[1]), row[2], row[3]) for row in await cursor.fetchall()]


async def wanted(connection: Connection, schema: str, work_id: UUID) -> bool:
    """Whether claimed work is still to be done; whoever takes it back waits for this transaction."""
    cursor = await connection.execute(
        f"select 1 from {schema}.outbox o where o.id = %s::uuid and o.done_at is null for no key update", [work_id]
    )
    return await cursor.fetchone() is not None


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
