"""Requests per second of the real server beside a bare one: same machine, same SQL, in turns; and the batch of creates."""

from __future__ import annotations

import asyncio
import os
import pstats
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from tests.bench import load, sql_level
from tests.bench.load import Shape
from tests.bench.report import Result
from tests.bench.workspace import MODULE, Bench
from xrm_core.definitions import Module
from xrm_core.kernel.actor import SYSTEM
from xrm_core.publishing import plan, publish
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.database import Database

ITEMS: dict[str, Any] = {
    "name": "bench_items", "label": "Item", "label_plural": "Items", "icon": "box", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "code", "type": "text", "label": "Code"},
        {"name": "quantity", "type": "integer", "label": "Quantity", "indexed": True},
        {"name": "price", "type": "money", "label": "Price"},
        {"name": "weight", "type": "decimal", "label": "Weight", "scale": 3},
        {"name": "due", "type": "date", "label": "Due", "indexed": True},
        {"name": "state", "type": "select", "label": "State", "indexed": True,
         "options": [{"name": "open", "label": "Open"}, {"name": "done", "label": "Done"}]},
        {"name": "tags", "type": "multi_select", "label": "Tags",
         "options": [{"name": "red", "label": "Red"}, {"name": "blue", "label": "Blue"}]},
        {"name": "note", "type": "text", "label": "Note"},
        {"name": "active", "type": "boolean", "label": "Active"},
    ],
}  # fmt: skip
"""A module of ordinary size: ten fields, four of them indexed, nothing computed but the title."""


async def _given(bench: Bench, ids: list[str]) -> dict[str, Any]:
    """The SQL of the bare routes: what the engine sends for the same requests, and two writes in one statement."""
    [(list_sql, list_params)] = await sql_level.statements(
        bench, lambda unit: read.find(unit, RecordQuery(MODULE, sort=("name",)))
    )
    [(get_sql, _)] = await sql_level.statements(bench, lambda unit: read.get(unit, MODULE, UUID(ids[0])))
    schema, table = bench.workspace.schema, f"{bench.workspace.schema}.m_{MODULE}"
    update = (
        f"with upd as (update {table} t set data = t.data || %s::jsonb, version = t.version + 1, updated_at = now()"
        f" where t.id = %s::uuid returning t.id, t.version, t.data), ev as (insert into {schema}.event"
        " (id, module_id, record_id, version, kind, actor, at, changes)"
        f" select %s::uuid, '{MODULE}', upd.id, upd.version, 'updated', %s::jsonb, now(), %s::jsonb from upd) select data::text from upd"
    )
    return {
        "list": list_sql,
        "list_params": list_params,
        "get": get_sql,
        "update": update,
        "actor": bench.actor.as_dict(),
    }


@asynccontextmanager
async def _server(kind: str, data_dir: Path, given: Path, profile: Path | None = None) -> AsyncIterator[str]:
    """The address of a server process of its own, which is stopped at the end."""
    arguments = [
        sys.executable,
        "-m",
        "tests.bench.serve",
        kind,
        str(data_dir),
        str(given),
        *([str(profile)] if profile else []),
    ]
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ},
    )
    assert process.stdout is not None
    where = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    if not where.startswith("http"):
        raise SystemExit(f"The {kind} server did not start.")
    try:
        yield where.replace("localhost", "127.0.0.1")
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


def _shapes(bench: Bench, ids: list[str]) -> dict[str, tuple[Shape, Shape, float]]:
    """By name: what is asked of the real server, of the bare one, and the least share of its rate."""
    signed = {"Authorization": f"Bearer {bench.token}"}
    typed = {"Content-Type": "application/json"}
    # As many as do not divide the number of records: each time a record comes round it gets another value.
    bodies = [orjson.dumps({"rating": number}) for number in range(1, 8)]
    base = f"/api/v1/records/{MODULE}"
    some = ids[:500]
    return {
        "list of 50": (Shape("GET", [f"{base}?sort=name"], signed), Shape("GET", ["/list"], {}), 0.6),
        "get": (
            Shape("GET", [f"{base}/{one}" for one in ids], signed),
            Shape("GET", [f"/get/{one}" for one in ids], {}),
            0.6,
        ),
        "PATCH with its event": (
            Shape("PATCH", [f"{base}/{one}" for one in some], {**signed, **typed}, bodies),
            Shape("PATCH", [f"/get/{one}" for one in some], typed, bodies),
            0.5,
        ),
    }


async def _ids(bench: Bench, database: Database) -> list[str]:
    async with database.writing() as connection:
        return [str(one) for one in await sql_level._ids(bench, connection, 2000)]


