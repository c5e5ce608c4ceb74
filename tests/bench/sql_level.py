"""The engine's own SQL beside hand-written SQL over native tables, on one server, in turns."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import psutil
from psycopg import AsyncConnection, AsyncCursor

from tests.bench import native
from tests.bench.report import Result, side_by_side
from tests.bench.workspace import MODULE, Bench
from xrm_core.kernel.ids import new_id
from xrm_core.records import board as boards
from xrm_core.records import read
from xrm_core.records.query import RecordQuery, write_cursor
from xrm_core.records.unit import Unit
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.rows import Event

_seen: list[tuple[str, Sequence[Any] | None]] | None = None


class Listening(AsyncCursor[Any]):
    """Remembers the statements of the engine, so that they can be executed again without it."""

    async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        if _seen is not None:
            _seen.append((query, list(params) if params is not None else None))
        return await super().execute(query, params, **more)


class ListeningConnection(AsyncConnection[Any]):
    """A connection whose statements can be listened to."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.cursor_factory = Listening


async def statements(bench: Bench, work: Callable[[Unit], Awaitable[Any]]) -> list[tuple[str, Sequence[Any] | None]]:
    """What the engine sends to the database for some work."""
    global _seen
    async with bench.units.begin(bench.workspace, bench.actor) as unit:
        await unit.reader()
        _seen = []
        try:
            await work(unit)
            return _seen
        finally:
            _seen = None


@dataclass
class Pair:
    """The engine's statements for something, and the hand-written ones for the same; `limit` is the target ratio."""

    name: str
    work: Callable[[Unit], Awaitable[Any]]
    native: list[tuple[str, Sequence[Any] | None]]
    limit: float


def _replay(
    connection: Connection, wanted: Sequence[tuple[str, Sequence[Any] | None]], *, decode: bool = True
) -> Callable[[], Awaitable[int]]:
    async def run() -> int:
        found = 0
        for text, params in wanted:
            cursor = connection.cursor()
            await cursor.execute(text, params)
            found += len(await cursor.fetchall()) if decode else cursor.rowcount
        return found

    return run


async def processor_time(connection: Connection, work: Callable[[], Awaitable[Any]], least: float = 0.3) -> float:
    """Seconds of processor time that one call takes, here and in the server: what else the machine does counts little."""
    backend = psutil.Process(connection.info.backend_pid)

    def spent() -> float:
        there = backend.cpu_times()
        return time.process_time() + float(there.user) + float(there.system)

    calls, begun = 0, spent()
    while (taken := spent() - begun) < least:
        for _ in range(10):
            await work()
        calls += 10
    return taken / calls


def _query(**more: Any) -> Callable[[Unit], Awaitable[Any]]:
    return lambda unit: read.find(unit, RecordQuery(MODULE, **more))


