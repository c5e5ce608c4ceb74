"""The workspace that is measured: the recruiting pack with generated candidates, made once per size and kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from tests.bench import data
from xrm_core.access.callers import Doorkeeper
from xrm_core.access.passwords import Passwords
from xrm_core.access.tokens import Tokens
from xrm_core.access.users import Users
from xrm_core.app import PACKS
from xrm_core.catalog import Catalogs, CompiledModule
from xrm_core.definitions import DefinitionSet
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import SystemClock
from xrm_core.packs.install import joined
from xrm_core.packs.validate import check_folder
from xrm_core.publishing import plan, publish
from xrm_core.records import write
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import members as member_store
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.rows import Table
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace, list_workspaces

T = TypeVar("T")
PACK = PACKS / "recruiting"
MODULE = "candidates"
CHUNK = 2_000
MOST_BY_ENGINE, COPIED = 100_000, 20_000
"""Up to so many all go through the engine; of more, the first go through it and the others are copies of those."""


@dataclass
class Bench:
    """A filled workspace and how to act in it."""

    database: Database
    workspace: Workspace
    units: Units
    actor: Actor
    rows: int
    token: str = ""
    sources: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    async def run(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.units.run(self.workspace, self.actor, work)

    async def module(self) -> CompiledModule:
        async with self.units.begin(self.workspace, self.actor) as unit:
            return unit.module(MODULE)

    def raw(self, start: int, count: int) -> list[dict[str, Any]]:
        """Candidates as a client sends them."""
        return list(data.candidates(start, count, list(self.sources), list(self.clients)))


def _slug(rows: int) -> str:
    """The name tells what the workspace was made of: the definition of the module, and what the generator makes."""
    digest = hashlib.sha256((PACK / "modules" / f"{MODULE}.json").read_bytes())
    digest.update(orjson.dumps([data.candidate(number, ["source"], ["client"]) for number in range(20)]))
    return f"bench-{rows}-{digest.hexdigest()[:8]}"


async def prepare(database: Database, rows: int, say: Callable[[str], None]) -> Bench:
    """The workspace with that many candidates; kept from an earlier run if pack and generator are the same."""
    await upgrade(database)
    slug = _slug(rows)
    for known in await list_workspaces(database):
        if known.slug == slug:
            return await _again(database, known, rows)
        if known.slug.startswith(f"bench-{rows}-") or known.slug == f"filling-{rows}":
            await drop_workspace(database, known)
    clock = SystemClock()
    workspace = await create_workspace(
        database, slug=f"filling-{rows}", name="Bench", now=clock.now(), time_zone="Europe/Berlin"
    )
    contents, problems = check_folder(PACK)
    if problems:
        raise SystemExit(f"The pack has problems: {problems[:3]}")
    async with database.writing() as connection:
        planned = await plan(connection, workspace.schema, joined(DefinitionSet(), contents))
    await publish(database, workspace.schema, planned, SYSTEM, clock.now())
    bench = await _bench(database, workspace, rows)
    await _fill(bench, say)
    async with database.control() as connection:
        await connection.execute(
            "update xrm_control.workspace set slug = %s::text where id = %s::uuid", [slug, workspace.id]
        )
    return bench


async def _again(database: Database, workspace: Workspace, rows: int) -> Bench:
    bench = await _bench(database, workspace, rows)
    async with database.writing() as connection:
        bench.sources = await _ids(connection, bench.workspace, "sources")
        bench.clients = await _ids(connection, bench.workspace, "clients")
    return bench


async def _bench(database: Database, workspace: Workspace, rows: int) -> Bench:
    clock = SystemClock()
    doorkeeper = Doorkeeper(database, clock)
    async with database.writing() as connection:
        members = await member_store.members(connection, workspace.schema)
    if not members:
        made = await Users(doorkeeper, Passwords()).create(
            workspace, email="bench@example.com", name="Bench", roles=["admin"], password="a long pass phrase"
        )
        members = [made.member]
    _, secret = await Tokens(doorkeeper).create(workspace, members[0].id, "bench")
    actor = Actor(user_id=members[0].id, name="Bench", roles=("admin",), kind="api")
    return Bench(database, workspace, Units(database, Catalogs(database), clock), actor, rows, secret)


async def _ids(connection: Connection, workspace: Workspace, module: str) -> tuple[str, ...]:
    cursor = await connection.execute(f"select id::text from {workspace.schema}.m_{module} order by id")
    return tuple(found for (found,) in await cursor.fetchall())


async def _fill(bench: Bench, say: Callable[[str], None]) -> None:
    """Candidates go in through the engine's own way of creating many; copies of them without indexes, which are made afterwards."""
    bench.sources = await _make(bench, "sources", data.sources())
    bench.clients = await _make(bench, "clients", data.clients())
    module = await bench.module()
    table = module.table
    async with bench.database.connect(bench.database.dsns.ddl) as connection:
        cursor = await connection.execute(
            "select indexname, indexdef from pg_catalog.pg_indexes where schemaname = %s::text and tablename = %s::text"
            " and indexname not like '%%pkey'",
            [table.schema, table.name],
        )
        indexes = await cursor.fetchall()
        started = time.monotonic()
        through = bench.rows if bench.rows <= MOST_BY_ENGINE else COPIED
        for start in range(0, through, CHUNK):
            given = [write.Given(one) for one in bench.raw(start, min(CHUNK, through - start))]
            await bench.run(lambda unit, given=given: _create(unit, given))
            if start in (0, CHUNK * 4):
                # Looking for duplicates needs its indexes, and the planner has to know that there is something in them.
                await connection.execute(f"analyze {table.qualified}")
            if start and start % 20_000 == 0:
                say(f"{start:,} candidates, {start / (time.monotonic() - started):,.0f} records/s")
        for name, _ in indexes if bench.rows > through else ():
            await connection.execute(f'drop index {table.schema}."{name}"')
        for copy in range(1, bench.rows // through):
            await _multiply(connection, table, copy, through)
            say(f"{through * (copy + 1):,} candidates")
        for _, definition in indexes if bench.rows > through else ():
            await connection.execute(definition)
        await connection.execute(f"vacuum (analyze, freeze) {table.qualified}")
        await connection.execute(f"vacuum (analyze) {table.schema}.event")
        await connection.execute(f"vacuum (analyze) {table.schema}.search")


async def _multiply(connection: Connection, table: Table, copy: int, rows: int) -> None:
    """Another copy of the first candidates, with ids, addresses and profiles of their own: what the engine made, times ten."""
    schema, own = table.schema, ("id", "data", "p_email", "p_linkedin_url")
    columns = [column for column in table.columns() if column not in own]
    await connection.execute("drop table if exists pg_temp.copied")
    await connection.execute(
        "create temp table copied as select t.id as old, pg_catalog.uuidv7() as new, (row_number() over (order by t.id)) + %s::bigint as n"
        f" from (select id from {table.qualified} order by id limit %s::bigint) t",
        [copy * rows, rows],
    )
    values = (
        "jsonb_build_object('email', format('candidate.%%s@mail.example.com', c.n),"
        " 'linkedin_url', format('https://www.linkedin.com/in/candidate-%%s', c.n))"
    )
    plain = ", ".join(f"t.{column}" for column in columns)
    await connection.execute(
        f"insert into {table.qualified} (id, data, p_email, p_linkedin_url, {', '.join(columns)})"
        f" select c.new, t.data || {values}, format('candidate.%%s@mail.example.com', c.n),"
        f" format('https://www.linkedin.com/in/candidate-%%s', c.n), {plain}"
        f" from pg_temp.copied c join {table.qualified} t on t.id = c.old order by c.new",
        [],
    )
    await connection.execute(
        f"insert into {schema}.event (id, module_id, record_id, version, kind, actor, at, changes)"
        f" select pg_catalog.uuidv7(), e.module_id, c.new, e.version, e.kind, e.actor, e.at, e.changes"
        f" from pg_temp.copied c join {schema}.event e on e.record_id = c.old"
    )
    await connection.execute(
        f"insert into {schema}.long_text select x.module_id, c.new, x.field_id, x.value"
        f" from pg_temp.copied c join {schema}.long_text x on x.record_id = c.old and x.module_id = %s::text",
        [table.module_id],
    )


async def _create(unit: Unit, given: Sequence[write.Given]) -> None:
    module = unit.module(MODULE)
    _, drafts, _ = await write.create_all(unit, module, given)
    wrong = [draft.problems for draft in drafts if draft.problems]
    if wrong:
        raise SystemExit(f"Generated candidates are refused: {wrong[0]}")


async def _make(bench: Bench, module: str, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    async def work(unit: Unit) -> tuple[str, ...]:
        _, drafts, _ = await write.create_all(unit, unit.module(module), [write.Given(row) for row in rows])
        if any(draft.problems for draft in drafts):
            raise SystemExit(f"Generated {module} are refused: {[d.problems for d in drafts if d.problems][0]}")
        return tuple(str(draft.row.id) for draft in drafts)

    return await bench.run(work)
