"""Promoting fields of live modules: with writers at work, after interruptions, with duplicates."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from xrm_core.kernel.clock import SystemClock
from xrm_core.kernel.errors import Unavailable
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.text import fold
from xrm_core.storage import indexes
from xrm_core.storage.database import Database
from xrm_core.storage.errors import Busy, Taken
from xrm_core.storage.rows import Promoted, Table
from xrm_core.storage.tables import (
    COLUMN_TYPES,
    Index,
    column_name,
    create_module_table,
    drop_module_table,
    has_table,
    index_for,
    index_name,
    table_name,
)
from xrm_core.storage.workspaces import Workspace

CLOCK = SystemClock()
NAME = Promoted(column_name("name"), "text", "name", fold)
SIZE = Promoted(column_name("size"), "numeric", "size", Decimal)
TAGS = Promoted(column_name("tags"), "text[]", "tags", list)
BY_NAME, BY_SIZE = Index("order", ("name",)), Index("order", ("size",))
FEW = 5_000


async def _module(database: Database, workspace: Workspace, count: int = 0) -> Table:
    table = Table(workspace.schema, "things", table_name("things"))
    async with database.transaction() as connection:
        await create_module_table(connection, table.schema, table.module_id)
        rows = [
            {"id": new_id(), "data": {"name": f"Énorme {n}", "size": str(Decimal(n) / 8), "tags": [f"t{n % 7}"]}}
            for n in range(count)
        ]
        await connection.execute(
            f"insert into {table.qualified} (id, version, created_at, updated_at, data)"
            " select u.id, 1, %s, %s, u.data from jsonb_to_recordset(%s::jsonb) as u(id uuid, data jsonb)",
            [CLOCK.now(), CLOCK.now(), orjson.dumps(rows).decode()],
        )
    return table


async def _one(database: Database, statement: str, *values: object) -> Any:
    async with database.writing() as connection:
        return await (await connection.execute(statement, values)).fetchone()


async def test_a_field_is_promoted_with_its_index(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, FEW)
    announced: list[str] = []

    async def announce() -> None:
        async with database.writing() as connection:
            announced.extend(job.state for job in await indexes.jobs(connection, table.schema))

    job = await indexes.promote(database, table, [NAME], BY_NAME, CLOCK, announce=announce)
    assert (job.state, job.filled, announced) == ("ready", FEW, ["filling", "ready"])
    found = await _one(database, f"select count(*) from {table.qualified} where p_name = lower('enorme 17')")
    assert found == (1,)
    assert await indexes.mismatches(database, table, [NAME]) == []
    plan = await _plan(
        database, f"select id from {table.qualified} where p_name > 'enorme 2' order by p_name, id limit 5"
    )
    assert BY_NAME.name("things") in plan


async def _plan(database: Database, statement: str) -> str:
    async with database.writing() as connection:
        await connection.execute(f"analyze {statement.split(' from ')[1].split(' ')[0]}")
        return "\n".join(row[0] for row in await (await connection.execute(f"explain {statement}")).fetchall())


@pytest.mark.parametrize(
    ("kind", "value", "projected"),
    [
        (Kind.TEXT, "Ärger", "arger"),
        (Kind.INTEGER, 12345678901234567890123, Decimal("12345678901234567890123")),
        (Kind.DECIMAL, "12.50", Decimal("12.50")),
        (Kind.BOOLEAN, True, True),
        (Kind.LIST, ['a"b', "c,d", "{x}", "ü"], ['a"b', "c,d", "{x}", "ü"]),
        (Kind.REFERENCE, "01a204d4-06c3-76eb-8fea-eb64ba71ab18", UUID("01a204d4-06c3-76eb-8fea-eb64ba71ab18")),
    ],
)
async def test_every_kind_has_a_column(
    database: Database, workspace: Workspace, kind: Kind, value: object, projected: object
) -> None:
    table = await _module(database, workspace)
    column = Promoted(column_name("it"), COLUMN_TYPES[kind].split(" ")[0], "it", lambda _: projected)
    async with database.transaction() as connection:
        await connection.execute(
            f"insert into {table.qualified} (id, version, created_at, updated_at, data)"
            " values (%s, 1, %s, %s, %s::jsonb)",
            [
                new_id(),
                CLOCK.now(),
                CLOCK.now(),
                '{"it": ' + (str(value) if kind is Kind.INTEGER else orjson.dumps(value).decode()) + "}",
            ],
        )
    job = await indexes.promote(database, table, [column], index_for("it", kind), CLOCK)
    assert job.state == "ready"
    assert await _one(database, f"select p_it from {table.qualified}") == (projected,)


async def test_nothing_is_missed_while_writers_work(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, FEW)
    async with database.writing() as connection:
        cursor = await connection.execute(f"select id from {table.qualified}")
        ids = [row[0] for row in await cursor.fetchall()]
    stop, knows = asyncio.Event(), asyncio.Event()
    written = 0

    async def write(seed: int) -> None:
        nonlocal written
        choose = random.Random(seed)
        while not stop.is_set():
            size = str(Decimal(choose.randrange(10_000)) / 8)
            promoted = ", p_size = %s::numeric" if knows.is_set() else ""
            async with database.transaction() as connection:
                await asyncio.sleep(0)
                await connection.execute(
                    f"update {table.qualified} set data = data || %s::jsonb, version = version + 1{promoted}"
                    " where id = %s",
                    [orjson.dumps({"size": size}).decode(), *([size] if promoted else []), choose.choice(ids)],
                )
                if choose.random() < 0.2:
                    await connection.execute(
                        f"insert into {table.qualified} (id, version, created_at, updated_at, data"
                        f"{', p_size' if promoted else ''})"
                        f" values (%s, 1, %s, %s, %s::jsonb{', %s' if promoted else ''})",
                        [
                            new_id(),
                            CLOCK.now(),
                            CLOCK.now(),
                            orjson.dumps({"size": size}).decode(),
                            *([size] if promoted else []),
                        ],
                    )
            written += 1

    async def announce() -> None:
        knows.set()

    writers = [asyncio.create_task(write(seed)) for seed in range(3)]
    job = await indexes.promote(database, table, [SIZE], BY_SIZE, CLOCK, announce=announce, settle_seconds=0.3)
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*writers)
    assert job.state == "ready"
    assert written > 50
    assert await indexes.mismatches(database, table, [SIZE]) == []
    assert await _one(database, f"select count(*) from {table.qualified} where p_size is null") == (0,)


async def test_a_value_that_changed_meanwhile_is_not_overwritten(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, 1)
    await indexes.promote(database, table, [SIZE], None, CLOCK)
    async for rows in indexes._batches(database, table, [SIZE], None):
        async with database.transaction() as connection:
            await connection.execute(f'update {table.qualified} set data = data || \'{{"size": "7"}}\', p_size = 7')
        async with database.transaction() as connection:
            assert await indexes._write(connection, table, [SIZE], rows) == 0
    assert await _one(database, f"select p_size from {table.qualified}") == (Decimal(7),)


async def test_an_open_transaction_delays_the_column_but_blocks_nobody(
    database: Database, workspace: Workspace
) -> None:
    table = await _module(database, workspace, 10)
    async with database.transaction() as connection:
        await connection.execute(f"update {table.qualified} set version = 2")
        promotion = asyncio.create_task(indexes.promote(database, table, [SIZE], BY_SIZE, CLOCK))
        for _ in range(5):
            await asyncio.sleep(0.1)
            async with asyncio.timeout(1.0):
                assert await _one(database, f"select count(*) from {table.qualified}") == (10,)
        assert not promotion.done()
    assert (await promotion).state == "ready"


async def test_an_interrupted_promotion_goes_on(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await _module(database, workspace, FEW)
    real, calls = indexes._write, 0

    async def breaks(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable([])
        return await real(*arguments)

    monkeypatch.setattr(indexes, "_write", breaks)
    with pytest.raises(Unavailable):
        await indexes.promote(database, table, [NAME], BY_NAME, CLOCK)
    async with database.writing() as connection:
        (job,) = await indexes.jobs(connection, table.schema)
    assert (job.state, job.filled) == ("filling", indexes.BATCH)
    job = await indexes.promote(database, table, [NAME], BY_NAME, CLOCK)
    assert (job.state, job.filled) == ("ready", FEW)
    assert await indexes.mismatches(database, table, [NAME]) == []


async def test_an_unfinished_index_is_replaced(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, 10)
    await indexes.promote(database, table, [TAGS], None, CLOCK)
    unique = Index("unique", ("tags",))
    async with database.ddl_connection() as connection:
        with pytest.raises(Exception, match="could not create unique index"):
            await connection.execute(unique.sql(table.schema, "things", concurrently=True))
        assert await indexes._index_state(connection, table.schema, unique.name("things")) is False
        await connection.execute(f"delete from {table.qualified} where data -> 'size' > '0'")
        await connection.execute(
            f"delete from {table.qualified} where id <> (select min(id::text)::uuid from {table.qualified})"
        )
    assert (await indexes.promote(database, table, [TAGS], unique, CLOCK)).state == "ready"


async def test_duplicates_forbid_a_unique_index_and_are_named(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, 14)
    unique = Index("unique", ("tags",))
    job = await indexes.promote(database, table, [TAGS], unique, CLOCK)
    assert job.state == "failed"
    assert job.problems is not None
    assert len(job.problems) == 7
    assert all(problem["count"] == 2 and len(problem["ids"]) == 2 for problem in job.problems)
    async with database.writing() as connection:
        assert await indexes._index_state(connection, table.schema, unique.name("things")) is None


async def test_a_unique_index_refuses_a_second_live_record(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, 5)
    unique = Index("unique", ("name", "size"))
    assert (await indexes.promote(database, table, [NAME, SIZE], unique, CLOCK)).state == "ready"
    insert = (
        f"insert into {table.qualified} (id, version, created_at, updated_at, archived_at, data, p_name, p_size)"
        " values (%s, 1, %s, %s, %s, '{}', 'enorme 1', 0.125)"
    )
    now = CLOCK.now()
    async with database.writing() as connection:
        await connection.execute(insert, [new_id(), now, now, now])
    with pytest.raises(Taken) as caught:
        async with database.writing() as connection:
            await connection.execute(insert, [new_id(), now, now, None])
    assert caught.value.constraint == index_name("things", ("name", "size"), "unique")


async def test_only_one_process_works_on_a_job(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, FEW)
    results = await asyncio.gather(
        *(indexes.promote(database, table, [NAME], BY_NAME, CLOCK) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results].count(Busy) == 2
    assert [result.state for result in results if isinstance(result, indexes.Job)] == ["ready"]


async def test_a_demoted_field_leaves_nothing(database: Database, workspace: Workspace) -> None:
    table = await _module(database, workspace, 10)
    await indexes.promote(database, table, [NAME], BY_NAME, CLOCK)
    await indexes.demote(database, table, BY_NAME, [NAME])
    async with database.writing() as connection:
        assert await indexes.jobs(connection, table.schema) == []
        cursor = await connection.execute(
            "select count(*) from pg_catalog.pg_attribute a where a.attrelid = %s::regclass and a.attname = 'p_name'",
            [table.qualified],
        )
        assert await cursor.fetchone() == (0,)


async def test_module_tables_come_and_go(database: Database, workspace: Workspace) -> None:
    promoted = [("name", Kind.TEXT), ("tags", Kind.LIST), ("done", Kind.BOOLEAN), ("x" * 48, Kind.DATE)]
    async with database.transaction() as connection:
        await create_module_table(connection, workspace.schema, "y" * 48, promoted)
        await create_module_table(connection, workspace.schema, "y" * 48, promoted)
        assert await has_table(connection, workspace.schema, "y" * 48)
        await drop_module_table(connection, workspace.schema, "y" * 48)
        assert not await has_table(connection, workspace.schema, "y" * 48)


def test_names_are_short_and_never_meet() -> None:
    ids = ["a", "a" * 40, "a" * 41, "a" * 42, "a" * 48, "a_b", "b"]
    for names in ([table_name(i) for i in ids], [column_name(i) for i in ids]):
        assert len(set(names)) == len(ids)
        assert max(map(len, names)) <= 48
    pairs = [index_name(module, (field,), "order") for module in ids for field in ids]
    assert len(set(pairs)) == len(ids) ** 2
    assert max(map(len, pairs)) <= 48
