"""Connections: what they set, what they decode, how transactions end."""

from __future__ import annotations

import asyncio
import os

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.recording import Recording
from xrm_core.kernel.errors import Unavailable
from xrm_core.storage import database as database_module
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


async def test_a_server_without_an_extension_is_refused_with_a_cure(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "EXTENSIONS", ("pg_trgm", "no_such_thing"))
    with pytest.raises(Unavailable) as caught:
        await Database(database_dsn).open()
    (problem,) = caught.value.problems
    assert problem.code == "server_extensions"
    assert "no_such_thing" in problem.message
    assert "postgresql-contrib" in problem.hint


async def test_an_old_server_is_refused_with_a_cure(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "LEAST_VERSION", 990000)
    with pytest.raises(Unavailable) as caught:
        await Database(database_dsn).open()
    assert caught.value.problems[0].code == "server_version"


async def test_a_database_that_is_not_unicode_is_refused(server_dsn: str) -> None:
    name = f"xrm_test_latin_{os.getpid()}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0 encoding 'LATIN1' locale 'C'")
        try:
            with pytest.raises(Unavailable) as caught:
                await Database(make_conninfo(server_dsn, dbname=name)).open()
            assert caught.value.problems[0].code == "server_encoding"
        finally:
            connection.execute(f"drop database {name}")


async def test_connections_come_back_after_the_server_dropped_them(database_dsn: str) -> None:
    async with Database(database_dsn, Limits(readers=3)) as some:
        async with some.connection() as one, some.connection() as two, some.connection() as three:
            pids = [connection.info.backend_pid for connection in (one, two, three)]
        async with some.writing() as connection:
            await connection.execute("select pg_terminate_backend(p) from unnest(%s::int[]) p", [pids])
        with pytest.raises(Unavailable):
            async with some.connection() as connection:
                await connection.execute("select 1")
        for _ in range(5):
            async with some.connection() as connection:
                assert await (await connection.execute("select 1")).fetchone() == (1,)


async def test_a_transaction_that_is_cancelled_writes_nothing(database: Database, workspace: Workspace) -> None:
    table = f"{workspace.schema}.counter"

    async def slow() -> None:
        async with database.transaction() as connection:
            await connection.execute(f"insert into {table} (name, value) values ('a', 1)")
            await connection.execute("select pg_sleep(10)")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.connection() as reader:
        assert await (await reader.execute(f"select count(*) from {table}")).fetchone() == (0,)
