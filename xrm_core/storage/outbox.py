"""Effects outside the database: rows with a unique key, claimed by workers, tried again, and kept when they fail for good."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.kernel.ids import new_id
from xrm_core.storage.database import Connection

Kind = Literal["mail", "webhook", "invitation"]
State = Literal["waiting", "sending", "done", "failed"]
UNCERTAIN = "uncertain"
"""The error of a row whose sender died after it had begun to hand it over: nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to be done outside."""

    id: UUID
    run_at: datetime
    kind: str
    key: str
    payload: dict[str, Any]
    destination: str
    attempts: int
    created_at: datetime | None
    handed_at: datetime | None
    done_at: datetime | None
    failed_at: datetime | None
    error: str | None
    result: dict[str, Any] | None
    claimed_by: str | None = None

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.done_at is not None:
            return "done"
        if self.failed_at is not None:
            return "failed"
        return "sending" if self.claimed_by is not None else "waiting"


_COLUMNS = (
    "o.id, o.run_at, o.kind, o.key, o.payload::text, o.destination, o.attempts, o.created_at, o.handed_at, o.done_at, "
    "o.failed_at, o.error, o.result::text, o.claimed_by"
)


def _effect(row: Sequence[Any]) -> Effect:
    values = list(row)
    values[4] = orjson.loads(values[4])
    values[12] = orjson.loads(values[12]) if values[12] is not None else None
    return Effect(*values)


async def put(
    connection: Connection,
    schema: str,
    kind: Kind,
    key: str,
    payload: dict[str, Any],
    *,
    now: datetime,
    not_before: datetime | None = None,
    destination: str = "",
) -> UUID | None:
    """Ask for an effect, in the caller's transaction: it happens if that commits. None when the key was used before.

    `destination` names whatever is slow together (a mail server, a host): one that hangs holds up no other.
    """
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.outbox (id, run_at, kind, key, payload, destination, created_at) values (%s::uuid, "
        "%s::timestamptz, %s::text, %s::text, %s::jsonb, %s::text, %s::timestamptz) on conflict (key) do nothing "
        "returning id",
        [new_id(), not_before or now, kind, key, orjson.dumps(payload, default=str).decode(), destination, now],
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def claim(
    connection: Connection,
    schema: str,
    by: str,
    now: datetime,
    until: datetime,
    *,
    most: int,
    without: Collection[str] = (),
    kinds: Collection[str] | None = None,
) -> list[Effect]:
    """The oldest effects that are due and nobody works on, for us until a time, none for destinations in `without`.

    One that another worker had begun to hand over when it died is not given out: see `bury_uncertain`.
    """
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"update {schema}.outbox o set claimed_by = %s::text, claimed_until = %s::timestamptz, "
        "attempts = o.attempts + 1 from (select w.id from "
        f"{schema}.outbox w where w.done_at is null and w.failed_at is null and w.run_at <= %s::timestamptz "
        "and (w.claimed_until is null or w.claimed_until < %s::timestamptz) and w.handed_at is null "
        "and not (w.destination = any(%s::text[])) and (%s::text[] is null or w.kind = any(%s::text[])) "
        "order by w.run_at, w.id limit %s::int for update of w skip locked) due where o.id = due.id "
        f"returning {_COLUMNS}",
        [
            by, until, now, now, list(without), list(kinds) if kinds is not None else None,
            list(kinds) if kinds is not None else None, most,
        ],
    )  # fmt: skip
    return sorted((_effect(row) for row in await cursor.fetchall()), key=lambda one: (one.run_at, one.id))


async def hand_over(connection: Connection, schema: str, effect_id: UUID, by: str, now: datetime) -> bool:
    """Note that from now on the effect may happen; False when another worker has it."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set handed_at = %s::timestamptz where o.id = %s::uuid and o.claimed_by = %s::text "
        "and o.claimed_until >= %s::timestamptz and o.done_at is null and o.failed_at is null",
        [now, effect_id, by, now],
    )
    return cursor.rowcount == 1


async def finish(
    connection: Connection, schema: str, effect_id: UUID, by: str, now: datetime, result: dict[str, Any]
) -> bool:
    """Note that the effect has happened."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set done_at = %s::timestamptz, result = %s::jsonb, claimed_by = null, "
        "claimed_until = null, error = null, failed_at = null where o.id = %s::uuid and o.done_at is null "
        "and o.claimed_by = %s::text",
        [now, orjson.dumps(result, default=str).decode(), effect_id, by],
    )
    return cursor.rowcount == 1


async def put_off(
    connection: Connection,
    schema: str,
    effect_id: UUID,
    by: str,
    at: datetime,
    error: str,
    *,
    counts: bool = True,
    destination: str = "",
) -> bool:
    """It did not happen: try again at a time. With `counts` false this was no attempt."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set run_at = %s::timestamptz, error = %s::text, claimed_by = null, "
        "claimed_until = null, handed_at = null, attempts = o.attempts - %s::int, "
        "destination = coalesce(nullif(%s::text, ''), o.destination) where o.id = %s::uuid and o.claimed_by = %s::text and o.done_at is null",
        [at, error, 0 if counts else 1, destination, effect_id, by],
    )
    return cursor.rowcount == 1


