"""Bringing the control schema and every workspace schema up to date: resumable, one migration per transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import sqlalchemy
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory

from xrm_core.storage import functions
from xrm_core.storage.database import Connection, Database

CONTROL = "xrm_control"
_LOST_RACES = ("23505", "42P06", "42P07", "42710", "XX000")
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an upgrade does or would do: `place` is a schema, `revision` a migration."""

    place: str
    revision: str
    summary: str


async def upgrade(database: Database, *, plan: bool = False) -> list[Step]:
    """Bring functions, control schema and all workspaces up to date; with `plan` only say what would run."""
    if plan:
        return await _plan(database)
    await prepare(database)
    done: list[Step] = []
    async with _only_one(database):
        done += await _functions(database, database.dsns.ddl)
        done += await _migrate(database, database.dsns.control, CONTROL, "control")
        for schema, dsn in await _workspaces(database):
            if dsn:
                done += await _functions(database, dsn)
            done += await _migrate(database, dsn or database.dsns.ddl, schema, "workspace")
    return done


async def upgrade_workspace(database: Database, schema: str, dsn: str | None = None) -> list[Step]:
    """Make the schema of one workspace, or bring it up to date."""
    done = await _functions(database, dsn) if dsn else []
    return done + await _migrate(database, dsn or database.dsns.ddl, schema, "workspace")


async def prepare(database: Database) -> None:
    """Make the control schema with its lock table, the one thing that exists before the first migration."""
    async with database.connect(database.dsns.control) as connection:
        for attempt in range(10):
            try:
                await _make_schema(connection, CONTROL, local=True)
                await connection.execute(
                    f"create table if not exists {CONTROL}.lock"
                    ' (name text collate "C" primary key, holder text, until timestamptz)'
                )
                await connection.execute(f"insert into {CONTROL}.lock (name) values ('upgrade') on conflict do nothing")
                return
            except psycopg.Error as error:
                if error.sqlstate not in _LOST_RACES or attempt == 9:
                    raise
            await asyncio.sleep(0.05)


async def _plan(database: Database) -> list[Step]:
    async with database.connect(database.dsns.ddl) as connection:
        current = await functions.installed_fingerprint(connection) == functions.fingerprint()
    found = [] if current else [Step(functions.SCHEMA, functions.fingerprint()[:12], "SQL functions and extensions")]
    found += await asyncio.to_thread(_pending, database.conninfo(database.dsns.control), CONTROL, "control")
    if found and any(step.revision == "control_0001" for step in found):
        return found  # a new installation has no workspaces
    for schema, dsn in await _workspaces(database):
        found += await asyncio.to_thread(_pending, database.conninfo(dsn or database.dsns.ddl), schema, "workspace")
    return found


@asynccontextmanager
async def _only_one(database: Database) -> AsyncIterator[None]:
    """Hold the row lock "upgrade": of several processes that start together one migrates, the others wait."""
    async with database.connect(database.dsns.control) as connection, connection.transaction():
        await connection.execute("set local idle_in_transaction_session_timeout to 0")
        await connection.execute(f"select name from {CONTROL}.lock where name = 'upgrade' for update")
        yield


async def _workspaces(database: Database) -> Sequence[tuple[str, str | None]]:
    async with database.connect(database.dsns.control) as connection:
        cursor = await connection.execute(f"select schema_name, dsn from {CONTROL}.workspace order by id")
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _functions(database: Database, dsn: str) -> list[Step]:
    async with database.connect(dsn) as connection:
        if await functions.installed_fingerprint(connection) == functions.fingerprint():
            return []
        await functions.install(connection)
    return [Step(functions.SCHEMA, functions.fingerprint()[:12], "SQL functions and extensions")]


async def _make_schema(connection: Connection, schema: str, *, local: bool = False) -> None:
    async with connection.transaction():
        if local:  # the control schema stays on one node of a distributed server; elsewhere the setting means nothing
            await connection.execute("set local citus.enable_schema_based_sharding to off")
        await connection.execute(f"create schema if not exists {schema}")


async def _migrate(database: Database, dsn: str, schema: str, branch: str) -> list[Step]:
    if branch == "workspace":
        async with database.connect(dsn) as connection:
            await _make_schema(connection, schema)
    return await asyncio.to_thread(_run, database.conninfo(dsn), schema, branch, database.trigram_schema)


def _run(conninfo: str, schema: str, branch: str, trigrams: str) -> list[Step]:
    script = _script()
    done: list[Step] = []

    def pending(revision: tuple[str, ...], context: MigrationContext) -> list[RevisionStep]:
        steps = _steps(script, branch, revision)
        done.extend(_named(schema, steps))
        return steps

    # Alembic's `op` and `context` belong to the process, so two threads must take turns.
    with _turn, _engine(conninfo).connect() as connection:
        config = _config()
        config.attributes.update(connection=connection, schema=schema, trigrams=trigrams)
        with EnvironmentContext(config, script, fn=pending):
            script.run_env()
    return done


def _pending(conninfo: str, schema: str, branch: str) -> list[Step]:
    script = _script()
    with _engine(conninfo).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "schema_version", "version_table_schema": schema}
        )
        heads = context.get_current_heads()
    return _named(schema, _steps(script, branch, heads))


def _steps(script: ScriptDirectory, branch: str, heads: tuple[str, ...]) -> list[RevisionStep]:
    # What alembic's own upgrade command asks; its annotation forgets that several heads are a tuple.
    return list(script._upgrade_revs(f"{branch}@head", heads))  # type: ignore[arg-type]


def _named(schema: str, steps: Sequence[RevisionStep]) -> list[Step]:
    return [Step(schema, step.revision.revision, step.doc or "") for step in steps]


def _engine(conninfo: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(conninfo),
        poolclass=sqlalchemy.NullPool,
        use_native_hstore=False,
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
