"""Fixtures for the whole suite: a real PostgreSQL server, a database per worker, a fresh workspace per test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.judge import Judge
from tests.support.recording import CURRENT, Recording, RecordingConnection
from xrm_core.kernel.clock import FixedClock
from xrm_core.storage import embedded
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace, list_workspaces

FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "max_connections": "200"}
NOW = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server for the whole run: the embedded one, or the one that XRM_TEST_DATABASE_URL names."""
    given = os.environ.get("XRM_TEST_DATABASE_URL")
    if given:
        yield given
        return
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "server"
    dsn = embedded.start(home, FAST)
    yield dsn
    embedded.leave(home)


@pytest.fixture(scope="session")
def database_dsn(server_dsn: str) -> Iterator[str]:
    """An own database for this worker, with functions and control schema."""
    name = f"xrm_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0 encoding 'UTF8'")
        connection.execute(f"alter database {name} set jit to off")  # as on all connections of the product
    dsn = make_conninfo(server_dsn, dbname=name)
    asyncio.run(_prepare(dsn))
    _guard(dsn)
    yield dsn
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


async def _prepare(dsn: str) -> None:
    async with Database(dsn) as database:
        await upgrade(database)


def _guard(dsn: str) -> None:
    """DDL that a distributed server would refuse fails here too; needs a superuser, as event triggers do."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("select usesuper from pg_catalog.pg_user where usename = current_user").fetchone()
        if row and row[0]:
            connection.execute((Path(__file__).parent / "support" / "guard.sql").read_bytes())


@pytest.fixture
async def database(database_dsn: str, judge: Judge) -> AsyncIterator[Database]:
    """An open `Database` whose statements are recorded and judged; everything made in it is gone afterwards."""
    del CURRENT.statements[:]
    async with Database(database_dsn, Limits(readers=4, writers=4), connection_class=RecordingConnection) as database:
        yield database
        verdict = judge.broken(CURRENT.statements)
        for workspace in await list_workspaces(database, archived=True):
            await drop_workspace(database, workspace)
        async with database.control() as connection:
            await connection.execute("delete from xrm_control.account")
            await connection.execute("delete from xrm_control.setting")
    assert not verdict, "statements that break the SQL rules:\n" + "\n".join(verdict)


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    """A fresh workspace; `workspace.schema` is its schema."""
    return await create_workspace(database, slug="test", name="Test", now=NOW, time_zone="Europe/Berlin")


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at a month's end."""
    return FixedClock(NOW)


@pytest.fixture
def statements(database: Database) -> Recording:
    """The statements sent so far by this test: `with statements.counting() as sent: …; assert sent.count == 1`."""
    return CURRENT


@pytest.fixture(scope="session")
def judge(database_dsn: str) -> Iterator[Judge]:
    """Judges statements by the rules; has a connection of its own, which only parses."""
    with Judge(database_dsn) as found:
        yield found