async def bury(connection: Connection, schema: str, effect_id: UUID, by: str, now: datetime, error: str) -> bool:
    """It will not happen by itself any more; somebody may try again."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set failed_at = %s::timestamptz, error = %s::text, claimed_by = null, "
        "claimed_until = null where o.id = %s::uuid and o.claimed_by = %s::text and o.done_at is null",
        [now, error, effect_id, by],
    )
    return cursor.rowcount == 1


async def bury_uncertain(connection: Connection, schema: str, now: datetime, kinds: Collection[str]) -> list[Effect]:
    """Take out of the way what its worker had begun to hand over when it died; for kinds that must not happen twice."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"update {schema}.outbox o set failed_at = %s::timestamptz, error = %s::text, claimed_by = null, "
        "claimed_until = null where o.handed_at is not null and o.done_at is null and o.failed_at is null "
        f"and o.claimed_until < %s::timestamptz and o.kind = any(%s::text[]) returning {_COLUMNS}",
        [now, UNCERTAIN, now, list(kinds)],
    )
    return [_effect(row) for row in await cursor.fetchall()]


async def retry(connection: Connection, schema: str, effect_id: UUID, now: datetime) -> bool:
    """Try a buried effect again, with all its attempts."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set failed_at = null, handed_at = null, attempts = 0, run_at = %s::timestamptz "
        "where o.id = %s::uuid and o.failed_at is not null and o.done_at is null",
        [now, effect_id],
    )
    return cursor.rowcount == 1


async def drop(connection: Connection, schema: str, effect_id: UUID) -> bool:
    """Give an effect up that waits or has failed."""
    cursor = await connection.execute(
        f"delete from {schema}.outbox o where o.id = %s::uuid and o.done_at is null and o.claimed_by is null",
        [effect_id],
    )
    return cursor.rowcount == 1


async def cancel(connection: Connection, schema: str, key: str) -> bool:
    """Take an effect back that has not begun; its key stays used. False when it is too late, or there is none."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set done_at = o.run_at, result = %s::jsonb where o.key = %s::text "
        "and o.done_at is null and o.claimed_by is null",
        ['{"cancelled": true}', key],
    )
    return cursor.rowcount == 1


async def get(connection: Connection, schema: str, effect_id: UUID) -> Effect | None:
    """One effect."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.outbox o where o.id = %s::uuid", [effect_id])
    row = await cursor.fetchone()
    return _effect(row) if row else None


async def by_key(connection: Connection, schema: str, key: str) -> Effect | None:
    """The effect of a key."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.outbox o where o.key = %s::text", [key])
    row = await cursor.fetchone()
    return _effect(row) if row else None


async def known(connection: Connection, schema: str, keys: Collection[str]) -> set[str]:
    """Which of these keys are used."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select o.key from {schema}.outbox o where o.key = any(%s::text[])", [list(keys)])
    return {row[0] for row in await cursor.fetchall()}


async def listed(connection: Connection, schema: str, state: State, *, before: UUID | None, limit: int) -> list[Effect]:
    """Effects in one state, newest first."""
    where = {
        "waiting": "o.done_at is null and o.failed_at is null and o.claimed_by is null",
        "sending": "o.done_at is null and o.failed_at is null and o.claimed_by is not null",
        "done": "o.done_at is not null",
        "failed": "o.failed_at is not null",
    }[state]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.outbox o where {where} and (%s::uuid is null or o.id < %s::uuid) "
        "order by o.id desc limit %s::int",
        [before, before, limit],
    )
    return [_effect(row) for row in await cursor.fetchall()]


async def of_webhook(connection: Connection, schema: str, webhook: UUID, limit: int) -> list[Effect]:
    """The last calls of a webhook, newest first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.outbox o where o.key like %s::text order by o.id desc limit %s::int",
        [f"webhook:{webhook}:%", limit],
    )
    return [_effect(row) for row in await cursor.fetchall()]


async def next_due(connection: Connection, schema: str) -> datetime | None:
    """When the next effect is due."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select min(o.run_at) from {schema}.outbox o where o.done_at is null and o.failed_at is null")
    row = await cursor.fetchone()
    return row[0] if row else None


async def forget(connection: Connection, schema: str, before: datetime) -> int:
    """Remove the payload of what happened before a time; the key stays, so that it cannot happen again."""
    cursor = await connection.execute(
        f"update {schema}.outbox o set payload = '{{}}'::jsonb where o.done_at < %s::timestamptz "
        "and o.payload <> '{}'::jsonb",
        [before],
    )
    return cursor.rowcount


async def of_kind(connection: Connection, schema: str, kind: Kind, *, limit: int = 10_000) -> list[dict[str, Any]]:
    """What was asked for of a kind, the oldest first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select o.payload::text from {schema}.outbox o where o.kind = %s::text order by o.id limit %s::int", [kind, limit]
    )
    return [orjson.loads(payload) for (payload,) in await cursor.fetchall()]