async def serving(bench: Bench, database: Database, data_dir: Path, seconds: float) -> list[Result]:
    """Lists, single records and changes per second."""
    ids = await _ids(bench, database)
    given = load.temporary(orjson.dumps(await _given(bench, ids), default=str))
    found = []
    try:
        async with _server("engine", data_dir, given) as engine, _server("bare", data_dir, given) as bare:
            for name, (ours, theirs, least) in _shapes(bench, ids).items():
                rates: list[tuple[float, float]] = []
                for where, shape in ((engine, ours), (bare, theirs)):
                    await load.rate(where, shape, 1)
                for turn in range(max(3, round(seconds))):
                    # Second by second in turns, and each pair compared by itself: the machine is not equally busy all the time.
                    if turn % 2:
                        rates.append((await load.rate(engine, ours, 1), await load.rate(bare, theirs, 1)))
                    else:
                        plain = await load.rate(bare, theirs, 1)
                        rates.append((await load.rate(engine, ours, 1), plain))
                share = statistics.median(one / other for one, other in rates)
                real, plain = (statistics.median(side) for side in zip(*rates, strict=True))
                note = f"{real:,.0f} requests/s against {plain:,.0f}"
                found.append(Result(name, share, least, at_most=False, note=note))
    finally:
        given.unlink()
    return found


async def batches(bench: Bench, database: Database, data_dir: Path) -> list[Result]:
    """Batches of 1,000 creates, one after the other; what they made is removed again."""
    await _with_items(bench, database)
    given = load.temporary(b"{}")
    headers = {"Authorization": f"Bearer {bench.token}", "Content-Type": "application/json"}
    base = 200_000_000 + int(time.time()) % 1_000_000 * 100
    results = []
    async with database.writing() as connection:
        cursor = await connection.execute("select clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
    try:
        async with _server("engine", data_dir, given) as where:
            address = urlsplit(where)
            reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**24)
            for module, make in (("bench_items", _items), (MODULE, lambda start: bench.raw(start, 1000))):
                times = []
                for turn in range(8):
                    rows = make(base + turn * 1000)
                    shape = Shape(
                        "POST", [f"/api/v1/records/{module}/batch"], headers, [orjson.dumps({"create": rows})]
                    )
                    started = time.perf_counter()
                    status, answer = await load.exchange(reader, writer, address.netloc, shape, 0)
                    if turn:
                        times.append(time.perf_counter() - started)
                    if status != 200:
                        raise SystemExit(f"A batch was refused: {answer[:500]!r}")
                took = statistics.median(times)
                note = f"{len(rows[0])} fields each; {took * 1000:.0f} ms"
                results.append(
                    Result(f"batch of 1,000 {module}", 1000 / took, 8000.0, at_most=False, unit="rec/s", note=note)
                )
            writer.close()
    finally:
        given.unlink()
        await forget(bench, database, row[0])
    return results


def _items(start: int) -> list[dict[str, Any]]:
    return [
        {"name": f"Item {number}", "code": f"C-{number}", "quantity": number % 50, "price": {"amount": "12.50", "currency": "EUR"},
         "weight": "1.250", "due": f"2026-{number % 12 + 1:02d}-15", "state": "open", "tags": ["red"],
         "note": f"Shelf {number % 90}", "active": True}
        for number in range(start, start + 1000)
    ]  # fmt: skip


async def _with_items(bench: Bench, database: Database) -> None:
    """Publish the module of ordinary size beside the pack's, once per workspace."""
    async with bench.units.begin(bench.workspace, bench.actor) as unit:
        definitions = unit.catalog.definitions
    if any(module.name == ITEMS["name"] for module in definitions.modules):
        return
    wanted = definitions.model_copy(update={"modules": (*definitions.modules, Module.model_validate(ITEMS))})
    async with database.writing() as connection:
        planned = await plan(connection, bench.workspace.schema, wanted)
    await publish(database, bench.workspace.schema, planned, SYSTEM, bench.units.clock.now())


async def forget(
    bench: Bench, database: Database, since: Any, modules: Sequence[str] = (MODULE, "bench_items")
) -> None:
    """Remove what was created since a moment, as if it had never been there."""
    schema = bench.workspace.schema
    async with database.connect(database.dsns.ddl) as connection:
        for module in modules:
            gone = f"select id from {schema}.m_{module} where created_at >= %s::timestamptz"
            for table in ("event", "search", "long_text"):
                await connection.execute(f"delete from {schema}.{table} where record_id in ({gone})", [since])
            await connection.execute(f"delete from {schema}.m_{module} where created_at >= %s::timestamptz", [since])
            await connection.execute(f"vacuum (analyze) {schema}.m_{module}")


async def profiled(bench: Bench, database: Database, data_dir: Path, seconds: float) -> None:
    """Where the time of the real server goes, by kind of request."""
    ids = await _ids(bench, database)
    given = load.temporary(b"{}")
    for name, (ours, _, _) in _shapes(bench, ids).items():
        target = Path(tempfile.gettempdir()) / f"xrm-bench-{os.getpid()}.prof"
        async with _server("engine", data_dir, given, target) as where:
            await load.rate(where, ours, seconds)
        print(f"\nProfile of {name} (own time, then with what is called)")
        for order in ("tottime", "cumtime"):
            pstats.Stats(str(target)).sort_stats(order).print_stats(35)
        target.unlink()
    given.unlink()
