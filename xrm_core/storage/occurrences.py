"""Occurrences: what automations have to do and have done, one row each with a unique key, claimed by workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.kernel.ids import new_id
from xrm_core.storage.database import Connection

State = Literal["due", "asked", "running", "waiting", "done", "suppressed", "failed", "moved", "cancelled"]
OPEN = ("due", "asked", "running", "waiting")


@dataclass(slots=True)
class Occurrence:
    """One time that an automation runs, for one record or for none."""

    id: UUID
    automation_id: str
    module_id: str | None
    record_id: UUID | None
    due_at: datetime
    key: str
    state: State
    created_at: datetime
    timed: bool = False
    mark: str = ""
    basis: str = ""
    next_at: datetime | None = None
    version: int | None = None
    position: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    late: bool = False
    attempts: int = 0
    started_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """What one step did."""

    number: int
    at: datetime
    step: str
    place: str
    state: str
    result: dict[str, Any]


_COLUMNS = (
    "o.id, o.automation_id, o.module_id, o.record_id, o.due_at, o.key, o.state, o.created_at, o.timed, o.mark, o.basis, "
    "o.next_at, o.version, o.position::text, o.context::text, o.reason, o.late, o.attempts, o.started_at, o.done_at"
)


def _occurrence(row: Sequence[Any]) -> Occurrence:
    values = list(row)
    for place in (13, 14):
        values[place] = orjson.loads(values[place]) if values[place] is not None else {}
    return Occurrence(*values)


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


async def put(connection: Connection, schema: str, rows: Sequence[Occurrence], *, revive: bool = False) -> set[str]:
    """Store new occurrences; the keys that were new. With `revive` one that was moved or cancelled is due again."""
    if not rows:
        return set()
    given = [
        {
            "id": str(one.id), "automation_id": one.automation_id, "module_id": one.module_id,
            "record_id": str(one.record_id) if one.record_id else None, "due_at": one.due_at, "key": one.key,
            "state": one.state, "created_at": one.created_at, "timed": one.timed, "mark": one.mark, "basis": one.basis,
            "next_at": one.next_at, "context": one.context, "reason": one.reason, "done_at": one.done_at,
        }
        for one in {one.key: one for one in rows}.values()
    ]  # fmt: skip
    again = (
        "update set due_at = excluded.due_at, next_at = excluded.next_at, state = excluded.state, reason = excluded.reason, "
        "done_at = excluded.done_at, basis = excluded.basis where o.state in ('due', 'asked', 'moved', 'cancelled')"
        if revive
        else "nothing"
    )
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.occurrence as o (id, automation_id, module_id, record_id, due_at, key, state, created_at, "
        "timed, mark, basis, next_at, context, reason, done_at) select u.id, u.automation_id, u.module_id, u.record_id, "
        "u.due_at, u.key, u.state, u.created_at, u.timed, u.mark, u.basis, u.next_at, u.context, u.reason, u.done_at "
        "from pg_catalog.jsonb_to_recordset(%s::jsonb) as u(id uuid, automation_id text, module_id text, record_id uuid, "
        "due_at timestamptz, key text, state text, created_at timestamptz, timed boolean, mark text, basis text, "
        f"next_at timestamptz, context jsonb, reason text, done_at timestamptz) on conflict (key) do {again} returning o.key",
        [_dump(given)],
    )
    return {key for (key,) in await cursor.fetchall()}


async def pending(
    connection: Connection, schema: str, automation_ids: Collection[str], record_ids: Collection[UUID]
) -> list[Occurrence]:
    """Timed occurrences of these records that have not begun."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.occurrence o where o.record_id = any(%s::uuid[]) "
        "and o.automation_id = any(%s::text[]) and o.timed and o.state in ('due', 'asked') order by o.id for update of o",
        [list(record_ids), list(automation_ids)],
    )
    return [_occurrence(row) for row in await cursor.fetchall()]


async def close(
    connection: Connection, schema: str, ids: Collection[UUID], state: State, reason: str, now: datetime
) -> None:
    """End occurrences that have not begun, with the reason."""
    if ids:
        await connection.execute(
            f"update {schema}.occurrence set state = %s::text, reason = %s::text, next_at = null, "
            "done_at = %s::timestamptz where id = any(%s::uuid[]) and state in ('due', 'asked')",
            [state, reason, now, list(ids)],
        )


async def claim(
    connection: Connection, schema: str, by: str, now: datetime, until: datetime, most: int
) -> list[Occurrence]:
    """What is due next and nobody works on, for us until a time; whoever dies in between loses it to another."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"update {schema}.occurrence o set claimed_by = %s::text, claimed_until = %s::timestamptz, "
        f"attempts = o.attempts + 1 from (select w.id from {schema}.occurrence w where w.next_at <= %s::timestamptz "
        "and (w.claimed_until is null or w.claimed_until < %s::timestamptz) order by w.next_at, w.id limit %s::int "
        f"for update of w skip locked) found where o.id = found.id returning {_COLUMNS}",
        [by, until, now, now, most],
    )
    return sorted((_occurrence(row) for row in await cursor.fetchall()), key=lambda one: (one.next_at, one.id))


async def lock(connection: Connection, schema: str, occurrence_id: UUID, by: str | None = None) -> Occurrence | None:
    """The occurrence for this transaction alone, if it is (still) ours; None if another worker has it."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.occurrence o where o.id = %s::uuid "
        "and (%s::text is null or o.claimed_by = %s::text) for update of o",
        [occurrence_id, by, by],
    )
    row = await cursor.fetchone()
    return _occurrence(row) if row else None