async def pairs(bench: Bench, name: str, connection: Connection) -> list[Pair]:
    """Everything that is compared."""
    schema = bench.workspace.schema
    page = min(10_000, bench.rows // 100)
    cursor = await connection.execute(
        f"select p_name, id::text from {schema}.m_{MODULE} where p_name is not null and archived_at is null"
        f" order by p_name, id offset {page * 50} limit 1"
    )
    row = await cursor.fetchone()
    assert row is not None
    after: tuple[str, str] = row
    deep = write_cursor(RecordQuery(MODULE, sort=("name",)), "filled", after)

    def listed(where: str, order: str, *params: Any) -> list[tuple[str, Sequence[Any] | None]]:
        return [(native.joined(name, schema, where, f"order by {order} limit 51"), params)]

    def counted(where: str, *params: Any) -> list[tuple[str, Sequence[Any] | None]]:
        return [(f"select count(*) from {name} t where t.archived_at is null and {where}", params)]

    dates = ("2026-03-01", "2026-06-01")
    between = "availability_date >= '2026-03-01' and availability_date < '2026-06-01'"
    lateral = native.joined(name, schema, "t.status = c0.status", "order by t.id desc limit 21")
    states = ["new", "active", "passive", "in_process", "placed", "do_not_use", "archived"]
    return [
        Pair("list, first page by name", _query(sort=("name",)), listed("t.name is not null", "t.name, t.id"), 1.3),
        Pair("list, first page, newest", _query(), listed("true", "t.id desc"), 1.3),
        Pair(f"list by name, page {page:,} (keyset)", _query(sort=("name",), cursor=deep),
             listed("t.name is not null and (t.name, t.id) > (%s::text, %s::uuid)", "t.name, t.id", *after), 1.3),
        Pair("filter, equality", _query(filter="current_employer == 'North Bank'"),
             listed("t.current_employer = %s::text", "t.id desc", "north bank"), 1.3),
        Pair("filter, range of dates", _query(filter=between, sort=("availability_date",)),
             listed("t.availability_date >= %s::date and t.availability_date < %s::date", "t.availability_date, t.id", *dates), 1.3),
        Pair("filter, multi-select", _query(filter="has_any(skills, ['rust', 'kafka'])"),
             listed("t.skills && %s::text[]", "t.id desc", ["rust", "kafka"]), 1.3),
        Pair("filter, multi-select, both of two", _query(filter="has_all(skills, ['rust', 'kafka'])"),
             listed("t.skills @> %s::text[]", "t.id desc", ["rust", "kafka"]), 1.3),
        Pair("board by status, 20 cards each", lambda unit: boards.board(unit, MODULE, by="status"), [
            (f"select t.status, count(*) from {name} t where t.archived_at is null group by 1", ()),
            (f"select c0.status, x.* from unnest(%s::text[]) c0(status) cross join lateral ({lateral}) x", (states,)),
        ], 1.3),
        Pair("count, one filter, exact", _query(limit=1, filter="status == 'placed'", count="exact"),
             [*listed("t.status = %s::text", "t.id desc", "placed"), *counted("t.status = %s::text", "placed")], 1.3),
        Pair("count, one filter, up to 1,000", _query(limit=1, filter="status == 'placed'", count="capped"),
             [*listed("t.status = %s::text", "t.id desc", "placed"),
              (f"select count(*) from (select 1 from {name} t where t.archived_at is null and t.status = %s::text limit 1001) x", ["placed"])],
             1.3),
    ]  # fmt: skip


async def reading(bench: Bench, database: Database, name: str) -> list[Result]:
    """Lists, filters, boards, counts and single records."""
    found = []
    async with database.connection() as raw, database.writing() as typed:
        for pair in await pairs(bench, name, typed):
            engine = await statements(bench, pair.work)
            theirs = pair.native
            if pair.name.startswith("count"):  # only the counting is compared, the page was needed to ask for it
                engine, theirs = engine[-1:], theirs[-1:]
            ours, other = _replay(raw, engine), _replay(typed, theirs)
            if not pair.name.startswith(("board", "count")) and await ours() != await other():
                raise SystemExit(f"{pair.name}: the two sides find different numbers of rows")
            taken = await side_by_side({
                "engine": ours, "native": other,
                "engine_wire": _replay(raw, engine, decode=False), "native_wire": _replay(typed, theirs, decode=False),
            })  # fmt: skip
            wire = taken["engine_wire"] / taken["native_wire"]
            busy = await processor_time(raw, ours) / await processor_time(typed, other)
            note = (
                f"{taken['engine'] * 1000:.2f} ms against {taken['native'] * 1000:.2f} ms; without decoding {wire:.2f}x;"
                f" processor time {busy:.2f}x"
            )
            found.append(Result(pair.name, taken["engine"] / taken["native"], pair.limit, note=note))
        found.append(await _get(bench, raw, typed, name))
    return found


async def _ids(bench: Bench, connection: Connection, count: int) -> list[UUID]:
    cursor = await connection.execute(
        f"select id from {bench.workspace.schema}.m_{MODULE} where archived_at is null order by md5(id::text) limit {count}"
    )
    return [found for (found,) in await cursor.fetchall()]


async def _get(bench: Bench, raw: Connection, typed: Connection, name: str) -> Result:
    ids = await _ids(bench, typed, 2000)
    [(text, params)] = await statements(bench, lambda unit: read.get(unit, MODULE, ids[0]))
    assert params is not None
    rng = random.Random(1)
    by_hand = native.joined(name, bench.workspace.schema, "t.id = %s::uuid", "").replace(
        "select ", "select t.notes, t.resume_text, ", 1
    )

    async def engine() -> None:
        cursor = raw.cursor()
        await cursor.execute(text, [*params[:-1], rng.choice(ids)])
        assert await cursor.fetchone()

    async def native_get() -> None:
        cursor = typed.cursor()
        await cursor.execute(by_hand, [rng.choice(ids)])
        assert await cursor.fetchone()

    taken = await side_by_side({"engine": engine, "native": native_get}, rounds=31)
    busy = await processor_time(raw, engine) / await processor_time(typed, native_get)
    note = f"{taken['engine'] * 1000:.2f} ms against {taken['native'] * 1000:.2f} ms; processor time {busy:.2f}x"
    return Result("get by id", taken["engine"] / taken["native"], 1.5, note=note)


async def updating(bench: Bench, database: Database, name: str) -> list[Result]:
    """One field of one record, with its history row: the engine's read and write against one hand-written statement."""
    module = await bench.module()
    rng = random.Random(2)
    async with database.writing() as ours, database.writing() as theirs:
        ids = await _ids(bench, ours, 5000)
        versions: dict[UUID, int] = {}
        cursor = await theirs.execute(f"select id, version from {name} where id = any(%s::uuid[])", [ids])
        versions.update(await cursor.fetchall())
        by_hand = (
            f"with upd as (update {name} set rating = %s::int, version = version + 1, updated_at = %s::timestamptz, updated_by = %s::uuid"
            f" where id = %s::uuid and version = %s::int returning id, version), ev as (insert into {name}_event"
            " (id, record_id, version, kind, actor, at, changes)"
            " select %s::uuid, upd.id, upd.version, %s::text, %s::jsonb, %s::timestamptz, %s::jsonb from upd) select id from upd"
        )
        actor = bench.actor.as_dict()

        async def engine(identifier: UUID | None = None) -> None:
            identifier = identifier or rng.choice(ids)
            before = (await store.fetch(ours, module.table, [identifier], beside=True))[identifier]
            row = before.copy()
            row.beside = {}
            old = row.data["rating"]
            row.data["rating"] = old % 10 + 1
            row.version += 1
            row.updated_at = bench.units.clock.now()
            row.updated_by = bench.actor.user_id
            changes = {"rating": [old, row.data["rating"]], "updated_at": [None, None]}
            event = Event(new_id(), module.id, row.id, row.version, "updated", actor, row.updated_at, changes)
            assert await store.update_one(ours, module.table, row, before, event, None)

        async def native_update(identifier: UUID | None = None) -> None:
            identifier = identifier or rng.choice(ids)
            now, version = bench.units.clock.now(), versions[identifier]
            changes = orjson.dumps({"rating": [1, 2], "updated_at": [None, None]}).decode()
            done = await theirs.execute(
                by_hand,
                [rng.randrange(1, 11), now, bench.actor.user_id, identifier, version,
                 new_id(), "updated", orjson.dumps(actor, default=str).decode(), now, changes],
            )  # fmt: skip
            assert done.rowcount == 1
            versions[identifier] = version + 1

        first = await side_by_side({"engine": engine, "native": native_update}, rounds=41, least=0.02, warm=1)
        # The first update after a load finds no room in its page and moves the row, on the side with the wider rows more
        # often; records that are worked with have room after it. Each of a working set is updated twice, then measured.
        del ids[500:]
        for identifier in (*ids, *ids):
            await engine(identifier)
            await native_update(identifier)
        shares = [await _hot(ours, one) for one in (module.table.qualified, name)]
        taken = await side_by_side({"engine": engine, "native": native_update}, rounds=41, least=0.02)
        hot = [
            (now[1] - was[1]) / max(1, now[0] - was[0])
            for was, now in zip(shares, [await _hot(ours, one) for one in (module.table.qualified, name)], strict=True)
        ]
        busy = await processor_time(ours, engine) / await processor_time(theirs, native_update)
    note = f"{taken['engine'] * 1000:.2f} ms against {taken['native'] * 1000:.2f} ms; {hot[0]:.0%} and {hot[1]:.0%} touch no index; processor time {busy:.2f}x"
    early = f"{first['engine'] * 1000:.2f} ms against {first['native'] * 1000:.2f} ms"
    return [
        Result("update of one field, with event", taken["engine"] / taken["native"], 1.5, note=note),
        Result("the same, first time after a load", first["engine"] / first["native"], note=early),
    ]


async def _hot(connection: Connection, table: str) -> tuple[int, int]:
    await connection.execute("select pg_catalog.pg_stat_force_next_flush()")
    await asyncio.sleep(0.1)
    cursor = await connection.execute(
        "select n_tup_upd, n_tup_hot_upd from pg_catalog.pg_stat_all_tables where relid = %s::regclass", [table]
    )
    found = await cursor.fetchone()
    assert found is not None
    return found[0], found[1]


async def sizes(bench: Bench, database: Database, name: str) -> list[Result]:
    """What the same records take on disk."""
    module = await bench.module()
    schema = bench.workspace.schema
    async with database.writing() as connection:
        cursor = await connection.execute(
            "select pg_table_size(%s::regclass), pg_indexes_size(%s::regclass), pg_table_size(%s::regclass),"
            " pg_indexes_size(%s::regclass), pg_total_relation_size(%s::regclass)",
            [module.table.qualified] * 2 + [name] * 2 + [f"{schema}.long_text"],
        )
        row = await cursor.fetchone()
    assert row is not None
    table, indexes, other_table, other_indexes, texts = (value / 1e6 for value in row)
    note = f"table {table:.0f} + long texts {texts:.0f} + indexes {indexes:.0f} MB against {other_table:.0f} + {other_indexes:.0f} MB"
    return [
        Result("table and indexes on disk", (table + texts + indexes) / (other_table + other_indexes), 1.3, note=note)
    ]
