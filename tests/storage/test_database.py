"""Connections: what they set, what they decode, how transactions end."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.recording import Recording
from xrm_core.kernel.errors import Unavailable
from xrm_core.storage.database import Database, Limits, repeat
from xrm_core.storage.errors import Taken
from xrm_core.storage.workspaces import Workspace


async def test_connections_have_an_empty_search_path_and_utc(database: Database) -> None:
    async with database.connection() as connection:
        cursor = await connection.execute("select current_setting('search_path'), current_setting('timezone')")
        assert await cursor.fetchone() == ("", "UTC")


async def test_readers_pass_json_on_as_bytes_and_writers_decode_it(database: Database) -> None:
    async with database.connection() as connection:
        assert await (await connection.execute("select '{\"a\": 1}'::jsonb")).fetchone() == (b'{"a": 1}',)
    async with database.transaction() as connection:
        assert await (await connection.execute("select '{\"a\": 1}'::jsonb")).fetchone() == ({"a": 1},)


async def test_a_transaction_is_undone_by_an_exception(database: Database, workspace: Workspace) -> None:
    insert = f"insert into {workspace.schema}.counter (name, value) values ('a', 1)"
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(insert)
            raise RuntimeError
    async with database.connection() as reader:
        assert await (await reader.execute(f"select count(*) from {workspace.schema}.counter")).fetchone() == (0,)


async def test_a_deadlock_is_repeated_from_the_beginning(database: Database, workspace: Workspace) -> None:
    table = f"{workspace.schema}.counter"
    async with database.transaction() as connection:
        await connection.execute(f"insert into {table} (name, value) values ('a', 0), ('b', 0)")
    met = asyncio.Barrier(2)
    rounds = {"ab": 0, "ba": 0}

    async def add(order: str) -> None:
        async def work(connection) -> None:  # type: ignore[no-untyped-def]
            rounds[order] += 1
            await connection.execute(f"update {table} set value = value + 1 where name = %s", [order[0]])
            if rounds[order] == 1:
                await met.wait()
            await connection.execute(f"update {table} set value = value + 1 where name = %s", [order[1]])

        await database.run(work)

    await asyncio.gather(add("ab"), add("ba"))
    assert sorted(rounds.values()) == [1, 2]
    async with database.connection() as reader:
        assert await (await reader.execute(f"select sum(value)::int from {table}")).fetchone() == (4,)


async def test_other_errors_are_not_repeated(database: Database) -> None:
    calls = 0

    async def once() -> None:
        nonlocal calls
        calls += 1
        raise ValueError

    with pytest.raises(ValueError):
        await repeat(once)
    assert calls == 1


async def test_a_unique_violation_names_its_constraint(database: Database, workspace: Workspace) -> None:
    insert = f"insert into {workspace.schema}.counter (name, value) values ('a', 1)"
    with pytest.raises(Taken) as caught:
        async with database.transaction() as connection:
            await connection.execute(insert)
            await connection.execute(insert)
    assert caught.value.constraint == "counter_pkey"


async def test_waiting_for_a_connection_is_bounded(database_dsn: str) -> None:
    async with Database(database_dsn, Limits(readers=1, wait_seconds=0.2)) as small, small.connection():
        with pytest.raises(Unavailable):
            async with small.connection():
                pass


async def test_a_statement_that_takes_too_long_is_given_up(database_dsn: str) -> None:
    async with Database(database_dsn, Limits(statement_seconds=0.2)) as small:
        with pytest.raises(Unavailable) as caught:
            async with small.connection() as connection:
                await connection.execute("select pg_sleep(5)")
    assert caught.value.problems[0].code == "too_slow"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await Database("postgresql://nobody@127.0.0.1:1/none").open()


async def test_statements_are_counted(database: Database, statements: Recording) -> None:
    async with database.connection() as connection:
        with statements.counting() as sent:
            await connection.execute("select %s::int", [1])
        assert sent.texts == ["select $1::int"]
