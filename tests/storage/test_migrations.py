"""Migrations: planned, resumable, safe to start together, for the control schema and every workspace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from xrm_core.kernel.errors import NotFound
from xrm_core.storage import functions
from xrm_core.storage.database import Database, Dsns, Limits
from xrm_core.storage.errors import Taken
from xrm_core.storage.migrations import run
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.workspaces import (
    create_workspace,
    drop_workspace,
    get_workspace,
    list_workspaces,
    workspace_by_id,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADS = set(run._script().get_heads())


@pytest.fixture
def empty_dsns(server_dsn: str) -> Iterator[list[str]]:
    """Two empty databases."""
    names = [f"xrm_test_empty{number}_{os.getpid()}" for number in (1, 2)]
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database {name} template template0 encoding 'UTF8'")
        yield [make_conninfo(server_dsn, dbname=name) for name in names]
        for name in names:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture
async def empty(empty_dsns: list[str]) -> AsyncIterator[Database]:
    async with Database(empty_dsns[0], Limits(readers=2, writers=2)) as database:
        yield database


async def test_a_plan_changes_nothing_and_comes_true(empty: Database) -> None:
    planned = await upgrade(empty, plan=True)
    assert [step.place for step in planned] == ["xrm", "xrm_control"]
    assert await upgrade(empty, plan=True) == planned
    assert await upgrade(empty) == planned
    assert await upgrade(empty, plan=True) == await upgrade(empty) == []


async def test_processes_that_start_together_wait_for_each_other(empty: Database) -> None:
    done = await asyncio.gather(*(upgrade(empty) for _ in range(4)))
    assert sorted(len(steps) for steps in done) == [0, 0, 0, 2]


async def test_an_interrupted_upgrade_goes_on(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await upgrade(empty)
    workspaces = [await create_workspace(empty, slug=f"w{n}", name="W", now=NOW) for n in range(3)]
    async with empty.ddl_connection() as connection:
        for workspace in workspaces[1:]:
            await connection.execute(f"drop schema {workspace.schema} cascade")
    real, calls = run._run, 0

    def breaks(*arguments: str) -> list[run.Step]:
        nonlocal calls
        calls += 1
        if arguments[1] == workspaces[2].schema:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(run, "_run", breaks)
    with pytest.raises(RuntimeError):
        await upgrade(empty)
    monkeypatch.undo()
    done = await upgrade(empty)
    assert {step.place for step in done} == {workspaces[2].schema}
    revisions = [step.revision for step in done]
    assert revisions[:2] == ["workspace_0001", "workspace_0002"] and revisions == sorted(revisions)


async def test_functions_that_changed_are_replaced(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await upgrade(empty)
    monkeypatch.setitem(functions.FUNCTIONS, "fold(value text) returns text", "select 'new'::text")
    assert [step.place for step in await upgrade(empty, plan=True)] == ["xrm"]
    await upgrade(empty)
    async with empty.connection() as connection:
        assert await (await connection.execute("select xrm.fold('x')")).fetchone() == ("new",)


async def test_extensions_that_are_there_already_stay_where_they_are(empty_dsns: list[str]) -> None:
    with psycopg.connect(empty_dsns[0], autocommit=True) as connection:
        connection.execute("create extension pg_trgm schema public")
    async with Database(empty_dsns[0]) as database:
        assert database.trigram_schema == "public"
        await upgrade(database)
        await create_workspace(database, slug="a", name="A", now=NOW)


async def test_control_and_data_may_be_different_databases(empty_dsns: list[str]) -> None:
    data, control = empty_dsns
    async with Database(Dsns.of(data, control=control)) as database:
        await upgrade(database)
        workspace = await create_workspace(database, slug="a", name="A", now=NOW)
        async with database.transaction() as connection:
            await connection.execute(f"insert into {workspace.schema}.counter (name, value) values ('a', 1)")
        assert [found.id for found in await list_workspaces(database)] == [workspace.id]
        assert await upgrade(database) == []
    with psycopg.connect(data) as connection:
        assert connection.execute("select to_regnamespace('xrm_control')").fetchone() == (None,)
    with psycopg.connect(control) as connection:
        assert connection.execute("select to_regnamespace('xrm')").fetchone() == (None,)


async def test_a_workspace_may_live_on_a_server_of_its_own(empty_dsns: list[str]) -> None:
    common, own = empty_dsns
    async with Database(common) as database:
        await upgrade(database)
        workspace = await create_workspace(database, slug="a", name="A", now=NOW, dsn=own)
        assert await upgrade(database) == []
        with psycopg.connect(own) as connection:
            assert connection.execute(f"select count(*) from {workspace.schema}.event").fetchone() == (0,)
            assert connection.execute("select xrm.fold('É')").fetchone() == ("e",)
        await drop_workspace(database, workspace)
        with psycopg.connect(own) as connection:
            assert connection.execute("select to_regnamespace(%s)", [workspace.schema]).fetchone() == (None,)


async def test_workspaces_come_and_go(database: Database) -> None:
    first, second = await asyncio.gather(
        create_workspace(database, slug="one", name="One", now=NOW, time_zone="Europe/Berlin", currency="CHF"),
        create_workspace(database, slug="two", name="Two", now=NOW),
    )
    assert first.schema != second.schema
    assert await get_workspace(database, "one") == first == await workspace_by_id(database, first.id)
    assert {workspace.slug for workspace in await list_workspaces(database)} == {"one", "two"}
    with pytest.raises(Taken):
        await create_workspace(database, slug="one", name="Again", now=NOW)
    await drop_workspace(database, first)
    with pytest.raises(NotFound):
        await get_workspace(database, "one")
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select nspname::text from pg_catalog.pg_namespace where nspname like 'ws_%%'"
        )
        assert await cursor.fetchall() == [(second.schema,)]


async def test_a_workspace_schema_is_closed_and_portable(database: Database) -> None:
    workspace = await create_workspace(database, slug="one", name="One", now=NOW)
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select c.relname::text, c.relkind::text, exists (select 1 from pg_catalog.pg_index i"
            " where i.indrelid = c.oid and i.indisprimary) from pg_catalog.pg_class c"
            " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = %s::text",
            [workspace.schema],
        )
        found = await cursor.fetchall()
        triggers = await connection.execute("select count(*) from pg_catalog.pg_trigger where not tgisinternal")
        assert await triggers.fetchone() == (0,)
    assert {kind for _, kind, _ in found} == {"r", "i"}
    assert all(key for _, kind, key in found if kind == "r")
    assert max(len(name) for name, _, _ in found) <= 48


def test_every_migration_can_be_reached() -> None:
    script = run._script()
    assert set(script.get_heads()) == HEADS
    assert {revision.revision for revision in script.walk_revisions()} >= HEADS
