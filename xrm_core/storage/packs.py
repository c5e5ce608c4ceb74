"""The packs of a workspace in their tables: what is installed, every step taken, and replaced values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A pack that is or was installed; `contents` is what its author wrote, in the installed version."""

    name: str
    version: str
    state: str
    contents: dict[str, Any]
    decisions: list[dict[str, Any]]
    installed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PackStep:
    """An install, upgrade, downgrade or uninstall: from which version of the definitions to which."""

    id: UUID
    pack: str
    kind: str
    from_version: str | None
    to_version: str | None
    before_number: int
    after_number: int
    contents_before: dict[str, Any] | None
    state_before: str | None
    decisions: list[dict[str, Any]]
    counts: dict[str, Any]
    actor: dict[str, Any]
    at: datetime
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplacedValue:
    """A value of a record that a step replaced."""

    record_id: UUID
    key: str
    before: Any
    after: Any


async def packs(connection: Connection, schema: str) -> dict[str, StoredPack]:
    """All packs that were ever installed, by name."""
    cursor = await connection.execute(
        "select p.name, p.version, p.state, p.contents::text, p.decisions::text, p.installed_at, p.updated_at"
        f" from {schema}.pack p order by p.name"
    )
    return {
        row[0]: StoredPack(row[0], row[1], row[2], orjson.loads(row[3]), orjson.loads(row[4]), row[5], row[6])
        for row in await cursor.fetchall()
    }


async def save_pack(connection: Connection, schema: str, pack: StoredPack) -> None:
    """Write a pack as it is now."""
    await connection.execute(
        f"insert into {schema}.pack (name, version, state, contents, decisions, installed_at, updated_at)"
        " values (%s::text, %s::text, %s::text, %s::jsonb, %s::jsonb, %s::timestamptz, %s::timestamptz)"
        " on conflict (name) do update set version = excluded.version, state = excluded.state,"
        " contents = excluded.contents, decisions = excluded.decisions, updated_at = excluded.updated_at",
        [
            pack.name,
            pack.version,
            pack.state,
            _json(pack.contents),
            _json(pack.decisions),
            pack.installed_at,
            pack.updated_at,
        ],
    )


async def forget_pack(connection: Connection, schema: str, name: str) -> None:
    """A pack was never installed after all: its first installation was undone."""
    await connection.execute(f"delete from {schema}.pack where name = %s::text", [name])


async def add_step(connection: Connection, schema: str, step: PackStep) -> None:
    """Note a step."""
    await connection.execute(
        f"insert into {schema}.pack_step (id, pack, kind, from_version, to_version, before_number, after_number,"
        " contents_before, state_before, decisions, counts, actor, at)"
        " values (%s::uuid, %s::text, %s::text, %s::text, %s::text, %s::int, %s::int, %s::jsonb, %s::text, %s::jsonb,"
        " %s::jsonb, %s::jsonb, %s::timestamptz)",
        [
            step.id,
            step.pack,
            step.kind,
            step.from_version,
            step.to_version,
            step.before_number,
            step.after_number,
            None if step.contents_before is None else _json(step.contents_before),
            step.state_before,
            _json(step.decisions),
            _json(step.counts),
            _json(step.actor),
            step.at,
        ],
    )


async def undo_step(connection: Connection, schema: str, step_id: UUID, now: datetime) -> None:
    """Note that a step was taken back."""
    await connection.execute(
        f"update {schema}.pack_step set undone_at = %s::timestamptz where id = %s::uuid", [now, step_id]
    )


async def steps(connection: Connection, schema: str, pack: str, *, limit: int = 100) -> list[PackStep]:
    """The steps of a pack, the newest first."""
    cursor = await connection.execute(
        "select s.id, s.pack, s.kind, s.from_version, s.to_version, s.before_number, s.after_number,"
        " s.contents_before::text, s.state_before, s.decisions::text, s.counts::text, s.actor::text, s.at, s.undone_at"
        f" from {schema}.pack_step s where s.pack = %s::text order by s.id desc limit %s::int",
        [pack, limit],
    )
    return [_step(row) for row in await cursor.fetchall()]


def _step(row: Sequence[Any]) -> PackStep:
    head: Any = row[:7]
    contents = None if row[7] is None else orjson.loads(row[7])
    decisions, counts, actor = (orjson.loads(text) for text in row[9:12])
    rest: Any = (contents, row[8], decisions, counts, actor, row[12], row[13])
    return PackStep(*head, *rest)


async def keep_values(
    connection: Connection, schema: str, step_id: UUID, module_id: str, values: Iterable[ReplacedValue]
) -> None:
    """Keep replaced values; what is kept already stays, it is older."""
    payload = [{"r": str(v.record_id), "k": v.key, "b": v.before, "a": v.after} for v in values]
    if payload:
        await connection.execute(
            f"insert into {schema}.pack_value (step_id, module_id, record_id, key, before, after)"
            " select %s::uuid, %s::text, n.r, n.k, n.b, n.a"
            " from jsonb_to_recordset(%s::jsonb) as n(r uuid, k text, b jsonb, a jsonb)"
            " on conflict (step_id, module_id, record_id, key) do nothing",
            [step_id, module_id, _json(payload)],
        )


async def kept_values(
    connection: Connection, schema: str, step_id: UUID, module_id: str, ids: Sequence[UUID]
) -> list[ReplacedValue]:
    """The values of these records that a step replaced."""
    cursor = await connection.execute(
        f"select v.record_id, v.key, v.before::text, v.after::text from {schema}.pack_value v"
        " where v.step_id = %s::uuid and v.module_id = %s::text and v.record_id = any(%s::uuid[])",
        [step_id, module_id, list(ids)],
    )
    return [ReplacedValue(row[0], row[1], _read(row[2]), _read(row[3])) for row in await cursor.fetchall()]


async def kept_modules(connection: Connection, schema: str, step_id: UUID) -> dict[str, int]:
    """How many values of which modules a step replaced."""
    cursor = await connection.execute(
        f"select v.module_id, count(*)::int from {schema}.pack_value v where v.step_id = %s::uuid"
        " group by v.module_id order by v.module_id",
        [step_id],
    )
    return dict(await cursor.fetchall())


def _read(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return orjson.dumps(value, default=str).decode()


async def open_work(connection: Connection, schema: str) -> int:
    """How much that steps left to be done in the background is not done yet."""
    cursor = await connection.execute(
        f"select (select count(*) from {schema}.outbox o where o.kind like 'definitions.%%' and o.done_at is null"
        f" and o.failed_at is null) + (select count(*) from {schema}.index_job j where j.state not in ('ready', 'failed'))"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