async def save(connection: Connection, schema: str, one: Occurrence, *, hold_until: datetime | None = None) -> None:
    """Store where an occurrence stands; without `hold_until` nobody works on it any more."""
    await connection.execute(
        f"update {schema}.occurrence set state = %s::text, next_at = %s::timestamptz, version = %s::int, "
        "position = %s::jsonb, reason = %s::text, late = %s::boolean, attempts = %s::int, started_at = %s::timestamptz, "
        "done_at = %s::timestamptz, claimed_until = %s::timestamptz, claimed_by = case when %s::timestamptz is null then null "
        "else claimed_by end where id = %s::uuid",
        [
            one.state, one.next_at, one.version, _dump(one.position), one.reason, one.late, one.attempts, one.started_at,
            one.done_at, hold_until, hold_until, one.id,
        ],
    )  # fmt: skip


async def log_step(connection: Connection, schema: str, occurrence_id: UUID, row: StepRow) -> None:
    """Note what a step did."""
    await connection.execute(
        f"insert into {schema}.automation_step (occurrence_id, number, at, step, place, state, result) values "
        "(%s::uuid, %s::int, %s::timestamptz, %s::text, %s::text, %s::text, %s::jsonb)",
        [occurrence_id, row.number, row.at, row.step, row.place, row.state, _dump(row.result)],
    )


async def steps_of(connection: Connection, schema: str, ids: Collection[UUID]) -> dict[UUID, list[StepRow]]:
    """What the steps of these runs did, in their order."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select s.occurrence_id, s.number, s.at, s.step, s.place, s.state, s.result::text from {schema}.automation_step s "
        "where s.occurrence_id = any(%s::uuid[]) order by s.occurrence_id, s.number",
        [list(ids)],
    )
    found: dict[UUID, list[StepRow]] = {}
    for identifier, number, at, step, place, state, result in await cursor.fetchall():
        found.setdefault(identifier, []).append(StepRow(number, at, step, place, state, orjson.loads(result)))
    return found


async def find(
    connection: Connection,
    schema: str,
    *,
    automation_id: str | None = None,
    record_id: UUID | None = None,
    states: Iterable[str] | None = None,
    before: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> list[Occurrence]:
    """Occurrences, the newest first."""
    wanted = list(states) if states is not None else None
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.occurrence o where (%s::text is null or o.automation_id = %s::text) "
        "and (%s::uuid is null or o.record_id = %s::uuid) and (%s::text[] is null or o.state = any(%s::text[])) "
        "and (%s::uuid is null or o.id < %s::uuid) and (%s::timestamptz is null or o.due_at >= %s::timestamptz) "
        "and (%s::timestamptz is null or o.due_at < %s::timestamptz) order by o.id desc limit %s::int",
        [
            automation_id, automation_id, record_id, record_id, wanted, wanted, before, before, since, since, until, until,
            limit,
        ],
    )  # fmt: skip
    return [_occurrence(row) for row in await cursor.fetchall()]


async def get(connection: Connection, schema: str, occurrence_id: UUID) -> Occurrence | None:
    """One occurrence."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.occurrence o where o.id = %s::uuid", [occurrence_id])
    row = await cursor.fetchone()
    return _occurrence(row) if row else None


async def running(connection: Connection, schema: str, automation_id: str, record_id: UUID, besides: UUID) -> bool:
    """Whether a run of the automation for a record has begun and not ended."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select 1 from {schema}.occurrence o where o.record_id = %s::uuid and o.automation_id = %s::text "
        "and o.state in ('running', 'waiting') and o.id <> %s::uuid limit 1",
        [record_id, automation_id, besides],
    )
    return await cursor.fetchone() is not None


async def next_time(connection: Connection, schema: str) -> datetime | None:
    """When something is due next."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select o.next_at from {schema}.occurrence o where o.next_at is not null order by o.next_at, o.id limit 1"
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def overdue(connection: Connection, schema: str, before: datetime) -> list[tuple[str, int, datetime]]:
    """(automation, how many, the oldest) of what should have been done before a moment."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select o.automation_id, count(*), min(o.next_at) from {schema}.occurrence o where o.next_at < %s::timestamptz "
        "group by o.automation_id order by o.automation_id",
        [before],
    )
    return [(automation, count, oldest) for automation, count, oldest in await cursor.fetchall()]


async def counts(
    connection: Connection, schema: str, since: datetime, until: datetime
) -> list[tuple[str, str, str | None, bool, int]]:
    """(automation, state, reason, late, how many) of what was due in a time."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select o.automation_id, o.state, o.reason, o.late, count(*) from {schema}.occurrence o "
        "where o.due_at >= %s::timestamptz and o.due_at < %s::timestamptz "
        "group by o.automation_id, o.state, o.reason, o.late order by 1, 2, 3, 4",
        [since, until],
    )
    return [tuple(row) for row in await cursor.fetchall()]


# -- the state of automations ---------------------------------------------------------------------------------------------


async def arming(connection: Connection, schema: str) -> dict[str, tuple[str, UUID | None]]:
    """By automation: for which triggers it is armed, and how far that is (None: completely)."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select s.automation_id, s.armed, s.cursor from {schema}.automation_state s")
    return {automation: (armed, at) for automation, armed, at in await cursor.fetchall()}


async def note_arming(
    connection: Connection, schema: str, automation_id: str, armed: str, at: UUID | None, now: datetime
) -> None:
    """Note for which triggers an automation is armed, or how far that is."""
    await connection.execute(
        f"insert into {schema}.automation_state as s (automation_id, armed, cursor, enabled_at) values (%s::text, %s::text, "
        "%s::uuid, %s::timestamptz) on conflict (automation_id) do update set armed = excluded.armed, cursor = excluded.cursor, "
        "enabled_at = excluded.enabled_at",
        [automation_id, armed, at, now],
    )


async def count_start(connection: Connection, schema: str, automation_id: str, hour: datetime) -> int:
    """How often an automation has started in an hour, this time included."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.automation_state as s (automation_id, hour, started) values (%s::text, %s::timestamptz, 1) "
        "on conflict (automation_id) do update set started = case when s.hour = excluded.hour then s.started + 1 else 1 end, "
        "hour = excluded.hour returning s.started",
        [automation_id, hour],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def next_turn(connection: Connection, schema: str, automation_id: str) -> int:
    """A number that counts on, for taking people in turn."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.automation_state as s (automation_id, turn) values (%s::text, 1) "
        "on conflict (automation_id) do update set turn = s.turn + 1 returning s.turn",
        [automation_id],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def note_mail(connection: Connection, schema: str, address: str, now: datetime) -> None:
    """Note that somebody is sent a mail that counts against their limit."""
    await connection.execute(
        f"insert into {schema}.automation_mail (id, address, at) values (%s::uuid, %s::text, %s::timestamptz)",
        [new_id(), address, now],
    )


async def mails_since(connection: Connection, schema: str, address: str, since: datetime) -> int:
    """How many of them somebody was sent."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select count(*) from {schema}.automation_mail m where m.address = %s::text and m.at > %s::timestamptz",
        [address, since],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def due_between(
    connection: Connection, schema: str, automation_id: str, since: datetime, until: datetime, limit: int
) -> list[Occurrence]:
    """What an automation was to do in a time, in its order."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.occurrence o where o.automation_id = %s::text and o.due_at >= %s::timestamptz "
        "and o.due_at < %s::timestamptz order by o.due_at, o.id limit %s::int",
        [automation_id, since, until, limit],
    )
    return [_occurrence(row) for row in await cursor.fetchall()]


async def close_all(connection: Connection, schema: str, automation_id: str, reason: str, now: datetime) -> None:
    """Cancel all timed occurrences of an automation that have not begun."""
    await connection.execute(
        f"update {schema}.occurrence set state = 'cancelled', reason = %s::text, next_at = null, done_at = %s::timestamptz "
        "where automation_id = %s::text and timed and state in ('due', 'asked')",
        [reason, now, automation_id],
    )


async def ask_to_end(
    connection: Connection,
    schema: str,
    automation_ids: Collection[str],
    record_ids: Collection[UUID],
    why: str,
    now: datetime,
) -> None:
    """Let runs that wait end instead of going on."""
    if automation_ids and record_ids:
        await connection.execute(
            f"update {schema}.occurrence set position = position || %s::jsonb, next_at = %s::timestamptz "
            "where record_id = any(%s::uuid[]) and automation_id = any(%s::text[]) and state = 'waiting'",
            [_dump({"exit": why}), now, list(record_ids), list(automation_ids)],
        )


async def forget_records(connection: Connection, schema: str, record_ids: Collection[UUID], now: datetime) -> None:
    """Forget what runs knew of erased records; what was still to be done for them is cancelled."""
    await connection.execute(
        f"delete from {schema}.automation_step s using {schema}.occurrence o "
        "where s.occurrence_id = o.id and o.record_id = any(%s::uuid[])",
        [list(record_ids)],
    )
    await connection.execute(
        f"update {schema}.occurrence set context = null, state = case when next_at is null then state else 'cancelled' end, "
        "reason = case when next_at is null then reason else 'erased' end, done_at = coalesce(done_at, %s::timestamptz), "
        "next_at = null where record_id = any(%s::uuid[])",
        [now, list(record_ids)],
    )
